//! Reading a backup: to see that it is whole, and to put it back.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use age::Decryptor;
use age::x25519::Identity;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{About, BackupError, FOLDERS, KEYS, KeyFile, MAGIC, Verified, failed, of_copy, private, unread, unusable};
use crate::config::regular_file;
use crate::domain::Timestamp;
use crate::store::backup::{CopyError, Restored, Restoring, SubjectKeys, check, restore};
use crate::store::{ERASED, RESTORING, STORE_FILES};

/// The longest description, in bytes.
const LONGEST_ABOUT: usize = 1 << 16;
/// The most keys in the file of keys: a practice with 100,000 clients, and 50 notes, documents, rows of lists and reasons of access
/// of each, has five million. This is twice as much.
const MOST_KEYS: u64 = 10_000_000;
/// The longest file of keys, in bytes: each is 48 bytes, 64 in Base64.
pub(super) const LONGEST_KEYS: u64 = MOST_KEYS * 64;
/// The same with what encryption adds.
const LONGEST_FILE: u64 = LONGEST_KEYS + LONGEST_KEYS / 100;

/// The reason why a file of keys is not taken that is longer.
pub(super) fn too_many_keys() -> String {
    format!(
        "it is larger than {MOST_KEYS} keys, the most that there can be ({} MB): is it another file? The keys are in {KEYS}, beside \
         the backups",
        LONGEST_KEYS / 1_000_000
    )
}

fn open(path: &Path, key: &Identity) -> Result<impl Read, BackupError> {
    let file = BufReader::with_capacity(1 << 20, regular_file::open(path).map_err(failed(path))?);
    let none = |error: age::DecryptError| match error {
        age::DecryptError::NoMatchingKeys | age::DecryptError::DecryptionFailed => unusable(
            path,
            "it is encrypted with another key; name the key file that was in the settings when it was made",
        ),
        age::DecryptError::Io(source) => unread(path)(source),
        other => unusable(path, format!("it is no backup, or is damaged ({other})")),
    };
    let decryptor = Decryptor::new_buffered(file).map_err(none)?;
    decryptor.decrypt(std::iter::once(key as &dyn age::Identity)).map_err(none)
}

/// Reads the beginning of a backup.
fn about(from: &mut impl Read, path: &Path) -> Result<About, BackupError> {
    let short = |_| unusable(path, "it is cut short, or is no backup of tidegate");
    let (mut magic, mut length) = ([0; MAGIC.len()], [0; 4]);
    from.read_exact(&mut magic).map_err(short)?;
    if &magic != MAGIC {
        return Err(unusable(path, "it is no backup of tidegate, or of a later version"));
    }
    from.read_exact(&mut length).map_err(short)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST_ABOUT {
        return Err(unusable(path, "it is damaged"));
    }
    let mut text = vec![0; length];
    from.read_exact(&mut text).map_err(short)?;
    serde_json::from_slice(&text).map_err(|_| unusable(path, "it is damaged"))
}

/// What the file of keys holds.
pub(super) struct KeysRead {
    pub(super) made_at: Timestamp,
    /// The mark of the store.
    pub(super) store: String,
    pub(super) keys: SubjectKeys,
    /// The file of erasures as it stood; none where there was none.
    pub(super) erased: Option<String>,
}

