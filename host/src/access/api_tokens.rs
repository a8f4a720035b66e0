//! API tokens: for programs that do a part of what their maker may. What one may do is judged at every request, by what
//! its maker may at that moment.

use secrecy::SecretString;
use uuid::Uuid;

use super::{Access, FieldProblem, session, token};
use crate::domain::access::household::{TOO_LATE, is_too_late};
use crate::domain::access::{Actor, Scope, Who};
use crate::domain::account::ApiToken;
use crate::domain::text::{fits_on_one_line, is_visible};
use crate::domain::{Timestamp, TokenId, UserId};
use crate::store::StoreError;
use crate::store::access::NotKept;
use crate::store::audit::scope;

/// The most characters of a token's name.
const LONGEST_NAME: usize = 200;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// The scopes; each is one that its maker has.
    pub scopes: Vec<Scope>,
    /// The moment at which it ends; none where it does not by itself.
    pub expires_at: Option<Timestamp>,
}

impl NewToken {
    /// Every problem with what was typed, whatever its maker may do.
    pub fn problems(&self, now: Timestamp) -> Vec<FieldProblem> {
        let name = self.name.trim();
        let mut problems = Vec::new();
        if !name.chars().any(is_visible) || !fits_on_one_line(name, LONGEST_NAME) {
            problems
                .push(FieldProblem::new("name", "Say in at most 200 characters, on one line, what the token is for."));
        }
        if self.scopes.is_empty() {
            problems.push(FieldProblem::new("scopes", "Choose at least one thing that the token may do."));
        }
        if self.expires_at.is_some_and(|ends_at| ends_at <= now) {
            problems.push(FieldProblem::new("expires_at", "This is over already. Choose a day to come, or none."));
        }
        if self.expires_at.is_some_and(is_too_late) {
            problems.push(FieldProblem::new("expires_at", TOO_LATE));
        }
        problems
    }
}

/// The holder of a bearer token.
#[derive(Debug)]
pub enum Holder {
    /// A program, or a person by a program.
    Actor(Actor, Option<super::Session>),
    /// A token whose time is over, by its name.
    Expired(ApiToken),
    /// Nobody gave this token, or it was revoked.
    Nobody,
}

impl Access {
    /// The holder of a bearer token: the settings' own, an API token, or the session of a person.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn holder(&self, token: &str, now: Timestamp) -> Result<Holder, StoreError> {
        let digest = token::digest(token);
        if self.bootstrap.is_some_and(|own| own == digest) {
            return Ok(Holder::Actor(Actor::of_the_practice(Who::BootstrapToken, "the bootstrap token"), None));
        }
        let digest = *digest.as_bytes();
        if let Some((stored, maker)) = self.store.token(digest).await? {
            if stored.is_expired(now) {
                return Ok(Holder::Expired(stored));
            }
            if stored.used_at.is_none_or(|used_at| used_at + session::NOTED_EVERY <= now) {
                self.store.note_token_use(digest, now).await?;
            }
            let who = Who::Token { id: stored.id, maker: stored.maker };
            let maker_name = maker.as_ref().map_or(&stored.maker_name, |maker| &maker.name);
            let name = format!("{}, a token of {maker_name}", stored.name);
            let of_the_practice = Actor::of_the_practice(who, &name);
            let role = maker.map_or(of_the_practice.role, |maker| maker.role);
            return Ok(Holder::Actor(Actor { role, scopes: Some(stored.scopes), ..of_the_practice }, None));
        }
        match self.session(token, now).await? {
            Some(session) => Ok(Holder::Actor(session.actor(now), Some(session))),
            None => Ok(Holder::Nobody),
        }
    }

    /// Makes a token for whoever asks, who has fewer than `most`; it is shown this once.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn make_token(
        &self,
        maker: &Actor,
        new: NewToken,
        most: usize,
        now: Timestamp,
    ) -> Result<Result<(ApiToken, SecretString), NotKept>, StoreError> {
        let token = token::with_prefix(token::API_PREFIX);
        let made_with = match maker.who {
            Who::Token { id, .. } => Some(id),
            _ => None,
        };
        let kept = ApiToken {
            id: TokenId(Uuid::now_v7()),
            name: new.name,
            scopes: new.scopes,
            maker: maker.account(),
            maker_name: maker.name.clone(),
            made_with,
            made_at: now,
            expires_at: new.expires_at,
            used_at: None,
        };
        scope::about(kept.id);
        let outcome = self.store.add_token(*token::digest_of(&token).as_bytes(), kept.clone(), most).await?;
        Ok(outcome.map(|()| (kept, token)))
    }

    /// Revokes a token, where it is this maker's or no maker is named, and those that were made with it; answers whether
    /// there was one.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn revoke_token(&self, id: TokenId, of: Option<UserId>) -> Result<bool, StoreError> {
        self.store.remove_token(id, of).await
    }
}
