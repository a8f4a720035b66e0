//! What the practice says of a goal: how far it is, and how often it comes again.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::person::Person;
use crate::app::App;
use crate::domain::GoalId;
use crate::domain::access::Action;
use crate::ops::{self, Refusal};
use crate::store::book::GoalChange;

const NO_GOAL: Failure = Failure::NotFound("There is no goal here. The page of its household shows those there are.");

/// The form of a goal's card.
#[derive(Deserialize)]
pub(super) struct GoalForm {
    status: String,
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
    let recurrence = (!form.recurrence.is_empty()).then(|| read("/recurrence", form.recurrence)).transpose()?;
    let change = GoalChange { status: Some(read("/status", form.status)?), recurrence: Some(recurrence) };
    let goal = ops::goals::change(&app, person.actor(), id, change).await?;
    Ok(Redirect::to(&format!("/households/{}#goal-{id}", goal.household_id)).into_response())
}

/// A word of a form, refused as the API refuses it.
fn read<T: DeserializeOwned>(pointer: &str, word: String) -> Result<T, Refusal> {
    serde_json::from_value(word.into()).map_err(|error| Refusal::at(pointer, format!("{error}.")))
}
