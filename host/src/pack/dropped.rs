//! Packs as they lie in a watched folder: which there are, whether one is still being written, and one read as a whole.
//!
//! Serves `integrations`. Nothing in the folder is changed.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::parts::is_stray;
use super::{LARGEST_ARCHIVE, PackError, archive, files, layers, limits};

/// What the names of archives end with. One in a form that is not read is told of so.
const ARCHIVES: [&str; 4] = [".tar", ".tar.gz", ".tgz", ".zip"];

/// The packs that a watched folder may hold.
pub const MOST_DROPPED: usize = 100;

/// A pack in a watched folder: a folder, or an archive of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dropped {
    /// Its name there.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    path: PathBuf,
}

/// Everything by which a change of a dropped pack's files shows, without reading them: where links lead, sizes, times and
/// the files' own numbers, those of strays included, because programs write there what they rename afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trace(blake3::Hash);

/// The packs in a watched folder, in the order of their names, [`MOST_DROPPED`] at most. One that is a pack itself holds
/// nothing else.
///
/// # Errors
/// Names the folder, where it cannot be read.
pub fn dropped(folder: &Path) -> Result<Vec<Dropped>, PackError> {
    let name_of = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    if folder.join("pack.toml").exists() {
        return Ok(vec![Dropped { name: name_of(folder), is_folder: true, path: folder.to_owned() }]);
    }
    let mut found = Vec::new();
    for path in files::listed(folder)? {
        let name = name_of(&path);
        let is_folder = path.is_dir();
        let is_archive = || ARCHIVES.iter().any(|end| name.to_ascii_lowercase().ends_with(end));
        // A disk's own folder, which only its system reads.
        if (is_folder && name != "lost+found") || (!is_folder && is_archive()) {
            found.push(Dropped { name, is_folder, path });
        }
    }
    found.truncate(MOST_DROPPED);
    Ok(found)
}

/// What shows a change of a folder of packs; none where there is no such folder.
pub fn trace_of(folder: &Path) -> Option<Trace> {
    let mut hasher = blake3::Hasher::new();
    look_through(folder, limits::PACK_DEPTH + 2, &mut (20 * limits::FILES), &mut hasher).ok()?;
    Some(Trace(hasher.finalize()))
}

/// The name of the pack that an archive holds, as its `pack.toml` says.
///
/// # Errors
/// Says what is wrong with the archive.
pub fn name_in(archive: &[u8]) -> Result<String, PackError> {
    let path = Path::new("pack.toml");
    let bytes = archive::file(archive, "pack.toml")?.ok_or_else(|| {
        let why = "it has no pack.toml: a pack is a folder with pack.toml, rules.toml and its plugin's component";
        files::refused(Path::new("the pack's folder"), why)
    })?;
    let text = String::from_utf8(bytes).map_err(|_| files::refused(path, "it is not UTF-8 text"))?;
    let table: toml::Table =
        toml::from_str(&text).map_err(|error| files::refused(path, &crate::config::toml_words(&text, &error)))?;
    let name = table.get("name").and_then(toml::Value::as_str);
    name.map(str::to_owned).ok_or_else(|| files::refused(path, "it has no `name`"))
}

/// Whether an archive is that of a base: a pack without a region.
pub fn is_base(archive: &[u8]) -> bool {
    let text = archive::file(archive, "pack.toml").ok().flatten().and_then(|bytes| String::from_utf8(bytes).ok());
    let pack = text.and_then(|text| toml::from_str::<toml::Table>(&text).ok());
    pack.is_some_and(|pack| !pack.contains_key("region"))
}

impl Dropped {
    /// What shows whether the files are still those that they were.
    ///
    /// # Errors
    /// Names the file that is gone by now, or cannot be looked at.
    pub fn trace(&self) -> Result<Trace, PackError> {
        let mut hasher = blake3::Hasher::new();
        if self.is_folder {
            let mut left = 2 * limits::FILES;
            // A change of a base is one of what extends it.
            for folder in layers::folders(&self.path) {
                look_through(&folder, limits::PACK_DEPTH + limits::LAYERS, &mut left, &mut hasher)?;
            }
        } else {
            followed(&self.path, &mut hasher)?;
        }
        Ok(Trace(hasher.finalize()))
    }

