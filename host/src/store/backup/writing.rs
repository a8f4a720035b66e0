//! Writing a copy.

use std::collections::HashMap;
use std::io::Write as Output;

use super::subjects::Subjects;
use super::{Copied, CopyError, END, FORMAT, Fingerprint, MAGIC, ROW, SEALED_ROW, Seal, TABLE};
use crate::store::catalogue;
use crate::store::engine::{Key, Snapshot, Table, Value};
use crate::store::subject::Subject;
use crate::store::subject_keys;
use crate::store::visitor::{Visitor, Whose};

/// Keys that were made for a copy, and the number of what had been taken away before it.
type MadeKeys = (Vec<(Subject, [u8; 32])>, u64);
/// A copy that is written, with the keys that were made for it.
type WrittenCopy<W> = (W, Copied, MadeKeys);

/// Writes a copy of a snapshot.
pub(super) fn write<W: Output>(snapshot: &Snapshot, to: W) -> Result<WrittenCopy<W>, CopyError> {
    let seal = Seal { copy: rand::random() };
    let keys = subject_keys::all(&snapshot.open_table(subject_keys::KEYS)?)?;
    let seen = subject_keys::count(&snapshot.open_table(subject_keys::STATE)?)?;
    let mut writing = Writing {
        snapshot,
        subjects: Subjects::of(snapshot)?,
        keys,
        made: Vec::new(),
        seal,
        to,
        copied: Copied::default(),
    };
    writing.to.write_all(MAGIC)?;
    writing.to.write_all(&FORMAT.to_be_bytes())?;
    writing.to.write_all(&writing.seal.copy)?;
    catalogue::visit(&mut writing)?;
    let Writing { mut to, copied, made, .. } = writing;
    to.write_all(&[END])?;
    to.write_all(&copied.rows.to_be_bytes())?;
    Ok((to, copied, (made, seen)))
}

struct Writing<'s, W> {
    snapshot: &'s Snapshot,
    subjects: Subjects,
    /// The keys that there are, and those that were made.
    keys: HashMap<Subject, [u8; 32]>,
    made: Vec<(Subject, [u8; 32])>,
    seal: Seal,
    to: W,
    copied: Copied,
}

impl<W: Output> Writing<'_, W> {
    /// The key of a subject; one is made where there is none yet.
    fn key_of(&mut self, subject: Subject) -> [u8; 32] {
        *self.keys.entry(subject).or_insert_with(|| {
            let key = rand::random();
            self.made.push((subject, key));
            key
        })
    }

    fn row(&mut self, table: &str, subject: Option<Subject>, (key, value): (&[u8], &[u8])) -> Result<(), CopyError> {
        let key_length = u32::try_from(key.len()).map_err(|_| CopyError::Damaged("a key is too long"))?;
        let mut row = Vec::with_capacity(4 + key.len() + value.len());
        row.extend_from_slice(&key_length.to_be_bytes());
        row.extend_from_slice(key);
        row.extend_from_slice(value);
        if let Some(subject) = subject {
            let key = self.key_of(subject);
            row = self.seal.seal(&key, self.copied.rows, (table, &row))?;
            self.to.write_all(&[SEALED_ROW])?;
            self.to.write_all(&Fingerprint::of(&key).0)?;
            self.copied.sealed += 1;
        } else {
            self.to.write_all(&[ROW])?;
        }
        let length = u32::try_from(row.len()).map_err(|_| CopyError::Damaged("a row is too long"))?;
        self.to.write_all(&length.to_be_bytes())?;
        self.to.write_all(&row)?;
        self.copied.rows += 1;
        Ok(())
    }
}

impl<W: Output> Visitor for Writing<'_, W> {
    type Error = CopyError;

    fn table<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: Table<K, V>,
        whose: Whose,
    ) -> Result<(), CopyError> {
        if matches!(whose, Whose::NotCopied) {
            return Ok(());
        }
        let name = table.name();
        self.to.write_all(&[TABLE, u8::try_from(name.len()).expect("a table has a short name")])?;
        self.to.write_all(name.as_bytes())?;
        for entry in self.snapshot.open_table(table)?.scan(..)? {
            let (key, value) = entry?;
            let (key, value) = (key.value(), value.value());
            let (key, value) = (K::as_bytes(&key), V::as_bytes(&value));
            let (key, value) = (key.as_ref(), value.as_ref());
            let subject = self.subjects.of_row(whose, key, value);
            self.row(name, subject, (key, value))?;
        }
        Ok(())
    }
}
