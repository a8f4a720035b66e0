//! The engine that serves: redb, in one file. The only place that names it.
//!
//! Keys and values are kept in redb's own encodings of their types, which files of earlier versions have.

#[cfg(test)]
pub mod lossy;

use std::io;
use std::ops::{Bound, RangeBounds};
use std::path::Path;

pub use ::redb::{
    AccessGuard as Guard, Key, Range as Scan, ReadOnlyTable as ReadTable, ReadTransaction as Snapshot,
    Table as WriteTable, Value, WriteTransaction as Write,
};
use ::redb::{
    Builder, CommitError, CursorError, Database, DatabaseError, ReadableDatabase as _, ReadableTable,
    ReadableTableMetadata, StorageError, TableDefinition, TableError, TableHandle as _, TransactionError,
};

use super::{Error, Table, View};

/// The name of the store's file in the data folder.
pub const FILE_NAME: &str = "tidegate.redb";
/// The name of the file until its tables are made, so that a start that ends early leaves none that cannot be read.
pub const UNFINISHED: &str = "tidegate.redb.new";

/// Pages kept in memory. The default of 1 GB would let the host's memory grow with the book. 16 MB was measured to make
/// a first walk over 100,000 clients no faster, and to keep the host above 100 MB.
const CACHE_BYTES: usize = 10 << 20;

/// An open file.
pub struct Engine(Database);

impl Engine {
    /// Opens a file, and makes a database of one that is empty.
    pub fn open(file: &Path) -> Result<Self, Error> {
        Ok(Self(Builder::new().set_cache_size(CACHE_BYTES).create(file)?))
    }

    /// Opens the file of a disk that may lose power.
    #[cfg(test)]
    pub fn open_on(disk: lossy::Disk) -> Result<Self, Error> {
        Ok(Self(Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(disk)?))
    }

    /// A snapshot of what is committed.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        Ok(self.0.begin_read()?)
    }

    /// Begins to write. Commits are made in two phases, which do not rest on a checksum that whoever chooses what is
    /// written could meet.
    pub fn write(&self) -> Result<Write, Error> {
        let mut write = self.0.begin_write()?;
        write.set_two_phase_commit(true);
        Ok(write)
    }
}

/// The database's own definition of a table.
pub fn definition<K: Key + 'static, V: Value + 'static>(table: Table<K, V>) -> TableDefinition<'static, K, V> {
    TableDefinition::new(table.name)
}

/// Whether there is a table of this name.
pub fn has_table(write: &Write, name: &str) -> Result<bool, Error> {
    Ok(write.list_tables()?.any(|table| table.name() == name))
}

/// The value of a key.
pub fn get<'t, K: Key + 'static, V: Value + 'static>(
    table: &'t WriteTable<'_, K, V>,
    key: View<'_, K>,
) -> Result<Option<Guard<'t, V>>, Error> {
    Ok(table.get(key)?)
}

/// Entries of a range.
pub fn range<'t, 'k, K: Key + 'static, V: Value + 'static>(
    table: &'t WriteTable<'_, K, V>,
    range: impl RangeBounds<View<'k, K>> + 'k,
) -> Result<Scan<'t, K, V>, Error> {
    Ok(table.range(range)?)
}

/// Whether a table has no entry.
pub fn is_empty(table: &impl ReadableTableMetadata) -> Result<bool, Error> {
    Ok(table.is_empty()?)
}

/// Writes entries in the order of their keys. What goes into the same gap between stored keys is written at once, which
/// is what makes sorting worth it; an entry whose key is there already is written over.
pub fn put_sorted<'e, K: Key + 'static, V: Value + 'static>(
    table: &mut WriteTable<'_, K, V>,
    entries: impl Iterator<Item = (View<'e, K>, View<'e, V>)>,
) -> Result<(), Error> {
    let mut entries = entries.peekable();
    while let Some((first, value)) = entries.next() {
        let mut cursor = table.lower_bound_mut(Bound::Included(&first))?;
        if !goes_into_gap(cursor.insert_before(&first, &value))? {
            drop(cursor);
            table.insert(&first, &value)?;
            continue;
        }
        while let Some((key, value)) = entries.peek() {
            if !goes_into_gap(cursor.insert_before(key, value))? {
                break;
            }
            entries.next();
        }
        cursor.close()?;
    }
    Ok(())
}

/// Whether the entry went into the gap; otherwise its key lies beyond.
fn goes_into_gap(outcome: Result<(), CursorError>) -> Result<bool, Error> {
    match outcome {
        Ok(()) => Ok(true),
        Err(CursorError::UnorderedKey) => Ok(false),
        Err(CursorError::Storage(error)) => Err(error.into()),
        Err(error) => Err(Error::Misused(error.into())),
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        match error {
            // One of these, and every later call is refused: by the database, or by a lock that a panic has poisoned.
            StorageError::Io(_) | StorageError::PreviousIo | StorageError::LockPoisoned(_) => {
                Self::Broken(error.into())
            }
            StorageError::Corrupted(_) => Self::Corrupt(error.into()),
            _ => Self::Misused(error.into()),
        }
    }
}

impl From<DatabaseError> for Error {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Self::Locked,
            DatabaseError::Storage(StorageError::Io(error))
                if !matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                Self::Broken(error.into())
            }
            error => Self::Corrupt(error.into()),
        }
    }
}

macro_rules! storage_within {
    ($($error:ident),+) => { $(impl From<$error> for Error {
        fn from(error: $error) -> Self {
            match error {
                $error::Storage(error) => error.into(),
                error => Self::Misused(error.into()),
            }
        }
    })+ };
}
storage_within!(TransactionError, TableError, CommitError);
