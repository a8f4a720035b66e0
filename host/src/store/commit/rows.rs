//! The identities and raw records of a group.

use std::collections::HashMap;

use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};
use redb::{ReadableTable, Table, WriteTransaction};
use uuid::{ContextV7, Uuid};

use super::super::StoreError;
use super::super::identity::{Identity, IdentityRow, SeenAs};
use super::super::keys::{ConnectionNumber, ExternalKey, RecordKey, record};
use super::super::tables::{IDENTITIES, RAW};
use super::{Arrival, MappedBy};
use crate::domain::{RecordKind, Timestamp};

/// The rows of one kind of one connection, and what is to be written of them.
pub(super) struct Rows<'t> {
    pub connection: ConnectionNumber,
    pub kind: RecordKind,
    pub by: MappedBy,
    pub at: Timestamp,
    identities: Table<'t, &'static RecordKey, &'static IdentityRow>,
    raw: Table<'t, &'static RecordKey, &'static [u8]>,
    touched: HashMap<ExternalKey, Identity>,
    ids: ContextV7,
}

impl<'t> Rows<'t> {
    /// Nothing is touched yet.
    pub fn open(
        transaction: &'t WriteTransaction,
        connection: ConnectionNumber,
        kind: RecordKind,
        by: MappedBy,
        at: Timestamp,
    ) -> Result<Self, StoreError> {
        let identities = transaction.open_table(IDENTITIES)?;
        let raw = transaction.open_table(RAW)?;
        Ok(Self { connection, kind, by, at, identities, raw, touched: HashMap::new(), ids: ContextV7::new() })
    }

    /// The key of a record.
    pub fn key(&self, id: ExternalKey) -> RecordKey {
        record(self.connection, self.kind, id)
    }

    /// What the record is now, by what it was mapped now.
    pub fn seen_as(&self, arrival: &Arrival) -> SeenAs {
        SeenAs::new(arrival.fingerprint, self.by.revision, self.by.as_of)
    }

    /// A new id of this moment, greater than those before it: clients of one name stay in the order of their ids in
    /// the CRM, and tables grow at their end.
    pub fn new_id(&self) -> Uuid {
        let since_1970 = self.at.as_duration();
        let seconds = u64::try_from(since_1970.as_secs()).unwrap_or_default();
        let nanos = since_1970.subsec_nanos().unsigned_abs();
        Uuid::new_v7(uuid::Timestamp::from_unix(&self.ids, seconds, nanos))
    }

    /// What is known of a record, as the group has it so far.
    pub fn get(&self, id: ExternalKey) -> Result<Option<Identity>, StoreError> {
        if let Some(identity) = self.touched.get(&id) {
            return Ok(Some(identity.clone()));
        }
        Ok(self.identities.get(&self.key(id))?.map(|row| Identity::from_row(row.value())))
    }

    /// To be written at the end of the group.
    pub fn set(&mut self, id: ExternalKey, identity: Identity) {
        self.touched.insert(id, identity);
    }

    /// Keeps the raw records, compressed.
    pub fn write_raw(&mut self, arrivals: &[Arrival]) -> Result<(), StoreError> {
        let mut table = CompressTable::default();
        let mut packed = Vec::new();
        for arrival in arrivals {
            packed.resize(4 + get_maximum_output_size(arrival.raw.len()), 0);
            let size = u32::try_from(arrival.raw.len())
                .map_err(|_| StoreError::Failed("a raw record of more than 4 GB cannot be kept".to_owned()))?;
            packed[..4].copy_from_slice(&size.to_le_bytes());
            let length = compress_into_with_table(&arrival.raw, &mut packed[4..], &mut table)
                .map_err(|error| StoreError::Failed(error.to_string()))?;
            let key = record(self.connection, self.kind, ExternalKey::from(&arrival.id));
            self.raw.insert(&key, &packed[..4 + length])?;
        }
        Ok(())
    }

    /// Writes what was touched.
    pub fn write_identities(mut self) -> Result<(), StoreError> {
        let mut touched: Vec<_> = self.touched.iter().collect();
        touched.sort_unstable_by_key(|(id, _)| **id);
        for (id, identity) in touched {
            self.identities.insert(&record(self.connection, self.kind, *id), &identity.to_row())?;
        }
        Ok(())
    }
}
