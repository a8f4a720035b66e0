//! The trail of requests: who asks from where, and what of the reading and refusing goes to the audit log.
//!
//! Serves `api` and `web`, each of which has [`Watched`] around all of its routes, and `ops`, whose entries are written with
//! the change itself (`store::audit::scope`). What a route shows is one row of `routes`; the handler says who asks and how
//! much was shown, never what.
//!
//! What was seen is written within a second, in one transaction with all else that was; an export is written before its
//! answer. What repeats itself is written once: the same seen again within five minutes, and the same refused again within
//! a minute, whose number follows. Where the store takes nothing, what is seen is seen all the same, and how much could
//! not be kept is in the log, and in the audit log once that works again.

mod recent;
mod request;
pub mod routes;
pub mod verbs;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

pub use request::{Watched, counted, denied, known, led_back, refused, source, told};

use crate::domain::audit::{Act, By, Outcome, Subject};
use crate::domain::{ClientId, DocumentId, HouseholdId, ItemId, NoteId, RecordKind};
use crate::store::{Store, StoreError};
use recent::Recent;

/// The time between two transactions of what was seen.
const EVERY: Duration = Duration::from_secs(1);

/// The changes that go on at one time where whoever asked hung up; any more end with their callers.
const MOST_CHANGES: u32 = 256;
/// The time for which the end of the host waits for them.
const SHUTDOWN_WAIT: Duration = Duration::from_secs(2);

/// Writes to the audit log. Cheap to clone.
#[derive(Clone)]
pub struct Trail {
    store: Store,
    recent: Arc<Mutex<Recent>>,
    under_way: Arc<Semaphore>,
}

impl Trail {
    /// Writes to the log of this store.
    pub fn new(store: Store) -> Self {
        Self { store, recent: Arc::default(), under_way: Arc::new(Semaphore::new(MOST_CHANGES as usize)) }
    }

    /// Writes an entry at once.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn write(&self, act: Act) -> Result<(), StoreError> {
        self.store.append_audit(vec![act]).await.map(drop)
    }

    /// The same for what is done or refused already, which an entry that is not kept does not undo: it is counted.
    pub async fn keep(&self, act: Act) {
        if let Err(error) = self.write(act).await {
            self.lost(1, &error);
        }
    }

    /// Does the work of a request, and takes to the log what it shows or is refused before the answer is sent. A change goes on
    /// where whoever asked hangs up: half of it would be done otherwise, or all without its entry.
    ///
    /// # Errors
    /// Returns an error if something was to be exported and its entry could not be written: it is not sent then.
    pub async fn watch<T: Send + 'static>(
        &self,
        watched: Watched,
        work: impl Future<Output = (StatusCode, T)> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = watched.is_change.then(|| Arc::clone(&self.under_way).try_acquire_owned().ok()).flatten();
        let trail = self.clone();
        let answer = async move {
            let (status, answer) = watched.run(work).await;
            trail.ended(watched, status).await.map(|()| answer)
        };
        let Some(permit) = permit else { return answer.await };
        let going_on = async move {
            let answer = answer.await;
            drop(permit);
            answer
        };
        tokio::spawn(going_on.in_current_span()).await.unwrap_or_else(|died| Err(StoreError::Fault(died.into())))
    }

    /// Takes to the log what a request showed or was refused.
    async fn ended(&self, watched: Watched, status: StatusCode) -> Result<(), StoreError> {
        watched.ended(self, status).await
    }

    /// Takes note of what was seen.
    pub fn saw(&self, act: Act) {
        self.recent().saw(act, Instant::now());
    }

    /// Writes what was refused, or counts it where the same was within the last minute.
    pub async fn refused(&self, act: Act) {
        let told = self.recent().refused(act, Instant::now());
        if let Some(act) = told {
            self.keep(act).await;
        }
    }

    /// Writes what waits.
    pub async fn flush(&self) {
        let acts = self.recent().take(Instant::now());
        self.write_all(acts).await;
    }

    /// Waits for changes that are under way, and writes what waits and what is still counted, at the end of the host.
    pub async fn close(&self) {
        if tokio::time::timeout(SHUTDOWN_WAIT, self.under_way.acquire_many(MOST_CHANGES)).await.is_err() {
            tracing::warn!("changes that did not end are cut off");
        }
        let acts = self.recent().take_all(Instant::now());
        self.write_all(acts).await;
    }

    async fn write_all(&self, acts: Vec<Act>) {
        if acts.is_empty() {
            return;
        }
        let mut placed = Vec::with_capacity(acts.len());
        for act in acts {
            placed.push(self.placed(act).await);
        }
        let count = placed.len();
        if let Err(error) = self.store.append_audit(placed).await {
            self.lost(count, &error);
        }
    }

    /// Writes what waits, every second, without end.
    pub async fn run(&self) {
        loop {
            tokio::time::sleep(EVERY).await;
            self.flush().await;
        }
    }

    /// An act with the household that its subject belongs to.
    pub async fn placed(&self, act: Act) -> Act {
        if act.household.is_some() {
            return act;
        }
        let household = match self.household_of(&act.subject).await {
            Ok(household) => household,
            // The entry is worth more than its household.
            Err(error) => {
                tracing::debug!(%error, "the household of an entry was not found");
                None
            }
        };
        Act { household, ..act }
    }

    async fn household_of(&self, subject: &Subject) -> Result<Option<HouseholdId>, StoreError> {
        Ok(match subject.kind {
            "household" => subject.id.parse().ok(),
            "client" => match subject.id.parse::<ClientId>() {
                Ok(id) => self.store.client(id).await?.map(|client| client.household_id),
                Err(_) => None,
            },
            "note" => match subject.id.parse::<NoteId>() {
                Ok(id) => self.store.note(id).await?.map(|note| note.household_id),
                Err(_) => None,
            },
            "document" => match subject.id.parse::<DocumentId>() {
                Ok(id) => self.store.household_of_document(id).await?,
                Err(_) => None,
            },
            kind if RecordKind::LISTED.iter().any(|listed| listed.as_str() == kind) => {
                let id = subject.id.parse::<ItemId>().ok();
                match self.client_of_item(id).await? {
                    Some(client) => self.store.client(client).await?.map(|client| client.household_id),
                    None => None,
                }
            }
            _ => None,
        })
    }

    async fn client_of_item(&self, id: Option<ItemId>) -> Result<Option<ClientId>, StoreError> {
        match id {
            Some(id) => self.store.client_of_item(id).await,
            None => Ok(None),
        }
    }

    fn lost(&self, count: usize, error: &StoreError) {
        tracing::error!(count, %error, "entries of the audit log could not be kept");
        self.recent().lost(count);
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What nobody who is known did: a sign-in, a token that is not accepted.
pub fn by_nobody(verb: &str, subject: Subject, because: &str) -> Act {
    Act { outcome: Outcome::Refused(because.to_owned()), ..Act::done(By::nobody(), &source(), verb, subject) }
}

#[cfg(test)]
pub mod tests;