    /// The pack as an archive. Of a folder, the same files are the same bytes.
    ///
    /// # Errors
    /// Names the file that cannot be read, is too large, or is none of a pack.
    pub fn read(&self) -> Result<Vec<u8>, PackError> {
        if self.is_folder {
            let folders = layers::folders(&self.path);
            files::survey(&folders.iter().map(PathBuf::as_path).collect::<Vec<_>>())?;
            return archive::pack(&self.path);
        }
        let archive = Path::new("the archive");
        let failed = PackError::io(archive.display());
        // A pipe would hold the reader up for ever.
        if !fs::metadata(&self.path).map_err(&failed)?.is_file() {
            return Err(files::refused(archive, "it is no file"));
        }
        let mut bytes = Vec::new();
        let file = File::open(&self.path).map_err(&failed)?;
        file.take(LARGEST_ARCHIVE as u64 + 1).read_to_end(&mut bytes).map_err(&failed)?;
        if bytes.len() > LARGEST_ARCHIVE {
            let why = format!("it is larger than {} MB, which no pack is", LARGEST_ARCHIVE >> 20);
            return Err(files::refused(archive, &why));
        }
        Ok(bytes)
    }

    /// The pack as an archive, with the bases that it extends: those that lie in it or among `others`, the packs of the same
    /// watched folder, or else in `packs_dir`. One that lies nowhere is left to whoever reads it.
    ///
    /// # Errors
    /// As [`Dropped::read`].
    pub fn read_whole(&self, others: &[Self], packs_dir: &Path) -> Result<Vec<u8>, PackError> {
        let is_of = |other: &Self, name: &str| {
            let of_archive = || other.read().and_then(|bytes| name_in(&bytes)).is_ok_and(|found| found == name);
            other != self && (if other.is_folder { other.name == name } else { of_archive() })
        };
        archive::with_bases(self.read()?, |name| match others.iter().find(|other| is_of(other, name)) {
            Some(other) => other.read().map(Some),
            None if is_stray(name.as_ref()) || name.contains(['/', '\\']) => Ok(None),
            None => {
                let folder = packs_dir.join(name);
                if folder.join("pack.toml").is_file() { archive::pack(&folder).map(Some) } else { Ok(None) }
            }
        })
    }

    /// The folder or file, to be left out of what is told.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Adds what stands in a folder and below; no more than `left`, behind which reading refuses it anyway.
fn look_through(folder: &Path, depth: usize, left: &mut usize, hasher: &mut blake3::Hasher) -> Result<(), PackError> {
    let failed = PackError::io(folder.display());
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut names: Vec<_> = entries.map_err(&failed)?.into_iter().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let Some(fewer) = left.checked_sub(1) else { return Ok(()) };
        *left = fewer;
        let path = folder.join(&name);
        hasher.update(name.as_encoded_bytes()).update(b"/");
        if is_stray(&name) {
            add(&fs::symlink_metadata(&path).map_err(&failed)?, hasher);
        } else if path.is_dir() && depth > 0 {
            followed(&path, hasher)?;
            look_through(&path, depth - 1, left, hasher)?;
        } else {
            followed(&path, hasher)?;
        }
    }
    Ok(())
}

/// Adds a file or folder as it is behind all links.
fn followed(path: &Path, hasher: &mut blake3::Hasher) -> Result<(), PackError> {
    let failed = PackError::io(path.display());
    let metadata = match fs::metadata(path) {
        // A link that leads nowhere; reading says so.
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::symlink_metadata(path),
        found => found,
    };
    add(&metadata.map_err(&failed)?, hasher);
    if let Ok(real) = path.canonicalize() {
        hasher.update(real.as_os_str().as_encoded_bytes());
    }
    Ok(())
}

