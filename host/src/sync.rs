//! The hourly walk: pull, skip, map, merge, commit.
//!
//! Serves people (runs, live progress) and the schedule. It never knows a CRM field's name or what it means.

use std::sync::Arc;

use tokio::sync::watch;

use crate::connection::Connections;
use crate::domain::run::{Run, Trigger};
use crate::domain::{ConnectionName, RunId};
use crate::store::{Store, StoreError};

/// Starts runs, one at a time a connection, and tells how they go. Cheap to clone.
#[derive(Clone)]
pub struct Syncs {}

/// Why a run could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// No such connection.
    #[error("there is no connection `{0}`")]
    UnknownConnection(ConnectionName),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Syncs {
    /// Ready to run the practice's connections.
    pub fn new(_store: Store, _connections: Connections, _time_zone: jiff::tz::TimeZone) -> Self {
        todo!()
    }

    /// Takes up runs that an earlier process left unfinished.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn resume(&self) -> Result<(), SyncError> {
        todo!()
    }

    /// Starts a run in the background, or answers the one that is under way.
    ///
    /// # Errors
    /// [`SyncError::UnknownConnection`], or where the store fails.
    pub async fn request(&self, _connection: &ConnectionName, _trigger: Trigger) -> Result<Run, SyncError> {
        todo!()
    }

    /// The run as it goes: each change of state or counts (at most a few a second); the last value is the finished
    /// run. None where it is not under way in this process.
    pub fn watch(&self, _run: RunId) -> Option<watch::Receiver<Arc<Run>>> {
        todo!()
    }

    /// Ends a run at its next commit.
    pub fn cancel(&self, _run: RunId) -> bool {
        todo!()
    }

    /// Stops all runs at their next commit and waits for them; they go on when the host starts again.
    pub async fn shut_down(&self) {
        todo!()
    }
}
