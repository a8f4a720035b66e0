//! Files of earlier formats, brought to today's when they are opened: one step after another, all in one transaction, so
//! that a start that ends early leaves the file as it was.
//!
//! A copy of the file is put beside it before the first step, under the name of its format. A step speaks of the tables
//! and rows of its own time and never of the types that the host works with, which go on changing.

mod from_1;
mod from_2;
mod from_3;
mod transcribe;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Bound;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::engine::{Engine, FILE_NAME, Key, Readable as _, Table, Write};
use super::space::Space;
use super::visitor::{Visitor, Whose};
use super::{StoreError, index};

/// The format that this version writes. Raise it with every change to a table's keys, or to rows that their numbers do not
/// cover, and add a step.
pub(super) const FORMAT: u32 = 4;

/// Facts about the file as a whole.
const FACTS: Table<&str, u32> = Table::new("facts");

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(FACTS, Whose::Nobodys)
}

/// A step that takes a file from the format that is its place, counted from 1, to the next.
type Step = fn(&Write) -> Result<(), StoreError>;
const STEPS: [Step; FORMAT as usize - 1] = [from_1::run, from_2::run, from_3::run];

/// The format of a file; none of one that was just made.
///
/// # Errors
/// [`StoreError::TooNew`] where a later version wrote it.
pub(super) fn format_of(write: &Write) -> Result<Option<u32>, StoreError> {
    let found = write.open_table(FACTS)?.get("format")?.map(|format| format.value());
    match found {
        Some(found) if found > FORMAT => Err(StoreError::TooNew { found, known: FORMAT }),
        found => Ok(found),
    }
}

/// Brings a file of `found` to today's format, within the transaction.
///
/// # Errors
/// Returns an error if a row is none of its format, or the store fails.
pub(super) fn run(write: &Write, found: Option<u32>) -> Result<(), StoreError> {
    let first = found.map_or(FORMAT, |found| found.max(1)) as usize;
    for (format, step) in (1..FORMAT as usize).zip(STEPS).skip(first - 1) {
        tracing::info!(from = format, to = format + 1, "the store is brought to a newer format");
        step(write)?;
    }
    if found.is_some_and(|found| found < FORMAT) {
        index::rebuild_names(write)?;
    }
    write.open_table(FACTS)?.put("format", FORMAT)?;
    Ok(())
}

/// The name of a copy of a file of a format.
fn copy_name(format: u32) -> String {
    format!("{FILE_NAME}.format-{format}")
}

/// Puts a copy of an earlier format's file beside it, whole or not at all, while `_held` keeps everybody else out.
///
/// # Errors
/// [`StoreError::NoRoom`] where the disk has none, or what the disk said.
pub(super) fn keep_copy(file: &Path, format: u32, space: &Space, _held: &Engine) -> Result<PathBuf, StoreError> {
    let copy = file.with_file_name(copy_name(format));
    let unfinished = copy.with_extension("unfinished");
    let failed = |source: io::Error| StoreError::Disk { path: unfinished.clone(), source };
    let size = fs::metadata(file).map_err(&failed)?.len();
    // The copy, and the file itself, in which rows are written anew before those of before are given up.
    space.admit_file(size.saturating_mul(2))?;
    tracing::info!(copy = copy_name(format), bytes = size, "a copy of the store is kept in its earlier format");
    let mut options = OpenOptions::new();
    let mut to = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(&failed)?;
    io::copy(&mut File::open(file).map_err(&failed)?, &mut to).map_err(&failed)?;
    to.sync_all().and_then(|()| fs::rename(&unfinished, &copy)).map_err(failed)?;
    Ok(copy)
}

/// Rows that are read before those that come of them are written.
const BATCH: usize = 1_000;
/// Rows after which a line of the log says how far it is.
const TOLD: usize = 20_000;

