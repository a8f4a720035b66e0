//! Opening the file: the lock, the permissions, the format version, the tables.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use redb::{Builder, Database, DatabaseError, ReadableTable, TableDefinition, WriteTransaction};
use tokio::sync::watch;

use super::space::Space;
use super::threads::Threads;
use super::{Store, StoreError};
use crate::config::Storage;

/// What the store's file is called in the data folder.
const FILE_NAME: &str = "tidegate.redb";

/// The format that this version writes. Raise it with every change to a table's keys or values, and read the
/// versions before it.
const FORMAT: u32 = 1;

/// Pages kept in memory. The default of 1 GB would let the host's memory grow with the book. 16 MB was measured to make
/// a first walk over 100,000 clients no faster, and to keep the host above 100 MB.
const CACHE_BYTES: usize = 10 << 20;

/// Facts about the file as a whole.
const FACTS: TableDefinition<'_, &str, u32> = TableDefinition::new("facts");

type MakeTables = fn(&WriteTransaction) -> Result<(), StoreError>;

/// What makes the tables of each part. Reading a table that was never made is an error, so all are made at once.
const TABLE_MAKERS: [MakeTables; 7] = [
    super::tables::make,
    super::access::make_tables,
    super::connections::make_tables,
    super::documents::make_tables,
    super::outbox::make_tables,
    super::imports::make_tables,
    super::professionals::make_tables,
];

impl Store {
    /// Opens the store in the data folder, making it on first use. The folder is made for its owner alone, and so is
    /// the file.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::TooNew`], or what the disk said.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        Self::open_sparing(data_dir, Storage::default())
    }

    /// The same, keeping some of the disk free.
    ///
    /// # Errors
    /// As [`Store::open`], and [`StoreError::NoSpace`] before anything is written to a disk that is full.
    pub fn open_sparing(data_dir: &Path, storage: Storage) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE_NAME);
        let failed = |error: std::io::Error| StoreError::Failed(format!("{}: {error}", path.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(failed)?;
        let space = Arc::new(Space::of(data_dir, storage));
        space.admit_in_any_case()?;
        OpenOptions::new().append(true).create(true).mode(0o600).open(&path).map_err(failed)?;
        let db = Builder::new().set_cache_size(CACHE_BYTES).create(&path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::Locked,
            other => StoreError::Failed(format!("{}: {other}", path.display())),
        })?;
        prepare(&db)?;
        let threads = Threads::start().map_err(failed)?;
        let broken = Arc::new(watch::Sender::new(None));
        Ok(Self { db: Arc::new(db), threads: Arc::new(threads), space, broken, linked: Arc::default() })
    }
}

/// Refuses a later format before anything is written; makes the tables that are missing.
fn prepare(db: &Database) -> Result<(), StoreError> {
    let mut transaction = db.begin_write()?;
    transaction.set_two_phase_commit(true);
    {
        let mut facts = transaction.open_table(FACTS)?;
        let found = facts.get("format")?.map(|format| format.value());
        match found {
            Some(found) if found > FORMAT => return Err(StoreError::TooNew { found, known: FORMAT }),
            Some(_) => {}
            None => {
                facts.insert("format", FORMAT)?;
            }
        }
    }
    TABLE_MAKERS.iter().try_for_each(|make| make(&transaction))?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_second_opening_is_refused_while_the_first_lasts() {
        let folder = tempfile::tempdir().unwrap();
        let first = Store::open(folder.path()).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(StoreError::Locked)));
        drop(first);
        Store::open(folder.path()).unwrap();
    }

    #[test]
    fn folder_and_file_are_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        Store::open(&data_dir).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data_dir), mode(&data_dir.join(FILE_NAME))), (0o700, 0o600));
    }

    #[test]
    fn a_later_format_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let transaction = store.db.begin_write().unwrap();
        transaction.open_table(FACTS).unwrap().insert("format", FORMAT + 1).unwrap();
        transaction.commit().unwrap();
        drop(store);
        let refused = Store::open(folder.path());
        assert!(matches!(refused, Err(StoreError::TooNew { found: 2, known: 1 })));
    }
}
