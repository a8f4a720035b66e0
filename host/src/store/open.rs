//! Opening the file: the lock, the permissions, the format version, the tables.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;

use super::engine::{self, Engine, FILE_NAME, UNFINISHED};
use super::erasure_file::{self, ErasureFile};
use super::space::{RESERVE, Space};
use super::threads::Threads;
use super::{Store, StoreError};
use super::{access, catalogue, erasure, migrations, rewrite};
use crate::config::Storage;

/// The file that says that the folder has a store: made once a store's first transaction is on disk.
const MARKER: &str = "tidegate.made";
/// The file that says that a backup is being put back into the folder.
pub const RESTORING: &str = "tidegate.restoring";
/// The names of a store's file: its own, and the one that it has while it is made.
pub const STORE_FILES: [&str; 2] = [FILE_NAME, UNFINISHED];
/// The files that are in the folder of a store and never in one where a first start ended early: each is made after the
/// store.
const SIGNS: [&str; 3] = [MARKER, "secret.key", RESERVE];

/// Whether a store, or what is left of one, lies in a data folder. Nothing is made.
pub fn is_in(data_dir: &Path) -> bool {
    // What cannot be looked at may be one: opening it says why it cannot be.
    let is = |name: &str, is: fn(u64) -> bool| match fs::metadata(data_dir.join(name)) {
        Ok(file) => is(file.len()),
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    };
    is(MARKER, |_| true) || is(FILE_NAME, |bytes| bytes > 0)
}

impl Store {
    /// Opens the store in the data folder, making it on first use. The folder is made for its owner alone, and so is
    /// the file. Where a store was before, none is made in its place.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::TooNew`], [`StoreError::Lost`], [`StoreError::Damaged`], or what the disk said.
    /// Who was erased is erased again where this is an older copy of the store.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        Self::open_sparing(data_dir, Storage::default())
    }

    /// The same, keeping some of the disk free.
    ///
    /// # Errors
    /// Fails as [`Store::open`] does, and with [`StoreError::NoSpace`] before anything is written to a disk that is
    /// full.
    pub fn open_sparing(data_dir: &Path, storage: Storage) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE_NAME);
        make_private(data_dir).map_err(failed(data_dir))?;
        let space = Arc::new(Space::of(data_dir, storage));
        refuse_where_half_restored(data_dir, &path)?;
        refuse_where_lost(data_dir, &path)?;
        space.admit_in_any_case()?;
        let engine = if size_of(&path)?.is_none_or(|size| size == 0) {
            make(data_dir, &path, &space)?
        } else {
            engine_of(&path, &space)?
        };
        mark(data_dir);
        let erasures = erasure::reconcile(&engine, data_dir)?;
        let engine = rewrite::after_erasures(engine, &path, &space);
        Self::on(engine, space, erasures).map_err(failed(&path))
    }

    /// Opens a store on an engine of a test, with the disk of the folder that the test runs in.
    #[cfg(test)]
    pub fn open_on(engine: Engine) -> Result<Self, StoreError> {
        let space = Arc::new(Space::of(Path::new("."), Storage::default()));
        prepare(&engine, Path::new("."), &space)?;
        Ok(Self::on(engine, space, ErasureFile::none()).unwrap())
    }

    fn on(engine: Engine, space: Arc<Space>, erasures: ErasureFile) -> io::Result<Self> {
        let (threads, broken) = (Threads::start()?, watch::Sender::new(None));
        let (engine, threads, broken) = (Arc::new(engine), Arc::new(threads), Arc::new(broken));
        Ok(Self { engine, threads, space, broken, erasures: Arc::new(erasures), linked: Arc::default() })
    }
}

/// The error that a file or folder failed with.
fn failed(path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |source| StoreError::Disk { path: path.to_owned(), source }
}

