//! File notes on their way to the CRM: the list and its filters. One note is in `one`, what people do with it in
//! `person`.

pub(super) mod detail;
pub(super) mod operator_actions;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::components::{Badge, Clock, Moment, Paging, Tone, address, pair};
use super::failure::{Failure, page};
use super::format;
use super::layout::{Layout, Section};
use super::listing::{Asked, Choice};
use super::session::SignedIn;
use crate::access::Book;
use crate::app::App;
use crate::connection::Connections;
use crate::domain::access::Action;
use crate::domain::note::{Note, NoteState, Stage};
use crate::domain::{ClientId, ConnectionName, ExternalId, HouseholdId};
use crate::store::household_access::Visible;
use crate::store::outbox::{NoteFilter, Raised};

/// The filter of the list, as the address says it. What is empty filters nothing: a form sends every field that it has.
#[derive(Deserialize, Default, Clone)]
pub(super) struct Filter {
    #[serde(default)]
    state: String,
    #[serde(default)]
    stage: String,
    #[serde(default)]
    connection: String,
    #[serde(default)]
    event_type: String,
    #[serde(default)]
    household_id: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    document_id: String,
    #[serde(default)]
    twice: String,
    #[serde(default)]
    missing: String,
}

impl Filter {
    /// The filter as the store takes it.
    pub(super) fn of_store(&self) -> Result<NoteFilter, Failure> {
        fn read<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Failure> {
            if text.is_empty() { Ok(None) } else { read(text).map(Some).ok_or(Failure::Unreadable) }
        }
        let word = |text: &str| serde_json::Value::from(text);
        Ok(NoteFilter {
            state: read(&self.state, |text| serde_json::from_value::<NoteState>(word(text)).ok())?,
            stage: read(&self.stage, |text| serde_json::from_value::<Stage>(word(text)).ok())?,
            connection: read(&self.connection, |text| text.parse::<ConnectionName>().ok())?,
            event_type: read(&self.event_type, |text| Some(text.to_owned()))?,
            household: read(&self.household_id, |text| text.parse::<HouseholdId>().ok())?,
            client: read(&self.client_id, |text| text.parse::<ClientId>().ok())?,
            document: read(self.document_id.trim(), |text| Some(ExternalId::of_crm(text)))?,
            raised: match (self.twice.is_empty(), self.missing.is_empty()) {
                (false, _) => Some(Raised::Twice),
                (true, false) => Some(Raised::Missing),
                (true, true) => None,
            },
            visible: Visible::Everything,
        })
    }

    /// The filters as they stand in an address.
    pub(super) fn query(&self) -> String {
        let fields = [
            ("state", &self.state),
            ("stage", &self.stage),
            ("connection", &self.connection),
            ("event_type", &self.event_type),
            ("household_id", &self.household_id),
            ("client_id", &self.client_id),
            ("document_id", &self.document_id),
            ("twice", &self.twice),
            ("missing", &self.missing),
        ];
        let pairs = fields.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| pair(name, value));
        pairs.collect::<Vec<_>>().join("&")
    }

    /// The parts of the filter that stay when another state is chosen.
    fn carried(&self) -> Vec<(&'static str, String)> {
        let fields = [("stage", &self.stage), ("household_id", &self.household_id), ("client_id", &self.client_id)];
        let filled = fields.into_iter().filter(|(_, value)| !value.is_empty());
        filled.map(|(name, value)| (name, value.clone())).collect()
    }

    /// The documents of the same people.
    pub(super) fn documents(&self) -> String {
        let (household_id, client_id) = (self.household_id.clone(), self.client_id.clone());
        address("/documents", &[&Self { household_id, client_id, ..Self::default() }.query()])
    }

    fn is_dead(&self) -> bool {
        self.state == "dead"
    }
}

#[derive(Template)]
#[template(path = "notes.html")]
pub(super) struct NotesPage {
    pub(super) layout: Layout,
    /// The household or client whose notes are listed, where it is not everybody's.
    pub(super) of: Option<Whose>,
    /// The path of the documents of these people's notes.
    pub(super) documents: String,
    pub(super) choices: Vec<Choice>,
    pub(super) filters: Filters,
    pub(super) rows: Vec<NoteRow>,
    pub(super) paging: Paging,
}

