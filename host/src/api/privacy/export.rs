//! All that is kept of a client, as one archive.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use futures::StreamExt as _;
use tokio_util::io::ReaderStream;

use super::find;
use crate::api::caller::Caller;
use crate::api::extract::{NoParams, PathParam};
use crate::api::problem::Problem;
use crate::app::App;
use crate::app::client_export::file_name;
use crate::domain::access::Action;
use crate::domain::{ClientId, Timestamp};

/// All that is kept of a client, as a ZIP archive: JSON files, the documents, and a README.txt that says what each is. The
/// export has an entry of the audit log, which is written before it.
#[utoipa::path(
    get,
    path = "/api/v1/clients/{id}/export",
    operation_id = "export_client",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id")),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>))
)]
pub async fn export(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
) -> Result<impl IntoResponse, Problem> {
    let client = find(&app, &caller, Action::ExportClients, id).await?;
    let file = app.export_client(&client).await?;
    let disposition =
        format!("attachment; filename=\"{}\"", file_name(client.id, Timestamp::now(), &app.config.practice.time_zone));
    let headers = [(CONTENT_TYPE, "application/zip".to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file)).boxed())))
}
