//! The store's own threads: one that writes, and a few that read.
//!
//! A database that is synchronous must not hold up the async threads. Threads that come and go, as a pool for blocking
//! work has them, would each keep memory of the pages that they once held: measured, twice as much in all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use super::StoreError;
use crate::supervise::{self, Death};

/// Readers side by side: as many as a small machine has processors.
const READERS: usize = 2;

type Job = Box<dyn FnOnce() + Send>;

/// The threads. They end when this is dropped.
pub(super) struct Threads {
    writer: Sender<Job>,
    readers: Sender<Job>,
}

/// The kind of work that a thread is for.
#[derive(Clone, Copy)]
pub(super) enum Lane {
    /// Writing, one job after the other.
    Write,
    /// Reading, side by side.
    Read,
}

impl Threads {
    /// Starts them.
    ///
    /// # Errors
    /// Returns an error if the system has no more threads.
    pub fn start() -> std::io::Result<Self> {
        Ok(Self { writer: lane("store-writer", 1)?, readers: lane("store-reader", READERS)? })
    }

    /// Does work on one of the lane's threads. It is done even if nobody waits for its answer any more.
    ///
    /// # Errors
    /// Returns the error of the work, or an error if it panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        on: Lane,
        work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move || {
            // A panic leaves `reply` unused, which is told to who waits; the thread goes on.
            match catch_unwind(AssertUnwindSafe(work)) {
                Ok(done) => drop(reply.send(done)),
                Err(_) => supervise::died("work of the store", Death::Panic),
            }
        });
        let lane = match on {
            Lane::Write => &self.writer,
            Lane::Read => &self.readers,
        };
        let gone = || StoreError::Fault("a fault in the store; the log has its place".into());
        lane.send(job).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn lane(name: &str, threads: usize) -> std::io::Result<Sender<Job>> {
    let (to, from) = channel::<Job>();
    let from = Arc::new(Mutex::new(from));
    for _ in 0..threads {
        let from = Arc::clone(&from);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Some(job) = next(&from) {
                job();
            }
        })?;
    }
    Ok(to)
}

fn next(from: &Mutex<Receiver<Job>>) -> Option<Job> {
    from.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_and_the_thread_goes_on() {
        let threads = Threads::start().unwrap();
        let failed = threads.run(Lane::Write, || -> Result<(), StoreError> { panic!("a test's own") }).await;
        assert!(matches!(failed, Err(StoreError::Fault(_))));
        assert_eq!(threads.run(Lane::Write, || Ok(7)).await.unwrap(), 7);
    }
}
