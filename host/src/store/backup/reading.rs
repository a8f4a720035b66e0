//! Reading a copy: to see that it is whole, and to make a store of it.

#[cfg(test)]
use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{
    Copied, CopyError, END, FORMAT, Fingerprint, LONGEST_ROW, MAGIC, ROW, SEALED_ROW, Seal, SubjectKeys, TABLE,
    cut_off, take,
};
use crate::domain::Timestamp;
use crate::domain::audit::{Act, By, Subject, THIS_MACHINE};
use crate::store::catalogue;
use crate::store::engine::{Engine, FILE_NAME, Key, Table, UNFINISHED, Value, Write};
use crate::store::visitor::{Visitor, Whose};
use crate::store::{access, audit, erasure, is_in, outbox};

/// The rows that one transaction puts back at most, and their bytes: they are in memory until it ends.
const BATCH: (u64, usize) = (50_000, 32 << 20);

/// What came of putting a copy back.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Restored {
    /// What the copy held.
    pub copied: Copied,
    /// The clients who were erased after the copy was made, and are not put back.
    pub erased: usize,
    /// The file notes that had not reached the CRM: each is looked for there before it is sent.
    pub notes_to_look_for: usize,
}

/// Reads a copy to its end: that it is whole, and that each row whose key is there opens with it.
///
/// # Errors
/// Returns an error if it is damaged, of another format, or cannot be read.
pub fn check(from: impl Read, keys: &SubjectKeys) -> Result<Copied, CopyError> {
    let mut reading = Reading::begin(from, keys)?;
    while let Some(part) = reading.next()? {
        drop(part);
    }
    Ok(reading.copied)
}

/// Rows by their tables: each with its key and its value.
#[cfg(test)]
pub type Rows = std::collections::BTreeMap<String, BTreeSet<(Vec<u8>, Vec<u8>)>>;

/// All rows of a copy that open.
#[cfg(test)]
pub fn rows_of(from: &[u8], keys: &SubjectKeys) -> Rows {
    let mut reading = Reading::begin(from, keys).unwrap();
    let mut rows = Rows::new();
    while let Some(part) = reading.next().unwrap() {
        match part {
            Part::Table(name) => drop(rows.entry(name).or_default()),
            Part::Row(row, key) => {
                let (key, value) = row[4..].split_at(key);
                rows.get_mut(&reading.table).unwrap().insert((key.to_vec(), value.to_vec()));
            }
        }
    }
    rows
}

/// A store that was made of a copy, under another name until it is finished.
#[derive(Debug)]
pub struct Restoring {
    data_dir: PathBuf,
    /// What came of it.
    pub restored: Restored,
    is_finished: bool,
}

impl Restoring {
    /// Gives the store its name: from then on a host starts on it.
    ///
    /// # Errors
    /// Returns an error if the disk fails.
    pub fn finish(mut self) -> std::io::Result<Restored> {
        fs::rename(self.data_dir.join(UNFINISHED), self.data_dir.join(FILE_NAME))?;
        fs::File::open(&self.data_dir)?.sync_all()?;
        self.is_finished = true;
        Ok(self.restored)
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        if !self.is_finished {
            drop(fs::remove_file(self.data_dir.join(UNFINISHED)));
        }
    }
}

/// Makes a store of a copy in a data folder that has none.
///
/// # Errors
/// Returns an error if there is a store, the copy is damaged or of another format, keys are missing that were not taken away, or
/// the disk fails; nothing is left then.
pub fn restore(data_dir: &Path, from: impl Read, keys: &SubjectKeys, now: Timestamp) -> Result<Restoring, CopyError> {
    if is_in(data_dir) {
        return Err(CopyError::StoreThere);
    }
    let file = data_dir.join(UNFINISHED);
    private(&file)?;
    let mut restoring = Restoring { data_dir: data_dir.to_owned(), restored: Restored::default(), is_finished: false };
    let engine = Engine::open(&file)?;
    let mut tables = Tables { engine: &engine, reading: Reading::begin(from, keys)?, waiting: None };
    tables.waiting = tables.reading.next()?;
    catalogue::visit(&mut tables)?;
    let Tables { reading, waiting, .. } = tables;
    if waiting.is_some() {
        return Err(CopyError::Damaged("it has a table that this version does not know"));
    }
    if reading.copied.keyless > 0 {
        return Err(CopyError::Keyless { rows: reading.copied.keyless });
    }
    let (transaction, rows) = (engine.write()?, reading.copied.rows - reading.copied.forgotten);
    catalogue::make(&transaction)?;
    keys.put(&transaction)?;
    let erased = erasure::tidy_up(&transaction, now)?;
    outbox::latest::make_anew(&transaction, |_| true)?;
    let notes_to_look_for = outbox::look_for_unsent(&transaction, now)?;
    access::end_sessions(&transaction)?;
    let act = Act::done(By::host("restore"), THIS_MACHINE, "backups.restore", Subject::of_kind("backup"));
    let detail = format!("{rows} rows, {erased} people erased since, {notes_to_look_for} notes to look for");
    audit::append(&transaction, Act { detail, ..act })?;
    transaction.commit()?;
    restoring.restored = Restored { copied: reading.copied, erased, notes_to_look_for };
    Ok(restoring)
}

