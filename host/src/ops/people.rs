//! Accounts of the people of the practice, as practice managers look after them.

use super::{Kind, Refusal, audited, may_freshly};
use crate::access::{Made, NewUser};
use crate::app::App;
use crate::domain::access::{Action, Actor};
use crate::domain::account::Account;
use crate::domain::audit::Subject;
use crate::domain::{Timestamp, UserId};
use crate::store::access::UserChange;

/// Makes an account. Without a password it answers a link by which the person chooses one.
///
/// # Errors
/// Returns an error if a field does not fit, or the email is another account's.
pub async fn add(app: &App, actor: &Actor, new: NewUser, now: Timestamp) -> Result<Made, Refusal> {
    audited(app, actor, ("people.add", Subject::of_kind("account")), async move {
        may_freshly(actor, Action::ManagePeople)?;
        Ok(app.access.add_user(new, now).await?)
    })
    .await
}

/// Changes the role of an account, disables or enables it. Sessions, tokens and the link of a disabled one end at once.
///
/// # Errors
/// Returns an error if there is no such account, or it is the last practice manager's who can sign in.
pub async fn change(
    app: &App,
    actor: &Actor,
    id: UserId,
    change: UserChange,
    now: Timestamp,
) -> Result<Account, Refusal> {
    audited(app, actor, ("people.change", Subject::new("account", id)), async move {
        may_freshly(actor, Action::ManagePeople)?;
        if change == UserChange::default() {
            let message = "There is nothing to change: say `role` or `disabled`.";
            return Err(Refusal::new(Kind::Invalid, message));
        }
        Ok(app.access.change_user(id, change, now).await?)
    })
    .await
}

/// Answers another link for an account, by which its holder chooses a password; an earlier one is over. The password that
/// there is stays until then.
///
/// # Errors
/// Returns an error if there is no such account, or it is disabled.
pub async fn reset(app: &App, actor: &Actor, id: UserId, now: Timestamp) -> Result<Made, Refusal> {
    audited(app, actor, ("people.reset", Subject::new("account", id)), async move {
        may_freshly(actor, Action::ManagePeople)?;
        Ok(app.access.reset(id, now).await?)
    })
    .await
}