pub(super) fn read_keys(path: &Path, key: &Identity) -> Result<KeysRead, BackupError> {
    let length = fs::metadata(path).map(|file| file.len()).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            unusable(path, "it is not there; the backup does not open without: name the newest copy of it with --keys")
        }
        _ => failed(path)(error),
    })?;
    if length > LONGEST_FILE {
        return Err(unusable(path, too_many_keys()));
    }
    let damaged = || {
        unusable(
            path,
            "it is no file of keys, or is cut short or damaged; name another copy of the newest one with --keys",
        )
    };
    let read = |error| match unread(path)(error) {
        BackupError::Unusable { .. } => damaged(),
        other => other,
    };
    let mut from = open(path, key)?.take(LONGEST_FILE);
    let mut text = Vec::new();
    from.by_ref().take(MAGIC.len() as u64).read_to_end(&mut text).map_err(read)?;
    if text == MAGIC {
        return Err(unusable(path, format!("it is a backup; the file of keys is {KEYS}, beside the backups")));
    }
    from.read_to_end(&mut text).map_err(read)?;
    let file: KeyFile<'_> = serde_json::from_slice(&text).map_err(|_| damaged())?;
    let bytes = |text: &str| STANDARD.decode(text).ok();
    let keys = bytes(&file.keys).zip(bytes(&file.forgotten));
    let keys = keys.and_then(|(keys, forgotten)| SubjectKeys::from_bytes(&keys, &forgotten)).ok_or_else(damaged)?;
    Ok(KeysRead { made_at: file.made_at, store: file.store, keys, erased: file.erased })
}

/// The keys for a backup of this description.
fn keys_for(about: &About, path: &Path, key: &Identity) -> Result<KeysRead, BackupError> {
    let file = read_keys(path, key)?;
    if file.store != about.store {
        return Err(unusable(path, "it is of another store than the backup; name the newest that lay beside it"));
    }
    if file.made_at < about.made_at {
        return Err(unusable(path, "it is older than the backup; name the newest copy of it with --keys"));
    }
    Ok(file)
}

/// Reads a backup to its end: that it is whole, and opens with its keys.
///
/// # Errors
/// Returns an error if it is damaged, cut short, of another key or format.
pub fn verify(path: &Path, keys: &Path, key: &Identity) -> Result<Verified, BackupError> {
    let mut from = open(path, key)?;
    let said = about(&mut from, path)?;
    let keys = keys_for(&said, keys, key)?.keys;
    let About { made_at, version, .. } = said;
    let copied = check(&mut from, &keys).map_err(of_copy(path, unread(path)))?;
    let mut files = 0;
    let mut archive = tar::Archive::new(&mut from);
    for entry in archive.entries().map_err(unread(path))? {
        let mut entry = entry.map_err(unread(path))?;
        io::copy(&mut entry, &mut io::sink()).map_err(unread(path))?;
        files += usize::from(entry.header().entry_type().is_file());
    }
    io::copy(&mut from, &mut io::sink()).map_err(unread(path))?;
    Ok(Verified { at: made_at, version, copied, files })
}

/// Puts a backup back into a folder that is empty or not there.
///
/// # Errors
/// Returns an error if the folder holds something, or the backup is damaged, cut short, of another key or format. Nothing is
/// left of it then.
pub fn put_back(
    (path, keys, key): (&Path, &Path, &Identity),
    data_dir: &Path,
    now: Timestamp,
) -> Result<(Verified, Restored), BackupError> {
    let (was_there, marker) = (data_dir.exists(), data_dir.join(RESTORING));
    let is_left_over = fs::metadata(&marker).is_ok_and(|marker| marker.len() > 0);
    if was_there && !is_free(data_dir, is_left_over).map_err(failed(data_dir))? {
        return Err(BackupError::NotEmpty(data_dir.to_owned()));
    }
    // All of it is read before anything is made: half a folder is worse than none.
    let verified = verify(path, keys, key)?;
    if verified.copied.keyless > 0 {
        return Err(of_copy(path, unread(path))(CopyError::Keyless { rows: verified.copied.keyless }));
    }
    let mut from = open(path, key)?;
    let said = about(&mut from, path)?;
    let KeysRead { keys: subject_keys, erased, .. } = keys_for(&said, keys, key)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(failed(data_dir))?;
    let _held = begin(data_dir, &marker)?;
    clear(data_dir);
    let done = fill((path, from), (&subject_keys, erased), data_dir, now);
    let done = done.and_then(|restoring| restoring.finish().map_err(failed(data_dir)));
    let ended = done.and_then(|restored| {
        let ended = fs::remove_file(&marker).and_then(|()| File::open(data_dir)?.sync_all());
        ended.map(|()| (verified, restored)).map_err(failed(&marker))
    });
    if ended.is_err() {
        clear(data_dir);
        drop(fs::remove_file(&marker));
        if !was_there {
            drop(fs::remove_dir(data_dir));
        }
    }
    ended
}

