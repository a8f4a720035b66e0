//! Backups: one file each, encrypted with age, with a copy of the store and the folders beside it that cannot be made anew. In
//! a file of its own beside them, of which there is one at a time, lie the keys of what is in them: whoever is erased goes from
//! it, and with that from every backup. The file says which keys were taken away, so that one that is missing otherwise is told
//! from an erasure.
//!
//! The key of the host's secrets is in neither.

mod names;
mod reading;

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use age::Encryptor;
use age::x25519::Identity;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::config::BackupSettings;
use crate::domain::Timestamp;
use crate::store::backup::{Copied, CopyError, FileOfKeys, SubjectKeys};
use crate::store::{Store, StoreError};
use names::{MOMENT, NAME, thin_out};
use reading::{LONGEST_KEYS, read_keys, too_many_keys};

pub use names::names_in;
pub use reading::{put_back, verify};

/// Held while a backup is made: two at once would take each other's files away.
static MAKING: Mutex<()> = Mutex::const_new(());
/// The file of keys that was last looked at: its path, moment and length. Locked while one is read and written, so that two writers
/// do not undo each other.
static LOOKED: Mutex<Option<Looked>> = Mutex::const_new(None);

type Looked = (PathBuf, SystemTime, u64);

/// What the content of a backup begins with.
const MAGIC: &[u8; 18] = b"tidegate backup 1\n";
/// The name of the file of keys.
pub const KEYS: &str = "tidegate-keys.age";
/// The file that says that there are no keys of before any more.
const ANEW: &str = "tidegate-keys.age.is-new";
/// The folders of the data folder that a backup has: what is made anew is in none.
const FOLDERS: [&str; 3] = ["packs", "drafts", "cases"];
/// The end of the names of files that are being written.
const UNFINISHED: &str = ".unfinished";

/// A backup that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The file.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The moment at which it was begun.
    pub at: Timestamp,
    /// What it holds of the store.
    pub copied: Copied,
    /// The public part of the key that it is encrypted with.
    pub public_key: String,
    /// The names of older ones that were removed, as the settings say how many are kept.
    pub removed: Vec<String>,
}

/// A backup that was looked through.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The moment at which it was begun.
    pub at: Timestamp,
    /// The version that made it.
    pub version: String,
    /// What it holds of the store.
    pub copied: Copied,
    /// The number of its other files.
    pub files: usize,
}

/// The reason why a backup was not made, or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The copy of the store in it cannot be used.
    #[error("{}: {source}", path.display())]
    Copy {
        /// The backup.
        path: PathBuf,
        /// The reason.
        source: CopyError,
    },
    /// A file or folder failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file is no backup, is cut off, or is of another key.
    #[error("{}: {why}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The reason, and what to do.
        why: String,
    },
    /// The folder holds backups of another store.
    #[error(
        "{} holds backups of another host, or of a store that is lost, and nothing was written: their keys would be lost. Name \
         another folder under [backup], or restore the newest of these backups first", .0.display()
    )]
    OtherStore(PathBuf),
    /// The file of keys is not there, and the host has made backups.
    #[error(
        "{} is not there, and this host has made backups: is their disk mounted? Where the folder is a new one, copy the file from \
         the folder of before into it. Where that is lost for good, make an empty file named {ANEW} beside it: backups of before \
         open no more then", .0.display()
    )]
    KeysAway(PathBuf),
    /// The file of keys has erasures that the store does not have.
    #[error(
        "{} knows of erasures that this store does not know: another copy of this store makes its backups there, or this one is \
         older than they are. Give each copy a folder of its own, or restore the newest backup with that file", .0.display()
    )]
    Fork(PathBuf),
    /// The file of keys does not open.
    #[error("{}: {why}", path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// The reason, and what to do.
        why: String,
    },
    /// Another one is being made.
    #[error("a backup is being made; try again when it is done")]
    Busy,
    /// Another restore into the folder goes on.
    #[error("a backup is being restored into {} at this moment", .0.display())]
    Restoring(PathBuf),
    /// The folder to restore into holds something.
    #[error("{} is not empty, and nothing was written: a backup is restored into a folder of its own", .0.display())]
    NotEmpty(PathBuf),
}

