//! The second factor: codes of an authenticator app (RFC 6238), and recovery codes for who has lost it.
//!
//! Set up by the person alone, on the page of their account, and in force once they gave a code of the app. The app's
//! secret is sealed at rest and shown while it is set up, recovery codes are digests; neither is in a log. Between the
//! password and the code of a sign-in there is no session: what is kept of it waits five minutes in memory.

mod recovery;
mod totp;
mod waiting;

#[cfg(test)]
pub use self::totp::tests as totp_for_tests;

use std::sync::{Arc, Mutex};

use secrecy::SecretString;

use self::totp::Look;
use self::waiting::Waiting;
use super::request::Sender;
use super::source::Source;
use super::throttle::Ended;
use super::{Access, AccountError, Beside, FactorState, Session, SignInError, SignedIn, TryOf, lock, token};
use crate::domain::access::Role;
use crate::domain::account::{Account, SecondFactorRule};
use crate::domain::audit::By;
use crate::domain::{Timestamp, UserId};
use crate::secrets::{SealContext, Secrets};
use crate::store::access::{
    FactorChange, FactorChanged, GivenCode, StoredRecoveryCode, StoredSecondFactor, StoredSession, StoredUser,
};
use crate::store::audit::scope;
use crate::store::connections::Sealed;

/// The reason why a code is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CodeFault {
    /// It is no code of the app's of this moment, and no recovery code that is left.
    #[error(
        "this code is not accepted; type the one that your app shows now, or a recovery code that was not used yet"
    )]
    Wrong,
    /// It was accepted once.
    #[error(
        "this code was used already; wait until your app shows the next one, half a minute at most, or use another recovery code"
    )]
    Used,
    /// It is the app's of another moment.
    #[error(
        "this code is not accepted: the clock of your device and the clock of this host differ by about {}. Let your device \
         set its time by itself; where it does, whoever runs the host has to put the host's clock right",
        minutes(*.0)
    )]
    ClocksDiffer(u64),
    /// The secret cannot be opened.
    #[error(
        "no code of an app can be checked: the host's key is not the one of before. Use a recovery code, and tell whoever runs \
         the host"
    )]
    KeyExchanged,
}

/// A number of minutes in words.
fn minutes(minutes: u64) -> String {
    if minutes == 1 { "1 minute".to_owned() } else { format!("{minutes} minutes") }
}

/// The reason why a second factor is not set up or changed; nothing was changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FactorProblem {
    /// There is one already.
    #[error("your account has a second factor already; remove it first where another app is to take its place")]
    Already,
    /// There is none.
    #[error("this account has no second factor")]
    Missing,
    /// The practice wants it.
    #[error(
        "the practice wants a second factor of you, so that yours stays; make new recovery codes, or ask a practice manager"
    )]
    Wanted,
    /// What was shown to be set up is over.
    #[error(
        "what was shown is over; set your app up with the new picture below, and remove the entry that it made before"
    )]
    Over,
}

/// A sign-in that did not come to its end by the code that was given.
#[derive(Debug)]
pub struct NotEntered {
    /// The reason.
    pub error: SignInError,
    /// The token for another code; none where the sign-in begins anew.
    pub half: Option<SecretString>,
}

/// What the second factors of all accounts go by. Cheap to clone.
#[derive(Clone)]
pub struct SecondFactors {
    secrets: Secrets,
    rule: SecondFactorRule,
    waiting: Arc<Mutex<Waiting>>,
}

impl SecondFactors {
    /// Second factors that are wanted as the rule says, sealed by these.
    pub fn new(secrets: Secrets, rule: SecondFactorRule) -> Self {
        Self { secrets, rule, waiting: Arc::default() }
    }

    /// How the account of a session stands, whose person has this role.
    pub(super) fn state(&self, session: &StoredSession, role: Role, has_one: bool) -> FactorState {
        match has_one {
            true => FactorState::On,
            false if self.rule.applies_to(role) && !session.by_provider => FactorState::Wanted,
            false => FactorState::Off,
        }
    }

    /// Lets the sign-in of somebody whose password, of this hash, was right wait for the code.
    pub(super) fn half(&self, user: UserId, checked: String, now: Timestamp) -> SignInError {
        SignInError::CodeWanted { half: Some(lock(&self.waiting).begin_half(user, checked, now)) }
    }

    /// What the code of an app is held against.
    fn look(&self, user: UserId, sealed: &Sealed, code: &str, now: Timestamp) -> Look {
        match self.secrets.reveal(context(&user.to_string()), sealed) {
            Ok(secret) => totp::look(&secret, code, now),
            Err(error) => {
                tracing::error!(%error, "the second factor of an account cannot be checked");
                Look::Unreadable
            }
        }
    }
}

