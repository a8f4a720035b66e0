//! The trial of the revision in force, as long as this process knows of it.
//!
//! Serves `sync`, which holds what the revision makes of records against what the one before makes of them, and whoever
//! puts revisions in force. It decides nothing: `domain::trial` does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::domain::RecordKind;
use crate::domain::trial::{Trial, Trip};
use crate::pack::Revision;

/// A revision's trial. What was counted follows from the store, so that a restart loses nothing.
pub struct OnTrial {
    /// The revision that is gone back to; none where there is no earlier one that is good.
    pub before: Option<Arc<Revision>>,
    /// The number of records of each kind that its preview had shown to be rejected anew.
    pub promised: BTreeMap<RecordKind, u64>,
    trip: OnceLock<Trip>,
    is_walked: AtomicBool,
}

impl OnTrial {
    /// A trial that begins, or is taken up again.
    pub fn new(before: Option<Arc<Revision>>, promised: BTreeMap<RecordKind, u64>) -> Arc<Self> {
        Arc::new(Self { before, promised, trip: OnceLock::new(), is_walked: AtomicBool::new(false) })
    }

    /// The trial as it is kept.
    pub fn kept(&self) -> Trial {
        let before = self.before.as_ref().map(|before| before.digest());
        Trial { before, promised: self.promised.clone() }
    }

    /// The finding by which the breaker tripped; none while it has not.
    pub fn tripped(&self) -> Option<Trip> {
        self.trip.get().copied()
    }

    /// Trips the breaker: the first finding stands.
    pub fn trip(&self, trip: Trip) {
        self.trip.get_or_init(|| trip);
    }

    /// Whether the revision is about to be left, so that nothing more is to be kept of what it makes.
    pub fn is_to_be_left(&self) -> bool {
        self.before.is_some() && self.tripped().is_some()
    }

    /// Notes that a walk by the revision came to its end.
    pub fn note_walk(&self) {
        self.is_walked.store(true, Ordering::Relaxed);
    }

    /// Whether a walk by the revision came to its end.
    pub fn is_walked(&self) -> bool {
        self.is_walked.load(Ordering::Relaxed)
    }
}
