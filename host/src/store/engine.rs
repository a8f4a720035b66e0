//! An ordered key-value store with transactions, which all of the store stands on.
//!
//! Tables are read in a [`Snapshot`], one consistent view, and written in a [`Write`], of which there is one at a time:
//! what it wrote is on disk when [`Write::commit`] answers, and leaves no trace where it is aborted or dropped. What is
//! read is handed out as [`Guard`]s that borrow it from where it is kept. It knows nothing of the practice, and is the
//! only place that knows which database there is: redb in a file, or memory in tests. The one that serves is
//! told apart in each call; a release has one and tells nothing apart.

mod error;
#[cfg(test)]
mod memory;
mod redb;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::RangeBounds;
use std::path::Path;

pub use error::{Cause, Error};
#[cfg(test)]
pub use memory::{Engine as MemoryEngine, Key};
#[cfg(not(test))]
pub use redb::Key;
#[cfg(test)]
pub use redb::lossy;
pub use redb::{FILE_NAME, UNFINISHED, Value};

/// A key or value as it is handed in and out: borrowed where it can be.
pub type View<'a, T> = <T as Value>::SelfType<'a>;

/// The name of a table, and the types of its keys and values, which are ordered as their types are.
pub struct Table<K, V> {
    name: &'static str,
    types: PhantomData<fn(K) -> V>,
}

impl<K: Key + 'static, V: Value + 'static> Table<K, V> {
    /// The table of this name.
    pub const fn new(name: &'static str) -> Self {
        Self { name, types: PhantomData }
    }

    /// The table's name.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl<K, V> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Table<K, V> {}

/// The order in which entries are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// The order from the least key on.
    Forward,
    /// The order from the greatest key on.
    Backward,
}

/// An open database.
pub enum Engine {
    /// The engine that keeps tables in a file.
    Redb(redb::Engine),
    /// The engine that keeps tables in memory.
    #[cfg(test)]
    Memory(memory::Engine),
}

impl Engine {
    /// Opens the database of a file, making one where the file is empty or not there.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::Broken`] where the disk failed, [`Error::Corrupt`] where the file is no database.
    pub fn open(file: &Path) -> Result<Self, Error> {
        redb::Engine::open(file).map(Self::Redb)
    }

    /// Opens the file of a disk that may lose power.
    #[cfg(test)]
    pub fn open_on(disk: lossy::Disk) -> Result<Self, Error> {
        redb::Engine::open_on(disk).map(Self::Redb)
    }

    /// One consistent view of all that is committed. Who writes is not kept from it.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        match self {
            Self::Redb(engine) => engine.snapshot().map(Snapshot::Redb),
            #[cfg(test)]
            Self::Memory(engine) => Ok(Snapshot::Memory(engine.snapshot())),
        }
    }

    /// Begins to write, as soon as nobody else does.
    pub fn write(&self) -> Result<Write, Error> {
        match self {
            Self::Redb(engine) => engine.write().map(Writing::Redb).map(Write::begun),
            #[cfg(test)]
            Self::Memory(engine) => Ok(Write::begun(Writing::Memory(engine.write()))),
        }
    }
}

/// One consistent view of all that was committed when it was taken.
pub enum Snapshot {
    /// A snapshot of a file.
    Redb(redb::Snapshot),
    /// A table of what is in memory.
    #[cfg(test)]
    Memory(memory::Snapshot),
}

impl Snapshot {
    /// Opens a table to be read.
    ///
    /// # Errors
    /// Returns an error if it was never made, or has keys or values of another type.
    pub fn open_table<K: Key + 'static, V: Value + 'static>(
        &self,
        table: Table<K, V>,
    ) -> Result<ReadTable<K, V>, Error> {
        match self {
            Self::Redb(snapshot) => Ok(ReadTable::Redb(snapshot.open_table(redb::definition(table))?)),
            #[cfg(test)]
            Self::Memory(snapshot) => snapshot.open_table(table.name).map(ReadTable::Memory),
        }
    }
}

/// A transaction that writes. Dropped, it leaves no trace.
pub struct Write {
    of: Writing,
    /// Whether anything was put or taken away.
    has_changed: Cell<bool>,
}

