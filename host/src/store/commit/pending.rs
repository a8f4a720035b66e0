//! The identities and raw records of a group, as they are known and as they are to be written at its end.

use std::cell::Cell;
use std::collections::HashMap;

use uuid::Uuid;

use super::super::StoreError;
use super::super::identity::{ContentVersion, Identity};
use super::super::keys::{ConnectionNumber, ExternalKey, RecordKey, record};
use super::super::raw::PackedRaw;
use super::{IncomingRecord, MappedBy};
use crate::domain::{RecordKind, Timestamp};
use crate::store::engine::{Readable, Write, WriteTable};
use crate::store::tables::{IDENTITIES, IdentityRow, RAW};

/// The rows of one kind of one connection, and what is to be written of them.
pub(super) struct Pending<'t> {
    pub connection: ConnectionNumber,
    pub kind: RecordKind,
    pub by: MappedBy,
    pub at: Timestamp,
    identities: WriteTable<'t, &'static RecordKey, &'static IdentityRow>,
    raw: WriteTable<'t, &'static RecordKey, &'static [u8]>,
    known: HashMap<ExternalKey, PendingIdentity>,
    ids_given: Cell<u64>,
}

/// The identity of a record, as the group has it so far.
struct PendingIdentity {
    identity: Option<Identity>,
    is_changed: bool,
}

impl<'t> Pending<'t> {
    /// The identities of the incoming records; nothing is changed yet.
    pub fn open(
        transaction: &'t Write,
        connection: ConnectionNumber,
        kind: RecordKind,
        (by, at): (MappedBy, Timestamp),
        incoming_records: &[IncomingRecord],
    ) -> Result<Self, StoreError> {
        let identities = transaction.open_table(IDENTITIES)?;
        let raw = transaction.open_table(RAW)?;
        let mut known = HashMap::with_capacity(incoming_records.len() * 2);
        let keys: Vec<RecordKey> =
            incoming_records.iter().map(|incoming| record(connection, kind, ExternalKey::from(&incoming.id))).collect();
        for (incoming, row) in incoming_records.iter().zip(identities.get_many(&keys)) {
            let identity = row?.map(|row| Identity::from_row(row.value()));
            known.insert(ExternalKey::from(&incoming.id), PendingIdentity { identity, is_changed: false });
        }
        // Ids of a group follow one another from a random one on, which leaves room for as many as there may be.
        let ids_given = Cell::new(rand::random::<u64>() >> 8);
        Ok(Self { connection, kind, by, at, identities, raw, known, ids_given })
    }

    /// The key of a record.
    pub fn key(&self, id: ExternalKey) -> RecordKey {
        record(self.connection, self.kind, id)
    }

    /// The content version of the record now, by what it was mapped now.
    pub fn content_version(&self, incoming: &IncomingRecord) -> ContentVersion {
        // One that was not mapped as it came is mapped again, whatever it is then.
        if !incoming.emptied.is_empty() {
            return ContentVersion::NEVER;
        }
        ContentVersion::new(incoming.fingerprint, self.by.revision, self.by.as_of)
    }

    /// A new id of this moment, greater than those before it: clients of one name stay in the order of their ids in
    /// the CRM, and tables grow at their end.
    pub fn new_id(&self) -> Uuid {
        let given = self.ids_given.get();
        self.ids_given.set(given + 1);
        let mut random = [0; 10];
        random[2..].copy_from_slice(&given.to_be_bytes());
        let millis = u64::try_from(self.at.as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// The identity of a record, as the group has it so far.
    pub fn get(&self, id: ExternalKey) -> Result<Option<Identity>, StoreError> {
        if let Some(known) = self.known.get(&id) {
            return Ok(known.identity.clone());
        }
        Ok(self.identities.get(&self.key(id))?.map(|row| Identity::from_row(row.value())))
    }

    /// The practice's id of the client with this id in the CRM, who is in the book.
    pub fn client_of(&self, id: ExternalKey) -> Result<Option<Uuid>, StoreError> {
        let row = self.identities.get(&record(self.connection, RecordKind::Client, id))?;
        let identity = row.map(|row| Identity::from_row(row.value()));
        Ok(identity.filter(|identity| identity.in_book).and_then(|identity| identity.client))
    }

    /// Sets the identity that is written at the end of the group.
    pub fn set(&mut self, id: ExternalKey, identity: Identity) {
        self.known.insert(id, PendingIdentity { identity: Some(identity), is_changed: true });
    }

    /// Keeps the raw records, and takes them from the incoming records: the rest of the commit has the memory. Of one that could
    /// not be put together, what is kept stays.
    pub fn write_raw(&mut self, incoming_records: &mut [IncomingRecord]) -> Result<(), StoreError> {
        let (connection, kind) = (self.connection, self.kind);
        let row = |incoming: &mut IncomingRecord| {
            (record(connection, kind, ExternalKey::from(&incoming.id)), std::mem::take(&mut incoming.raw))
        };
        let came = incoming_records.iter_mut().filter(|incoming| incoming.raw.size() > 0);
        let rows: Vec<(RecordKey, PackedRaw)> = came.map(row).collect();
        Ok(self.raw.put_sorted(rows.iter().map(|(key, raw)| (key, raw.as_bytes())))?)
    }

    /// Writes what was changed.
    pub fn write_identities(mut self) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(self.known.len());
        for (id, known) in &self.known {
            if let PendingIdentity { identity: Some(identity), is_changed: true } = known {
                rows.push((record(self.connection, self.kind, *id), identity.to_row()));
            }
        }
        rows.sort_unstable_by_key(|(key, _)| *key);
        Ok(self.identities.put_sorted(rows.iter().map(|(key, row)| (key, row)))?)
    }
}
