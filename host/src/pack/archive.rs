//! A pack's folder as one file: a tar archive, gzipped or not. What comes in is bounded and taken for nothing but files.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};

use flate2::read::GzDecoder;
use tar::{Archive, Builder, EntryType, Header};

use super::parts::{BASE, is_part, is_stray};
use super::{PackError, files, layers, limits, private_file};

/// The first bytes of what is gzipped.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The fewest zeros that an archive ends with: one block of them. One that was cut short between two files has none.
const END: usize = 512;

/// The most bytes of an archive, and of all that is in it.
pub const LARGEST_ARCHIVE: usize = limits::ALL_FILES as usize;

/// Unpacks an archive into a folder that is not there yet. Where all of it stands in one folder, that is the pack's.
///
/// # Errors
/// Says what is wrong with the archive; what was unpacked by then stays for the caller to remove.
pub(super) fn unpack(bytes: &[u8], to: &Path) -> Result<(), PackError> {
    let failed = PackError::io(to.display());
    for (path, content) in contents(bytes)? {
        let path = to.join(path);
        let folder = path.parent().unwrap_or(to);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(&failed)?;
        // One that comes twice is not told apart from a mistake.
        let written = private_file::create(&path).and_then(|mut file| file.write_all(&content));
        written.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => wrong(&format!("`{}` is there twice", path.display())),
            _ => PackError::io(path.display())(error),
        })?;
    }
    Ok(())
}

/// A file of an archive, by its path in the pack's folder; none where it has none.
///
/// # Errors
/// Says what is wrong with the archive.
pub(super) fn file(bytes: &[u8], path: &str) -> Result<Option<Vec<u8>>, PackError> {
    Ok(contents(bytes)?.into_iter().find(|(found, _)| found == Path::new(path)).map(|(_, content)| content))
}

/// The archive of a pack with the bases that are not in it, as far as `find` has archives of them by their names.
///
/// # Errors
/// Says what is wrong with one of the archives.
pub(super) fn with_bases(
    bytes: Vec<u8>,
    find: impl Fn(&str) -> Result<Option<Vec<u8>>, PackError>,
) -> Result<Vec<u8>, PackError> {
    let mut whole = bytes;
    for _ in 1..limits::LAYERS {
        let files: BTreeMap<PathBuf, Vec<u8>> = contents(&whole)?.into_iter().collect();
        let Some((place, name)) = missing_base(&files) else { break };
        let Some(base) = find(&name)? else { break };
        let base = contents(&base)?.into_iter().map(|(path, content)| (place.join(path), content));
        let mut archive = Builder::new(Vec::new());
        for (path, content) in files.into_iter().chain(base) {
            append(&mut archive, &path, &content).map_err(PackError::io("the archive"))?;
        }
        whole = archive.into_inner().map_err(PackError::io("the archive"))?;
    }
    Ok(whole)
}

/// Where the lowest base of a pack would stand that is extended and not among its files, and its name.
fn missing_base(files: &BTreeMap<PathBuf, Vec<u8>>) -> Option<(PathBuf, String)> {
    let mut layer = PathBuf::new();
    loop {
        let text = std::str::from_utf8(files.get(&layer.join("pack.toml"))?).ok()?;
        let pack: toml::Table = toml::from_str(text).ok()?;
        let name = pack.get("extends")?.as_str()?.to_owned();
        layer.push(BASE);
        if !files.contains_key(&layer.join("pack.toml")) {
            return Some((layer, name));
        }
    }
}

fn append(archive: &mut Builder<Vec<u8>>, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o600);
    header.set_cksum();
    archive.append_data(&mut header, path, content)
}

fn wrong(why: &str) -> PackError {
    files::refused(Path::new("the archive"), why)
}