/// What a backup says of itself.
#[derive(Serialize, Deserialize)]
struct About {
    made_at: Timestamp,
    version: String,
    /// The mark of the store.
    store: String,
}

/// The text of the file of keys. What may be long is borrowed from it where it is read.
#[derive(Serialize, Deserialize)]
struct KeyFile<'a> {
    made_at: Timestamp,
    /// The mark of the store.
    store: String,
    /// The keys, in Base64.
    #[serde(borrow)]
    keys: Cow<'a, str>,
    /// The marks of keys that were taken away, in Base64.
    #[serde(borrow)]
    forgotten: Cow<'a, str>,
    /// The file of erasures as it stood; none where there was none.
    erased: Option<String>,
}

impl KeyFile<'_> {
    /// The bytes that it takes, but for the names of what it holds.
    fn length(&self) -> u64 {
        (self.keys.len() + self.forgotten.len() + self.erased.as_ref().map_or(0, String::len)) as u64
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> BackupError {
    move |source| BackupError::Io { path: path.to_owned(), source }
}

fn unusable(path: &Path, why: impl Into<String>) -> BackupError {
    BackupError::Unusable { path: path.to_owned(), why: why.into() }
}

/// The error of a copy that is written or read, as `of_io` tells one of the disk.
fn of_copy(path: &Path, of_io: impl Fn(io::Error) -> BackupError) -> impl Fn(CopyError) -> BackupError {
    move |error| match error {
        CopyError::Store(error) => error.into(),
        CopyError::Io(error) => of_io(error),
        source => BackupError::Copy { path: path.to_owned(), source },
    }
}

/// The error of reading a backup: what does not open is told from a disk that fails.
fn unread(path: &Path) -> impl Fn(io::Error) -> BackupError {
    use io::ErrorKind::{InvalidData, Other, UnexpectedEof};
    move |error| match error.kind() {
        InvalidData | UnexpectedEof | Other => unusable(path, "it is cut short or damaged; take an older one"),
        _ => failed(path)(error),
    }
}

/// Makes a backup: the store as it is at this moment, while everything goes on.
///
/// # Errors
/// Returns an error if the folder is another store's, the store or the disk fails, or what was written does not open again; no
/// backup is left then.
pub async fn make(store: &Store, data_dir: &Path, to: &BackupSettings, now: Timestamp) -> Result<Made, BackupError> {
    let _alone = MAKING.try_lock().map_err(|_| BackupError::Busy)?;
    let folder = to.folder.as_path();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
    let key = to.key.identity();
    let mark = store.mark().await?;
    // Before the work is done: what is wrong with it is wrong with the backup.
    earlier_keys(store, folder, key, &mark).await?;
    let prefix = format!("{}{}-", NAME.0, &mark[..8]);
    remove_unfinished(folder, &prefix).map_err(failed(folder))?;
    let name = format!("{prefix}{}{}", now.strftime(MOMENT), NAME.1);
    let path = folder.join(&name);
    let unfinished = Unfinished(folder.join(format!(".{name}{UNFINISHED}")));
    let about = About { made_at: now, version: env!("CARGO_PKG_VERSION").to_owned(), store: mark };
    let copied = write(store, data_dir, &unfinished.0, (key, &about)).await?;
    {
        let _alone = LOOKED.lock().await;
        write_keys(store, folder, key, When::InAnyCase, now).await?;
    }
    let (file, keys, key) = (unfinished.0.clone(), folder.join(KEYS), key.clone());
    let verified = blocking(&path, move || verify(&file, &keys, &key)).await?;
    if verified.copied.rows != copied.rows || verified.copied.sealed != copied.sealed || verified.copied.keyless > 0 {
        return Err(unusable(&path, "what was written is not what is read again; nothing was kept. Check the disk"));
    }
    fs::rename(&unfinished.0, &path).and_then(|()| File::open(folder)?.sync_all()).map_err(failed(&path))?;
    let bytes = fs::metadata(&path).map_err(failed(&path))?.len();
    drop(fs::remove_file(folder.join(ANEW)));
    let removed = thin_out(folder, to.keep, (&prefix, &name), now);
    Ok(Made { path, bytes, at: now, copied, removed, public_key: to.key.public() })
}

/// Removes what earlier backups left that did not come to their end.
fn remove_unfinished(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        if name.starts_with(&format!(".{prefix}")) && name.ends_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The file of keys as it is there, which goes on opening earlier backups.
#[derive(Default)]
struct Earlier {
    keys: SubjectKeys,
    /// The lines of erasures in it.
    erased: Option<String>,
    /// The moment at which it was written.
    made_at: Option<Timestamp>,
}

/// The file of keys that is there; nothing where there is none and never was.
async fn earlier_keys(store: &Store, folder: &Path, key: &Identity, mark: &str) -> Result<Earlier, BackupError> {
    let path = folder.join(KEYS);
    if !path.exists() {
        let is_known = store.has_file_of_keys().await? || !names_in(folder).map_err(failed(folder))?.is_empty();
        let is_away = is_known && !folder.join(ANEW).exists();
        return if is_away { Err(BackupError::KeysAway(path)) } else { Ok(Earlier::default()) };
    }
    let (at, key) = (path.clone(), key.clone());
    let file = blocking(&path, move || read_keys(&at, &key)).await.map_err(|error| match error {
        BackupError::Unusable { path, why } => BackupError::Keys { path, why },
        other => other,
    })?;
    if file.store == mark {
        Ok(Earlier { keys: file.keys, erased: file.erased, made_at: Some(file.made_at) })
    } else {
        Err(BackupError::OtherStore(folder.to_owned()))
    }
}

/// Does what reads and writes at `path` on a thread that may block: the file of keys grows with the book.
async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other).map_err(failed(path))?
}

