//! Authorising a connection on its site: somebody is sent there, says yes, and comes back with a code.
//!
//! A site where somebody says no sends nobody back. So an attempt is a thing of its own, that pages can show, that ends
//! by itself, and in whose place another can be begun at any time. Its `state` holds once, for ten minutes, and for the
//! person who began it. Attempts live in memory: after a restart one begins again.

use std::collections::HashMap;
use std::time::Duration;

use secrecy::SecretString;

use super::tokens::{TokenManager, digest};
use super::{IntegrationError, Integrations, lock};
use crate::crm::CrmError;
use crate::crm::oauth::{OAuthError, brief};
use crate::domain::{ConnectionName, Timestamp, UserId};
use crate::store::connections::By;

/// The time that a person has to authorise on the site.
const HOLDS: Duration = Duration::from_mins(10);
/// The path to which sites send people back.
const CALLBACK: &str = "/oauth/callback";
/// Attempts of a host at most: an old one is forgotten for a new one.
const MOST: usize = 100;

/// The attempts under way, by the digest of their state.
#[derive(Default)]
pub(super) struct Attempts(HashMap<blake3::Hash, Pending>);

struct Pending {
    connection: ConnectionName,
    /// The hosts that its secrets are sent to: a code that another site gave is not sent there.
    to: String,
    /// The person who began the authorisation; none where it was a program.
    user: Option<UserId>,
    verifier: SecretString,
    began_at: Timestamp,
    ends_at: Timestamp,
}

/// An attempt that waits for the site.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The address on the site that the person opens.
    pub url: String,
    /// The moment at which the authorisation is over if nobody came back.
    pub ends_at: Timestamp,
}

/// The answer that a site sends back with the person.
#[derive(Debug)]
pub struct Callback {
    /// The state that went out with the person.
    pub state: Option<SecretString>,
    /// The code that is exchanged for tokens.
    pub code: Option<SecretString>,
    /// The reason why there is no code, in OAuth's words and in the site's.
    pub error: Option<(String, Option<String>)>,
    /// The site that says so (RFC 9207), where it says that.
    pub issuer: Option<String>,
}

/// A connection that was just authorised.
#[derive(Debug)]
pub struct Granted {
    /// The connection's name.
    pub connection: ConnectionName,
    /// The name as which the site says that the host is signed in.
    pub whoami: Result<String, CrmError>,
}

/// The reason why a connection is not authorised, though somebody came back. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// The state is not one that is under way: used, too old, forged, or from before a restart.
    #[error(
        "This answer belongs to no authorisation that is under way: it was used already, is older than ten minutes, or \
         tidegate was started anew meanwhile."
    )]
    Unknown,
    /// Another person began the authorisation.
    #[error("Somebody else began this authorisation. Nothing was changed; begin one of your own.")]
    AnotherPerson,
    /// The connection was removed or changed meanwhile.
    #[error("The connection `{0}` was changed, disabled or removed meanwhile.")]
    Gone(ConnectionName),
    /// The site said no.
    #[error("{site} did not authorise it: {message}.")]
    Refused {
        /// The connection that was to be authorised.
        connection: ConnectionName,
        /// The host of its site.
        site: String,
        /// The site's words.
        message: String,
    },
    /// Another site answered than the connection's.
    #[error("The answer came from {issuer}, and the connection's site is {site}. Check the forward host.")]
    AnotherSite {
        /// The connection that was to be authorised.
        connection: ConnectionName,
        /// The host of its site.
        site: String,
        /// The site that answered.
        issuer: String,
    },
    /// The code is not worth tokens.
    #[error("{site} gave a code and no tokens for it: {error}. {}", advice(error))]
    NoTokens {
        /// The connection that was to be authorised.
        connection: ConnectionName,
        /// The host of its site.
        site: String,
        /// The error of the exchange.
        #[source]
        error: OAuthError,
    },
}

