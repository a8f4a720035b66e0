//! What people do with a note that does not go out by itself: the forms of its page, and "try all again".

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Filter;
use super::one::{NO_NOTE, Typed, load, parse};
use crate::app::App;
use crate::domain::NoteId;
use crate::domain::access::Action;
use crate::domain::note::Note;
use crate::notes::{NoteEdit, NotesError};
use crate::web::failure::{Failure, page};
use crate::web::person::Person;
use crate::web::words;

#[derive(Deserialize)]
pub(in crate::web) struct EditForm {
    subject: String,
    body: String,
}

#[derive(Deserialize)]
pub(in crate::web) struct ResolveForm {
    /// `there` or `not_there`: the button that was pressed.
    found: String,
    #[serde(default)]
    document_id: String,
}

#[derive(Deserialize)]
pub(in crate::web) struct DiscardForm {
    reason: String,
}

/// `POST /notes/{id}/retry`
pub(in crate::web) async fn retry(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::WriteNotes)?;
    let id = parse(&id)?;
    let answer = app.notes.retry(id).await;
    done(&app, &person, id, answer, Typed::default()).await
}

/// `POST /notes/retry`: all that the list shows.
pub(in crate::web) async fn retry_all(
    State(app): State<App>,
    person: Person,
    Form(filter): Form<Filter>,
) -> Result<Response, Failure> {
    person.may(Action::WriteNotes)?;
    app.notes.retry_all(filter.of_store()?).await.map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(Redirect::to("/notes").into_response())
}

/// `POST /notes/{id}/edit`
pub(in crate::web) async fn edit(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Form(EditForm { subject, body }): Form<EditForm>,
) -> Result<Response, Failure> {
    person.may(Action::WriteNotes)?;
    let id = parse(&id)?;
    let edit = NoteEdit { subject: Some(subject.clone()), body: Some(body.clone()), clients: None };
    let answer = app.notes.edit(id, edit).await;
    let typed = Typed { subject: Some(subject), body: Some(body), ..Typed::default() };
    done(&app, &person, id, answer, typed).await
}

/// `POST /notes/{id}/resolve`
pub(in crate::web) async fn resolve(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Form(ResolveForm { found, document_id }): Form<ResolveForm>,
) -> Result<Response, Failure> {
    person.may(Action::WriteNotes)?;
    let id = parse(&id)?;
    let there = (found == "there").then_some(document_id.as_str());
    let answer = app.notes.resolve(id, there).await;
    done(&app, &person, id, answer, Typed { document_id, ..Typed::default() }).await
}

/// `POST /notes/{id}/discard`
pub(in crate::web) async fn discard(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Form(DiscardForm { reason }): Form<DiscardForm>,
) -> Result<Response, Failure> {
    person.may(Action::WriteNotes)?;
    let id = parse(&id)?;
    let answer = app.notes.discard(id, &reason).await;
    done(&app, &person, id, answer, Typed { reason, ..Typed::default() }).await
}

/// Back to the note; with what was typed where it does not fit.
async fn done(
    app: &App,
    person: &Person,
    id: NoteId,
    answer: Result<Note, NotesError>,
    typed: Typed,
) -> Result<Response, Failure> {
    match answer {
        Ok(note) => Ok(Redirect::to(&format!("/notes/{}", note.id)).into_response()),
        Err(NotesError::UnknownNote(_)) => Err(NO_NOTE),
        Err(NotesError::WrongState(words)) => Err(Failure::Refused(words)),
        Err(NotesError::Invalid(misfits)) => {
            let first = misfits.into_iter().next();
            let problem =
                first.map(|one| (one.field.trim_start_matches('/').to_owned(), words::sentence(&one.message)));
            let page = page(&load(app, person, id, Typed { problem, ..typed }).await?)?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(other) => Err(Failure::Broken(other.to_string())),
    }
}
