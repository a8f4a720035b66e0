//! Tombstones: the marks by which an erased person, and their records in CRMs, are known again, so that nothing brings
//! them back. Keyed hashes of ids: whoever has the key, which is in the store and in the file of erasures, can try ids one after
//! the other, and read nothing else out of them.

use crate::store::visitor::{Visitor, Whose};
use uuid::Uuid;

use super::StoreError;
use super::engine::{Readable, Snapshot, Table, Write};
use super::erasure_file::{HashKey, entry_text, read_entry};
use super::keys::{ConnectionNumber, ExternalKey, PRACTICE, join, own, span};
use super::sites::{self, Sites};
use crate::domain::privacy::{Erasure, ErasureAct, Tombstone};
use crate::domain::{ClientId, ConnectionName};

/// Erasures by number, as lines of their file; in place of number 0, the key of the hashes.
const ERASURES: Table<(u32, u64), &[u8]> = Table::new("erasures");
/// The number of the erasure, by its tombstones that are in force.
const TOMBSTONES: Table<(u32, [u8; 32]), u64> = Table::new("tombstones");

/// `practice · client · connection · record`: the records of CRMs to which clients were linked until the link was taken
/// back. They are marked with the client.
const UNLINKED_FROM: Table<&UnlinkedKey, ()> = Table::new("unlinked-from");

type UnlinkedKey = [u8; 4 + 16 + 2 + 16];
/// A record's place: its connection, and its id there.
type Place = (ConnectionNumber, ExternalKey);

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(ERASURES, Whose::Nobodys)?;
    visitor.table(TOMBSTONES, Whose::Nobodys)?;
    visitor.table(UNLINKED_FROM, Whose::Nobodys)
}

/// Notes that a client's link to a record was taken back.
pub(super) fn unlinked(transaction: &Write, client: ClientId, (connection, id): Place) -> Result<(), StoreError> {
    let key: UnlinkedKey = join([&PRACTICE.to_be_bytes(), client.0.as_bytes(), &connection.0.to_be_bytes(), &id.0]);
    Ok(transaction.open_table(UNLINKED_FROM)?.put(&key, ())?)
}

/// The records to which a client was linked once.
pub(super) fn unlinked_from(transaction: &Write, client: ClientId) -> Result<Vec<Place>, StoreError> {
    places(&transaction.open_table(UNLINKED_FROM)?, client)
}

/// The same, of a snapshot.
pub(super) fn unlinked_seen(transaction: &Snapshot, client: ClientId) -> Result<Vec<Place>, StoreError> {
    places(&transaction.open_table(UNLINKED_FROM)?, client)
}

fn places(table: &impl Readable<&'static UnlinkedKey, ()>, client: ClientId) -> Result<Vec<Place>, StoreError> {
    let (first, last) = span::<{ size_of::<UnlinkedKey>() }>(&own(client.0));
    let mut found = Vec::new();
    for entry in table.scan(&first..=&last)? {
        found.push(place_of(entry?.0.value()).0);
    }
    Ok(found)
}

fn place_of(key: &UnlinkedKey) -> (Place, Uuid) {
    let (mut client, mut id) = ([0; 16], [0; 16]);
    client.copy_from_slice(&key[4..20]);
    id.copy_from_slice(&key[22..]);
    ((ConnectionNumber(u16::from_be_bytes([key[20], key[21]])), ExternalKey(id)), Uuid::from_bytes(client))
}

/// Forgets to which records a client was linked.
pub(super) fn forget_links(transaction: &Write, client: ClientId) -> Result<(), StoreError> {
    let (first, last) = span::<{ size_of::<UnlinkedKey>() }>(&own(client.0));
    Ok(transaction.open_table(UNLINKED_FROM)?.delete_range(&first..=&last)?)
}

/// The key of the hashes; none before the first erasure.
pub(super) fn key(transaction: &Write) -> Result<Option<HashKey>, StoreError> {
    key_in(&transaction.open_table(ERASURES)?)
}

fn key_in(table: &impl Readable<(u32, u64), &'static [u8]>) -> Result<Option<HashKey>, StoreError> {
    let Some(row) = table.get((PRACTICE, 0))? else { return Ok(None) };
    let key = <[u8; 32]>::try_from(row.value());
    key.map(|key| Some(HashKey(key)))
        .map_err(|error| StoreError::Corrupt { what: "the key of erasures", source: error.into() })
}

/// The same, of a snapshot.
pub(super) fn key_seen(transaction: &Snapshot) -> Result<Option<HashKey>, StoreError> {
    key_in(&transaction.open_table(ERASURES)?)
}

/// Keeps the key.
pub(super) fn put_key(transaction: &Write, key: HashKey) -> Result<(), StoreError> {
    Ok(transaction.open_table(ERASURES)?.put((PRACTICE, 0), key.0.as_slice())?)
}

