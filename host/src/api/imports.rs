//! Identity lists: brought, previewed, decided, applied.

mod body;
mod export;
mod upload;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde::de::value::Error as ValueError;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::body::{ImportBody, ImportRowBody};
use crate::api::body::{List as ListBody, Written};
use crate::api::caller::Caller;
use crate::api::extract::{Body, Decided, NoParams, PageParams, Params, PathParam, page};
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::import::{Decision, Import, RowStatus};
use crate::domain::{ClientId, ConnectionName, ImportId, Timestamp};
use crate::ops;
use crate::ops::imports::List;

/// All of `/api/v1/imports`. The size of a file is bounded where it is read.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(bring))
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(forget))
        .routes(routes!(rows))
        .routes(routes!(decide))
        .routes(routes!(apply))
        .routes(routes!(export::csv))
}

/// The connection and file of a list that is imported.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BringParams {
    /// The connection whose CRM the ids are of.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionName>,
    /// The name of the file, where it is the body as a whole.
    file_name: Option<String>,
    /// The sheet of a workbook that is the list, hidden or not; the first one that is shown and has the headings if not
    /// said.
    sheet: Option<String>,
}

/// A form that brings a file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "for the document: a form is read part by part")]
pub struct UploadForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Brings a list and answers its preview. Nothing is changed yet.
///
/// The list is a CSV file or an .xlsx workbook with First Name, Last Name, Email and {id-heading} in any order: as the body,
/// or as the part `file` of a form.
#[utoipa::path(
    post,
    path = "/api/v1/imports",
    operation_id = "bring_import",
    tag = "imports",
    security(("token" = []), ("session" = [])),
    params(BringParams),
    request_body(content(
        (String = "text/csv"),
        (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (UploadForm = "multipart/form-data")
    ), description = "The file"),
    responses((status = 201, description = "Read", body = Written<ImportBody>, headers(("Location" = String, description = "The list's address"))))
)]
pub async fn bring(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<BringParams>,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ManageBook)?;
    app.store.space().admit()?;
    let upload::Upload { file, name } =
        app.intake.take(caller.actor().account(), upload::read(&app, request, params.file_name)).await?;
    let connection = params.connection.as_ref().map(ConnectionName::as_str);
    let list = List { file, file_name: &name, sheet: params.sheet.as_deref(), connection };
    let import = ops::imports::bring(&app, caller.actor(), list, Timestamp::now()).await?;
    let location = format!("/api/v1/imports/{}", import.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(written(&caller, import))))
}

/// Lists, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/imports",
    operation_id = "list_imports",
    tag = "imports",
    security(("token" = []), ("session" = [])),
    params(PageParams),
    responses((status = 200, body = ListBody<ImportBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<PageParams>,
) -> Result<Json<ListBody<ImportBody>>, Problem> {
    caller.may(Action::ReadWholeBook)?;
    Ok(Json(ListBody::of(app.store.imports(params.page()?).await?)))
}

/// One list with how many rows of each kind it has.
#[utoipa::path(
    get,
    path = "/api/v1/imports/{id}",
    operation_id = "get_import",
    tag = "imports",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The list's id")),
    responses((status = 200, body = ImportBody))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ImportId>,
    _: NoParams,
) -> Result<Json<ImportBody>, Problem> {
    caller.may(Action::ReadWholeBook)?;
    Ok(Json(find(&app, id).await?.into()))
}

/// A list that was changed, as far as the caller may see it.
fn written(caller: &Caller, import: Import) -> Written<ImportBody> {
    Written::of(caller.can(Action::ReadWholeBook), import.id, import)
}

async fn find(app: &App, id: ImportId) -> Result<Import, Problem> {
    app.store.import(id).await?.ok_or_else(|| Problem::not_found(format_args!("import {id}")))
}

