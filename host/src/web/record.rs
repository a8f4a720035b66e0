//! "Record an event": for practices without an application that reports events. One form a type of event, which says
//! what is wrong beside the field, keeps what was typed, and works without JavaScript: rows are added by a button.

mod attachments;
mod form;
mod kind;

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
use self::form::Part;
pub(super) use self::kind::Kind;
use super::failure::{Failure, describe, page};
use super::format;
use super::household;
use super::layout::{Layout, Section};
use super::session::SignedIn;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{IdempotencyKey, InvalidIdempotencyKey};
use crate::ops::{self, FieldError, Refusal};
use crate::store::book::HouseholdRow;

#[derive(Template)]
#[template(path = "record.html")]
pub(super) struct RecordPage {
    pub(super) layout: Layout,
    pub(super) household: String,
    pub(super) household_path: String,
    pub(super) choices: Vec<EventChoice>,
}

/// A type of event that can be recorded.
pub(super) struct EventChoice {
    pub(super) word: &'static str,
    pub(super) what: &'static str,
    pub(super) path: String,
}

#[derive(Template)]
#[template(path = "record-event.html")]
pub(super) struct RecordEventPage {
    pub(super) layout: Layout,
    pub(super) household: String,
    pub(super) household_path: String,
    pub(super) action: String,
    pub(super) word: &'static str,
    pub(super) what: &'static str,
    /// Sent along, so that a form sent twice is one note.
    pub(super) key: String,
    pub(super) parts: Vec<Part>,
    pub(super) takes_documents: bool,
    /// The problems, each with the field it is about; none for the form as a whole.
    pub(super) problems: Vec<(Option<String>, String)>,
}

/// `GET /households/{id}/record`
pub(super) async fn choose(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::WriteNotes)?;
    let found = household::find(&app, &id).await?;
    let path = format!("/households/{}", found.household.id);
    let choice = |kind: &Kind| EventChoice {
        word: kind.word(),
        what: kind.what(),
        path: format!("{path}/record/{}", kind.event_type()),
    };
    page(&RecordPage {
        layout: Layout::load(&app, &person, Section::Households).await?,
        household: format::name(&found.household.name),
        household_path: path.clone(),
        choices: Kind::ALL.iter().map(choice).collect(),
    })
}

/// `GET /households/{id}/record/{type}`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Path((id, event_type)): Path<(String, String)>,
) -> Result<Response, Failure> {
    person.may(Action::WriteNotes)?;
    let kind = kind(&event_type)?;
    let found = household::find(&app, &id).await?;
    let filled = Filled::empty(kind, &found, &person.clock);
    let layout = Layout::load(&app, &person, Section::Households).await?;
    page(&view(kind, &found, &filled, Uuid::now_v7().to_string(), Vec::new(), layout))
}

/// `POST /households/{id}/record/{type}`
pub(super) async fn send(
    State(app): State<App>,
    person: SignedIn,
    Path((id, event_type)): Path<(String, String)>,
    request: Request<Body>,
) -> Result<Response, Failure> {
    person.may(Action::WriteNotes)?;
    let kind = kind(&event_type)?;
    let found = household::find(&app, &id).await?;
    let Sent { pairs, problem } = Sent::read(&app, &person, kind, request).await?;
    let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    // A form whose key was lost on the way is one of its own, and no repetition of another that lost its key.
    let key = value("key").filter(|key| key.len() <= 100 && key.parse::<IdempotencyKey>().is_ok());
    let key = key.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    let layout = Layout::load(&app, &person, Section::Households).await?;
    let mut filled = Filled::of(kind, &found, &pairs);
    filled.check_parts(&pairs)?;
    filled.documents = attachments::kept(&app, &pairs).await?;
    if let Some(message) = problem {
        filled.show_rows(&pairs);
        let view = view(kind, &found, &filled, key, vec![(Some("/attachments".to_owned()), message)], layout);
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&view)?).into_response());
    }
    if let Some(rows) = value("add") {
        filled.show_rows(&pairs);
        filled.add_row(rows);
        return page(&view(kind, &found, &filled, key, Vec::new(), layout));
    }
    let sent_with = format!("page-{key}").parse().map_err(|InvalidIdempotencyKey| Failure::Unreadable)?;
    let refusal = match filled.event(&found, &person.clock) {
        Err(wrong) => {
            let wrong = wrong.into_iter().map(|(pointer, message)| FieldError { pointer, message });
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
        vec![(None, refusal.message)]
    } else {
        refusal.fields.into_iter().map(|field| (Some(field.pointer), field.message)).collect()
    };
    filled.show_rows(&pairs);
    // A form that was accepted and is changed and sent again is another event.
    let view = view(kind, &found, &filled, Uuid::now_v7().to_string(), problems, layout);
    Ok((status, page(&view)?).into_response())
}

fn kind(event_type: &str) -> Result<Kind, Failure> {
    let none = Failure::NotFound("There is no such event. The household’s page shows those that can be recorded.");
    Kind::ALL.into_iter().find(|kind| kind.event_type() == event_type).ok_or(none)
}

/// The page, from values alone.
pub(super) fn view(
    kind: Kind,
    found: &HouseholdRow,
    filled: &Filled,
    key: String,
    problems: Vec<(Option<String>, String)>,
    layout: Layout,
) -> RecordEventPage {
    let path = format!("/households/{}", found.household.id);
    let parts = filled.parts(&problems);
    let problems = problems.into_iter().map(|(pointer, message)| {
        let id = pointer.map(|pointer| form::id(&pointer)).unwrap_or_default();
        match parts.iter().find_map(|part| part.name_of(&id)) {
            Some(name) => (Some(id), format!("{name}: {message}")),
            None => (None, format::sentence(&message)),
        }
    });
    let problems = problems.collect();
    RecordEventPage {
        layout,
        household: format::name(&found.household.name),
        action: format!("{path}/record/{}", kind.event_type()),
        household_path: path,
        word: kind.word(),
        what: kind.what(),
        key,
        takes_documents: kind.takes_documents(),
        problems,
        parts,
    }
}
