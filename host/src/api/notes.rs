//! File notes and their way to the CRM.

mod body;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

pub use body::NoteBody;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{NoParams, Params, PathParam, page};
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::NoteId;
use crate::domain::access::Action;
use crate::domain::note::NoteState;

/// Which notes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NoteParams {
    /// In this state only.
    #[param(schema_with = schema::note_state, required = false)]
    state: Option<NoteState>,
    /// How many items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// File notes, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/notes",
    operation_id = "list_notes",
    tag = "notes",
    security(("token" = []), ("session" = [])),
    params(NoteParams),
    responses((status = 200, body = List<NoteBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<NoteParams>,
) -> Result<Json<List<NoteBody>>, Problem> {
    caller.may(Action::ReadNotes)?;
    let page = page(params.limit, params.cursor)?;
    Ok(Json(List::of(app.store.notes(params.state, page).await?)))
}

/// One file note.
#[utoipa::path(
    get,
    path = "/api/v1/notes/{id}",
    operation_id = "get_note",
    tag = "notes",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The note's id")),
    responses((status = 200, body = NoteBody))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<NoteId>,
    _: NoParams,
) -> Result<Json<NoteBody>, Problem> {
    caller.may(Action::ReadNotes)?;
    let note = app.store.note(id).await?.ok_or_else(|| Problem::not_found(format_args!("note {id}")))?;
    Ok(Json(note.into()))
}

/// Delivers a waiting or dead note now.
#[utoipa::path(
    post,
    path = "/api/v1/notes/{id}/retry",
    operation_id = "retry_note",
    tag = "notes",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The note's id")),
    responses((status = 202, body = NoteBody))
)]
pub async fn retry(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<NoteId>,
    _: NoParams,
) -> Result<(StatusCode, Json<NoteBody>), Problem> {
    caller.may(Action::WriteNotes)?;
    let note = app.notes.retry(id).await?;
    Ok((StatusCode::ACCEPTED, Json(note.into())))
}