impl NotesPage {
    /// The number of those shown that go on by themselves, in a sentence that is read aloud when it changes.
    pub(super) fn moving(&self) -> String {
        match self.rows.iter().filter(|row| row.is_moving).count() as u64 {
            0 => "None of these goes out by itself now.".to_owned(),
            1 => "One of these goes out by itself.".to_owned(),
            n => format!("{} of these go out by themselves.", format::number(n)),
        }
    }
}

/// The household or client whose history is shown.
pub(super) struct Whose {
    pub(super) name: String,
    pub(super) path: String,
}

/// The filters that are filled in or chosen.
#[derive(Default)]
pub(super) struct Filters {
    pub(super) state: String,
    pub(super) document_id: String,
    pub(super) connection: String,
    pub(super) event_type: String,
    pub(super) connections: Vec<String>,
    pub(super) event_types: Vec<(String, String)>,
    /// The filters that no field of the page shows, by name: the forms carry them on.
    pub(super) carried: Vec<(&'static str, String)>,
    /// Whether all that is shown can be tried again at once.
    pub(super) retry_all: bool,
}

/// One note of the list.
pub(super) struct NoteRow {
    pub(super) id: String,
    pub(super) path: String,
    /// Whether the note goes on by itself: what a page shows of it is fetched anew from time to time.
    pub(super) is_moving: bool,
    pub(super) subject: String,
    pub(super) household: String,
    pub(super) household_path: String,
    pub(super) badge: Badge,
    pub(super) accepted: Moment,
    pub(super) tries: String,
    pub(super) document: String,
    pub(super) reason: String,
    /// The reason as far as a list has room for it.
    pub(super) why: String,
}

/// `GET /notes?state=…&cursor=…`
pub(super) async fn list(State(app): State<App>, person: SignedIn, asked: Asked<Filter>) -> Result<Response, Failure> {
    let book = person.book(&app, Action::ReadNotes).await?;
    let filter = &asked.filter;
    let of_store = filter.of_store()?;
    let of = whose(&book, &of_store).await?;
    let found = book.notes(of_store, asked.page()).await?;
    crate::audit::counted(found.items.len());
    let listed = found.items.iter().map(|note| (note.event_type.clone(), app.connections.label_of(note))).collect();
    let mut rows = Vec::with_capacity(found.items.len());
    for note in found.items {
        let note = app.notes.as_it_waits(note, person.clock.now);
        rows.push(row(&note, household(&book, &note).await?, &person.clock));
    }
    let paging = asked.paging("/notes", &filter.query(), found.next.as_deref());
    let layout = Layout::load(&app, &person, Section::Notes).await?;
    let names = app.connections.all().iter().map(|connection| connection.name.to_string()).collect();
    let filters = filters(filter, names, event_types(&app.connections, filter, listed), !rows.is_empty());
    let documents = filter.documents();
    page(&NotesPage { layout, of, documents, choices: choices(filter), filters, rows, paging })
}

/// The types of events to choose from, by name, each with what people call it: those of the packs in force, those of
/// notes that are `listed`, whose packs may not have them any more, and the one that is chosen.
fn event_types(connections: &Connections, filter: &Filter, listed: BTreeMap<String, String>) -> Vec<(String, String)> {
    let mut types = listed;
    for (_, one) in connections.event_types() {
        types.entry(one.name.clone()).or_insert_with(|| one.label.clone());
    }
    if !filter.event_type.is_empty() {
        types.entry(filter.event_type.clone()).or_insert_with(|| filter.event_type.clone());
    }
    types.into_iter().collect()
}

pub(super) fn filters(
    filter: &Filter,
    connections: Vec<String>,
    event_types: Vec<(String, String)>,
    any: bool,
) -> Filters {
    Filters {
        state: filter.state.clone(),
        document_id: filter.document_id.clone(),
        connection: filter.connection.clone(),
        event_type: filter.event_type.clone(),
        connections,
        event_types,
        carried: filter.carried(),
        retry_all: filter.is_dead() && any,
    }
}

pub(super) async fn whose(book: &Book, filter: &NoteFilter) -> Result<Option<Whose>, Failure> {
    if let Some(client) = filter.client {
        let client = book.client(client).await?;
        return Ok(client.map(|client| Whose {
            name: format::name(&client.client.full_name()),
            path: format!("/households/{}", client.household_id),
        }));
    }
    let Some(household) = filter.household else { return Ok(None) };
    let found = book.household(household).await?;
    Ok(found.map(|found| Whose {
        name: format::name(&found.household.name),
        path: format!("/households/{}", found.household.id),
    }))
}

/// The name of a note's household.
pub(super) async fn household(book: &Book, note: &Note) -> Result<String, Failure> {
    let found = book.household(note.household_id).await?;
    Ok(found.map_or("A household that is gone".to_owned(), |found| format::name(&found.household.name)))
}

pub(super) fn row(note: &Note, household: String, clock: &Clock) -> NoteRow {
    NoteRow {
        id: note.id.to_string(),
        path: format!("/notes/{}", note.id),
        is_moving: is_moving(note),
        subject: note.note.subject.clone(),
        household,
        household_path: format!("/households/{}", note.household_id),
        badge: badge(note),
        accepted: Moment::new(note.accepted_at, clock),
        tries: format::number(note.attempts.len() as u64),
        document: note.document_id().map(ToString::to_string).unwrap_or_default(),
        why: format::first_sentence(note.reason.as_deref().unwrap_or_default()),
        reason: format::sentence(note.reason.as_deref().unwrap_or_default()),
    }
}

/// Whether it goes on by itself, without a person.
pub(super) fn is_moving(note: &Note) -> bool {
    match note.state {
        NoteState::Queued | NoteState::Sending => true,
        NoteState::Waiting => note.due_at.is_some(),
        NoteState::Done | NoteState::Dead => false,
    }
}

/// The stage of a note, in a word.
pub(super) fn badge(note: &Note) -> Badge {
    match note.stage() {
        Stage::Done if note.is_missing() => Badge::new(Tone::Trouble, "Not in the CRM any more"),
        Stage::Done if note.copies.is_some() => Badge::new(Tone::Attention, "Twice in the CRM"),
        Stage::Done => Badge::new(Tone::Good, "Done"),
        Stage::Queued if note.state == NoteState::Waiting => Badge::new(Tone::Attention, "Waiting"),
        Stage::Queued => Badge::new(Tone::Neutral, "Queued"),
        Stage::Sending => Badge::new(Tone::Neutral, "Sending"),
        Stage::LookingUp => Badge::new(Tone::Attention, "Being looked up"),
        Stage::NoteMade => Badge::new(Tone::Neutral, "Note made"),
        Stage::AttachmentsSent => Badge::new(Tone::Neutral, "Documents sent"),
        Stage::WaitingForAuthorisation => Badge::new(Tone::Attention, "Connection paused"),
        Stage::WaitingForLink => Badge::new(Tone::Attention, "Waits for a link"),
        Stage::WaitingForRefiling => Badge::new(Tone::Trouble, "Linked to somebody else"),
        Stage::InDoubt => Badge::new(Tone::Trouble, "In doubt"),
        Stage::Dead => Badge::new(Tone::Trouble, "Not delivered"),
        Stage::Discarded => Badge::new(Tone::Neutral, "Discarded"),
    }
}

pub(super) fn choices(chosen: &Filter) -> Vec<Choice> {
    let choice = |state: &str, word| {
        let filter = Filter { state: state.to_owned(), document_id: String::new(), ..chosen.clone() };
        let query = filter.query();
        let path = if query.is_empty() { "/notes".to_owned() } else { format!("/notes?{query}") };
        Choice { word, path, is_chosen: state == chosen.state }
    };
    vec![
        choice("", "All"),
        choice("queued", "Queued"),
        choice("waiting", "Waiting"),
        choice("dead", "Not delivered"),
        choice("done", "Done"),
    ]
}

#[cfg(test)]
impl Filter {
    pub(super) fn in_state(state: &str) -> Self {
        Self { state: state.to_owned(), ..Self::default() }
    }
}
