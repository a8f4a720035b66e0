//! Clients, goals and covers that the CRM no longer shows: when that is concluded, and when a person is asked first.
//!
//! A change of what an account may see looks like hundreds of departures at once, so that a run that would mark more
//! of a kind than a threshold marks none of it until somebody has looked.

use serde::{Deserialize, Serialize};

use crate::ids::{ConnectionName, RunId};
use crate::value::Timestamp;

/// How many records of a kind one run may mark as gone by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Threshold {
    /// Percent of the connection's clients, goals or covers.
    pub percent: u8,
    /// As many at least, so that a small book is not asked about each one.
    pub at_least: u64,
}

impl Default for Threshold {
    fn default() -> Self {
        Self { percent: 5, at_least: 10 }
    }
}

impl Threshold {
    /// How many of so many may be marked without asking.
    pub fn of(self, all: u64) -> u64 {
        (all * u64::from(self.percent) / 100).max(self.at_least)
    }
}

/// What is to be done about records that two complete walks in a row did not see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conclusion {
    /// They are marked.
    Mark,
    /// Somebody has to look first.
    Ask,
    /// Somebody has looked and left them as they are.
    Leave,
}

/// What follows from `missing` records, of which a person has left `left` as they are.
pub fn conclude(missing: u64, of: u64, left: Option<u64>, threshold: Threshold) -> Conclusion {
    let limit = threshold.of(of);
    match left {
        _ if missing <= limit => Conclusion::Mark,
        Some(left) if missing <= left.saturating_add(limit) => Conclusion::Leave,
        _ => Conclusion::Ask,
    }
}

/// Where a question stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbsenceReviewState {
    /// Somebody has to look.
    Waiting,
    /// They were marked as gone.
    Confirmed,
    /// They were left as they are.
    Dismissed,
}

impl AbsenceReviewState {
    /// All of them.
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
    /// Whose records.
    pub connection: ConnectionName,
    /// The run that found so many missing, the latest of them.
    pub run: RunId,
    /// When the question came up first.
    pub since: Timestamp,
    /// How many records two complete walks in a row did not see and are not marked.
    pub missing: u64,
    /// How many of the connection's there are, those that are marked already left out.
    pub of: u64,
    /// How many a run may mark by itself.
    pub limit: u64,
    /// Where it stands.
    pub standing: AbsenceReviewState,
    /// Who answered, and when.
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
