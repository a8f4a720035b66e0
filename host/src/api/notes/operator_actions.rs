//! Operator actions on a note that does not go out by itself: retry, edit, resolve and discard.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NoteBody, written};
use crate::api::body::Written;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, PathParam, word_or_null};
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::note::{Note, Stage};
use crate::domain::{ClientId, ConnectionName, NoteId};
use crate::notes::NoteEdit;
use crate::ops;
use crate::store::outbox::NoteFilter;

/// The choice of notes to retry: the dead ones that fit all that is said.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryAllBody {
    /// The connection whose notes are retried; all if not said.
    #[schema(value_type = Option<String>, pattern = "^[a-z][a-z0-9-]{0,39}$")]
    connection: Option<ConnectionName>,
    /// The type of event whose notes are retried; all if not said.
    event_type: Option<String>,
    /// `dead` for those that were refused or given up, `in_doubt` for those that may be in the CRM.
    #[serde(default, deserialize_with = "word_or_null")]
    #[schema(schema_with = schema::note_stage_or_null, required = false)]
    stage: Option<Stage>,
}

/// The number of notes that are on their way again.
#[derive(Serialize, ToSchema)]
pub struct RetriedBody {
    /// The number of notes.
    retried: usize,
}

/// The changes to a note; what is not said stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditBody {
    /// Another subject, one line of at most 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    subject: Option<String>,
    /// Another text, at most 20,000 characters.
    #[schema(min_length = 1, max_length = 20_000)]
    body: Option<String>,
    /// The clients of the household whom it is filed against.
    #[schema(value_type = Option<Vec<Uuid>>)]
    client_ids: Option<Vec<ClientId>>,
}

/// The finding of somebody who looked in the CRM.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveBody {
    /// The CRM's id of the note, or of its document where that is in question; null where it is not there: it is
    /// looked for once more, and sent where the CRM does not show it. What is left out says neither.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, pattern = "^[A-Za-z0-9-]{1,100}$")]
    document_id: Option<String>,
}

/// The reason why a note is given up.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscardBody {
    /// The reason, which stays with the note; at most 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Delivers a waiting or dead note now, whatever the CRM asked for.
///
/// A note whose create may have taken effect is looked for in the CRM first. One in the stage `waiting_for_refiling` is
/// filed against its clients as they are linked now.
#[utoipa::path(
    post,
    path = "/api/v1/notes/{id}/retry",
    operation_id = "retry_note",
    tag = "notes",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The note's id")),
    responses((status = 202, body = Written<NoteBody>))
)]
pub async fn retry(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<NoteId>,
    _: NoParams,
) -> Result<(StatusCode, Json<Written<NoteBody>>), Problem> {
    Ok(accepted(&caller, ops::notes::retry(&app, caller.actor(), id).await?))
}

/// Delivers all dead notes of a kind now.
#[utoipa::path(
    post,
    path = "/api/v1/notes/retry",
    operation_id = "retry_notes",
    tag = "notes",
    security(("token" = []), ("session" = [])),
    request_body = RetryAllBody,
    responses((status = 202, body = RetriedBody))
)]
pub async fn retry_all(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
    which: Result<Body<RetryAllBody>, Problem>,
) -> Result<(StatusCode, Json<RetriedBody>), Problem> {
    caller.may_somewhere(Action::WriteNotes)?;
    let Body(RetryAllBody { connection, event_type, stage }) = which?;
    let retried = ops::notes::retry_all(
        &app,
        caller.actor(),
        NoteFilter { connection, event_type, stage, ..NoteFilter::default() },
    )
    .await?;
    Ok((StatusCode::ACCEPTED, Json(RetriedBody { retried })))
}

/// Changes a note that the CRM has not got, and delivers it now.
#[utoipa::path(
    post,
    path = "/api/v1/notes/{id}/edit",
    operation_id = "edit_note",
    tag = "notes",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The note's id")),
    request_body = EditBody,
    responses((status = 202, body = Written<NoteBody>))
)]
pub async fn edit(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<NoteId>,
    _: NoParams,
    edit: Result<Body<EditBody>, Problem>,
) -> Result<(StatusCode, Json<Written<NoteBody>>), Problem> {
    caller.may_somewhere(Action::WriteNotes)?;
    let Body(EditBody { subject, body, client_ids }) = edit?;
    Ok(accepted(
        &caller,
        ops::notes::edit(&app, caller.actor(), id, NoteEdit { subject, body, clients: client_ids }).await?,
    ))
}

/// Says whether a note in doubt is in the CRM.
///
/// A note is in doubt where its create, or the upload of a document, had no answer and no look-up can tell; and a
/// delivered one (`copies`) where the CRM lists it not once. A person looks there.
#[utoipa::path(
    post,
    path = "/api/v1/notes/{id}/resolve",
    operation_id = "resolve_note",
    tag = "notes",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The note's id")),
    request_body = ResolveBody,
    responses((status = 202, body = Written<NoteBody>))
)]
pub async fn resolve(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<NoteId>,
    _: NoParams,
    found: Result<Body<ResolveBody>, Problem>,
) -> Result<(StatusCode, Json<Written<NoteBody>>), Problem> {
    caller.may_somewhere(Action::WriteNotes)?;
    let Body(found) = found?;
    Ok(accepted(&caller, ops::notes::resolve(&app, caller.actor(), id, found.document_id.as_deref()).await?))
}

/// Gives a note up for a reason.
#[utoipa::path(
    post,
    path = "/api/v1/notes/{id}/discard",
    operation_id = "discard_note",
    tag = "notes",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The note's id")),
    request_body = DiscardBody,
    responses((status = 202, body = Written<NoteBody>))
)]
pub async fn discard(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<NoteId>,
    _: NoParams,
    why: Result<Body<DiscardBody>, Problem>,
) -> Result<(StatusCode, Json<Written<NoteBody>>), Problem> {
    caller.may_somewhere(Action::WriteNotes)?;
    let Body(DiscardBody { reason }) = why?;
    Ok(accepted(&caller, ops::notes::discard(&app, caller.actor(), id, &reason).await?))
}

fn accepted(caller: &Caller, note: Note) -> (StatusCode, Json<Written<NoteBody>>) {
    (StatusCode::ACCEPTED, Json(written(caller, note)))
}
