//! Sessions of people who signed in.

use std::time::Duration;

use secrecy::SecretString;

use crate::domain::Timestamp;
use crate::domain::access::{Actor, User};
use crate::store::access::StoredSession;

/// The time after which a session that is not used is over.
pub const IDLE: Duration = Duration::from_hours(1);
/// The time after which a session is over in any case.
pub const LONGEST: Duration = Duration::from_hours(12);
/// The interval at which the last use of a session is kept: a durable write for every page would be too much.
const NOTED_EVERY: Duration = Duration::from_mins(5);

/// The session of a person who signed in.
#[derive(Clone, PartialEq, Debug)]
pub struct Session {
    /// The person's account.
    pub user: User,
    /// The moment at which the session is over, however much it is used.
    pub ends_at: Timestamp,
}

impl Session {
    /// The person as `authorize` knows them.
    pub fn actor(&self) -> Actor {
        Actor { name: self.user.name.clone(), role: self.user.role }
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

/// Whether a session still holds.
pub fn is_alive(session: &StoredSession, now: Timestamp) -> bool {
    now < ends_at(session.opened_at) && now < session.used_at + IDLE
}

/// Whether its last use is to be written down.
pub fn is_to_be_noted(session: &StoredSession, now: Timestamp) -> bool {
    session.used_at + NOTED_EVERY <= now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UserId;

    #[test]
    fn a_session_ends_unused_after_an_hour_and_used_after_twelve() {
        let opened_at = Timestamp::from_second(1_800_000_000).unwrap();
        let check = |used_after: u64, now_after: u64, expected| {
            let session = StoredSession {
                user_id: UserId(uuid::Uuid::nil()),
                opened_at,
                used_at: opened_at + Duration::from_mins(used_after),
            };
            assert_eq!(is_alive(&session, opened_at + Duration::from_mins(now_after)), expected, "{now_after} min");
        };
        check(0, 0, true);
        check(0, 59, true);
        check(0, 60, false);
        check(55, 110, true);
        check(719, 719, true);
        check(719, 720, false);
    }
}
