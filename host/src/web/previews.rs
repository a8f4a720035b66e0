//! Previews, for practice managers: what a revision of a pack would change on the whole book, before it is in force.

pub(super) mod steps;

mod notes;

use std::borrow::Cow;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;

use self::notes::{BodyLine, NoteSection};
use super::answers::{AnswerQuery, Answers};
use super::changes::{Diff, name_people};
use super::components::{Badge, Paging, Tone, joined, pair};
use super::failure::{Failure, page};
use super::format;
use super::integrations::path as path_of;
use super::layout::{Layout, Section};
use super::listing::Asked;
use super::session::SignedIn;
use crate::access::Book;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::edit::FieldChange;
use crate::domain::made::MadeState;
use crate::domain::stored::StoredClient;
use crate::domain::text::full_stop;
use crate::domain::{ClientId, RecordKind};
use crate::integrations::RevisionState;
use crate::ops::Refusal;
use crate::pack::RuleDifference;
use crate::preview::{Couples, FieldSummary, Filter, Preview, PreviewState, RecordDifference};
use crate::store::page::{Page, PageRequest};

/// The couples of a kind that are named.
const COUPLES: usize = 10;

/// The multiple of today's time from which on it is told that reading takes longer.
const SLOWER: f64 = 1.25;

/// The examples of a field that are shown.
const EXAMPLES: usize = 3;

#[derive(Template)]
#[template(path = "preview.html")]
pub(super) struct PreviewPage {
    pub(super) layout: Layout,
    pub(super) id: String,
    pub(super) path: String,
    pub(super) connection: String,
    pub(super) connection_path: String,
    pub(super) to: String,
    pub(super) state: String,
    pub(super) error: Option<String>,
    /// The reason why it was not put in force just now.
    pub(super) refused: Option<String>,
    pub(super) is_running: bool,
    pub(super) done: u64,
    pub(super) expected: u64,
    pub(super) can_activate: bool,
    pub(super) can_discard: bool,
    pub(super) is_large: bool,
    /// The size of the change in words.
    pub(super) size: String,
    /// Whether the breaker took the revision back.
    pub(super) was_taken_back: bool,
    pub(super) figures: Vec<Figure>,
    pub(super) fields: Vec<FieldRow>,
    pub(super) warnings: Vec<WarningRow>,
    pub(super) couples: Vec<CoupleGroup>,
    pub(super) rules: Vec<RuleRow>,
    pub(super) has_other_plugin: bool,
    pub(super) has_other_documents: bool,
    pub(super) notes: NoteSection,
    /// The CRM's fields that it was not asked for yet.
    pub(super) not_asked_yet: String,
    /// The filter of the records, in words.
    pub(super) filtered: Option<String>,
    pub(super) records: Vec<RecordRow>,
    pub(super) paging: Paging,
}

/// A number with its word.
pub(super) struct Figure {
    number: String,
    word: Cow<'static, str>,
    path: Option<String>,
}

/// The changes of one field.
pub(super) struct FieldRow {
    label: String,
    path: String,
    count: String,
    examples: Vec<ExampleRow>,
    /// How many of them were empty, or would be.
    parts: Option<String>,
}

/// An example of a field's change.
pub(super) struct ExampleRow {
    diff: Diff,
    who: String,
}

/// The changes of one diagnostic.
pub(super) struct WarningRow {
    label: String,
    path: String,
    come: String,
    gone: String,
}

/// Couples who would join, or part.
pub(super) struct CoupleGroup {
    heading: String,
    lines: Vec<String>,
    more: Option<String>,
}

/// A rule that differs.
pub(super) struct RuleRow {
    path: String,
    diff: Diff,
}

/// A record that differs.
pub(super) struct RecordRow {
    name: String,
    external_id: String,
    path: Option<String>,
    badge: Badge,
    fields: Vec<Diff>,
    warnings: Vec<String>,
}

/// The records that are shown.
#[derive(Clone, Default, Deserialize)]
pub(super) struct RecordFilter {
    kind: Option<RecordKind>,
    field: Option<String>,
    diagnostic: Option<String>,
    becomes: Option<MadeState>,
}

