//! Connections: the CRM sites of the practice, and "sync now".

mod absence_review;
mod body;
pub mod change;
pub mod check;
pub mod declared;
pub mod revisions;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::IntoParams;

use self::body::ConnectionBody;
use crate::api::body::{List, Written};
use crate::api::caller::Caller;
use crate::api::extract::{NoParams, PageParams, Params, PathParam};
use crate::api::problem::Problem;
use crate::api::runs::{RunBody, written};
use crate::app::App;
use crate::connection::Connection;
use crate::domain::ConnectionName;
use crate::domain::access::Action;
use crate::ops;
use crate::ops::runs::Mode;
pub use absence_review::routes as absence_review_routes;

/// Connections, those of the settings file first.
#[utoipa::path(
    get,
    path = "/api/v1/connections",
    operation_id = "list_connections",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(PageParams),
    responses((status = 200, body = List<ConnectionBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<PageParams>,
) -> Result<Json<List<ConnectionBody>>, Problem> {
    caller.may(Action::ReadRuns)?;
    let page = params.page()?;
    let mut items = Vec::new();
    for one in app.integrations.list().await? {
        items.push(ConnectionBody::of(one, &app).await?);
    }
    Ok(Json(List::cut("connections", items, &page, |_, one| one.name.to_string())?))
}

/// One connection.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}",
    operation_id = "get_connection",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = ConnectionBody))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    _: NoParams,
) -> Result<Json<ConnectionBody>, Problem> {
    caller.may(Action::ReadRuns)?;
    let one = app.integrations.one(&name).await?;
    Ok(Json(ConnectionBody::of(one, &app).await?))
}

/// A connection that is at work.
fn find(app: &App, name: &ConnectionName) -> Result<Arc<Connection>, Problem> {
    app.connections.get(name).ok_or_else(|| Problem::not_found(format_args!("connection `{name}`")))
}

/// The way in which to sync.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SyncParams {
    /// Walk, map and compare, and store nothing: the run's counts say what a sync would change. The run can be
    /// followed while it goes and is not kept.
    #[serde(default)]
    #[param(required = false)]
    dry_run: bool,
}

/// Starts a run in the background, or answers with the one that is under way.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/sync",
    operation_id = "sync_connection",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name"), SyncParams),
    responses((
        status = 202,
        body = Written<RunBody>,
        headers(("Location" = String, description = "The run's address"))
    ))
)]
pub async fn sync(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    Params(params): Params<SyncParams>,
) -> Result<impl IntoResponse, Problem> {
    let mode = if params.dry_run { Mode::Rehearse } else { Mode::Keep };
    let run = ops::runs::start(&app, caller.actor(), &name, mode).await?;
    let location = format!("/api/v1/runs/{}", run.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(written(&caller, run))))
}
