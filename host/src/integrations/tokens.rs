//! The tokens of one connection: kept, renewed by one call at a time, and given up when the site says so.
//!
//! A site that renews kills the old pair, so the new one is on disk before it is used: a process that ends in between
//! has lost nothing but the time to authorise again, and one that ends afterwards has everything.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;

use crate::connection::{AuthState, Authorisation};
use crate::crm::oauth::{OAuth, OAuthError, TokenPair};
use crate::crm::{BearerToken, CrmError, Tokens};
use crate::domain::{ConnectionName, Timestamp};
use crate::secrets::{SealContext, Secrets};
use crate::store::Store;
use crate::store::connections::{By, StoredAuthorisation};
use crate::telemetry;

/// The time before a token expires at which it is renewed, or a fifth of its time where that is shorter.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);
/// The pause before a store that failed is asked again to keep a pair.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Keeps a connection's tokens.
pub(super) struct TokenManager {
    name: ConnectionName,
    /// The hosts that tokens are for.
    pub(super) to: String,
    store: Store,
    secrets: Arc<Secrets>,
    pub(super) oauth: OAuth,
    pub(super) authorisation: Authorisation,
    /// The pair in force; whoever needs another takes `renewing` first.
    current: Mutex<Option<Current>>,
    renewing: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Current {
    number: u64,
    pair: TokenPair,
    granted: By,
}

impl Current {
    /// The token that calls are signed with; none where the site gave only what the next pair is had for.
    fn token(&self) -> Option<BearerToken> {
        let value = self.pair.access.clone()?;
        Some(BearerToken { number: self.number, value })
    }

    /// Whether it is time for another pair. A pair that cannot be renewed is used until the site refuses it.
    fn is_due(&self, now: Timestamp) -> bool {
        if self.pair.refresh.is_none() {
            return false;
        }
        let lifetime = self.pair.expires_at.duration_since(self.pair.asked_at);
        now.duration_since(self.pair.expires_at) >= -AHEAD.min(lifetime / 5)
    }
}

impl TokenManager {
    pub(super) fn new((name, to): (ConnectionName, String), store: Store, secrets: Arc<Secrets>, oauth: OAuth) -> Self {
        let authorisation = Authorisation::new(AuthState::Needed);
        let (current, renewing) = Default::default();
        Self { name, to, store, secrets, oauth, authorisation, current, renewing }
    }

    /// Takes up what an earlier process kept.
    pub(super) async fn load(&self) {
        let kept = match self.store.authorisation(self.name.clone()).await {
            // What another site authorised says nothing here, and its tokens go nowhere else.
            Ok(kept) => kept.filter(|kept| kept.site == self.to),
            Err(error) => return tracing::error!(connection = %self.name, %error, "its tokens cannot be read"),
        };
        let Some(kept) = kept else { return };
        let opened = self.secrets.reveal(self.context(), &kept.tokens);
        let state = match (kept.refused, opened) {
            (Some((at, message)), _) => AuthState::Refused { at, message },
            (None, Err(error)) => {
                tracing::error!(connection = %self.name, %error, "authorise the connection again");
                AuthState::Refused { at: Timestamp::now(), message: error.to_string() }
            }
            (None, Ok(text)) => match TokenPair::of_text(&text) {
                Some(pair) => {
                    let granted = kept.granted.clone();
                    self.put(Current { number: 1, pair, granted });
                    AuthState::Granted { by: kept.granted.who, at: kept.granted.at }
                }
                None => AuthState::Needed,
            },
        };
        self.authorisation.set(state);
    }

    /// Takes a pair that somebody's authorisation brought: on disk first, then in force.
    pub(super) async fn grant(&self, pair: TokenPair, granted: By) {
        let _renewing = self.renewing.lock().await;
        self.take(pair, granted.clone()).await;
        self.authorisation.set(AuthState::Granted { by: granted.who, at: granted.at });
    }

    async fn take(&self, pair: TokenPair, granted: By) -> Current {
        // The site has forgotten the pair before this one: until this one is kept there is nothing else to do.
        while let Err(error) = self.keep(&pair, &granted, None).await {
            tracing::error!(connection = %self.name, %error, "a new pair of tokens is not kept yet");
            tokio::time::sleep(AFTER_FAILURE).await;
        }
        let number = self.current().map_or(1, |current| current.number + 1);
        let current = Current { number, pair, granted };
        self.put(current.clone());
        current
    }

    async fn keep(
        &self,
        pair: &TokenPair,
        granted: &By,
        refused: Option<(Timestamp, String)>,
    ) -> Result<(), crate::store::StoreError> {
        let tokens = self.secrets.seal(self.context(), &pair.to_text());
        let row = StoredAuthorisation { tokens, granted: granted.clone(), site: self.to.clone(), refused };
        self.store.keep_authorisation(self.name.clone(), Some(row)).await
    }

