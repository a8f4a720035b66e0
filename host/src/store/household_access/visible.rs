//! The households that somebody sees, by which lists are read.

use std::collections::HashSet;
use std::sync::Arc;

use crate::domain::HouseholdId;

/// The households that somebody sees.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub enum Visible {
    /// The whole book.
    #[default]
    Everything,
    /// These households.
    Households(Arc<HashSet<HouseholdId>>),
}

impl Visible {
    /// Whether a household is among them.
    pub fn has(&self, household: HouseholdId) -> bool {
        match self {
            Self::Everything => true,
            Self::Households(these) => these.contains(&household),
        }
    }

    /// These households, in their order; none where it is the whole book.
    pub(in crate::store) fn some(&self) -> Option<Vec<HouseholdId>> {
        match self {
            Self::Everything => None,
            Self::Households(these) => {
                let mut these: Vec<HouseholdId> = these.iter().copied().collect();
                these.sort_unstable();
                Some(these)
            }
        }
    }
}
