//! The embedded store: everything that outlives the process, in one redb file.
//!
//! Serves all others in the domain's operations (commit a group of clients, claim the next note, list households),
//! never in tables or keys. The only module that names redb, and the only one with threads of its own for it.
//! Every key begins with the practice.

pub mod access;
pub mod book;
pub mod commit;
#[cfg(test)]
mod conformance;
pub mod connections;
pub mod documents;
pub mod doubts;
pub mod gone;
mod homes;
mod identity;
pub mod imports;
mod index;
mod keys;
mod open;
pub mod outbox;
pub mod professionals;
pub mod raw;
pub mod report;
pub mod review;
pub mod runs;
pub mod seen;
pub mod sites;
mod tables;
mod threads;
pub mod whereabouts;

use std::sync::Arc;

use tokio::sync::Notify;

use threads::{Lane, Threads};

/// The open store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    db: Arc<redb::Database>,
    threads: Arc<Threads>,
    /// Told when clients were linked to a CRM.
    linked: Arc<Notify>,
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error("the data folder is in use by another tidegate process; stop it, or let this command go through it")]
    Locked,
    /// The file was written by a later version.
    #[error("the store was written by a later version of tidegate (format {found}; this one reads up to {known})")]
    TooNew {
        /// The file's format.
        found: u32,
        /// The newest this version reads.
        known: u32,
    },
    /// A cursor that this store did not give.
    #[error("the cursor is not one that a list gave; begin again without it")]
    BadCursor,
    /// The disk or the file failed.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Why a row of JSON cannot be read, without what stands in it.
fn unreadable(what: &str, error: &serde_json::Error) -> String {
    format!("{what} cannot be read ({:?}, column {})", error.classify(), error.column())
}

impl Store {
    /// Runs `work` in a read transaction: one consistent view, writers go on.
    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&redb::ReadTransaction) -> Result<T, StoreError> + Send + 'static,
    {
        let db = self.db.clone();
        self.threads.run(Lane::Read, move || work(&redb::ReadableDatabase::begin_read(&*db)?)).await
    }

    /// Runs `work` in a write transaction and commits it durably; an error leaves no trace.
    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&redb::WriteTransaction) -> Result<T, StoreError> + Send + 'static,
    {
        let db = self.db.clone();
        let write = move || {
            let mut transaction = db.begin_write()?;
            transaction.set_two_phase_commit(true);
            let answer = work(&transaction)?;
            transaction.commit()?;
            Ok(answer)
        };
        self.threads.run(Lane::Write, write).await
    }

    /// Runs `work` in a write transaction and takes back all that it wrote.
    async fn try_out<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&redb::WriteTransaction) -> Result<T, StoreError> + Send + 'static,
    {
        let db = self.db.clone();
        let try_out = move || {
            let transaction = db.begin_write()?;
            let answer = work(&transaction)?;
            transaction.abort()?;
            Ok(answer)
        };
        self.threads.run(Lane::Write, try_out).await
    }
}

macro_rules! failed_from {
    ($($error:ty),+) => { $(impl From<$error> for StoreError {
        fn from(error: $error) -> Self {
            Self::Failed(error.to_string())
        }
    })+ };
}
failed_from!(redb::TransactionError, redb::TableError, redb::StorageError, redb::CommitError, postcard::Error);
