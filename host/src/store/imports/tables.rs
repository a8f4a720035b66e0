//! The tables of identity lists.

use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};

use crate::domain::ImportId;
use crate::domain::import::{Applied, Import, ImportCounts, ImportRow, RowStatus};
use crate::store::StoreError;
use crate::store::keys::{OwnKey, join, own};
use crate::store::tables::{decode, encode};

/// Lists: `Import`.
pub(super) const IMPORTS: TableDefinition<'_, &[u8; 20], &[u8]> = TableDefinition::new("imports");

/// Rows: `practice · list · number`. The value begins with the status, by which lists are filtered.
pub(super) const IMPORT_ROWS: TableDefinition<'_, &[u8; 24], &[u8]> = TableDefinition::new("import-rows");

/// Makes the tables that are missing.
pub(in crate::store) fn make_tables(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(IMPORTS)?;
    transaction.open_table(IMPORT_ROWS)?;
    Ok(())
}

pub(super) fn get(
    table: &impl ReadableTable<&'static OwnKey, &'static [u8]>,
    id: ImportId,
) -> Result<Option<Import>, StoreError> {
    table.get(&own(id.0))?.map(|import| decode(import.value())).transpose()
}

pub(super) fn put(transaction: &WriteTransaction, import: &Import) -> Result<(), StoreError> {
    transaction.open_table(IMPORTS)?.insert(&own(import.id.0), encode(import)?.as_slice())?;
    Ok(())
}

pub(super) fn row_key(id: ImportId, number: u32) -> [u8; 24] {
    join([&own(id.0), &number.to_be_bytes()])
}

pub(super) fn put_row(
    table: &mut Table<'_, &'static [u8; 24], &'static [u8]>,
    id: ImportId,
    row: &ImportRow,
) -> Result<(), StoreError> {
    let mut value = vec![row.status as u8];
    value.extend(encode(row)?);
    table.insert(&row_key(id, row.number), value.as_slice())?;
    Ok(())
}

/// The rows after a number, in their order.
pub(super) fn rows_of<T: ReadableTable<&'static [u8; 24], &'static [u8]>>(
    table: &T,
    id: ImportId,
    after: u32,
) -> Result<redb::Range<'_, &'static [u8; 24], &'static [u8]>, StoreError> {
    let (first, last) = (row_key(id, after.saturating_add(1)), row_key(id, u32::MAX));
    Ok(table.range::<&[u8; 24]>(&first..=&last)?)
}

/// Counts a row in (`by` 1) or out (`by` -1).
pub(super) fn counted(counts: &mut ImportCounts, row: &ImportRow, by: i64) {
    let add = |count: &mut u64| *count = count.saturating_add_signed(by);
    add(&mut counts.rows);
    match row.status {
        RowStatus::Ready => add(&mut counts.ready),
        RowStatus::NeedsDecision => {
            add(&mut counts.needs_decision);
            if row.decision.is_none() {
                add(&mut counts.undecided);
            }
        }
        RowStatus::CannotBeImported => add(&mut counts.cannot_be_imported),
    }
    match row.applied {
        Some(Applied::Linked(_)) => add(&mut counts.linked),
        Some(Applied::NotLinked(_)) => add(&mut counts.not_linked),
        None => {}
    }
}
