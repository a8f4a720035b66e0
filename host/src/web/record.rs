//! "Record an event": for practices without an application that reports events. One form a type of event, which says
//! what is wrong beside the field, keeps what was typed, and works without JavaScript: rows are added by a button.

mod attachments;
mod form;
mod inputs;
mod values;

use std::sync::Arc;

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

#[cfg(test)]
pub(super) use self::attachments::Kept;
use self::attachments::Sent;
pub(super) use self::form::Filled;
use self::inputs::Part;
use super::failure::{Failure, describe, page};
use super::format;
use super::household;
use super::layout::{Layout, Section};
use super::session::SignedIn;
use crate::app::App;
use crate::connection::Connections;
use crate::domain::access::Action;
use crate::domain::field::FieldError;
use crate::domain::{IdempotencyKey, InvalidIdempotencyKey};
use crate::ops::{self, Refusal};
use crate::pack::{DocumentRule, EventType, Revision};
use crate::store::book::HouseholdRow;

#[derive(Template)]
#[template(path = "record.html")]
pub(super) struct RecordPage {
    pub(super) layout: Layout,
    pub(super) household: String,
    pub(super) household_path: String,
    pub(super) choices: Vec<EventChoice>,
    /// The titles of the documents that can be looked at beforehand, as a list to be read.
    pub(super) documents: String,
}

/// A type of event that can be recorded.
pub(super) struct EventChoice {
    pub(super) word: String,
    pub(super) what: String,
    pub(super) path: String,
}

#[derive(Template)]
#[template(path = "record-event.html")]
pub(super) struct RecordEventPage {
    pub(super) layout: Layout,
    pub(super) household: String,
    pub(super) household_path: String,
    pub(super) action: String,
    pub(super) word: String,
    pub(super) what: String,
    /// Sent along, so that a form sent twice is one note.
    pub(super) key: String,
    pub(super) parts: Vec<Part>,
    pub(super) takes_documents: bool,
    /// The problems, each with the field it is about; an empty one is the form as a whole.
    pub(super) problems: Vec<FieldError>,
}

/// `GET /households/{id}/record`
pub(super) async fn choose(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let found = household::find(&app, &person, Action::WriteNotes, &id).await?;
    let path = format!("/households/{}", found.household.id);
    let revision = revision(&app, &found)?;
    let choice = |event: &Arc<EventType>| EventChoice {
        word: event.label.clone(),
        what: event.what.clone(),
        path: format!("{path}/record/{}", event.name),
    };
    let titles = revision.documents().filter(|(event, _)| event.needs_no_data());
    let titles: Vec<&str> = titles.map(|(_, document)| document.title.as_str()).collect();
    page(&RecordPage {
        layout: Layout::load(&app, &person, Section::Households).await?,
        household: format::name(&found.household.name),
        household_path: path.clone(),
        choices: revision.events().all().iter().map(choice).collect(),
        documents: format::listed(&titles),
    })
}

/// `GET /households/{id}/record/{type}`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Path((id, event_type)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let found = household::find(&app, &person, Action::WriteNotes, &id).await?;
    let kind = kind(&app, &found, &event_type)?;
    let filled = Filled::empty(Arc::clone(&kind), &found, &person.clock);
    let layout = Layout::load(&app, &person, Section::Households).await?;
    page(&view(&kind, &found, &filled, Uuid::now_v7().to_string(), Vec::new(), layout))
}

