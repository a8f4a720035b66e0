//! One file note: its text and documents, its state, what it holds up, every try to deliver it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::{NoteRow, household, row};
use crate::app::App;
use crate::domain::NoteId;
use crate::domain::access::Action;
use crate::domain::field::FieldError;
use crate::domain::note::{DeliveryStep, Note, NoteState, Stage};
use crate::notes::Gate;
use crate::web::components::{Clock, Moment};
use crate::web::document;
use crate::web::failure::{Failure, page};
use crate::web::format;
use crate::web::inputs::problem_of;
use crate::web::layout::{Layout, Section};
use crate::web::session::SignedIn;

pub(super) const NO_NOTE: Failure =
    Failure::NotFound("There is no file note here. The list of notes shows those there are.");

#[derive(Template)]
#[template(path = "note.html")]
pub(in crate::web) struct NotePage {
    pub(in crate::web) layout: Layout,
    pub(in crate::web) path: String,
    pub(in crate::web) row: NoteRow,
    pub(in crate::web) state: String,
    /// The sentences about what the note waits for or holds up.
    pub(in crate::web) order: Vec<String>,
    pub(in crate::web) event: String,
    pub(in crate::web) kind: String,
    pub(in crate::web) filed_against: String,
    pub(in crate::web) marker: String,
    pub(in crate::web) body: String,
    pub(in crate::web) documents: Vec<DocumentRow>,
    pub(in crate::web) may: Allowed,
    pub(in crate::web) typed: Typed,
    pub(in crate::web) attempts: Vec<Try>,
    /// The text in place of tries where there were none.
    pub(in crate::web) untried: &'static str,
}

/// A document of the note.
pub(in crate::web) struct DocumentRow {
    pub(in crate::web) filename: String,
    pub(in crate::web) download: String,
    pub(in crate::web) size: String,
    pub(in crate::web) state: String,
    /// The remark about characters of the document that no font has.
    pub(in crate::web) finding: Option<String>,
}

/// The actions that the note's state allows.
#[derive(Default)]
pub(in crate::web) struct Allowed {
    /// The button's words.
    pub(in crate::web) retry: Option<&'static str>,
    pub(in crate::web) edit: bool,
    pub(in crate::web) resolve: Option<Question>,
    pub(in crate::web) discard: bool,
}

/// The question to a person about what is in the CRM.
pub(in crate::web) struct Question {
    /// The sentence that says where to look, and what happens until then.
    pub(in crate::web) look: String,
    /// The label of the field for the id.
    pub(in crate::web) label: &'static str,
    /// The buttons' words.
    pub(in crate::web) there: &'static str,
    pub(in crate::web) not_there: Option<&'static str>,
}

/// The text that somebody typed into one of the note's forms, and what is wrong with it.
#[derive(Default)]
pub(in crate::web) struct Typed {
    pub(in crate::web) subject: Option<String>,
    pub(in crate::web) body: Option<String>,
    pub(in crate::web) document_id: String,
    pub(in crate::web) reason: String,
    pub(in crate::web) problems: Vec<FieldError>,
}

impl Typed {
    pub(in crate::web) fn problem(&self, field: &str) -> Option<&str> {
        problem_of(&self.problems, field)
    }
}

/// One try to deliver.
pub(in crate::web) struct Try {
    pub(in crate::web) at: Moment,
    pub(in crate::web) took: String,
    pub(in crate::web) outcome: String,
}

/// The note's place among others.
#[derive(Default)]
pub(in crate::web) struct Order {
    /// The number of notes that wait behind it.
    pub(in crate::web) behind: usize,
    /// Whether it waits for one before it.
    pub(in crate::web) is_behind: bool,
    /// The reason why its connection sends nothing now.
    pub(in crate::web) gate: Option<String>,
}

/// `GET /notes/{id}`
pub(in crate::web) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    page(&load(&app, &person, parse(&id)?, Typed::default()).await?)
}

pub(super) fn parse(id: &str) -> Result<NoteId, Failure> {
    id.parse().map_err(|_| NO_NOTE)
}