/// `GET /settings/integrations/{name}/previews/{id}`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path((name, id)): Path<(String, String)>,
    Query(answer): Query<AnswerQuery>,
    asked: Asked<RecordFilter>,
) -> Result<Response, Failure> {
    person.may(Action::ReadWholeBook)?;
    let preview = find(&app, &name, &id)?;
    let refused = answers.of(&answer, person.user()).map(|answer| answer.message);
    Ok(view(&app, &person, preview, &asked, refused).await?.into_response())
}

const NO_PREVIEW: Failure =
    Failure::NotFound("There is no preview here, or it has expired. Make it anew from the revision.");

fn find(app: &App, name: &str, id: &str) -> Result<Preview, Failure> {
    let id = id.parse().map_err(|_| NO_PREVIEW)?;
    let preview = app.previews.one(id).map_err(Refusal::from)?;
    if preview.connection.as_str() == name { Ok(preview) } else { Err(NO_PREVIEW) }
}

/// The address of a preview.
pub(super) fn path(preview: &Preview) -> String {
    format!("{}/previews/{}", path_of(&preview.connection), preview.id)
}

async fn view(
    app: &App,
    person: &SignedIn,
    preview: Preview,
    asked: &Asked<RecordFilter>,
    refused: Option<String>,
) -> Result<Response, Failure> {
    let RecordFilter { kind, field, diagnostic, becomes } = asked.filter.clone();
    let filter = Filter { kind, field, code: diagnostic, becomes };
    let found = app.previews.differences(preview.id, filter.clone(), asked.page()).await.map_err(Refusal::from)?;
    let Page { items: mut differences, next } = found;
    let mut preview = preview;
    let book = person.book(app, Action::ReadWholeBook).await?;
    name_links(app, &book, &mut preview, &mut differences).await?;
    let names = Names::load(&book, &preview, &differences).await?;
    let whole = PageRequest { cursor: None, limit: usize::MAX };
    let history = app.integrations.revisions(&preview.connection, whole).await?.items;
    let of_revision = history.iter().find(|known| known.entry.digest == preview.to_digest);
    let in_force = app.connections.get(&preview.connection).map(|connection| connection.revision().digest());
    let is_current = in_force == Some(preview.from_digest) && of_revision.is_some_and(|known| known.is_kept);
    let path = path(&preview);
    let to_records = |pairs: &[String]| {
        let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
        format!("{path}?{}#records", joined(&pairs))
    };
    let query = query(&filter);
    let layout = Layout::load(app, person, Section::Settings).await?;
    page(&PreviewPage {
        layout,
        id: preview.id.to_string(),
        connection: preview.connection.to_string(),
        connection_path: path_of(&preview.connection),
        to: preview.to.to_string(),
        state: state(&preview, person),
        error: preview.error.as_ref().map(|error| full_stop(&format!("The preview came to nothing: {error}"))),
        refused,
        is_running: preview.state == PreviewState::Running,
        done: preview.records,
        expected: preview.expected.max(preview.records).max(1),
        can_activate: preview.state == PreviewState::Done && preview.activated_at.is_none() && is_current,
        can_discard: of_revision.is_some_and(|known| known.state == RevisionState::Verified),
        is_large: preview.is_large,
        size: preview.size(),
        was_taken_back: of_revision.is_some_and(|known| known.state == RevisionState::TakenBack),
        figures: figures(&preview, &to_records),
        fields: preview.changes.iter().map(|change| field_row(change, &names, &to_records)).collect(),
        warnings: warnings(&preview, &to_records),
        couples: [
            (&preview.households.joining, "would come to share a household"),
            (&preview.households.parting, "would no longer share a household"),
        ]
        .into_iter()
        .filter(|(couples, _)| couples.count > 0)
        .map(|(couples, what)| couple_group(couples, what, &names))
        .collect(),
        rules: preview.rules.iter().map(rule_row).collect(),
        has_other_plugin: preview.has_other_plugin,
        has_other_documents: preview.has_other_documents,
        notes: notes::section(app, person, &preview).await?,
        not_asked_yet: preview.not_asked_yet.join(", "),
        filtered: in_words(&filter),
        records: differences.iter().map(|one| record_row(one, &names)).collect(),
        paging: asked.paging(&path, &query, next.as_deref()),
        path,
    })
}

