//! Documents on their way out of a household's page: exported by the host, or brought as a PDF. Either way a file note
//! goes to the CRM with it.

use axum::Form;
use axum::extract::{Multipart, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::documents::event_of;
use super::find;
use crate::app::App;
use crate::documents::NotTaken;
use crate::domain::access::Action;
use crate::domain::note::Event;
use crate::domain::{DocumentId, HouseholdId};
use crate::notes::NotesError;
use crate::store::documents::Document;
use crate::web::failure::Failure;
use crate::web::person::Person;

/// The longest text beside the document that is read.
const LONGEST_TEXT: usize = 64 << 10;

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
    let household = find(&app, &id).await?.household.id;
    file(&app, &person, household, event_of(&form.document)?, json!({}), None, &form.key).await
}

/// What a form with a document says.
#[derive(Default)]
struct Brought {
    document: Option<Document>,
    what: String,
    subject: String,
    body: String,
    key: String,
}

/// `POST /households/{id}/documents`
pub(in crate::web) async fn bring(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    form: Multipart,
) -> Result<Response, Failure> {
    person.may(Action::WriteNotes)?;
    let household = find(&app, &id).await?.household.id;
    let brought = read(&app, &person, form).await?;
    let document = brought.document.ok_or_else(|| refused("Choose a PDF"))?;
    let kept = document.id;
    app.store.put_document(document).await?;
    let (event_type, data) = match brought.what.as_str() {
        "note" if brought.subject.trim().is_empty() => return Err(refused("Give the file note a subject")),
        "note" => {
            let body = if brought.body.trim().is_empty() { brought.subject.clone() } else { brought.body };
            ("note.written", json!({ "subject": brought.subject.trim(), "body": body.replace("\r\n", "\n") }))
        }
        other => (event_of(other)?, json!({})),
    };
    file(&app, &person, household, event_type, data, Some(kept), &brought.key).await
}

async fn read(app: &App, person: &Person, mut form: Multipart) -> Result<Brought, Failure> {
    let broken = |error: &dyn std::fmt::Display| refused(&format!("The form cannot be read ({error})"));
    let mut brought = Brought::default();
    while let Some(part) = form.next_field().await.map_err(|error| broken(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "file" {
            let file_name = part.file_name().map(ToOwned::to_owned);
            let taken = app.uploads.receive(file_name.as_deref(), part, person.clock.now).await;
            brought.document = Some(taken.map_err(not_taken)?);
            continue;
        }
        let text = part.text().await.map_err(|error| broken(&error))?;
        let text: String = text.chars().take(LONGEST_TEXT).collect();
        match name.as_str() {
            "what" => brought.what = text,
            "subject" => brought.subject = text,
            "body" => brought.body = text,
            "key" => brought.key = text,
            _ => {}
        }
    }
    Ok(brought)
}

async fn file(
    app: &App,
    person: &Person,
    household_id: HouseholdId,
    event_type: &str,
    data: Value,
    document: Option<DocumentId>,
    key: &str,
) -> Result<Response, Failure> {
    let event = Event {
        event_type: event_type.to_owned(),
        household_id,
        client_id: None,
        occurred_at: person.clock.now,
        data,
        attachments: document.into_iter().collect(),
    };
    match app.notes.accept(event, key).await {
        Ok(accepted) => Ok(Redirect::to(&format!("/notes/{}", accepted.note.id)).into_response()),
        Err(NotesError::KeyReused) => Err(refused("This form was sent before; its file note is in the list of notes")),
        Err(NotesError::Store(error)) => Err(error.into()),
        Err(NotesError::WrongState(words)) => Err(Failure::Refused(words)),
        Err(other) => Err(refused(&other.to_string())),
    }
}

fn refused(words: &str) -> Failure {
    Failure::Refused(format!("{words}. Nothing was kept and no file note was written."))
}

fn not_taken(error: NotTaken) -> Failure {
    match error {
        NotTaken::Io(error) => Failure::Broken(error.to_string()),
        other => refused(&format!("The PDF was not taken: {other}")),
    }
}
