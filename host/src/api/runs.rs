//! Runs: how each sync went, live while it goes.

mod body;
mod changes;
mod progress;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

pub use body::RunBody;
pub use changes::{__path_changes, changes};

use self::progress::RunEvent;
use crate::api::body::{List, Written};
use crate::api::caller::Caller;
use crate::api::extract::{NoParams, Params, PathParam, page};
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::run::Run;
use crate::domain::{ConnectionName, RunId};
use crate::ops;

/// The choice of runs in a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunParams {
    /// The connection whose runs are listed; all if not said.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionName>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Runs, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/runs",
    operation_id = "list_runs",
    tag = "runs",
    security(("token" = []), ("session" = [])),
    params(RunParams),
    responses((status = 200, body = List<RunBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<RunParams>,
) -> Result<Json<List<RunBody>>, Problem> {
    caller.may(Action::ReadRuns)?;
    let page = page(params.limit, params.cursor)?;
    let mut runs = app.store.runs(params.connection, page).await?;
    runs.items = runs.items.into_iter().map(|run| as_seen(run, caller.can(Action::ReadWholeBook))).collect();
    Ok(Json(List::of(runs)))
}

/// One run.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}",
    operation_id = "get_run",
    tag = "runs",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The run's id")),
    responses((status = 200, body = RunBody))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<RunId>,
    _: NoParams,
) -> Result<Json<RunBody>, Problem> {
    caller.may(Action::ReadRuns)?;
    Ok(Json(as_seen(find(&app, id).await?, caller.can(Action::ReadWholeBook)).into()))
}

/// The run as it goes.
///
/// Server-sent events named `run` whose data is the run. The last one has a state of `done`,
/// `failed` or `cancelled`, and the stream ends after it. The state is the event's id: a browser that comes back for
/// more after the last one is answered 204, and stays away. The stream ends before the last one where the session is over, the
/// token is revoked, or whoever asked may not see runs any more.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/events",
    operation_id = "follow_run",
    tag = "runs",
    security(("token" = []), ("session" = [])),
    params(
        ("id" = Uuid, Path, description = "The run's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen")
    ),
    responses(
        (status = 200, body = inline(RunEvent), content_type = "text/event-stream"),
        (status = 204, description = "The last event was seen")
    )
)]
pub async fn events(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<RunId>,
    _: NoParams,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.may(Action::ReadRuns)?;
    // Asked for first: a run that ends in between is found in the store as it ended.
    let under_way = app.syncs.watch(id);
    let run = find(&app, id).await?;
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    if run.state.is_finished() && seen == Some(run.state.as_str()) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(match under_way {
        Some(under_way) => progress::live(&app, under_way, caller.way_in()).into_response(),
        None => progress::once(as_seen(run, caller.can(Action::ReadWholeBook))).into_response(),
    })
}

/// Ends a run at its next commit; what it committed stays.
///
/// Answers with the run as it stands.
#[utoipa::path(
    post,
    path = "/api/v1/runs/{id}/cancel",
    operation_id = "cancel_run",
    tag = "runs",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The run's id")),
    responses((status = 202, body = Written<RunBody>))
)]
pub async fn cancel(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<RunId>,
    _: NoParams,
) -> Result<impl IntoResponse, Problem> {
    let run = ops::runs::cancel(&app, caller.actor(), id).await?;
    Ok((StatusCode::ACCEPTED, Json(written(&caller, run))))
}

/// A run that was begun or ended, as far as the caller may see it.
pub fn written(caller: &Caller, run: Run) -> Written<RunBody> {
    Written::of(caller.can(Action::ReadRuns), run.id, as_seen(run, caller.can(Action::ReadWholeBook)))
}

/// A run for somebody who sees the book, or does not.
pub fn as_seen(run: Run, sees_book: bool) -> Run {
    if sees_book { run } else { run.without_findings() }
}

/// A run under way as it is now; any other as it is stored.
async fn find(app: &App, id: RunId) -> Result<Run, Problem> {
    if let Some(under_way) = app.syncs.watch(id) {
        return Ok(Run::clone(&under_way.borrow()));
    }
    app.store.run(id).await?.ok_or_else(|| Problem::not_found(format_args!("run {id}")))
}
