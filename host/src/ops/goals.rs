//! The values that the practice adds to a goal.

use super::clients::unfit;
use super::{Kind, Refusal, audited, book, names};
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
        scope::detail(&names(&values));
        let book = book(app, actor, Action::ChangeGoals).await?;
        if values.is_empty() {
            return Err(Refusal::new(Kind::Invalid, "There is nothing to change: say `status` or `recurrence`."));
        }
        // What no goal takes is told whether or not there is this one.
        change_own(&mut GoalOwn::default(), &values).map_err(unfit)?;
        book.item::<Goal>(id).await?.ok_or_else(|| no_goal(id))?;
        app.store.change_own::<Goal>(id, values).await?.map_err(unfit)?;
        app.store.item(id).await?.ok_or_else(|| no_goal(id))
    })
    .await
}

fn no_goal(id: ItemId) -> Refusal {
    Refusal::not_found(format_args!("goal {id}"))
}