fn context(user: &str) -> SealContext<'_> {
    SealContext { what: "second factor", of: user, to: "" }
}

impl Access {
    /// Goes on with a sign-in whose password was right. A code that is not accepted leaves it open, by another token.
    ///
    /// # Errors
    /// Fails as [`Access::sign_in_program`] does, and with [`SignInError::HalfIsOver`].
    pub async fn sign_in_by_code(
        &self,
        half: &str,
        code: &str,
        sender: Sender,
        now: Timestamp,
    ) -> Result<SignedIn, NotEntered> {
        let over = |error: SignInError| NotEntered { error, half: None };
        let taken = lock(&self.second_factors.waiting).take_half(half, now);
        let half = taken.ok_or_else(|| over(SignInError::HalfIsOver))?;
        let stored = self.store.user(half.user).await.map_err(|error| over(error.into()))?;
        let stored = stored.ok_or_else(|| over(SignInError::Refused))?;
        scope::about(stored.user.id);
        if stored.disabled_at.is_some() {
            return Err(over(SignInError::Disabled));
        }
        if !self.takes_password_of(&stored.user) {
            return Err(over(SignInError::ByProvider));
        }
        // Where either was changed meanwhile, no code ends this sign-in any more.
        if stored.second_factor.is_none() || stored.password_hash.as_ref() != Some(&half.checked) {
            return Err(over(SignInError::HalfIsOver));
        }
        let checked = Some(half.checked.clone());
        let entered = match self.code_given(&stored, code, sender.source, now).await {
            Ok(given) => {
                self.open_session((stored.user, checked), Beside::Code(given), token::new(), sender, now).await
            }
            Err(error) => Err(error),
        };
        entered.map_err(|error| {
            let again = matches!(
                error,
                SignInError::CodeRefused(_) | SignInError::CodeWanted { .. } | SignInError::TooMany { .. }
            );
            let half = again.then(|| lock(&self.second_factors.waiting).keep_half(half));
            NotEntered { error, half }
        })
    }

    /// The code that somebody gave, where it is right: to be used up with what it is given for.
    pub(super) async fn code_given(
        &self,
        stored: &StoredUser,
        code: &str,
        source: Source,
        now: Timestamp,
    ) -> Result<GivenCode, SignInError> {
        let (Some(factor), false) = (&stored.second_factor, code.trim().is_empty()) else {
            return Err(SignInError::CodeWanted { half: None });
        };
        let id = stored.user.id;
        let code = recovery::plain(code);
        let digest = recovery::digest_of(&code);
        let kind = if digest.is_some() { TryOf::Password } else { TryOf::Code };
        let key = token::digest(&format!("the codes of {id}"));
        // Counted apart from passwords: a right one does not forget wrong codes.
        let (mut tried, _) = self.admitted(kind, (source.network(), key), now).await?;
        let found = match digest {
            Some(digest) => recovery_code(factor, digest),
            None => self.app_code(id, factor, &code, now),
        };
        match found {
            Ok(given) => {
                tried.ended = Ended::Right;
                if let GivenCode::Recovery(_) = given {
                    let left = factor.codes_left() - 1;
                    scope::detail(&format!("by a recovery code, {left} left"));
                }
                Ok(given)
            }
            Err(fault) => {
                if fault == CodeFault::KeyExchanged {
                    tried.ended = Ended::NotTried;
                }
                Err(fault.into())
            }
        }
    }

    fn app_code(
        &self,
        id: UserId,
        factor: &StoredSecondFactor,
        code: &str,
        now: Timestamp,
    ) -> Result<GivenCode, CodeFault> {
        match self.second_factors.look(id, &factor.secret, code, now) {
            Look::Right(step) if lock(&self.second_factors.waiting).was_early(id, step) => Err(CodeFault::Used),
            Look::Right(step) if step > factor.last_step => Ok(GivenCode::App { secret: factor.secret.clone(), step }),
            Look::Right(_) => Err(CodeFault::Used),
            Look::Near { step, minutes } => {
                // What this answer tells of a code to come is of no use once it has.
                lock(&self.second_factors.waiting).note_early(id, step, totp::step_of(now));
                Err(CodeFault::ClocksDiffer(minutes))
            }
            Look::Wrong => Err(CodeFault::Wrong),
            Look::Unreadable => Err(CodeFault::KeyExchanged),
        }
    }

    /// The secret that the person of a session is about to put into their app, in Base32: the same one for 15 minutes.
    pub fn secret_to_set_up(&self, session: &Session, now: Timestamp) -> SecretString {
        lock(&self.second_factors.waiting).secret_of(session.key, now)
    }

