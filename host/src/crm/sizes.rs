//! The sizes that a site gives at once: pages and batches that fail are asked for in halves until they come, what came
//! is asked for from then on, and more is tried again after ever more good ones.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// The most good pages, or batches, that pass before a larger one is tried.
const LONGEST_WAIT: u32 = 4096;

/// The sizes that a site was found to give at once, by what is asked for: `client-v4`, `batch`.
type Sizes = BTreeMap<String, Size>;

/// The size that a site gives of one thing at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Size {
    /// The size that is asked for next.
    next: u32,
    /// The size that came last.
    came: u32,
    /// The least that failed lately.
    failed: Option<u32>,
    /// The number of good ones that pass before more is tried …
    wait: u32,
    /// … and so many have.
    good: u32,
}

impl Size {
    fn new(size: u32) -> Self {
        Self { next: size, came: size, failed: None, wait: 1, good: 0 }
    }

    /// Takes in that `came` came, after `failed` did not, where it did not.
    fn came(&mut self, came: u32, failed: Option<u32>, most: u32) {
        match (failed, self.failed) {
            (Some(_), before) => {
                self.wait = if before.is_some() { (self.wait * 2).min(LONGEST_WAIT) } else { self.wait };
                (self.failed, self.good) = (failed, 0);
            }
            (None, Some(before)) if came >= before => {
                (self.failed, self.good) = (None, 0);
                self.wait = (self.wait / 2).max(1);
            }
            (None, _) => {}
        }
        self.good = self.good.saturating_add(1);
        self.came = came;
        let is_more_tried = self.failed.is_none() || self.good >= self.wait;
        self.next = if is_more_tried { came.saturating_mul(2).min(most) } else { came };
    }
}

/// The sizes of a site.
#[derive(Default)]
pub(super) struct Found(Mutex<Sizes>);

impl Found {
    /// The size of `what` to ask for, `most` at most.
    pub fn next(&self, what: &str, most: usize) -> usize {
        self.lock().get(what).map_or(most, |size| (size.next as usize).clamp(1, most))
    }

    /// Takes in that so much came, after so much had failed.
    pub fn came(&self, what: &str, came: usize, failed: Option<usize>, most: usize) {
        let mut sizes = self.lock();
        if failed.is_none() && !sizes.contains_key(what) {
            return;
        }
        let [came, most] = [came, most].map(|size| u32::try_from(size).unwrap_or(u32::MAX));
        let size = sizes.entry(what.to_owned()).or_insert_with(|| Size::new(most));
        size.came(came, failed.and_then(|failed| u32::try_from(failed).ok()), most);
        // Nothing is left to remember of what passed.
        if *size == Size::new(most) || size.failed.is_none() && size.came == most {
            sizes.remove(what);
        }
    }

    /// Takes in that one record fails by itself: what failed because it was among others says nothing of how many.
    pub fn one_fails(&self, what: &str, most: usize) {
        let mut sizes = self.lock();
        if let Some(size) = sizes.get_mut(what) {
            *size = Size { next: 1, came: 1, ..Size::new(u32::try_from(most).unwrap_or(u32::MAX)) };
        }
    }

    /// All sizes that were found, for the next process; empty where there are none.
    pub fn memory(&self) -> Vec<u8> {
        let sizes = self.lock();
        if sizes.is_empty() { Vec::new() } else { serde_json::to_vec(&*sizes).unwrap_or_default() }
    }

    /// Takes up what an earlier process found, where nothing was found since.
    pub fn recall(&self, memory: &[u8]) {
        let sizes: Sizes = serde_json::from_slice(memory).unwrap_or_default();
        let mut found = self.lock();
        for (what, size) in sizes {
            found.entry(what).or_insert(size);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sizes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 500;

    /// Reads pages of a site that gives `limit` rows at most; answers how many requests failed, and the last size.
    fn read(found: &Found, pages: usize, limit: usize) -> (usize, usize) {
        let (mut failures, mut last) = (0, 0);
        for _ in 0..pages {
            let (mut size, mut failed) = (found.next("x", MOST), None);
            while size > limit {
                (failures, failed) = (failures + 1, Some(size));
                size /= 2;
            }
            found.came("x", size, failed, MOST);
            last = size;
        }
        (failures, last)
    }

    #[test]
    fn a_limit_is_found_once_and_tried_ever_less_often() {
        let found = Found::default();
        assert_eq!(read(&found, 1, 100), (3, 62));
        let (failures, last) = read(&found, 1_000, 100);
        assert!(failures <= 10 && last == 62, "{failures} {last}");
        // A process that starts again goes on where this one was.
        let again = Found::default();
        again.recall(&found.memory());
        assert_eq!(read(&again, 20, 100), (0, 62));
        // The limit is gone: the next try finds it out, and everything is forgotten.
        assert_eq!(read(&again, 1_200, MOST), (0, MOST));
        assert!(again.memory().is_empty());
    }

    #[test]
    fn an_outage_is_no_limit() {
        let found = Found::default();
        found.came("x", 1, Some(2), MOST);
        let (failures, last) = read(&found, 10, MOST);
        assert_eq!((failures, last), (0, MOST));
        assert!(found.memory().is_empty());
    }

    #[test]
    fn a_record_that_fails_by_itself_is_no_limit() {
        let found = Found::default();
        for failed in [64, 32, 16, 8, 4, 2] {
            found.came("x", failed / 2, Some(failed), MOST);
        }
        found.one_fails("x", MOST);
        assert_eq!(found.next("x", MOST), 1);
        assert_eq!(read(&found, 11, MOST), (0, MOST));
    }
}