/// Forgets a list and its rows. What it linked stays linked.
#[utoipa::path(
    delete,
    path = "/api/v1/imports/{id}",
    operation_id = "forget_import",
    tag = "imports",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The list's id")),
    responses((status = 204, description = "Forgotten"))
)]
pub async fn forget(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ImportId>,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    ops::imports::forget(&app, caller.actor(), id, Timestamp::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The choice of rows of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RowParams {
    /// The status of the rows that are listed; all if not said.
    #[param(schema_with = schema::row_status, required = false)]
    status: Option<RowStatus>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// The rows of a list, in its order.
#[utoipa::path(
    get,
    path = "/api/v1/imports/{id}/rows",
    operation_id = "list_import_rows",
    tag = "imports",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The list's id"), RowParams),
    responses((status = 200, body = ListBody<ImportRowBody>))
)]
pub async fn rows(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ImportId>,
    Params(params): Params<RowParams>,
) -> Result<Json<ListBody<ImportRowBody>>, Problem> {
    caller.may(Action::ReadWholeBook)?;
    find(&app, id).await?;
    let page = page(params.limit, params.cursor)?;
    Ok(Json(ListBody::of(app.store.import_rows(id, params.status, page).await?)))
}

/// A person's decision about a row.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "decision", try_from = "Decided<DecisionWord>")]
#[schema(as = RowDecision)]
pub enum DecisionBody {
    /// The row means this client.
    Link {
        /// The client.
        #[schema(value_type = String, format = Uuid)]
        client_id: ClientId,
    },
    /// Nobody is linked by the row.
    LeaveOut,
    /// The decision is taken back.
    Undecided,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum DecisionWord {
    Link,
    LeaveOut,
    Undecided,
}

impl TryFrom<Decided<DecisionWord>> for DecisionBody {
    type Error = ValueError;

    fn try_from(given: Decided<DecisionWord>) -> Result<Self, ValueError> {
        match given.decision {
            DecisionWord::Link => Ok(Self::Link { client_id: given.client()? }),
            DecisionWord::LeaveOut => given.alone(Self::LeaveOut),
            DecisionWord::Undecided => given.alone(Self::Undecided),
        }
    }
}

/// Says who a row means, or that it is to be left out.
#[utoipa::path(
    post,
    path = "/api/v1/imports/{id}/rows/{number}/decision",
    operation_id = "decide_import_row",
    tag = "imports",
    security(("token" = []), ("session" = [])),
    params(
        ("id" = Uuid, Path, description = "The list's id"),
        ("number" = u32, Path, description = "The row's number in the file")
    ),
    request_body = DecisionBody,
    responses((status = 200, body = Written<ImportBody>))
)]
pub async fn decide(
    caller: Caller,
    State(app): State<App>,
    Path((id, number)): Path<(String, String)>,
    _: NoParams,
    decision: Result<Body<DecisionBody>, Problem>,
) -> Result<Json<Written<ImportBody>>, Problem> {
    caller.may(Action::ManageBook)?;
    let Body(decision) = decision?;
    let (Ok(import), Ok(row)) = (id.parse::<ImportId>(), number.parse::<u32>()) else {
        return Err(Problem::not_found(format_args!("row {number} of the import {id}")));
    };
    let decision = match decision {
        DecisionBody::Link { client_id } => Some(Decision::Link(client_id)),
        DecisionBody::LeaveOut => Some(Decision::LeaveOut),
        DecisionBody::Undecided => None,
    };
    Ok(Json(written(&caller, ops::imports::decide(&app, caller.actor(), (import, row), decision).await?)))
}

/// Links the clients of the rows that are ready or decided, all in one.
///
/// The next sync brings the CRM's values to these clients and makes none of them anew. Applying again does what was
/// decided since; what is linked stays so.
#[utoipa::path(
    post,
    path = "/api/v1/imports/{id}/apply",
    operation_id = "apply_import",
    tag = "imports",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The list's id")),
    responses((status = 200, body = Written<ImportBody>))
)]
pub async fn apply(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ImportId>,
    _: NoParams,
) -> Result<Json<Written<ImportBody>>, Problem> {
    Ok(Json(written(&caller, ops::imports::apply(&app, caller.actor(), id, Timestamp::now()).await?)))
}