/// A file that is removed where it was not given its name.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

type Sealed = age::stream::StreamWriter<BufWriter<File>>;

fn begin(path: &Path, key: &Identity) -> Result<Sealed, BackupError> {
    let file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let file = BufWriter::with_capacity(1 << 20, file.map_err(failed(path))?);
    let recipient = key.to_public();
    let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient));
    let encryptor = encryptor.map_err(|error| unusable(path, error.to_string()))?;
    encryptor.wrap_output(file).map_err(failed(path))
}

fn end(sealed: Sealed) -> io::Result<()> {
    let file = sealed.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()
}

async fn write(
    store: &Store,
    data_dir: &Path,
    path: &Path,
    (key, about): (&Identity, &About),
) -> Result<Copied, BackupError> {
    let mut to = begin(path, key)?;
    let about = serde_json::to_vec(about).map_err(io::Error::other).map_err(failed(path))?;
    let length = u32::try_from(about.len()).expect("a description is short");
    let parts: [&[u8]; 3] = [MAGIC, &length.to_be_bytes(), &about];
    parts.into_iter().try_for_each(|part| to.write_all(part)).map_err(failed(path))?;
    let (to, copied) = store.write_copy(to).await.map_err(of_copy(path, failed(path)))?;
    let (data_dir, at) = (data_dir.to_owned(), path.to_owned());
    let append = move || {
        let mut archive = tar::Builder::new(to);
        archive.follow_symlinks(false);
        for folder in FOLDERS {
            if data_dir.join(folder).is_dir() {
                append_folder(&mut archive, &data_dir, Path::new(folder))?;
            }
        }
        end(archive.into_inner()?)
    };
    blocking(path, move || append().map_err(failed(&at))).await?;
    Ok(copied)
}

/// Appends a folder of the data folder, with what is in it. Sockets, pipes and devices are nothing to put back, and what somebody
/// takes away meanwhile is missed by nobody.
fn append_folder(archive: &mut tar::Builder<impl Write>, data_dir: &Path, folder: &Path) -> io::Result<()> {
    archive.append_dir(folder, data_dir.join(folder))?;
    let mut names =
        fs::read_dir(data_dir.join(folder))?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    for name in names {
        let (inner, path) = (folder.join(&name), data_dir.join(folder).join(&name));
        let appended = match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => append_folder(archive, data_dir, &inner),
            Ok(found) if found.is_file() || found.is_symlink() => archive.append_path_with_name(&path, &inner),
            Ok(_) => {
                tracing::warn!(file = %path.display(), "a socket, pipe or device is in no backup");
                Ok(())
            }
            Err(error) => Err(error),
        };
        match appended {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            appended => appended?,
        }
    }
    Ok(())
}

