//! Previews of changes of mapping: their summaries, and the records that would differ.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::documents::pdf;
use crate::api::extract::{NoParams, PageParams, Params, PathPair, PathParam, page};
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::made::{DiagnosticDifference, FieldDifference, MadeState};
use crate::domain::{ClientId, ConnectionName, ExternalId, HouseholdId, NoteId, PreviewId, RecordKind, Timestamp};
use crate::ops::{self, Refusal};
use crate::preview::{Filter, NoteDifference, Preview, PreviewError, RecordDifference};

/// All of `/api/v1/previews`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(differences))
        .routes(routes!(notes))
        .routes(routes!(document))
        .routes(routes!(file))
        .routes(routes!(cancel))
}

/// The connection whose previews are meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// The connection.
    #[param(value_type = String)]
    connection: ConnectionName,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// The previews of a connection, the newest first: the latest twenty, and none for longer than a week.
#[utoipa::path(
    get,
    path = "/api/v1/previews",
    operation_id = "list_previews",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(ListParams),
    responses((status = 200, body = List<Preview>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<ListParams>, Problem>,
) -> Result<Json<List<Preview>>, Problem> {
    may_see(&caller)?;
    let Params(params) = params?;
    let page = page(params.limit, params.cursor)?;
    app.integrations.one(&params.connection).await?;
    let previews = app.previews.list(&params.connection).map_err(Refusal::from)?;
    Ok(Json(List::cut("previews", previews, &page, |_, preview| preview.id.to_string())?))
}

/// A preview, as it is by now.
#[utoipa::path(
    get,
    path = "/api/v1/previews/{id}",
    operation_id = "get_preview",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The preview's id")),
    responses((status = 200, body = Preview))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<PreviewId>,
    _: NoParams,
) -> Result<Json<Preview>, Problem> {
    may_see(&caller)?;
    Ok(Json(app.previews.one(id).map_err(Refusal::from)?))
}

/// The differences that are meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DifferenceParams {
    /// Only records of this kind.
    #[param(schema_with = schema::record_kind)]
    kind: Option<RecordKind>,
    /// Only records of which this field differs.
    field: Option<String>,
    /// Only records of which a diagnostic with this code appears or disappears.
    diagnostic: Option<String>,
    /// Only records that come to this state from another.
    #[param(schema_with = schema::made_state)]
    becomes: Option<MadeState>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A record that would differ.
#[derive(Serialize, ToSchema)]
#[schema(as = RecordDifference)]
pub struct DifferenceBody {
    /// The kind of record.
    #[schema(schema_with = schema::record_kind)]
    kind: RecordKind,
    /// The client in the practice; null where nobody was made of it.
    #[schema(value_type = Option<String>)]
    id: Option<ClientId>,
    /// The record's id in the CRM; that of the client, where it is a list.
    #[schema(value_type = String)]
    external_id: ExternalId,
    /// The state that the record is in.
    #[schema(schema_with = schema::made_state)]
    was: MadeState,
    /// The state that it would come to.
    #[schema(schema_with = schema::made_state)]
    becomes: MadeState,
    /// The fields that differ, where it was and would be mapped.
    fields: Vec<FieldBody>,
    /// The diagnostics that would come.
    appearing: Vec<DiagnosticBody>,
    /// The diagnostics that would be gone.
    disappearing: Vec<DiagnosticBody>,
}

/// A field that would have another value.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldDifference)]
struct FieldBody {
    /// The canonical field. `external_id` of an item that the list would have, or would not have any more.
    field: String,
    /// The item's id in the CRM, where the record is a list.
    #[schema(value_type = Option<String>)]
    item: Option<ExternalId>,
    /// The value now; null where it is empty.
    from: Option<String>,
    /// The value that it would have.
    to: Option<String>,
}

impl From<FieldDifference> for FieldBody {
    fn from(FieldDifference { field, item, from, to }: FieldDifference) -> Self {
        Self { field, item, from, to }
    }
}

/// A diagnostic that would come or be gone.
#[derive(Serialize, ToSchema)]
#[schema(as = DiagnosticDifference)]
struct DiagnosticBody {
    /// Its code.
    code: String,
    /// The canonical field that it is about; null for the record as a whole.
    field: Option<String>,
}

impl From<RecordDifference> for DifferenceBody {
    fn from(RecordDifference { kind, id, external_id, difference }: RecordDifference) -> Self {
        let diagnostic = |DiagnosticDifference { code, field }| DiagnosticBody { code, field };
        Self {
            kind,
            id,
            external_id,
            was: difference.was,
            becomes: difference.becomes,
            fields: difference.fields.into_iter().map(FieldBody::from).collect(),
            appearing: difference.appearing.into_iter().map(diagnostic).collect(),
            disappearing: difference.disappearing.into_iter().map(diagnostic).collect(),
        }
    }
}

/// The records that would differ, as they were found. While the preview is under way there may come more.
#[utoipa::path(
    get,
    path = "/api/v1/previews/{id}/differences",
    operation_id = "list_preview_differences",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The preview's id"), DifferenceParams),
    responses((status = 200, body = List<DifferenceBody>))
)]
pub async fn differences(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<PreviewId>,
    Params(params): Params<DifferenceParams>,
) -> Result<Json<List<DifferenceBody>>, Problem> {
    may_see(&caller)?;
    let page = page(params.limit, params.cursor)?;
    let filter = Filter { kind: params.kind, field: params.field, code: params.diagnostic, becomes: params.becomes };
    Ok(Json(List::of(app.previews.differences(id, filter, page).await.map_err(Refusal::from)?)))
}

