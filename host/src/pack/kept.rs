//! Pack folders as they were when they were put in force, kept below the data folder by their revision's digest.
//!
//! What stands among the packs is where a revision comes from and never what runs: a host starts on the revision that was
//! in force, whatever was copied there since, and goes back to one before it without fetching anything.

use std::collections::HashSet;
use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::files::Edited;
use super::pack_file::OwnPackFile;
use super::parts::{BASE, is_part, is_stray};
use super::{PackError, files, layers, limits, private_file, signature};
use crate::domain::RevisionDigest;

/// What a folder's name begins with while it is being copied.
const UNFINISHED: &str = ".unfinished-";

/// The folders that are kept. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeptPacks {
    folder: PathBuf,
}

impl KeptPacks {
    /// Those below a data folder.
    pub fn of(data_dir: &Path) -> Self {
        Self { folder: data_dir.join("packs") }
    }

    /// The folder of a revision, whether it is kept or not.
    pub fn folder(&self, digest: RevisionDigest) -> PathBuf {
        self.folder.join(digest.to_string())
    }

    /// The folders of the revisions whose digests begin so.
    ///
    /// # Errors
    /// Returns an error if the folder of kept packs cannot be read.
    pub fn beginning_with(&self, digest: &str) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let names = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
        let begins = |path: &PathBuf| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(digest))
        };
        Ok(names.into_iter().filter(begins).collect())
    }

    /// Keeps a pack's folder as that of a revision, with its bases' in it, whole or not at all. What is kept already stays.
    ///
    /// # Errors
    /// Names the file that cannot be copied.
    pub fn keep(&self, pack: &Path, digest: RevisionDigest) -> Result<(), PackError> {
        let kept = self.folder(digest);
        if kept.is_dir() {
            return Ok(());
        }
        let failed = PackError::io(format!("the folder of kept packs {}", self.folder.display()));
        make_private(&self.folder).map_err(&failed)?;
        let unfinished = self.folder.join(format!("{UNFINISHED}{:016x}", rand::random::<u64>()));
        let copied = copy_with_bases(pack, &unfinished).and_then(|()| {
            fs::rename(&unfinished, &kept).and_then(|()| fs::File::open(&self.folder)?.sync_all()).map_err(&failed)
        });
        copied.inspect_err(|_| drop(fs::remove_dir_all(&unfinished)))
    }

    /// Unpacks an archive of a pack's folder into a folder of its own, which goes with what is answered. Its name is the
    /// pack's.
    ///
    /// # Errors
    /// Says what is wrong with the archive; nothing is left of it then.
    pub fn receive(&self, archive: &[u8], pack: &str) -> Result<Received, PackError> {
        let failed = PackError::io(format!("the folder of kept packs {}", self.folder.display()));
        make_private(&self.folder).map_err(&failed)?;
        let around = self.folder.join(format!("{UNFINISHED}{:016x}", rand::random::<u64>()));
        make_private(&around).map_err(&failed)?;
        let received = Received { folder: around.join(pack), around };
        super::archive::unpack(archive, &received.folder)?;
        Ok(received)
    }

    /// A copy of what is kept of a revision, with these texts in place of its files, in a folder of its own, which goes with
    /// what is answered. Its name is the pack's. It has no signature: what its author signed is not this.
    ///
    /// # Errors
    /// Names the file that cannot be copied; nothing is left of it then.
    pub fn edit(&self, digest: RevisionDigest, pack: &str, edited: &Edited) -> Result<Received, PackError> {
        let around = self.folder.join(format!("{UNFINISHED}{:016x}", rand::random::<u64>()));
        make_private(&around).map_err(PackError::io(around.display()))?;
        let received = Received { folder: around.join(pack), around };
        let kept = self.folder(digest);
        copy_with_bases(&kept, &received.folder)?;
        for name in signature::FILES {
            match fs::remove_file(received.folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(PackError::io(name)(error)),
                _ => {}
            }
        }
        for (path, text) in edited {
            let file = received.folder.join(path);
            // What only a base had so far may stand in a folder that the pack itself has not got.
            make_private(file.parent().unwrap_or(&received.folder)).map_err(PackError::io(file.display()))?;
            private_file::write(&file, &[text.as_bytes()]).map_err(PackError::io(file.display()))?;
        }
        Ok(received)
    }

    /// Lets go of what is kept of a revision.
    ///
    /// # Errors
    /// Returns an error if its folder cannot be removed.
    pub fn discard(&self, digest: RevisionDigest) -> Result<(), PackError> {
        let kept = self.folder(digest);
        fs::remove_dir_all(&kept).map_err(PackError::io(kept.display()))
    }

    /// Removes what is kept beside these revisions, and what an earlier process did not finish.
    ///
    /// # Errors
    /// Returns an error if a folder cannot be removed.
    pub fn retain(&self, digests: &HashSet<RevisionDigest>) -> io::Result<()> {
        let names: HashSet<String> = digests.iter().map(ToString::to_string).collect();
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(|name| names.contains(name)) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// A pack's folder that was sent in, for as long as somebody looks at it.
pub struct Received {
    folder: PathBuf,
    around: PathBuf,
}

impl Received {
    /// The pack's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts the bases that did not come with the pack into it, as they stand among the packs of `packs_dir`.
    ///
    /// # Errors
    /// Names the file that cannot be copied.
    pub fn complete(&self, packs_dir: &Path) -> Result<(), PackError> {
        complete(&self.folder, packs_dir)
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        // What is left goes at the next look at what is kept.
        drop(fs::remove_dir_all(&self.around));
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Copies a pack into the folder `packs` under its name, with its bases in it; those that do not lie beside it are taken from
/// `packs_dir`. Answers its name.
///
/// # Errors
/// Names the file that is wrong, missing or cannot be copied.
pub fn copy_whole(pack: &Path, packs_dir: &Path, packs: &Path) -> Result<String, PackError> {
    let name = OwnPackFile::read(pack)?.name;
    let folder = packs.join(&name);
    copy_with_bases(pack, &folder)?;
    complete(&folder, packs_dir)?;
    Ok(name)
}

/// Puts the bases that are not in a pack into it, as they stand among the packs of `packs_dir`.
fn complete(pack: &Path, packs_dir: &Path) -> Result<(), PackError> {
    let Some(lowest) = layers::folders(pack).pop() else { return Ok(()) };
    match layers::missing_base(&lowest) {
        Some(name) if packs_dir.join(&name).is_dir() => copy_with_bases(&packs_dir.join(&name), &lowest.join(BASE)),
        _ => Ok(()),
    }
}

/// Copies a pack's folder, and its bases' as the folder `base` of what extends each: what is kept is whole.
///
/// # Errors
/// Names the file that cannot be read or copied.
pub fn copy_with_bases(pack: &Path, to: &Path) -> Result<(), PackError> {
    let folders = layers::folders(pack);
    let mut to = to.to_owned();
    for (at, folder) in folders.iter().enumerate() {
        copy((folder.as_path(), folders.get(at + 1)), folder, &to, limits::PACK_DEPTH)?;
        to.push(BASE);
    }
    Ok(())
}

/// Copies the files of a folder of `pack` and of those in it, without strays and the folder of its base.
fn copy((pack, base): (&Path, Option<&PathBuf>), from: &Path, to: &Path, depth: usize) -> Result<(), PackError> {
    let failed = PackError::io(from.display());
    make_private(to).map_err(&failed)?;
    for entry in fs::read_dir(from).map_err(&failed)? {
        let entry = entry.map_err(&failed)?;
        let (path, name) = (entry.path(), entry.file_name());
        let is_other = pack == from && !is_part(&name, path.is_dir());
        if is_stray(&name) || name.to_str().is_none() || base == Some(&path) || is_other {
            continue;
        }
        if !path.is_dir() {
            let bytes = files::read(pack, &path, limits::COMPONENT)?;
            let written = private_file::create(&to.join(&name)).and_then(|mut file| {
                file.write_all(&bytes)?;
                file.sync_all()
            });
            written.map_err(PackError::io(to.join(&name).display()))?;
        } else if depth > 0 {
            copy((pack, base), &path, &to.join(&name), depth - 1)?;
        } else {
            return Err(files::refused(&path, "its folders go too deep"));
        }
    }
    fs::File::open(to).and_then(|folder| folder.sync_all()).map_err(&failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_kept_whole_and_only_as_long_as_it_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("xplan-au");
        fs::create_dir_all(pack.join("notes")).unwrap();
        for (file, text) in
            [("rules.toml", "a = 1"), ("notes/a.toml", "b = 2"), (".rules.toml.swp", "c = 3"), ("rules.toml~", "c = 4")]
        {
            fs::write(pack.join(file), text).unwrap();
        }
        let kept = KeptPacks::of(&folder.path().join("data"));
        kept.retain(&HashSet::new()).unwrap();
        let [first, second] = [1, 2].map(|number| RevisionDigest([number; 32]));
        kept.keep(&pack, first).unwrap();
        fs::write(pack.join("rules.toml"), "a = 2").unwrap();
        // The name is that of what was copied: it is not copied again.
        kept.keep(&pack, first).unwrap();
        kept.keep(&pack, second).unwrap();
        let rules = |digest| fs::read_to_string(kept.folder(digest).join("rules.toml")).unwrap();
        assert_eq!([rules(first), rules(second)], ["a = 1", "a = 2"]);
        assert_eq!(fs::read_to_string(kept.folder(first).join("notes/a.toml")).unwrap(), "b = 2");
        assert!(
            !kept.folder(first).join(".rules.toml.swp").exists() && !kept.folder(first).join("rules.toml~").exists()
        );

        fs::create_dir(folder.path().join("data/packs/.unfinished-0")).unwrap();
        kept.retain(&HashSet::from([second])).unwrap();
        let left: Vec<_> = fs::read_dir(folder.path().join("data/packs")).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(left, [kept.folder(second)]);
    }

    #[test]
    fn a_folder_that_cannot_be_copied_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("xplan-au");
        fs::create_dir_all(pack.join("notes/b/c/d/e")).unwrap();
        fs::write(folder.path().join("secret"), "hunter2").unwrap();
        let kept = KeptPacks::of(&folder.path().join("data"));
        let check = |words: &str| {
            let error = kept.keep(&pack, RevisionDigest([1; 32])).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            assert_eq!(fs::read_dir(folder.path().join("data/packs")).unwrap().count(), 0);
        };
        check("too deep");
        fs::remove_dir_all(pack.join("notes")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), pack.join("rules.toml")).unwrap();
        check("a link that leads out");
    }
}
