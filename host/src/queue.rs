//! Work that blocks a thread, each kind in a queue of its own: so many at once, so many that wait. Whoever comes when
//! its queue is full is told so at once, so that a flood of one kind never takes the threads of another.
//!
//! Serves everything that computes or waits off the asynchronous threads, except the store, which has threads of its own.

use std::time::Duration;

use tokio::sync::Semaphore;

/// Documents that are set: one typesetter works on them one after the other.
pub static DOCUMENTS: Queue = Queue::new("documents", 1, 8);
/// Identity lists that are read.
pub static LISTS: Queue = Queue::new("lists", 2, 8);
/// Packs that are loaded, which may mean compiled.
pub static PACKS: Queue = Queue::new("packs", 1, 8);
/// Events whose file notes a pack writes. Programs report a day's events at once, each of which is small and done in
/// milliseconds, so that hundreds may wait.
pub static EVENTS: Queue = Queue::new("events", 1, 512);
/// Questions that people ask of a pack: how a value came about.
pub static QUESTIONS: Queue = Queue::new("questions to packs", 1, 64);
/// Pages that runs map; as many runs wait as there are connections. Half the places in the sandbox, so that the other
/// half is free for events and questions.
pub static MAPPING: Queue = Queue::new("pages to map", 2, Semaphore::MAX_PERMITS >> 1);
/// Passwords tried by sources that have not failed lately.
pub static PASSWORDS: Queue = Queue::new("sign-ins", 1, 32);
/// Passwords tried by sources that have: they wait among themselves.
pub static DOUBTED_PASSWORDS: Queue = Queue::new("sign-ins", 1, 16);

/// The time after which to come again to a queue that is full.
const COME_AGAIN: Duration = Duration::from_secs(5);

/// The queue of one kind of work.
pub struct Queue {
    /// The work that waits in it, in the plural.
    what: &'static str,
    places: Semaphore,
    /// The places of those at work and those that wait.
    line: Semaphore,
}

/// The reason why work was not done.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotDone {
    /// The queue is full.
    #[error("too many {what} are waiting; try again in {} seconds", .retry_after.as_secs())]
    Busy {
        /// The work that waits, in the plural.
        what: &'static str,
        /// The time after which to come again.
        retry_after: Duration,
    },
    /// The work panicked. The panic's words are not told: they may hold personal data.
    #[error("a fault in Tidegate; the log has its place")]
    Fault,
}

impl Queue {
    const fn new(what: &'static str, at_once: usize, waiting: usize) -> Self {
        Self { what, places: Semaphore::const_new(at_once), line: Semaphore::const_new(at_once + waiting) }
    }

    /// Does work on a thread that may block, when its turn comes. Work that has begun is done to its end and keeps its
    /// place until then, even where nobody waits for the answer any more.
    ///
    /// # Errors
    /// Fails as [`NotDone`] says.
    pub async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotDone> {
        let busy = NotDone::Busy { what: self.what, retry_after: COME_AGAIN };
        let in_line = self.line.try_acquire().map_err(|_| busy.clone())?;
        let place = self.places.acquire().await.map_err(|_| busy)?;
        let at_work = move || {
            let _places = (in_line, place);
            work()
        };
        tokio::task::spawn_blocking(at_work).await.map_err(|_| NotDone::Fault)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn who_comes_to_a_full_queue_is_told_and_who_waits_has_his_turn() {
        static QUEUE: Queue = Queue::new("things", 1, 1);
        let (finish, until) = mpsc::channel::<()>();
        let first = tokio::spawn(QUEUE.run(move || until.recv().is_ok()));
        while QUEUE.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn(QUEUE.run(|| 2));
        while QUEUE.line.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let third = QUEUE.run(|| 3).await.unwrap_err();
        assert_eq!(third.to_string(), "too many things are waiting; try again in 5 seconds");
        finish.send(()).unwrap();
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (Ok(true), Ok(2)));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_place_until_it_is_done() {
        static QUEUE: Queue = Queue::new("things", 1, 0);
        let (finish, until) = mpsc::channel::<()>();
        let given_up = tokio::spawn(QUEUE.run(move || until.recv().is_ok()));
        while QUEUE.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        given_up.abort();
        drop(given_up.await);
        assert!(matches!(QUEUE.run(|| ()).await, Err(NotDone::Busy { .. })), "the thread is still at work");
        finish.send(()).unwrap();
        while QUEUE.run(|| ()).await.is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_panic_is_a_fault_without_its_words_and_frees_the_place() {
        static QUEUE: Queue = Queue::new("things", 1, 0);
        let fault = QUEUE.run(|| panic!("Ayda Khan")).await.unwrap_err();
        assert_eq!(fault.to_string(), "a fault in Tidegate; the log has its place");
        assert_eq!(QUEUE.run(|| 1).await, Ok(1));
    }
}