impl CallbackError {
    /// The connection to begin again with, where it is known.
    pub fn connection(&self) -> Option<&ConnectionName> {
        match self {
            Self::Unknown | Self::AnotherPerson => None,
            Self::Gone(connection)
            | Self::Refused { connection, .. }
            | Self::AnotherSite { connection, .. }
            | Self::NoTokens { connection, .. } => Some(connection),
        }
    }
}

fn advice(error: &OAuthError) -> &'static str {
    match error {
        OAuthError::Refused { code, .. } if code == "invalid_grant" => {
            "A code holds once and for a short time: begin again."
        }
        OAuthError::Refused { code, .. } if code == "invalid_client" => {
            "Check the client id and the client secret of the connection, then begin again."
        }
        OAuthError::Refused { .. } => "Ask the site's administrator whether the integration is enabled there.",
        OAuthError::Unreachable { .. } => "Begin again when the site is up.",
        OAuthError::Protocol(_) => "Check the forward host of the connection.",
    }
}

impl Attempts {
    fn begin(&mut self, state: &SecretString, pending: Pending) {
        let now = pending.began_at;
        // Whoever starts again has given the earlier attempt up.
        self.0.retain(|_, other| {
            other.ends_at > now && (other.connection != pending.connection || other.user != pending.user)
        });
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().min_by_key(|(_, other)| other.began_at).map(|(key, _)| *key)
        {
            self.0.remove(&oldest);
        }
        self.0.insert(digest(state), pending);
    }

    /// The attempt of a state, which holds once.
    fn take(&mut self, state: &SecretString, now: Timestamp) -> Option<Pending> {
        self.0.remove(&digest(state)).filter(|pending| pending.ends_at > now)
    }
}

impl Integrations {
    /// The address to which sites send people back; it is to be registered with them.
    pub fn callback_url(&self) -> String {
        format!("{}{CALLBACK}", self.0.config.server.base_url())
    }

    /// Begins to authorise a connection, in place of an earlier attempt of the same person.
    ///
    /// # Errors
    /// [`IntegrationError::WrongState`] where it needs none, is disabled, or nobody answers at its site.
    pub async fn begin_authorisation(
        &self,
        name: &ConnectionName,
        user: Option<UserId>,
    ) -> Result<Attempt, IntegrationError> {
        let one = self.one(name).await?;
        if let Some(message) = one.connection.as_ref().and_then(|connection| connection.unknown_site()) {
            return Err(IntegrationError::WrongState(message));
        }
        let manager = self.token_manager(name).ok_or_else(|| {
            IntegrationError::WrongState(match (&one.problem, one.spec.enabled) {
                (Some(problem), _) => format!("The connection cannot work: {problem}"),
                (None, false) => format!("The connection `{name}` is disabled. Enable it, then authorise it."),
                (None, true) => {
                    format!("The connection `{name}` signs in by name and password; it needs no authorisation.")
                }
            })
        })?;
        let nobody = |source| IntegrationError::NobodyThere { site: one.spec.forward_host.clone(), source };
        manager.oauth.probe().await.map_err(nobody)?;
        let request = manager.oauth.request(&self.callback_url()).map_err(IntegrationError::NoRequest)?;
        let began_at = Timestamp::now();
        let ends_at = began_at + HOLDS;
        let (connection, to, verifier) = (name.clone(), manager.to.clone(), request.verifier);
        let pending = Pending { connection, to, user, verifier, began_at, ends_at };
        lock(&self.0.attempts).begin(&request.state, pending);
        Ok(Attempt { url: request.url, ends_at })
    }

