//! Backups: one file each, encrypted with age, with a copy of the store and the folders beside it that cannot be made anew. In
//! a file of its own beside them, of which there is one at a time, lie the keys of what is in them: whoever is erased goes from
//! it, and with that from every backup. The file says which keys were taken away, so that one that is missing otherwise is told
//! from an erasure.
//!
//! The key of the host's secrets is in neither.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use age::x25519::Identity;
use age::{Decryptor, Encryptor};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::config::BackupSettings;
use crate::domain::Timestamp;
use crate::store::backup::{Copied, CopyError, Restored, Restoring, SubjectKeys, check, restore};
use crate::store::{Store, StoreError};

/// Held while a backup or the file of keys is written: two at once would take each other's files away.
static WRITING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// What the content of a backup begins with.
const MAGIC: &[u8; 18] = b"tidegate backup 1\n";
/// The name of the file of keys.
pub const KEYS: &str = "tidegate-keys.age";
/// The beginning and the end of the names of backups.
const NAME: (&str, &str) = ("tidegate-", ".backup.age");
/// The folders of the data folder that a backup has: what is made anew is in none.
const FOLDERS: [&str; 3] = ["packs", "drafts", "cases"];
/// The end of the names of files that are being written.
const UNFINISHED: &str = ".unfinished";
/// The name of the file of erasures.
const ERASED: &str = "tidegate.erased";
/// The longest description and the longest file of keys, in bytes.
const LONGEST_ABOUT: usize = 1 << 16;
const LONGEST_KEYS: u64 = 1 << 30;

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

/// What the file of keys holds.
#[derive(Serialize, Deserialize)]
struct KeyFile {
    made_at: Timestamp,
    /// The mark of the store.
    store: String,
    /// The keys, in Base64.
    keys: String,
    /// The marks of keys that were taken away, in Base64.
    forgotten: String,
    /// The file of erasures as it stood; none where there was none.
    erased: Option<String>,
}

fn failed(path: &Path) -> impl Fn(io::Error) -> BackupError {
    move |source| BackupError::Io { path: path.to_owned(), source }
}

fn unusable(path: &Path, why: impl Into<String>) -> BackupError {
    BackupError::Unusable { path: path.to_owned(), why: why.into() }
}

