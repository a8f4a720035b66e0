//! The second factor of an account: what an authenticator app counts its codes from, and the recovery codes. A code is
//! used up in the transaction of what it is given for, so that none is accepted twice.

use super::{StoredUser, USERS, get, put, sessions};
use crate::domain::account::Account;
use crate::domain::{Timestamp, UserId};
use crate::store::connections::Sealed;
use crate::store::rows::rows;
use crate::store::{Store, StoreError};

/// A second factor.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredSecondFactor {
    /// The secret that the person's app has, sealed.
    pub secret: Sealed,
    /// The moment from which on it is asked for.
    pub since: Timestamp,
    /// The time step of the last code of the app that was accepted; no code of it or of one before is accepted again.
    pub last_step: u64,
    /// The recovery codes, used ones included.
    pub recovery_codes: Vec<StoredRecoveryCode>,
}

/// A recovery code, as its digest: what it is made of is too long to be guessed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StoredRecoveryCode {
    /// The digest of the code.
    pub digest: [u8; 32],
    /// The moment at which it was used.
    pub used_at: Option<Timestamp>,
}

rows! {
    StoredSecondFactor { 0: secret, 1: since, 2: last_step, 3: recovery_codes }
    StoredRecoveryCode { 0: digest, 1: used_at }
}

/// A code that somebody gave and that is right, to be used up with what it is given for.
#[derive(Clone, PartialEq, Eq)]
pub enum GivenCode {
    /// The app's.
    App {
        /// The secret that it was counted from, as it was kept.
        secret: Sealed,
        /// Its time step.
        step: u64,
    },
    /// A recovery code, by its digest.
    Recovery([u8; 32]),
}

/// What is changed of a second factor.
pub enum FactorChange {
    /// It is asked for from now on. The person's other sessions, which were opened without, end.
    SetUp {
        /// The second factor.
        factor: StoredSecondFactor,
        /// The key of the session that goes on.
        session: [u8; 32],
    },
    /// Other recovery codes in place of all there are.
    RecoveryCodes {
        /// The code that was given for it.
        given: GivenCode,
        /// The digests of the new ones.
        codes: Vec<[u8; 32]>,
    },
    /// It is asked for no more.
    Remove {
        /// The code that was given for it.
        given: GivenCode,
    },
    /// It is asked for no more, by somebody else's word; all sessions end.
    Reset,
}

/// The outcome of a change of a second factor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FactorChanged {
    /// The account as it is by now.
    Yes(Account),
    /// There is no such account; nothing changed.
    NoAccount,
    /// The account has a second factor already; nothing changed.
    Already,
    /// The account has none; nothing changed.
    Missing,
    /// The code was used meanwhile; nothing changed.
    CodeUsed,
}

impl StoredSecondFactor {
    /// The recovery codes that are left.
    pub fn codes_left(&self) -> usize {
        self.recovery_codes.iter().filter(|code| code.used_at.is_none()).count()
    }

    fn with_code_used(mut self, given: &GivenCode, now: Timestamp) -> Option<Self> {
        match given {
            GivenCode::App { secret, step } if *secret == self.secret && *step > self.last_step => {
                self.last_step = *step;
            }
            GivenCode::App { .. } => return None,
            GivenCode::Recovery(digest) => {
                let is_it = |code: &&mut StoredRecoveryCode| code.digest == *digest && code.used_at.is_none();
                self.recovery_codes.iter_mut().find(is_it)?.used_at = Some(now);
            }
        }
        Some(self)
    }
}

impl StoredUser {
    /// The account once a code was used up; none where it is not to be had any more.
    pub(super) fn with_code_used(self, given: &GivenCode, now: Timestamp) -> Option<Self> {
        let factor = self.second_factor.clone()?.with_code_used(given, now)?;
        Some(Self { second_factor: Some(factor), ..self })
    }
}

impl Store {
    /// Sets up, changes or takes away the second factor of an account.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn change_second_factor(
        &self,
        id: UserId,
        change: FactorChange,
        now: Timestamp,
    ) -> Result<FactorChanged, StoreError> {
        self.write_in_any_case(move |transaction| {
            let Some(mut stored) = get(&transaction.open_table(USERS)?, id.0.into_bytes())? else {
                return Ok(FactorChanged::NoAccount);
            };
            match (&change, &stored.second_factor) {
                (FactorChange::SetUp { .. }, Some(_)) => return Ok(FactorChanged::Already),
                (FactorChange::SetUp { .. }, None) | (_, Some(_)) => {}
                (_, None) => return Ok(FactorChanged::Missing),
            }
            if let FactorChange::RecoveryCodes { given, .. } | FactorChange::Remove { given } = &change {
                let Some(used) = stored.with_code_used(given, now) else { return Ok(FactorChanged::CodeUsed) };
                stored = used;
            }
            match change {
                FactorChange::SetUp { factor, session } => {
                    stored.second_factor = Some(factor);
                    sessions::end_all(transaction, id, Some(session))?;
                }
                FactorChange::RecoveryCodes { codes, .. } => {
                    let codes = codes.into_iter().map(|digest| StoredRecoveryCode { digest, used_at: None });
                    if let Some(factor) = &mut stored.second_factor {
                        factor.recovery_codes = codes.collect();
                    }
                }
                FactorChange::Remove { .. } => stored.second_factor = None,
                FactorChange::Reset => {
                    stored.second_factor = None;
                    sessions::end_all(transaction, id, None)?;
                }
            }
            put(transaction, &stored)?;
            Ok(FactorChanged::Yes(stored.into()))
        })
        .await
    }
}
