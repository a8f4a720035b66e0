//! The values that the practice adds to a goal.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::api::body::Written;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, PathParam};
use crate::api::listed::ListedBody;
use crate::api::problem::Problem;
use crate::api::record;
use crate::app::App;
use crate::domain::ItemId;
use crate::domain::access::Action;
use crate::domain::record::Goal;
use crate::domain::record::GoalOwn;
use crate::ops;

/// A goal as it is answered.
pub type GoalBody = ListedBody<Goal>;

/// The practice's changes to a goal, by field.
#[derive(Deserialize)]
pub struct GoalChangeBody(BTreeMap<String, Value>);

impl PartialSchema for GoalChangeBody {
    fn schema() -> RefOr<Schema> {
        let about = "What the practice changes about a goal; what is not named stays. The CRM's values are changed in the \
                     CRM.";
        record::editable::<GoalOwn>(about, record::schema).min_properties(Some(1)).build().into()
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
    responses((status = 200, body = Written<GoalBody>))
)]
pub async fn change(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ItemId>,
    _: NoParams,
    change: Result<Body<GoalChangeBody>, Problem>,
) -> Result<Json<Written<GoalBody>>, Problem> {
    caller.may_somewhere(Action::ChangeGoals)?;
    let Body(GoalChangeBody(values)) = change?;
    let values = values.into_iter().map(|(field, value)| (field, record::new_value(value))).collect();
    let goal = ops::goals::change(&app, caller.actor(), id, values).await?;
    Ok(Json(Written::of(caller.can_somewhere(Action::ReadBook), id, goal)))
}