/// The error of writing a backup.
fn wrote(path: &Path) -> impl Fn(CopyError) -> BackupError {
    move |error| match error {
        CopyError::Store(error) => error.into(),
        CopyError::Io(error) => failed(path)(error),
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

fn of_copy(path: &Path) -> impl Fn(CopyError) -> BackupError {
    move |error| match error {
        CopyError::Store(error) => error.into(),
        CopyError::Io(error) => unread(path)(error),
        source => BackupError::Copy { path: path.to_owned(), source },
    }
}

/// The key of such a text.
///
/// # Errors
/// Returns an error if it is none.
pub fn key_of(text: &str) -> Result<Identity, &'static str> {
    text.parse()
}

/// Makes a backup: the store as it is at this moment, while everything goes on.
///
/// # Errors
/// Returns an error if the folder is another store's, the store or the disk fails, or what was written does not open again; no
/// backup is left then.
pub async fn make(store: &Store, data_dir: &Path, to: &BackupSettings, now: Timestamp) -> Result<Made, BackupError> {
    let _alone = WRITING.lock().await;
    let folder = to.folder.as_path();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
    remove_unfinished(folder).map_err(failed(folder))?;
    let key = key_of(to.key.expose_secret()).map_err(|why| unusable(folder, why))?;
    let mark = store.mark().await?;
    let earlier = earlier_keys(folder, &key, &mark)?;
    let prefix = format!("{}{}-", NAME.0, &mark[..8]);
    let name = format!("{prefix}{}{}", now.strftime("%Y-%m-%dT%H%M%S.%3fZ"), NAME.1);
    let path = folder.join(&name);
    let unfinished = Unfinished(folder.join(format!(".{name}{UNFINISHED}")));
    let about = About { made_at: now, version: env!("CARGO_PKG_VERSION").to_owned(), store: mark };
    let copied = write(store, data_dir, &unfinished.0, (&key, &about)).await?;
    write_keys(store, folder, (&key, earlier), now).await?;
    let (file, keys, key) = (unfinished.0.clone(), folder.join(KEYS), key);
    let verified = tokio::task::spawn_blocking(move || verify(&file, &keys, &key)).await;
    let verified = verified.map_err(io::Error::other).map_err(failed(&path))??;
    if verified.copied.rows != copied.rows || verified.copied.sealed != copied.sealed || verified.copied.keyless > 0 {
        return Err(unusable(&path, "what was written is not what is read again; nothing was kept. Check the disk"));
    }
    fs::rename(&unfinished.0, &path).and_then(|()| File::open(folder)?.sync_all()).map_err(failed(&path))?;
    let bytes = fs::metadata(&path).map_err(failed(&path))?.len();
    let removed = thin_out(folder, to.keep, (&prefix, &name));
    Ok(Made { path, bytes, at: now, copied, removed })
}

/// Removes what earlier backups left that did not come to their end.
fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        if name.starts_with(&format!(".{}", NAME.0)) && name.ends_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// The keys of the file that is there, which go on opening earlier backups; none where there is no file.
fn earlier_keys(folder: &Path, key: &Identity, mark: &str) -> Result<SubjectKeys, BackupError> {
    let path = folder.join(KEYS);
    if !path.exists() {
        return match names_in(folder).map_err(failed(folder))?.is_empty() {
            true => Ok(SubjectKeys::default()),
            false => Err(unusable(
                &path,
                "it is not there, and the backups beside it do not open without: put its newest copy there",
            )),
        };
    }
    let (file, keys) = read_keys(&path, key)?;
    if file.store == mark { Ok(keys) } else { Err(BackupError::OtherStore(folder.to_owned())) }
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
    let length = u32::try_from(about.len()).unwrap_or_default();
    let parts: [&[u8]; 3] = [MAGIC, &length.to_be_bytes(), &about];
    parts.into_iter().try_for_each(|part| to.write_all(part)).map_err(failed(path))?;
    let (to, copied) = store.write_copy(to).await.map_err(wrote(path))?;
    let data_dir = data_dir.to_owned();
    let ended = tokio::task::spawn_blocking(move || {
        let mut archive = tar::Builder::new(to);
        archive.follow_symlinks(false);
        for folder in FOLDERS {
            if data_dir.join(folder).is_dir() {
                archive.append_dir_all(folder, data_dir.join(folder))?;
            }
        }
        end(archive.into_inner()?)
    });
    ended.await.map_err(io::Error::other).flatten().map_err(failed(path))?;
    Ok(copied)
}

/// Writes the file of keys anew, where something was taken away since it was written: whoever was erased is in it no more.
///
/// # Errors
/// Returns an error if there were backups and the file is not there or another store's, or the store or the disk fails.
pub async fn renew_keys(store: &Store, to: &BackupSettings, now: Timestamp) -> Result<(), BackupError> {
    if !store.is_file_of_keys_old().await? {
        return Ok(());
    }
    let _alone = WRITING.lock().await;
    let folder = to.folder.as_path();
    let key = key_of(to.key.expose_secret()).map_err(|why| unusable(folder, why))?;
    if !folder.join(KEYS).exists() {
        return Err(unusable(&folder.join(KEYS), "it is not there; is the disk of the backups mounted?"));
    }
    let earlier = earlier_keys(folder, &key, &store.mark().await?)?;
    write_keys(store, folder, (&key, earlier), now).await
}

async fn write_keys(
    store: &Store,
    folder: &Path,
    (key, earlier): (&Identity, SubjectKeys),
    now: Timestamp,
) -> Result<(), BackupError> {
    let (keys, as_of) = store.subject_keys().await?;
    let (path, unfinished) = (folder.join(KEYS), Unfinished(folder.join(format!(".{KEYS}{UNFINISHED}"))));
    let erased = store.erasure_lines().map_err(failed(&path))?;
    let erased = erased.map(String::from_utf8).transpose().map_err(io::Error::other).map_err(failed(&path))?;
    let (keys, forgotten) = keys.with(earlier).to_bytes();
    let (keys, forgotten) = (STANDARD.encode(keys), STANDARD.encode(forgotten));
    let text = KeyFile { made_at: now, store: store.mark().await?, keys, forgotten, erased };
    let mut to = begin(&unfinished.0, key)?;
    serde_json::to_writer(&mut to, &text).map_err(io::Error::other).map_err(failed(&path))?;
    let end = end(to).and_then(|()| fs::rename(&unfinished.0, &path)).and_then(|()| File::open(folder)?.sync_all());
    end.map_err(failed(&path))?;
    Ok(store.keys_are_written(as_of).await?)
}

/// Removes the oldest of a store's backups beyond those that are kept, and never the one of this name.
fn thin_out(folder: &Path, keep: usize, (prefix, newest): (&str, &str)) -> Vec<String> {
    let mut names = names_in(folder).unwrap_or_default();
    names.retain(|name| name.starts_with(prefix) && name != newest);
    let beyond = names.len().saturating_sub(keep.saturating_sub(1));
    let mut removed = Vec::new();
    for name in names.drain(..beyond) {
        match fs::remove_file(folder.join(&name)) {
            Ok(()) => removed.push(name),
            Err(error) => tracing::warn!(%error, name, "an old backup could not be removed"),
        }
    }
    removed
}

/// The names of the backups in a folder, the oldest first.
///
/// # Errors
/// Returns an error if the folder cannot be read.
pub fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().into_string().unwrap_or_default();
        if name.starts_with(NAME.0) && name.ends_with(NAME.1) {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn open(path: &Path, key: &Identity) -> Result<impl Read, BackupError> {
    let file = BufReader::with_capacity(1 << 20, File::open(path).map_err(failed(path))?);
    let none = |error: age::DecryptError| match error {
        age::DecryptError::NoMatchingKeys | age::DecryptError::DecryptionFailed => unusable(
            path,
            "it is encrypted with another key; name the key file that was in the settings when it was made",
        ),
        age::DecryptError::Io(source) => failed(path)(source),
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

fn read_keys(path: &Path, key: &Identity) -> Result<(KeyFile, SubjectKeys), BackupError> {
    if !path.exists() {
        return Err(unusable(
            path,
            "it is not there; the backup does not open without: name the newest copy of it with --keys",
        ));
    }
    let mut text = Vec::new();
    open(path, key)?.take(LONGEST_KEYS).read_to_end(&mut text).map_err(unread(path))?;
    let damaged = || unusable(path, "it is no file of keys, or is damaged");
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
    let copied = check(&mut from, &keys).map_err(of_copy(path))?;
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
    let was_there = data_dir.exists();
    let is_empty = |folder: &Path| {
        let all = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        Ok::<_, io::Error>(all.iter().all(|entry| entry.file_name() == "lost+found"))
    };
    if was_there && !is_empty(data_dir).map_err(failed(data_dir))? {
        return Err(BackupError::NotEmpty(data_dir.to_owned()));
    }
    // All of it is read before anything is made: half a folder is worse than none.
    let verified = verify(path, keys, key)?;
    if verified.copied.keyless > 0 {
        return Err(of_copy(path)(CopyError::Keyless { rows: verified.copied.keyless }));
    }
    let mut from = open(path, key)?;
    let said = about(&mut from, path)?;
    let (file, subject_keys) = keys_for(&said, keys, key)?;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(failed(data_dir))?;
    let done = fill((path, from), (&subject_keys, file.erased), data_dir, now);
    let done = done.and_then(|restoring| restoring.finish().map_err(failed(data_dir)));
    let done = done.map(|restored| (verified, restored));
    if done.is_err() {
        // The folder was empty: all that is in it is of this.
        for entry in fs::read_dir(data_dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.ends_with("lost+found") {
                continue;
            }
            drop(if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) });
        }
        if !was_there {
            drop(fs::remove_dir(data_dir));
        }
    }
    done
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
    let restoring = restore(data_dir, &mut from, keys, now).map_err(of_copy(path))?;
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

/// A new file for its owner alone.
fn private(path: &Path) -> io::Result<File> {
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Makes a key, into a file that is not there yet; answers its public part.
///
/// # Errors
/// Returns an error if the file cannot be made.
pub fn make_key(path: &Path) -> io::Result<String> {
    let key = Identity::generate();
    let public = key.to_public().to_string();
    let mut file = private(path)?;
    writeln!(file, "# The key of tidegate's backups. Keep a copy of it elsewhere: without it nobody opens them.")?;
    writeln!(file, "# public key: {public}")?;
    writeln!(file, "{}", key.to_string().expose_secret())?;
    file.sync_all()?;
    Ok(public)
}
