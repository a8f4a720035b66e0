//! Emergency access: a household opened for a time by somebody who has no access to it, with a reason, which a practice
//! manager looks at afterwards.

use super::household::Chosen;
use crate::ids::{EmergencyId, HouseholdId, UserId};
use crate::value::Timestamp;

/// The most households that somebody has open in this way at once.
pub const MOST_OPEN: usize = 5;
/// The fewest letters of a reason: a word alone tells nobody why.
pub const SHORTEST_REASON: usize = 10;
/// The most letters of what a practice manager says of it.
pub const LONGEST_FINDING: usize = 500;

/// A household that somebody opened in an emergency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmergencyAccess {
    /// Its id.
    pub id: EmergencyId,
    /// The account of who opened it.
    pub user: UserId,
    /// The household.
    pub household: HouseholdId,
    /// The reason that the person gave.
    pub reason: String,
    /// The moment at which it was opened.
    pub opened_at: Timestamp,
    /// The moment at which it ends by itself.
    pub ends_at: Timestamp,
    /// The one who ended it before.
    pub ended: Option<Chosen>,
    /// The practice manager who looked at it.
    pub reviewed: Option<Chosen>,
    /// What that one found.
    pub finding: Option<String>,
}

impl EmergencyAccess {
    /// Whether it lets the person in at a moment.
    pub fn is_open(&self, now: Timestamp) -> bool {
        is_open(self.ended.is_some(), self.ends_at, now)
    }
}

/// Whether a household that somebody opened lets them in at a moment.
pub fn is_open(is_ended: bool, ends_at: Timestamp, now: Timestamp) -> bool {
    !is_ended && now < ends_at
}
