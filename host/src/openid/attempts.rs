//! Sign-ins under way: what is kept between the button and the way back. Each holds for ten minutes, once, and in the browser
//! that began it. In memory: after a restart one begins again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

use crate::domain::{SessionId, Timestamp};

/// The time that a person has to sign in with the provider.
pub const HOLDS: Duration = Duration::from_mins(10);
/// The attempts of all sources together; one of the source that has the most gives way.
const MOST: usize = 10_000;
/// The attempts of one source: an office behind one address has these at once, and the next one waits.
const MOST_OF_SOURCE: usize = 200;
/// What a source that has too many is told to wait: some of them come to their end meanwhile.
const ASKED_TO_WAIT: Duration = Duration::from_secs(30);

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
    /// How long a source waits that has as many as one may have: they are other people's, and none of them gives way.
    pub fn wait(&self, source: IpAddr, now: Timestamp) -> Option<Duration> {
        let of_source = self.0.values().filter(|kept| kept.source == source && now < kept.began_at + HOLDS);
        (of_source.count() >= MOST_OF_SOURCE).then_some(ASKED_TO_WAIT)
    }

    /// Keeps one; where its source has too many, answers how long to wait.
    pub fn add(&mut self, state: &SecretString, attempt: Attempt, now: Timestamp) -> Option<Duration> {
        self.0.retain(|_, kept| now < kept.began_at + HOLDS);
        let wait = self.wait(attempt.source, now);
        if wait.is_none() {
            if self.0.len() >= MOST {
                self.make_room();
            }
            self.0.insert(digest(state), attempt);
        }
        wait
    }

    /// Forgets the oldest of the source that has the most: whoever has one or two keeps them, whoever else begins how many.
    fn make_room(&mut self) {
        let mut of_sources: HashMap<IpAddr, usize> = HashMap::new();
        for kept in self.0.values() {
            *of_sources.entry(kept.source).or_default() += 1;
        }
        let most = of_sources.values().max().copied().unwrap_or_default();
        // Of somebody who is signed in, and asked for once more, last of all.
        let rank = |kept: &Attempt| (kept.confirms.is_some(), kept.began_at);
        let meant = self.0.iter().filter(|(_, kept)| of_sources.get(&kept.source) == Some(&most));
        if let Some(oldest) = meant.min_by_key(|(_, kept)| rank(kept)).map(|(state, _)| *state) {
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

    fn source(number: u32) -> IpAddr {
        IpAddr::from(std::net::Ipv4Addr::from_bits(number))
    }

    fn attempt(browser: &str, number: u32, minute: u64) -> Attempt {
        Attempt {
            browser: digest(&browser.into()),
            source: source(number),
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
        attempts.add(&"first".into(), attempt("bo", 2, 0), at(0));
        for number in 0..1_000 {
            let wait = attempts.add(&format!("s{number}").into(), attempt("x", 2, 1), at(1));
            assert_eq!(wait, (number >= MOST_OF_SOURCE - 1).then_some(ASKED_TO_WAIT), "{number}");
        }
        assert_eq!(attempts.0.len(), MOST_OF_SOURCE + 1);
        assert!(attempts.wait(source(2), at(1)).is_some() && attempts.wait(source(1), at(1)).is_none());
        assert!(attempts.take(&"first".into(), &"bo".into(), at(2)).is_some(), "the first of the source is kept");
        assert!(attempts.wait(source(2), at(1)).is_none(), "one came to its end");
        assert!(attempts.wait(source(2), at(11)).is_none(), "they are over");
        // From so many sources that there is no room, two of each.
        for number in 0..u32::try_from(MOST).unwrap() + 500 {
            let wait = attempts.add(&format!("t{number}").into(), attempt("x", 100 + number / 2, 1), at(1));
            assert_eq!(wait, None, "{number}");
        }
        assert_eq!(attempts.0.len(), MOST);
        assert!(attempts.take(&"ana".into(), &"ana".into(), at(2)).is_some(), "who has one keeps it");
    }
}
