//! Tasks that run as long as the host does. One that panics, or ends before it is told to, is logged, counted and begun
//! again after a pause that grows; meanwhile `/readyz` names it.
//!
//! Serves `serve`, `schedule` and `notes`, whose tasks are kept here, and the store and the runs, which tell of a piece of
//! work that died without being begun again by itself. Nothing of a panic's message is logged here: it may hold personal
//! data.

pub mod failpoint;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::telemetry::figures;

/// The pause before a task that died is begun again; it doubles with each death.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause before a task that died is begun again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A task that ran for so long has recovered: its next pause is the first one.
const RECOVERED: Duration = Duration::from_secs(300);

/// Keeps tasks alive and knows which of them are down. Cheap to clone.
#[derive(Clone)]
pub struct Supervisor {
    first_pause: Duration,
    /// The number of times in a row that each task that is down died.
    down: Arc<Mutex<BTreeMap<String, u32>>>,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::pausing(FIRST_PAUSE)
    }
}

impl Supervisor {
    /// A supervisor whose first pause is this one.
    pub fn pausing(first_pause: Duration) -> Self {
        Self { first_pause, down: Arc::default() }
    }

    /// The tasks that are down now.
    pub fn down(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Runs a task until it ends by itself after `shutdown`, and again whenever it dies before. `work` is called for
    /// each time.
    pub async fn keep<F: Future<Output = ()>>(
        &self,
        task: &str,
        shutdown: &CancellationToken,
        mut work: impl FnMut() -> F,
    ) {
        let mut deaths = 0;
        for start in 1.. {
            let begun = Instant::now();
            let run = AssertUnwindSafe(async {
                tokio::select! {
                    () = work() => {}
                    () = failpoint::reached(task, start) => {}
                }
            });
            let outcome = run.catch_unwind().await;
            if shutdown.is_cancelled() {
                break;
            }
            deaths = if begun.elapsed() >= RECOVERED { 1 } else { deaths + 1 };
            let pause = pause(self.first_pause, deaths);
            died(task, if outcome.is_err() { Death::Panic } else { Death::End });
            self.lock().insert(task.to_owned(), deaths);
            let is_over = shutdown.run_until_cancelled(tokio::time::sleep(pause)).await.is_none();
            self.lock().remove(task);
            if is_over {
                break;
            }
            tracing::warn!(task, deaths, "the task is begun again");
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, u32>> {
        self.down.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pause after so many deaths in a row.
pub fn pause(first: Duration, deaths: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(deaths.saturating_sub(1))).min(LONGEST_PAUSE)
}

/// The way in which a task died.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Death {
    /// The task panicked; the panic hook logs where.
    Panic,
    /// The task ended without being told to.
    End,
}

/// Logs and counts the death of a task, or of one piece of its work.
pub fn died(task: &str, how: Death) {
    figures::task_died(task);
    match how {
        Death::Panic => tracing::error!(task, "a task died by a fault in Tidegate"),
        Death::End => tracing::error!(task, "a task ended that runs as long as the host does"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A task that dies twice and then stays.
    async fn dies_twice(how: Death) {
        let supervisor = Supervisor::pausing(Duration::from_millis(40));
        let shutdown = CancellationToken::new();
        let starts = Arc::new(AtomicU32::new(0));
        let (counted, until, seen) = (Arc::clone(&starts), shutdown.clone(), supervisor.clone());
        let kept = tokio::spawn(async move {
            let work = || {
                let (start, until) = (counted.fetch_add(1, Ordering::Relaxed), until.clone());
                async move {
                    match how {
                        _ if start >= 2 => until.cancelled().await,
                        Death::Panic => panic!("a test's own"),
                        Death::End => {}
                    }
                }
            };
            supervisor.keep("a task", &until, work).await;
        });
        let mut was_down = 0;
        while starts.load(Ordering::Relaxed) < 3 {
            was_down += usize::from(seen.down() == ["a task"]);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(was_down > 3, "it is down between its death and its next start");
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!((seen.down(), kept.is_finished()), (Vec::new(), false));
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(5), kept).await.expect("it ends when it is told to").unwrap();
    }

    #[tokio::test]
    async fn a_task_that_panics_is_down_until_it_is_begun_again() {
        dies_twice(Death::Panic).await;
    }

    #[tokio::test]
    async fn a_task_that_ends_is_down_until_it_is_begun_again() {
        dies_twice(Death::End).await;
    }

    #[tokio::test]
    async fn a_task_that_ends_at_shutdown_did_not_die() {
        let (supervisor, shutdown) = (Supervisor::default(), CancellationToken::new());
        supervisor.keep("a task", &shutdown, || async { shutdown.cancel() }).await;
        assert_eq!(supervisor.down(), Vec::<String>::new());
    }

    #[test]
    fn pauses_double_up_to_a_minute() {
        let check = |deaths, seconds| assert_eq!(pause(FIRST_PAUSE, deaths), Duration::from_secs(seconds));
        check(1, 1);
        check(2, 2);
        check(6, 32);
        check(7, 60);
        check(u32::MAX, 60);
    }
}
