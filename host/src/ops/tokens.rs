//! API tokens: made by whoever may do at least as much, and revoked.

use secrecy::SecretString;

use super::{FieldError, Kind, Refusal, audited, may, may_freshly};
use crate::access::NewToken;
use crate::app::App;
use crate::domain::access::{Action, Actor, Decision, Scope, Who, authorize};
use crate::domain::account::ApiToken;
use crate::domain::audit::Subject;
use crate::domain::text::is_unwanted;
use crate::domain::{Timestamp, TokenId};

/// The most characters of a token's name.
const LONGEST_NAME: usize = 200;

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
        may_freshly(actor, Action::ManageTokens)?;
        let mut scopes = new.scopes;
        scopes.sort_unstable();
        scopes.dedup();
        let name = new.name.trim().to_owned();
        let mut fields = Vec::new();
        let mut field = |name: &str, message: &str| {
            fields.push(FieldError { pointer: format!("/{name}"), message: message.to_owned() });
        };
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(is_unwanted) {
            field("name", "Say in at most 200 characters, on one line, what the token is for.");
        }
        if scopes.is_empty() {
            field("scopes", "Choose at least one thing that the token may do.");
        }
        if new.expires_at.is_some_and(|ends_at| ends_at <= now) {
            field("expires_at", "This is over already. Choose a day to come, or none.");
        }
        if !fields.is_empty() {
            return Err(Refusal::invalid(fields));
        }
        if let Some(scope) = scopes.iter().find(|scope| !actor.has(**scope)) {
            return Err(too_strong(actor, *scope));
        }
        if app.store.tokens(actor.account()).await?.len() >= MOST {
            let message =
                format!("No token was made: there are {MOST} already. Revoke those that are not used any more.");
            return Err(Refusal::new(Kind::WrongState, message));
        }
        let expires_at = within_parent(app, actor, new.expires_at).await?;
        let made = app.access.make_token(actor, NewToken { name, scopes, expires_at }, now).await?;
        made.ok_or_else(|| {
            let message =
                "No token was made: the account or the token with which it was to be made is no longer accepted.";
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
        let of_anybody = matches!(authorize(actor, Action::ManagePeople), Decision::Allow { .. });
        let of = actor.account().filter(|_| !of_anybody);
        if (of_anybody || of.is_some()) && app.access.revoke_token(id, of).await? {
            return Ok(());
        }
        Err(Refusal::not_found(format_args!("token {id}")))
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
