//! The values that the practice adds to a goal.

use super::clients::unfit;
use super::{Refusal, audited, may, names};
use crate::app::App;
use crate::domain::ItemId;
use crate::domain::access::{Action, Actor};
use crate::domain::audit::Subject;
use crate::domain::edit::{NewValue, change_own};
use crate::domain::record::Goal;
use crate::domain::record::GoalOwn;
use crate::domain::stored::StoredListed;
use crate::store::audit::scope;

/// Sets how far the practice is with a goal, and how often it comes again; what is not named stays.
///
/// # Errors
/// Returns an error if there is no such goal, or a field cannot be changed so.
pub async fn change(
    app: &App,
    actor: &Actor,
    id: ItemId,
    values: Vec<(String, NewValue)>,
) -> Result<StoredListed<Goal>, Refusal> {
    audited(app, actor, ("goals.change", Subject::new("goal", id)), async move {
        may(actor, Action::ChangeGoals)?;
        scope::detail(&names(&values));
        // What no goal takes is told whether or not there is this one.
        change_own(&mut GoalOwn::default(), &values).map_err(unfit)?;
        app.store.change_own::<Goal>(id, values).await?.map_err(unfit)?;
        app.store.item(id).await?.ok_or_else(|| Refusal::not_found(format_args!("goal {id}")))
    })
    .await
}