fn add(metadata: &Metadata, hasher: &mut blake3::Hasher) {
    let numbers = [metadata.dev(), metadata.ino(), metadata.size()];
    let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
    for time in times {
        hasher.update(&time.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(folder: &Path, files: &[(&str, &str)]) {
        for (file, text) in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        dropped(folder).unwrap().into_iter().map(|one| one.name).collect()
    }

    const PACK: [(&str, &str); 2] = [("pack.toml", "name = \"acme-au\""), ("rules.toml", "a = 1")];

    #[test]
    fn folders_and_archives_are_packs_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("README.md", ""), ("a.tar", ""), ("b.tar.gz", ""), ("c.ZIP", ""), ("d.tar.part", "")] {
            write(folder.path(), &[(name, text)]);
        }
        write(&folder.path().join("acme-au"), &PACK);
        for other in [".git", "lost+found", "acme-au~"] {
            fs::create_dir(folder.path().join(other)).unwrap();
        }
        assert_eq!(names(folder.path()), ["a.tar", "acme-au", "b.tar.gz", "c.ZIP"]);
        // The watched folder itself is one, as where a container is given a single pack.
        assert_eq!(names(&folder.path().join("acme-au")), ["acme-au"]);
        assert!(dropped(&folder.path().join("elsewhere")).is_err());
    }

    #[test]
    fn a_folder_and_its_archive_are_the_same_bytes_and_strays_are_none_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("acme-au");
        write(&pack, &PACK);
        let one = dropped(folder.path()).unwrap().remove(0);
        let bytes = one.read().unwrap();
        assert_eq!(name_in(&bytes).unwrap(), "acme-au");
        write(&pack, &[("pack.toml~", "x"), (".pack.toml.swp", "x"), ("._pack.toml", "x"), ("#rules.toml#", "x")]);
        assert_eq!(one.read().unwrap(), bytes);
        fs::write(folder.path().join("acme-au.tar"), &bytes).unwrap();
        assert_eq!(dropped(folder.path()).unwrap()[1].read().unwrap(), bytes);
    }

    #[test]
    fn every_change_leaves_a_trace_and_reading_none() {
        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("acme-au");
        write(&pack, &PACK);
        let one = dropped(folder.path()).unwrap().remove(0);
        let mut before = one.trace().unwrap();
        one.read().unwrap();
        assert_eq!(one.trace().unwrap(), before);
        // The clock of files has steps.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let mut changed = |what: &str| {
            let now = one.trace().unwrap();
            assert_ne!(now, before, "{what}");
            before = now;
        };
        write(&pack, &[("rules.toml", "a = 2")]);
        changed("another text of the same length");
        write(&pack, &[("notes/a.toml", "x")]);
        changed("a file more");
        write(&pack, &[(".rules.toml.x7Ga2", "x")]);
        changed("what is still written under another name");
        fs::write(pack.join("new"), "a = 2").unwrap();
        fs::rename(pack.join("new"), pack.join("rules.toml")).unwrap();
        changed("the same text in another file");
        fs::remove_dir_all(pack.join("notes")).unwrap();
        changed("a folder less");
    }

    /// As a container is given files: links through a link, which alone is exchanged.
    #[test]
    fn a_link_that_is_exchanged_below_the_files_leaves_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("acme-au");
        write(&pack.join("..2026_a"), &PACK);
        write(&pack.join("..2026_b"), &PACK);
        symlink("..2026_a", pack.join("..data")).unwrap();
        for (file, _) in PACK {
            symlink(Path::new("..data").join(file), pack.join(file)).unwrap();
        }
        let one = dropped(folder.path()).unwrap().remove(0);
        let (trace, bytes) = (one.trace().unwrap(), one.read().unwrap());
        symlink("..2026_b", pack.join("..data_tmp")).unwrap();
        fs::rename(pack.join("..data_tmp"), pack.join("..data")).unwrap();
        fs::remove_dir_all(pack.join("..2026_a")).unwrap();
        assert_ne!(one.trace().unwrap(), trace);
        assert_eq!(one.read().unwrap(), bytes, "the content is the same");
    }

    #[test]
    fn what_is_no_pack_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let check = |name: &str, bytes: &[u8], words: &str| {
            fs::write(folder.path().join(name), bytes).unwrap();
            let found = dropped(folder.path()).unwrap();
            let one = found.iter().find(|one| one.name == name).unwrap();
            let error = one.read().and_then(|bytes| name_in(&bytes)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        check("a.tar", b"<html>", "damaged or was cut short");
        check("b.zip", b"PK\x03\x04", "it is a zip archive");
        check("c.tar", &vec![0; LARGEST_ARCHIVE + 1], "larger than 32 MB");
        let nameless = tempfile::tempdir().unwrap();
        write(nameless.path(), &[("pack.toml", "version = \"1\"")]);
        check("d.tar", &archive::pack(nameless.path()).unwrap(), "it has no `name`");
        write(nameless.path(), &[("pack.toml", "name =")]);
        check("d.tar", &archive::pack(nameless.path()).unwrap(), "pack.toml: line 1");
        fs::remove_file(nameless.path().join("pack.toml")).unwrap();
        write(nameless.path(), &[("rules.toml", "")]);
        check("d.tar", &archive::pack(nameless.path()).unwrap(), "it has no pack.toml");
    }
}
