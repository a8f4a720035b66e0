//! The file of erasures, beside the store: what was erased, in lines that are only ever added, each chained to the one before
//! by a hash and on disk before the store forgets anybody. An older copy of the store that is put back finds in it whom it
//! has to erase again. It has keyed hashes of ids, with their key, and no other
//! personal data.
//!
//! The first line has the key of the hashes; each other one an erasure, or the lifting of one.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::keys::ExternalKey;
use super::sites::Site;
use crate::domain::privacy::{Erasure, ErasureAct, ErasureReason, Tombstone};
use crate::domain::{ClientId, ConnectionName, Timestamp, UserId};

/// The name of the file in the data folder.
pub const NAME: &str = "tidegate.erased";

/// What is wrong with a line.
const CURE: &str = "Put the file back from the newest copy of it; an older one forgets who was erased since";

/// What is wrong where nothing can be added.
const RESTART: &str = "what it has and what the store has may differ since an error before. Nothing was erased. Start the host \
                       again: it brings the two in line, and erases what was begun";

/// The key of the hashes, of one store and its file of erasures. It is made with the store, before the file, and no other
/// store has it: by it a file is known to be of this store, or of an older copy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct HashKey(pub [u8; 32]);

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey")
    }
}

impl HashKey {
    /// The mark of a client's own id.
    pub fn of_client(self, client: ClientId) -> Tombstone {
        self.of(&[b"client\0", client.0.as_bytes()])
    }

    /// The mark of the record that stands under a key of a connection. Numbers of connections differ between an older
    /// copy of the store and this one; their names do not.
    pub fn of_record(self, connection: &ConnectionName, id: ExternalKey) -> Tombstone {
        self.of(&[b"record\0", connection.as_str().as_bytes(), b"\0", &id.0])
    }

    /// The mark of the same record by the CRM's site: a connection that was removed comes back under another name.
    pub fn of_record_at(self, site: &Site, id: ExternalKey) -> Tombstone {
        self.of(&[b"record at\0", site.crm.as_bytes(), b"\0", site.host.as_bytes(), b"\0", &id.0])
    }

    fn of(self, parts: &[&[u8]]) -> Tombstone {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in parts {
            hasher.update(part);
        }
        Tombstone(hasher.finalize().into())
    }
}

/// The file of a store; a store in memory has none.
pub(super) struct ErasureFile {
    path: Option<PathBuf>,
    end: Mutex<End>,
}

/// The end of the file, as far as it is on disk.
struct End {
    /// The hash of its last line.
    head: [u8; 32],
    /// The key of its first line.
    key: Option<HashKey>,
    /// The number of its last entry.
    last: u64,
    /// Whether it is unknown what is on disk, since a line could neither be written nor taken back.
    is_in_doubt: bool,
}

impl End {
    fn of(written: Option<&Written>) -> Self {
        let last = written.and_then(|written| written.erasures.last()).map_or(0, |last| last.number);
        let (head, key) = (written.map_or([0; 32], |written| written.head), written.map(|written| written.key));
        Self { head, key, last, is_in_doubt: false }
    }
}

/// What stands in the file.
pub(super) struct Written {
    pub key: HashKey,
    pub erasures: Vec<Erasure>,
    head: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct KeyLine {
    key: String,
}

/// An entry as it is written.
#[derive(Serialize, Deserialize)]
struct Entry {
    number: u64,
    at: Timestamp,
    by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by_account: Option<UserId>,
    reason: ErasureReason,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tombstones: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lifts: Option<u64>,
}

/// An entry as text: one line of JSON.
pub(super) fn entry_text(erasure: &Erasure) -> Result<String, StoreError> {
    let (tombstones, lifts) = match &erasure.act {
        ErasureAct::Erased { tombstones } => (tombstones.iter().map(|mark| hex(&mark.0)).collect(), None),
        ErasureAct::Lifted { erasure } => (Vec::new(), Some(*erasure)),
    };
    let Erasure { number, at, by, by_account, reason, .. } = erasure.clone();
    text(&Entry { number, at, by, by_account, reason, tombstones, lifts })
}

fn text<T: Serialize>(line: &T) -> Result<String, StoreError> {
    serde_json::to_string(line).map_err(|error| StoreError::Unwritable { what: "an erasure", source: error.into() })
}

/// An entry from its text.
pub(super) fn read_entry(text: &[u8]) -> Result<Erasure, StoreError> {
    let entry: Entry =
        serde_json::from_slice(text).map_err(|error| StoreError::unreadable_json("an erasure", &error))?;
    let Entry { number, at, by, by_account, reason, tombstones, lifts } = entry;
    let act = match lifts {
        Some(erasure) => ErasureAct::Lifted { erasure },
        None => {
            let marks: Option<Vec<Tombstone>> = tombstones.iter().map(|mark| unhex(mark).map(Tombstone)).collect();
            let source = "a tombstone is no hash of 64 digits";
            let tombstones = marks.ok_or_else(|| StoreError::Corrupt { what: "an erasure", source: source.into() })?;
            ErasureAct::Erased { tombstones }
        }
    };
    Ok(Erasure { number, at, by, by_account, reason, act })
}

impl ErasureFile {
    /// The file as it stands; none where there is none.
    pub fn bytes(&self) -> io::Result<Option<Vec<u8>>> {
        // Nothing is added while it is read.
        let _end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        match self.path.as_ref().map(fs::read) {
            None => Ok(None),
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Some(read) => read.map(Some),
        }
    }

