//! Sessions of people whom an identity provider knows, in place of a password.

use std::time::Duration;

use super::{Access, Beside, Session, SignInError, SignedIn, lock, token};
use crate::access::request::Sender;
use crate::access::source::Source;
use crate::domain::Timestamp;
use crate::domain::access::User;
use crate::store::StoreError;

impl Access {
    /// Whether a person of this account may sign in with a password: where the settings leave it to the identity provider,
    /// practice managers alone, for whom it is the way back.
    pub fn takes_password_of(&self, user: &User) -> bool {
        self.takes_passwords || user.role == crate::domain::access::Role::PracticeManager
    }

    /// Opens a session for somebody whom the identity provider knows. They have vouched for changes of credentials no later
    /// than they signed in there, which may be hours ago or not be known.
    ///
    /// A second factor is not asked for: the provider is trusted with it. Who wants one of the host's own for people who come
    /// this way asks for it here.
    ///
    /// # Errors
    /// Fails as [`Access::sign_in`] does.
    pub async fn enter_by_provider(
        &self,
        user: User,
        signed_in_there_at: Option<Timestamp>,
        sender: Sender,
        now: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        let confirmed_at = signed_in_there_at.unwrap_or(Timestamp::UNIX_EPOCH).min(now);
        self.open_session((user, None), Beside::Provider { confirmed_at }, token::new(), sender, now).await
    }

    /// Keeps that the person of a session has just signed in with the identity provider once more.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn confirm_by_provider(&self, session: &Session, now: Timestamp) -> Result<(), StoreError> {
        self.store.confirm_session(session.key, now).await
    }

    /// How long a source waits before it is led to the identity provider or back again, where too many ways back from there
    /// came to nothing: each costs the provider a call.
    pub fn waits_for_provider(&self, source: Source, now: Timestamp) -> Option<Duration> {
        if source.is_this_machine() { None } else { lock(&self.throttle).waits_for_provider(source.network(), now) }
    }

    /// Counts a way back from the identity provider that came to nothing.
    pub fn wrong_callback(&self, source: Source, now: Timestamp) {
        if !source.is_this_machine() {
            lock(&self.throttle).wrong_callback(source.network(), now);
        }
    }
}
