//! What the practice says of a goal: how far it is, and how often it comes again.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::failure::Failure;
use super::person::Person;
use crate::app::App;
use crate::domain::GoalId;
use crate::domain::access::Action;
use crate::domain::record::{GoalStatus, Recurrence};
use crate::store::book::GoalChange;

const NO_GOAL: Failure = Failure::NotFound("There is no goal here. The page of its household shows those there are.");

/// The form of a goal's card.
#[derive(Deserialize)]
pub(super) struct GoalForm {
    status: GoalStatus,
    /// Empty for once.
    recurrence: String,
}

/// `POST /goals/{id}`, from the button "Save" of a goal's card.
pub(super) async fn change(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Form(form): Form<GoalForm>,
) -> Result<Response, Failure> {
    person.may(Action::ChangeGoals)?;
    let id: GoalId = id.parse().map_err(|_| NO_GOAL)?;
    let recurrence = Recurrence::ALL.iter().copied().find(|word| word.as_str() == form.recurrence);
    if recurrence.is_none() && !form.recurrence.is_empty() {
        return Err(Failure::Refused("Nothing was changed: a goal does not come again that often.".to_owned()));
    }
    app.store.change_goal(id, GoalChange { status: Some(form.status), recurrence: Some(recurrence) }).await?;
    let goal = app.store.goal(id).await?.ok_or(NO_GOAL)?;
    Ok(Redirect::to(&format!("/households/{}#goal-{id}", goal.household_id)).into_response())
}