/// The transaction of an engine.
#[cfg_attr(test, expect(clippy::large_enum_variant, reason = "what serves is not boxed for a test"))]
enum Writing {
    /// A transaction that writes to a file.
    Redb(redb::Write),
    /// A table in memory.
    #[cfg(test)]
    Memory(memory::Write),
}

impl Write {
    fn begun(of: Writing) -> Self {
        Self { of, has_changed: Cell::new(false) }
    }

    /// Whether anything was put or taken away: a transaction that only looked is told from one that changes something.
    pub fn has_changed(&self) -> bool {
        self.has_changed.get()
    }

    /// Opens a table, making it where it is missing.
    ///
    /// # Errors
    /// Returns an error if it is open already, or has keys or values of another type.
    pub fn open_table<K: Key + 'static, V: Value + 'static>(
        &self,
        table: Table<K, V>,
    ) -> Result<WriteTable<'_, K, V>, Error> {
        let of = match &self.of {
            Writing::Redb(write) => TableOf::Redb(write.open_table(redb::definition(table))?),
            #[cfg(test)]
            Writing::Memory(write) => TableOf::Memory(write.open_table(table.name)?),
        };
        Ok(WriteTable { of, has_changed: &self.has_changed })
    }

    /// Whether a table was ever made.
    pub fn has_table<K: Key + 'static, V: Value + 'static>(&self, table: Table<K, V>) -> Result<bool, Error> {
        match &self.of {
            Writing::Redb(write) => redb::has_table(write, table.name),
            #[cfg(test)]
            Writing::Memory(write) => Ok(write.has_table(table.name)),
        }
    }

    /// Takes a table away, as if it was never made.
    #[cfg(test)]
    pub fn delete_table<K: Key + 'static, V: Value + 'static>(&self, table: Table<K, V>) -> Result<(), Error> {
        match &self.of {
            Writing::Redb(write) => write.delete_table(redb::definition(table)).map(drop).map_err(Error::from),
            Writing::Memory(write) => {
                write.delete_table(table.name);
                Ok(())
            }
        }
    }

    /// Keeps what was written: it is on disk when this answers.
    ///
    /// # Errors
    /// Returns an error if the disk fails. Either all of it is kept or nothing.
    pub fn commit(self) -> Result<(), Error> {
        match self.of {
            Writing::Redb(write) => Ok(write.commit()?),
            #[cfg(test)]
            Writing::Memory(write) => {
                write.commit();
                Ok(())
            }
        }
    }

    /// Takes back what was written.
    pub fn abort(self) -> Result<(), Error> {
        match self.of {
            Writing::Redb(write) => Ok(write.abort()?),
            #[cfg(test)]
            Writing::Memory(_) => Ok(()),
        }
    }
}

/// A value that was read, or a key that was.
pub enum Guard<'a, V: Value + 'static> {
    /// A value of a file.
    Redb(redb::Guard<'a, V>),
    /// A table of what is in memory.
    #[cfg(test)]
    Memory(memory::Guard<V>),
}

impl<V: Value + 'static> Guard<'_, V> {
    /// The value that was read.
    pub fn value(&self) -> View<'_, V> {
        match self {
            Self::Redb(guard) => guard.value(),
            #[cfg(test)]
            Self::Memory(guard) => guard.value(),
        }
    }
}

/// An entry that was read.
pub type Entry<'a, K, V> = (Guard<'a, K>, Guard<'a, V>);

/// Entries in the order of their keys, read as they are asked for.
#[cfg_attr(test, expect(clippy::large_enum_variant, reason = "what serves is not boxed for a test"))]
pub enum Scan<'a, K: Key + 'static, V: Value + 'static> {
    /// A scan of a file.
    Redb(redb::Scan<'a, K, V>, Direction),
    /// A table of what is in memory.
    #[cfg(test)]
    Memory(memory::Scan<'a, K, V>),
}

impl<'a, K: Key + 'static, V: Value + 'static> Iterator for Scan<'a, K, V> {
    type Item = Result<Entry<'a, K, V>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = match self {
            Self::Redb(scan, Direction::Forward) => scan.next()?,
            Self::Redb(scan, Direction::Backward) => scan.next_back()?,
            #[cfg(test)]
            Self::Memory(scan) => {
                let (key, value) = scan.next()?;
                return Some(Ok((Guard::Memory(key), Guard::Memory(value))));
            }
        };
        Some(entry.map(|(key, value)| (Guard::Redb(key), Guard::Redb(value))).map_err(Error::from))
    }
}

