//! Identity lists: a practice tells which of its clients is which in the CRM, so that the first sync links them and
//! makes nobody twice.
//!
//! Serves `api`, `web` and, through the API, `cli`. A list is read row by row into a preview that is kept; nothing
//! changes until a person applies it. What a file may do to the host is bounded: it is spooled to the data folder, told
//! by its content, scanned before it is unpacked, and read one row at a time.

mod columns;
mod csv;
mod export;
mod file;
mod row;
mod scan;
#[cfg(test)]
mod tests;
mod workbook;

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use tokio::sync::mpsc;
use uuid::Uuid;

pub use export::lines;
pub use file::FileError;

use crate::domain::import::{Import, ImportCounts, ImportState, Reason};
use crate::domain::{ConnectionName, ImportId, Timestamp};
use crate::queue::{self, NotDone};
use crate::store::imports::{Before, Listed};
use crate::store::{Store, StoreError};
use row::ListRow;

/// The largest file, in bytes. 100,000 rows come to some 8 MB.
pub const LARGEST_FILE: usize = 32 << 20;

/// Rows that are judged and kept at once.
const BATCH: usize = 1_000;

/// The practice's identity lists. Cheap to clone.
#[derive(Clone)]
pub struct Imports {
    store: Store,
    folder: Arc<PathBuf>,
}

/// Why there is no preview. Nothing is kept then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be used as a whole, in a sentence that says what to do.
    #[error("{0}")]
    Refused(String),
    /// The disk failed.
    #[error("the file could not be kept: {0}")]
    Disk(#[from] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others wait for their lists to be read, or the host failed.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl From<FileError> for ImportError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Refused(words) => Self::Refused(words),
            FileError::Failed(words) => Self::Disk(io::Error::other(words)),
        }
    }
}

impl Imports {
    /// Lists are spooled to `folder`, which is the data folder: they hold personal data.
    pub fn new(store: Store, folder: &Path) -> Self {
        Self { store, folder: Arc::new(folder.to_owned()) }
    }

    /// Where a file goes while it comes in.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn spool(&self) -> Result<Spool, ImportError> {
        Ok(Spool { file: tempfile::tempfile_in(&*self.folder)?, size: 0 })
    }

    /// Reads a list and keeps its preview.
    ///
    /// # Errors
    /// As [`ImportError`] says.
    pub async fn preview(
        &self,
        file: File,
        file_name: &str,
        connection: ConnectionName,
        by: &str,
        now: Timestamp,
    ) -> Result<Import, ImportError> {
        self.store.forget_broken_imports(now - SignedDuration::from_hours(1)).await?;
        let import = Import {
            id: ImportId(Uuid::now_v7()),
            connection,
            file_name: file_name.chars().filter(|c| !c.is_control()).take(100).collect(),
            by: by.to_owned(),
            state: ImportState::Reading,
            counts: ImportCounts::default(),
            created_at: now,
            applied_at: None,
        };
        let id = import.id;
        self.store.begin_import(import).await?;
        if let Err(error) = self.read_rows(id, file).await {
            self.store.forget_import(id).await?;
            return Err(error);
        }
        let import = self.store.end_import_preview(id).await?;
        import.ok_or_else(|| ImportError::Refused("The list was removed while it was read.".to_owned()))
    }

    async fn read_rows(&self, id: ImportId, file: File) -> Result<(), ImportError> {
        let (to, mut from) = mpsc::channel::<Vec<Listed>>(2);
        let reading = tokio::spawn(queue::LISTS.run(move || {
            let mut batch = Vec::with_capacity(BATCH);
            // Nobody takes rows any more where the store failed, which is what is told then.
            let gone = |_| FileError::Failed("the store takes no more rows".to_owned());
            file::read(file, &mut |row| {
                batch.push(listed(row));
                if batch.len() < BATCH {
                    return Ok(());
                }
                to.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).map_err(gone)
            })?;
            to.blocking_send(batch).map_err(gone)
        }));
        let mut before = Before::default();
        while let Some(batch) = from.recv().await {
            before = self.store.add_import_rows(id, batch, before).await?;
        }
        reading.await.unwrap_or(Err(NotDone::Fault))??;
        Ok(())
    }
}

/// A file that comes in: it has no name, and is gone when it is closed.
pub struct Spool {
    file: File,
    size: usize,
}

impl Spool {
    /// Takes the next piece.
    ///
    /// # Errors
    /// Where the file becomes too large, or the disk fails.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), ImportError> {
        self.size += piece.len();
        if self.size > LARGEST_FILE {
            let words = format!("The file is larger than {} MB. Split the list.", LARGEST_FILE >> 20);
            return Err(ImportError::Refused(words));
        }
        Ok(self.file.write_all(piece)?)
    }

    /// The whole file.
    pub fn into_file(self) -> File {
        self.file
    }
}

fn listed(row: ListRow) -> Listed {
    let ListRow { number, first_name, last_name, email, id, fault } = row;
    let fault = fault.map(|fault| Reason::new(fault.code, fault.message));
    Listed { number, first_name, last_name, email, id, fault }
}
