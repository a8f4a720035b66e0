//! A connection's history of revisions: how an entry comes about, and what follows from the entries.

use std::collections::HashSet;

use crate::domain::{RevisionDigest, Timestamp};
use crate::pack::Revision;
use crate::store::connections::By;
use crate::store::revisions::{HistoryEntry, Why};

/// An entry of this moment, of a revision that is on no trial.
pub(super) fn entry(revision: &Revision, why: Why, who: &str) -> HistoryEntry {
    HistoryEntry {
        digest: revision.digest(),
        pack: revision.pack().to_owned(),
        version: revision.version().to_owned(),
        by: By { who: who.to_owned(), at: Timestamp::now() },
        why,
        trial: None,
        taken_back: None,
        trip: None,
    }
}

/// The revisions of a history, the newest entry first, that the breaker took back and nobody put in force since.
pub(super) fn taken_back(history: &[HistoryEntry]) -> HashSet<RevisionDigest> {
    let (mut known, mut back) = (HashSet::new(), HashSet::new());
    for entry in history.iter().filter(|entry| entry.why != Why::Staged) {
        known.insert(entry.digest);
        back.extend(entry.taken_back.filter(|left| known.insert(*left)));
    }
    back
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u8) -> RevisionDigest {
        RevisionDigest([number; 32])
    }

    /// Entries by their revision and the one that was taken back, the newest first.
    fn check(entries: &[(u8, Why, Option<u8>)], expected: &[u8]) {
        let entry = |(number, why, left): &(u8, Why, Option<u8>)| HistoryEntry {
            digest: digest(*number),
            pack: "acme-au".to_owned(),
            version: "0.1.0".to_owned(),
            by: By { who: "Pat Lee".to_owned(), at: Timestamp::UNIX_EPOCH },
            why: *why,
            trial: None,
            taken_back: left.map(digest),
            trip: None,
        };
        let history: Vec<HistoryEntry> = entries.iter().map(entry).collect();
        let expected: HashSet<RevisionDigest> = expected.iter().copied().map(digest).collect();
        assert_eq!(taken_back(&history), expected, "{entries:?}");
    }

    #[test]
    fn what_was_taken_back_stays_so_until_somebody_puts_it_in_force() {
        use Why::{Activated, Breaker, First, RolledBack, Staged};
        check(&[(2, Activated, None), (1, First, None)], &[]);
        check(&[(1, Breaker, Some(2)), (2, Activated, None), (1, First, None)], &[2]);
        // Brought again, it is still the one that was taken back.
        check(&[(2, Staged, None), (1, Breaker, Some(2)), (2, Activated, None), (1, First, None)], &[2]);
        check(&[(2, Activated, None), (1, Breaker, Some(2)), (2, Activated, None), (1, First, None)], &[]);
        let two = [
            (1, Breaker, Some(3)),
            (3, Activated, None),
            (1, Breaker, Some(2)),
            (2, Activated, None),
            (1, RolledBack, None),
        ];
        check(&two, &[2, 3]);
    }
}