/// Takes the key away, as stores of before had none until their first erasure.
#[cfg(test)]
pub(super) fn forget_key(transaction: &Write) {
    transaction.open_table(ERASURES).unwrap().delete((PRACTICE, 0)).unwrap();
}

/// All erasures, and the liftings of them, in their order.
pub(super) fn all(table: &impl Readable<(u32, u64), &'static [u8]>) -> Result<Vec<Erasure>, StoreError> {
    let mut found = Vec::new();
    for entry in table.scan((PRACTICE, 1)..=(PRACTICE, u64::MAX))? {
        found.push(read_entry(entry?.1.value())?);
    }
    Ok(found)
}

/// The same, of a transaction that writes.
pub(super) fn all_in(transaction: &Write) -> Result<Vec<Erasure>, StoreError> {
    all(&transaction.open_table(ERASURES)?)
}

/// The same, of a snapshot.
pub(super) fn all_seen(transaction: &Snapshot) -> Result<Vec<Erasure>, StoreError> {
    all(&transaction.open_table(ERASURES)?)
}

/// The number of the last entry; 0 where there is none.
pub(super) fn last_seen(transaction: &Snapshot) -> Result<u64, StoreError> {
    let last = transaction.open_table(ERASURES)?.scan_back((PRACTICE, 0)..=(PRACTICE, u64::MAX))?.next();
    Ok(last.transpose()?.map_or(0, |(key, _)| key.value().1))
}

/// Keeps an entry, and brings its tombstones in force, or takes those of the erasure that it lifts away.
pub(super) fn put(transaction: &Write, erasure: &Erasure) -> Result<(), StoreError> {
    let mut table = transaction.open_table(ERASURES)?;
    table.put((PRACTICE, erasure.number), entry_text(erasure)?.as_bytes())?;
    let mut tombstones = transaction.open_table(TOMBSTONES)?;
    match &erasure.act {
        ErasureAct::Erased { tombstones: marks } => {
            for mark in marks {
                tombstones.put((PRACTICE, mark.0), erasure.number)?;
            }
        }
        ErasureAct::Lifted { erasure: lifted } => {
            let Some(row) = table.get((PRACTICE, *lifted))? else { return Ok(()) };
            if let ErasureAct::Erased { tombstones: marks } = read_entry(row.value())?.act {
                for mark in marks {
                    // Somebody erased once more since keeps the later mark.
                    let is_its_own = tombstones.get((PRACTICE, mark.0))?.is_some_and(|of| of.value() == *lifted);
                    if is_its_own {
                        tombstones.delete((PRACTICE, mark.0))?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// The marks of a record: by its connection's name, which is the same in an older copy of the store, and by the connection's site.
pub(super) fn of_record<'s>(
    key: HashKey,
    sites: &'s Sites,
    connection: &ConnectionName,
    id: ExternalKey,
) -> impl Iterator<Item = Tombstone> + use<'s> {
    let at_sites = sites.get(connection).into_iter().flatten().map(move |site| key.of_record_at(site, id));
    std::iter::once(key.of_record(connection, id)).chain(at_sites)
}

/// Knows erased people and records again.
pub(super) struct Marks<T> {
    key: HashKey,
    sites: Sites,
    table: T,
}

impl<T: Readable<(u32, [u8; 32]), u64>> Marks<T> {
    /// Whether the record under this key was erased, by whatever connection its site was read then.
    pub fn has_record(&self, connection: &ConnectionName, id: ExternalKey) -> Result<bool, StoreError> {
        for mark in of_record(self.key, &self.sites, connection, id) {
            if self.has(mark)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the client of this id was erased.
    pub fn has_client(&self, client: ClientId) -> Result<bool, StoreError> {
        self.has(self.key.of_client(client))
    }

    fn has(&self, mark: Tombstone) -> Result<bool, StoreError> {
        Ok(self.table.get((PRACTICE, mark.0))?.is_some())
    }
}

/// The marks in force, as a table of them is read.
type InForce<T> = Result<Option<Marks<T>>, StoreError>;

/// The marks in force; none where nobody is erased, so that nobody has to be looked for.
pub(super) fn marks(transaction: &Write) -> InForce<impl Readable<(u32, [u8; 32]), u64>> {
    let table = transaction.open_table(TOMBSTONES)?;
    if table.is_empty()? {
        return Ok(None);
    }
    let sites = sites::all(transaction)?;
    Ok(key(transaction)?.map(|key| Marks { key, sites, table }))
}

/// The same, of a snapshot.
pub(super) fn marks_seen(transaction: &Snapshot) -> InForce<impl Readable<(u32, [u8; 32]), u64>> {
    let table = transaction.open_table(TOMBSTONES)?;
    if table.is_empty()? {
        return Ok(None);
    }
    let sites = sites::all_seen(transaction)?;
    Ok(key_in(&transaction.open_table(ERASURES)?)?.map(|key| Marks { key, sites, table }))
}
