//! What the practice says of a goal.

use super::{Refusal, may};
use crate::app::App;
use crate::domain::GoalId;
use crate::domain::access::{Action, Actor};
use crate::domain::stored::StoredGoal;
use crate::store::book::GoalChange;

/// Sets how far the practice is with a goal, and how often it comes again.
///
/// # Errors
/// Where there is no such goal.
pub async fn change(app: &App, actor: &Actor, id: GoalId, change: GoalChange) -> Result<StoredGoal, Refusal> {
    may(actor, Action::ChangeGoals)?;
    app.store.change_goal(id, change).await?;
    app.store.goal(id).await?.ok_or_else(|| Refusal::not_found(format_args!("goal {id}")))
}
