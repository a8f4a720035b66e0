//! API tokens: made by whoever may do at least as much, and revoked.

use secrecy::SecretString;

use super::people::in_person;
use super::{FieldError, Kind, Refusal, audited, may, may_freshly, whose};
use crate::access::{AccountError, NewToken};
use crate::app::App;
use crate::domain::access::{Action, Actor, Scope, Who};
use crate::domain::account::ApiToken;
use crate::domain::audit::Subject;
use crate::domain::{Timestamp, TokenId};
use crate::store::access::NotKept;
use crate::store::audit::scope;

/// The most tokens that one maker has.
const MOST: usize = 1_000;

/// Makes a token, which is answered this once.
///
/// # Errors
/// Returns an error if the actor has not got one of the scopes, or a field does not fit.
pub async fn make(
    app: &App,
    actor: &Actor,
    new: NewToken,
    now: Timestamp,
) -> Result<(ApiToken, SecretString), Refusal> {
    audited(app, actor, ("tokens.make", Subject::of_kind("token")), async move {
        let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.as_str()).collect();
        scope::detail(&format!("scopes {}", scopes.join(", ")));
        may_freshly(actor, Action::ManageTokens)?;
        let problems = new.problems(now);
        if !problems.is_empty() {
            return Err(AccountError::Invalid(problems).into());
        }
        let NewToken { name, mut scopes, expires_at } = new;
        scopes.sort_unstable();
        scopes.dedup();
        if let Some(scope) = scopes.iter().find(|scope| !actor.has(**scope)) {
            return Err(too_strong(actor, *scope));
        }
        if scopes.contains(&Scope::Manage) {
            in_person(actor, "make a token with the scope `manage`")?;
        }
        let expires_at = within_parent(app, actor, expires_at).await?;
        let new = NewToken { name: name.trim().to_owned(), scopes, expires_at };
        app.access.make_token(actor, new, MOST, now).await?.map_err(|why| {
            let message = match why {
                NotKept::MakerIsGone => {
                    "No token was made: the account or the token with which it was to be made is no longer accepted."
                        .to_owned()
                }
                NotKept::TooMany => {
                    format!("No token was made: there are {MOST} already. Revoke those that are not used any more.")
                }
            };
            Refusal::new(Kind::WrongState, message)
        })
    })
    .await
}

/// Revokes a token of one's own, or, as a practice manager, a colleague's; those that were made with it end, too.
///
/// # Errors
/// Returns an error if there is no such token, or it is not for the actor to revoke.
pub async fn revoke(app: &App, actor: &Actor, id: TokenId) -> Result<(), Refusal> {
    audited(app, actor, ("tokens.revoke", Subject::new("token", id)), async move {
        may(actor, Action::ManageTokens)?;
        match whose(actor) {
            Some(of) if app.access.revoke_token(id, of).await? => Ok(()),
            _ => Err(Refusal::not_found(format_args!("token {id}"))),
        }
    })
    .await
}

fn too_strong(actor: &Actor, scope: Scope) -> Refusal {
    let who = match actor.who {
        Who::Token { .. } => "the token that asks for it has not got it".to_owned(),
        _ => format!("a token may do no more than its maker, whose role is {}", actor.role),
    };
    let message = format!("The scope `{}` cannot be given: {who}. Ask a practice manager.", scope.as_str());
    let mut refusal = Refusal::new(Kind::NotAllowed, format!("No token was made. {message}"));
    refusal.fields = vec![FieldError { pointer: "/scopes".to_owned(), message }];
    refusal
}

/// The end of a token that is made with another, which it does not outlive.
async fn within_parent(app: &App, actor: &Actor, asked: Option<Timestamp>) -> Result<Option<Timestamp>, Refusal> {
    let Who::Token { id, .. } = actor.who else { return Ok(asked) };
    let parent = app.store.tokens(None).await?.into_iter().find(|token| token.id == id);
    match (parent.and_then(|parent| parent.expires_at), asked) {
        (Some(ends_at), Some(asked)) if asked > ends_at => {
            Err(Refusal::at("/expires_at", format!("The token with which it is made ends before, at {ends_at}.")))
        }
        (Some(ends_at), None) => Ok(Some(ends_at)),
        (_, asked) => Ok(asked),
    }
}
