//! Identity lists: a practice tells which of its clients is which in the CRM, so that the first sync links them and
//! makes nobody twice.
//!
//! Serves `api`, `web` and, through the API, `cli`. A list is read row by row into a preview that is kept; nothing
//! changes until a person applies it. What a file may do to the host is bounded: it is spooled to the data folder, told
//! by its content, unpacked no further than a list needs, and read one row at a time, two files at most side by side.

mod columns;
mod csv;
mod error;
mod export;
mod file;
mod row;
#[cfg(test)]
mod tests;
mod workbook;

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use jiff::SignedDuration;
use tokio::sync::mpsc;
use uuid::Uuid;

pub use error::FileError;
pub use export::{harmless, lines};

use crate::crm::kind::IdColumn;
use crate::domain::import::{Import, ImportCounts, ImportState, ListSource, Reason};
use crate::domain::import::{ListedPerson, PriorRows};
use crate::domain::text;
use crate::domain::{ConnectionName, ImportId, Timestamp};
use crate::intake::NotRead;
use crate::queue::{self, NotDone};
use crate::store::audit::scope;
use crate::store::{Store, StoreError};
use row::{ListRow, RowFault};

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

/// A list as somebody sends it.
#[derive(Debug)]
pub struct NewList<'l> {
    /// Its file.
    pub file: File,
    /// The name of the file.
    pub file_name: &'l str,
    /// The sheet of a workbook that is the list; none where the host is to find it.
    pub sheet: Option<&'l str>,
    /// The connection whose ids the list has.
    pub connection: ConnectionName,
    /// The column of ids, as its CRM declares it.
    pub id_column: &'static IdColumn,
    /// The person who sends it.
    pub by: &'l str,
}

/// The reason why there is no preview. Nothing is kept then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be used as a whole.
    #[error(transparent)]
    File(#[from] FileError),
    /// Somebody removed the list meanwhile.
    #[error("The list was removed while it was read.")]
    Removed,
    /// It does not come to its end, or there is no place for it.
    #[error(transparent)]
    NotRead(#[from] NotRead),
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

impl Imports {
    /// Lists are spooled to `folder`, which is the data folder: they hold personal data.
    pub fn new(store: Store, folder: &Path) -> Self {
        Self { store, folder: Arc::new(folder.to_owned()) }
    }

    /// Takes in a file as it comes. It has no name, and is gone when it is closed.
    ///
    /// # Errors
    /// Returns an error if the file is too large, breaks off, or the disk fails.
    pub async fn spool<E: std::fmt::Display>(
        &self,
        pieces: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<File, ImportError> {
        let mut file = tempfile::tempfile_in(&*self.folder)?;
        let mut pieces = std::pin::pin!(pieces);
        let mut size = 0;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| NotRead::BrokeOff(error.to_string()))?;
            size += piece.len();
            if size > LARGEST_FILE {
                let message = format!("the file is larger than {} MB; split the list", LARGEST_FILE >> 20);
                return Err(NotRead::TooMuch(message).into());
            }
            file.write_all(&piece)?;
        }
        Ok(file)
    }

    /// Reads a list and keeps its preview.
    ///
    /// # Errors
    /// Fails as [`ImportError`] says.
    pub async fn preview(&self, list: NewList<'_>, now: Timestamp) -> Result<Import, ImportError> {
        let NewList { file, file_name, sheet, connection, id_column, by } = list;
        self.store.forget_broken_imports(now - SignedDuration::from_hours(1)).await?;
        let import = Import {
            id: ImportId(Uuid::now_v7()),
            connection,
            file_name: text::value(file_name).chars().take(100).collect(),
            by: by.to_owned(),
            state: ImportState::Reading,
            counts: ImportCounts::default(),
            source: None,
            created_at: now,
            applied_at: None,
        };
        let id = import.id;
        scope::about(import.id);
        self.store.begin_import(import).await?;
        let source =
            match self.read_rows(id, file, (file_name.to_owned(), sheet.map(ToOwned::to_owned)), id_column).await {
                Ok(source) => source,
                Err(error) => {
                    self.store.forget_import(id).await?;
                    return Err(error);
                }
            };
        let import = self.store.end_import_preview(id, source).await?;
        import.ok_or(ImportError::Removed)
    }

    async fn read_rows(
        &self,
        id: ImportId,
        file: File,
        (name, sheet): (String, Option<String>),
        id_column: &'static IdColumn,
    ) -> Result<ListSource, ImportError> {
        let (to, mut from) = mpsc::channel::<Vec<ListedPerson>>(2);
        let reading = tokio::spawn(queue::LISTS.run(move || {
            let mut batch = Vec::with_capacity(BATCH);
            // Nobody takes rows any more where the store failed, which is what is told then.
            let gone = |_| FileError::NotTaken;
            let source = file::read(file, (&name, sheet.as_deref()), id_column, &mut |row| {
                batch.push(listed(row));
                if batch.len() < BATCH {
                    return Ok(());
                }
                to.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).map_err(gone)
            })?;
            to.blocking_send(batch).map_err(gone)?;
            Ok::<_, FileError>(source)
        }));
        let mut prior = PriorRows::default();
        while let Some(batch) = from.recv().await {
            prior = self.store.add_import_rows(id, batch, prior).await?;
        }
        Ok(reading.await.unwrap_or(Err(NotDone::Fault))??)
    }
}

fn listed(row: ListRow) -> ListedPerson {
    let ListRow { number, first_name, last_name, email, id, fault, doubt } = row;
    let reason = |fault: Option<RowFault>| fault.map(|fault| Reason::new(fault.code, fault.message));
    ListedPerson { number, first_name, last_name, email, id, fault: reason(fault), doubt: reason(doubt) }
}
