//! What is shown once: a token or link that was just made, on the page to which its form leads, so that a reload neither
//! makes another nor shows it again. Within seconds it is shown once more: a second click on the button leads to the same page,
//! whatever of the first answer the browser had taken by then.
//!
//! In memory, for the session that made it and a few minutes: after a restart it has to be made anew.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::{IntoResponse as _, Redirect, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use super::components::pair;
use super::session::SignedIn;
use crate::domain::{SessionId, Timestamp};

/// The secrets that are kept, the newest ones.
const KEPT: usize = 500;
/// The time for which one waits for its page.
const WAITS: Duration = Duration::from_mins(5);

/// The time after the first look in which the same is shown again. A second click is led there within two seconds, see
/// [`repeated`](super::repeated).
pub(super) const LOOKED_AT: Duration = Duration::from_secs(5);

/// The secret that a page was led to.
#[derive(Default, Deserialize)]
pub(super) struct OnceQuery {
    made: Option<Uuid>,
}

/// What a page says of what was just made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Shown {
    /// The token or link itself, this once.
    Now(String),
    /// It was shown before, or its time is over.
    Before,
}

struct Kept {
    id: Uuid,
    session: SessionId,
    until: Timestamp,
    secret: SecretString,
}

/// The secrets that wait for their pages. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Once(Arc<Mutex<VecDeque<Kept>>>);

impl Once {
    /// Leads to a page of the host, which shows this to this person once; `place` is where on the page it stands.
    pub(super) fn lead(&self, path: &str, place: &str, to: &SignedIn, secret: SecretString) -> Response {
        let id = self.keep(to.session().id(), to.clock.now, secret);
        Redirect::to(&format!("{path}?{}#{place}", pair("made", &id.to_string()))).into_response()
    }

    fn keep(&self, session: SessionId, now: Timestamp, secret: SecretString) -> Uuid {
        let id = Uuid::new_v4();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| now < kept.until);
        kept.push_back(Kept { id, session, until: now + WAITS, secret });
        while kept.len() > KEPT {
            kept.pop_front();
        }
        id
    }

    /// What a page was led to show, which is gone a moment later; none where it was led to show nothing.
    pub(super) fn take(&self, query: &OnceQuery, person: &SignedIn) -> Option<Shown> {
        Some(self.taken(query.made?, person.session().id(), person.clock.now))
    }

    fn taken(&self, id: Uuid, session: SessionId, now: Timestamp) -> Shown {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |kept: &Kept| kept.id == id && kept.session == session && now < kept.until;
        match kept.iter_mut().find(|kept| is_it(kept)) {
            None => Shown::Before,
            Some(kept) => {
                kept.until = kept.until.min(now + LOOKED_AT);
                Shown::Now(kept.secret.expose_secret().to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_once_to_its_session_within_minutes() {
        let (once, session, other) = (Once::default(), SessionId(Uuid::new_v4()), SessionId(Uuid::new_v4()));
        let at = |minute: u64| Timestamp::from_second(1_800_000_000).unwrap() + Duration::from_mins(minute);
        let looked_at = at(1) + LOOKED_AT;
        let id = once.keep(session, at(0), "tg_invented".into());
        assert_eq!(once.taken(id, other, at(1)), Shown::Before, "it is another session's");
        assert_eq!(once.taken(id, session, at(1)), Shown::Now("tg_invented".to_owned()));
        let moment = Duration::from_millis(1);
        assert_eq!(once.taken(id, session, looked_at - moment), Shown::Now("tg_invented".to_owned()), "the same click");
        assert_eq!(once.taken(id, session, looked_at), Shown::Before, "and no later for that");
        let late = once.keep(session, at(0), "tg_invented".into());
        assert_eq!(once.taken(late, session, at(5)), Shown::Before);
        let first = once.keep(session, at(10), "tg_invented".into());
        for _ in 0..KEPT {
            once.keep(session, at(10), "tg_another".into());
        }
        assert_eq!(once.taken(first, session, at(10)), Shown::Before);
        assert_eq!(once.0.lock().unwrap().len(), KEPT);
    }
}