/// Makes the file for its owner alone.
fn private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map(drop)
}

/// What follows in a copy.
enum Part {
    /// The rows of a table.
    Table(String),
    /// A row of it: its key and its value.
    Row(Vec<u8>, usize),
}

struct Reading<'k, R> {
    from: R,
    keys: &'k SubjectKeys,
    seal: Seal,
    table: String,
    copied: Copied,
}

impl<'k, R: Read> Reading<'k, R> {
    fn begin(mut from: R, keys: &'k SubjectKeys) -> Result<Self, CopyError> {
        if &take::<8>(&mut from)? != MAGIC {
            return Err(CopyError::Damaged("it does not begin as one"));
        }
        let found = u32::from_be_bytes(take(&mut from)?);
        if found != FORMAT {
            return Err(CopyError::OtherFormat { found, known: FORMAT });
        }
        let seal = Seal { copy: take(&mut from)? };
        Ok(Self { from, keys, seal, table: String::new(), copied: Copied::default() })
    }

    /// What follows; none at the end. Rows that nobody reads any more are passed over.
    fn next(&mut self) -> Result<Option<Part>, CopyError> {
        loop {
            let [mark] = take(&mut self.from)?;
            let mark = match mark {
                END => {
                    let rows = u64::from_be_bytes(take(&mut self.from)?);
                    let is_whole = rows == self.copied.rows;
                    return if is_whole { Ok(None) } else { Err(CopyError::Damaged("rows are missing")) };
                }
                TABLE => {
                    let [length] = take(&mut self.from)?;
                    let name = self.bytes(usize::from(length))?;
                    self.table = String::from_utf8(name).map_err(|_| CopyError::Damaged("a table has no name"))?;
                    return Ok(Some(Part::Table(self.table.clone())));
                }
                ROW => None,
                SEALED_ROW => Some(Fingerprint(take(&mut self.from)?)),
                _ => return Err(CopyError::Damaged("it has something that is no row")),
            };
            let length = u32::from_be_bytes(take(&mut self.from)?) as usize;
            if length > LONGEST_ROW {
                return Err(CopyError::Damaged("a row is longer than there are any"));
            }
            let mut row = self.bytes(length)?;
            let number = self.copied.rows;
            self.copied.rows += 1;
            if let Some(mark) = mark {
                self.copied.sealed += 1;
                let Some(key) = self.keys.get(mark) else {
                    if self.keys.is_forgotten(mark) {
                        self.copied.forgotten += 1;
                    } else {
                        self.copied.keyless += 1;
                    }
                    continue;
                };
                row = self.seal.open(key, number, (&self.table, &row))?;
            }
            let key = row.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize);
            let key = key.filter(|key| 4 + key <= row.len()).ok_or(CopyError::Damaged("a row has no key"))?;
            return Ok(Some(Part::Row(row, key)));
        }
    }

    /// So many bytes, read as they come: a length that is not true costs no memory.
    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, CopyError> {
        let mut bytes = Vec::with_capacity(length.min(1 << 20));
        let read = (&mut self.from).take(length as u64).read_to_end(&mut bytes).map_err(cut_off)?;
        if read == length { Ok(bytes) } else { Err(CopyError::Damaged("it ends before its end")) }
    }
}

struct Tables<'e, 'k, R> {
    engine: &'e Engine,
    reading: Reading<'k, R>,
    /// What was read and not put back yet.
    waiting: Option<Part>,
}

impl<R: Read> Visitor for Tables<'_, '_, R> {
    type Error = CopyError;

    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: Table<K, V>,
        whose: Whose,
    ) -> Result<(), CopyError> {
        // A table that the copy does not have is one that came later.
        if matches!(whose, Whose::NotCopied)
            || !matches!(&self.waiting, Some(Part::Table(name)) if name == table.name())
        {
            return Ok(());
        }
        loop {
            let transaction: Write = self.engine.write()?;
            let (mut rows, mut bytes, mut is_over) = (0, 0, false);
            {
                let mut rows_of = transaction.open_table(table)?;
                while rows < BATCH.0 && bytes < BATCH.1 {
                    match self.reading.next()? {
                        Some(Part::Row(row, key)) => {
                            let (key, value) = row[4..].split_at(key);
                            rows_of.put(K::from_bytes(key), V::from_bytes(value))?;
                            rows += 1;
                            bytes += row.len();
                        }
                        next => {
                            self.waiting = next;
                            is_over = true;
                            break;
                        }
                    }
                }
            }
            transaction.commit()?;
            if is_over {
                return Ok(());
            }
        }
    }
}
