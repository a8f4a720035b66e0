//! The rows of a list as CSV, page by page, so that a long one is never held as a whole.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use futures::stream;
use serde::Deserialize;
use utoipa::IntoParams;

use super::find;
use crate::api::caller::Caller;
use crate::api::extract::{Params, PathParam};
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::ImportId;
use crate::domain::access::Action;
use crate::domain::import::RowStatus;
use crate::import::lines;

/// The choice of rows of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportParams {
    /// The status of the rows that are exported; all if not said.
    #[param(schema_with = schema::row_status, required = false)]
    status: Option<RowStatus>,
}

/// The rows of a list with what became of them, as CSV. What a spreadsheet program would take for a formula begins with
/// an apostrophe.
#[utoipa::path(
    get,
    path = "/api/v1/imports/{id}/rows.csv",
    operation_id = "export_import_rows",
    tag = "imports",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The list's id"), ExportParams),
    responses((status = 200, content_type = "text/csv", body = String))
)]
pub async fn csv(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ImportId>,
    Params(params): Params<ExportParams>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ReadWholeBook)?;
    let import = find(&app, id).await?;
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"import-{id}.csv\"")),
    ];
    let id_heading = app.connections.id_column(&import.connection).heading.to_owned();
    let pages = lines(app.store.clone(), id, params.status, id_heading);
    Ok((headers, Body::from_stream(stream::StreamExt::boxed(pages))))
}