    /// The file of no folder.
    #[cfg(test)]
    pub fn none() -> Self {
        Self { path: None, end: Mutex::new(End::of(None)) }
    }

    /// The file of a data folder, with what stands in it; nothing where there is none.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a line is not what was written, or what the disk said.
    pub fn open(data_dir: &Path) -> Result<(Self, Option<Written>), StoreError> {
        let path = data_dir.join(NAME);
        let written = match fs::read(&path) {
            Ok(bytes) => {
                // What was begun when the power went was never told to anybody.
                let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
                if whole < bytes.len() {
                    let cut = OpenOptions::new().write(true).open(&path).and_then(|file| {
                        file.set_len(whole as u64)?;
                        file.sync_all()
                    });
                    cut.map_err(|source| StoreError::Disk { path: path.clone(), source })?;
                }
                read(&bytes[..whole])?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(StoreError::Disk { path, source }),
        };
        let end = End::of(written.as_ref());
        Ok((Self { path: Some(path), end: Mutex::new(end) }, written))
    }

    /// The key that the file has already.
    pub fn key(&self) -> Option<HashKey> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).key
    }

    /// Adds entries, durably; the key first where the file is begun by it.
    ///
    /// # Errors
    /// Returns what the disk said. What was written of it is taken back, or is seen as begun and not ended. Where that is in
    /// doubt, or the file has an entry that the store never kept, nothing is added until the store is opened again, which
    /// brings the two in line.
    pub fn add(&self, key: HashKey, erasures: &[Erasure]) -> Result<(), StoreError> {
        let Some(path) = &self.path else { return Ok(()) };
        let (Some(first), Some(last)) = (erasures.first(), erasures.last()) else { return Ok(()) };
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if end.is_in_doubt || first.number != end.last + 1 || end.key.is_some_and(|known| known != key) {
            let source = io::Error::other(RESTART);
            return Err(StoreError::Disk { path: path.clone(), source });
        }
        let (mut next, mut lines) = (end.head, String::new());
        let mut add = |json: &str| {
            next = chained(&next, json);
            lines.push_str(&format!("{} {json}\n", hex(&next)));
        };
        if end.key.is_none() {
            add(&text(&KeyLine { key: hex(&key.0) })?);
        }
        for erasure in erasures {
            add(&entry_text(erasure)?);
        }
        append(path, lines.as_bytes()).map_err(|(source, is_in_doubt)| {
            end.is_in_doubt = is_in_doubt;
            StoreError::Disk { path: path.clone(), source }
        })?;
        *end = End { head: next, key: Some(key), last: last.number, is_in_doubt: false };
        Ok(())
    }
}