/// A file note of the last month that would read otherwise.
#[derive(Serialize, ToSchema)]
#[schema(as = NoteDifference)]
pub struct NoteBody {
    /// The note.
    #[schema(value_type = String, format = Uuid)]
    note: NoteId,
    /// Its household.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The type of its event.
    event_type: String,
    /// The moment at which that happened.
    #[schema(value_type = String, format = DateTime)]
    occurred_at: Timestamp,
    /// The parts of the note that would be others; none where one of the revisions writes no note.
    fields: Vec<FieldBody>,
    /// The reason why the revision in force would not write it any more; null where it would.
    was_refused: Option<String>,
    /// The reason why it would not be written; null where it would.
    refused: Option<String>,
    /// Whether its document would look otherwise.
    has_other_document: bool,
    /// The reason why its document could not be made; null where it could.
    document_failed: Option<String>,
}

impl From<NoteDifference> for NoteBody {
    fn from(one: NoteDifference) -> Self {
        Self {
            note: one.note,
            household_id: one.household,
            event_type: one.event_type,
            occurred_at: one.occurred_at,
            fields: one.fields.into_iter().map(FieldBody::from).collect(),
            was_refused: one.was_refused,
            refused: one.refused,
            has_other_document: one.has_other_document,
            document_failed: one.document_failed,
        }
    }
}

/// The file notes of the last month that would read otherwise, or whose documents would look otherwise, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/previews/{id}/notes",
    operation_id = "list_preview_notes",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The preview's id"), PageParams),
    responses((status = 200, body = List<NoteBody>))
)]
pub async fn notes(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<PreviewId>,
    Params(params): Params<PageParams>,
) -> Result<Json<List<NoteBody>>, Problem> {
    may_see(&caller)?;
    caller.may(Action::ReadWholeBook)?;
    let page = params.page()?;
    Ok(Json(List::of(app.previews.notes(id, page).await.map_err(Refusal::from)?)))
}

/// The document of a file note of the last month, as it would be made. Nothing is kept.
#[utoipa::path(
    get,
    path = "/api/v1/previews/{id}/notes/{note}/document",
    operation_id = "preview_note_document",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(
        ("id" = Uuid, Path, description = "The preview's id"),
        ("note" = Uuid, Path, description = "The note's id")
    ),
    responses((status = 200, description = "The document", body = Vec<u8>, content_type = "application/pdf"))
)]
pub async fn document(
    caller: Caller,
    State(app): State<App>,
    PathPair(id, note): PathPair<PreviewId>,
    _: NoParams,
) -> Result<Response, Problem> {
    may_see(&caller)?;
    caller.may(Action::ReadWholeBook)?;
    let note: NoteId = note.parse().map_err(|_| Problem::not_found(format_args!("note `{note}`")))?;
    let preview = app.previews.one(id).map_err(Refusal::from)?;
    let to = app.integrations.known_revision(&preview.connection, &preview.to_digest.to_string()).await?;
    let made = app.make_document_by(note, to).await?;
    Ok(pdf(made.pdf, &made.file_name))
}

/// All records that would differ, and file notes that would read otherwise, to be handed on: a JSON object a line.
#[utoipa::path(
    get,
    path = "/api/v1/previews/{id}/file",
    operation_id = "download_preview",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The preview's id")),
    responses((status = 200, description = "The file", body = String, content_type = "application/jsonl"))
)]
pub async fn file(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<PreviewId>,
    _: NoParams,
) -> Result<Response, Problem> {
    may_see(&caller)?;
    caller.may(Action::ReadWholeBook)?;
    download(&app, id).await.map_err(Problem::from)
}

/// The files of a preview as an answer.
pub async fn download(app: &App, id: PreviewId) -> Result<Response, Refusal> {
    let preview = app.previews.one(id)?;
    let [records, notes] = app.previews.files(id);
    let records = tokio::fs::File::open(records).await.map_err(PreviewError::from)?;
    let notes = tokio::fs::File::open(notes).await.map_err(PreviewError::from)?;
    let lines = ReaderStream::new(records.chain(notes));
    let name = format!("attachment; filename=\"preview-{}-{}.jsonl\"", preview.connection, preview.to);
    let headers = [(CONTENT_TYPE, "application/jsonl".to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// Ends a preview that is under way.
#[utoipa::path(
    post,
    path = "/api/v1/previews/{id}/cancel",
    operation_id = "cancel_preview",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The preview's id")),
    responses((status = 202, body = Preview))
)]
pub async fn cancel(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<PreviewId>,
    _: NoParams,
) -> Result<impl IntoResponse, Problem> {
    let preview = ops::revisions::cancel_preview(&app, caller.actor(), id).await?;
    Ok((StatusCode::ACCEPTED, Json(preview)))
}

/// Previews show everybody's data.
fn may_see(caller: &Caller) -> Result<(), Problem> {
    caller.may(Action::ReadWholeBook)
}