/// A table that can be read: of a snapshot, or of what is being written, with what was written so far.
pub trait Readable<K: Key + 'static, V: Value + 'static> {
    /// The value of a key.
    fn get(&self, key: View<'_, K>) -> Result<Option<Guard<'_, V>>, Error>;

    /// Entries whose keys lie in the range, in this direction.
    fn scan_in<'k>(
        &self,
        direction: Direction,
        range: impl RangeBounds<View<'k, K>> + 'k,
    ) -> Result<Scan<'_, K, V>, Error>;

    /// Entries whose keys lie in the range, from the least on.
    fn scan<'k>(&self, range: impl RangeBounds<View<'k, K>> + 'k) -> Result<Scan<'_, K, V>, Error> {
        self.scan_in(Direction::Forward, range)
    }

    /// Entries whose keys lie in the range, from the greatest on.
    fn scan_back<'k>(&self, range: impl RangeBounds<View<'k, K>> + 'k) -> Result<Scan<'_, K, V>, Error> {
        self.scan_in(Direction::Backward, range)
    }

    /// Whether it has no entry.
    fn is_empty(&self) -> Result<bool, Error>;

    /// The values of many keys, in the order of these. What a decision needs is asked together: an engine that is not in
    /// this process answers it at once.
    fn get_many<'k>(
        &self,
        keys: impl IntoIterator<Item = View<'k, K>>,
    ) -> impl Iterator<Item = Result<Option<Guard<'_, V>>, Error>> {
        keys.into_iter().map(|key| self.get(key))
    }
}

/// A table of a snapshot.
pub enum ReadTable<K: Key + 'static, V: Value + 'static> {
    /// A table of a file.
    Redb(redb::ReadTable<K, V>),
    /// A table of what is in memory.
    #[cfg(test)]
    Memory(memory::ReadTable),
}

impl<K: Key + 'static, V: Value + 'static> ReadTable<K, V> {
    /// The value of a key, which outlives the table.
    pub fn get(&self, key: View<'_, K>) -> Result<Option<Guard<'static, V>>, Error> {
        match self {
            Self::Redb(table) => Ok(table.get(key)?.map(Guard::Redb)),
            #[cfg(test)]
            Self::Memory(table) => Ok(table.get::<K, V>(&key).map(Guard::Memory)),
        }
    }

    /// The same as [`Readable::scan_in`]; the entries outlive the table.
    pub fn scan_in<'k>(
        &self,
        direction: Direction,
        range: impl RangeBounds<View<'k, K>> + 'k,
    ) -> Result<Scan<'static, K, V>, Error> {
        match self {
            Self::Redb(table) => Ok(Scan::Redb(table.range(range)?, direction)),
            #[cfg(test)]
            Self::Memory(table) => Ok(Scan::Memory(table.scan_in(direction, &range))),
        }
    }

    /// The same as [`Readable::scan`]; the entries outlive the table.
    pub fn scan<'k>(&self, range: impl RangeBounds<View<'k, K>> + 'k) -> Result<Scan<'static, K, V>, Error> {
        self.scan_in(Direction::Forward, range)
    }

    /// The same as [`Readable::scan_back`]; the entries outlive the table.
    pub fn scan_back<'k>(&self, range: impl RangeBounds<View<'k, K>> + 'k) -> Result<Scan<'static, K, V>, Error> {
        self.scan_in(Direction::Backward, range)
    }
}

impl<K: Key + 'static, V: Value + 'static> Readable<K, V> for ReadTable<K, V> {
    fn get(&self, key: View<'_, K>) -> Result<Option<Guard<'_, V>>, Error> {
        Self::get(self, key)
    }

    fn scan_in<'k>(
        &self,
        direction: Direction,
        range: impl RangeBounds<View<'k, K>> + 'k,
    ) -> Result<Scan<'_, K, V>, Error> {
        Self::scan_in(self, direction, range)
    }

    fn is_empty(&self) -> Result<bool, Error> {
        match self {
            Self::Redb(table) => redb::is_empty(table),
            #[cfg(test)]
            Self::Memory(table) => Ok(table.is_empty()),
        }
    }
}

