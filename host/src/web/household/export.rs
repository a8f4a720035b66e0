//! Documents on their way out of a household's page: made by the host as they are exported, and sent to the CRM with a file
//! note.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::json;

use super::documents::event_of;
use super::find;
use crate::app::App;
use crate::domain::InvalidIdempotencyKey;
use crate::domain::access::Action;
use crate::domain::note::Event;
use crate::notes::NotesError;
use crate::web::failure::Failure;
use crate::web::person::Person;

#[derive(Deserialize)]
pub(in crate::web) struct Export {
    document: String,
    /// Made with the page, so that a form sent twice is one export.
    key: String,
}

/// `POST /households/{id}/export`
pub(in crate::web) async fn export(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Form(form): Form<Export>,
) -> Result<Response, Failure> {
    person.may(Action::WriteNotes)?;
    let (event_type, household) = (event_of(&form.document)?, find(&app, &id).await?.household.id);
    let event = Event {
        event_type: event_type.to_owned(),
        household_id: household,
        client_id: None,
        occurred_at: person.clock.now,
        data: json!({}),
        attachments: Vec::new(),
    };
    let key = form.key.parse().map_err(|InvalidIdempotencyKey| Failure::Unreadable)?;
    match app.notes.accept(event, &key).await {
        Ok(accepted) => Ok(Redirect::to(&format!("/notes/{}", accepted.note.id)).into_response()),
        // The same form, sent a moment later.
        Err(NotesError::KeyReused { note, event_type: sent, household: of })
            if (sent.as_str(), of) == (event_type, household) =>
        {
            Ok(Redirect::to(&format!("/notes/{note}")).into_response())
        }
        Err(NotesError::Store(error)) => Err(error.into()),
        Err(NotesError::NotDone(error)) => Err(error.into()),
        Err(NotesError::WrongState(words)) => Err(Failure::Refused(words)),
        Err(other) => Err(refused(&other.to_string())),
    }
}

fn refused(words: &str) -> Failure {
    Failure::Refused(format!("{words}. Nothing was kept and no file note was written."))
}
