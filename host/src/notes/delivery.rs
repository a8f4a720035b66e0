//! Takes due notes up, makes the one call that each needs next, and stores what came of it.
//!
//! The state machine is the domain's (`domain::outbox`), the order is the store's. Here are the calls, how many go
//! side by side, and the rest that a connection gets when its sign-in is refused.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::crm::{Connector, CrmError, FoundNote};
use crate::domain::note::Note;
use crate::domain::outbox::{Call, Outcome, Timing};
use crate::domain::{ConnectionName, Timestamp};
use crate::store::outbox::Hold;
use crate::store::{Store, StoreError};

/// Calls under way at once. A site bounds its own further.
const SIDE_BY_SIDE: usize = 16;
/// How long calls under way may go on once the host is told to stop; what is cut short is looked up at the next start.
const GRACE: Duration = Duration::from_secs(5);
/// Before the store is asked again after it failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Delivers the outbox's notes.
pub(super) struct Delivery {
    store: Store,
    connectors: BTreeMap<ConnectionName, Arc<dyn Connector>>,
    timing: Timing,
    /// Told when a note may have become due.
    pub(super) wake: Notify,
    holds: Mutex<HashMap<ConnectionName, Hold>>,
}

impl Delivery {
    pub(super) fn new(store: Store, connectors: BTreeMap<ConnectionName, Arc<dyn Connector>>, timing: Timing) -> Self {
        Self { store, connectors, timing, wake: Notify::new(), holds: Mutex::default() }
    }

    /// Delivers until shut down.
    pub(super) async fn run(self: &Arc<Self>, shutdown: &CancellationToken) {
        let mut calls = JoinSet::new();
        let mut is_begun = false;
        while !shutdown.is_cancelled() {
            if !is_begun {
                is_begun = self.begin().await;
            }
            let next = match is_begun {
                true => self.take_due(&mut calls).await,
                false => Some(AFTER_FAILURE),
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.wake.notified() => {}
                Some(_) = calls.join_next() => {}
                () = tokio::time::sleep(next.unwrap_or_default()), if next.is_some() => {}
            }
        }
        let _ = tokio::time::timeout(GRACE, async { while calls.join_next().await.is_some() {} }).await;
    }

