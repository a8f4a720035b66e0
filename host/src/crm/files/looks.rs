//! What was seen of each export when it was last looked at: by it, one export that is still growing, or that is saved anew
//! with the same rows, is told from another one.
//!
//! Serves absence detection: nobody is gone by one export, however often it is read and however it is written.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// The most exports that are remembered.
const MOST: usize = 1_000;

/// An export as it was seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Look {
    /// The size of the file, in bytes …
    pub(super) size: u64,
    /// … and XXH3-128 of all of it, in hexadecimal digits.
    pub(super) digest: String,
    /// XXH3-128 of the set of its rows, likewise.
    rows: String,
    /// The edition that it is: the set of rows with which that was first seen.
    edition: String,
    /// Whether its last line has an end; none of what has no lines.
    ends: Option<bool>,
    /// Whether that of the edition before had one.
    ended_before: Option<bool>,
}

/// What is to be known of an export now.
pub(super) struct Now {
    pub(super) size: u64,
    pub(super) digest: u128,
    pub(super) rows: u128,
    pub(super) ends: Option<bool>,
}

/// The conclusion from what was seen before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Seen {
    /// The edition that it is.
    pub(super) edition: u128,
    /// Whether the last line of the edition before had an end; none where there was none.
    pub(super) ended_before: Option<bool>,
}

/// All looks of a folder, by what the exports are called without their endings.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<BTreeMap<String, Look>>);

fn hex(number: u128) -> String {
    format!("{number:032x}")
}

impl Looks {
    /// The look before.
    pub(super) fn before(&self, name: &str) -> Option<Look> {
        self.lock().get(name).cloned()
    }

    /// Takes a look in. `has_grown` says that the file begins with all that stood in it before.
    pub(super) fn take(&self, name: &str, now: &Now, has_grown: bool) -> Seen {
        let mut looks = self.lock();
        let before = looks.get(name);
        let is_the_same =
            |before: &&Look| has_grown || before.digest == hex(now.digest) || before.rows == hex(now.rows);
        let (edition, ended_before) = match before.filter(is_the_same) {
            Some(same) => (same.edition.clone(), same.ended_before),
            None => (hex(now.rows), before.and_then(|before| before.ends)),
        };
        let seen = Seen { edition: u128::from_str_radix(&edition, 16).unwrap_or(now.rows), ended_before };
        if before.is_some() || looks.len() < MOST {
            let (digest, rows) = (hex(now.digest), hex(now.rows));
            let look = Look { size: now.size, digest, rows, edition, ends: now.ends, ended_before };
            looks.insert(name.to_owned(), look);
        }
        seen
    }

    /// All looks, for the next process.
    pub(super) fn all(&self) -> Vec<u8> {
        let looks = self.lock();
        if looks.is_empty() { Vec::new() } else { serde_json::to_vec(&*looks).unwrap_or_default() }
    }

    /// Takes up what an earlier process saw, where nothing was seen since.
    pub(super) fn recall(&self, earlier: &[u8]) {
        let earlier: BTreeMap<String, Look> = serde_json::from_slice(earlier).unwrap_or_default();
        let mut looks = self.lock();
        for (name, look) in earlier.into_iter().take(MOST) {
            looks.entry(name).or_insert(look);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Look>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(size: u64, rows: u128, ends: bool) -> Now {
        Now { size, digest: u128::from(size) << 64 | rows, rows, ends: Some(ends) }
    }

    #[test]
    fn one_export_stays_one_while_it_grows_and_where_it_is_saved_anew() {
        let looks = Looks::default();
        let first = looks.take("clients", &now(10, 1, true), false);
        assert_eq!(first, Seen { edition: 1, ended_before: None });
        assert_eq!(looks.take("clients", &now(11, 1, true), false).edition, 1, "other line ends");
        let other = looks.take("clients", &now(7, 2, false), false);
        assert_eq!(other, Seen { edition: 2, ended_before: Some(true) });
        let grown = looks.take("clients", &now(9, 3, false), true);
        assert_eq!(grown, Seen { edition: 2, ended_before: Some(true) }, "it is still arriving");
        let again = Looks::default();
        again.recall(&looks.all());
        assert_eq!(again.take("clients", &now(9, 3, false), false), grown, "another process goes on");
        assert_eq!(again.take("clients", &now(9, 4, false), false), Seen { edition: 4, ended_before: Some(false) });
        again.recall(b"no looks");
    }
}
