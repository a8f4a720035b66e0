//! The keys with which things are sealed in backups, and the marks of those that were taken away.

use std::collections::{HashMap, HashSet};

use super::engine::{Readable, Snapshot, Table, Write};
use super::keys::PRACTICE;
use super::subject::Subject;
use super::visitor::{Visitor, Whose};
use super::{Store, StoreError};

/// The keys, by what they are of.
pub(super) const KEYS: Table<(u32, [u8; 16]), &[u8; 32]> = Table::new("backup-keys");
/// The fingerprints of keys that were taken away with what they were of.
pub(super) const FORGOTTEN: Table<(u32, [u8; 16]), ()> = Table::new("backup-keys-forgotten");
/// What was taken away, and when: the number of that among all.
const TAKEN: Table<(u32, [u8; 16]), u64> = Table::new("backup-subjects-taken");
/// Numbers about backups, by their names.
pub(super) const STATE: Table<(u32, &str), u64> = Table::new("backup-state");

/// The number of what was taken away so far.
const COUNT: &str = "taken";
/// The number of keys that were taken away so far.
const GONE: &str = "gone";
/// The number of those when the file of keys was last written; none where there never was a backup.
const WRITTEN: &str = "written";

/// The number of the last erasure when the store's file was last written anew.
const REWRITTEN: &str = "rewritten";

/// The mark of a key, by which a sealed row says with which it opens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Fingerprint(pub(super) [u8; 16]);

impl Fingerprint {
    /// The mark of a key.
    pub(super) fn of(key: &[u8; 32]) -> Self {
        let mut mark = [0; 16];
        mark.copy_from_slice(&blake3::derive_key("tidegate 2026-11 mark of a backup key", key)[..16]);
        Self(mark)
    }
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(KEYS, Whose::NotCopied)?;
    visitor.table(FORGOTTEN, Whose::NotCopied)?;
    visitor.table(TAKEN, Whose::NotCopied)?;
    visitor.table(STATE, Whose::NotCopied)
}

/// Takes the keys of things away that are gone.
pub(super) fn forget(transaction: &Write, subjects: impl IntoIterator<Item = Subject>) -> Result<(), StoreError> {
    let mut subjects = subjects.into_iter().peekable();
    if subjects.peek().is_none() {
        return Ok(());
    }
    let mut state = transaction.open_table(STATE)?;
    let (mut keys, mut forgotten) = (transaction.open_table(KEYS)?, transaction.open_table(FORGOTTEN)?);
    let mut taken = transaction.open_table(TAKEN)?;
    let (mut count, mut gone) = (number(&state, COUNT)?, number(&state, GONE)?);
    for Subject(id) in subjects {
        count += 1;
        taken.put((PRACTICE, id), count)?;
        let key = keys.get((PRACTICE, id))?.map(|key| *key.value());
        if let Some(key) = key {
            keys.delete((PRACTICE, id))?;
            forgotten.put((PRACTICE, Fingerprint::of(&key).0), ())?;
            gone += 1;
        }
    }
    state.put((PRACTICE, GONE), gone)?;
    Ok(state.put((PRACTICE, COUNT), count)?)
}

fn number(state: &impl Readable<(u32, &'static str), u64>, name: &'static str) -> Result<u64, StoreError> {
    Ok(state.get((PRACTICE, name))?.map_or(0, |number| number.value()))
}

/// The number of what was taken away so far.
pub(super) fn count(state: &impl Readable<(u32, &'static str), u64>) -> Result<u64, StoreError> {
    number(state, COUNT)
}

/// The number of the last erasure after which the store's file was written anew.
pub(super) fn rewritten(transaction: &Snapshot) -> Result<u64, StoreError> {
    number(&transaction.open_table(STATE)?, REWRITTEN)
}

/// Notes that the file is written anew after that erasure.
pub(super) fn note_rewritten(transaction: &Write, after: u64) -> Result<(), StoreError> {
    Ok(transaction.open_table(STATE)?.put((PRACTICE, REWRITTEN), after)?)
}

/// Keys, as the file beside the backups has them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SubjectKeys {
    /// The keys by their marks, each with what it is of.
    keys: HashMap<Fingerprint, (Subject, [u8; 32])>,
    /// The marks of those that were taken away.
    forgotten: HashSet<Fingerprint>,
}

/// What the file of keys has to hold.
pub struct FileOfKeys {
    /// The keys, and the marks of those that were taken away.
    pub keys: SubjectKeys,
    /// Whether the earlier file has one that was taken away since.
    pub is_to_be_renewed: bool,
    /// The number of keys that were taken away by then.
    pub as_of: u64,
}

impl std::fmt::Debug for SubjectKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SubjectKeys({}, {} forgotten)", self.keys.len(), self.forgotten.len())
    }
}

/// The bytes of a key with what it is of.
const PAIR: usize = 16 + 32;

impl SubjectKeys {
    /// The keys as bytes, and the marks of those that were taken away.
    pub fn to_bytes(&self) -> (Vec<u8>, Vec<u8>) {
        let mut pairs: Vec<&(Subject, [u8; 32])> = self.keys.values().collect();
        pairs.sort_unstable();
        let keys = pairs.into_iter().flat_map(|(subject, key)| subject.0.iter().chain(key)).copied().collect();
        let mut marks: Vec<&Fingerprint> = self.forgotten.iter().collect();
        marks.sort_unstable();
        (keys, marks.into_iter().flat_map(|mark| mark.0).collect())
    }