/// The state of a preview in a sentence.
fn state(preview: &Preview, person: &SignedIn) -> String {
    let pair = format!("From {} to {}", preview.from, preview.to);
    let by = format!("{}, {}", preview.by.who, format::time(preview.by.at, &person.clock.zone));
    let clients = format::count(preview.compared_clients, "client", "clients");
    match (preview.state, preview.activated_at) {
        (PreviewState::Running, _) => format!("{pair}: the whole book is being mapped, without asking the CRM."),
        (PreviewState::Cancelled, _) => format!("{pair}: it was ended before it was done ({by})."),
        (PreviewState::Failed, _) => format!("{pair}: it came to nothing ({by})."),
        (PreviewState::Done, None) => {
            format!("{pair}, on all {clients}, without asking the CRM. Nothing has changed yet. By {by}.")
        }
        (PreviewState::Done, Some(at)) => {
            format!("{pair}, on all {clients}. Put in force {}.", format::time(at, &person.clock.zone))
        }
    }
}

fn figures(preview: &Preview, to_records: &dyn Fn(&[String]) -> String) -> Vec<Figure> {
    let clients = &preview.clients;
    let client = || pair("kind", RecordKind::Client.as_str());
    let mut figures = vec![Figure {
        number: format::number(clients.changed),
        word: Cow::Borrowed(if clients.changed == 1 { "client changes" } else { "clients change" }),
        path: (clients.changed > 0).then(|| to_records(&[client()])),
    }];
    let states = [
        (clients.newly_rejected, "newly rejected", "rejected"),
        (clients.newly_skipped, "newly left out", "skipped"),
        (clients.newly_accepted, "newly accepted", "mapped"),
        (clients.newly_included, "newly included", "mapped"),
    ];
    for (number, word, state) in states {
        // What would keep people out is said even where it is nobody.
        if number > 0 || state == "rejected" {
            let path = (number > 0).then(|| to_records(&[client(), pair("becomes", state)]));
            figures.push(Figure { number: format::number(number), word: Cow::Borrowed(word), path });
        }
    }
    for (kind, number) in &preview.leaving {
        let kind = if *number == 1 { kind.as_str() } else { kind.plural() };
        let word = Cow::Owned(format!("{kind} left out with them"));
        figures.push(Figure { number: format::number(*number), word, path: None });
    }
    let households = &preview.households;
    for (number, word) in [(households.joining.count, "households join"), (households.parting.count, "households part")]
    {
        if number > 0 {
            figures.push(Figure { number: format::number(number), word: Cow::Borrowed(word), path: None });
        }
    }
    let notes = &preview.notes;
    for (number, word) in [
        (notes.changed, "notes would read otherwise"),
        (notes.refused(), "notes or documents would fail"),
        (notes.documents_changed, "documents would look otherwise"),
    ] {
        if number > 0 {
            let path = Some("#notes".to_owned());
            figures.push(Figure { number: format::number(number), word: Cow::Borrowed(word), path });
        }
    }
    if preview.not_compared > 0 {
        let word = Cow::Borrowed("not compared");
        figures.push(Figure { number: format::number(preview.not_compared), word, path: None });
    }
    if let Some(ratio) = preview.time_ratio.filter(|ratio| *ratio >= SLOWER) {
        let word = Cow::Borrowed("as long to read each record");
        figures.push(Figure { number: format!("{ratio:.1} ×"), word, path: None });
    }
    figures
}

fn field_row(change: &FieldSummary, names: &Names, to_records: &dyn Fn(&[String]) -> String) -> FieldRow {
    let own = qualified(change.kind, &change.field);
    let is_item = change.kind.is_listed() && change.field == "external_id";
    let example = |example: &crate::preview::Example| ExampleRow {
        diff: Diff::new(&own, example.from.as_deref(), example.to.as_deref()).planned(),
        who: names.of(example.id, example.external_id.as_str()),
    };
    let parts = [(change.filled, "empty until now"), (change.emptied, "would be empty")];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0 && *count < change.count);
    let parts: Vec<String> = parts.map(|(count, what)| format!("{} {what}", format::number(count))).collect();
    FieldRow {
        label: if is_item {
            format!("{}s that come or go", format::code(change.kind.as_str()))
        } else {
            format::field(&own)
        },
        path: to_records(&[pair("kind", change.kind.as_str()), pair("field", &change.field)]),
        count: format::number(change.count),
        examples: change.examples.iter().take(EXAMPLES).map(example).collect(),
        parts: (!parts.is_empty()).then(|| format!("{}.", parts.join(", "))),
    }
}

