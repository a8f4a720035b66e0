//! The error of a walk, in whichever of its stages: why it ends before the end of the book.

use std::fmt;

use crate::crm::CrmError;
use crate::domain::RevisionId;
use crate::domain::trial::Trip;
use crate::queue::NotDone;
use crate::store::StoreError;

/// The reason why a walk ended before the end of the book.
#[derive(Debug, thiserror::Error)]
pub(super) enum WalkError {
    /// The CRM failed.
    #[error(transparent)]
    Crm(#[from] CrmError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The CRM's list does not end.
    #[error("the CRM's list goes round in circles: it {0}")]
    Circle(String),
    /// This program failed.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// Somebody asked for the walk to end.
    #[error("the run was stopped")]
    Stopped,
    /// The breaker tripped over the revision that maps.
    #[error("{0}")]
    TakenBack(TakenBack),
}

/// A revision that the breaker takes back, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct TakenBack {
    /// The revision.
    pub revision: RevisionId,
    /// The one that comes in force again.
    pub before: RevisionId,
    /// The finding.
    pub trip: Trip,
}

impl fmt::Display for TakenBack {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revision, before, trip } = self;
        write!(out, "the breaker takes revision {revision} back, which {}", trip.found(Some(*before)))
    }
}

/// The log's words about a walk that the store ended.
pub(super) const STORE_FAILED: &str = "the store failed";
/// The log's words about a walk that a fault of this program ended.
pub(super) const FAULT: &str = "a fault in Tidegate";

impl WalkError {
    /// The part of the error that the log may have: not the CRM's words, which may name people and stand with the run.
    pub fn for_log(&self) -> String {
        match self {
            Self::Crm(error) => error.for_log(),
            Self::Store(_) => STORE_FAILED.to_owned(),
            Self::Circle(_) => "the list does not end".to_owned(),
            Self::NotDone(NotDone::Busy { .. }) => "too much waits".to_owned(),
            Self::NotDone(NotDone::Fault) => FAULT.to_owned(),
            Self::Stopped => "stopped".to_owned(),
            Self::TakenBack(TakenBack { revision, .. }) => format!("the breaker takes revision {revision} back"),
        }
    }
}
