//! The embedded store: everything that outlives the process, in one file.
//!
//! Serves all others in the domain's operations (commit a group of clients, claim the next note, list households),
//! never in tables or keys. It stands on an ordered key-value store (`store::engine`), whose tables it alone knows, and has
//! threads of its own for it. Every key begins with the practice.

mod absence_questions;
pub mod absence_review;
pub mod absent_clients;
mod absent_items;
pub mod access;
mod access_reasons;
pub mod audit;
pub mod backup;
pub mod book;
mod catalogue;
pub mod client_lookup;
pub mod commit;
#[cfg(test)]
pub mod conformance;
mod connection_numbers;
pub mod connections;
pub mod data_quality;
pub mod documents;
mod emergency_rows;
mod engine;
pub mod erasure;
mod erasure_file;
pub mod field_history;
pub mod holds;
pub mod household_access;
pub mod household_effects;
mod identity;
pub mod imports;
mod index;
pub mod kept_records;
mod keys;
mod membership;
mod migrations;
mod open;
pub mod outbox;
pub mod page;
mod professional_links;
pub mod raw;
mod reader;
pub mod report;
pub mod review;
pub mod revisions;
mod rewrite;
mod rows;
pub mod runs;
pub mod seen;
pub mod site_lists;
pub mod sites;
pub mod space;
mod subject;
mod subject_keys;
mod tables;
pub mod taken_in;
mod threads;
mod tombstones;
mod visitor;
pub mod walks;

pub use erasure_file::NAME as ERASED;
pub use open::{RESTORING, STORE_FILES, is_in};
pub use rows::listed::StoredItem;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use engine::{Cause, Engine, Snapshot, Write};
use erasure_file::ErasureFile;
use space::Space;
use threads::{Lane, Threads};

use crate::domain::DocumentId;

/// The open store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Arc<Engine>,
    threads: Arc<Threads>,
    space: Arc<Space>,
    /// The reason why the file cannot be used any more; none while it can.
    broken: Arc<watch::Sender<Option<String>>>,
    /// The file of erasures.
    erasures: Arc<ErasureFile>,
    /// The notification that clients were linked to a CRM.
    linked: Arc<Notify>,
}

