//! Writing the store's file anew after an erasure. The engine gives pages up without wiping them: what was erased could be read
//! in the file, by whoever has it, until the pages are used for something else.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use super::engine::{Engine, Key, Snapshot, Table, UNFINISHED, Value};
use super::space::Space;
use super::visitor::{Visitor, Whose};
use super::{StoreError, catalogue, subject_keys, tombstones};

/// The rows that one transaction writes at most, and their bytes.
const BATCH: (usize, usize) = (50_000, 32 << 20);

/// Writes the file anew where somebody was erased since it was written; answers the engine of the one that has the name then. Where
/// that cannot be done, the log says why, and the file is left until the next start.
pub(super) fn after_erasures(engine: Engine, file: &Path, space: &Space) -> Engine {
    // The file itself, where a link leads to it.
    let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    // What a rewriting left that was cut off: this one holds the store, and nobody else writes it.
    drop(fs::remove_file(file.with_file_name(UNFINISHED)));
    // The database panics over rows that it could not have written. A host that never reads such a row has to start all the same.
    let anew = catch_unwind(AssertUnwindSafe(|| written_anew(&engine, &file, space)));
    match anew.unwrap_or_else(|_| Err(StoreError::Fault("a row of the store cannot be read".into()))) {
        Ok(None) => engine,
        Ok(Some(anew)) => {
            tracing::info!("the store's file was written anew: what was erased is in it no more");
            anew
        }
        Err(error) => {
            drop(fs::remove_file(file.with_file_name(UNFINISHED)));
            tracing::warn!(%error, "the store's file was not written anew: what was erased can be read in its free pages until it is");
            engine
        }
    }
}

fn written_anew(engine: &Engine, file: &Path, space: &Space) -> Result<Option<Engine>, StoreError> {
    let snapshot = engine.snapshot()?;
    let last = tombstones::last_seen(&snapshot)?;
    if subject_keys::rewritten(&snapshot)? >= last {
        return Ok(None);
    }
    let failed = |source: io::Error| StoreError::Disk { path: file.to_owned(), source };
    let before = fs::metadata(file).map_err(failed)?;
    space.admit_file(before.len())?;
    tracing::info!(bytes = before.len(), "the store's file is written anew, since somebody was erased");
    let unfinished = file.with_file_name(UNFINISHED);
    let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished);
    let owner = made.and_then(|file| file.metadata()).map_err(failed)?.uid();
    if owner != before.uid() {
        // A command of another account than the host's would take the file away from it.
        return Err(failed(io::Error::other("it is another account's than the one that opened it")));
    }
    let anew = Engine::open(&unfinished)?;
    catalogue::visit(&mut Copying { from: &snapshot, to: &anew })?;
    let transaction = anew.write()?;
    subject_keys::note_rewritten(&transaction, last)?;
    transaction.commit()?;
    drop(chown(&unfinished, None, Some(before.gid())));
    fs::set_permissions(&unfinished, before.permissions()).map_err(failed)?;
    // Both are held until the new one has the name.
    fs::rename(&unfinished, file).map_err(failed)?;
    if let Err(error) = File::open(file.parent().unwrap_or(file)).and_then(|folder| folder.sync_all()) {
        tracing::warn!(%error, "the data folder could not be written through to its disk");
    }
    Ok(Some(anew))
}

/// Copies each table as it is.
struct Copying<'e> {
    from: &'e Snapshot,
    to: &'e Engine,
}

impl Visitor for Copying<'_> {
    type Error = StoreError;

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
