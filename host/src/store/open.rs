//! Opening the file: the lock, the permissions, the format version, the tables.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
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
const TABLE_MAKERS: [MakeTables; 11] = [
    super::tables::make,
    super::commit::emptied::make_tables,
    super::access::make_tables,
    super::connections::make_tables,
    super::sites::make_tables,
    super::site_lists::make_tables,
    super::documents::make_tables,
    super::outbox::make_tables,
    super::imports::make_tables,
    super::professionals::make_tables,
    super::revisions::make_tables,
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
        let failed = |error: io::Error| StoreError::Failed(format!("{}: {error}", path.display()));
        make_private(data_dir).map_err(|error| StoreError::Failed(error.to_string()))?;
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

/// Makes the folder for its owner alone. One that is there already is closed to others, unless it holds something else:
/// then somebody may need it open.
fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mode = fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    if holds_nothing_else(folder)? && fs::set_permissions(folder, Permissions::from_mode(0o700)).is_ok() {
        return Ok(());
    }
    // A volume that a machine's administrator hands over to a group.
    if mode & 0o007 == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "others on this machine can get into it (mode {:o}); close it with `chmod 700`, or name a folder of its own with \
         --data-dir or [server] data-dir",
        mode & 0o777
    )))
}

/// Whether the folder is the host's: it has a store, or nothing that the host does not make.
fn holds_nothing_else(folder: &Path) -> io::Result<bool> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name());
    }
    let is_ours = |name: &OsString| ["cache", "secret.key", "lost+found"].iter().any(|known| name == known);
    Ok(names.iter().any(|name| name == FILE_NAME) || names.iter().all(is_ours))
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
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data_dir), mode(&data_dir.join(FILE_NAME))), (0o700, 0o600));
    }

    #[test]
    fn a_folder_that_is_there_is_closed_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        let check = |mode: u32, file: Option<&str>, expected: Option<u32>| {
            drop(fs::remove_dir_all(&data_dir));
            fs::create_dir(&data_dir).unwrap();
            file.iter().for_each(|file| fs::write(data_dir.join(file), "").unwrap());
            fs::set_permissions(&data_dir, Permissions::from_mode(mode)).unwrap();
            match (make_private(&data_dir), expected) {
                (Ok(()), Some(expected)) => {
                    assert_eq!(fs::metadata(&data_dir).unwrap().permissions().mode() & 0o777, expected);
                }
                (Err(error), None) => assert!(error.to_string().contains("chmod 700"), "{error}"),
                (outcome, _) => panic!("{mode:o} {file:?}: {outcome:?}"),
            }
        };
        check(0o755, None, Some(0o700));
        check(0o777, Some(FILE_NAME), Some(0o700));
        check(0o755, Some("secret.key"), Some(0o700));
        check(0o700, Some("diary"), Some(0o700));
        check(0o755, Some("diary"), None);
        check(0o1777, Some("diary"), None);
        // A volume of a container, handed over to a group.
        check(0o770, Some("diary"), Some(0o770));
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