    /// Takes up what a site sent back with `user`, named `who`.
    ///
    /// # Errors
    /// Fails as [`CallbackError`] says; each leads the person on.
    pub async fn finish_authorisation(
        &self,
        callback: Callback,
        user: UserId,
        who: &str,
    ) -> Result<Granted, CallbackError> {
        let now = Timestamp::now();
        let pending = callback.state.and_then(|state| lock(&self.0.attempts).take(&state, now));
        let pending = pending.ok_or(CallbackError::Unknown)?;
        if pending.user.is_some_and(|began| began != user) {
            return Err(CallbackError::AnotherPerson);
        }
        let connection = pending.connection;
        let gone = || CallbackError::Gone(connection.clone());
        let manager = self.token_manager(&connection).filter(|manager| manager.to == pending.to).ok_or_else(gone)?;
        let at_work = self.0.connections.get(&connection).ok_or_else(gone)?;
        let site = at_work.spec.forward_host.clone();
        if let Some((code, message)) = callback.error {
            let message = brief(&message.map_or(code.clone(), |message| format!("{message} ({code})")));
            return Err(CallbackError::Refused { connection, site, message });
        }
        if let Some(issuer) = callback.issuer.filter(|issuer| host_of(issuer) != Some(site.as_str())) {
            return Err(CallbackError::AnotherSite { connection, site, issuer: brief(&issuer) });
        }
        let Some(code) = callback.code else {
            let message = "its answer holds no code".to_owned();
            return Err(CallbackError::Refused { connection, site, message });
        };
        let pair = manager.oauth.exchange(&code, &pending.verifier, &self.callback_url()).await;
        let pair = pair.map_err(|error| CallbackError::NoTokens { connection: connection.clone(), site, error })?;
        manager.grant(pair, By { who: who.to_owned(), at: now }).await;
        tracing::info!(%connection, "the connection is authorised");
        self.0.connections.announce();
        let whoami = at_work.connector.whoami().await;
        Ok(Granted { connection, whoami })
    }

    fn token_manager(&self, name: &ConnectionName) -> Option<std::sync::Arc<TokenManager>> {
        lock(&self.0.token_managers).get(name).cloned()
    }
}

/// Host and port of an address.
fn host_of(address: &str) -> Option<&str> {
    let rest = address.split_once("://").map(|(_, rest)| rest)?;
    rest.split('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(connection: &str, user: u128, at: i64) -> Pending {
        let began_at = Timestamp::from_second(at).unwrap();
        Pending {
            connection: connection.parse().unwrap(),
            to: "a.example".to_owned(),
            user: Some(UserId(uuid::Uuid::from_u128(user))),
            verifier: "v".into(),
            began_at,
            ends_at: began_at + HOLDS,
        }
    }

    #[test]
    fn a_state_holds_once_and_for_ten_minutes() {
        let mut attempts = Attempts::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        attempts.begin(&"one".into(), pending("main", 1, 0));
        assert!(attempts.take(&"two".into(), at(1)).is_none());
        assert!(attempts.take(&"one".into(), at(1)).is_some());
        assert!(attempts.take(&"one".into(), at(1)).is_none(), "used");
        attempts.begin(&"late".into(), pending("main", 1, 0));
        assert!(attempts.take(&"late".into(), at(600)).is_none(), "too old");
    }

    #[test]
    fn starting_again_gives_the_earlier_attempt_up() {
        let mut attempts = Attempts::default();
        let at = Timestamp::from_second(5).unwrap();
        attempts.begin(&"first".into(), pending("main", 1, 0));
        attempts.begin(&"other person".into(), pending("main", 2, 0));
        attempts.begin(&"other site".into(), pending("south", 1, 0));
        attempts.begin(&"second".into(), pending("main", 1, 1));
        assert!(attempts.take(&"first".into(), at).is_none());
        for state in ["other person", "other site", "second"] {
            assert!(attempts.take(&state.into(), at).is_some(), "{state}");
        }
    }

    #[test]
    fn attempts_are_bounded() {
        let mut attempts = Attempts::default();
        for user in 0..150 {
            attempts.begin(&format!("state {user}").into(), pending("main", user, user as i64));
        }
        assert_eq!(attempts.0.len(), MOST);
        assert!(attempts.take(&"state 149".into(), Timestamp::from_second(150).unwrap()).is_some());
    }
}