    /// The next pair for the one in force.
    async fn renew(&self, current: &Current) -> Result<Current, CrmError> {
        let Some(refresh) = &current.pair.refresh else {
            return Err(self.refused(current, "the tokens are over and the site gave none to renew them").await);
        };
        match self.oauth.renew(refresh).await {
            Ok(pair) => {
                tracing::info!(connection = %self.name, "tokens renewed");
                Ok(self.take(pair, current.granted.clone()).await)
            }
            Err(refused @ OAuthError::Refused { .. }) => Err(self.refused(current, &refused.to_string()).await),
            Err(OAuthError::Unreachable { message, retry_after: None }) => Err(CrmError::Unreachable { message }),
            // Nothing of the call itself was sent.
            Err(OAuthError::Unreachable { message, retry_after }) => {
                Err(CrmError::Throttled { status: 429, retry_after, message })
            }
            Err(OAuthError::Protocol(message)) => Err(CrmError::Unknown { message }),
        }
    }

    /// The site does not accept the authorisation any more: a person has to give another.
    async fn refused(&self, current: &Current, message: &str) -> CrmError {
        let at = Timestamp::now();
        let reason = telemetry::length(message);
        tracing::error!(connection = %self.name, reason, "the site refused to renew: authorise the connection again");
        if let Err(error) = self.keep(&current.pair, &current.granted, Some((at, message.to_owned()))).await {
            tracing::error!(connection = %self.name, %error, "the refusal is not kept; the next start asks the site again");
        }
        *self.lock() = None;
        self.authorisation.set(AuthState::Refused { at, message: message.to_owned() });
        unauthorised(message)
    }

    fn context(&self) -> SealContext<'_> {
        context(&self.name, &self.to)
    }

    fn current(&self) -> Option<Current> {
        self.lock().clone()
    }

    fn put(&self, current: Current) {
        *self.lock() = Some(current);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self, stale: Option<u64>, now: Timestamp) -> Option<BearerToken> {
        let current = self.lock();
        current.as_ref().filter(|current| Some(current.number) != stale && !current.is_due(now))?.token()
    }
}

impl TokenManager {
    /// Takes the tokens out of use, after a renewal that is under way: another manager takes them up from the disk.
    pub(super) async fn retire(&self) {
        let _renewing = self.renewing.lock().await;
        *self.lock() = None;
        self.authorisation.set(AuthState::Needed);
    }

    async fn renewed(&self, stale: Option<u64>) -> Result<BearerToken, CrmError> {
        let _renewing = self.renewing.lock().await;
        // Somebody else may have renewed while this one waited.
        let now = Timestamp::now();
        if let Some(token) = self.usable(stale, now) {
            return Ok(token);
        }
        let Some(current) = self.current() else {
            return Err(match self.authorisation.state() {
                AuthState::Refused { message, .. } => unauthorised(&message),
                _ => unauthorised("nobody has authorised the connection on its site yet"),
            });
        };
        match self.renew(&current).await {
            Ok(renewed) => renewed.token().ok_or_else(|| CrmError::Unreachable {
                message: "the site renewed the authorisation and gave no token for calls; it is asked again".to_owned(),
            }),
            // Only due, not over, and nobody refused it.
            Err(error @ (CrmError::Unreachable { .. } | CrmError::Unknown { .. } | CrmError::Throttled { .. }))
                if Some(current.number) != stale && now < current.pair.expires_at =>
            {
                let reason = error.for_log();
                tracing::warn!(connection = %self.name, reason, "tokens are not renewed yet; the old one still holds");
                current.token().ok_or(error)
            }
            Err(error) => Err(error),
        }
    }
}

#[async_trait::async_trait]
impl Tokens for Arc<TokenManager> {
    async fn token(&self, stale: Option<u64>) -> Result<BearerToken, CrmError> {
        if let Some(token) = self.usable(stale, Timestamp::now()) {
            return Ok(token);
        }
        // In a task of its own: a caller that gives up must not tear a renewal off between the site's answer and the disk.
        let manager = Self::clone(self);
        let renewing = tokio::spawn(async move { manager.renewed(stale).await });
        renewing.await.unwrap_or_else(|fault| Err(CrmError::Unknown { message: fault.to_string() }))
    }
}

fn unauthorised(message: &str) -> CrmError {
    CrmError::Unauthorised { status: 401, message: message.to_owned() }
}

/// The context under which a connection's tokens are sealed.
pub(super) fn context<'a>(name: &'a ConnectionName, to: &'a str) -> SealContext<'a> {
    SealContext { what: "tokens", of: name.as_str(), to }
}

/// The digest of a token, by which it is known.
pub(super) fn digest(token: &SecretString) -> blake3::Hash {
    use secrecy::ExposeSecret as _;
    blake3::hash(token.expose_secret().as_bytes())
}