/// `POST /households/{id}/record/{type}`
pub(super) async fn send(
    State(app): State<App>,
    person: SignedIn,
    Path((id, event_type)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    let found = household::find(&app, &person, Action::WriteNotes, &id).await?;
    let kind = kind(&app, &found, &event_type)?;
    let Sent { pairs, problem: not_kept } = Sent::read(&app, &person, &kind, request).await?;
    let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    // A form whose key was lost on the way is one of its own, and no repetition of another that lost its key.
    let key = value("key").filter(|key| key.len() <= 100 && key.parse::<IdempotencyKey>().is_ok());
    let key = key.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    let layout = Layout::load(&app, &person, Section::Households).await?;
    let mut filled = Filled::of(Arc::clone(&kind), &found, &pairs);
    filled.check_parts(&pairs)?;
    filled.documents = attachments::kept(&app, &person, &pairs).await?;
    if let Some(message) = not_kept {
        filled.show_rows(&pairs);
        let view = view(&kind, &found, &filled, key, vec![problem("/attachments", message)], layout);
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&view)?).into_response());
    }
    if let Some(rows) = value("add") {
        filled.show_rows(&pairs);
        filled.add_row(rows);
        return page(&view(&kind, &found, &filled, key, Vec::new(), layout));
    }
    let sent_with = format!("page-{key}").parse().map_err(|InvalidIdempotencyKey| Failure::Unreadable)?;
    let refusal = match filled.event(&found, &person.clock) {
        Err(wrong) => {
            let wrong = wrong.into_iter().map(|(pointer, message)| ops::FieldError { pointer, message });
            Refusal::invalid(wrong.collect())
        }
        Ok(event) => match ops::notes::accept(&app, person.actor(), event, &sent_with).await {
            Ok(accepted) => return Ok(Redirect::to(&format!("/notes/{}", accepted.note.id)).into_response()),
            Err(refusal) => refusal,
        },
    };
    if matches!(refusal.kind, ops::Kind::Internal | ops::Kind::PluginFailed | ops::Kind::Unavailable) {
        return Err(refusal.into());
    }
    let (status, _) = describe(refusal.kind);
    let problems = if refusal.fields.is_empty() {
        vec![problem("", refusal.message)]
    } else {
        refusal.fields.into_iter().map(|field| problem(&field.pointer, field.message)).collect()
    };
    filled.show_rows(&pairs);
    // A form that was accepted and is changed and sent again is another event.
    let view = view(&kind, &found, &filled, Uuid::now_v7().to_string(), problems, layout);
    Ok((status, page(&view)?).into_response())
}

/// What is wrong at a place of the event, beside the field that the form has for it.
pub(super) fn problem(pointer: &str, message: String) -> FieldError {
    FieldError { field: inputs::id(pointer), message }
}

/// The revision whose events a household has.
fn revision(app: &App, found: &HouseholdRow) -> Result<Arc<Revision>, Failure> {
    let name = &found.household.connection;
    let serving = app.connections.serving(name, found.is_anybody_linked());
    let none = || Failure::Refused(format!("Nothing can be recorded: {}.", Connections::not_at_work(name)));
    serving.map(|connection| connection.revision()).ok_or_else(none)
}

/// A type of event that the household has.
fn kind(app: &App, found: &HouseholdRow, event_type: &str) -> Result<Arc<EventType>, Failure> {
    let none = Failure::NotFound(
        "There is no such event here. “Record an event” on the household’s page lists those there are.",
    );
    revision(app, found)?.events().get(event_type).cloned().ok_or(none)
}

/// The page, from values alone.
pub(super) fn view(
    kind: &EventType,
    found: &HouseholdRow,
    filled: &Filled,
    key: String,
    problems: Vec<FieldError>,
    layout: Layout,
) -> RecordEventPage {
    let path = format!("/households/{}", found.household.id);
    let parts = filled.parts(&problems);
    let problems = problems.into_iter().map(|FieldError { field, message }| {
        match parts.iter().find_map(|part| part.name_of(&field)) {
            Some(name) => FieldError { field, message: format!("{name}: {message}") },
            None => FieldError { field: String::new(), message: format::sentence(&message) },
        }
    });
    let problems = problems.collect();
    RecordEventPage {
        layout,
        household: format::name(&found.household.name),
        action: format!("{path}/record/{}", kind.name),
        household_path: path,
        word: kind.label.clone(),
        what: kind.what.clone(),
        key,
        takes_documents: kind.documents != DocumentRule::None,
        problems,
        parts,
    }
}