/// Writes the file of keys anew, where something was taken away since it was written, or where another copy of it lies there by now
/// that still has what was taken away: whoever was erased is in it no more. Where somebody `was_erased` just now, it is looked at in
/// any case, since a key may be in the file alone.
///
/// # Errors
/// Returns an error if there were backups and the file is not there or another store's, or the store or the disk fails.
pub async fn renew_keys(
    store: &Store,
    to: &BackupSettings,
    now: Timestamp,
    was_erased: bool,
) -> Result<(), BackupError> {
    let mut looked = LOOKED.lock().await;
    if !store.has_file_of_keys().await? {
        return Ok(());
    }
    let path = to.folder.join(KEYS);
    let stamp = || -> Option<Looked> {
        let file = fs::metadata(&path).ok()?;
        Some((path.clone(), file.modified().ok()?, file.len()))
    };
    if was_erased {
        *looked = None;
    }
    let (is_old, found) = (store.is_file_of_keys_old().await?, stamp());
    // A disk that is away is missed where something is to be written.
    let is_known = if found.is_none() { !was_erased } else { found == *looked };
    if !is_old && is_known {
        return Ok(());
    }
    let when = if is_old { When::InAnyCase } else { When::SomethingIsTaken };
    // What lies there after the look, and was not written here, is looked at the next time.
    *looked = if write_keys(store, &to.folder, to.key.identity(), when, now).await? { stamp() } else { found };
    Ok(())
}

/// When the file of keys is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// In any case.
    InAnyCase,
    /// Where the one that is there has a key that was taken away.
    SomethingIsTaken,
}

/// Writes the file of keys; answers whether that was to be done.
async fn write_keys(
    store: &Store,
    folder: &Path,
    key: &Identity,
    when: When,
    now: Timestamp,
) -> Result<bool, BackupError> {
    let mark = store.mark().await?;
    let earlier = earlier_keys(store, folder, key, &mark).await?;
    let FileOfKeys { keys, is_to_be_renewed, as_of } = store.file_of_keys(earlier.keys).await?;
    if when == When::SomethingIsTaken && !is_to_be_renewed {
        return Ok(false);
    }
    let (path, unfinished) = (folder.join(KEYS), Unfinished(folder.join(format!(".{KEYS}{UNFINISHED}"))));
    let erased = store.erasure_lines().map_err(failed(&path))?;
    let erased = erased.map(String::from_utf8).transpose().map_err(io::Error::other).map_err(failed(&path))?;
    if earlier.erased.is_some_and(|known| !erased.as_deref().unwrap_or_default().starts_with(&known)) {
        return Err(BackupError::Fork(path));
    }
    // A clock that was set back makes no file that is older than the backups beside it.
    let made_at = earlier.made_at.map_or(now, |before| before.max(now));
    let (key, folder) = (key.clone(), folder.to_owned());
    let write = {
        let path = path.clone();
        move || {
            let (keys, forgotten) = keys.to_bytes();
            let (keys, forgotten) = (STANDARD.encode(keys).into(), STANDARD.encode(forgotten).into());
            let text = KeyFile { made_at, store: mark, keys, forgotten, erased };
            // One that is too long to be read again would lock the backups beside it.
            if text.length() > LONGEST_KEYS {
                return Err(BackupError::Keys { path, why: too_many_keys() });
            }
            let mut to = begin(&unfinished.0, &key)?;
            let written = serde_json::to_writer(&mut to, &text).map_err(io::Error::other).and_then(|()| end(to));
            let named = written.and_then(|()| fs::rename(&unfinished.0, &path));
            named.and_then(|()| File::open(&folder)?.sync_all()).map_err(failed(&path))
        }
    };
    blocking(&path, write).await?;
    store.note_keys_written(as_of).await?;
    Ok(true)
}

/// A new file for its owner alone.
fn private(path: &Path) -> io::Result<File> {
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Writes a new key to a file; answers its public part.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn make_key(mut file: File) -> io::Result<String> {
    let key = Identity::generate();
    let public = key.to_public().to_string();
    writeln!(file, "# The key of tidegate's backups. Keep a copy of it elsewhere: without it nobody opens them.")?;
    writeln!(file, "# public key: {public}")?;
    writeln!(file, "{}", key.to_string().expose_secret())?;
    file.sync_all()?;
    Ok(public)
}