    /// Lets a connection be tried at once.
    pub(super) fn release(&self, connection: &ConnectionName) {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner).remove(connection);
    }

    /// Takes up what an earlier process left.
    async fn begin(&self) -> bool {
        match self.store.take_up_notes(Timestamp::now()).await {
            Ok(taken_up) => {
                if taken_up > 0 {
                    tracing::info!(taken_up, "notes that were being sent when the host ended are looked up");
                }
                true
            }
            Err(error) => {
                tracing::error!(%error, "file notes are not delivered while the store fails");
                false
            }
        }
    }

    /// Starts the calls of due notes; answers how long nothing else will be due.
    async fn take_due(self: &Arc<Self>, calls: &mut JoinSet<()>) -> Option<Duration> {
        match self.try_take_due(calls).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "file notes are not delivered while the store fails");
                Some(AFTER_FAILURE)
            }
        }
    }

    async fn try_take_due(self: &Arc<Self>, calls: &mut JoinSet<()>) -> Result<Option<Duration>, StoreError> {
        loop {
            let free = SIDE_BY_SIDE - calls.len();
            let now = Timestamp::now();
            // With all calls under way, the end of one wakes the loop.
            let Some(due) = self.store.next_note_due().await?.filter(|_| free > 0) else { return Ok(None) };
            if due > now {
                return Ok(Some(due.duration_since(now).try_into().unwrap_or_default()));
            }
            let holds = self.holds.lock().unwrap_or_else(PoisonError::into_inner).clone();
            for (note, call) in self.store.take_due_notes(now, free, holds).await? {
                let delivery = Arc::clone(self);
                calls.spawn(async move { delivery.deliver(note, call).await });
            }
        }
    }

    /// Makes a note's call and stores what came of it.
    async fn deliver(&self, note: Note, call: Call) {
        let began = Timestamp::now();
        let outcome = self.call(&note, call).await;
        let now = Timestamp::now();
        if let Outcome::Unauthorised { words } = &outcome {
            let until = now.saturating_add(self.timing.authorisation).unwrap_or(Timestamp::MAX);
            let hold = Hold { until, words: words.clone() };
            self.holds.lock().unwrap_or_else(PoisonError::into_inner).insert(note.connection.clone(), hold);
        }
        let jitter = rand::random::<f64>();
        loop {
            let (outcome, timing) = (outcome.clone(), self.timing.clone());
            let change = move |note: &mut Note| note.conclude((call, began), outcome, now, jitter, &timing);
            match self.store.change_note(note.id, change).await {
                Ok(changed) => {
                    if let Some((note, ())) = changed {
                        tracing::info!(note = %note.id, state = ?note.state, attempts = note.attempts.len(), "file note");
                    }
                    return;
                }
                // Until it is stored, the note stays with this call; a process that ends here looks it up.
                Err(error) => tracing::error!(note = %note.id, %error, "what came of a file note is not stored yet"),
            }
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }

    async fn call(&self, note: &Note, call: Call) -> Outcome {
        let Some(connector) = self.connectors.get(&note.connection) else {
            let words = format!("the connection `{}` is not among the settings", note.connection);
            return Outcome::Unauthorised { words };
        };
        match call {
            Call::Create => match connector.create_note(&note.note, &note.marker).await {
                Ok(document_id) => Outcome::There { document_id, copies: 1 },
                Err(error) => failed(&error),
            },
            Call::Attach(place) => self.attach(connector.as_ref(), note, place).await,
            Call::ListAttachments => match note.document_id() {
                Some(id) => connector.attachments_of(id).await.map_or_else(|e| failed(&e), Outcome::Attachments),
                None => Outcome::Refused { words: "the note is not in the CRM".to_owned() },
            },
            Call::LookUp => match note.note.filed_against.first() {
                Some(entity) => {
                    let found = connector.find_notes(entity, &note.note.subject, note.accepted_at).await;
                    found.map_or_else(|error| failed(&error), |found| marked(found, &note.marker))
                }
                None => Outcome::Refused { words: "the note is filed against nobody".to_owned() },
            },
        }
    }

    /// Sends the note's document at this place.
    async fn attach(&self, connector: &dyn Connector, note: &Note, place: usize) -> Outcome {
        let (Some(id), Some(attachment)) = (note.document_id(), note.attachments.get(place)) else {
            return Outcome::Refused { words: "the note has no such document".to_owned() };
        };
        let document = match self.store.document(attachment.document).await {
            Ok(Some(document)) => document,
            Ok(None) => return Outcome::Refused { words: "the document is not kept here any more".to_owned() },
            Err(error) => return Outcome::NotDone { words: error.to_string(), retry_after: None },
        };
        let sent = connector.attach(id, &attachment.filename, &attachment.media_type, &document.content).await;
        sent.map_or_else(|error| failed(&error), |id| Outcome::Attached { id })
    }
}

/// What a look-up found of a marker.
fn marked(found: Vec<FoundNote>, marker: &str) -> Outcome {
    let mut copies = found.into_iter().filter(|found| found.marker.as_deref() == Some(marker));
    match copies.next() {
        Some(first) => Outcome::There { document_id: first.document_id, copies: 1 + copies.count() },
        None => Outcome::NotThere,
    }
}

/// What a failed call means for the note.
fn failed(error: &CrmError) -> Outcome {
    let words = error.to_string();
    match error {
        CrmError::Unauthorised { .. } => Outcome::Unauthorised { words },
        CrmError::Refused { .. } => Outcome::Refused { words },
        CrmError::Throttled { status, retry_after, .. } => {
            let retry_after = retry_after.and_then(|pause| SignedDuration::try_from(pause).ok());
            // A site that says "too many" has not begun; one that says "unavailable" may have.
            match *status {
                429 => Outcome::NotDone { words, retry_after },
                _ => Outcome::Unknown { words, retry_after },
            }
        }
        CrmError::Unknown { .. } => Outcome::Unknown { words, retry_after: None },
        CrmError::Unreachable { .. } | CrmError::Protocol { .. } => Outcome::NotDone { words, retry_after: None },
    }
}

#[cfg(test)]
mod tests;
