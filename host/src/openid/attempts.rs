//! Sign-ins under way: what is kept between the button and the way back. Each holds for ten minutes, once, and in the browser
//! that began it. In memory: after a restart one begins again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::{SessionId, Timestamp};

/// The time that a person has to sign in with the provider.
pub const HOLDS: Duration = Duration::from_mins(10);
/// The attempts of all sources together; the oldest gives way.
const MOST: usize = 10_000;
/// The attempts of one source: an office behind one address has these, and nobody crowds others out.
const MOST_OF_SOURCE: usize = 200;

/// A sign-in that waits for its person.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The digest of what the browser's cookie holds.
    pub browser: blake3::Hash,
    /// The network that began it.
    pub source: IpAddr,
    /// What the ID token has to repeat.
    pub nonce: SecretString,
    /// Proves that who exchanges the code is who asked.
    pub verifier: SecretString,
    /// The session whose person is asked for once more; none where somebody signs in.
    pub confirms: Option<SessionId>,
    /// The path of this host to go to afterwards.
    pub to: String,
    /// The moment at which it began.
    pub began_at: Timestamp,
}

/// The attempts, by the digest of their state.
#[derive(Default)]
pub struct Attempts(HashMap<blake3::Hash, Attempt>);

/// The digest of a state or of what a cookie holds.
pub fn digest(text: &SecretString) -> blake3::Hash {
    blake3::hash(text.expose_secret().as_bytes())
}

impl Attempts {
    /// Keeps one.
    pub fn add(&mut self, state: &SecretString, attempt: Attempt, now: Timestamp) {
        self.0.retain(|_, kept| now < kept.began_at + HOLDS);
        let of_source = self.0.values().filter(|kept| kept.source == attempt.source).count();
        if of_source >= MOST_OF_SOURCE {
            self.forget_oldest(|kept| kept.source == attempt.source);
        } else if self.0.len() >= MOST {
            self.forget_oldest(|_| true);
        }
        self.0.insert(digest(state), attempt);
    }

    fn forget_oldest(&mut self, is_meant: impl Fn(&Attempt) -> bool) {
        let meant = self.0.iter().filter(|(_, kept)| is_meant(kept));
        if let Some(oldest) = meant.min_by_key(|(_, kept)| kept.began_at).map(|(state, _)| *state) {
            self.0.remove(&oldest);
        }
    }

    /// Takes the one of a state, in this browser: it is used up. Another browser's is left to it.
    pub fn take(&mut self, state: &SecretString, browser: &SecretString, now: Timestamp) -> Option<Attempt> {
        let (key, browser) = (digest(state), digest(browser));
        self.0.get(&key).filter(|kept| kept.browser == browser)?;
        self.0.remove(&key).filter(|kept| now < kept.began_at + HOLDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: u64) -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap() + Duration::from_mins(minute)
    }

    fn attempt(browser: &str, source: u32, minute: u64) -> Attempt {
        Attempt {
            browser: digest(&browser.into()),
            source: IpAddr::from(std::net::Ipv4Addr::from_bits(source)),
            nonce: "n".into(),
            verifier: "v".into(),
            confirms: None,
            to: "/".to_owned(),
            began_at: at(minute),
        }
    }

    #[test]
    fn an_attempt_holds_once_for_ten_minutes_in_its_browser() {
        let mut attempts = Attempts::default();
        attempts.add(&"s".into(), attempt("b", 1, 0), at(0));
        assert!(attempts.take(&"t".into(), &"b".into(), at(1)).is_none());
        assert!(attempts.take(&"s".into(), &"c".into(), at(1)).is_none(), "another browser's");
        assert!(attempts.take(&"s".into(), &"b".into(), at(9)).is_some());
        assert!(attempts.take(&"s".into(), &"b".into(), at(9)).is_none(), "it was used");
        attempts.add(&"s".into(), attempt("b", 1, 0), at(0));
        assert!(attempts.take(&"s".into(), &"b".into(), at(10)).is_none(), "it is over");
    }

    #[test]
    fn one_source_crowds_nobody_else_out_and_the_number_is_bounded() {
        let mut attempts = Attempts::default();
        attempts.add(&"ana".into(), attempt("ana", 1, 0), at(0));
        for number in 0..1_000 {
            attempts.add(&format!("s{number}").into(), attempt("x", 2, 1), at(1));
        }
        assert_eq!(attempts.0.len(), MOST_OF_SOURCE + 1);
        assert!(attempts.take(&"ana".into(), &"ana".into(), at(2)).is_some());
        for number in 0..u32::try_from(MOST).unwrap() + 500 {
            attempts.add(&format!("t{number}").into(), attempt("x", 100 + number, 1), at(1));
        }
        assert_eq!(attempts.0.len(), MOST);
    }
}
