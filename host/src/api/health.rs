//! Whether the process is up and whether it can serve. Open to all; says nothing about the practice but the names of
//! connections that are not at work, with the reason.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::domain::ConnectionName;
use crate::store::space::Level;

/// All is well.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
    /// The warnings that somebody should look into before the host is no longer well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<String>,
}

const OK: Health = Health { status: "ok", warnings: Vec::new() };

/// Whether the process is up.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, body = Health)))]
pub async fn healthz() -> Json<Health> {
    Json(OK)
}

/// Whether the store can be read and written, and every task of the host is at work. A connection that is not at work, for
/// its pack's sake or another, holds nothing else up: it is among the warnings, with the reason.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = Health)))]
pub async fn readyz(State(app): State<App>) -> Result<Json<Health>, Problem> {
    let unavailable = |detail: String| Problem::new(Kind::Unavailable, detail);
    if app.store.broken().is_some() {
        let detail = "The store's file failed. The host ends, to be started anew; the cause is in its log.";
        return Err(unavailable(detail.to_owned()));
    }
    if let Err(error) = app.store.has_manager().await {
        tracing::error!(%error, "the store cannot be read");
        return Err(unavailable("The store cannot be read. The cause is in the host's log.".to_owned()));
    }
    let down = app.supervisor.down();
    if !down.is_empty() {
        let detail = format!(
            "A task of the host died and is begun again in a moment: {}. The cause is in the host's log.",
            down.join(", ")
        );
        return Err(unavailable(detail));
    }
    let space = app.store.space();
    let free = space.free() >> 20;
    match space.level() {
        Level::Short => Err(unavailable(format!(
            "The disk of the data folder is nearly full ({free} MB are free): nothing new is taken in. File notes that were \
             accepted still go out."
        ))),
        Level::Low => {
            let little = format!("Little space is left on the disk of the data folder: {free} MB.");
            Ok(Json(Health { warnings: [vec![little], not_at_work(&app)].concat(), ..OK }))
        }
        Level::Enough => Ok(Json(Health { warnings: not_at_work(&app), ..OK })),
    }
}

fn not_at_work(app: &App) -> Vec<String> {
    let said = |(name, reason): (ConnectionName, String)| format!("The connection {name} is not at work: {reason}.");
    app.integrations.not_at_work().into_iter().map(said).collect()
}