/// A field with its kind before it, where it is not a client's.
fn qualified(kind: RecordKind, field: &str) -> String {
    if kind == RecordKind::Client { field.to_owned() } else { format!("{}.{field}", kind.as_str()) }
}

fn warnings(preview: &Preview, to_records: &dyn Fn(&[String]) -> String) -> Vec<WarningRow> {
    let mut codes: BTreeMap<&str, [u64; 2]> = BTreeMap::new();
    for (side, counts) in [&preview.diagnostics.appear, &preview.diagnostics.disappear].into_iter().enumerate() {
        for (code, count) in counts {
            codes.entry(code).or_default()[side] = *count;
        }
    }
    let row = |(code, [come, gone]): (&str, [u64; 2])| WarningRow {
        label: format::code(code),
        path: to_records(&[pair("diagnostic", code)]),
        come: format::number(come),
        gone: format::number(gone),
    };
    codes.into_iter().map(row).collect()
}

fn couple_group(couples: &Couples, what: &str, names: &Names) -> CoupleGroup {
    let line = |couple: &[Option<ClientId>; 2]| {
        let [one, other] = couple.map(|id| names.of(id, "somebody who is not here yet"));
        format!("{one} and {other}")
    };
    let more = couples.count.saturating_sub(COUPLES as u64);
    CoupleGroup {
        heading: format!("{} {what}", format::count(couples.count, "couple", "couples")),
        lines: couples.examples.iter().take(COUPLES).map(line).collect(),
        more: (more > 0).then(|| format!("And {} more.", format::number(more))),
    }
}

fn rule_row(rule: &RuleDifference) -> RuleRow {
    let part = |part: &str| part.replace("~1", "/").replace("~0", "~");
    let parts: Vec<String> = rule.path.trim_start_matches('/').split('/').map(part).collect();
    let path = match parts.as_slice() {
        [examples, name, below @ ..] if examples == "examples" && name.parse::<u64>().is_err() => {
            let below = if below.is_empty() { String::new() } else { format!(", {}", below.join(".")) };
            format!("The example “{name}”{below}")
        }
        parts => parts.join("."),
    };
    let [from, to] = [&rule.from, &rule.to].map(|value| value.as_deref().map(value_in_words));
    RuleRow { path, diff: Diff { label: String::new(), from, to, verb: Diff::WOULD_BE } }
}

/// A value of the rules, as a person reads it; what was cut, and is JSON no more, as it is.
fn value_in_words(json: &str) -> String {
    fn words(value: &Value) -> String {
        match value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            Value::Number(number) => number.to_string(),
            Value::String(text) if text.is_empty() => "nothing".to_owned(),
            Value::String(text) => text.clone(),
            Value::Array(items) if items.is_empty() => "none".to_owned(),
            Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
            Value::Object(members) => {
                let member = |(key, value): (&String, &Value)| format!("{key}: {}", words(value));
                members.iter().map(member).collect::<Vec<_>>().join("; ")
            }
        }
    }
    serde_json::from_str(json).map_or_else(|_| json.to_owned(), |value: Value| words(&value))
}

fn record_row(one: &RecordDifference, names: &Names) -> RecordRow {
    let difference = &one.difference;
    let badge = match (difference.was, difference.becomes) {
        (was, becomes) if was == becomes => Badge::new(Tone::Neutral, "Changes"),
        (_, MadeState::Rejected) => Badge::new(Tone::Trouble, "Rejected"),
        (_, MadeState::Skipped) => Badge::new(Tone::Attention, "Left out"),
        (MadeState::Rejected, MadeState::Mapped) => Badge::new(Tone::Good, "Accepted"),
        (_, MadeState::Mapped) => Badge::new(Tone::Good, "Included"),
    };
    let field = |field: &crate::domain::made::FieldDifference| {
        Diff::new(&qualified(one.kind, &field.field), field.from.as_deref(), field.to.as_deref()).planned()
    };
    let warning = |what: &str, codes: &[crate::domain::made::DiagnosticDifference]| {
        let codes: Vec<String> = codes.iter().map(|one| format::code(&one.code)).collect();
        (!codes.is_empty()).then(|| format!("{what}: {}", codes.join(", ")))
    };
    let warnings =
        [warning("New warning", &difference.appearing), warning("No longer warned of", &difference.disappearing)];
    RecordRow {
        name: names.of(one.id, "Not in the book"),
        external_id: one.external_id.to_string(),
        path: names.path(one.id),
        badge,
        fields: difference.fields.iter().map(field).collect(),
        warnings: warnings.into_iter().flatten().collect(),
    }
}

