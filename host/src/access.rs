//! Access to the host: accounts, sessions, links and tokens.
//!
//! Serves `api` and `web`, which know requests and answers. What somebody may do once inside is
//! [`crate::domain::access::authorize`]. Passwords and tokens are kept as hashes only and are never logged.

pub mod account;
pub mod api_tokens;
pub mod book;
mod device;
mod identity;
mod password;
pub mod people;
pub mod request;
pub mod second_factor;
pub mod session;
mod setup;
pub mod source;
mod strength;
mod throttle;
mod token;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::SecretString;

pub use account::{AccountError, FieldProblem, NewUser};
pub use api_tokens::{Holder, NewToken};
pub use book::{Book, BookError, in_words};
pub use people::{Link, Made};
pub use second_factor::{CodeFault, FactorProblem, SecondFactors};
pub use session::{FactorState, Session, SignedIn};

use crate::access::request::Sender;
use crate::access::setup::SetUpLink;
use crate::access::source::Source;
use crate::access::throttle::{Begun, Ended, Throttle};
use crate::domain::access::{Actor, Role, User, Who};
use crate::domain::audit::By;
use crate::domain::{EmailAddress, Timestamp};
use crate::queue::{self, NotDone};
use crate::store::access::{Added, GivenCode, StoredSession, StoredUser};
use crate::store::audit::scope;
use crate::store::{Store, StoreError};

/// Signs people and programs in. Cheap to clone.
#[derive(Clone)]
pub struct Access {
    store: Store,
    bootstrap: Option<token::Digest>,
    link_lasts: SignedDuration,
    /// Whether people other than practice managers may sign in with a password.
    takes_passwords: bool,
    /// The practice's name, of which nobody makes a password.
    practice: Arc<str>,
    set_up_link: Arc<Mutex<Option<SetUpLink>>>,
    throttle: Arc<Mutex<Throttle>>,
    second_factors: SecondFactors,
}

/// Marks a request that came through the socket in the data folder: only the user who owns the data can open it.
#[derive(Clone, Copy, Debug)]
pub struct LocalOperator;

impl LocalOperator {
    /// The actor, who may do what the practice manager may.
    pub fn actor(self) -> Actor {
        Actor::of_the_practice(Who::Operator, "the operator of this machine")
    }
}

/// 256 random bits as text, for the demo's password and token.
pub fn random_secret() -> SecretString {
    token::new()
}

/// The reason why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No account has this email and password; it is not said which of them is wrong.
    #[error("no account has this email and password")]
    Refused,
    /// The password is right, and the account is disabled.
    #[error("this account is disabled; a practice manager can enable it again")]
    Disabled,
    /// The password is right, and people in this role sign in by the identity provider.
    #[error("passwords are for practice managers here; sign in by the identity provider, on the sign-in page")]
    ByProvider,
    /// The password is right, and the account has a second factor, of which no code was given.
    #[error("this account has a second factor, whose code is wanted, too")]
    CodeWanted {
        /// The token by which the sign-in goes on with a code, where a person signs in on the page.
        half: Option<SecretString>,
    },
    /// The code is not accepted.
    #[error(transparent)]
    CodeRefused(#[from] CodeFault),
    /// A sign-in that waited for its code is over.
    #[error("this sign-in has expired; sign in again with your email and password")]
    HalfIsOver,
    /// The source of the sign-in failed too often.
    #[error("too many sign-ins failed; try again in {}", seconds(*.retry_after))]
    TooMany {
        /// The time for which the source has to wait before it tries again.
        retry_after: Duration,
    },
    /// The queue of sign-ins is full, or the host failed.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A delay in whole seconds, in words.
fn seconds(delay: Duration) -> String {
    match delay.as_millis().div_ceil(1000) {
        1 => "1 second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

/// The longest time for which a sign-in is held because as many are tried at once as may fail.
const CROWDED: Duration = Duration::from_secs(20);
/// The pause between two looks whether there is room.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// A sign-in that is being tried. Where whoever tries it goes away in the middle, it counts as wrong: a guesser would go
/// away as soon as the answer takes longer.
struct Try<'t> {
    throttle: &'t Mutex<Throttle>,
    source: std::net::IpAddr,
    account: token::Digest,
    kind: TryOf,
    now: Timestamp,
    ended: Ended,
}

/// What is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TryOf {
    /// A password or a recovery code.
    Password,
    /// A code of somebody's app.
    Code,
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        let mut throttle = lock(self.throttle);
        match self.kind {
            TryOf::Password => throttle.end(self.source, self.account, self.ended, self.now),
            TryOf::Code => throttle.end_code(self.source, self.account, self.ended, self.now),
        }
    }
}

impl Access {
    /// Signs in against `store`, at the practice of this name; `bootstrap_token` is accepted as the practice manager's, and
    /// links to choose a password hold for `link_lasts`.
    pub fn new(
        store: Store,
        practice: &str,
        bootstrap_token: Option<&SecretString>,
        link_lasts: SignedDuration,
        second_factors: SecondFactors,
    ) -> Self {
        Self {
            store,
            bootstrap: bootstrap_token.map(token::digest_of),
            practice: practice.into(),
            link_lasts,
            takes_passwords: true,
            set_up_link: Arc::default(),
            throttle: Arc::default(),
            second_factors,
        }
    }

