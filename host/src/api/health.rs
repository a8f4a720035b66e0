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

/// Whether the store can be read and every task of the host is at work. The packs were loaded before the host began to
/// listen.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = Health)))]
pub async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    if let Err(error) = app.store.has_users().await {
        tracing::error!(%error, "the store cannot be read");
        return Err(Problem::new(Kind::Unavailable, "The store cannot be read. The cause is in the host's log."));
    }
    let down = app.supervisor.down();
    if !down.is_empty() {
        let detail = format!(
            "A task of the host died and is begun again in a moment: {}. The cause is in the host's log.",
            down.join(", ")
        );
        return Err(Problem::new(Kind::Unavailable, detail));
    }
    Ok(OK)
}