/// The reason why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the store open.
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
    /// The file is empty or not there, and the folder shows that there was one.
    #[error(
        "the store's file {file} {what}, with {signs} beside it: a store was here and is lost, and no new one is made in \
         its place. Put {file} back from a backup; to begin anew with nothing, remove {signs} from the folder first"
    )]
    Lost {
        /// The name of the file.
        file: &'static str,
        /// `is empty`.
        what: &'static str,
        /// The files beside it that show that a store was there.
        signs: String,
    },
    /// Whoever acts has lost the access to a household since it was looked at. Nothing was written.
    #[error("the access to the household has just ended")]
    AccessEnded,
    /// A backup was not put back to its end.
    #[error(
        "the folder holds half of a backup: putting it back was cut off. Run `tidegate restore` into it once more, or empty it"
    )]
    HalfRestored,
    /// The file holds no store, or a damaged one.
    #[error(
        "the store's file {file} cannot be read: {why}. Put {file} back from a backup; to begin anew with nothing, move all \
         of the folder away first"
    )]
    Damaged {
        /// The name of the file.
        file: &'static str,
        /// The reason: what was found in it, or what the database says.
        why: String,
    },
    /// A cursor that this store did not give.
    #[error("the cursor is not one that a list gave; begin again without it")]
    BadCursor,
    /// The file has to be brought to a newer format, and the disk has no room for that. Nothing was changed.
    #[error(
        "the store has to be brought to a newer format, which needs {needed} MB on the disk of the data folder, and {free} MB \
         are free. Free some space there, or make the disk larger; nothing was changed"
    )]
    NoRoom {
        /// The free space in MB.
        free: u64,
        /// The space that is needed, in MB.
        needed: u64,
    },
    /// Little space is left on the disk; nothing was written.
    #[error(
        "the disk of the data folder is nearly full: {free} MB are free. Free some space there, or make the disk larger"
    )]
    NoSpace {
        /// The free space in MB.
        free: u64,
    },
    /// The disk or the file failed under the database, which does nothing more until it is opened anew.
    #[error("the store's file cannot be used any more: {0}")]
    Broken(#[source] Cause),
    /// A file or folder beside the database failed.
    #[error("the store failed: {}: {source}", path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A stored row is not what was written, or was written by a later version.
    #[error("the store failed: {what} cannot be read: {source}")]
    Corrupt {
        /// `a note`.
        what: &'static str,
        /// The error of reading it.
        source: Cause,
    },
    /// A value that is to be kept has no form in which it could be.
    #[error("the store failed: {what} cannot be written: {source}")]
    Unwritable {
        /// `a note`.
        what: &'static str,
        /// The error of writing it.
        source: Cause,
    },
    /// A document of so many bytes is larger than one may be.
    #[error("the store failed: a document of {} MB is larger than {} MB", size >> 20, documents::LARGEST_DOCUMENT >> 20)]
    DocumentTooLarge {
        /// The size in bytes.
        size: usize,
    },
    /// The document was removed since it was asked for last.
    #[error("the store failed: the document {0} is not kept any more")]
    DocumentRemoved(DocumentId),
    /// A fault of this program.
    #[error("the store failed: {0}")]
    Fault(#[source] Cause),
}

/// The place where a row of JSON cannot be read, without what stands in it.
#[derive(Debug, thiserror::Error)]
#[error("{:?}, column {column}", category)]
struct UnreadableJson {
    category: serde_json::error::Category,
    column: usize,
}

impl StoreError {
    /// The error of a row of JSON that cannot be read, without what stands in it.
    fn unreadable_json(what: &'static str, error: &serde_json::Error) -> Self {
        let source = UnreadableJson { category: error.classify(), column: error.column() };
        Self::Corrupt { what, source: source.into() }
    }
}

impl Store {
    /// The disk under it.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// The reason why its file cannot be used any more; none while it can.
    pub fn broken(&self) -> Option<String> {
        self.broken.borrow().clone()
    }

    /// Waits until its file cannot be used any more; answers why.
    pub async fn until_broken(&self) -> String {
        let mut broken = self.broken.subscribe();
        let found = broken.wait_for(Option::is_some).await;
        found.ok().and_then(|why| why.clone()).unwrap_or_default()
    }

    /// Takes note of an error after which nothing more will succeed.
    fn heed<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(StoreError::Broken(cause)) = &outcome {
            self.broken.send_if_modified(|known| {
                let is_new = known.is_none();
                known.get_or_insert_with(|| cause.to_string());
                is_new
            });
        }
        outcome
    }

    /// Runs `work` in a read transaction: one consistent view, writers go on.
    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Snapshot) -> Result<T, StoreError> + Send + 'static,
    {
        let engine = self.engine.clone();
        self.heed(self.threads.run(Lane::Read, move || work(&engine.snapshot()?)).await)
    }

    /// Runs `work` in a write transaction and commits it durably, with the entry of the audit log in whose scope it is; an
    /// error leaves no trace. For what is new: it is refused where little space is left.
    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Write) -> Result<T, StoreError> + Send + 'static,
    {
        self.space.admit()?;
        self.write_in_any_case(work).await
    }

    /// The same for what has to be stored in any case, or takes up no more space than before: what came of notes and
    /// runs, tokens, sessions, and what is forgotten.
    async fn write_in_any_case<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Write) -> Result<T, StoreError> + Send + 'static,
    {
        self.write_where(work, |_| true).await
    }

    /// The same for what may be refused half-way: a refusal takes back all that was written before it.
    async fn write_unless_refused<T, R, F>(&self, work: F) -> Result<Result<T, R>, StoreError>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: FnOnce(&Write) -> Result<Result<T, R>, StoreError> + Send + 'static,
    {
        self.space.admit()?;
        self.write_where(work, Result::is_ok).await
    }

    /// The same for what may be refused half-way and takes up no more space than before.
    async fn write_in_any_case_unless_refused<T, R, F>(&self, work: F) -> Result<Result<T, R>, StoreError>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: FnOnce(&Write) -> Result<Result<T, R>, StoreError> + Send + 'static,
    {
        self.write_where(work, Result::is_ok).await
    }

    /// Runs `work` in a write transaction, which is kept where `keeps` says so of its answer.
    async fn write_where<T, F>(&self, work: F, keeps: fn(&T) -> bool) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Write) -> Result<T, StoreError> + Send + 'static,
    {
        self.space.admit_in_any_case()?;
        let engine = self.engine.clone();
        let pending = audit::scope::current();
        let write = move || {
            let transaction = engine.write()?;
            let seen = pending.as_ref().map(|pending| pending.seen()).unwrap_or_default();
            // Nobody else writes now: what the last commit left is what this one finds.
            if !seen.is_empty() && !household_access::are_seen(&engine.snapshot()?, &seen)? {
                return Err(StoreError::AccessEnded);
            }
            let answer = work(&transaction)?;
            if !keeps(&answer) {
                transaction.abort()?;
                return Ok(answer);
            }
            let entry = match &pending {
                Some(pending) => pending.append_to(&transaction)?,
                None => None,
            };
            transaction.commit()?;
            if let (Some(pending), Some(number)) = (&pending, entry) {
                pending.is_written(number);
            }
            Ok(answer)
        };
        self.heed(self.threads.run(Lane::Write, write).await)
    }

    /// Runs `work` in a write transaction and takes back all that it wrote.
    async fn try_out<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Write) -> Result<T, StoreError> + Send + 'static,
    {
        self.space.admit_in_any_case()?;
        let engine = self.engine.clone();
        let try_out = move || {
            let transaction = engine.write()?;
            let answer = work(&transaction)?;
            transaction.abort()?;
            Ok(answer)
        };
        self.heed(self.threads.run(Lane::Write, try_out).await)
    }
}

impl From<engine::Error> for StoreError {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::Locked => Self::Locked,
            engine::Error::Broken(cause) => Self::Broken(cause),
            engine::Error::Corrupt(source) => Self::Corrupt { what: "the file", source },
            engine::Error::Misused(cause) => Self::Fault(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_row_that_cannot_be_read_says_where_and_not_what() {
        let failed = serde_json::from_str::<u32>(r#""Ayda Khan""#).unwrap_err();
        let error = StoreError::unreadable_json("a note", &failed);
        assert_eq!(error.to_string(), "the store failed: a note cannot be read: Data, column 11");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("Data, column 11"));
        assert!(!format!("{error:?}").contains("Khan"));
    }
}