/// Marks a folder as one that is being restored into, and holds it: no host starts on half of it, and no other restore takes it
/// for a left-over one. The marker is empty until the folder was seen to be free, so that it says nothing of what lay there before.
fn begin(data_dir: &Path, marker: &Path) -> Result<File, BackupError> {
    let (mut options, again) = (OpenOptions::new(), OpenOptions::new().write(true).open(marker));
    let (mut held, is_new) = match again {
        Ok(held) => (held, false),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(marker)(error)),
        Err(_) => match options.write(true).create_new(true).mode(0o600).open(marker) {
            Ok(held) => (held, true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(BackupError::Restoring(data_dir.to_owned()));
            }
            Err(error) => return Err(failed(marker)(error)),
        },
    };
    // Another restore may have ended since it was opened, and taken it away with that.
    let place = |file: fs::Metadata| (file.dev(), file.ino());
    let is_there = |held: &File| Ok::<_, io::Error>(place(held.metadata()?) == place(fs::metadata(marker)?));
    if held.try_lock().is_err() || !is_there(&held).unwrap_or_default() {
        return Err(BackupError::Restoring(data_dir.to_owned()));
    }
    let mut write = || {
        let is_left_over = held.metadata()?.len() > 0;
        if !is_free(data_dir, is_left_over)? {
            return Ok(false);
        }
        if !is_left_over {
            held.write_all(b"A backup is being restored into this folder.\n")?;
        }
        held.sync_all().and_then(|()| File::open(data_dir)?.sync_all())?;
        Ok(true)
    };
    let begun = write().map_err(failed(marker)).and_then(|is_free| {
        let not_empty = || BackupError::NotEmpty(data_dir.to_owned());
        is_free.then_some(()).ok_or_else(not_empty)
    });
    if begun.is_err() && is_new {
        drop(fs::remove_file(marker));
    }
    begun.map(|()| held)
}

/// The names of what a restore makes in a data folder, beside its marker.
fn is_made(name: &OsStr) -> bool {
    [STORE_FILES.as_slice(), &[ERASED], &FOLDERS].concat().iter().any(|made| name == *made)
}

