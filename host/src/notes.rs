//! Events and the outbox that delivers their file notes, each once.
//!
//! Serves `api` and `web` (accepting events, the fate of notes). What a note says is the pack's; how it is written
//! to the CRM is the connector's.

use crate::config::Practice;
use crate::connection::Connections;
use crate::domain::note::{Event, Note};
use crate::domain::{Diagnostic, HouseholdId, NoteId};
use crate::store::{Store, StoreError};

/// Accepts events and delivers their notes. Cheap to clone.
#[derive(Clone)]
pub struct Notes {}

/// Why an event is not accepted, or a note not changed.
#[derive(Debug, thiserror::Error)]
pub enum NotesError {
    /// No household of this id.
    #[error("there is no household {0}")]
    UnknownHousehold(HouseholdId),
    /// The event does not fit its type; `field` is a JSON Pointer into the event.
    #[error("{field}: {message}")]
    Invalid {
        /// JSON Pointer into the event.
        field: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The key was used for another event.
    #[error("the idempotency key was used for another event; a new event needs a new key")]
    KeyReused,
    /// The pack cannot render it.
    #[error("the file note cannot be written: {}", .0.iter().map(|d| d.message.as_str()).collect::<Vec<_>>().join("; "))]
    NotRendered(Vec<Diagnostic>),
    /// No note of this id.
    #[error("there is no note {0}")]
    UnknownNote(NoteId),
    /// The note's state does not allow it.
    #[error("{0}")]
    WrongState(String),
    /// The plugin failed.
    #[error("the plugin failed: {0}")]
    Plugin(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An accepted event.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The note it became.
    pub note: Note,
    /// False where the same event with the same key had been accepted before.
    pub is_new: bool,
}

impl Notes {
    /// Ready to deliver for the practice's connections.
    pub fn new(_store: Store, _connections: Connections, _practice: Practice) -> Self {
        todo!()
    }

    /// Delivers until shut down; takes up what an earlier process left.
    pub async fn run(&self, _shutdown: tokio_util::sync::CancellationToken) {
        todo!()
    }

    /// Checks, renders and keeps an event: when this answers, it is durable. Delivery starts at once.
    ///
    /// # Errors
    /// As [`NotesError`] says; nothing is kept then.
    pub async fn accept(&self, _event: Event, _idempotency_key: &str) -> Result<Accepted, NotesError> {
        todo!()
    }

    /// Delivers a waiting or dead note now.
    ///
    /// # Errors
    /// [`NotesError::UnknownNote`], [`NotesError::WrongState`], or where the store fails.
    pub async fn retry(&self, _id: NoteId) -> Result<Note, NotesError> {
        todo!()
    }
}