/// A table that is being written.
pub struct WriteTable<'w, K: Key + 'static, V: Value + 'static> {
    of: TableOf<'w, K, V>,
    has_changed: &'w Cell<bool>,
}

/// A table of an engine that is being written.
enum TableOf<'w, K: Key + 'static, V: Value + 'static> {
    /// A table in a file.
    Redb(redb::WriteTable<'w, K, V>),
    /// A table in memory.
    #[cfg(test)]
    Memory(memory::WriteTable<'w>),
}

impl<K: Key + 'static, V: Value + 'static> WriteTable<'_, K, V> {
    /// Writes an entry, over one whose key is the same.
    pub fn put(&mut self, key: View<'_, K>, value: View<'_, V>) -> Result<(), Error> {
        self.has_changed.set(true);
        match &mut self.of {
            TableOf::Redb(table) => drop(table.insert(key, value)?),
            #[cfg(test)]
            TableOf::Memory(table) => table.put::<K, V>(&key, &value),
        }
        Ok(())
    }

    /// Writes entries that come in the order of their keys, over those whose keys are the same: much faster than one by
    /// one where many go between the same two.
    pub fn put_sorted<'e>(&mut self, entries: impl Iterator<Item = (View<'e, K>, View<'e, V>)>) -> Result<(), Error> {
        self.has_changed.set(true);
        match &mut self.of {
            TableOf::Redb(table) => redb::put_sorted(table, entries),
            #[cfg(test)]
            TableOf::Memory(table) => {
                entries.for_each(|(key, value)| table.put::<K, V>(&key, &value));
                Ok(())
            }
        }
    }

    /// Takes an entry away. Answers whether there was one.
    pub fn delete(&mut self, key: View<'_, K>) -> Result<bool, Error> {
        let was_there = match &mut self.of {
            TableOf::Redb(table) => table.remove(key)?.is_some(),
            #[cfg(test)]
            TableOf::Memory(table) => table.delete::<K>(&key),
        };
        if was_there {
            self.has_changed.set(true);
        }
        Ok(was_there)
    }

    /// Takes away the entries whose keys lie in the range.
    pub fn delete_range<'k>(&mut self, range: impl RangeBounds<View<'k, K>> + 'k) -> Result<(), Error> {
        let mut was_there = false;
        match &mut self.of {
            TableOf::Redb(table) => table.retain_in(range, |_, _| {
                was_there = true;
                false
            })?,
            #[cfg(test)]
            TableOf::Memory(table) => was_there = table.delete_range::<K>(&range),
        }
        if was_there {
            self.has_changed.set(true);
        }
        Ok(())
    }
}

impl<K: Key + 'static, V: Value + 'static> Readable<K, V> for WriteTable<'_, K, V> {
    fn get(&self, key: View<'_, K>) -> Result<Option<Guard<'_, V>>, Error> {
        match &self.of {
            TableOf::Redb(table) => Ok(redb::get(table, key)?.map(Guard::Redb)),
            #[cfg(test)]
            TableOf::Memory(table) => Ok(table.get::<K, V>(&key).map(Guard::Memory)),
        }
    }

    fn scan_in<'k>(
        &self,
        direction: Direction,
        range: impl RangeBounds<View<'k, K>> + 'k,
    ) -> Result<Scan<'_, K, V>, Error> {
        match &self.of {
            TableOf::Redb(table) => Ok(Scan::Redb(redb::range(table, range)?, direction)),
            #[cfg(test)]
            TableOf::Memory(table) => Ok(Scan::Memory(table.scan_in(direction, &range))),
        }
    }

    fn is_empty(&self) -> Result<bool, Error> {
        match &self.of {
            TableOf::Redb(table) => redb::is_empty(table),
            #[cfg(test)]
            TableOf::Memory(table) => Ok(table.is_empty()),
        }
    }
}