/// The note's page, with what somebody typed.
pub(super) async fn load(app: &App, person: &SignedIn, id: NoteId, typed: Typed) -> Result<NotePage, Failure> {
    let book = person.book(app, Action::ReadNotes).await?;
    let note = book.note(id).await?.ok_or(NO_NOTE)?;
    let mut note = app.notes.as_it_waits(note, person.clock.now);
    note.event_label = app.connections.label_of(&note);
    let household = household(&book, &note).await?;
    let (behind, ahead) = app.store.note_lanes(note.clone()).await?;
    let gate = match app.notes.gate(&note.connection, person.clock.now) {
        Gate::Closed(until) => Some(format!(
            "The CRM of {} does not answer, or asked to be left alone; it is tried again {}.",
            note.connection,
            format::relative(until, person.clock.now)
        )),
        Gate::Probing => Some(format!("The CRM of {} is being tried again with one note.", note.connection)),
        Gate::Open | Gate::Held(_) => None,
    };
    let order = Order { behind, is_behind: ahead.is_some(), gate };
    let layout = Layout::load(app, person, Section::Notes).await?;
    let mut page = view(&note, household, &order, layout, &person.clock);
    if !person.can_somewhere(Action::WriteNotes) {
        page.may = Allowed::default();
    }
    page.typed = typed;
    Ok(page)
}

/// The page, from values alone.
pub(in crate::web) fn view(note: &Note, household: String, order: &Order, layout: Layout, clock: &Clock) -> NotePage {
    let took = |millis: u64| match millis {
        ..1000 => format!("{millis} ms"),
        _ => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
    };
    let kind = [Some(note.note.note_type.as_str()), note.note.note_subtype.as_deref()];
    let filed = note.note.filed_against.iter();
    let filed: Vec<&str> = filed.map(|id| id.in_crm().map_or("not linked to the CRM yet", |id| id.as_str())).collect();
    let documents = note.attachments.iter().map(|one| DocumentRow {
        filename: one.filename.clone(),
        download: document::download(&one.document.to_string()),
        finding: document::replaced(&one.replaced),
        size: format::size(one.size),
        state: one.attached_as.as_ref().map_or("not in the CRM yet".to_owned(), |id| format!("in the CRM as {id}")),
    });
    let attempts = note.attempts.iter().rev().map(|attempt| Try {
        at: Moment::new(attempt.at, clock),
        took: took(attempt.took_ms),
        outcome: attempt.outcome.clone(),
    });
    let is_at_rest = !matches!(note.state, NoteState::Sending | NoteState::Done);
    let stage = note.stage();
    NotePage {
        layout,
        path: format!("/notes/{}", note.id),
        row: row(note, household, clock),
        state: state_in_words(note, clock),
        order: sentences(note, order),
        event: note.event_label.clone(),
        kind: kind.into_iter().flatten().collect::<Vec<_>>().join(", "),
        filed_against: filed.join(", "),
        marker: note.marker.clone(),
        body: note.note.body.clone(),
        documents: documents.collect(),
        may: Allowed {
            retry: again(note),
            edit: is_at_rest && note.step == DeliveryStep::Accepted,
            resolve: question(note, &filed.join(", ")),
            discard: is_at_rest && stage != Stage::Discarded || note.is_raised() && note.is_missing(),
        },
        typed: Typed::default(),
        attempts: attempts.collect(),
        untried: if note.state == NoteState::Sending { "The first try is under way." } else { "Not tried yet." },
    }
}

/// The label of the button that sends it at once, where that is possible.
fn again(note: &Note) -> Option<&'static str> {
    match (note.stage(), note.state) {
        (Stage::WaitingForLink, _) => None,
        (Stage::WaitingForRefiling, _) => Some("File it there and send it"),
        (Stage::InDoubt, _) => Some("Look it up again"),
        (_, NoteState::Waiting | NoteState::Dead) => Some("Try again now"),
        _ => None,
    }
}

