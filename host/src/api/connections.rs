//! Connections: the CRM sites of the settings, and "sync now".

mod departures;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub use departures::routes as departures_routes;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{NoParams, Params, PathParam};
use crate::api::problem::Problem;
use crate::api::runs::RunBody;
use crate::app::App;
use crate::connection::Connection;
use crate::domain::access::Action;
use crate::domain::run::Trigger;
use crate::domain::{ConnectionName, RevisionId};
use crate::store::book::PageRequest;

/// A CRM site of the practice.
#[derive(Serialize, ToSchema)]
#[schema(as = Connection)]
pub struct ConnectionBody {
    /// Its name in the settings.
    #[schema(value_type = String, example = "main")]
    name: ConnectionName,
    /// The CRM.
    #[schema(example = "xplan")]
    crm: String,
    /// The dialect it speaks.
    #[schema(example = "resourceful")]
    dialect: String,
    /// The site's host.
    forward_host: String,
    /// When it is synced: a cron expression with seconds, in the practice's time zone.
    #[schema(example = "0 0 * * * *")]
    schedule: String,
    /// The pack that says what the CRM's fields mean.
    #[schema(example = "xplan-au")]
    pack: String,
    /// The pack's region, ISO 3166-1 alpha-2.
    #[schema(example = "AU")]
    region: String,
    /// The pack's revision in force.
    #[schema(value_type = String, example = "3f9c0a1b2d4e")]
    revision: RevisionId,
    /// The newest run, finished or not; null before the first.
    #[schema(required)]
    last_run: Option<RunBody>,
}

impl ConnectionBody {
    async fn of(connection: &Connection, app: &App) -> Result<Self, Problem> {
        let newest = PageRequest { cursor: None, limit: 1 };
        let runs = app.store.runs(Some(connection.name.clone()), newest).await?;
        let revision = connection.revision();
        Ok(Self {
            name: connection.name.clone(),
            crm: revision.crm().to_owned(),
            dialect: connection.dialect.clone(),
            forward_host: connection.forward_host.clone(),
            schedule: connection.schedule.clone(),
            pack: revision.pack().to_owned(),
            region: revision.region().to_owned(),
            revision: revision.id(),
            last_run: runs.items.into_iter().next().map(RunBody::from),
        })
    }
}

/// All connections, in the settings' order, on one page.
#[utoipa::path(
    get,
    path = "/api/v1/connections",
    operation_id = "list_connections",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    responses((status = 200, body = List<ConnectionBody>))
)]
pub async fn list(caller: Caller, State(app): State<App>, _: NoParams) -> Result<Json<List<ConnectionBody>>, Problem> {
    caller.may(Action::ReadRuns)?;
    let mut items = Vec::new();
    for connection in app.connections.iter() {
        items.push(ConnectionBody::of(connection, &app).await?);
    }
    Ok(Json(List::new(items, None)))
}

/// One connection.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}",
    operation_id = "get_connection",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name in the settings")),
    responses((status = 200, body = ConnectionBody))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    _: NoParams,
) -> Result<Json<ConnectionBody>, Problem> {
    caller.may(Action::ReadRuns)?;
    Ok(Json(ConnectionBody::of(find(&app, &name)?, &app).await?))
}

fn find<'a>(app: &'a App, name: &ConnectionName) -> Result<&'a Connection, Problem> {
    let found = app.connections.get(name).map(AsRef::as_ref);
    found.ok_or_else(|| Problem::not_found(format_args!("connection `{name}`")))
}

/// How to sync.
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
    params(("name" = String, Path, description = "Its name in the settings"), SyncParams),
    responses((
        status = 202,
        body = RunBody,
        headers(("Location" = String, description = "The run's address"))
    ))
)]
pub async fn sync(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    Params(params): Params<SyncParams>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ControlRuns)?;
    let run =
        if params.dry_run { app.syncs.rehearse(&name)? } else { app.syncs.request(&name, Trigger::Request).await? };
    let location = format!("/api/v1/runs/{}", run.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(RunBody::from(run))))
}
