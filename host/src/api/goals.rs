//! Goals: the CRM's values, and what the practice adds to them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, Params, PathParam, page};
use crate::api::listed::ListedBody;
use crate::api::problem::{Kind, Problem};
use crate::api::record;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::listed::GoalOwn;
use crate::domain::stored::StoredGoal;
use crate::domain::{ClientId, Goal, GoalId, HouseholdId};
use crate::ops;
use crate::store::book::Whose;

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

/// What the practice changes about a goal, by field.
#[derive(Deserialize)]
pub struct GoalChangeBody(BTreeMap<String, Value>);

impl PartialSchema for GoalChangeBody {
    fn schema() -> RefOr<Schema> {
        let about = "What the practice changes about a goal; what is not named stays. The CRM's values are changed in the \
                     CRM.";
        record::editable::<GoalOwn>(about, record::schema).build().into()
    }
}

impl ToSchema for GoalChangeBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("GoalChange")
    }
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
    let Body(GoalChangeBody(values)) = change?;
    let values = values.into_iter().map(|(field, value)| (field, record::new_value(value))).collect();
    Ok(Json(ops::goals::change(&app, caller.actor(), id, values).await?.into()))
}

async fn find(app: &App, id: GoalId) -> Result<StoredGoal, Problem> {
    app.store.goal(id).await?.ok_or_else(|| Problem::not_found(format_args!("goal {id}")))
}
