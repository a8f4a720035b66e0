//! The log, or a part of it, as lines of JSON, piece by piece, so that a long one is never held as a whole.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use futures::stream::{self, StreamExt as _};

use super::{EntryBody, ExportParams};
use crate::api::caller::Caller;
use crate::api::extract::Params;
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::access::Action;
use crate::store::StoreError;

/// The audit log in the order of its numbers, an entry a line of JSON (newline-delimited). The export has an entry of its
/// own, which is written before it.
#[utoipa::path(
    get,
    path = "/api/v1/audit/export",
    operation_id = "export_audit",
    tag = "audit",
    security(("token" = []), ("session" = [])),
    params(ExportParams),
    responses((status = 200, content_type = "application/x-ndjson", body = String))
)]
pub async fn export(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<ExportParams>, Problem>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ReadAudit)?;
    let Params(mut params) = params?;
    let filter = params.filter()?;
    app.audit.flush().await;
    let pieces = stream::try_unfold(0, move |after| {
        let (store, filter) = (app.store.clone(), filter.clone());
        async move {
            let Some((entries, last)) = store.audit_after(after, filter).await? else { return Ok(None) };
            let mut lines = Vec::new();
            for entry in entries {
                let written = serde_json::to_writer(&mut lines, &EntryBody::from(entry));
                written.map_err(|error| StoreError::Unwritable { what: "an entry", source: error.into() })?;
                lines.push(b'\n');
            }
            Ok::<_, StoreError>(Some((lines, last)))
        }
    });
    let headers =
        [(CONTENT_TYPE, "application/x-ndjson"), (CONTENT_DISPOSITION, "attachment; filename=\"audit.ndjson\"")];
    Ok((headers, Body::from_stream(pieces.boxed())))
}
