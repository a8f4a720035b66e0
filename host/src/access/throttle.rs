//! Slows down guessing, by who guesses and by what is guessed, with delays that grow. Nobody is locked out: a delay ends
//! within a minute, and the right password from a source that has not failed waits some seconds at most, whoever else
//! fails at the same account. Sessions and tokens that hold are never slowed down.
//!
//! Failures are kept in memory: a restart forgets them, which gives a guesser nothing worth having. The memory is
//! bounded; what is forgotten for want of room is what failed longest ago.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use crate::access::token::Digest;
use crate::domain::Timestamp;

/// The time for which a failure is remembered after the last one of its kind.
const REMEMBERED: Duration = Duration::from_mins(60);
/// Rows of each table.
const ROWS: usize = 10_000;

/// The delays that follow from failures: so many are free, the next delays by `first`, doubled by each up to `longest`.
struct Delays {
    free: u32,
    first: Duration,
    longest: Duration,
}

/// The delays of one source at one account. After a handful of slips it is a guesser.
const OF_PAIR: Delays = Delays { free: 5, first: Duration::from_secs(1), longest: Duration::from_secs(60) };
/// The delays of one source at whatever accounts: an office behind one address slips more often.
const OF_SOURCE: Delays = Delays { free: 30, first: Duration::from_secs(1), longest: Duration::from_secs(60) };
/// The delays of one source that shows tokens or links which nobody gave. Nobody guesses 256 random bits: this spares
/// the log.
const OF_TOKENS: Delays = Delays { free: 100, first: Duration::from_secs(1), longest: Duration::from_secs(60) };
/// The delays of one account from whatever sources. Its holder waits as long, so that they are short.
const OF_ACCOUNT: Delays = Delays { free: 10, first: Duration::from_millis(500), longest: Duration::from_secs(5) };

impl Delays {
    fn after(&self, failures: u32) -> Duration {
        match failures.checked_sub(self.free + 1) {
            None => Duration::ZERO,
            Some(surplus) => self.first.saturating_mul(2_u32.saturating_pow(surplus)).min(self.longest),
        }
    }
}

/// The failures of the last hour.
#[derive(Default)]
pub struct Throttle {
    pairs: Table<(IpAddr, Digest)>,
    sources: Table<IpAddr>,
    accounts: Table<Digest>,
    tokens: Table<IpAddr>,
}

/// A sign-in that may be tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admitted {
    /// The time for which the attempt is held before it is made.
    pub hold: Duration,
    /// Whether its source has failed lately.
    pub is_doubted: bool,
}

impl Throttle {
    /// Counts a try as failed before it is made, so that many at once do not slip through; how long to wait where the
    /// source failed too often.
    pub fn begin(&mut self, source: IpAddr, account: Digest, now: Timestamp) -> Result<Admitted, Duration> {
        let pair = (source, account);
        let wait = self.pairs.wait(&pair, &OF_PAIR, now).max(self.sources.wait(&source, &OF_SOURCE, now));
        if !wait.is_zero() {
            return Err(wait);
        }
        let hold = OF_ACCOUNT.after(self.accounts.failures(&account, now));
        let is_doubted = self.sources.failures(&source, now) > 0;
        self.pairs.fail(pair, now);
        self.sources.fail(source, now);
        self.accounts.fail(account, now);
        Ok(Admitted { hold, is_doubted })
    }

    /// Forgets the failures of an account whose holder signed in, and takes this try of the source back. What the source
    /// failed at other accounts stays.
    pub fn succeeded(&mut self, source: IpAddr, account: Digest) {
        self.pairs.rows.remove(&(source, account));
        self.accounts.rows.remove(&account);
        if let Some(row) = self.sources.rows.get_mut(&source) {
            row.failures = row.failures.saturating_sub(1);
        }
    }

    /// Counts a token or a link that nobody gave; how long its source should wait, where it failed too often. One that
    /// holds is never asked for here.
    pub fn wrong_token(&mut self, source: IpAddr, now: Timestamp) -> Option<Duration> {
        let wait = self.tokens.wait(&source, &OF_TOKENS, now);
        if wait.is_zero() {
            self.tokens.fail(source, now);
            return None;
        }
        Some(wait)
    }
}

/// Failures by what failed.
struct Table<K> {
    rows: HashMap<K, Row>,
}

#[derive(Clone, Copy)]
struct Row {
    failures: u32,
    last: Timestamp,
}

impl Row {
    fn is_remembered(&self, now: Timestamp) -> bool {
        now < self.last + REMEMBERED
    }
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { rows: HashMap::new() }
    }
}

impl<K: Eq + Hash + Copy> Table<K> {
    fn row(&self, key: &K, now: Timestamp) -> Option<Row> {
        self.rows.get(key).copied().filter(|row| row.is_remembered(now))
    }

    fn failures(&self, key: &K, now: Timestamp) -> u32 {
        self.row(key, now).map_or(0, |row| row.failures)
    }

