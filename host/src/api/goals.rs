//! Goals: the CRM's values, and what the practice adds to them.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, Params, PathParam, page};
use crate::api::listed::ListedBody;
use crate::api::problem::{Kind, Problem};
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::record::{GoalStatus, Recurrence};
use crate::domain::stored::StoredGoal;
use crate::domain::{ClientId, Goal, GoalId, HouseholdId};
use crate::ops;
use crate::store::book::{GoalChange, Whose};

/// A goal as it is answered.
pub type GoalBody = ListedBody<Goal>;

/// Whose goals or covers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhoseParams {
    /// Those in this client's list.
    #[param(value_type = Option<Uuid>)]
    client_id: Option<ClientId>,
    /// Those in the lists of this household's people.
    #[param(value_type = Option<Uuid>)]
    household_id: Option<HouseholdId>,
    /// How many items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

impl WhoseParams {
    /// Whose, if that is said once at most.
    pub fn whose(&self) -> Result<Whose, Problem> {
        match (self.client_id, self.household_id) {
            (None, None) => Ok(Whose::Practice),
            (Some(client), None) => Ok(Whose::Client(client)),
            (None, Some(household)) => Ok(Whose::Household(household)),
            (Some(_), Some(_)) => {
                let detail = "Name `client_id` or `household_id`, not both: a household's lists are its people's.";
                Err(Problem::new(Kind::Malformed, detail))
            }
        }
    }
}

/// Goals in the CRM's order, those that are gone behind.
#[utoipa::path(
    get,
    path = "/api/v1/goals",
    operation_id = "list_goals",
    tag = "goals",
    security(("token" = []), ("session" = [])),
    params(WhoseParams),
    responses((status = 200, body = List<GoalBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<WhoseParams>,
) -> Result<Json<List<GoalBody>>, Problem> {
    caller.may(Action::ReadBook)?;
    let whose = params.whose()?;
    let page = page(params.limit, params.cursor)?;
    Ok(Json(List::of(app.store.goals(whose, page).await?)))
}

/// One goal.
#[utoipa::path(
    get,
    path = "/api/v1/goals/{id}",
    operation_id = "get_goal",
    tag = "goals",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The goal's id")),
    responses((status = 200, body = GoalBody))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<GoalId>,
    _: NoParams,
) -> Result<Json<GoalBody>, Problem> {
    caller.may(Action::ReadBook)?;
    Ok(Json(find(&app, id).await?.into()))
}

/// What the practice changes about a goal; what is not named stays. The CRM's values are changed in the CRM.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GoalChange)]
pub struct GoalChangeBody {
    /// How far the practice is with it.
    #[serde(default, deserialize_with = "named")]
    #[schema(schema_with = schema::goal_status, required = false)]
    status: Option<GoalStatus>,
    /// How often it comes again; null for once.
    #[serde(default, deserialize_with = "said")]
    #[schema(schema_with = schema::recurrence, required = false)]
    recurrence: Option<Option<Recurrence>>,
}

/// A goal always has a status, so that null is none.
fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<GoalStatus>, D::Error> {
    GoalStatus::deserialize(deserializer).map(Some)
}

/// A field that is null is said; one that is missing is not.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Recurrence>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Sets how far the practice is with a goal, and how often it comes again. No sync touches either.
#[utoipa::path(
    patch,
    path = "/api/v1/goals/{id}",
    operation_id = "change_goal",
    tag = "goals",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The goal's id")),
    request_body = GoalChangeBody,
    responses((status = 200, body = GoalBody))
)]
pub async fn change(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<GoalId>,
    _: NoParams,
    change: Result<Body<GoalChangeBody>, Problem>,
) -> Result<Json<GoalBody>, Problem> {
    caller.may(Action::ChangeGoals)?;
    let Body(GoalChangeBody { status, recurrence }) = change?;
    Ok(Json(ops::goals::change(&app, caller.actor(), id, GoalChange { status, recurrence }).await?.into()))
}

async fn find(app: &App, id: GoalId) -> Result<StoredGoal, Problem> {
    app.store.goal(id).await?.ok_or_else(|| Problem::not_found(format_args!("goal {id}")))
}
