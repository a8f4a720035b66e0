//! Reading a backup: to see that it is whole, and to put it back.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use age::Decryptor;
use age::x25519::Identity;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{About, BackupError, FOLDERS, KeyFile, MAGIC, Verified, failed, of_copy, private, unread, unusable};
use crate::domain::Timestamp;
use crate::store::backup::{CopyError, Restored, Restoring, SubjectKeys, check, restore};
use crate::store::{ERASED, RESTORING, STORE_FILES};

/// The longest description and the longest file of keys, in bytes.
const LONGEST_ABOUT: usize = 1 << 16;
const LONGEST_KEYS: u64 = 1 << 30;

fn open(path: &Path, key: &Identity) -> Result<impl Read, BackupError> {
    let file = BufReader::with_capacity(1 << 20, File::open(path).map_err(failed(path))?);
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

pub(super) fn read_keys(path: &Path, key: &Identity) -> Result<(KeyFile, SubjectKeys), BackupError> {
    if !path.exists() {
        return Err(unusable(
            path,
            "it is not there; the backup does not open without: name the newest copy of it with --keys",
        ));
    }
    let mut text = Vec::new();
    let damaged = || {
        unusable(
            path,
            "it is no file of keys, or is cut short or damaged; name another copy of the newest one with --keys",
        )
    };
    open(path, key)?.take(LONGEST_KEYS).read_to_end(&mut text).map_err(|error| match unread(path)(error) {
        BackupError::Unusable { .. } => damaged(),
        other => other,
    })?;
    let file: KeyFile = serde_json::from_slice(&text).map_err(|_| damaged())?;
    let bytes = |text: &str| STANDARD.decode(text).ok();
    let keys = bytes(&file.keys).zip(bytes(&file.forgotten));
    let keys = keys.and_then(|(keys, forgotten)| SubjectKeys::from_bytes(&keys, &forgotten)).ok_or_else(damaged)?;
    Ok((file, keys))
}

/// The keys for a backup of this description.
fn keys_for(about: &About, path: &Path, key: &Identity) -> Result<(KeyFile, SubjectKeys), BackupError> {
    let (file, keys) = read_keys(path, key)?;
    if file.store != about.store {
        return Err(unusable(path, "it is of another store than the backup; name the newest that lay beside it"));
    }
    if file.made_at < about.made_at {
        return Err(unusable(path, "it is older than the backup; name the newest copy of it with --keys"));
    }
    Ok((file, keys))
}

/// Reads a backup to its end: that it is whole, and opens with its keys.
///
/// # Errors
/// Returns an error if it is damaged, cut short, of another key or format.
pub fn verify(path: &Path, keys: &Path, key: &Identity) -> Result<Verified, BackupError> {
    let mut from = open(path, key)?;
    let said = about(&mut from, path)?;
    let (_, keys) = keys_for(&said, keys, key)?;
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
    if was_there && !is_free(data_dir).map_err(failed(data_dir))? {
        return Err(BackupError::NotEmpty(data_dir.to_owned()));
    }
    // All of it is read before anything is made: half a folder is worse than none.
    let verified = verify(path, keys, key)?;
    if verified.copied.keyless > 0 {
        return Err(of_copy(path, unread(path))(CopyError::Keyless { rows: verified.copied.keyless }));
    }
    let mut from = open(path, key)?;
    let said = about(&mut from, path)?;
    let (file, subject_keys) = keys_for(&said, keys, key)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(failed(data_dir))?;
    // No host starts on half of it, where this does not come to its end; and no other restore takes it for a left-over one.
    let mut options = OpenOptions::new();
    let held = options.write(true).create(true).truncate(false).mode(0o600).open(&marker).map_err(failed(&marker))?;
    if held.try_lock().is_err() {
        return Err(BackupError::Restoring(data_dir.to_owned()));
    }
    if !is_free(data_dir).map_err(failed(data_dir))? {
        return Err(BackupError::NotEmpty(data_dir.to_owned()));
    }
    clear(data_dir);
    let begun = held.sync_all().and_then(|()| File::open(data_dir)?.sync_all());
    begun.map_err(failed(&marker))?;
    let done = fill((path, from), (&subject_keys, file.erased), data_dir, now);
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

/// The names of what a restore makes in a data folder, beside its marker.
fn is_made(name: &OsStr) -> bool {
    [STORE_FILES.as_slice(), &[ERASED], &FOLDERS].concat().iter().any(|made| name == *made)
}

/// Whether a backup can be put back into a folder: it is empty, or holds what a restore left that was cut off.
fn is_free(data_dir: &Path) -> io::Result<bool> {
    let is_left_over = data_dir.join(RESTORING).exists();
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
