//! Whether the process is up and whether it can serve. Open to all; says nothing about the practice.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::problem::{Kind, Problem};
use crate::app::App;

/// All is well.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
}

const OK: Json<Health> = Json(Health { status: "ok" });

/// Whether the process is up.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = Health)))]
pub async fn healthz() -> Json<Health> {
    OK
}

/// Whether the store can be read. The packs were loaded before the host began to listen.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = Health)))]
pub async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    match app.store.has_users().await {
        Ok(_) => Ok(OK),
        Err(error) => {
            tracing::error!(%error, "the store cannot be read");
            Err(Problem::new(Kind::Unavailable, "The store cannot be read. The cause is in the host's log."))
        }
    }
}