    /// The same where passwords are practice managers' alone, and others sign in by an identity provider.
    pub fn with_passwords_of_managers_alone(self) -> Self {
        Self { takes_passwords: false, ..self }
    }

    /// The token of a set-up link that makes the first practice manager, for 30 minutes and once; it takes the place of an
    /// earlier one. None where a practice manager can sign in already.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn offer_set_up(&self, now: Timestamp) -> Result<Option<SecretString>, StoreError> {
        if self.store.has_manager().await? {
            return Ok(None);
        }
        let token = token::new();
        *lock(&self.set_up_link) = Some(SetUpLink::new(&token, now));
        Ok(Some(token))
    }

    /// Whether a set-up link still holds; the page asks before it shows the form.
    pub fn is_set_up_open(&self, token: &str, now: Timestamp) -> bool {
        lock(&self.set_up_link).as_ref().is_some_and(|link| link.is_open(token, now))
    }

    /// Makes the first practice manager's account, and signs in. Afterwards the link is over; a form that does not hold
    /// leaves it open.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; no account was made then.
    pub async fn set_up(
        &self,
        token: &str,
        new: NewUser,
        sender: Sender,
        now: Timestamp,
    ) -> Result<SignedIn, AccountError> {
        if !self.is_set_up_open(token, now) {
            return Err(AccountError::LinkIsOver);
        }
        let stored = self.new_account(&NewUser { role: Role::PracticeManager, ..new }).await?;
        let email = stored.user.email.clone();
        scope::acting(By::from(&stored.user));
        scope::about(stored.user.id);
        match self.store.add_first_user(stored.clone()).await? {
            Added::Yes => {
                *lock(&self.set_up_link) = None;
                Ok(self.open_session((stored.user, None), Beside::Nothing, token::new(), sender, now).await?)
            }
            Added::No if self.store.has_manager().await? => Err(AccountError::LinkIsOver),
            // Somebody who is no practice manager, or was invited, has it.
            Added::No if self.store.user_by_email(email).await?.is_some() => Err(AccountError::email_is_taken()),
            Added::No => Err(AccountError::LinkIsOver),
        }
    }

    /// Opens a session for whoever knows an account's password. Takes as long for an email that nobody has.
    ///
    /// # Errors
    /// [`SignInError::Refused`], [`SignInError::Disabled`], [`SignInError::TooMany`], [`SignInError::NotDone`], where the store
    /// fails, and [`SignInError::CodeWanted`] where [`Access::sign_in_by_code`] goes on.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &SecretString,
        sender: Sender,
        now: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        let (stored, checked) = self.known_by_password(email, password, sender.source, now).await?;
        if stored.second_factor.is_some() {
            return Err(self.second_factors.half(stored.user.id, checked, now));
        }
        self.open_session((stored.user, Some(checked)), Beside::Nothing, token::new(), sender, now).await
    }

    /// The same for a program, whose token is known for one by its beginning, and which gives the code at once where the
    /// account has a second factor.
    ///
    /// # Errors
    /// Fails as [`Access::sign_in`] does, and with [`SignInError::CodeRefused`].
    pub async fn sign_in_program(
        &self,
        email: &str,
        password: &SecretString,
        code: Option<&str>,
        sender: Sender,
        now: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        let (stored, checked) = self.known_by_password(email, password, sender.source, now).await?;
        let given = match &stored.second_factor {
            Some(_) => Beside::Code(self.code_given(&stored, code.unwrap_or_default(), sender.source, now).await?),
            None => Beside::Nothing,
        };
        let token = token::with_prefix(token::SESSION_PREFIX);
        self.open_session((stored.user, Some(checked)), given, token, sender, now).await
    }

    /// The person who has this email and password, and the hash that it was held against.
    async fn known_by_password(
        &self,
        email: &str,
        password: &SecretString,
        source: Source,
        now: Timestamp,
    ) -> Result<(StoredUser, String), SignInError> {
        let typed = EmailAddress::folded(email);
        let (source, key) = (source.network(), token::digest(&typed));
        let (mut tried, is_doubted) = self.admitted(TryOf::Password, (source, key), now).await?;
        let stored = match EmailAddress::typed(email) {
            Some(email) => self.store.user_by_email(email).await?,
            None => None,
        };
        if let Some(stored) = &stored {
            scope::about(stored.user.id);
        }
        let hash = stored.as_ref().and_then(|stored| stored.password_hash.clone());
        let checked = hash.clone().unwrap_or_default();
        let queue = if is_doubted { &queue::DOUBTED_PASSWORDS } else { &queue::PASSWORDS };
        let is_right = match password::is_right(password, hash, queue).await {
            Ok(is_right) => is_right,
            Err(error) => {
                tried.ended = Ended::NotTried;
                return Err(error.into());
            }
        };
        let stored = stored.filter(|_| is_right).ok_or(SignInError::Refused)?;
        tried.ended = Ended::Right;
        match () {
            () if !stored.is_active() => Err(SignInError::Disabled),
            () if !self.takes_password_of(&stored.user) => Err(SignInError::ByProvider),
            () => Ok((stored, checked)),
        }
    }

    /// Waits until a sign-in may be tried, for as long as it is held; answers whether its source is doubted, too.
    async fn admitted(
        &self,
        kind: TryOf,
        (source, account): (std::net::IpAddr, token::Digest),
        now: Timestamp,
    ) -> Result<(Try<'_>, bool), SignInError> {
        let looks = CROWDED.as_millis() / BETWEEN_LOOKS.as_millis();
        for _ in 0..looks {
            let begun = match kind {
                TryOf::Password => lock(&self.throttle).begin(source, account, now),
                TryOf::Code => lock(&self.throttle).begin_code(source, account, now),
            };
            match begun {
                Begun::Admitted(admitted) => {
                    let tried = Try { throttle: &self.throttle, source, account, kind, now, ended: Ended::Wrong };
                    tokio::time::sleep(admitted.hold).await;
                    return Ok((tried, admitted.is_doubted));
                }
                Begun::Refused(retry_after) => return Err(SignInError::TooMany { retry_after }),
                Begun::Crowded => tokio::time::sleep(BETWEEN_LOOKS).await,
            }
        }
        Err(SignInError::TooMany { retry_after: Duration::from_secs(1) })
    }

    /// The session that a token opens; none where it is over or was never given, or its person is disabled.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn session(&self, token: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let key = *token::digest(token).as_bytes();
        let found = self.store.session(key).await?;
        let found = found.filter(|(stored, ..)| session::is_alive(stored.opened_at, stored.used_at, now));
        let Some((stored, user, has_factor)) = found else { return Ok(None) };
        if session::is_to_be_noted(&stored, now) {
            self.store.note_session_use(key, now).await?;
        }
        let confirmed_at = stored.confirmed_at.unwrap_or(stored.opened_at);
        let second_factor = self.second_factors.state(&stored, user.role, has_factor);
        Ok(Some(Session { user, ends_at: session::ends_at(stored.opened_at), confirmed_at, second_factor, key }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// Returns an error if the store fails; the session holds then.
    pub async fn sign_out(&self, token: &str) -> Result<(), StoreError> {
        self.store.remove_session(*token::digest(token).as_bytes()).await
    }

    /// Counts a token or a link that nobody gave; how long its source is asked to wait, where it showed too many.
    pub fn wrong_token(&self, source: Source, now: Timestamp) -> Option<Duration> {
        if source.is_this_machine() { None } else { lock(&self.throttle).wrong_token(source.network(), now) }
    }

    async fn open_session(
        &self,
        (user, checked): (User, Option<String>),
        beside: Beside,
        token: SecretString,
        sender: Sender,
        now: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        scope::acting(By::from(&user));
        scope::about(user.id);
        let key = *token::digest_of(&token).as_bytes();
        let vouched_at = match beside {
            Beside::Provider { confirmed_at } => Some(confirmed_at),
            Beside::Nothing | Beside::Code(_) => None,
        };
        let stored = StoredSession {
            user_id: user.id,
            opened_at: now,
            used_at: now,
            confirmed_at: vouched_at,
            device: sender.device,
            address: (sender.source != Source::unknown()).then(|| sender.source.0.to_string()),
            by_provider: vouched_at.is_some(),
        };
        let has_factor = matches!(beside, Beside::Code(_));
        let second_factor = self.second_factors.state(&stored, user.role, has_factor);
        let (kept, forget_before) = ((stored, checked), now - session::LONGEST);
        // Where it is not opened, the account was disabled, unlinked, or given another password or a second factor, since the
        // password was looked at; or the code was used by another sign-in.
        let refused = if has_factor { CodeFault::Used.into() } else { SignInError::Refused };
        let is_open = match beside {
            Beside::Nothing | Beside::Provider { .. } => self.store.add_session(key, kept, forget_before).await?,
            Beside::Code(given) => self.store.add_session_with_code(key, kept, given, forget_before).await?,
        };
        if !is_open {
            return Err(refused);
        }
        let (ends_at, confirmed_at) = (session::ends_at(now), vouched_at.unwrap_or(now));
        Ok(SignedIn { token, session: Session { user, ends_at, confirmed_at, second_factor, key } })
    }
}

/// What was given beside the password, or in its place.
enum Beside {
    /// Nothing: the account asks for no code.
    Nothing,
    /// A code of the second factor.
    Code(GivenCode),
    /// The word of the identity provider, which sees to a second factor itself.
    Provider {
        /// The moment at which the person signed in there, as far as it is known.
        confirmed_at: Timestamp,
    },
}

/// Locks what is guarded, also after a panic elsewhere: it is replaced as a whole, so that none left it half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub mod tests;
