//! Clients, goals and covers that the CRM no longer shows: when that is concluded, and when a person is asked first.
//!
//! A change of what an account may see looks like hundreds of departures at once, so that a run that would mark more
//! of a kind than a threshold marks none of it until somebody has looked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionName, RunId};
use crate::record::RecordKind;
use crate::value::Timestamp;

/// The number of records of a kind that one run may mark as gone by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Threshold {
    /// Percent of the connection's clients, goals or covers.
    pub percent: u8,
    /// The number that may be marked in any case, so that a small book is not asked about each one.
    pub at_least: u64,
}

impl Default for Threshold {
    fn default() -> Self {
        Self { percent: 5, at_least: 10 }
    }
}

impl Threshold {
    /// The number of records out of `all` that may be marked without asking.
    pub fn of(self, all: u64) -> u64 {
        (all * u64::from(self.percent) / 100).max(self.at_least)
    }
}

/// What tells the edition of the book that a walk read from others, of a CRM that gives one a second time: two walks through
/// one edition are one look. By the kind of record, because each may come by itself; from a walk that has none of a kind
/// nobody's absence follows.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Edition(pub BTreeMap<RecordKind, u128>);

/// The treatment of records that two complete walks in a row did not see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conclusion {
    /// The records are marked as gone.
    Mark,
    /// A person has to look first.
    Ask,
    /// A person has looked and left them as they are.
    Leave,
}

/// The conclusion for `missing` records out of `of`, where a person has left `left` as they are.
pub fn conclude(missing: u64, of: u64, left: Option<u64>, threshold: Threshold) -> Conclusion {
    let limit = threshold.of(of);
    match left {
        _ if missing <= limit => Conclusion::Mark,
        Some(left) if missing <= left.saturating_add(limit) => Conclusion::Leave,
        _ => Conclusion::Ask,
    }
}

/// The state of an absence review.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbsenceReviewState {
    /// A person has to look.
    Waiting,
    /// The records were marked as gone.
    Confirmed,
    /// The records were left as they are.
    Dismissed,
}

impl AbsenceReviewState {
    /// All states.
    pub const ALL: &[Self] = &[Self::Waiting, Self::Confirmed, Self::Dismissed];

    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Confirmed => "confirmed",
            Self::Dismissed => "dismissed",
        }
    }
}

/// More records of a kind gone at once than a run may mark by itself: a question to a person, and its answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AbsenceReview {
    /// The connection whose records are missing.
    pub connection: ConnectionName,
    /// The run that found so many missing, the latest of them.
    pub run: RunId,
    /// The moment at which the question came up first.
    pub since: Timestamp,
    /// The number of records that two complete walks in a row did not see and that are not marked.
    pub missing: u64,
    /// The number of the connection's records of the kind, without those that are marked already.
    pub of: u64,
    /// The number of records that a run may mark by itself.
    pub limit: u64,
    /// The state that the question is in.
    pub standing: AbsenceReviewState,
    /// The person who answered, and the moment of the answer.
    pub answered: Option<(String, Timestamp)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_at_once_are_asked_about() {
        let check = |missing, of, left, expected| {
            assert_eq!(conclude(missing, of, left, Threshold::default()), expected, "{missing} of {of}, {left:?}");
        };
        check(0, 0, None, Conclusion::Mark);
        check(10, 12, None, Conclusion::Mark);
        check(11, 12, None, Conclusion::Ask);
        check(50, 1_000, None, Conclusion::Mark);
        check(51, 1_000, None, Conclusion::Ask);
        // Somebody said to leave them: nobody is asked again, unless many more go.
        check(400, 1_000, Some(400), Conclusion::Leave);
        check(450, 1_000, Some(400), Conclusion::Leave);
        check(451, 1_000, Some(400), Conclusion::Ask);
        check(20, 1_000, Some(400), Conclusion::Mark);
    }
}
