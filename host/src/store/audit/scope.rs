//! What is about to be done, within which a write takes its entry along.
//!
//! `ops` runs each verb inside [`enter`]. The first transaction inside that changes anything writes the entry in that same
//! transaction, with the outcome `done`; one that only looks, or is taken back, writes none. What remains unwritten at the
//! end (nothing was changed, or the work was done by the CRM or another task) is for `ops` to write by itself.
//!
//! What was looked at on the way there is looked at once more within that transaction: somebody whose access is taken away between the
//! look and the change changes nothing. Access that ends by its time is judged as of the change, by the time that went by since the
//! look.
//!
//! Limits: the scope is of one task, and what another task writes is not in it: a run that somebody starts has an entry of
//! its own when it begins and when it ends. A verb of several transactions has its entry with the first; where a later one
//! fails, another entry says so.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::append_of_many;
use crate::domain::access::household::Seen;
use crate::domain::audit::{Act, By, Subject};
use crate::domain::{HouseholdId, Timestamp};
use crate::store::StoreError;
use crate::store::engine::Write;

tokio::task_local! {
    static SCOPE: Arc<Pending>;
}

/// An act that is about to be done.
pub(in crate::store) struct Pending(Mutex<State>);

struct State {
    act: Act,
    /// More about it that is so only where it is done.
    result: String,
    /// The households that it is done to, and what is done to each: where it concerns many.
    households: Vec<(HouseholdId, String)>,
    /// The number of its entry, once that is written.
    written: Option<u64>,
    /// What was looked at on the way to it, and when.
    seen: Vec<(Seen, Instant)>,
}

/// What is left of a scope: the act as it came to be known, and the number of its entry where it was written.
#[derive(Debug)]
pub struct Left {
    /// The act.
    pub act: Act,
    /// The entry's number.
    pub written: Option<u64>,
}

/// Does `work`, whose first change takes along an entry of `act`.
pub async fn enter<T>(act: Act, work: impl Future<Output = T>) -> (T, Left) {
    let pending = Arc::new(Pending::of(State {
        act,
        result: String::new(),
        households: Vec::new(),
        written: None,
        seen: Vec::new(),
    }));
    let done = SCOPE.scope(Arc::clone(&pending), work).await;
    let state = pending.lock();
    let left = Left { act: state.act.clone(), written: state.written };
    (done, left)
}

/// Does `work`, whose changes are no part of the act around it, and have no entry.
pub async fn apart<T>(work: impl Future<Output = T>) -> T {
    let nobody = Act::done(By::nobody(), "", "", Subject::of_kind(""));
    let pending = Pending::of(State {
        act: nobody,
        result: String::new(),
        households: Vec::new(),
        written: Some(0),
        seen: Vec::new(),
    });
    SCOPE.scope(Arc::new(pending), work).await
}

/// Names what is dealt with, where its id was not known at the beginning. Nothing outside a scope.
pub fn about(id: impl std::fmt::Display) {
    change(|act| {
        if act.subject.id.is_empty() {
            act.subject = Subject::new(act.subject.kind, id);
        }
    });
}

/// Names the household that is concerned, where none is named yet.
pub fn in_household(id: HouseholdId) {
    change(|act| act.household = act.household.or(Some(id)));
}

/// Binds the change to what was looked at: it is made only where that is seen then, too.
pub fn looked_at(seen: Seen) {
    let _: Result<(), _> = SCOPE.try_with(|pending| {
        let mut state = pending.lock();
        if state.written.is_none() && state.seen.iter().all(|(known, _)| *known != seen) {
            state.seen.push((seen, Instant::now()));
        }
    });
}

/// Names the one who acts, where that was not known at the beginning: who signs in.
pub fn acting(by: By) {
    change(|act| act.by = by);
}

/// Says more about it: names of fields, a count. Never a value.
pub fn detail(detail: &str) {
    change(|act| detail.clone_into(&mut act.detail));
}

fn change(change: impl FnOnce(&mut Act)) {
    // Nothing is told of what nobody asked for: background work has no scope.
    let _: Result<(), _> = SCOPE.try_with(|pending| change(&mut pending.lock().act));
}

/// The scope that a write is in.
pub(in crate::store) fn current() -> Option<Arc<Pending>> {
    SCOPE.try_with(Arc::clone).ok()
}

impl Pending {
    fn of(state: State) -> Self {
        Self(Mutex::new(state))
    }

    /// What was looked at and has to be seen at this moment, in which the act's first change is made; nothing after that.
    pub fn seen(&self) -> Vec<Seen> {
        let state = self.lock();
        if state.written.is_some() {
            return Vec::new();
        }
        // The time that went by, and not the clock, which may have been set back meanwhile.
        let later = |(seen, at): &(Seen, Instant)| seen.at.saturating_add(at.elapsed()).unwrap_or(Timestamp::MAX);
        let now = |looked: &(Seen, Instant)| Seen { at: later(looked), ..looked.0 };
        state.seen.iter().map(now).collect()
    }

    /// Writes the entry within a transaction that changes something, unless it is written. Answers its number.
    pub fn append_to(&self, transaction: &Write) -> Result<Option<u64>, StoreError> {
        let (act, households) = {
            let state = self.lock();
            if state.written.is_some() || !transaction.has_changed() {
                return Ok(None);
            }
            let parts = [&state.act.detail, &state.result].map(String::as_str).into_iter();
            let detail = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
            (Act { detail, ..state.act.clone() }, state.households.clone())
        };
        append_of_many(transaction, &act, households).map(Some)
    }

    /// Says what came of it, from within the transaction that does it.
    pub fn came_of_it(&self, result: String) {
        self.lock().result = result;
    }

    /// Says which households it is done to, from within the transaction that does it: the log of each has an entry.
    pub fn done_to(&self, households: impl Iterator<Item = (HouseholdId, String)>) {
        self.lock().households.extend(households);
    }

    /// Takes note that the transaction with the entry is on disk.
    pub fn is_written(&self, number: u64) {
        let mut state = self.lock();
        state.written = Some(number);
        state.households.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
