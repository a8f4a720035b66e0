//! The audit log: who did, saw, exported or was refused what.

mod export;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Params, page};
use crate::api::problem::{Kind, Problem};
use crate::api::schema;
use crate::app::App;
use crate::audit::verbs;
use crate::domain::access::{Action, Role};
use crate::domain::audit::{ActorKind, Entry, Head, Outcome, Subject};
use crate::domain::text::excerpt;
use crate::domain::{HouseholdId, Timestamp};
use crate::store::audit::AuditFilter;

/// The operations on the audit log.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(export::export)).routes(routes!(verify))
}

/// The one who acted, as they were then.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditActor)]
pub struct ActorBody {
    /// The kind of the one who acted.
    #[schema(schema_with = schema::actor_kind)]
    kind: &'static str,
    /// The account of a person, or the id of a token; null for all others.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    id: Option<Uuid>,
    /// The person's name, or what the token is for; empty for somebody who is not signed in.
    name: String,
    /// The role; null for the host itself and for somebody who is not signed in.
    #[schema(required, schema_with = schema::role_or_null)]
    role: Option<&'static str>,
}

/// What was dealt with.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditSubject)]
pub struct SubjectBody {
    /// The kind.
    #[schema(example = "note")]
    kind: &'static str,
    /// The id; null where it has none, or it was not known.
    #[schema(required)]
    id: Option<String>,
}

/// An entry of the audit log. It has ids, and no value of a client.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct EntryBody {
    /// The entry's number; they go up by one.
    number: u64,
    /// The moment at which it was written.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The one who acted.
    actor: ActorBody,
    /// The address that it came from; `this machine` for commands and the host itself.
    source: String,
    /// The verb.
    #[schema(example = "notes.retry")]
    verb: String,
    /// What was dealt with.
    subject: SubjectBody,
    /// The household that it concerns; null where it concerns none.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    household_id: Option<HouseholdId>,
    /// What came of it.
    #[schema(schema_with = schema::audit_outcome)]
    outcome: &'static str,
    /// The reason why it was refused or failed; null where it was done.
    #[schema(required)]
    because: Option<String>,
    /// More about it: names of fields, a number of rows; empty where there is no more.
    detail: String,
}

impl From<Entry> for EntryBody {
    fn from(entry: Entry) -> Self {
        let Entry { number, at, act } = entry;
        let by = act.by;
        let (kind, role) = (by.kind.as_str(), by.role.map(Role::as_str));
        Self {
            number,
            at,
            actor: ActorBody { kind, id: by.id, name: by.name, role },
            source: act.source,
            verb: act.verb,
            subject: SubjectBody { kind: act.subject.kind, id: Some(act.subject.id).filter(|id| !id.is_empty()) },
            household_id: act.household,
            outcome: act.outcome.as_str(),
            because: act.outcome.because().map(str::to_owned),
            detail: act.detail,
        }
    }
}