/// The size of a file, in bytes; none where there is no file.
fn size_of(file: &Path) -> Result<Option<u64>, StoreError> {
    match fs::metadata(file) {
        Ok(found) if !found.is_file() => Err(StoreError::Damaged { file: FILE_NAME, why: "it is no file".to_owned() }),
        Ok(found) => Ok(Some(found.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(file)(error)),
    }
}

/// Makes a store under another name and gives it its own once its tables are on disk.
fn make(data_dir: &Path, path: &Path, space: &Space) -> Result<Engine, StoreError> {
    let unfinished = data_dir.join(UNFINISHED);
    let engine = match engine_of(&unfinished, space) {
        // What an earlier start began and did not end holds nothing.
        Err(StoreError::Damaged { .. }) => {
            fs::remove_file(&unfinished).map_err(failed(&unfinished))?;
            engine_of(&unfinished, space)?
        }
        made => made?,
    };
    // Whoever holds the unfinished one is alone with it; another process may have made the store just before.
    if size_of(path)?.is_some_and(|size| size > 0) {
        drop(fs::remove_file(&unfinished));
        return Err(StoreError::Locked);
    }
    fs::rename(&unfinished, path).and_then(|()| File::open(data_dir)?.sync_all()).map_err(failed(path))?;
    Ok(engine)
}

/// The database of a file, with all its tables. The file is made where there is none.
fn engine_of(path: &Path, space: &Space) -> Result<Engine, StoreError> {
    let damaged = |why: String| StoreError::Damaged { file: FILE_NAME, why };
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(failed(path))?;
    let open = || {
        let engine = Engine::open(path).map_err(|error| match error {
            engine::Error::Locked => StoreError::Locked,
            engine::Error::Broken(error) => failed(path)(io::Error::other(error)),
            other => damaged(other.to_string()),
        })?;
        prepare(&engine, path, space)?;
        Ok(engine)
    };
    // The database trusts what it reads, and panics over what it could not have written.
    catch_unwind(AssertUnwindSafe(open)).unwrap_or_else(|_| Err(damaged("it is damaged".to_owned())))
}

/// Refuses where a restore goes on, or was cut off. One that was cut off before it changed anything left an empty marker beside the
/// store that is there, and costs that store nothing.
fn refuse_where_half_restored(data_dir: &Path, file: &Path) -> Result<(), StoreError> {
    let marker = data_dir.join(RESTORING);
    if !marker.exists() {
        return Ok(());
    }
    let held = File::open(&marker).ok().filter(|held| held.try_lock().is_ok());
    let is_empty = held.and_then(|held| held.metadata().ok()).is_some_and(|marker| marker.len() == 0);
    let is_whole = size_of(file)?.is_some_and(|size| size > 0) && !data_dir.join(UNFINISHED).exists();
    if is_empty && is_whole && fs::remove_file(&marker).is_ok() { Ok(()) } else { Err(StoreError::HalfRestored) }
}

/// Refuses where the store's file is empty or not there, and the folder shows that there was one.
fn refuse_where_lost(data_dir: &Path, file: &Path) -> Result<(), StoreError> {
    // The signs before the file: another process may be making both, the file first.
    let signs: Vec<&str> = SIGNS.into_iter().filter(|sign| data_dir.join(sign).exists()).collect();
    let what = match size_of(file)? {
        _ if signs.is_empty() => return Ok(()),
        Some(0) => "is empty",
        Some(_) => return Ok(()),
        None => "is not there",
    };
    Err(StoreError::Lost { file: FILE_NAME, what, signs: signs.join(", ") })
}

/// Leaves the marker. A disk that takes none costs the host its guard and nothing else.
fn mark(data_dir: &Path) {
    let path = data_dir.join(MARKER);
    if path.exists() {
        return;
    }
    let text =
        format!("A store was made in this folder. Where {FILE_NAME} is lost, the host says so and makes no new one.\n");
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    if let Err(error) = made.and_then(|mut file| file.write_all(text.as_bytes())) {
        tracing::warn!(%error, "the data folder could not be marked as one that has a store");
    }
}

/// Makes the folder for its owner alone. One that is there already is closed to others, unless it holds something else:
/// then somebody may need it open.
fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mode = fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    if holds_nothing_else(folder)? && fs::set_permissions(folder, Permissions::from_mode(0o700)).is_ok() {
        return Ok(());
    }
    // A volume that a machine's administrator hands over to a group.
    if mode & 0o007 == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "others on this machine can get into it (mode {:o}); close it with `chmod 700`, or name a folder of its own with \
         --data-dir or [server] data-dir",
        mode & 0o777
    )))
}

