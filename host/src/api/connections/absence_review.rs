//! Clients, goals or covers that are gone from a connection, too many at once to be marked without a person.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::ArrayBuilder;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::caller::Caller;
use crate::api::clients::ClientBody;
use crate::api::extract::{Params, PathParam};
use crate::api::listed::ListedBody;
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::absence::{AbsenceReview, AbsenceReviewState};
use crate::domain::access::Action;
use crate::domain::{ConnectionName, RecordKind, RunId, Timestamp, with_listed};
use crate::ops;
use crate::ops::absence_review::Answer;
use crate::store::StoredItem;

/// The question and its answers.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(absence_review)).routes(routes!(confirm)).routes(routes!(dismiss))
}

/// The number of missing records that are answered with the question.
const SOME: usize = 50;

/// A question to a person: are these gone, or does the CRM only no longer show them?
#[derive(Serialize, ToSchema)]
struct QuestionBody {
    /// The kind of record that is missing.
    #[schema(schema_with = schema::departure_kind)]
    kind: &'static str,
    /// The state of the question; `none` where no run asks, and all else is null then.
    #[schema(schema_with = schema::standing)]
    standing: &'static str,
    /// The run that found so many missing, the latest of them.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    run_id: Option<RunId>,
    /// The moment at which the question came up.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// The number of records that two complete walks in a row did not see and that are not marked.
    #[schema(required)]
    missing: Option<u64>,
    /// The number of the connection's records of the kind.
    #[schema(required)]
    of: Option<u64>,
    /// The number of records that a run may mark by itself.
    #[schema(required)]
    limit: Option<u64>,
    /// The person who answered.
    #[schema(required)]
    answered_by: Option<String>,
    /// The moment of the answer.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    answered_at: Option<Timestamp>,
    /// Some of those who are missing, while the question about clients waits.
    clients: Vec<ClientBody>,
}

/// The question with some of what is missing, by kind.
#[derive(Serialize)]
pub struct DeparturesBody {
    #[serde(flatten)]
    question: QuestionBody,
    /// Lists of clients' records, by kind.
    #[serde(flatten)]
    listed: BTreeMap<&'static str, Vec<Value>>,
}

impl PartialSchema for DeparturesBody {
    fn schema() -> RefOr<Schema> {
        let mut schema = QuestionBody::schema();
        let RefOr::T(Schema::Object(object)) = &mut schema else { return schema };
        for kind in RecordKind::LISTED {
            let about = format!("Some of those that are missing, while the question about {} waits.", kind.plural());
            let item = with_listed!(*kind, Item => Ref::from_schema_name(<ListedBody<Item> as ToSchema>::name()));
            let array = ArrayBuilder::new()
                .items(item.map_or_else(|| RefOr::T(Schema::default()), RefOr::Ref))
                .description(Some(about))
                .build();
            object.properties.insert(kind.plural().to_owned(), RefOr::T(Schema::Array(array)));
            object.required.push(kind.plural().to_owned());
        }
        schema
    }
}

impl ToSchema for DeparturesBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Departures")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        QuestionBody::schemas(schemas);
    }
}

impl DeparturesBody {
    fn new(kind: RecordKind, asked: Option<&AbsenceReview>) -> Self {
        let answered = asked.and_then(|asked| asked.answered.clone());
        let question = QuestionBody {
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
        };
        Self { question, listed: RecordKind::LISTED.iter().map(|kind| (kind.plural(), Vec::new())).collect() }
    }
}

/// The kind of record that a question is about: a word of [`schema::departure_kind`].
#[derive(Clone, Copy)]
struct Kind(RecordKind);

impl Default for Kind {
    fn default() -> Self {
        Self(RecordKind::Client)
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = RecordKind::of_clients().find(|known| known.as_str() == word);
        known.map(Self).ok_or_else(|| D::Error::unknown_variant(&word, RecordKind::WORDS_OF_CLIENTS))
    }
}

/// The question that is read.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QuestionParams {
    /// The kind of record that is missing [default: client].
    #[serde(default)]
    #[param(schema_with = schema::departure_kind, required = false)]
    kind: Kind,
}

/// The question that is answered.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AnswerParams {
    /// The kind of record that is missing [default: client].
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
pub async fn absence_review(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    params: Result<Params<QuestionParams>, Problem>,
) -> Result<Json<DeparturesBody>, Problem> {
    caller.may(Action::ReadWholeBook)?;
    let Params(QuestionParams { kind: Kind(kind) }) = params?;
    super::find(&app, &name)?;
    let asked = app.store.absence_review(name.clone(), kind).await?;
    let mut body = DeparturesBody::new(kind, asked.as_ref());
    if asked.is_some_and(|asked| asked.standing == AbsenceReviewState::Waiting) {
        match with_listed!(kind, Item => some_missing::<Item>(&app, name.clone()).await?) {
            Some(missing) => drop(body.listed.insert(kind.plural(), missing)),
            None => body.question.clients = app.store.missing(name, SOME).await?.into_iter().map(Into::into).collect(),
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
    let Params(AnswerParams { kind: Kind(kind), run_id: run }) = params?;
    let answer = Answer { connection: name, kind, run, is_confirmed };
    let answered = ops::absence_review::answer(app, caller.actor(), answer, Timestamp::now()).await?;
    Ok(Json(DeparturesBody::new(kind, Some(&answered))))
}

async fn some_missing<T: StoredItem>(app: &App, of: ConnectionName) -> Result<Vec<Value>, Problem> {
    let missing = app.store.missing_items::<T>(of, SOME).await?;
    // A body is plain data with text keys.
    Ok(missing.into_iter().map(|item| serde_json::to_value(ListedBody::from(item)).unwrap_or_default()).collect())
}