    /// The keys of such bytes; none where they are cut off.
    pub fn from_bytes(keys: &[u8], forgotten: &[u8]) -> Option<Self> {
        let (pairs, rest) = keys.as_chunks::<PAIR>();
        let (marks, more) = forgotten.as_chunks::<16>();
        if !rest.is_empty() || !more.is_empty() {
            return None;
        }
        let mut all = Self::default();
        for pair in pairs {
            let (subject, key) = (pair.first_chunk::<16>()?, pair.last_chunk::<32>()?);
            all.add(Subject(*subject), *key);
        }
        all.forgotten = marks.iter().copied().map(Fingerprint).collect();
        Some(all)
    }

    /// Adds a key.
    pub(super) fn add(&mut self, subject: Subject, key: [u8; 32]) {
        self.keys.insert(Fingerprint::of(&key), (subject, key));
    }

    /// The key of a mark.
    pub(super) fn get(&self, mark: Fingerprint) -> Option<&[u8; 32]> {
        self.keys.get(&mark).map(|(_, key)| key)
    }

    /// Whether the key of a mark was taken away.
    pub(super) fn is_forgotten(&self, mark: Fingerprint) -> bool {
        self.forgotten.contains(&mark)
    }

    /// Keeps them in a store that is made of a backup.
    pub(super) fn put(&self, transaction: &Write) -> Result<(), StoreError> {
        let mut keys = transaction.open_table(KEYS)?;
        for (Subject(id), key) in self.keys.values() {
            keys.put((PRACTICE, *id), key)?;
        }
        let mut forgotten = transaction.open_table(FORGOTTEN)?;
        for mark in &self.forgotten {
            forgotten.put((PRACTICE, mark.0), ())?;
        }
        // There is a file of keys, from which they are: what is taken away from now on goes from it, too.
        Ok(transaction.open_table(STATE)?.put((PRACTICE, WRITTEN), 0)?)
    }
}

/// All keys, by what they are of.
pub(super) fn all(
    keys: &impl Readable<(u32, [u8; 16]), &'static [u8; 32]>,
) -> Result<HashMap<Subject, [u8; 32]>, StoreError> {
    let mut found = HashMap::new();
    for entry in keys.scan((PRACTICE, [0; 16])..=(PRACTICE, [0xff; 16]))? {
        let (id, key) = entry?;
        found.insert(Subject(id.value().1), *key.value());
    }
    Ok(found)
}

impl Store {
    /// Keeps keys that were made for a copy, but for those of things that were taken away since: `seen` was the number of all
    /// that had been taken away then.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub(super) async fn keep_keys(&self, made: Vec<(Subject, [u8; 32])>, seen: u64) -> Result<(), StoreError> {
        self.write_in_any_case(move |transaction| {
            let (mut keys, mut forgotten) = (transaction.open_table(KEYS)?, transaction.open_table(FORGOTTEN)?);
            let taken = transaction.open_table(TAKEN)?;
            for (Subject(id), key) in &made {
                let is_gone = taken.get((PRACTICE, *id))?.is_some_and(|number| number.value() > seen);
                // Another copy that was made meanwhile may have given it one, which later copies go by.
                if is_gone {
                    forgotten.put((PRACTICE, Fingerprint::of(key).0), ())?;
                } else if keys.get((PRACTICE, *id))?.is_none() {
                    keys.put((PRACTICE, *id), key)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// All keys, with those of an earlier file that were not taken away: backups that are older than this store's own keys go on
    /// opening.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn file_of_keys(&self, earlier: SubjectKeys) -> Result<FileOfKeys, StoreError> {
        self.read(move |transaction| {
            let mut found = SubjectKeys::default();
            for (subject, key) in all(&transaction.open_table(KEYS)?)? {
                found.add(subject, key);
            }
            for entry in transaction.open_table(FORGOTTEN)?.scan((PRACTICE, [0; 16])..=(PRACTICE, [0xff; 16]))? {
                found.forgotten.insert(Fingerprint(entry?.0.value().1));
            }
            let (taken, mut is_to_be_renewed) = (transaction.open_table(TAKEN)?, false);
            for (mark, (subject, key)) in earlier.keys {
                // A key that the store does not know, such as one of after the copy that was put in its place, went with what it
                // was of.
                let is_gone = found.forgotten.contains(&mark)
                    || !found.keys.contains_key(&mark) && taken.get((PRACTICE, subject.0))?.is_some();
                if is_gone {
                    found.forgotten.insert(mark);
                    is_to_be_renewed = true;
                } else {
                    found.keys.insert(mark, (subject, key));
                }
            }
            found.forgotten.extend(earlier.forgotten);
            let SubjectKeys { keys, forgotten } = &mut found;
            keys.retain(|mark, _| !forgotten.contains(mark));
            Ok(FileOfKeys { keys: found, is_to_be_renewed, as_of: number(&transaction.open_table(STATE)?, GONE)? })
        })
        .await
    }

    /// Notes that the file of keys is written as of that number.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn note_keys_written(&self, as_of: u64) -> Result<(), StoreError> {
        self.write_in_any_case(move |transaction| Ok(transaction.open_table(STATE)?.put((PRACTICE, WRITTEN), as_of)?))
            .await
    }

    /// Whether the file of keys was ever written: there were backups, or the store is from one.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn has_file_of_keys(&self) -> Result<bool, StoreError> {
        self.read(|transaction| Ok(transaction.open_table(STATE)?.get((PRACTICE, WRITTEN))?.is_some())).await
    }

    /// Whether something was taken away whose key is still in the file of keys: there were backups, and it was not written since.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn is_file_of_keys_old(&self) -> Result<bool, StoreError> {
        self.read(|transaction| {
            let state = transaction.open_table(STATE)?;
            let written = state.get((PRACTICE, WRITTEN))?.map(|written| written.value());
            let gone = number(&state, GONE)?;
            Ok(written.is_some_and(|written| written < gone))
        })
        .await
    }
}
