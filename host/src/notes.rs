//! Events and the outbox that delivers their file notes, each once.
//!
//! Serves `api` and `web` (accepting events, what became of notes). What a note says is the pack's; how it is written
//! to the CRM is the connector's.

mod about;
mod accept;
mod attachments;
mod delivery;
mod failpoint;
mod linking;
mod operator_actions;
mod reconcile;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use self::attachments::{DocumentMaker, MOST_DOCUMENTS};
pub use self::delivery::Gate;
pub use self::operator_actions::NoteEdit;

use self::delivery::Delivery;
use crate::config::{CrmTimeouts, Practice};
use crate::connection::Connections;
use crate::domain::field::FieldError;
use crate::domain::note::{Note, NoteState};
use crate::domain::outbox::Timing;
use crate::domain::{ConnectionName, Diagnostic, HouseholdId, NoteId, Timestamp};
use crate::pack::PackError;
use crate::queue::NotDone;
use crate::store::{Store, StoreError};
use crate::supervise::Supervisor;

/// Accepts events and delivers their notes. Cheap to clone.
#[derive(Clone)]
pub struct Notes {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    connections: Connections,
    practice: Practice,
    delivery: Arc<Delivery>,
    documents: Option<Arc<dyn DocumentMaker>>,
}

/// The beginning of every note's marker; its event's id follows.
const MARKER: &str = "tidegate-";

/// The reason why an event is not accepted, or a note not changed.
#[derive(Debug, thiserror::Error)]
pub enum NotesError {
    /// No household has this id.
    #[error("there is no household {0}")]
    UnknownHousehold(HouseholdId),
    /// The event does not fit its type; everything that is wrong with it, up to a bound, by JSON Pointer into the event.
    #[error("{}", .0.iter().map(|one| format!("{}: {}", one.field, one.message)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldError>),
    /// The key was used for another event.
    #[error("the idempotency key was used for another event; a new event needs a new key")]
    KeyReused {
        /// The note of that event.
        note: NoteId,
        /// The type of that event.
        event_type: String,
        /// The household of that event.
        household: HouseholdId,
    },
    /// The pack cannot render it.
    #[error("the file note cannot be written: {}", .0.iter().map(|d| d.message.as_str()).collect::<Vec<_>>().join("; "))]
    NotRendered(Vec<Diagnostic>),
    /// No note has this id.
    #[error("there is no note {0}")]
    UnknownNote(NoteId),
    /// The note's state does not allow it.
    #[error("{0}")]
    WrongState(String),
    /// The plugin failed.
    #[error("{0}")]
    Plugin(#[source] PackError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others wait for their notes, or the host failed; nothing was kept.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl NotesError {
    /// What does not fit at one place.
    fn at(field: &str, message: String) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }
}

/// An accepted event.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The note it became.
    pub note: Note,
    /// Whether the event is new: false where the same event with the same key had been accepted before.
    pub is_new: bool,
}

impl Notes {
    /// Ready to deliver for the practice's connections. `crm_timeouts` says when a note that a CRM does not list is not
    /// there; `documents` makes the documents that no sender brought.
    pub fn new(
        store: Store,
        connections: Connections,
        practice: Practice,
        crm_timeouts: CrmTimeouts,
        documents: Option<Arc<dyn DocumentMaker>>,
    ) -> Self {
        let at_work = connections.clone();
        let connectors = Box::new(move |name: &ConnectionName| at_work.get(name).map(|one| Arc::clone(&one.connector)));
        let delivery = Arc::new(Delivery::new(
            store.clone(),
            connectors,
            Timing::of(crm_timeouts.request_timeout, crm_timeouts.site_lag),
        ));
        Self { inner: Arc::new(Inner { store, connections, practice, delivery, documents }) }
    }

    /// Delivers until shut down; takes up what an earlier process left. Looks now and then for notes that the CRM has
    /// twice, and for documents that no event named.
    pub async fn run(&self, supervisor: &Supervisor, shutdown: &CancellationToken) {
        let delivery = &self.inner.delivery;
        tokio::join!(
            supervisor.keep("note delivery", shutdown, || delivery.run(shutdown)),
            supervisor.keep("note reconciliation", shutdown, || delivery.reconcile_until(shutdown)),
            supervisor.keep("notes that wait for a link", shutdown, || self.link_until(shutdown)),
            supervisor.keep("unclaimed documents", shutdown, || async {
                shutdown.run_until_cancelled(self.forget_unclaimed_documents()).await;
            }),
            supervisor.keep("changes of connections", shutdown, || async {
                shutdown.run_until_cancelled(self.release_as_connections_change()).await;
            }),
            supervisor.keep("notes of sites that are well", shutdown, || async {
                shutdown.run_until_cancelled(self.release_as_sites_are_well()).await;
            })
        );
    }

    /// Lets the notes of connections go that came to work, or that somebody authorised.
    async fn release_as_connections_change(&self) {
        let mut changes = self.inner.connections.changes();
        while changes.changed().await.is_ok() {
            let at_work = changes.borrow_and_update().clone();
            for connection in at_work.iter() {
                self.inner.delivery.authorised(&connection.name).await;
            }
        }
    }

    /// Lets the notes of a connection go of which a sync came to its end, whatever pause the site asked for before.
    async fn release_as_sites_are_well(&self) {
        loop {
            let connection = self.inner.connections.one_came_through().await;
            self.inner.delivery.site_is_well(&connection).await;
        }
    }

    /// The note with why and until when it waits where that is its site's pause, and nothing of its own.
    pub fn as_it_waits(&self, mut note: Note, now: Timestamp) -> Note {
        if let (NoteState::Queued | NoteState::Waiting, Some(due)) = (note.state, note.due_at)
            && let Gate::Closed(until) = self.gate(&note.connection, now)
            && due < until
        {
            note.due_at = Some(until);
            note.reason.get_or_insert_with(|| {
                "Waits because the CRM does not answer, or asked to be left alone for a while.".to_owned()
            });
        }
        note
    }

    /// Whether a connection's notes go out, and if not, why.
    pub fn gate(&self, connection: &ConnectionName, now: Timestamp) -> Gate {
        self.inner.delivery.gate(connection, now)
    }
}
