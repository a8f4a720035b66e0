//! Clients, goals or covers that are gone from a connection, too many at once to be marked without a person.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::caller::Caller;
use crate::api::clients::ClientBody;
use crate::api::covers::CoverBody;
use crate::api::extract::{Params, PathParam};
use crate::api::goals::GoalBody;
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::departure::{Departures, Standing};
use crate::domain::{ConnectionName, RecordKind, RunId, Timestamp};
use crate::ops;
use crate::ops::departures::Answer;

/// The question and its answers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(departures)).routes(routes!(confirm)).routes(routes!(dismiss))
}

/// So many of those that are missing are answered with the question.
const SOME: usize = 50;

/// A question to a person: are these gone, or does the CRM only no longer show them?
#[derive(Serialize, ToSchema)]
#[schema(as = Departures)]
pub struct DeparturesBody {
    /// What is missing.
    #[schema(schema_with = schema::departure_kind)]
    kind: &'static str,
    /// Where it stands; `none` where no run asks, and all else is null then.
    #[schema(schema_with = schema::standing)]
    standing: &'static str,
    /// The run that found so many missing, the latest of them.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    run_id: Option<RunId>,
    /// When the question came up.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// How many two complete walks in a row did not see and are not marked.
    #[schema(required)]
    missing: Option<u64>,
    /// How many of the connection there were.
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
    /// Some of those who are missing, while the question about clients waits.
    clients: Vec<ClientBody>,
    /// Some of those that are missing, while the question about goals waits.
    goals: Vec<GoalBody>,
    /// Some of those that are missing, while the question about covers waits.
    covers: Vec<CoverBody>,
}

impl DeparturesBody {
    fn new(kind: RecordKind, asked: Option<&Departures>) -> Self {
        let answered = asked.and_then(|asked| asked.answered.clone());
        Self {
            kind: kind.as_str(),
            standing: asked.map_or("none", |asked| asked.standing.as_str()),
            run_id: asked.map(|asked| asked.run),
            since: asked.map(|asked| asked.since),
            missing: asked.map(|asked| asked.missing),
            of: asked.map(|asked| asked.of),
            limit: asked.map(|asked| asked.limit),
            answered_by: answered.as_ref().map(|(by, _)| by.clone()),
            answered_at: answered.map(|(_, at)| at),
            clients: Vec::new(),
            goals: Vec::new(),
            covers: Vec::new(),
        }
    }
}

/// What a question is about.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Client,
    Goal,
    Cover,
}

impl From<Kind> for RecordKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Client => Self::Client,
            Kind::Goal => Self::Goal,
            Kind::Cover => Self::Cover,
        }
    }
}

/// Which question is read.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QuestionParams {
    /// What is missing [default: client].
    #[serde(default)]
    #[param(schema_with = schema::departure_kind, required = false)]
    kind: Kind,
}

/// Which question is answered.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AnswerParams {
    /// What is missing [default: client].
    #[serde(default)]
    #[param(schema_with = schema::departure_kind, required = false)]
    kind: Kind,
    /// `run_id` of the question, so that nobody answers one that they have not seen.
    #[param(value_type = Uuid)]
    run_id: RunId,
}

/// Whether many clients, goals or covers are gone at once, and what was answered to that.
///
/// A run that finds more of a kind gone than the connection's `gone-threshold` marks none of it and asks: a change of
/// what the CRM user may see looks the same as a mass departure.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/departures",
    operation_id = "get_departures",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "The connection's name"), QuestionParams),
    responses((status = 200, body = DeparturesBody))
)]
pub async fn departures(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    params: Result<Params<QuestionParams>, Problem>,
) -> Result<Json<DeparturesBody>, Problem> {
    caller.may(Action::ReadBook)?;
    let Params(QuestionParams { kind }) = params?;
    super::find(&app, &name)?;
    let asked = app.store.departures(name.clone(), kind.into()).await?;
    let mut body = DeparturesBody::new(kind.into(), asked.as_ref());
    if asked.is_some_and(|asked| asked.standing == Standing::Waiting) {
        let store = &app.store;
        match kind {
            Kind::Client => body.clients = store.missing(name, SOME).await?.into_iter().map(Into::into).collect(),
            Kind::Goal => body.goals = store.missing_goals(name, SOME).await?.into_iter().map(Into::into).collect(),
            Kind::Cover => body.covers = store.missing_covers(name, SOME).await?.into_iter().map(Into::into).collect(),
        }
    }
    Ok(Json(body))
}

/// Says that these are gone: clients are marked as not visible, goals and covers as gone, and nothing is deleted.
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

/// Says that these are not gone: they stay as they are, and nobody is asked again unless many more go.
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
    let Params(AnswerParams { kind, run_id: run }) = params?;
    let answer = Answer { connection: name, kind: kind.into(), run, is_confirmed };
    let answered = ops::departures::answer(app, caller.actor(), answer, Timestamp::now()).await?;
    Ok(Json(DeparturesBody::new(kind.into(), Some(&answered))))
}
