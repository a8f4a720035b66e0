//! The lock under which the groups of a walk and the single-client syncs of the same connection are committed, one after
//! the other.
//!
//! A walk commits a record some time after it read it. Where the client was read by itself in between, the walk's
//! reading is the older one and must not undo the newer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::MutexGuard;

use crate::domain::{ConnectionName, ExternalId, RecordKind};

/// The commit locks of all connections, one a connection.
#[derive(Default)]
pub(super) struct CommitLocks(Mutex<HashMap<ConnectionName, Arc<CommitLock>>>);

impl CommitLocks {
    /// The lock of a connection.
    pub fn of(&self, connection: &ConnectionName) -> Arc<CommitLock> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(connection.clone()).or_default())
    }
}

/// Serialises the commits of one connection: whoever holds it is the one who commits.
#[derive(Default)]
pub(super) struct CommitLock(tokio::sync::Mutex<FreshReads>);

/// The records that were read by themselves since the walk began, and when their reading was over.
#[derive(Default)]
pub(super) struct FreshReads(HashMap<(RecordKind, ExternalId), Instant>);

impl CommitLock {
    /// Waits for its turn. Held from reading to commit by who reads a client by itself, and for each commit by a walk.
    pub async fn turn(&self) -> MutexGuard<'_, FreshReads> {
        self.0.lock().await
    }
}

impl FreshReads {
    /// Notes that a record was read by itself, just now.
    pub fn note(&mut self, kind: RecordKind, id: ExternalId) {
        self.0.insert((kind, id), Instant::now());
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a record was read by itself after, or while, a page was read that was asked for at `page_asked`.
    pub fn is_newer(&self, kind: RecordKind, id: &ExternalId, page_asked: Instant) -> bool {
        self.0.get(&(kind, id.clone())).is_some_and(|read| *read >= page_asked)
    }

    /// Forgets all: a walk begins, and will read everything later.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
