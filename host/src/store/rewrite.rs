//! Writing the store's file anew after an erasure. The engine gives pages up without wiping them: what was erased could be read
//! in the file, by whoever has it, until the pages are used for something else.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::engine::{Engine, Key, Snapshot, Table, UNFINISHED, Value};
use super::space::Space;
use super::visitor::{Visitor, Whose};
use super::{StoreError, catalogue, subject_keys, tombstones};

/// The rows that one transaction writes at most, and their bytes.
const BATCH: (usize, usize) = (50_000, 32 << 20);

/// Writes the file anew where somebody was erased since it was written; answers the engine of the new one. A disk without room for
/// it is told in the log, and the file left until the next start.
///
/// # Errors
/// Returns what the disk said; the file is as it was then.
pub(super) fn after_erasures(engine: Engine, file: &Path, space: &Space) -> Result<Engine, StoreError> {
    let snapshot = engine.snapshot()?;
    let last = tombstones::all_seen(&snapshot)?.last().map_or(0, |last| last.number);
    if subject_keys::rewritten(&snapshot)? >= last {
        return Ok(engine);
    }
    let failed = |source: io::Error| StoreError::Disk { path: file.to_owned(), source };
    if let Err(error) = space.admit_file(fs::metadata(file).map_err(failed)?.len()) {
        tracing::warn!(%error, "the store's file is not written anew: what was erased can be read in its free pages until it is");
        return Ok(engine);
    }
    let unfinished = file.with_file_name(UNFINISHED);
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(failed)?;
    let anew = Engine::open(&unfinished)?;
    catalogue::visit(&mut Copying { from: &snapshot, to: &anew })?;
    let transaction = anew.write()?;
    subject_keys::is_rewritten(&transaction, last)?;
    transaction.commit()?;
    // Both are held until the new one has the name: no other process gets in between.
    let named = fs::rename(&unfinished, file).and_then(|()| File::open(file.parent().unwrap_or(file))?.sync_all());
    named.map_err(failed)?;
    tracing::info!("the store's file was written anew: what was erased is in it no more");
    Ok(anew)
}

/// Copies each table as it is.
struct Copying<'e> {
    from: &'e Snapshot,
    to: &'e Engine,
}

impl Visitor for Copying<'_> {
    fn table<K: Key + 'static, V: Value + 'static>(&mut self, table: Table<K, V>, _: Whose) -> Result<(), StoreError> {
        let mut rows = self.from.open_table(table)?.scan(..)?;
        loop {
            let (mut count, mut bytes) = (0, 0);
            let transaction = self.to.write()?;
            {
                let mut written = transaction.open_table(table)?;
                while count < BATCH.0 && bytes < BATCH.1 {
                    let Some(row) = rows.next() else { break };
                    let (key, value) = row?;
                    let (key, value) = (key.value(), value.value());
                    bytes += V::as_bytes(&value).as_ref().len();
                    written.put(key, value)?;
                    count += 1;
                }
            }
            transaction.commit()?;
            if count < BATCH.0 && bytes < BATCH.1 {
                return Ok(());
            }
        }
    }
}