/// Whether the folder is the host's: it has a store, or nothing that the host does not make.
fn holds_nothing_else(folder: &Path) -> io::Result<bool> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.push(entry?.file_name());
    }
    let is_ours = |name: &OsString| {
        ["cache", "lost+found", UNFINISHED, erasure_file::NAME].iter().chain(&SIGNS).any(|known| name == known)
    };
    Ok(names.iter().any(|name| name == FILE_NAME) || names.iter().all(is_ours))
}

/// Refuses a later format before anything is written; makes the tables that are missing.
fn prepare(engine: &Engine, file: &Path, space: &Space) -> Result<(), StoreError> {
    let mut transaction = engine.write()?;
    let found = migrations::format_of(&transaction)?;
    if let Some(found) = found.filter(|found| *found < migrations::FORMAT) {
        transaction.abort()?;
        migrations::keep_copy(file, found, space, engine)?;
        transaction = engine.write()?;
    }
    migrations::run(&transaction, found)?;
    catalogue::make(&transaction)?;
    access::key_by_emails(&transaction)?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_opening_is_refused_while_the_first_lasts() {
        let folder = tempfile::tempdir().unwrap();
        let first = Store::open(folder.path()).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(StoreError::Locked)));
        drop(first);
        Store::open(folder.path()).unwrap();
    }

    #[test]
    fn a_store_that_is_lost_is_not_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        let lost = |what: &str, signs: &[&str]| {
            let message = Store::open(folder.path()).err().unwrap().to_string();
            assert!(message.contains(FILE_NAME) && message.contains(what) && message.contains("backup"), "{message}");
            assert!(signs.iter().all(|sign| message.contains(sign)), "{message}");
        };
        drop(Store::open(folder.path()).unwrap());
        fs::write(folder.path().join("secret.key"), "key").unwrap();
        fs::copy(&file, folder.path().join("backup")).unwrap();
        fs::write(&file, "").unwrap();
        lost("is empty", &[MARKER, "secret.key"]);
        assert_eq!(fs::metadata(&file).unwrap().len(), 0);
        fs::remove_file(&file).unwrap();
        lost("is not there", &[MARKER, "secret.key"]);
        assert!(!file.exists());
        // A store of before there was a marker.
        fs::remove_file(folder.path().join(MARKER)).unwrap();
        lost("is not there", &["secret.key"]);

        fs::rename(folder.path().join("backup"), &file).unwrap();
        drop(Store::open(folder.path()).unwrap());
        assert!(folder.path().join(MARKER).exists(), "a store of before is marked, too");

        // Begun anew, by a person.
        for gone in [FILE_NAME, MARKER, "secret.key"] {
            fs::remove_file(folder.path().join(gone)).unwrap();
        }
        Store::open(folder.path()).unwrap();
    }

    #[test]
    fn a_store_is_in_a_folder_unless_it_is_seen_that_none_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        assert!(!is_in(folder.path()) && !is_in(&folder.path().join("missing")) && !is_in(&file.join("below")));
        fs::write(&file, "").unwrap();
        assert!(!is_in(folder.path()), "what ended before there was anything");
        fs::write(&file, "a store").unwrap();
        assert!(is_in(folder.path()));
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(&file, &file).unwrap();
        assert!(is_in(folder.path()), "it cannot be looked at");
    }

    #[test]
    fn half_of_a_restore_is_no_store_and_one_that_changed_nothing_stands_in_no_way() {
        let folder = tempfile::tempdir().unwrap();
        let (marker, unfinished) = (folder.path().join(RESTORING), folder.path().join(UNFINISHED));
        drop(Store::open(folder.path()).unwrap());
        let is_refused = || matches!(Store::open(folder.path()), Err(StoreError::HalfRestored));
        fs::write(&marker, "A backup is being restored").unwrap();
        assert!(is_refused() && marker.exists());
        fs::write(&marker, "").unwrap();
        let held = File::open(&marker).unwrap();
        held.lock().unwrap();
        assert!(is_refused(), "it goes on");
        drop(held);
        fs::write(&unfinished, "half").unwrap();
        assert!(is_refused());
        fs::remove_file(&unfinished).unwrap();
        drop(Store::open(folder.path()).unwrap());
        assert!(!marker.exists());
    }

    #[test]
    fn a_first_start_that_ended_early_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("cache")).unwrap();
        fs::write(folder.path().join(FILE_NAME), "").unwrap();
        drop(Store::open(folder.path()).unwrap());
        // The database writes the mark by which it knows its files last.
        for begun in ["\0".repeat(1 << 20), String::new()] {
            [MARKER, FILE_NAME].iter().for_each(|name| fs::remove_file(folder.path().join(name)).unwrap());
            fs::write(folder.path().join(UNFINISHED), begun).unwrap();
            drop(Store::open(folder.path()).unwrap());
            assert!(folder.path().join(FILE_NAME).exists() && !folder.path().join(UNFINISHED).exists());
        }
    }

    #[test]
    fn a_file_that_is_no_store_is_refused_with_the_cure_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        drop(Store::open(folder.path()).unwrap());
        let whole = fs::read(&file).unwrap();
        let mut scrambled = whole.clone();
        scrambled[4096..40_000].iter_mut().enumerate().for_each(|(at, byte)| *byte ^= (at * 31 % 251) as u8 | 1);
        let damaged = [
            vec![0; 1 << 20],
            b"PK\x03\x04".repeat(5000),
            whole[..9000].to_vec(),
            vec![7],
            whole[..9].to_vec(),
            scrambled,
        ];
        for (number, damaged) in damaged.into_iter().enumerate() {
            fs::write(&file, &damaged).unwrap();
            let error = Store::open(folder.path()).err().unwrap();
            assert!(matches!(error, StoreError::Damaged { .. }), "{number}: {error}");
            assert!(error.to_string().contains("from a backup"), "{number}: {error}");
        }
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(matches!(Store::open(folder.path()), Err(StoreError::Damaged { .. })));
    }

    #[test]
    fn only_one_of_many_that_make_a_store_at_once_has_it() {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..20 {
            let data_dir = folder.path().join("data");
            drop(fs::remove_dir_all(&data_dir));
            let start = std::sync::Barrier::new(4);
            let open = || {
                start.wait();
                Store::open(&data_dir)
            };
            let opened = std::thread::scope(|scope| {
                let all: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
                all.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
            });
            let held = opened.iter().filter(|store| store.is_ok()).count();
            let refused = opened.iter().filter(|store| matches!(store, Err(StoreError::Locked))).count();
            assert_eq!((held, refused), (1, 3));
        }
    }

    #[test]
    fn folder_and_file_are_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        Store::open(&data_dir).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data_dir), mode(&data_dir.join(FILE_NAME))), (0o700, 0o600));
    }

    #[test]
    fn a_folder_that_is_there_is_closed_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("data");
        let check = |mode: u32, file: Option<&str>, expected: Option<u32>| {
            drop(fs::remove_dir_all(&data_dir));
            fs::create_dir(&data_dir).unwrap();
            file.iter().for_each(|file| fs::write(data_dir.join(file), "").unwrap());
            fs::set_permissions(&data_dir, Permissions::from_mode(mode)).unwrap();
            match (make_private(&data_dir), expected) {
                (Ok(()), Some(expected)) => {
                    assert_eq!(fs::metadata(&data_dir).unwrap().permissions().mode() & 0o777, expected);
                }
                (Err(error), None) => assert!(error.to_string().contains("chmod 700"), "{error}"),
                (outcome, _) => panic!("{mode:o} {file:?}: {outcome:?}"),
            }
        };
        check(0o755, None, Some(0o700));
        check(0o777, Some(FILE_NAME), Some(0o700));
        check(0o755, Some("secret.key"), Some(0o700));
        check(0o700, Some("diary"), Some(0o700));
        check(0o755, Some("diary"), None);
        check(0o1777, Some("diary"), None);
        // A volume of a container, handed over to a group.
        check(0o770, Some("diary"), Some(0o770));
    }
}