/// Writes every row of a table anew.
fn rewrite<K: Key + 'static>(
    write: &Write,
    table: Table<K, &'static [u8]>,
    name: &'static str,
    row: impl Fn(&[u8]) -> Result<Vec<u8>, StoreError>,
) -> Result<(), StoreError> {
    let mut table = write.open_table(table)?;
    let mut last: Option<Vec<u8>> = None;
    let mut rewritten = 0_usize;
    loop {
        let after = last.as_deref().map_or(Bound::Unbounded, |key| Bound::Excluded(K::from_bytes(key)));
        let batch = table.scan((after, Bound::Unbounded))?.take(BATCH).map(|entry| {
            let (key, value) = entry?;
            Ok((K::as_bytes(&key.value()).as_ref().to_vec(), row(value.value())?))
        });
        let batch = batch.collect::<Result<Vec<_>, StoreError>>()?;
        for (key, value) in &batch {
            table.put(K::from_bytes(key), value.as_slice())?;
        }
        rewritten += batch.len();
        if rewritten % TOLD < batch.len() && rewritten >= TOLD {
            tracing::info!(table = name, rows = rewritten, "rows are brought to the newer format");
        }
        match batch.into_iter().next_back() {
            Some((key, _)) => last = Some(key),
            None => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::config::Storage;
    use crate::domain::record::{Cover, Goal};
    use crate::store::Store;
    use crate::store::book::{ClientFilter, PageRequest, Whose};
    use crate::store::rows::{Row, decode, encode};

    /// The data folder that a host of the first format left.
    fn former() -> tempfile::TempDir {
        of_format(1)
    }

    /// The data folder that a host of this format left.
    fn of_format(format: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let archive = format!("../tests/fixtures/stores/format-{format}/data.zip");
        let archive = Path::new(env!("CARGO_MANIFEST_DIR")).join(archive);
        let mut archive = zip::ZipArchive::new(File::open(archive).unwrap()).unwrap();
        for name in [FILE_NAME, "secret.key", "tidegate.made"] {
            let mut bytes = Vec::new();
            archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    fn format(folder: &Path) -> Option<u32> {
        let engine = Engine::open(&folder.join(FILE_NAME)).unwrap();
        format_of(&engine.write().unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_file_of_an_earlier_format_is_copied_once_and_read_whole() {
        for earlier in 1..FORMAT {
            copied_once_and_read_whole(earlier).await;
        }
    }

    async fn copied_once_and_read_whole(earlier: u32) {
        let folder = of_format(earlier);
        let store = Store::open(folder.path()).unwrap();
        let page = || PageRequest { cursor: None, limit: 500 };
        let clients = store.clients(ClientFilter::default(), page()).await.unwrap().items;
        assert!(clients.len() > 30 && clients.iter().any(|client| client.client.date_of_birth.is_some()));
        let goals = store.items::<Goal>(Whose::Practice, page()).await.unwrap().items;
        assert!(goals.iter().any(|goal| goal.listed.value.estimated_cost.is_some()), "{}", goals.len());
        let counts = store.book_counts().await.unwrap();
        assert_eq!(counts.clients, clients.len() as u64);
        drop(store);
        assert_eq!(format(folder.path()), Some(FORMAT));
        let copy = folder.path().join(copy_name(earlier));
        let engine = Engine::open(&copy).unwrap();
        assert_eq!(format_of(&engine.write().unwrap()).unwrap(), Some(earlier), "the copy is the file as it was");
        drop(engine);
        fs::remove_file(&copy).unwrap();
        drop(Store::open(folder.path()).unwrap());
        assert!(!copy.exists(), "a file of today's format is not copied");
    }

    #[test]
    fn every_row_of_an_earlier_format_is_one_of_today() {
        (1..FORMAT).for_each(every_row_of);
    }

    fn every_row_of(earlier: u32) {
        let folder = of_format(earlier);
        drop(Store::open(folder.path()).unwrap());
        let engine = Engine::open(&folder.path().join(FILE_NAME)).unwrap();
        let write = engine.write().unwrap();
        let mut empty = Vec::new();
        let mut check = |name: &str, rows: usize| {
            if rows == 0 {
                empty.push(name.to_owned());
            }
        };
        fn rows<K: Key + 'static, T: Row>(write: &Write, table: Table<K, &'static [u8]>) -> usize {
            let table = write.open_table(table).unwrap();
            let rows = table.scan(..).unwrap().map(|entry| {
                let (_, value) = entry.unwrap();
                let row: T = decode(value.value()).unwrap();
                // Fields that came later are none in it, each a byte.
                assert!(encode(&row).unwrap().len() >= value.value().len());
            });
            rows.count()
        }
        use crate::store::{StoredItem as _, tables};
        check("clients", rows::<_, tables::ClientRecord>(&write, tables::CLIENTS));
        check("households", rows::<_, tables::HouseholdRecord>(&write, tables::HOUSEHOLDS));
        check("advisers", rows::<_, crate::domain::stored::StoredAdviser>(&write, tables::ADVISERS));
        check("set-aside", rows::<_, crate::domain::stored::ExcludedRecord>(&write, tables::SET_ASIDE));
        check("reviews", rows::<_, crate::domain::review::Review>(&write, tables::REVIEWS));
        check("goals", rows::<_, tables::ListRecord<Goal>>(&write, Goal::LISTS));
        check("covers", rows::<_, tables::ListRecord<Cover>>(&write, Cover::LISTS));
        check("runs", rows::<_, crate::domain::run::Run>(&write, tables::RUNS));
        check("tallies", rows::<_, tables::BookCounts>(&write, tables::TALLIES));
        check("walks", rows::<_, crate::store::walks::Walks>(&write, tables::WALKS));
        check("gone", rows::<_, tables::GoneRecord>(&write, tables::GONE));
        // The book of the fixture has nothing that a list did not show just once.
        rows::<_, crate::domain::listed::AbsenceEvidence>(&write, tables::UNSEEN);
        assert_eq!(empty, [""; 0]);
    }

    #[test]
    fn a_start_that_ends_before_the_file_is_migrated_leaves_it_as_it_was() {
        let folder = former();
        let engine = Engine::open(&folder.path().join(FILE_NAME)).unwrap();
        let write = engine.write().unwrap();
        run(&write, Some(1)).unwrap();
        drop(write);
        drop(engine);
        assert_eq!(format(folder.path()), Some(1));
        drop(Store::open(folder.path()).unwrap());
        assert_eq!(format(folder.path()), Some(FORMAT));
    }

    #[test]
    fn a_disk_without_room_is_told_before_anything_is_changed() {
        let folder = former();
        let storage = Storage { warn_below: 0, refuse_below: u64::MAX / 4, reserve: 0 };
        let engine = Engine::open(&folder.path().join(FILE_NAME)).unwrap();
        let space = Space::of(folder.path(), storage);
        let refused = keep_copy(&folder.path().join(FILE_NAME), 1, &space, &engine).unwrap_err();
        assert!(matches!(refused, StoreError::NoRoom { free, needed } if free < needed), "{refused}");
        drop(engine);
        assert_eq!(format(folder.path()), Some(1));
        assert!(fs::read_dir(folder.path()).unwrap().all(|file| !is_copy(&file.unwrap())));
    }

    #[test]
    fn a_later_format_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path()).unwrap());
        let engine = Engine::open(&folder.path().join(FILE_NAME)).unwrap();
        let write = engine.write().unwrap();
        write.open_table(FACTS).unwrap().put("format", FORMAT + 1).unwrap();
        write.commit().unwrap();
        drop(engine);
        let refused = Store::open(folder.path()).err().unwrap();
        assert!(matches!(refused, StoreError::TooNew { found, known: FORMAT } if found == FORMAT + 1), "{refused}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().filter(|file| is_copy(file.as_ref().unwrap())).count(), 0);
    }

    fn is_copy(file: &fs::DirEntry) -> bool {
        file.file_name().to_string_lossy().contains("format-")
    }
}