/// Whether a backup can be put back into a folder: it is empty, or holds what a restore left that was cut off.
fn is_free(data_dir: &Path, is_left_over: bool) -> io::Result<bool> {
    for entry in fs::read_dir(data_dir)? {
        let name = entry?.file_name();
        let is_nothing = name == "lost+found" || name == RESTORING || is_left_over && is_made(&name);
        if !is_nothing {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Takes what a restore makes out of a folder that was empty before.
fn clear(data_dir: &Path) {
    for entry in fs::read_dir(data_dir).into_iter().flatten().flatten().filter(|entry| is_made(&entry.file_name())) {
        let path = entry.path();
        drop(if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) });
    }
}

/// Fills a folder with what a backup holds behind its beginning. The store has its name once the rest is there.
fn fill(
    (path, mut from): (&Path, impl Read),
    (keys, erased): (&SubjectKeys, Option<String>),
    data_dir: &Path,
    now: Timestamp,
) -> Result<Restoring, BackupError> {
    if let Some(lines) = erased {
        let to = data_dir.join(ERASED);
        let mut file = private(&to).map_err(failed(&to))?;
        file.write_all(lines.as_bytes()).and_then(|()| file.sync_all()).map_err(failed(&to))?;
    }
    let restoring = restore(data_dir, &mut from, keys, now).map_err(of_copy(path, unread(path)))?;
    let mut archive = tar::Archive::new(&mut from);
    for entry in archive.entries().map_err(unread(path))? {
        let mut entry = entry.map_err(unread(path))?;
        if entry.path().is_ok_and(|path| FOLDERS.iter().any(|folder| path.starts_with(folder))) {
            entry.unpack_in(data_dir).map_err(failed(data_dir))?;
        }
    }
    io::copy(&mut from, &mut io::sink()).map_err(unread(path))?;
    Ok(restoring)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(folder: &Path, names: &[&str]) {
        let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        found.sort();
        assert_eq!(found, names);
    }

    #[test]
    fn a_store_that_another_restore_made_meanwhile_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (data_dir, marker) = (folder.path(), folder.path().join(RESTORING));
        fs::write(data_dir.join(STORE_FILES[0]), "a store").unwrap();
        assert!(matches!(begin(data_dir, &marker), Err(BackupError::NotEmpty(_))));
        // One that was killed before it saw what lies there.
        fs::write(&marker, "").unwrap();
        assert!(matches!(begin(data_dir, &marker), Err(BackupError::NotEmpty(_))));
        has(data_dir, &[STORE_FILES[0], RESTORING]);
        // Another failure is told as what it is.
        fs::remove_file(&marker).unwrap();
        fs::create_dir(&marker).unwrap();
        assert!(matches!(begin(data_dir, &marker), Err(BackupError::Io { .. })));
    }

    #[test]
    fn a_restore_that_is_refused_leaves_no_marker_by_which_no_host_would_start() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("diary"), "Monday").unwrap();
        let begun = begin(folder.path(), &folder.path().join(RESTORING));
        assert!(matches!(begun, Err(BackupError::NotEmpty(_))));
        has(folder.path(), &["diary"]);
    }

    /// Whoever opened one that nobody writes into would wait for ever, and whoever needs the keys for that one.
    #[test]
    fn a_pipe_in_the_place_of_a_backup_or_of_its_keys_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let key = Identity::generate();
        let told = [read_keys(&pipe, &key).err(), verify(&pipe, &pipe, &key).err()];
        for error in told.map(|error| error.unwrap().to_string()) {
            assert!(error.contains("isn't a regular file"), "{error}");
        }
    }

    #[test]
    fn what_is_longer_than_any_file_of_keys_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        // A terabyte of nothing: it takes no room on the disk, and would take all memory.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = read_keys(&path, &Identity::generate()).err().unwrap().to_string();
        assert!(error.contains("10000000 keys") && error.contains("640 MB") && error.contains(KEYS), "{error}");
    }

    #[test]
    fn a_backup_in_the_place_of_its_keys_is_told_from_a_damaged_file() {
        let (folder, key) = (tempfile::tempdir().unwrap(), Identity::generate());
        let path = folder.path().join("keys");
        let write = |text: &[u8]| {
            let mut to = super::super::begin(&path, &key).unwrap();
            to.write_all(text).unwrap();
            super::super::end(to).unwrap();
            read_keys(&path, &key).err().unwrap().to_string()
        };
        assert!(write(&[&MAGIC[..], &[0; 99]].concat()).contains("it is a backup"));
        for damaged in [&b""[..], b"{", b"tidegate", &[0; 200]] {
            assert!(write(damaged).contains("no file of keys, or is cut short"), "{damaged:?}");
        }
    }

    #[test]
    fn one_restore_at_a_time_has_the_folder_and_a_left_over_one_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let (data_dir, marker) = (folder.path(), folder.path().join(RESTORING));
        let first = begin(data_dir, &marker).unwrap();
        assert!(matches!(begin(data_dir, &marker), Err(BackupError::Restoring(_))));
        drop(first);
        fs::write(data_dir.join(STORE_FILES[0]), "half").unwrap();
        drop(begin(data_dir, &marker).unwrap());
        clear(data_dir);
        has(data_dir, &[RESTORING]);
    }
}
