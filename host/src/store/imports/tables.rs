//! The tables of identity lists.

use crate::domain::import::{Import, ImportCounts, ImportRow, ImportState, ListSource};
use crate::domain::{ConnectionName, ImportId, Timestamp};
use crate::store::StoreError;
use crate::store::engine::{ReadTable, Readable, Scan, Snapshot, Table, Write, WriteTable};
use crate::store::keys::{OwnKey, join, own, span};
use crate::store::rows::{decode, encode, rows};
use crate::store::subject::Subject;
use crate::store::subject_keys;
use crate::store::tables::IMPORTS;
use crate::store::visitor::{Visitor, Whose};

type ReadOnlyOwn = ReadTable<&'static OwnKey, &'static [u8]>;
type ReadOnlyRows = ReadTable<&'static [u8; 24], &'static [u8]>;

/// The details of lists since rows are counted by their outcome and lines of files accounted for: `DetailRecord`.
const IMPORT_DETAILS: Table<&[u8; 20], &[u8]> = Table::new("import-details");

/// Rows: `practice · list · number`. The value begins with the status, by which lists are filtered.
pub(super) const IMPORT_ROWS: Table<&[u8; 24], &[u8]> = Table::new("import-rows");

/// Goes through the tables.
pub(in crate::store) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(IMPORTS, Whose::Nobodys)?;
    visitor.table(IMPORT_DETAILS, Whose::Nobodys)?;
    visitor.table(IMPORT_ROWS, Whose::OfRow(Subject::listed_row))
}

/// A list as [`IMPORTS`] keeps it.
struct ImportRecord {
    id: ImportId,
    connection: ConnectionName,
    file_name: String,
    by: String,
    state: ImportState,
    counts: CountsRecord,
    created_at: Timestamp,
    applied_at: Option<Timestamp>,
}

/// The counts that [`IMPORTS`] keeps.
struct CountsRecord {
    rows: u64,
    ready: u64,
    needs_decision: u64,
    undecided: u64,
    cannot_be_imported: u64,
    linked: u64,
    not_linked: u64,
}

/// The rest of a list.
struct DetailRecord {
    to_link: u64,
    left_out: u64,
    source: Option<ListSource>,
}

rows! {
    ImportRecord {
        0: id,
        1: connection,
        2: file_name,
        3: by,
        4: state,
        5: counts,
        6: created_at,
        7: applied_at,
    }
    CountsRecord {
        0: rows,
        1: ready,
        2: needs_decision,
        3: undecided,
        4: cannot_be_imported,
        5: linked,
        6: not_linked,
    }
    DetailRecord { 0: to_link, 1: left_out, 2: source }
}

/// The tables of lists, to be read.
pub(super) struct Lists<T, R> {
    imports: T,
    details: T,
    rows: R,
}

impl<T, R> Lists<T, R>
where
    T: Readable<&'static OwnKey, &'static [u8]>,
    R: Readable<&'static [u8; 24], &'static [u8]>,
{
    /// One list.
    pub(super) fn get(&self, id: ImportId) -> Result<Option<Import>, StoreError> {
        let record = self.imports.get(&own(id.0))?.map(|record| decode(record.value())).transpose()?;
        record.map(|record| self.whole(record)).transpose()
    }

    /// Lists with these keys, newest first, one more than `most` at most.
    pub(super) fn newest(&self, keys: (OwnKey, OwnKey), most: usize) -> Result<Vec<Import>, StoreError> {
        let (first, last) = keys;
        let entries = self.imports.scan_back(&first..&last)?.take(most);
        entries.map(|entry| self.whole(decode(entry?.1.value())?)).collect()
    }

    fn whole(&self, record: ImportRecord) -> Result<Import, StoreError> {
        let ImportRecord { id, connection, file_name, by, state, counts, created_at, applied_at } = record;
        let detail = self.details.get(&own(id.0))?.map(|detail| decode::<DetailRecord>(detail.value())).transpose()?;
        let (counts, source) = match detail {
            Some(DetailRecord { to_link, left_out, source }) => {
                let CountsRecord { rows, ready, needs_decision, undecided, cannot_be_imported, linked, not_linked } =
                    counts;
                let counts = ImportCounts {
                    rows,
                    ready,
                    needs_decision,
                    to_link,
                    undecided,
                    left_out,
                    linked,
                    not_linked,
                    cannot_be_imported,
                };
                (counts, source)
            }
            // A list of before there were details.
            None => (self.counted(id)?, None),
        };
        Ok(Import { id, connection, file_name, by, state, counts, source, created_at, applied_at })
    }

    fn counted(&self, id: ImportId) -> Result<ImportCounts, StoreError> {
        let mut counts = ImportCounts::default();
        for entry in rows_of(&self.rows, id, 0)? {
            counts.add(&decode(&entry?.1.value()[1..])?, 1);
        }
        Ok(counts)
    }
}

