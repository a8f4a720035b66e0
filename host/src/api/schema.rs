//! Schemas of the domain's words, so that the document lists what a field can be.

use utoipa::openapi::schema::{Array, ArrayBuilder, Object, ObjectBuilder, SchemaType, Type};

use crate::app::troubleshoot;
use crate::audit::verbs;
use crate::domain::absence::AbsenceReviewState;
use crate::domain::access::household::STAFF_ROLES;
use crate::domain::access::{Role, Scope};
use crate::domain::account::AccountState;
use crate::domain::audit::{ActorKind, Outcome, Subject};
use crate::domain::import::RowStatus;
use crate::domain::note::Stage;
use crate::domain::record::RecordKind;
use crate::domain::review::ReviewState;
use crate::domain::run::{ChangeKind, RunState};
use crate::notes::MOST_DOCUMENTS;
use crate::pack::Gate;
use crate::sync::ClientSyncOutcome;

fn one_of<'a>(what: &str, values: impl IntoIterator<Item = &'a str>) -> Object {
    let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values));
    schema.description(Some(what)).build()
}

fn one_of_or_null<'a>(what: &str, values: impl IntoIterator<Item = &'a str>) -> Object {
    let values = values.into_iter().map(serde_json::Value::from).chain([serde_json::Value::Null]);
    let types = SchemaType::from_iter([Type::String, Type::Null]);
    ObjectBuilder::new().schema_type(types).enum_values(Some(values)).description(Some(what)).build()
}

pub fn explained_kind() -> Object {
    one_of("Which record of the client is explained.", RecordKind::of_clients().map(RecordKind::as_str))
}

pub fn staged_state() -> Object {
    one_of("Whether the revision went through all gates.", ["verified", "refused"])
}

pub fn incoming_state() -> Object {
    let what = "What became of a pack in the watched folder: `arriving` (waited for until it is whole), `staged`, `previewed` \
                (it may come in force by itself, and its preview is being made), `activated` (it did), `base` (packs that extend it have \
                it from there), or `refused`.";
    one_of(what, ["arriving", "staged", "previewed", "activated", "base", "refused"])
}

pub fn revision_state() -> Object {
    one_of("How the revision stands by now.", ["verified", "active", "retired", "taken_back"])
}

pub fn part() -> Object {
    one_of("The part that somebody has in a household.", ["primary", "secondary", "staff"])
}

pub fn gate() -> Object {
    let names = Gate::ALL.iter().filter_map(|gate| serde_json::to_value(gate).ok());
    let names: Vec<String> = names.filter_map(|name| name.as_str().map(str::to_owned)).collect();
    one_of("The gate.", names.iter().map(String::as_str))
}

pub fn change_cause() -> Object {
    let what = "Why the value changed: the CRM's record, another revision of the pack, one or both of them, the day, a person's \
                edit, or the CRM over such an edit. Null where it is known only that a sync brought it.";
    one_of_or_null(what, ["crm", "revision", "crm_or_revision", "day", "edit", "override"])
}

pub fn record_kind() -> Object {
    one_of("A kind of record.", RecordKind::ALL.iter().map(|kind| kind.as_str()))
}

pub fn made_state() -> Object {
    one_of("What a mapping makes of a record.", ["mapped", "skipped", "rejected"])
}

pub fn visibility() -> Object {
    one_of("Whether the CRM still shows the client.", ["visible", "not_visible"])
}

pub fn not_visible() -> Object {
    one_of("Only those whom the CRM no longer shows.", ["not_visible"])
}

pub fn changed_record() -> Object {
    let what = "What was changed: a client, or a goal or cover in a client's list.";
    one_of(what, RecordKind::of_clients().map(RecordKind::as_str))
}

pub fn change_kind() -> Object {
    let what = "What the run did. What is new in a first walk is not listed one by one.";
    one_of(what, ChangeKind::ALL.iter().map(|kind| kind.as_str()))
}

pub fn stage() -> Object {
    one_of(
        "A stage that every record passes, in this order.",
        troubleshoot::Stage::ALL.iter().map(|stage| stage.as_str()),
    )
}

pub fn stage_or_null() -> Object {
    one_of_or_null("The stage where the record ends.", troubleshoot::Stage::ALL.iter().map(|stage| stage.as_str()))
}

pub fn stage_outcome() -> Object {
    one_of("How the record fares at a stage.", troubleshoot::StageResult::ALL.iter().map(|outcome| outcome.as_str()))
}

pub fn standing() -> Object {
    let what = "Where the question stands: `none` where no run asks.";
    one_of(what, std::iter::once("none").chain(AbsenceReviewState::ALL.iter().map(|standing| standing.as_str())))
}