    /// The time that is left of the delay.
    fn wait(&self, key: &K, delays: &Delays, now: Timestamp) -> Duration {
        let Some(row) = self.row(key, now) else { return Duration::ZERO };
        // A clock that is set back never makes a delay longer than it is.
        let passed = Duration::try_from(now.duration_since(row.last)).unwrap_or_default();
        delays.after(row.failures).saturating_sub(passed)
    }

    fn fail(&mut self, key: K, now: Timestamp) {
        let failures = self.failures(&key, now).saturating_add(1);
        if self.rows.len() >= ROWS && !self.rows.contains_key(&key) {
            self.make_room(now);
        }
        self.rows.insert(key, Row { failures, last: now });
    }

    /// Forgets what is old anyway, else the half that failed longest ago.
    fn make_room(&mut self, now: Timestamp) {
        self.rows.retain(|_, row| row.is_remembered(now));
        if self.rows.len() >= ROWS {
            let mut lasts: Vec<Timestamp> = self.rows.values().map(|row| row.last).collect();
            let (_, median, _) = lasts.select_nth_unstable(ROWS / 2);
            let median = *median;
            self.rows.retain(|_, row| row.last > median);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::token::digest;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn source(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(0xCB00_7100 + number).into()
    }

    #[test]
    fn one_source_at_one_account_waits_longer_each_time() {
        let mut throttle = Throttle::default();
        let mut clock = 0;
        let mut waits = Vec::new();
        for _ in 0..14 {
            while let Err(wait) = throttle.begin(source(1), digest("pat"), at(clock)) {
                waits.push(wait.as_secs());
                clock += i64::try_from(wait.as_secs()).unwrap();
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(throttle.begin(source(1), digest("sam"), at(clock)).is_ok(), "others of the office are not held up");
        clock += 3601;
        assert!(throttle.begin(source(1), digest("pat"), at(clock)).is_ok());
        assert!(throttle.begin(source(1), digest("pat"), at(clock)).is_ok(), "an hour later it is forgotten");
    }

    #[test]
    fn the_holder_waits_seconds_whoever_else_fails() {
        let mut throttle = Throttle::default();
        for number in 0..2_000 {
            throttle.begin(source(number), digest("pat"), at(0)).unwrap();
        }
        let admitted = throttle.begin(source(5_000), digest("pat"), at(0)).unwrap();
        assert_eq!(admitted, Admitted { hold: Duration::from_secs(5), is_doubted: false });
        let other = throttle.begin(source(5_001), digest("sam"), at(0)).unwrap();
        assert_eq!(other, Admitted { hold: Duration::ZERO, is_doubted: false });
    }

    #[test]
    fn a_source_that_tries_many_accounts_waits() {
        let mut throttle = Throttle::default();
        for number in 0..31 {
            throttle.begin(source(1), digest(&number.to_string()), at(0)).unwrap();
        }
        assert_eq!(throttle.begin(source(1), digest("another"), at(0)), Err(Duration::from_secs(1)));
        assert!(throttle.begin(source(2), digest("another"), at(0)).is_ok());
    }

    #[test]
    fn signing_in_forgets_the_slips_and_not_what_else_the_source_did() {
        let mut throttle = Throttle::default();
        for number in 0..25 {
            throttle.begin(source(1), digest(&number.to_string()), at(0)).unwrap();
        }
        for _ in 0..50 {
            throttle.begin(source(1), digest("own"), at(0)).unwrap();
            throttle.succeeded(source(1), digest("own"));
        }
        assert_eq!(throttle.sources.failures(&source(1), at(0)), 25);
        assert_eq!(throttle.pairs.failures(&(source(1), digest("own")), at(0)), 0);
    }

    #[test]
    fn wrong_tokens_are_counted_by_source() {
        let mut throttle = Throttle::default();
        for _ in 0..101 {
            assert_eq!(throttle.wrong_token(source(1), at(0)), None);
        }
        assert_eq!(throttle.wrong_token(source(1), at(0)), Some(Duration::from_secs(1)));
        assert_eq!(throttle.wrong_token(source(2), at(0)), None);
        assert_eq!(throttle.wrong_token(source(1), at(1)), None);
    }

    #[test]
    fn the_memory_is_bounded_and_the_newest_failures_are_kept() {
        let mut throttle = Throttle::default();
        for number in 0..50_000 {
            throttle.begin(source(number), digest(&number.to_string()), at(i64::from(number) / 100)).unwrap();
        }
        let rows = [throttle.pairs.rows.len(), throttle.sources.rows.len(), throttle.accounts.rows.len()];
        assert!(rows.iter().all(|rows| (1..=ROWS).contains(rows)), "{rows:?}");
        assert_eq!(throttle.sources.failures(&source(49_999), at(500)), 1);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_delay_longer() {
        let mut throttle = Throttle::default();
        for _ in 0..6 {
            throttle.begin(source(1), digest("pat"), at(10_000)).unwrap();
        }
        assert_eq!(throttle.begin(source(1), digest("pat"), at(0)), Err(Duration::from_secs(1)));
    }
}
