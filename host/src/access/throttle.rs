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
/// The delays of one source whose ways back from the identity provider come to nothing. Counted apart from tokens: a program
/// with an old token keeps nobody of its office from signing in.
const OF_CALLBACKS: Delays = Delays { free: 100, first: Duration::from_secs(1), longest: Duration::from_secs(60) };
/// The delays of one account from whatever sources. Its holder waits as long, so that they are short.
const OF_ACCOUNT: Delays = Delays { free: 10, first: Duration::from_millis(500), longest: Duration::from_secs(5) };

/// The delays of the codes of one account's app, from whatever sources. Whoever gets as far has the password, and a
/// code has six digits: a guesser with many addresses is left one guess a minute. Recovery codes are not held up.
const OF_CODES: Delays = Delays { free: 20, first: Duration::from_secs(1), longest: Duration::from_secs(60) };

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
    codes: Table<Digest>,
    tokens: Table<IpAddr>,
    callbacks: Table<IpAddr>,
}

/// What becomes of a sign-in before it is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begun {
    /// It may be tried.
    Admitted(Admitted),
    /// Its source failed too often, and waits so long.
    Refused(Duration),
    /// As many as may fail are being tried at this moment: this one waits until one of them is through.
    Crowded,
}

/// A sign-in that may be tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admitted {
    /// The time for which the attempt is held before it is made.
    pub hold: Duration,
    /// Whether its source has failed lately.
    pub is_doubted: bool,
}

/// How a try ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The password was right: the slips of this account are forgotten.
    Right,
    /// It was wrong, or whoever tried it went away.
    Wrong,
    /// It was not looked at.
    NotTried,
}

impl Throttle {
    /// Admits a try where its source has not failed too often. Tries that are under way count as if they failed, so that
    /// many at once do not slip through; once they end, only wrong ones do.
    pub fn begin(&mut self, source: IpAddr, account: Digest, now: Timestamp) -> Begun {
        let pair = (source, account);
        let wait = self.pairs.wait(&pair, &OF_PAIR, now).max(self.sources.wait(&source, &OF_SOURCE, now));
        if !wait.is_zero() {
            return Begun::Refused(wait);
        }
        if self.pairs.is_crowded(&pair, &OF_PAIR, now) || self.sources.is_crowded(&source, &OF_SOURCE, now) {
            return Begun::Crowded;
        }
        let of_others = self.accounts.under_way(&account).saturating_sub(self.pairs.under_way(&pair));
        let hold = OF_ACCOUNT.after(self.accounts.failures(&account, now).saturating_add(of_others));
        let is_doubted = self.sources.failures(&source, now) > 0;
        self.pairs.begin(pair, now);
        self.sources.begin(source, now);
        self.accounts.begin(account, now);
        Begun::Admitted(Admitted { hold, is_doubted })
    }

    /// Ends a try that was admitted. Where it was right, what its source failed at other accounts stays.
    pub fn end(&mut self, source: IpAddr, account: Digest, ended: Ended, now: Timestamp) {
        let pair = (source, account);
        self.pairs.end(pair, ended, now);
        self.accounts.end(account, ended, now);
        let of_source = if ended == Ended::Right { Ended::NotTried } else { ended };
        self.sources.end(source, of_source, now);
    }

    /// The same for a code of somebody's app, which is guessed sooner than a password.
    pub fn begin_code(&mut self, source: IpAddr, account: Digest, now: Timestamp) -> Begun {
        let wait = self.codes.wait(&account, &OF_CODES, now);
        if !wait.is_zero() {
            return Begun::Refused(wait);
        }
        if self.codes.is_crowded(&account, &OF_CODES, now) {
            return Begun::Crowded;
        }
        let begun = self.begin(source, account, now);
        if let Begun::Admitted(_) = begun {
            self.codes.begin(account, now);
        }
        begun
    }

    /// Ends a try of a code that was admitted.
    pub fn end_code(&mut self, source: IpAddr, account: Digest, ended: Ended, now: Timestamp) {
        self.codes.end(account, ended, now);
        self.end(source, account, ended, now);
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

    /// Counts a way back from the identity provider that came to nothing.
    pub fn wrong_callback(&mut self, source: IpAddr, now: Timestamp) {
        self.callbacks.fail(source, now);
    }

    /// How long a source waits before the provider is asked for it again, where too many of its ways back came to nothing.
    pub fn waits_for_provider(&self, source: IpAddr, now: Timestamp) -> Option<Duration> {
        Some(self.callbacks.wait(&source, &OF_CALLBACKS, now)).filter(|wait| !wait.is_zero())
    }
}

/// Failures by what failed.
struct Table<K> {
    rows: HashMap<K, Row>,
}

#[derive(Clone, Copy)]
struct Row {
    failures: u32,
    /// Tries that have not ended yet.
    under_way: u32,
    /// The last failure, or the last try where there was none.
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

    fn under_way(&self, key: &K) -> u32 {
        self.rows.get(key).map_or(0, |row| row.under_way)
    }

    /// Whether the tries under way may be as many as are free to fail.
    fn is_crowded(&self, key: &K, delays: &Delays, now: Timestamp) -> bool {
        let under_way = self.under_way(key);
        under_way > 0 && self.failures(key, now).saturating_add(under_way) > delays.free
    }

    fn begin(&mut self, key: K, now: Timestamp) {
        let (failures, under_way) = (self.failures(&key, now), self.under_way(&key).saturating_add(1));
        let last = self.row(&key, now).map_or(now, |row| row.last);
        self.put(key, Row { failures, under_way, last }, now);
    }

    fn end(&mut self, key: K, ended: Ended, now: Timestamp) {
        let failures = self.failures(&key, now);
        let under_way = self.under_way(&key).saturating_sub(1);
        let last = self.row(&key, now).map_or(now, |row| row.last);
        match ended {
            Ended::Wrong => self.put(key, Row { failures: failures.saturating_add(1), under_way, last: now }, now),
            Ended::Right => self.put(key, Row { failures: 0, under_way, last }, now),
            Ended::NotTried => self.put(key, Row { failures, under_way, last }, now),
        }
    }

    fn fail(&mut self, key: K, now: Timestamp) {
        let (failures, under_way) = (self.failures(&key, now).saturating_add(1), self.under_way(&key));
        self.put(key, Row { failures, under_way, last: now }, now);
    }

    fn put(&mut self, key: K, row: Row, now: Timestamp) {
        if row.failures == 0 && row.under_way == 0 {
            self.rows.remove(&key);
            return;
        }
        if self.rows.len() >= ROWS && !self.rows.contains_key(&key) {
            self.make_room(now);
        }
        self.rows.insert(key, row);
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
mod tests;
