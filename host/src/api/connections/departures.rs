//! Clients who are gone from a connection, too many at once to be marked without a person.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::caller::Caller;
use crate::api::clients::ClientBody;
use crate::api::extract::{NoParams, Params, PathParam};
use crate::api::problem::{Kind, Problem};
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::departure::{Departures, Standing};
use crate::domain::{ConnectionName, RunId, Timestamp};
use crate::store::gone::Answered;

/// The question and its answers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(departures)).routes(routes!(confirm)).routes(routes!(dismiss))
}

/// Clients of whom some are answered with the question.
const SOME: usize = 50;

/// A question to a person: are these clients gone, or does the CRM only no longer show them?
#[derive(Serialize, ToSchema)]
#[schema(as = Departures)]
pub struct DeparturesBody {
    /// Where it stands; `none` where no run asks, and all else is null then.
    #[schema(schema_with = schema::standing)]
    standing: &'static str,
    /// The run that found so many missing, the latest of them.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    run_id: Option<RunId>,
    /// When the question came up.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// How many clients two complete walks in a row did not see and are not marked.
    #[schema(required)]
    missing: Option<u64>,
    /// How many clients of the connection there were.
    #[schema(required)]
    of: Option<u64>,
    /// How many a run may mark by itself.
    #[schema(required)]
    limit: Option<u64>,
    /// Who answered.
    #[schema(required)]
    answered_by: Option<String>,
    /// When.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    answered_at: Option<Timestamp>,
    /// Some of the clients who are missing, while the question waits.
    clients: Vec<ClientBody>,
}

impl DeparturesBody {
    fn new(asked: Option<&Departures>, clients: Vec<ClientBody>) -> Self {
        let answered = asked.and_then(|asked| asked.answered.clone());
        Self {
            standing: asked.map_or("none", |asked| asked.standing.as_str()),
            run_id: asked.map(|asked| asked.run),
            since: asked.map(|asked| asked.since),
            missing: asked.map(|asked| asked.missing),
            of: asked.map(|asked| asked.of),
            limit: asked.map(|asked| asked.limit),
            answered_by: answered.as_ref().map(|(by, _)| by.clone()),
            answered_at: answered.map(|(_, at)| at),
            clients,
        }
    }
}

/// Which question is answered.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AnswerParams {
    /// `run_id` of the question, so that nobody answers one that they have not seen.
    #[param(value_type = Uuid)]
    run_id: RunId,
}

/// Whether many clients are gone at once, and what was answered to that.
///
/// A run that finds more clients gone than the connection's `gone-threshold` marks nobody and asks: a change of what the
/// CRM user may see looks the same as a mass departure.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/departures",
    operation_id = "get_departures",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "The connection's name")),
    responses((status = 200, body = DeparturesBody))
)]
pub async fn departures(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    _: NoParams,
) -> Result<Json<DeparturesBody>, Problem> {
    caller.may(Action::ReadBook)?;
    super::find(&app, &name)?;
    let asked = app.store.departures(name.clone()).await?;
    let is_waiting = asked.as_ref().is_some_and(|asked| asked.standing == Standing::Waiting);
    let missing = if is_waiting { app.store.missing(name, SOME).await? } else { Vec::new() };
    Ok(Json(DeparturesBody::new(asked.as_ref(), missing.into_iter().map(ClientBody::from).collect())))
}

/// Says that these clients are gone: they are marked as not visible, and nothing is deleted.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/departures/confirm",
    operation_id = "confirm_departures",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "The connection's name"), AnswerParams),
    responses((status = 200, body = DeparturesBody))
)]
pub async fn confirm(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    params: Result<Params<AnswerParams>, Problem>,
) -> Result<Json<DeparturesBody>, Problem> {
    answer(&caller, &app, name, params, true).await
}

/// Says that these clients are not gone: they stay as they are, and nobody is asked again unless many more go.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/departures/dismiss",
    operation_id = "dismiss_departures",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "The connection's name"), AnswerParams),
    responses((status = 200, body = DeparturesBody))
)]
pub async fn dismiss(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    params: Result<Params<AnswerParams>, Problem>,
) -> Result<Json<DeparturesBody>, Problem> {
    answer(&caller, &app, name, params, false).await
}

async fn answer(
    caller: &Caller,
    app: &App,
    name: ConnectionName,
    params: Result<Params<AnswerParams>, Problem>,
    is_confirmed: bool,
) -> Result<Json<DeparturesBody>, Problem> {
    caller.may(Action::ControlRuns)?;
    let Params(AnswerParams { run_id: run }) = params?;
    super::find(app, &name)?;
    let by = caller.name().to_owned();
    match app.store.answer_departures(name, run, is_confirmed, by, Timestamp::now()).await? {
        Answered::Done(answered) => Ok(Json(DeparturesBody::new(Some(&answered), Vec::new()))),
        Answered::Stale(_) => Err(Problem::new(
            Kind::WrongState,
            "This question does not wait for an answer any more: a later run put it anew, or somebody answered it. \
             Nothing was changed. Read it again and answer that one.",
        )),
    }
}
