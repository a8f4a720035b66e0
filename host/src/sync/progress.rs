//! Telling how a run goes, a few times a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::domain::run::Run;

/// The shortest time between two reports of the same state.
const BREATH: Duration = Duration::from_millis(250);

/// Reports a run to whoever watches. Cheap to clone.
#[derive(Clone)]
pub(super) struct Progress {
    to: watch::Sender<Arc<Run>>,
    last: Option<Instant>,
}

impl Progress {
    /// Begins with the run as it is.
    pub fn new(run: Run) -> (Self, watch::Receiver<Arc<Run>>) {
        let (to, from) = watch::channel(Arc::new(run));
        (Self { to, last: None }, from)
    }

    /// The run as it was reported last.
    pub fn last(&self) -> Run {
        self.to.borrow().as_ref().clone()
    }

    /// Reports counts, unless something was reported a moment ago.
    pub fn counts(&mut self, run: &Run) {
        if self.last.is_none_or(|last| last.elapsed() >= BREATH) {
            self.state(run);
        }
    }

    /// Reports a change of state.
    pub fn state(&mut self, run: &Run) {
        self.last = Some(Instant::now());
        self.to.send_replace(Arc::new(run.clone()));
    }
}
