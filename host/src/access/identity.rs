//! Sessions of people whom an identity provider knows, in place of a password.

use super::{Access, Beside, Session, SignInError, SignedIn, token};
use crate::access::request::Sender;
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
        let mut signed_in = self.open_session((user, None), Beside::Provider, token::new(), sender, now).await?;
        // Before the token is handed out, so that nobody is fresh in between.
        self.store.confirm_session(signed_in.session.key, confirmed_at).await?;
        signed_in.session.confirmed_at = confirmed_at;
        Ok(signed_in)
    }

    /// Keeps that the person of a session has just signed in with the identity provider once more.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn confirm_by_provider(&self, session: &Session, now: Timestamp) -> Result<(), StoreError> {
        self.store.confirm_session(session.key, now).await
    }
}
