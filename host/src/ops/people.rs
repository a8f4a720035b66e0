//! Accounts of the people of the practice, as practice managers look after them.

use super::{Kind, Refusal, audited, may_freshly};
use crate::access::{Made, NewUser};
use crate::app::App;
use crate::domain::access::{Action, Actor, Role, Who};
use crate::domain::account::Account;
use crate::domain::audit::Subject;
use crate::domain::{Timestamp, UserId};
use crate::store::access::UserChange;
use crate::store::audit::scope;

/// Makes an account. Without a password it answers a link by which the person chooses one, but where the person signs in by
/// the identity provider.
///
/// # Errors
/// Returns an error if a field does not fit, or the email is another account's.
pub async fn add(app: &App, actor: &Actor, new: NewUser, now: Timestamp) -> Result<Made, Refusal> {
    audited(app, actor, ("people.add", Subject::of_kind("account")), async move {
        scope::detail(&format!("role {}", new.role.as_str()));
        may_freshly(actor, Action::ManagePeople)?;
        if new.role == Role::PracticeManager {
            in_person(actor, "make a practice manager")?;
        }
        Ok(app.access.add_user(new, now).await?)
    })
    .await
}

/// Goes on where no token asks: what it would make lives on when the token is revoked, and may do all that it did.
pub(super) fn in_person(actor: &Actor, what: &str) -> Result<(), Refusal> {
    match actor.who {
        Who::Token { .. } => {
            let message = format!(
                "Nothing was changed. A token can’t {what}. A practice manager who is signed in can, and so can whoever runs this host."
            );
            Err(Refusal::new(Kind::NotAllowed, message))
        }
        Who::Person { .. } | Who::BootstrapToken | Who::Operator | Who::Host => Ok(()),
    }
}

/// Goes on where the account is none of a practice manager's, or no token asks.
async fn unless_manager(app: &App, actor: &Actor, id: UserId, what: &str) -> Result<(), Refusal> {
    match app.store.account(id).await? {
        Some(account) if account.user.role == Role::PracticeManager => in_person(actor, what),
        _ => Ok(()),
    }
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
        let role = change.role.map(|role| format!("role {}", role.as_str()));
        let state = change.disabled.map(|disabled| if disabled { "disabled" } else { "enabled" }.to_owned());
        scope::detail(&role.into_iter().chain(state).collect::<Vec<_>>().join(", "));
        may_freshly(actor, Action::ManagePeople)?;
        if change == UserChange::default() {
            let message = "There is nothing to change: say `role` or `disabled`.";
            return Err(Refusal::new(Kind::Invalid, message));
        }
        if change.role == Some(Role::PracticeManager) {
            in_person(actor, "make a practice manager")?;
        }
        if change.disabled == Some(false) {
            unless_manager(app, actor, id, "let a practice manager in again").await?;
        } else {
            unless_manager(app, actor, id, "take a practice manager’s role or account away").await?;
        }
        Ok(app.access.change_user(id, change, now).await?)
    })
    .await
}

/// Takes the link to the identity provider away from an account, whose sessions end. Who has no password needs a link by
/// which they choose one; who comes from the provider with the account's email is linked again.
///
/// # Errors
/// Returns an error if there is no such account, it is not linked, or it is the last practice manager's who can sign in.
pub async fn unlink(app: &App, actor: &Actor, id: UserId) -> Result<Account, Refusal> {
    audited(app, actor, ("people.unlink", Subject::new("account", id)), async move {
        may_freshly(actor, Action::ManagePeople)?;
        unless_manager(app, actor, id, "unlink a practice manager’s account").await?;
        Ok(app.access.unlink(id).await?)
    })
    .await
}

/// Takes the second factor of somebody away who lost it, and signs them out everywhere. Their password stays; where the
/// practice wants a second factor of them, they set another one up when they sign in.
///
/// # Errors
/// Returns an error if there is no such account, it has no second factor, or it is the actor's own, for which a code is
/// given instead.
pub async fn reset_second_factor(app: &App, actor: &Actor, id: UserId, now: Timestamp) -> Result<Account, Refusal> {
    audited(app, actor, ("people.reset_second_factor", Subject::new("account", id)), async move {
        may_freshly(actor, Action::ManagePeople)?;
        unless_manager(app, actor, id, "take a practice manager’s second factor away").await?;
        if actor.account() == Some(id) {
            let message = "Nothing was changed: this is your own account. Remove your second factor under My account, with a \
                           code of the app or a recovery code; where you have lost both, another practice manager resets it, \
                           or whoever runs the host (tidegate user reset-second-factor EMAIL).";
            return Err(Refusal::new(Kind::WrongState, message));
        }
        Ok(app.access.reset_second_factor(id, now).await?)
    })
    .await
}

/// Answers another link for an account, by which its holder chooses a password; an earlier one is over. The password that
/// there is stays until then; API tokens stay, where they are not to end.
///
/// # Errors
/// Returns an error if there is no such account, it is disabled, or no password would be taken of it.
pub async fn reset(app: &App, actor: &Actor, id: UserId, ends_tokens: bool, now: Timestamp) -> Result<Made, Refusal> {
    audited(app, actor, ("people.reset", Subject::new("account", id)), async move {
        may_freshly(actor, Action::ManagePeople)?;
        unless_manager(app, actor, id, "give out a practice manager’s link").await?;
        Ok(app.access.reset(id, ends_tokens, now).await?)
    })
    .await
}
