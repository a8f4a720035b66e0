//! Documents on their way out of a household's page: made by the host as they are exported, and sent to the CRM with a file
//! note.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::NO_HOUSEHOLD;
use crate::app::App;
use crate::domain::InvalidIdempotencyKey;
use crate::ops;
use crate::ops::notes::Export;
use crate::web::failure::Failure;
use crate::web::session::SignedIn;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ExportForm {
    document: String,
    /// Made with the page, so that a form sent twice is one export.
    key: String,
}

/// `POST /households/{id}/export`
pub(in crate::web) async fn export(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<ExportForm>,
) -> Result<Response, Failure> {
    let household = id.parse().map_err(|_| NO_HOUSEHOLD)?;
    let key = form.key.parse().map_err(|InvalidIdempotencyKey| Failure::Unreadable)?;
    let export = Export { household, document: form.document, key };
    let note = ops::notes::export(&app, person.actor(), export, person.clock.now).await?;
    Ok(Redirect::to(&format!("/notes/{note}")).into_response())
}
