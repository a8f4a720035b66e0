//! The runs that are under way in this process.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::domain::run::Run;
use crate::domain::{ConnectionName, RunId};

/// The runs that are under way, and the rehearsals that are over: nobody else remembers those.
#[derive(Default)]
pub(super) struct ActiveRuns {
    runs: Mutex<HashMap<RunId, Entry>>,
    is_shutting_down: AtomicBool,
}

struct Entry {
    changes: watch::Receiver<Arc<Run>>,
    stop: CancellationToken,
    is_rehearsal: bool,
    is_over: bool,
    task: Option<JoinHandle<()>>,
}

/// The number of rehearsals that are remembered.
const REHEARSALS: usize = 8;

impl ActiveRuns {
    /// Spawns a run.
    pub fn start<F: Future<Output = ()> + Send + 'static>(
        &self,
        changes: watch::Receiver<Arc<Run>>,
        stop: CancellationToken,
        is_rehearsal: bool,
        work: impl FnOnce(RunId) -> F,
    ) {
        let id = changes.borrow().id;
        let mut runs = self.runs();
        if self.is_shutting_down() {
            stop.cancel();
        }
        let task = Some(tokio::spawn(work(id)));
        runs.insert(id, Entry { changes, stop, is_rehearsal, is_over: false, task });
    }

    /// The connection's run, rehearsals left out.
    pub fn run_of(&self, connection: &ConnectionName) -> Option<Run> {
        let runs = self.runs();
        let mut under_way = runs.values().filter(|entry| !entry.is_rehearsal && !entry.is_over);
        let entry = under_way.find(|entry| entry.changes.borrow().connection == *connection)?;
        Some(entry.changes.borrow().as_ref().clone())
    }

    /// A run as it goes.
    pub fn watch(&self, id: RunId) -> Option<watch::Receiver<Arc<Run>>> {
        self.runs().get(&id).map(|entry| entry.changes.clone())
    }

    /// Tells a run to stop; false where it is not under way.
    pub fn cancel(&self, id: RunId) -> bool {
        let runs = self.runs();
        let entry = runs.get(&id).filter(|entry| !entry.is_over);
        entry.inspect(|entry| entry.stop.cancel()).is_some()
    }

    /// Counts a run as over when it is dropped, whatever ended the run.
    pub fn until_dropped(self: Arc<Self>, id: RunId) -> impl Drop {
        Ending { under_way: self, id }
    }

    fn over(&self, id: RunId) {
        let mut runs = self.runs();
        let is_rehearsal = runs.get_mut(&id).is_some_and(|entry| {
            entry.is_over = true;
            entry.is_rehearsal
        });
        if !is_rehearsal {
            runs.remove(&id);
            return;
        }
        let mut over: Vec<RunId> = runs.iter().filter(|(_, entry)| entry.is_over).map(|(id, _)| *id).collect();
        over.sort_unstable();
        for old in over.iter().rev().skip(REHEARSALS) {
            runs.remove(old);
        }
    }

    /// Whether runs end because the host goes down.
    pub fn is_shutting_down(&self) -> bool {
        self.is_shutting_down.load(Ordering::Relaxed)
    }

    /// Stops all runs and waits for them.
    pub async fn shut_down(&self) {
        self.is_shutting_down.store(true, Ordering::Relaxed);
        let tasks: Vec<_> = self
            .runs()
            .values_mut()
            .filter_map(|entry| {
                entry.stop.cancel();
                entry.task.take()
            })
            .collect();
        for task in tasks {
            if let Err(error) = task.await {
                // The words of a panic may hold what it was at work on; the panic hook has its place.
                let is_fault = error.is_panic();
                tracing::error!(is_fault, "a run broke off; it goes on when the host starts again");
            }
        }
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, Entry>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Ending {
    under_way: Arc<ActiveRuns>,
    id: RunId,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.under_way.over(self.id);
    }
}