/// The filter as it stands in addresses.
fn query(filter: &Filter) -> String {
    let becomes = filter.becomes.and_then(|state| serde_json::to_value(state).ok());
    let pairs = [
        filter.kind.map(|kind| pair("kind", kind.as_str())),
        filter.field.as_deref().map(|field| pair("field", field)),
        filter.code.as_deref().map(|code| pair("diagnostic", code)),
        becomes.as_ref().and_then(|state| state.as_str()).map(|state| pair("becomes", state)),
    ];
    let pairs: Vec<String> = pairs.into_iter().flatten().collect();
    joined(&pairs.iter().map(String::as_str).collect::<Vec<_>>())
}

fn in_words(filter: &Filter) -> Option<String> {
    let becomes = filter.becomes.map(|state| match state {
        MadeState::Mapped => "newly in the book",
        MadeState::Skipped => "newly left out",
        MadeState::Rejected => "newly rejected",
    });
    let kind = filter.kind.unwrap_or(RecordKind::Client);
    let words = [
        filter.field.as_deref().map(|field| format::field(&qualified(kind, field))),
        filter.code.as_deref().map(format::code),
        becomes.map(str::to_owned),
        (filter.field.is_none()).then(|| filter.kind.map(|kind| kind.plural().to_owned())).flatten(),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// Puts the names of advisers and partners before their ids in the CRM.
async fn name_links(
    app: &App,
    book: &Book,
    preview: &mut Preview,
    differences: &mut [RecordDifference],
) -> Result<(), Failure> {
    let connection = preview.connection.clone();
    for summary in &mut preview.changes {
        let field = qualified(summary.kind, &summary.field);
        for example in summary.examples.iter_mut().take(EXAMPLES) {
            let mut change = FieldChange { field: field.clone(), from: example.from.take(), to: example.to.take() };
            name_people(app, book, &connection, &mut change).await?;
            (example.from, example.to) = (change.from, change.to);
        }
    }
    for one in differences {
        for difference in &mut one.difference.fields {
            let field = qualified(one.kind, &difference.field);
            let mut change = FieldChange { field, from: difference.from.take(), to: difference.to.take() };
            name_people(app, book, &connection, &mut change).await?;
            (difference.from, difference.to) = (change.from, change.to);
        }
    }
    Ok(())
}

/// The clients whom a preview's page names.
fn named(preview: &Preview, differences: &[RecordDifference]) -> BTreeSet<ClientId> {
    let examples = preview.changes.iter().flat_map(|change| change.examples.iter().take(EXAMPLES));
    let households = &preview.households;
    let couples = [&households.joining, &households.parting].into_iter();
    let couples = couples.flat_map(|couples| couples.examples.iter().take(COUPLES)).flatten().copied();
    let ids = examples.map(|example| example.id).chain(couples).chain(differences.iter().map(|one| one.id));
    ids.flatten().collect()
}

/// The people whom a preview names, as far as they are in the book.
struct Names {
    clients: HashMap<ClientId, StoredClient>,
}

impl Names {
    async fn load(book: &Book, preview: &Preview, differences: &[RecordDifference]) -> Result<Self, Failure> {
        let mut clients = HashMap::new();
        for id in named(preview, differences) {
            if let Some(client) = book.client(id).await? {
                clients.insert(id, client);
            }
        }
        Ok(Self { clients })
    }

    /// The name of a client; `otherwise` where nobody is known by the id.
    fn of(&self, id: Option<ClientId>, otherwise: &str) -> String {
        let known = id.and_then(|id| self.clients.get(&id));
        known.map_or_else(|| otherwise.to_owned(), |client| format::name(&client.client.full_name()))
    }

    fn path(&self, id: Option<ClientId>) -> Option<String> {
        let known = id.and_then(|id| self.clients.get(&id));
        known.map(|client| format!("/households/{}", client.household_id))
    }
}
