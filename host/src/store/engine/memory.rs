//! The engine of tests: tables of ordered bytes in memory, as a database in another process would keep them.

mod key;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, Condvar, Mutex};

pub use key::Key;

use super::{Direction, Error, Value, View};

type Bytes = Arc<[u8]>;
type Rows = BTreeMap<Bytes, Bytes>;
type Tables = BTreeMap<&'static str, Arc<Rows>>;

/// The database in memory. Copies are the same one, which lasts as long as one of them: to open it anew is to copy it.
#[derive(Clone, Default)]
pub struct Engine(Arc<Shared>);

#[derive(Default)]
struct Shared {
    committed: Mutex<Tables>,
    is_written: Mutex<bool>,
    written: Condvar,
}

impl Engine {
    /// A snapshot of what is committed.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.0.committed.lock().unwrap().clone())
    }

    /// The names of all tables.
    pub fn tables(&self) -> Vec<&'static str> {
        self.snapshot().0.into_keys().collect()
    }

    /// All rows as they are kept, with their table: for those who look for what should not be there.
    pub fn rows(&self) -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
        let of = |(name, rows): (&'static str, Arc<Rows>)| {
            let row = move |(key, value): (&Bytes, &Bytes)| (name, key.to_vec(), value.to_vec());
            rows.iter().map(row).collect::<Vec<_>>()
        };
        self.snapshot().0.into_iter().flat_map(of).collect()
    }

    /// Begins to write, as soon as nobody else does.
    pub fn write(&self) -> Write {
        let shared = Arc::clone(&self.0);
        let free = shared.written.wait_while(shared.is_written.lock().unwrap(), |is_written| *is_written);
        *free.unwrap() = true;
        let tables = self.snapshot().0.into_iter().map(|(name, rows)| (name, Some(rows))).collect();
        Write { shared, tables: RefCell::new(tables) }
    }
}

/// The tables as they were committed when the snapshot was taken.
pub struct Snapshot(Tables);

impl Snapshot {
    pub fn open_table(&self, name: &'static str) -> Result<ReadTable, Error> {
        let rows = self.0.get(name).ok_or_else(|| Error::Misused(format!("there is no table {name}").into()))?;
        Ok(ReadTable(Arc::clone(rows)))
    }
}

/// The tables that are being written, and nothing in place of one that is open.
pub struct Write {
    shared: Arc<Shared>,
    tables: RefCell<BTreeMap<&'static str, Option<Arc<Rows>>>>,
}

impl Write {
    pub fn open_table(&self, name: &'static str) -> Result<WriteTable<'_>, Error> {
        let rows = self.tables.borrow_mut().entry(name).or_insert_with(|| Some(Arc::default())).take();
        let rows = rows.ok_or_else(|| Error::Misused(format!("the table {name} is open already").into()))?;
        Ok(WriteTable { name, table: ReadTable(rows), of: self })
    }

    pub fn has_table(&self, name: &str) -> bool {
        self.tables.borrow().contains_key(name)
    }

    pub fn delete_table(&self, name: &str) {
        self.tables.borrow_mut().remove(name);
    }

    pub fn commit(self) {
        let rows = |(name, rows)| Some((name, rows?));
        let written = std::mem::take(&mut *self.tables.borrow_mut()).into_iter().filter_map(rows).collect();
        *self.shared.committed.lock().unwrap() = written;
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        *self.shared.is_written.lock().unwrap() = false;
        self.shared.written.notify_one();
    }
}

/// A table to be read.
pub struct ReadTable(Arc<Rows>);

impl ReadTable {
    pub fn get<K: Key, V: Value + 'static>(&self, key: &View<'_, K>) -> Option<Guard<V>> {
        self.0.get(&ordered::<K>(key)).map(Guard::of_value)
    }

    pub fn scan_in<'a, 'k, K: Key, V: Value + 'static>(
        &self,
        direction: Direction,
        range: &impl RangeBounds<View<'k, K>>,
    ) -> Scan<'a, K, V> {
        let (first, last) = bounds::<K>(range);
        Scan { rows: Arc::clone(&self.0), first, last, direction, of: PhantomData }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A table to be written. Closed when it is dropped.
pub struct WriteTable<'w> {
    name: &'static str,
    table: ReadTable,
    of: &'w Write,
}

impl WriteTable<'_> {
    pub fn put<K: Key, V: Value + 'static>(&mut self, key: &View<'_, K>, value: &View<'_, V>) {
        self.rows().insert(ordered::<K>(key), V::as_bytes(value).as_ref().into());
    }

    pub fn delete<K: Key>(&mut self, key: &View<'_, K>) -> bool {
        self.rows().remove(&ordered::<K>(key)).is_some()
    }

    pub fn delete_range<'k, K: Key>(&mut self, range: &impl RangeBounds<View<'k, K>>) -> bool {
        let (range, rows) = (bounds::<K>(range), self.rows());
        let before = rows.len();
        rows.retain(|key, _| !range.contains(key));
        rows.len() < before
    }

    fn rows(&mut self) -> &mut Rows {
        Arc::make_mut(&mut self.table.0)
    }
}

impl std::ops::Deref for WriteTable<'_> {
    type Target = ReadTable;

    fn deref(&self) -> &ReadTable {
        &self.table
    }
}

impl Drop for WriteTable<'_> {
    fn drop(&mut self) {
        self.of.tables.borrow_mut().insert(self.name, Some(Arc::clone(&self.table.0)));
    }
}

/// Entries of a range, each looked up behind the one before.
pub struct Scan<'a, K, V> {
    rows: Arc<Rows>,
    first: Bound<Bytes>,
    last: Bound<Bytes>,
    direction: Direction,
    of: PhantomData<&'a (K, V)>,
}

impl<K: Key, V: Value + 'static> Iterator for Scan<'_, K, V> {
    type Item = (Guard<K>, Guard<V>);

    fn next(&mut self) -> Option<Self::Item> {
        if let (Bound::Included(first) | Bound::Excluded(first), Bound::Included(last) | Bound::Excluded(last)) =
            (&self.first, &self.last)
            && (first > last || first == last && matches!(self.first, Bound::Excluded(_)))
        {
            return None;
        }
        let mut rest = self.rows.range((self.first.clone(), self.last.clone()));
        let (key, value) = match self.direction {
            Direction::Forward => rest.next()?,
            Direction::Backward => rest.next_back()?,
        };
        match self.direction {
            Direction::Forward => self.first = Bound::Excluded(Arc::clone(key)),
            Direction::Backward => self.last = Bound::Excluded(Arc::clone(key)),
        }
        Some((Guard { bytes: Arc::clone(key), read: |mut bytes| K::read(&mut bytes) }, Guard::of_value(value)))
    }
}

/// A value that was read, or a key that was.
pub struct Guard<V: Value + 'static> {
    bytes: Bytes,
    read: for<'b> fn(&'b [u8]) -> View<'b, V>,
}

impl<V: Value + 'static> Guard<V> {
    fn of_value(bytes: &Bytes) -> Self {
        Self { bytes: Arc::clone(bytes), read: |bytes| V::from_bytes(bytes) }
    }

    pub fn value(&self) -> View<'_, V> {
        (self.read)(&self.bytes)
    }
}

fn ordered<K: Key>(key: &View<'_, K>) -> Bytes {
    let mut bytes = Vec::new();
    K::write(key, &mut bytes);
    bytes.into()
}

fn bounds<'k, K: Key>(range: &impl RangeBounds<View<'k, K>>) -> (Bound<Bytes>, Bound<Bytes>) {
    (range.start_bound().map(ordered::<K>), range.end_bound().map(ordered::<K>))
}
