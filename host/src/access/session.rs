//! Sessions of people who signed in.

use std::time::Duration;

use secrecy::SecretString;

use crate::access::Access;
use crate::domain::access::{Actor, User, Who};
use crate::domain::{SessionId, Timestamp};
use crate::store::StoreError;
use crate::store::access::{StoredSession, session_id};

/// The time after which a session that is not used is over.
pub const IDLE: Duration = Duration::from_hours(1);
/// The time after which a session is over in any case.
pub const LONGEST: Duration = Duration::from_hours(12);
/// The time for which a person's password vouches for changes of credentials, roles and secrets.
pub const FRESH: Duration = Duration::from_mins(15);
/// The interval at which the last use of a session or token is kept: a durable write for every page would be too much.
pub const NOTED_EVERY: Duration = Duration::from_mins(5);

/// How an account stands to the second factor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FactorState {
    /// It has one.
    On,
    /// It has none, and needs none.
    Off,
    /// It has none, and the practice wants one: nothing else is open until it is set up.
    Wanted,
}

/// The session of a person who signed in.
#[derive(Clone, PartialEq, Debug)]
pub struct Session {
    /// The person's account.
    pub user: User,
    /// The moment at which the session is over, however much it is used.
    pub ends_at: Timestamp,
    /// The moment at which the person last confirmed who they are: by the password, or by the identity provider.
    pub confirmed_at: Timestamp,
    /// How the person's account stands to the second factor.
    pub second_factor: FactorState,
    /// The key under which it is kept.
    pub(super) key: [u8; 32],
}

impl Session {
    /// The person as `authorize` knows them at this moment.
    pub fn actor(&self, now: Timestamp) -> Actor {
        let who = Who::Person { user: self.user.id, is_fresh: self.is_fresh(now) };
        Actor { who, name: self.user.name.clone(), role: self.user.role, scopes: None }
    }

    /// Whether the person signed in, or confirmed who they are, lately.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.confirmed_at + FRESH
    }

    /// The id of the session.
    pub fn id(&self) -> SessionId {
        session_id(&self.key)
    }
}

impl Access {
    /// A session as it stands now; none where it is over or its person is disabled. To look is no use of it: an answer that
    /// goes on for long keeps nobody signed in.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub(super) async fn session_now(&self, session: &Session, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let found = self.store.session(session.key).await?;
        let found = found.filter(|(stored, ..)| is_alive(stored.opened_at, stored.used_at, now));
        Ok(found.map(|(stored, user, has_factor)| {
            let second_factor = self.second_factors.state(&stored, user.role, has_factor);
            Session { user, second_factor, ..session.clone() }
        }))
    }
}

/// A session that has just begun, with the token that only the browser is to know.
#[derive(Debug)]
pub struct SignedIn {
    /// The token.
    pub token: SecretString,
    /// The session.
    pub session: Session,
}

/// The moment at which a session that was opened at this time is over in any case.
pub fn ends_at(opened_at: Timestamp) -> Timestamp {
    opened_at + LONGEST
}

/// Whether a session that was opened and last used then still holds.
pub fn is_alive(opened_at: Timestamp, used_at: Timestamp, now: Timestamp) -> bool {
    now < ends_at(opened_at) && now < used_at + IDLE
}

/// Whether its last use is to be written down.
pub fn is_to_be_noted(session: &StoredSession, now: Timestamp) -> bool {
    session.used_at + NOTED_EVERY <= now
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_unused_after_an_hour_and_used_after_twelve() {
        let opened_at = Timestamp::from_second(1_800_000_000).unwrap();
        let check = |used_after: u64, now_after: u64, expected| {
            let used_at = opened_at + Duration::from_mins(used_after);
            let now = opened_at + Duration::from_mins(now_after);
            assert_eq!(is_alive(opened_at, used_at, now), expected, "{now_after} min");
        };
        check(0, 0, true);
        check(0, 59, true);
        check(0, 60, false);
        check(55, 110, true);
        check(719, 719, true);
        check(719, 720, false);
    }
}
