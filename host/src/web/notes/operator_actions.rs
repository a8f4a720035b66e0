//! Operator actions on a note that does not go out by itself: the forms of its page, and "try all again".

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::Filter;
use super::detail::{Typed, load, parse};
use crate::app::App;
use crate::domain::NoteId;
use crate::domain::note::Note;
use crate::notes::NoteEdit;
use crate::ops::{self, Kind, Refusal};
use crate::web::failure::{Failure, named, page};
use crate::web::session::SignedIn;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct EditForm {
    subject: String,
    body: String,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Found {
    There,
    NotThere,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ResolveForm {
    /// The button that was pressed.
    found: Found,
    #[serde(default)]
    document_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct DiscardForm {
    reason: String,
}

/// `POST /notes/{id}/retry`
pub(in crate::web) async fn retry(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let id = parse(&id)?;
    let answer = ops::notes::retry(&app, person.actor(), id).await;
    done(&app, &person, id, answer, Typed::default()).await
}

/// `POST /notes/retry`: all that the list shows.
pub(in crate::web) async fn retry_all(
    State(app): State<App>,
    person: SignedIn,
    Form(filter): Form<Filter>,
) -> Result<Response, Failure> {
    ops::notes::retry_all(&app, person.actor(), filter.of_store()?).await?;
    Ok(Redirect::to("/notes").into_response())
}

/// `POST /notes/{id}/edit`
pub(in crate::web) async fn edit(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    Form(EditForm { subject, body }): Form<EditForm>,
) -> Result<Response, Failure> {
    let id = parse(&id)?;
    let edit = NoteEdit { subject: Some(subject.clone()), body: Some(body.clone()), clients: None };
    let answer = ops::notes::edit(&app, person.actor(), id, edit).await;
    let typed = Typed { subject: Some(subject), body: Some(body), ..Typed::default() };
    done(&app, &person, id, answer, typed).await
}

/// `POST /notes/{id}/resolve`
pub(in crate::web) async fn resolve(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    Form(ResolveForm { found, document_id }): Form<ResolveForm>,
) -> Result<Response, Failure> {
    let id = parse(&id)?;
    let there = (found == Found::There).then_some(document_id.as_str());
    let answer = ops::notes::resolve(&app, person.actor(), id, there).await;
    done(&app, &person, id, answer, Typed { document_id, ..Typed::default() }).await
}

/// `POST /notes/{id}/discard`
pub(in crate::web) async fn discard(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    Form(DiscardForm { reason }): Form<DiscardForm>,
) -> Result<Response, Failure> {
    let id = parse(&id)?;
    let answer = ops::notes::discard(&app, person.actor(), id, &reason).await;
    done(&app, &person, id, answer, Typed { reason, ..Typed::default() }).await
}

/// Back to the note; with what was typed where it does not fit.
async fn done(
    app: &App,
    person: &SignedIn,
    id: NoteId,
    answer: Result<Note, Refusal>,
    typed: Typed,
) -> Result<Response, Failure> {
    match answer {
        Ok(note) => Ok(Redirect::to(&format!("/notes/{}", note.id)).into_response()),
        Err(refusal) if refusal.kind == Kind::Invalid => {
            let problems = refusal.fields.iter().map(named).collect();
            let page = page(&load(app, person, id, Typed { problems, ..typed }).await?)?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}
