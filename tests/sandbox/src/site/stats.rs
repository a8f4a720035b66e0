//! What the site has done so far, and what it cost.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use crate::faults::Tally;

/// Counts since the start of the site.
#[derive(Debug, Clone, Serialize)]
pub struct Stats {
    /// Requests under `/resourceful`, a batch being one.
    pub requests: u64,
    /// Calls within batches.
    pub batch_calls: u64,
    /// Client rows answered.
    pub client_rows: u64,
    /// Bytes of answers.
    pub bytes: u64,
    /// How often somebody signed in.
    pub logins: u64,
    /// Bytes of prepared answers kept.
    pub prepared_bytes: usize,
    /// CPU seconds, user and system, of the whole process; absent where the system does not say.
    pub cpu_seconds: Option<f64>,
    /// Each rule of the fault plan with its counts.
    pub faults: Vec<Tally>,
}

/// The counts while they grow.
#[derive(Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    batch_calls: AtomicU64,
    client_rows: AtomicU64,
    bytes: AtomicU64,
}

impl Counters {
    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn count_calls(&self, calls: usize) {
        self.batch_calls.fetch_add(calls as u64, Ordering::Relaxed);
    }

    pub(super) fn count_rows(&self, rows: usize) {
        self.client_rows.fetch_add(rows as u64, Ordering::Relaxed);
    }
}

impl super::Site {
    pub(crate) fn stats(&self) -> Stats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            requests: count(&self.stats.requests),
            batch_calls: count(&self.stats.batch_calls),
            client_rows: count(&self.stats.client_rows),
            bytes: count(&self.stats.bytes),
            logins: crate::lock::locked(&self.sessions).logins(),
            prepared_bytes: self.prepared.used(),
            cpu_seconds: cpu_seconds(),
            faults: self.faults.tallies(),
        }
    }
}

/// User and system time of this process as Linux counts it, in hundredths of a second.
fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Fields are counted from behind the program's name, which may hold blanks.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(f64::from(ticks()? + ticks()?) / 100.0)
}