    /// Sets the second factor of a session's person up, who gives a code of the app for it; answers the recovery codes,
    /// this once. The person's other sessions end.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; nothing was changed then.
    pub async fn set_up_second_factor(
        &self,
        session: &Session,
        code: &str,
        now: Timestamp,
    ) -> Result<Vec<SecretString>, AccountError> {
        if session.second_factor == FactorState::On {
            return Err(FactorProblem::Already.into());
        }
        let shown = lock(&self.second_factors.waiting).shown_to(session.key, now);
        let secret = shown.ok_or(FactorProblem::Over)?;
        let code = recovery::plain(code);
        let step = match totp::look(&secret, &code, now) {
            Look::Right(step) => step,
            Look::Near { minutes, .. } => return Err(refused(CodeFault::ClocksDiffer(minutes))),
            Look::Wrong | Look::Unreadable => return Err(refused(CodeFault::Wrong)),
        };
        let id = session.user.id;
        let codes = recovery::new_codes();
        let kept = |digest| StoredRecoveryCode { digest, used_at: None };
        let factor = StoredSecondFactor {
            secret: self.second_factors.secrets.seal(context(&id.to_string()), &secret),
            since: now,
            last_step: step,
            recovery_codes: recovery::digests(&codes).into_iter().map(kept).collect(),
        };
        let change = FactorChange::SetUp { factor, session: session.key };
        factor_changed(self.store.change_second_factor(id, change, now).await?)?;
        lock(&self.second_factors.waiting).is_set_up(session.key);
        Ok(codes)
    }

    /// Makes other recovery codes in place of all there are, for a code; they are answered this once.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; nothing was changed then.
    pub async fn new_recovery_codes(
        &self,
        session: &Session,
        code: &str,
        sender: &Sender,
        now: Timestamp,
    ) -> Result<Vec<SecretString>, AccountError> {
        let given = self.own_code(session, code, sender, now).await?;
        let codes = recovery::new_codes();
        let change = FactorChange::RecoveryCodes { given, codes: recovery::digests(&codes) };
        factor_changed(self.store.change_second_factor(session.user.id, change, now).await?)?;
        Ok(codes)
    }

    /// Takes the second factor of a session's person away, for a code.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; nothing was changed then.
    pub async fn remove_second_factor(
        &self,
        session: &Session,
        code: &str,
        sender: &Sender,
        now: Timestamp,
    ) -> Result<Account, AccountError> {
        if self.second_factors.rule.applies_to(session.user.role) {
            return Err(FactorProblem::Wanted.into());
        }
        let given = self.own_code(session, code, sender, now).await?;
        factor_changed(self.store.change_second_factor(session.user.id, FactorChange::Remove { given }, now).await?)
    }

    /// Takes an account's second factor away, by somebody else's word: its holder lost it. All sessions end.
    ///
    /// # Errors
    /// Fails as [`AccountError`] says; nothing was changed then.
    pub async fn reset_second_factor(&self, id: UserId, now: Timestamp) -> Result<Account, AccountError> {
        factor_changed(self.store.change_second_factor(id, FactorChange::Reset, now).await?)
    }

    /// Whether the practice wants a second factor of who is in this role.
    pub fn wants_second_factor(&self, role: Role) -> bool {
        self.second_factors.rule.applies_to(role)
    }

    async fn own_code(
        &self,
        session: &Session,
        code: &str,
        sender: &Sender,
        now: Timestamp,
    ) -> Result<GivenCode, AccountError> {
        let stored = self.store.user(session.user.id).await?.ok_or(AccountError::NoAccount)?;
        if stored.second_factor.is_none() {
            return Err(FactorProblem::Missing.into());
        }
        scope::acting(By::from(&stored.user));
        Ok(self.code_given(&stored, code, sender.source, now).await?)
    }
}

fn refused(fault: CodeFault) -> AccountError {
    SignInError::from(fault).into()
}

fn recovery_code(factor: &StoredSecondFactor, digest: [u8; 32]) -> Result<GivenCode, CodeFault> {
    match factor.recovery_codes.iter().find(|code| code.digest == digest) {
        Some(StoredRecoveryCode { used_at: None, .. }) => Ok(GivenCode::Recovery(digest)),
        Some(_) => Err(CodeFault::Used),
        None => Err(CodeFault::Wrong),
    }
}

fn factor_changed(outcome: FactorChanged) -> Result<Account, AccountError> {
    match outcome {
        FactorChanged::Yes(account) => Ok(account),
        FactorChanged::NoAccount => Err(AccountError::NoAccount),
        FactorChanged::Already => Err(FactorProblem::Already.into()),
        FactorChanged::Missing => Err(FactorProblem::Missing.into()),
        FactorChanged::CodeUsed => Err(refused(CodeFault::Used)),
    }
}
