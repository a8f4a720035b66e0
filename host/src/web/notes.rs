//! File notes on their way to the CRM: the list, one note with its delivery, and another try.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::failure::{Failure, page};
use super::frame::{Frame, Place};
use super::parts::{Badge, Clock, Moment, Paging};
use super::person::Person;
use super::words;
use crate::app::App;
use crate::domain::NoteId;
use crate::domain::access::Action;
use crate::domain::note::{Note, NoteState};
use crate::notes::NotesError;
use crate::store::book::PageRequest;

/// Rows of a page.
const ROWS: usize = 50;

#[derive(Deserialize)]
pub(super) struct Filter {
    state: Option<NoteState>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "notes.html")]
pub(super) struct NotesPage {
    pub(super) frame: Frame,
    pub(super) choices: Vec<Choice>,
    pub(super) rows: Vec<NoteRow>,
    pub(super) paging: Paging,
}

/// One way to filter a list.
pub(super) struct Choice {
    pub(super) word: &'static str,
    pub(super) path: &'static str,
    pub(super) is_chosen: bool,
}

/// One note of the list.
pub(super) struct NoteRow {
    pub(super) path: String,
    pub(super) subject: String,
    pub(super) household: String,
    pub(super) household_path: String,
    pub(super) badge: Badge,
    pub(super) accepted: Moment,
    pub(super) tries: String,
    pub(super) reason: String,
}

#[derive(Template)]
#[template(path = "note.html")]
pub(super) struct NotePage {
    pub(super) frame: Frame,
    pub(super) row: NoteRow,
    pub(super) state: String,
    pub(super) kind: String,
    pub(super) filed_against: String,
    pub(super) body: String,
    /// Where another try is asked for; none where none would mend anything.
    pub(super) retry: Option<String>,
    pub(super) attempts: Vec<Try>,
}

/// One try to deliver.
pub(super) struct Try {
    pub(super) at: Moment,
    pub(super) took: String,
    pub(super) outcome: String,
}

/// `GET /notes?state=…&cursor=…`
pub(super) async fn list(
    State(app): State<App>,
    person: Person,
    Query(filter): Query<Filter>,
) -> Result<Response, Failure> {
    person.may(Action::ReadNotes)?;
    let found = app.store.notes(filter.state, PageRequest { cursor: filter.cursor.clone(), limit: ROWS }).await?;
    let mut rows = Vec::with_capacity(found.items.len());
    for note in &found.items {
        rows.push(row(note, household(&app, note).await?, &person.clock));
    }
    let choices = choices(filter.state);
    let query = choices.iter().find(|choice| choice.is_chosen).and_then(|choice| choice.path.split_once('?'));
    let paging =
        Paging::new("/notes", query.map_or("", |(_, query)| query), filter.cursor.as_deref(), found.next.as_deref());
    page(&NotesPage { frame: Frame::load(&app, &person, Place::Notes).await?, choices, rows, paging })
}

/// `GET /notes/{id}`
pub(super) async fn show(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Response, Failure> {
    person.may(Action::ReadNotes)?;
    let note = app.store.note(parse(&id)?).await?.ok_or(NO_NOTE)?;
    let household = household(&app, &note).await?;
    let frame = Frame::load(&app, &person, Place::Notes).await?;
    page(&view(&note, household, frame, &person.clock))
}

/// `POST /notes/{id}/retry`, from the button "Try again now".
pub(super) async fn retry(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Response, Failure> {
    person.may(Action::WriteNotes)?;
    match app.notes.retry(parse(&id)?).await {
        Ok(note) => Ok(Redirect::to(&format!("/notes/{}", note.id)).into_response()),
        Err(NotesError::UnknownNote(_)) => Err(NO_NOTE),
        Err(NotesError::WrongState(words)) => Err(Failure::Refused(words)),
        Err(other) => Err(Failure::Broken(other.to_string())),
    }
}

const NO_NOTE: Failure = Failure::NotFound("There is no file note here. The list of notes shows those there are.");

fn parse(id: &str) -> Result<NoteId, Failure> {
    id.parse().map_err(|_| NO_NOTE)
}

async fn household(app: &App, note: &Note) -> Result<String, Failure> {
    let found = app.store.household(note.household_id).await?;
    Ok(found.map_or("A household that is gone".to_owned(), |found| words::name(&found.household.name)))
}

/// The page, from values alone.
pub(super) fn view(note: &Note, household: String, frame: Frame, clock: &Clock) -> NotePage {
    let took = |millis: u64| format!("{}.{} s", millis / 1000, millis % 1000 / 100);
    let attempts = note.attempts.iter().rev();
    let kind = [Some(note.note.note_type.as_str()), note.note.note_subtype.as_deref()];
    let filed: Vec<&str> = note.note.filed_against.iter().map(|id| id.as_str()).collect();
    let is_waiting = matches!(note.state, NoteState::Waiting | NoteState::Dead);
    NotePage {
        frame,
        row: row(note, household, clock),
        state: standing(note, clock),
        kind: kind.into_iter().flatten().collect::<Vec<_>>().join(", "),
        filed_against: filed.join(", "),
        body: note.note.body.clone(),
        retry: is_waiting.then(|| format!("/notes/{}/retry", note.id)),
        attempts: attempts
            .map(|attempt| Try {
                at: Moment::new(attempt.at, clock),
                took: took(attempt.took_ms),
                outcome: attempt.outcome.clone(),
            })
            .collect(),
    }
}

pub(super) fn row(note: &Note, household: String, clock: &Clock) -> NoteRow {
    NoteRow {
        path: format!("/notes/{}", note.id),
        subject: note.note.subject.clone(),
        household,
        household_path: format!("/households/{}", note.household_id),
        badge: note.state.into(),
        accepted: Moment::new(note.accepted_at, clock),
        tries: words::number(note.attempts.len() as u64),
        reason: note.reason.clone().unwrap_or_default(),
    }
}

/// Where the note stands, in a sentence.
fn standing(note: &Note, clock: &Clock) -> String {
    let due = note.due_at.map(|at| format!(" The next try is {}.", words::relative(at, clock.now)));
    match note.state {
        NoteState::Queued => "Accepted and kept; it goes out next.".to_owned(),
        NoteState::Sending => "On its way to the CRM.".to_owned(),
        NoteState::Waiting => format!("Not in the CRM yet; it is kept.{}", due.unwrap_or_default()),
        NoteState::Done => match note.done_at {
            Some(at) => format!("Delivered to the CRM {}.", words::relative(at, clock.now)),
            None => "In the CRM.".to_owned(),
        },
        NoteState::Dead => "The CRM refused it and no retry mends that by itself. It is kept here.".to_owned(),
    }
}

pub(super) fn choices(chosen: Option<NoteState>) -> Vec<Choice> {
    let choice = |state, word, path| Choice { word, path, is_chosen: state == chosen };
    vec![
        choice(None, "All", "/notes"),
        choice(Some(NoteState::Waiting), "Waiting", "/notes?state=waiting"),
        choice(Some(NoteState::Dead), "Not delivered", "/notes?state=dead"),
        choice(Some(NoteState::Done), "Done", "/notes?state=done"),
    ]
}
