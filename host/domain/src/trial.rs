//! The trial of a revision that came in force: what it rejects is held against what the revision before makes of the same
//! records. Where it rejects much more, the breaker trips, and the host goes back by itself.
//!
//! Pure. What is compared are two mappings of one record, so that nothing that a CRM does wrong counts against a revision.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::absence::Threshold;
use crate::ids::{RevisionDigest, RevisionId};
use crate::record::RecordKind;

/// The number of records that may be rejected anew, of each kind, before the breaker trips.
pub const USUAL: Threshold = Threshold { percent: 5, at_least: 5 };

/// The trial of a revision, as it is kept with the moment at which the revision came in force. It is over once what is stored
/// was mapped again and a first walk came to its end.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Trial {
    /// The revision that is gone back to; none where there is no earlier one that is good.
    pub before: Option<RevisionDigest>,
    /// The number of records that it would reject anew, of each kind, by the preview that its activation followed: somebody
    /// has seen them.
    #[serde(default)]
    pub promised: BTreeMap<RecordKind, u64>,
}

/// The counts of what a revision on trial made of the records of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// The records that it was given.
    pub tried: u64,
    /// Those that it rejects and the revision before does not, whatever the reason.
    pub rejected: u64,
    /// Those among them on which its plugin failed: by a trap, its time, its memory, or an answer of no use.
    pub failed: u64,
}

impl Tally {
    /// The reason to trip; none while all is well. `whole` is the number of records of the kind that are stored.
    ///
    /// A record that is rejected may be meant, so that their share is one of the whole book. A plugin that fails is never
    /// meant: there the share is one of the records that were tried so far.
    pub fn trip(self, kind: RecordKind, whole: u64, promised: u64, threshold: Threshold) -> Option<Trip> {
        let Self { tried, rejected, failed } = self;
        let is_beyond = |number: u64, of: u64| number > threshold.of(of).saturating_add(promised);
        let trips = is_beyond(failed, tried) || is_beyond(rejected, whole.max(tried));
        trips.then_some(Trip { kind, tried, rejected, failed, promised })
    }
}

/// The finding by which the breaker tripped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Trip {
    /// The kind of record.
    pub kind: RecordKind,
    /// The records of the kind that the revision was given.
    pub tried: u64,
    /// Those that it rejects and the revision before does not.
    pub rejected: u64,
    /// Those among them on which its plugin failed.
    pub failed: u64,
    /// The number that somebody had seen in its preview.
    pub promised: u64,
}

impl Trip {
    /// What was found, as the end of a sentence about the revision: `rejected 12 of 400 clients that revision … maps`.
    pub fn found(&self, before: Option<RevisionId>) -> String {
        let Self { kind, tried, rejected, failed, promised } = *self;
        let what = match kind.is_listed() {
            true => format!("the {} of {rejected} of {tried} clients", kind.plural()),
            false => format!("{rejected} of {tried} {}", kind.plural()),
        };
        let maps = before.map(|before| format!(" that revision {before} maps")).unwrap_or_default();
        let more = [
            (failed, format!("its plugin failed on {failed} of them")),
            (promised, format!("its preview had shown {promised}")),
        ];
        let more: Vec<String> = more.into_iter().filter(|(number, _)| *number > 0).map(|(_, more)| more).collect();
        let more = if more.is_empty() { String::new() } else { format!(" ({})", more.join("; ")) };
        format!("rejected {what}{maps}{more}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tally: (u64, u64, u64), whole: u64, promised: u64, expected: bool) {
        let (tried, rejected, failed) = tally;
        let trip = Tally { tried, rejected, failed }.trip(RecordKind::Client, whole, promised, USUAL);
        assert_eq!(trip.is_some(), expected, "{tally:?} of {whole}, {promised} promised");
    }

    #[test]
    fn a_share_of_the_book_and_a_number_have_to_be_rejected_anew() {
        check((400, 20, 0), 400, 0, false);
        check((400, 21, 0), 400, 0, true);
        check((20, 5, 0), 20, 0, false);
        check((20, 6, 0), 20, 0, true);
        check((0, 0, 0), 0, 0, false);
        // Many of the first ones are few of all; more came than was stored.
        check((1_000, 300, 0), 20_000, 0, false);
        check((1_000, 51, 0), 0, 0, true);
    }

    #[test]
    fn a_plugin_that_fails_is_not_waited_for_until_the_book_is_through() {
        check((1_000, 50, 50), 20_000, 0, false);
        check((1_000, 51, 51), 20_000, 0, true);
        check((8, 5, 5), 20_000, 0, false);
    }

    #[test]
    fn what_the_preview_had_shown_does_not_count() {
        check((400, 120, 0), 400, 100, false);
        check((400, 121, 0), 400, 100, true);
        check((400, 100, 100), 400, 100, false);
        check((400, u64::MAX, 0), 400, u64::MAX, false);
    }

    #[test]
    fn a_finding_says_how_many_of_what() {
        let before = Some(RevisionId([0x8c, 0x21, 0xf0, 0xe9, 0xa3, 0xb7]));
        let trip = Trip { kind: RecordKind::Client, tried: 400, rejected: 12, failed: 0, promised: 0 };
        assert_eq!(trip.found(before), "rejected 12 of 400 clients that revision 8c21f0e9a3b7 maps");
        let trip = Trip { kind: RecordKind::Cover, failed: 9, promised: 2, ..trip };
        assert_eq!(
            trip.found(None),
            "rejected the covers of 12 of 400 clients (its plugin failed on 9 of them; its preview had shown 2)"
        );
    }
}