/// The files of an archive, by their paths in the pack's folder.
fn contents(bytes: &[u8]) -> Result<Vec<(PathBuf, Vec<u8>)>, PackError> {
    let damaged = |why: &str| wrong(&format!("it is damaged or was cut short{why}; send it again"));
    // The library's words quote what was sent, which may be somebody's list of clients.
    let broken = |_: io::Error| damaged(", or is none");
    if bytes.starts_with(b"PK") {
        return Err(wrong(
            "it is a zip archive; send a tar archive of the pack's folder (`tidegate pack save` makes one)",
        ));
    }
    let reader: Box<dyn Read + '_> =
        if bytes.starts_with(&GZIP) { Box::new(GzDecoder::new(bytes)) } else { Box::new(bytes) };
    let mut archive = Archive::new(Ending { reader: reader.take(LARGEST_ARCHIVE as u64 + 1), zeros: 0 });
    let mut unpacked: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    let (mut entries, mut size) = (0, 0);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        entries += 1;
        size += usize::try_from(entry.size()).unwrap_or(usize::MAX).min(LARGEST_ARCHIVE + 1);
        if entries > limits::FILES || size > LARGEST_ARCHIVE {
            return Err(wrong(&format!(
                "a pack has at most {} files and {} MB; send the pack's own folder",
                limits::FILES,
                LARGEST_ARCHIVE >> 20
            )));
        }
        let path = entry.path().map_err(broken)?.into_owned();
        match entry.header().entry_type() {
            EntryType::Regular => {}
            EntryType::Directory | EntryType::XGlobalHeader | EntryType::XHeader => continue,
            _ => {
                let why = format!("`{}` is a link or no file; put the files themselves there", path.display());
                return Err(wrong(&why));
            }
        }
        let path = inside(&path)
            .ok_or_else(|| wrong(&format!("`{}` leads out of the pack's folder, or lies too deep", path.display())))?;
        if path.components().any(|part| is_stray(part.as_os_str())) {
            continue;
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(broken)?;
        unpacked.push((path, content));
    }
    // What stands behind the last entry, with the check of all of it.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(broken)?;
    if unpacked.is_empty() {
        return Err(wrong("it holds no files: send a tar archive of the pack's folder"));
    }
    if rest.zeros < END {
        return Err(damaged(" (it has no end)"));
    }
    strip_folder(&mut unpacked);
    unpacked.retain(|(path, _)| {
        let mut parts = path.components();
        parts.next().is_some_and(|first| is_part(first.as_os_str(), parts.next().is_some()))
    });
    Ok(unpacked)
}

/// Counts the zeros that what is read ends with.
struct Ending<R> {
    reader: R,
    zeros: usize,
}

impl<R: Read> Read for Ending<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let zeros = buffer[..count].iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros = if zeros == count { self.zeros + zeros } else { zeros };
        Ok(count)
    }
}

/// A path within the pack's folder; none where it leads out.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => parts.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    let depth = parts.components().count();
    let of_bases = parts.components().filter(|part| part.as_os_str() == BASE).count().min(limits::LAYERS - 1);
    (1..=limits::PACK_DEPTH + 2 + of_bases).contains(&depth).then_some(parts)
}

/// Takes away the one folder that all files stand in, where there is one.
fn strip_folder(unpacked: &mut [(PathBuf, Vec<u8>)]) {
    let first = unpacked.first().and_then(|(path, _)| path.components().next()).map(|part| part.as_os_str().to_owned());
    let Some(first) = first else { return };
    let is_in_it = |path: &PathBuf| path.components().count() > 1 && path.starts_with(&first);
    if unpacked.iter().all(|(path, _)| is_in_it(path)) {
        for (path, _) in unpacked {
            *path = path.components().skip(1).collect();
        }
    }
}

/// The files of a pack's folder as an archive, without strays, and its bases' as the folder `base` of what extends each. The
/// same files are the same bytes.
///
/// # Errors
/// Names the file that cannot be read, or is none of the pack's.
pub(super) fn pack(folder: &Path) -> Result<Vec<u8>, PackError> {
    let mut archive = Builder::new(Vec::new());
    let folders = layers::folders(folder);
    let mut inner = PathBuf::new();
    for (at, folder) in folders.iter().enumerate() {
        let layer = Layer { folder, base: folders.get(at + 1), inner: &inner };
        layer.add(&mut archive, Path::new(""), limits::PACK_DEPTH)?;
        inner.push(BASE);
    }
    archive.into_inner().map_err(PackError::io("the archive"))
}

/// A folder whose files are put into an archive.
struct Layer<'a> {
    folder: &'a Path,
    /// The folder of its base, which is put there by itself.
    base: Option<&'a PathBuf>,
    /// Where its files stand in the archive.
    inner: &'a Path,
}