pub fn departure_kind() -> Object {
    one_of("What is missing.", RecordKind::of_clients().map(RecordKind::as_str))
}

pub fn run_state() -> Object {
    let what = "Where the run stands. `running` is also one that was interrupted and is about to be taken up again.";
    one_of(what, RunState::ALL.iter().map(|state| state.as_str()))
}

pub fn trigger() -> Object {
    one_of("What set the run off.", ["schedule", "request", "resume", "client", "revision"])
}

pub fn client_sync_outcome() -> Object {
    let what = "What became of the client; `not_visible`: the CRM does not show it, and nothing was changed.";
    one_of(what, ClientSyncOutcome::ALL.iter().map(|outcome| outcome.as_str()))
}

pub fn note_state() -> Object {
    let what = "Where the note stands: `waiting` waits for its next try or an authorisation, `dead` for a person.";
    one_of(what, ["queued", "sending", "waiting", "done", "dead"])
}

pub fn note_stage() -> Object {
    let what = "How far the note has come, finer than its state: `in_doubt` asks a person whether it is in the CRM.";
    one_of(what, Stage::ALL.iter().map(|stage| stage.as_str()))
}

pub fn note_stage_or_null() -> Object {
    one_of_or_null("In this stage only; null for any.", Stage::ALL.iter().map(|stage| stage.as_str()))
}

pub fn document_ids() -> Array {
    let id = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9a-f]{64}$"));
    let what = "Documents that go with the file note, in order: ids of documents that were uploaded before.";
    ArrayBuilder::new().items(id).max_items(Some(MOST_DOCUMENTS)).description(Some(what)).build()
}

/// One server-sent event, as the specification of OpenAPI 3.2 describes them: its lines, of which `data` is JSON.
pub fn run_event() -> Object {
    let text = |what: &str| ObjectBuilder::new().schema_type(Type::String).description(Some(what));
    ObjectBuilder::new()
        .description(Some("One event of the stream."))
        .property("event", text("`run`."))
        .property("id", text("The run's state."))
        .property("data", text("The run as JSON, of the schema `Run`.").content_media_type("application/json"))
        .required("data")
        .build()
}

pub fn document_source() -> Object {
    one_of("Whether the host made the document or somebody uploaded it.", ["made", "uploaded"])
}

pub fn import_state() -> Object {
    one_of("Where the list stands.", ["reading", "previewed", "applied"])
}

pub fn row_status() -> Object {
    one_of("What will become of the row.", RowStatus::ALL.map(RowStatus::as_str))
}

pub fn review_state() -> Object {
    let what = "Where the client stands in the queue: an `imported` one comes with the next sync.";
    one_of(what, ReviewState::ALL.map(ReviewState::as_str))
}

pub fn likeness() -> Object {
    one_of(
        "What the two have in common.",
        ["email", "name_and_date_of_birth", "name_and_mobile", "name_and_partner", "name"],
    )
}

pub fn household_role() -> Object {
    one_of("The place in the household: the primary client is the CFO.", ["cfo", "non_cfo"])
}

pub fn severity() -> Object {
    one_of("How much it matters.", ["info", "warning", "error"])
}

pub fn role() -> Object {
    one_of("What the person may do in the practice.", Role::ALL.map(Role::as_str))
}

pub fn staff_role() -> Object {
    one_of("The role of the person in the household.", STAFF_ROLES.map(Role::as_str))
}

pub fn role_or_null() -> Object {
    one_of_or_null("The role in the practice by then; null where there is none.", Role::ALL.map(Role::as_str))
}

pub fn actor_kind() -> Object {
    let what = "The kind of the one who acted: a person who signed in, a program with a token or with that of the settings, \
                whoever runs the machine, the host itself, or somebody who is not signed in.";
    one_of(what, ActorKind::ALL.map(ActorKind::as_str))
}

pub fn subject_kind() -> Object {
    one_of("The kind of what was dealt with.", Subject::KINDS)
}

pub fn audit_verb() -> Object {
    one_of("What was done, seen or refused, or the area of it.", verbs::words())
}

pub fn audit_outcome() -> Object {
    one_of("What came of it: it was done, refused, or failed.", Outcome::WORDS)
}

pub fn account_state() -> Object {
    let what = "Where the account stands: `invited` until the person has chosen a password.";
    one_of(what, AccountState::ALL.map(AccountState::as_str))
}

pub fn scopes() -> Array {
    let scope = one_of("A part of what its maker may do; `manage` is all of it.", Scope::ALL.map(Scope::as_str));
    ArrayBuilder::new().items(scope).description(Some("What the token may do.")).build()
}
