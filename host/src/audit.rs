//! The trail of requests: who asks from where, and what of the reading and refusing goes to the audit log.
//!
//! Serves `api` and `web`, each of which has [`Watched`] around all of its routes, and `ops`, whose entries are written with
//! the change itself (`store::audit::scope`). What a route shows is one row of `routes`; the handler says who asks and how
//! much was shown, never what.
//!
//! What was seen and exported is on disk before its answer is sent, so that no kill takes it along; what many see at one time goes in
//! one transaction. What repeats itself is written once: the same seen again within five minutes, and the same refused again within
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

pub use request::{Watched, also_of, counted, denied, known, led_back, refused, source, told};

use crate::domain::audit::{Act, By, Outcome, Subject};
use crate::domain::{ClientId, DocumentId, HouseholdId, ItemId, NoteId, RecordKind};
use crate::store::audit::Told;
use crate::store::{Store, StoreError};
use recent::Recent;

/// The time between two looks at what a minute is over of.
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
    /// The turn to write what waits: whoever has it writes for all who wait for it.
    turn: Arc<tokio::sync::Mutex<()>>,
    under_way: Arc<Semaphore>,
}

impl Trail {
    /// Writes to the log of this store.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            recent: Arc::default(),
            turn: Arc::default(),
            under_way: Arc::new(Semaphore::new(MOST_CHANGES as usize)),
        }
    }

    /// Writes an entry at once, in the log of each household that its subject belongs to.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn write(&self, act: Act) -> Result<(), StoreError> {
        self.exported(act, Vec::new()).await
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

    /// Writes what was seen, unless the same was within the last five minutes. Where the store takes nothing it is counted, and goes
    /// on.
    pub async fn saw(&self, act: Act) {
        if self.recent().saw(act, Instant::now()) {
            self.flush().await;
        }
    }

    /// Writes that something is taken along, in the log of each household that has a part in it: those that its subject belongs to, and
    /// those (`also_of`) that what is in it belongs to.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn exported(&self, act: Act, also_of: Vec<(HouseholdId, String)>) -> Result<(), StoreError> {
        let mut told = self.told(act).await;
        let own = told.act.household;
        told.households.extend(also_of.into_iter().filter(|(household, _)| own != Some(*household)));
        self.store.append_audit(vec![told]).await.map(drop)
    }

    /// Writes what was refused, or counts it where the same was within the last minute.
    pub async fn refused(&self, act: Act) {
        let told = self.recent().refused(act, Instant::now());
        if let Some(act) = told {
            self.keep(act).await;
        }
    }

    /// Writes what waits. It goes on where whoever waits for it hangs up: nothing that was taken to be written is lost by that.
    pub async fn flush(&self) {
        let trail = self.clone();
        let written = tokio::spawn(async move {
            let _turn = trail.turn.lock().await;
            let acts = trail.recent().take(Instant::now());
            trail.write_all(acts).await;
        });
        if let Err(died) = written.await {
            tracing::error!(%died, "entries of the audit log could not be written");
        }
    }

    /// Waits for changes that are under way, and writes what waits and what is still counted, at the end of the host.
    pub async fn close(&self) {
        if tokio::time::timeout(SHUTDOWN_WAIT, self.under_way.acquire_many(MOST_CHANGES)).await.is_err() {
            tracing::warn!("changes that did not end are cut off");
        }
        let _turn = self.turn.lock().await;
        let acts = self.recent().take_all(Instant::now());
        self.write_all(acts).await;
    }

    /// Writes these, which are remembered then. Whoever calls has the turn.
    async fn write_all(&self, acts: Vec<Act>) {
        if acts.is_empty() {
            return;
        }
        let mut told = Vec::with_capacity(acts.len());
        for act in &acts {
            told.push(self.told(act.clone()).await);
        }
        match self.store.append_audit(told).await {
            Ok(_) => self.recent().written(acts, Instant::now()),
            Err(error) => self.lost(acts.len(), &error),
        }
    }

    /// Writes what a minute is over of, and what waits, every second, without end.
    pub async fn run(&self) {
        loop {
            tokio::time::sleep(EVERY).await;
            self.flush().await;
        }
    }

    /// An act with the household that its subject belongs to, where it is one.
    pub async fn placed(&self, act: Act) -> Act {
        self.told(act).await.act
    }

    /// An act with the household that its subject belongs to, or the households where they are several.
    async fn told(&self, act: Act) -> Told {
        if act.household.is_some() {
            return act.into();
        }
        let households = self.households_of(&act.subject).await.unwrap_or_else(|error| {
            // The entry is worth more than its household.
            tracing::debug!(%error, "the household of an entry was not found");
            Vec::new()
        });
        if let [one] = households.as_slice() {
            return Act { household: Some(*one), ..act }.into();
        }
        let what = format!("{} {}", act.subject.kind, act.subject.id);
        Told { act, households: households.into_iter().map(|household| (household, what.clone())).collect() }
    }

    /// The households that a subject belongs to: of a document those of all notes which it went with.
    async fn households_of(&self, subject: &Subject) -> Result<Vec<HouseholdId>, StoreError> {
        let household = match subject.kind {
            "household" => subject.id.parse().ok(),
            "client" => self.household_of_client(subject.id.parse().ok()).await?,
            "note" => match subject.id.parse::<NoteId>() {
                Ok(id) => self.store.note(id).await?.map(|note| note.household_id),
                Err(_) => None,
            },
            "document" => match subject.id.parse::<DocumentId>() {
                Ok(id) => return self.store.households_of_document(id).await,
                Err(_) => None,
            },
            kind if RecordKind::LISTED.iter().any(|listed| listed.as_str() == kind) => {
                let id = subject.id.parse::<ItemId>().ok();
                self.household_of_client(self.client_of_item(id).await?).await?
            }
            _ => None,
        };
        Ok(household.into_iter().collect())
    }

    async fn household_of_client(&self, id: Option<ClientId>) -> Result<Option<HouseholdId>, StoreError> {
        match id {
            Some(id) => Ok(self.store.client(id).await?.map(|client| client.household_id)),
            None => Ok(None),
        }
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