/// Appends lines, durably. With the error goes whether it is in doubt what of them is on disk.
fn append(path: &Path, lines: &[u8]) -> Result<(), (io::Error, bool)> {
    let open = || OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    let opened = open().and_then(|file| file.metadata().map(|facts| (file, facts.len())));
    let (mut file, before) = opened.map_err(|error| (error, false))?;
    let mut write = || {
        file.write_all(lines)?;
        file.sync_all()?;
        // A file that was begun and is empty may not be in its folder after a power cut either.
        match path.parent().filter(|_| before == 0) {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(|error| {
        let taken_back = file.set_len(before).and_then(|()| file.sync_all());
        (error, taken_back.is_err())
    })
}

fn chained(before: &[u8; 32], json: &str) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    hasher.update(json.as_bytes());
    hasher.finalize().into()
}

/// What stands in whole lines; nothing where there is none.
fn read(bytes: &[u8]) -> Result<Option<Written>, StoreError> {
    let damaged =
        |line: usize, why: &str| StoreError::Damaged { file: NAME, why: format!("line {line} {why}. {CURE}") };
    let (mut head, mut key, mut erasures) = ([0; 32], None, Vec::new());
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    for (number, line) in (1..).zip(lines) {
        let line = std::str::from_utf8(line).map_err(|_| damaged(number, "is no text"))?;
        let (hash, json) = line.split_once(' ').ok_or_else(|| damaged(number, "has no hash"))?;
        head = chained(&head, json);
        if unhex(hash) != Some(head) {
            return Err(damaged(number, "is not what was written"));
        }
        if key.is_none() {
            let line: Option<KeyLine> = serde_json::from_str(json).ok();
            key = Some(line.and_then(|line| unhex(&line.key)).ok_or_else(|| damaged(number, "has no key"))?);
        } else {
            erasures.push(read_entry(json.as_bytes())?);
        }
    }
    Ok(key.map(|key| Written { key: HashKey(key), erasures, head }))
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn erasure(number: u64) -> Erasure {
        Erasure {
            number,
            at: Timestamp::from_second(1_760_000_000).unwrap(),
            by: "Kim Osei".to_owned(),
            by_account: (number > 1).then(|| UserId(uuid::Uuid::from_u128(7))),
            reason: ErasureReason::Asked,
            act: ErasureAct::Erased { tombstones: vec![Tombstone([number as u8; 32])] },
        }
    }

    fn lifted(number: u64, erasure: u64) -> Erasure {
        Erasure { act: ErasureAct::Lifted { erasure }, reason: ErasureReason::Mistake, ..self::erasure(number) }
    }

    const KEY: HashKey = HashKey([9; 32]);

    #[test]
    fn what_is_added_reads_back_and_a_line_that_was_not_ended_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let (file, before) = ErasureFile::open(folder.path()).unwrap();
        assert!(before.is_none());
        file.add(KEY, &[]).unwrap();
        assert!(!folder.path().join(NAME).exists());
        file.add(KEY, &[erasure(1)]).unwrap();
        file.add(KEY, &[erasure(2), lifted(3, 1)]).unwrap();
        let path = folder.path().join(NAME);
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (_, written) = ErasureFile::open(folder.path()).unwrap();
            let ended = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(written.as_ref().map_or(0, |written| written.erasures.len() + 1), ended, "{cut}");
        }
        // An entry goes on after what was cut.
        let (file, _) = ErasureFile::open(folder.path()).unwrap();
        file.add(KEY, &[lifted(3, 1)]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole);
        // What the store never kept is not written over.
        assert_eq!(file.key(), Some(KEY));
        for (key, number) in [(KEY, 3), (KEY, 5), (HashKey([8; 32]), 4)] {
            let error = file.add(key, &[erasure(number)]).err().unwrap();
            assert!(error.to_string().contains("Start the host again"), "{error}");
        }
        assert_eq!(fs::read(&path).unwrap(), whole);
        let (_, written) = ErasureFile::open(folder.path()).unwrap();
        let written = written.unwrap();
        assert_eq!((written.key, written.erasures), (KEY, vec![erasure(1), erasure(2), lifted(3, 1)]));
    }

    #[test]
    fn an_entry_that_the_disk_refuses_is_as_if_it_had_never_been_begun() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        fs::create_dir(&data_dir).unwrap();
        let (file, _) = ErasureFile::open(&data_dir).unwrap();
        fs::remove_dir(&data_dir).unwrap();
        assert!(file.add(KEY, &[erasure(1)]).is_err());
        fs::create_dir(&data_dir).unwrap();
        file.add(KEY, &[erasure(1)]).unwrap();
        let (_, written) = ErasureFile::open(&data_dir).unwrap();
        assert_eq!(written.unwrap().erasures, [erasure(1)]);
        file.end.lock().unwrap().is_in_doubt = true;
        assert!(file.add(KEY, &[erasure(2)]).is_err(), "nothing is added to what is in doubt");
    }

    #[test]
    fn a_line_that_was_altered_moved_or_taken_away_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (file, _) = ErasureFile::open(folder.path()).unwrap();
        file.add(KEY, &[erasure(1), erasure(2), erasure(3)]).unwrap();
        let path = folder.path().join(NAME);
        let whole = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = whole.lines().collect();
        let altered = [
            whole.replacen("asked", "Asked", 1),
            [lines[0], lines[2], lines[1], lines[3]].join("\n") + "\n",
            [lines[0], lines[2], lines[3]].join("\n") + "\n",
            [lines[1], lines[2], lines[3]].join("\n") + "\n",
            whole.replacen(' ', "", 1),
        ];
        for text in altered {
            fs::write(&path, &text).unwrap();
            let error = ErasureFile::open(folder.path()).err().unwrap();
            assert!(matches!(error, StoreError::Damaged { file: NAME, .. }), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text, "it is left alone");
        }
    }
}
