//! Lists of clients' own records, such as their addresses, that held entries and that the CRM shows empty: what they held
//! is kept until two complete walks in a row found them so.
//!
//! Only what came empty has a row here, so that a walk looks at nothing for records that are whole.

use crate::store::visitor::{Visitor, Whose};
use std::collections::BTreeMap;

use super::super::keys::{ConnectionNumber, ExternalKey, PRACTICE, RecordKey, join, record, span};
use super::super::raw::unpack;
use super::super::rows::{decode, encode};
use super::super::tables::RAW;
use super::super::{Store, StoreError};
use super::IncomingRecord;
use super::pending::Pending;
use crate::domain::absence::Threshold;
use crate::domain::listed::AbsenceEvidence;
use crate::domain::run::{LISTS_EMPTY, Run, Trigger};
use crate::domain::{ExternalId, RecordKind, RunId};
use crate::store::connection_numbers::number_of;
use crate::store::engine::{Readable, Table, Write};

/// [`AbsenceEvidence`] by the record and the list's name.
const EMPTIED: Table<(&RecordKey, &str), &[u8]> = Table::new("emptied-lists");

/// The text that sorts behind every name of a list.
const AFTER_ALL: &str = "\u{10ffff}";

/// The kept values of a record of which lists came empty.
#[derive(Debug)]
pub struct KeptLists {
    /// The raw record as it is kept.
    pub raw: Vec<u8>,
    /// The lists of which it is not proven that they are empty.
    pub unproven: Vec<String>,
}

/// Goes through the tables.
pub(in crate::store) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(EMPTIED, Whose::OfRecord { connection: 4, kind: Some(6), id: 7 })
}

/// Forgets what is known of a record's lists.
pub(in crate::store) fn forget(transaction: &Write, key: &RecordKey) -> Result<(), StoreError> {
    Ok(transaction.open_table(EMPTIED)?.delete_range((key, "")..=(key, AFTER_ALL))?)
}

impl Store {
    /// The kept lists of records whose lists came empty, as `walk` or a client's own sync read them; none where nothing
    /// is kept.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn kept_lists(
        &self,
        run: &Run,
        kind: RecordKind,
        records: Vec<(ExternalId, Vec<String>)>,
    ) -> Result<Vec<Option<KeptLists>>, StoreError> {
        let (connection, is_walk) = (run.connection.clone(), run.trigger != Trigger::Client);
        self.read(move |transaction| {
            let Some(connection) = number_of(transaction, &connection)? else { return Ok(Vec::new()) };
            let (raw, emptied) = (transaction.open_table(RAW)?, transaction.open_table(EMPTIED)?);
            let mut kept = Vec::with_capacity(records.len());
            for (id, mut unproven) in records {
                let key = record(connection, kind, ExternalKey::from(&id));
                for (name, unseen) in of_record(&emptied, &key)? {
                    unproven.retain(|list| *list != name || !is_walk || !unseen.is_nearly_proven());
                }
                // One that cannot be unpacked is a record that cannot be read.
                let raw = raw.get(&key)?.map(|raw| unpack(raw.value()).unwrap_or_default());
                kept.push(raw.map(|raw| KeptLists { raw, unproven }));
            }
            Ok(kept)
        })
        .await
    }
}

/// Notes which lists of these records came empty, and takes away the note of those that did not, or were mapped so.
pub(super) fn note(
    transaction: &Write,
    rows: &Pending<'_>,
    incoming_records: &[IncomingRecord],
    walk: Option<RunId>,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(EMPTIED)?;
    if table.is_empty()? && incoming_records.iter().all(|incoming| incoming.emptied.is_empty()) {
        return Ok(());
    }
    for incoming in incoming_records {
        let key = rows.key(ExternalKey::from(&incoming.id));
        let before = of_record(&table, &key)?;
        for (name, _) in before.iter().filter(|(name, _)| !incoming.emptied.contains(name)) {
            table.delete((&key, name.as_str()))?;
        }
        for name in &incoming.emptied {
            let known = before.iter().find(|(known, _)| known == name).map(|(_, unseen)| *unseen);
            let now = known.unwrap_or_default().again(walk);
            table.put((&key, name.as_str()), encode(&now)?.as_slice())?;
        }
    }
    Ok(())
}

/// Counts a walk's end for all that it found empty. A list that is empty for more clients than may go at once is not
/// counted: a right was withdrawn then, and what the lists held is kept until it is given back.
pub(in crate::store) fn count(
    transaction: &Write,
    connection: ConnectionNumber,
    run: &mut Run,
    threshold: Threshold,
) -> Result<(), StoreError> {
    let walk = run.id;
    let most = threshold.of(run.counts.seen);
    let mut table = transaction.open_table(EMPTIED)?;
    let of_connection: [u8; 6] = join([&PRACTICE.to_be_bytes(), &connection.0.to_be_bytes()]);
    let (first, last) = span::<{ size_of::<RecordKey>() }>(&of_connection);
    let mut counted: BTreeMap<String, (u64, Vec<(RecordKey, AbsenceEvidence)>)> = BTreeMap::new();
    for entry in table.scan((&first, "")..=(&last, AFTER_ALL))? {
        let (key, before) = entry?;
        let (key, name) = key.value();
        let before: AbsenceEvidence = decode(before.value())?;
        let now = before.counted(walk);
        if now != before {
            let (number, records) = counted.entry(name.to_owned()).or_default();
            *number += 1;
            // As many as may go are held in memory, not the book.
            if *number <= most { records.push((*key, now)) } else { records.clear() }
        }
    }
    for (name, (number, records)) in counted {
        if number > most {
            *run.counts.doubts.entry(LISTS_EMPTY.to_owned()).or_default() += number;
            continue;
        }
        for (key, now) in records {
            table.put((&key, name.as_str()), encode(&now)?.as_slice())?;
        }
    }
    Ok(())
}

fn of_record(
    table: &impl Readable<(&'static RecordKey, &'static str), &'static [u8]>,
    key: &RecordKey,
) -> Result<Vec<(String, AbsenceEvidence)>, StoreError> {
    let mut found = Vec::new();
    for entry in table.scan((key, "")..=(key, AFTER_ALL))? {
        let (key, unseen) = entry?;
        found.push((key.value().1.to_owned(), decode(unseen.value())?));
    }
    Ok(found)
}
