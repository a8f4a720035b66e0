//! The form for what the practice says of a goal: how far it is, and how often it comes again.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::failure::Failure;
use super::session::SignedIn;
use crate::app::App;
use crate::domain::ItemId;
use crate::domain::access::Action;
use crate::ops;

const NO_GOAL: Failure = Failure::NotFound("There is no goal here. The page of its household shows those there are.");

/// `POST /goals/{id}`, from the button "Save" of a goal's card.
pub(super) async fn change(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, Failure> {
    person.may_somewhere(Action::ChangeGoals)?;
    let id: ItemId = id.parse().map_err(|_| NO_GOAL)?;
    let values = form.into_iter().map(|(field, value)| (field, Ok(Some(value)))).collect();
    let goal = ops::goals::change(&app, person.actor(), id, values).await?;
    Ok(Redirect::to(&format!("/households/{}#goal-{id}", goal.household_id)).into_response())
}