/// The question to a person about the note, if there is one.
fn question(note: &Note, filed_against: &str) -> Option<Question> {
    let subject = &note.note.subject;
    let there = "It is there";
    let of_note = |then: &str| format!("Look there among the file notes of {filed_against} for “{subject}”. {then}");
    Some(match (note.stage(), &note.step) {
        (Stage::InDoubt, DeliveryStep::Attaching { document_id, .. }) => Question {
            look: format!(
                "Look there at the documents of the note {document_id}. Until somebody says, the document is not sent \
                 again: the CRM would have it twice. The host looks once more before it sends."
            ),
            label: "The document’s CRM ID",
            there,
            not_there: Some("It is not there: send it"),
        },
        (Stage::InDoubt, _) => Question {
            look: of_note(
                "Until somebody says, it is not sent again: the CRM would have it twice. The host looks once more before it \
                 sends.",
            ),
            label: "Its CRM ID",
            there,
            not_there: Some("It is not there: send it"),
        },
        _ if !note.is_raised() => return None,
        _ if note.is_missing() => Question {
            look: of_note("Nothing is sent until somebody says so. If it was removed on purpose, give it up below."),
            label: "Its CRM ID",
            there,
            not_there: Some("It is not there: send it again"),
        },
        _ => Question {
            look: of_note("Remove all but one there; this is found out within the hour, or said here."),
            label: "The ID of the one that stays",
            there: "Only this one is there",
            not_there: None,
        },
    })
}

/// The state of the note, in a sentence.
fn state_in_words(note: &Note, clock: &Clock) -> String {
    let due = note.due_at.map(|at| format!(" The next try is {}.", format::relative(at, clock.now)));
    match note.stage() {
        Stage::Queued if note.state == NoteState::Queued => "Accepted and kept; it goes out next.".to_owned(),
        Stage::Sending => "On its way to the CRM.".to_owned(),
        Stage::NoteMade | Stage::AttachmentsSent if note.state == NoteState::Sending => {
            "The note is in the CRM; its documents are on their way.".to_owned()
        }
        Stage::NoteMade | Stage::AttachmentsSent => {
            format!("The note is in the CRM; its documents are not all there yet.{}", due.unwrap_or_default())
        }
        Stage::Queued | Stage::LookingUp => format!("Not in the CRM yet; it is kept.{}", due.unwrap_or_default()),
        Stage::WaitingForAuthorisation => "Not in the CRM yet; it is kept.".to_owned(),
        Stage::WaitingForLink => {
            "Not in the CRM yet; it is kept and goes out by itself once its client is linked there.".to_owned()
        }
        Stage::WaitingForRefiling => {
            "Not in the CRM yet; it is kept until somebody says whom it is filed against.".to_owned()
        }
        Stage::Done if note.is_missing() => "It was delivered, and the CRM does not list it now.".to_owned(),
        Stage::Done => match note.done_at {
            Some(at) => format!("Delivered to the CRM {}.", format::relative(at, clock.now)),
            None => "In the CRM.".to_owned(),
        },
        Stage::InDoubt => "It is kept here until somebody says whether it is in the CRM.".to_owned(),
        Stage::Dead => "The CRM refused it and no retry mends that by itself. It is kept here.".to_owned(),
        Stage::Discarded => "Given up. It is kept here and not sent.".to_owned(),
    }
}

/// The sentences about what holds the note up, and what it holds up.
fn sentences(note: &Note, order: &Order) -> Vec<String> {
    let mut said = Vec::new();
    let is_open = !matches!(note.state, NoteState::Done | NoteState::Dead);
    if is_open {
        said.extend(order.gate.clone());
    }
    if order.is_behind && is_open {
        said.push("An earlier note of the same client goes out before it.".to_owned());
    }
    if order.behind > 0 && is_open {
        let notes = format::count(order.behind as u64, "later note", "later notes");
        said.push(format!(
            "{notes} of the same clients wait for it, so that the CRM has them in order: until it is delivered or given \
             up, by somebody here or after its last try, 18 hours after the first. Other clients do not wait."
        ));
    }
    if note.state == NoteState::Dead {
        said.push(
            "It holds nothing up: later notes of its clients go out. If it is sent after all, it comes after them."
                .to_owned(),
        );
    }
    said
}