impl Layer<'_> {
    fn add(&self, archive: &mut Builder<Vec<u8>>, below: &Path, depth: usize) -> Result<(), PackError> {
        let folder = self.folder.join(below);
        let failed = PackError::io(folder.display());
        let entries = fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut names: Vec<_> = entries.map_err(&failed)?.into_iter().map(|entry| entry.file_name()).collect();
        names.sort();
        for name in names {
            let below = below.join(&name);
            let path = self.folder.join(&below);
            let is_other = self.folder == folder && !is_part(&name, path.is_dir());
            if is_stray(&name) || name.to_str().is_none() || self.base == Some(&path) || is_other {
                continue;
            }
            if path.is_dir() {
                if depth == 0 {
                    return Err(files::refused(&path, "its folders go too deep"));
                }
                self.add(archive, &below, depth - 1)?;
                continue;
            }
            let content = files::read(self.folder, &path, limits::COMPONENT)?;
            files::refuse_secret(&path, &content)?;
            append(archive, &self.inner.join(&below), &content).map_err(&failed)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut archive = Builder::new(Vec::new());
        for (path, kind, content) in entries {
            let mut header = Header::new_gnu();
            // Written as bytes, because the library itself refuses to write some of them.
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_size(content.len() as u64);
            header.set_entry_type(*kind);
            header.set_cksum();
            archive.append(&header, content.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap()
    }

    #[test]
    fn a_folder_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let from = folder.path().join("xplan-au");
        fs::create_dir_all(from.join("notes")).unwrap();
        for (file, text) in [("pack.toml", "a"), ("notes/a.toml", "b"), (".pack.toml.swp", "c"), ("pack.toml~", "d")] {
            fs::write(from.join(file), text).unwrap();
        }
        let packed = pack(&from).unwrap();
        let mut gzipped = Vec::new();
        flate2::read::GzEncoder::new(packed.as_slice(), flate2::Compression::fast()).read_to_end(&mut gzipped).unwrap();
        for (place, bytes) in [("plain", packed), ("gzipped", gzipped)] {
            let to = folder.path().join(place);
            unpack(&bytes, &to).unwrap();
            assert_eq!(fs::read_to_string(to.join("notes/a.toml")).unwrap(), "b", "{place}");
            assert_eq!(fs::read_dir(&to).unwrap().count(), 2, "{place}");
        }
    }

    #[test]
    fn the_one_folder_around_a_pack_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("pack");
        let file = EntryType::Regular;
        unpack(&archive(&[("./au/pack.toml", file, "a"), ("au/notes/b.toml", file, "b")]), &to).unwrap();
        assert!(to.join("pack.toml").is_file() && to.join("notes/b.toml").is_file());
    }

    #[test]
    fn what_is_no_archive_of_a_pack_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let check = |bytes: &[u8], words: &str| {
            let to = folder.path().join("pack");
            let error = unpack(bytes, &to).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
            drop(fs::remove_dir_all(&to));
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing stands beside the folder");
        };
        let file = EntryType::Regular;
        check(b"", "no files");
        check(b"<html>not an archive</html>", "damaged or was cut short");
        // What was sent by mistake is not quoted.
        let list = format!("Id,Name,Email\n{}", "30182,Abigail Abbott,abigail@example.com\n".repeat(40));
        let said = contents(list.as_bytes()).unwrap_err().to_string();
        assert!(said.contains("or is none") && !said.contains("Abigail"), "{said}");
        check(&archive(&[("../pack.toml", file, "a")]), "leads out");
        check(&archive(&[("/etc/pack.toml", file, "a")]), "leads out");
        check(&archive(&[("a/b/c/d/e/f/g/h/pack.toml", file, "a")]), "too deep");
        check(&archive(&[("pack.toml", EntryType::Symlink, "")]), "is a link");
        check(&archive(&[("pack.toml", EntryType::Fifo, "")]), "is a link or no file");
        check(&archive(&[("pack.toml", file, "a"), ("pack.toml", file, "b")]), "there twice");
        check(&archive(&[("pack.toml", file, "a"); 1_001]), "at most 1000 files");
        let whole = archive(&[("pack.toml", file, &"a".repeat(5_000))]);
        check(&whole[..2_000], "damaged or was cut short");
        // Between two files, where only the end is missing.
        let two = archive(&[("pack.toml", file, "a"), ("rules.toml", file, "b")]);
        check(&two[..1_024], "cut short (it has no end)");
        check(&two[..2_048], "cut short (it has no end)");
        let bomb = vec![0; 40 << 20];
        let mut large = Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_size(bomb.len() as u64);
        header.set_cksum();
        large.append_data(&mut header, "rules.toml", bomb.as_slice()).unwrap();
        let mut gzipped = Vec::new();
        let large = large.into_inner().unwrap();
        flate2::read::GzEncoder::new(large.as_slice(), flate2::Compression::fast()).read_to_end(&mut gzipped).unwrap();
        check(&gzipped, "at most");
    }
}