/// The tables in a transaction that reads.
pub(super) fn read(transaction: &Snapshot) -> Result<Lists<ReadOnlyOwn, ReadOnlyRows>, StoreError> {
    Ok(Lists {
        imports: transaction.open_table(IMPORTS)?,
        details: transaction.open_table(IMPORT_DETAILS)?,
        rows: transaction.open_table(IMPORT_ROWS)?,
    })
}

/// A list, in a transaction that writes.
pub(super) fn get(transaction: &Write, id: ImportId) -> Result<Option<Import>, StoreError> {
    let lists = Lists {
        imports: transaction.open_table(IMPORTS)?,
        details: transaction.open_table(IMPORT_DETAILS)?,
        rows: transaction.open_table(IMPORT_ROWS)?,
    };
    lists.get(id)
}

/// Counts the rows of each list anew, where some are gone.
pub(in crate::store) fn recount(transaction: &Write) -> Result<(), StoreError> {
    let mut ids = Vec::new();
    for entry in transaction.open_table(IMPORTS)?.scan(..)? {
        ids.push(decode::<ImportRecord>(entry?.1.value())?.id);
    }
    for id in ids {
        let Some(import) = get(transaction, id)? else { continue };
        let mut counts = ImportCounts::default();
        for entry in rows_of(&transaction.open_table(IMPORT_ROWS)?, id, 0)? {
            counts.add(&decode(&entry?.1.value()[1..])?, 1);
        }
        put(transaction, &Import { counts, ..import })?;
    }
    Ok(())
}

/// Lists that are being read, and when they came.
pub(super) fn being_read(transaction: &Write) -> Result<Vec<(ImportId, Timestamp)>, StoreError> {
    let mut found = Vec::new();
    for entry in transaction.open_table(IMPORTS)?.scan(..)? {
        let record: ImportRecord = decode(entry?.1.value())?;
        if record.state == ImportState::Reading {
            found.push((record.id, record.created_at));
        }
    }
    Ok(found)
}

pub(super) fn put(transaction: &Write, import: &Import) -> Result<(), StoreError> {
    let Import { id, connection, file_name, by, state, counts, source, created_at, applied_at } = import.clone();
    let ImportCounts { rows, ready, needs_decision, undecided, cannot_be_imported, linked, not_linked, .. } = counts;
    let detail = DetailRecord { to_link: counts.to_link, left_out: counts.left_out, source };
    let counts = CountsRecord { rows, ready, needs_decision, undecided, cannot_be_imported, linked, not_linked };
    let record = ImportRecord { id, connection, file_name, by, state, counts, created_at, applied_at };
    transaction.open_table(IMPORTS)?.put(&own(id.0), encode(&record)?.as_slice())?;
    transaction.open_table(IMPORT_DETAILS)?.put(&own(id.0), encode(&detail)?.as_slice())?;
    Ok(())
}

/// Forgets a list and its rows. False where there is none.
pub(super) fn forget(transaction: &Write, id: ImportId) -> Result<bool, StoreError> {
    let (first, last) = span::<24>(&own(id.0));
    let mut rows = transaction.open_table(IMPORT_ROWS)?;
    let subjects = rows.scan(&first..=&last)?.map(|entry| Ok(Subject::listed_row(entry?.0.value())));
    let subjects = subjects.collect::<Result<Vec<_>, StoreError>>()?;
    subject_keys::forget(transaction, subjects)?;
    rows.delete_range(&first..=&last)?;
    transaction.open_table(IMPORT_DETAILS)?.delete(&own(id.0))?;
    Ok(transaction.open_table(IMPORTS)?.delete(&own(id.0))?)
}

pub(super) fn row_key(id: ImportId, number: u32) -> [u8; 24] {
    join([&own(id.0), &number.to_be_bytes()])
}

pub(super) fn put_row(
    table: &mut WriteTable<'_, &'static [u8; 24], &'static [u8]>,
    id: ImportId,
    row: &ImportRow,
) -> Result<(), StoreError> {
    let mut value = vec![row.status as u8];
    value.extend(encode(row)?);
    table.put(&row_key(id, row.number), value.as_slice())?;
    Ok(())
}

/// The rows after a number, in their order.
pub(super) fn rows_of<T: Readable<&'static [u8; 24], &'static [u8]>>(
    table: &T,
    id: ImportId,
    after: u32,
) -> Result<Scan<'_, &'static [u8; 24], &'static [u8]>, StoreError> {
    let (first, last) = (row_key(id, after.saturating_add(1)), row_key(id, u32::MAX));
    Ok(table.scan(&first..=&last)?)
}
