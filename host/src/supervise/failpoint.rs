//! Points at which tests let a task that is kept, or a run, die. In a release nothing dies here.
//!
//! `TIDEGATE_PANIC_IN="note delivery:2,run of main:1"` (debug builds only, for tests only) lets the first two starts of
//! one task and the first of another panic soon after they began.

use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(debug_assertions)]
use std::time::Duration;

/// The time for which a start lives that is to die.
#[cfg(debug_assertions)]
const LIVES: Duration = Duration::from_millis(100);

/// Panics where this start of the task is to die, else waits for ever.
#[cfg_attr(not(debug_assertions), expect(unused_variables, reason = "a release does nothing here"))]
pub(super) async fn reached(task: &str, start: u32) {
    #[cfg(debug_assertions)]
    if let Some(wanted) = crate::config::panic_in() {
        let mut wanted = wanted.split(',').filter_map(|one| one.split_once(':'));
        if wanted.any(|(name, times)| name == task && times.parse().is_ok_and(|times: u32| start <= times)) {
            tokio::time::sleep(LIVES).await;
            panic!("a test wants {task} to die");
        }
    }
    std::future::pending::<()>().await;
}

/// The same for a run, which nobody counts elsewhere: the process's runs are its starts.
pub async fn reached_by_run(task: &str) {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    reached(task, RUNS.fetch_add(1, Ordering::Relaxed) + 1).await;
}
