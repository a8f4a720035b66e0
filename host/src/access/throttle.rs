//! Slows down guessing of passwords: so many failures an email, and so many in all, within a quarter of an hour.
//!
//! In memory: a restart forgets, which gives a guesser nothing worth having.

use std::collections::VecDeque;
use std::time::Duration;

use crate::access::token::Digest;
use crate::domain::Timestamp;

const WINDOW: Duration = Duration::from_mins(15);
const FOR_ONE_EMAIL: usize = 10;
/// Also bounds the memory. High enough that somebody who fails on purpose cannot soon lock a practice out.
const IN_ALL: usize = 500;

/// The failures of the last quarter of an hour, oldest first.
#[derive(Default)]
pub struct Throttle {
    failures: VecDeque<(Timestamp, Digest)>,
}

impl Throttle {
    /// Counts a try as failed before it is made, so that many at once do not slip through; how long to wait where
    /// there were too many.
    pub fn begin(&mut self, email: Digest, now: Timestamp) -> Result<(), Duration> {
        let opens_at = |since: Timestamp| since + WINDOW;
        while self.failures.front().is_some_and(|(since, _)| opens_at(*since) <= now) {
            self.failures.pop_front();
        }
        let mut of_email = self.failures.iter().filter(|(_, other)| *other == email).map(|(since, _)| *since);
        let oldest_of_email = of_email.next();
        let is_full_for_email = of_email.count() + 1 >= FOR_ONE_EMAIL;
        let oldest = self.failures.front().map(|(since, _)| *since);
        let blocked_since = match (oldest_of_email, oldest) {
            (Some(since), _) if is_full_for_email => Some(since),
            (_, Some(since)) if self.failures.len() >= IN_ALL => Some(since),
            _ => None,
        };
        if let Some(since) = blocked_since {
            return Err(opens_at(since).duration_since(now).unsigned_abs());
        }
        self.failures.push_back((now, email));
        Ok(())
    }

    /// Forgets the failures of an email whose holder signed in.
    pub fn succeeded(&mut self, email: Digest) {
        self.failures.retain(|(_, other)| *other != email);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::token::digest;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn one_email_is_blocked_until_its_oldest_failure_is_old() {
        let mut throttle = Throttle::default();
        for second in 0..10 {
            assert_eq!(throttle.begin(digest("a"), at(second)), Ok(()));
        }
        assert_eq!(throttle.begin(digest("a"), at(100)), Err(Duration::from_secs(800)));
        assert_eq!(throttle.begin(digest("b"), at(100)), Ok(()));
        assert_eq!(throttle.begin(digest("a"), at(900)), Ok(()));
        assert!(throttle.begin(digest("a"), at(900)).is_err());
    }

    #[test]
    fn signing_in_forgets_the_failures() {
        let mut throttle = Throttle::default();
        for second in 0..10 {
            throttle.begin(digest("a"), at(second)).unwrap();
        }
        throttle.succeeded(digest("a"));
        assert_eq!(throttle.begin(digest("a"), at(10)), Ok(()));
    }

    #[test]
    fn many_emails_are_blocked_together() {
        let mut throttle = Throttle::default();
        for number in 0..IN_ALL {
            throttle.begin(digest(&number.to_string()), at(0)).unwrap();
        }
        assert_eq!(throttle.begin(digest("another"), at(60)), Err(Duration::from_secs(840)));
    }
}