/// Parameters that name a part of the log, and more.
macro_rules! filter_params {
    ($(#[$doc:meta])* $name:ident { $($more:tt)* }) => {
        $(#[$doc])*
        #[derive(Deserialize, IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub struct $name {
            /// The account or token that acted.
            #[param(value_type = Option<String>, format = Uuid)]
            actor_id: Option<Uuid>,
            /// The kind of the one who acted.
            #[param(schema_with = schema::actor_kind, required = false)]
            actor_kind: Option<String>,
            /// The verb; the part before its full stop stands for all of them: `notes`.
            #[param(schema_with = schema::audit_verb, required = false)]
            verb: Option<String>,
            /// The kind of what was dealt with.
            #[param(schema_with = schema::subject_kind, required = false)]
            subject_kind: Option<String>,
            /// The id of what was dealt with.
            subject_id: Option<String>,
            /// The household.
            #[param(value_type = Option<String>, format = Uuid)]
            household_id: Option<HouseholdId>,
            /// What came of it.
            #[param(schema_with = schema::audit_outcome, required = false)]
            outcome: Option<String>,
            /// The first moment.
            #[param(value_type = Option<String>, format = DateTime)]
            since: Option<Timestamp>,
            /// The moment before which the last entry was written; later than `since`.
            #[param(value_type = Option<String>, format = DateTime)]
            until: Option<Timestamp>,
            $($more)*
        }

        impl $name {
            fn filter(&mut self) -> Result<AuditFilter, Problem> {
                let kinds = ActorKind::ALL.map(ActorKind::as_str).join(", ");
                let kind = |word: &str| ActorKind::ALL.into_iter().find(|kind| kind.as_str() == word);
                let outcome = |word: &str| Outcome::WORDS.into_iter().find(|known| *known == word);
                let (subject, subjects) = (self.subject_kind.take(), Subject::KINDS.join(", "));
                if let (Some(since), Some(until)) = (self.since, self.until)
                    && until <= since
                {
                    let message = format!("`until` {until} is not after `since` {since}: no entry is between them.");
                    return Err(Problem::new(Kind::Malformed, message));
                }
                Ok(AuditFilter {
                    actor: self.actor_id,
                    actor_kind: word("actor_kind", self.actor_kind.take(), kind, &kinds)?,
                    verb: self.verb.take().map(known_verb).transpose()?,
                    subject_kind: word("subject_kind", subject, Subject::kind_of, &subjects)?,
                    subject_id: self.subject_id.take(),
                    household: self.household_id,
                    outcome: word("outcome", self.outcome.take(), outcome, &Outcome::WORDS.join(", "))?,
                    since: self.since,
                    until: self.until,
                })
            }
        }
    };
}

filter_params! {
    /// The page of the log that is asked for.
    ListParams {
        /// The number of entries, 1 to 500; 50 if not said.
        #[param(minimum = 1, maximum = 500)]
        limit: Option<usize>,
        /// `next` of the page before.
        cursor: Option<String>,
    }
}

filter_params! {
    /// The part of the log that is exported.
    ExportParams {}
}

/// A verb, or the area of some, that entries can have.
fn known_verb(word: String) -> Result<String, Problem> {
    if verbs::is_known(&word) {
        return Ok(word);
    }
    let areas = Vec::from_iter(verbs::areas()).join(", ");
    let message = format!(
        "`verb` cannot be `{}`; it can be a whole verb, such as `notes.retry`, or one of {areas}.",
        excerpt(&word, 60)
    );
    Err(Problem::new(Kind::Malformed, message))
}

/// The word of a parameter, which has to be one of those there are.
fn word<T>(
    name: &str,
    given: Option<String>,
    known: impl Fn(&str) -> Option<T>,
    all: &str,
) -> Result<Option<T>, Problem> {
    let read = |word: String| {
        known(&word).ok_or_else(|| {
            Problem::new(Kind::Malformed, format!("`{name}` cannot be `{}`; it can be {all}.", excerpt(&word, 60)))
        })
    };
    given.map(read).transpose()
}

/// The audit log, newest first. A page may have fewer entries than were asked for, or none, and another follow: so many
/// entries are looked at for each.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    operation_id = "list_audit",
    tag = "audit",
    security(("token" = []), ("session" = [])),
    params(ListParams),
    responses((status = 200, body = List<EntryBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<ListParams>, Problem>,
) -> Result<Json<List<EntryBody>>, Problem> {
    caller.may(Action::ReadAudit)?;
    let Params(mut params) = params?;
    let filter = params.filter()?;
    let page = page(params.limit, params.cursor)?;
    // What was seen until now is part of what is looked for.
    app.audit.flush().await;
    Ok(Json(List::of(app.store.audit(filter, page).await?)))
}

/// A head that was printed before.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerifyParams {
    /// `head` of an answer before, which was kept elsewhere.
    #[param(pattern = "^[0-9]{1,19}:[0-9a-f]{64}$")]
    expect: Option<String>,
}

/// The place at which the chain breaks.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditBreak)]
pub struct BreakBody {
    /// The way in which it breaks.
    #[schema(example = "altered")]
    kind: &'static str,
    /// The number of the first entry that does not hold.
    number: u64,
    /// The message.
    message: String,
}

/// What came of checking the chain.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditVerified)]
pub struct VerifiedBody {
    /// Whether every entry is what was written, and none is missing.
    holds: bool,
    /// The number of entries that were checked.
    entries: u64,
    /// The last entry's number and hash, to be kept elsewhere and given back as `expect`.
    #[schema(example = "7:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    head: String,
    /// The place at which it breaks; null where it holds.
    #[schema(required)]
    r#break: Option<BreakBody>,
}

/// Checks every entry of the audit log against its hash, the entry before and the log's end, and against a head that was
/// kept elsewhere.
#[utoipa::path(
    get,
    path = "/api/v1/audit/verify",
    operation_id = "verify_audit",
    tag = "audit",
    security(("token" = []), ("session" = [])),
    params(VerifyParams),
    responses((status = 200, body = VerifiedBody))
)]
pub async fn verify(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<VerifyParams>, Problem>,
) -> Result<Json<VerifiedBody>, Problem> {
    caller.may(Action::ReadAudit)?;
    let Params(VerifyParams { expect }) = params?;
    let expected = expect.map(|text| text.parse::<Head>()).transpose();
    let expected =
        expected.map_err(|error| Problem::new(Kind::Malformed, format!("`expect` cannot be used: {error}.")))?;
    app.audit.flush().await;
    let head = app.store.audit_head().await?;
    Ok(Json(match app.store.verify_audit(expected).await? {
        Ok(checked) => {
            VerifiedBody { holds: true, entries: checked.entries, head: checked.head.to_string(), r#break: None }
        }
        Err(broken) => VerifiedBody {
            holds: false,
            entries: broken.number().saturating_sub(1),
            head: head.to_string(),
            r#break: Some(BreakBody { kind: broken.as_str(), number: broken.number(), message: format!("{broken}.") }),
        },
    }))
}
