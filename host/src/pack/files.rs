//! Reading a pack's files, each bounded in size, and none from outside the pack's folder; and the bounds of a whole folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::parts::{is_part, is_stray};
use super::{PackError, limits};

/// The reason why a file from elsewhere is not read.
const LEADS_OUT: &str = "it is a link that leads out of the pack's folder; put the file itself there";

/// A text file of a pack.
///
/// # Errors
/// Names the file that is missing, too large, or no text.
pub(super) fn read_text(pack: &Path, path: &Path) -> Result<String, PackError> {
    let bytes = read(pack, path, limits::TEXT_FILE)?;
    String::from_utf8(bytes).map_err(|_| refused(path, "it is not UTF-8 text"))
}

/// Texts that stand in place of a pack's files, by their paths in its folder.
pub type Edited = BTreeMap<String, String>;

/// No text in place of any file.
pub(super) static AS_KEPT: Edited = Edited::new();

/// A file of at most `most` bytes in the folder `pack`. Links among the pack's own files are followed, because containers
/// are given files by such; one that leads elsewhere could lead to a secret.
///
/// # Errors
/// Names the file that is missing, too large, no file, or outside the pack.
pub(super) fn read(pack: &Path, path: &Path, most: u64) -> Result<Vec<u8>, PackError> {
    let unreadable = PackError::io(path.display());
    let inside = pack.canonicalize().map_err(&unreadable)?;
    let real = path.canonicalize().map_err(&unreadable)?;
    if !real.starts_with(inside) {
        return Err(refused(path, LEADS_OUT));
    }
    // A pipe would hold the reader up for ever.
    if !fs::metadata(&real).map_err(&unreadable)?.is_file() {
        return Err(refused(path, "it is no file"));
    }
    let mut bytes = Vec::new();
    File::open(real).map_err(&unreadable)?.take(most + 1).read_to_end(&mut bytes).map_err(&unreadable)?;
    if bytes.len() as u64 > most {
        return Err(refused(path, &format!("it is larger than {} kB", most >> 10)));
    }
    Ok(bytes)
}

/// What lies directly in a pack's folder and is none of the pack, by name, in order; strays are not told of.
///
/// # Errors
/// Returns an error if the folder cannot be read.
pub(super) fn beside(pack: &Path) -> Result<Vec<String>, PackError> {
    let found = listed(pack)?.into_iter().filter_map(|path| {
        let name = path.file_name()?;
        let is_folder = path.is_dir();
        let shown = || format!("{}{}", name.to_string_lossy(), if is_folder { "/" } else { "" });
        (!is_part(name, is_folder)).then(shown)
    });
    Ok(found.collect())
}

/// What programs of minisign write at the head of a secret key, whatever its comment says: of one with a password, and of one
/// without.
const SECRET_KEYS: [&str; 2] = ["RWRTY0Iy", "RWQAAEIy"];

/// Refuses a file that is an author's secret key: whoever is sent it can sign in the author's name.
///
/// # Errors
/// Names the file.
pub(super) fn refuse_secret(path: &Path, content: &[u8]) -> Result<(), PackError> {
    let is_key = content.len() < 4096
        && std::str::from_utf8(content)
            .is_ok_and(|text| text.lines().any(|line| SECRET_KEYS.iter().any(|head| line.starts_with(head))));
    let why = "it is an author's secret key: put it outside the pack. If the pack was sent to anybody with it, make a new pair";
    if is_key { Err(refused(path, why)) } else { Ok(()) }
}

/// What stands in a folder, in the order of names, without strays ([`is_stray`]).
///
/// # Errors
/// Returns an error if the folder cannot be read.
pub(super) fn listed(folder: &Path) -> Result<Vec<PathBuf>, PackError> {
    let unreadable = PackError::io(folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(&unreadable)? {
        let entry = entry.map_err(&unreadable)?;
        if !is_stray(&entry.file_name()) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// Looks through a pack's folder, and those of its bases, before anything in them is used. A base that lies in the folder of
/// what extends it is looked at once.
///
/// # Errors
/// Names what is too much or too deep, the link that leads nowhere, out of its layer's folder or round in a circle, and what
/// is neither file nor folder.
pub(super) fn survey(layers: &[&Path]) -> Result<(), PackError> {
    let (mut files, mut bytes) = (0, 0);
    for (at, layer) in layers.iter().enumerate() {
        let real = layer.canonicalize().map_err(|error| unfollowed(layer, error))?;
        if !real.is_dir() {
            continue;
        }
        let base = layers.get(at + 1).copied();
        let mut survey = Survey { pack: layer, real: &real, base, files, bytes };
        survey.folder(layer, &mut vec![real.clone()])?;
        (files, bytes) = (survey.files, survey.bytes);
    }
    Ok(())
}

/// What was found so far of a pack's folder.
struct Survey<'a> {
    pack: &'a Path,
    /// The folder itself, behind all links.
    real: &'a Path,
    /// The folder of its base, which is looked at for itself.
    base: Option<&'a Path>,
    files: usize,
    bytes: u64,
}

impl Survey<'_> {
    /// Looks through a folder, to which the real folders `way` lead, itself the last.
    fn folder(&mut self, folder: &Path, way: &mut Vec<PathBuf>) -> Result<(), PackError> {
        for path in listed(folder)? {
            let is_other = folder == self.pack && !is_part(path.file_name().unwrap_or_default(), path.is_dir());
            if self.base == Some(path.as_path()) || is_other {
                continue;
            }
            let real = path.canonicalize().map_err(|error| unfollowed(&path, error))?;
            if !real.starts_with(self.real) {
                return Err(refused(&path, LEADS_OUT));
            }
            let metadata = fs::metadata(&real).map_err(PackError::io(path.display()))?;
            if metadata.is_dir() {
                if way.contains(&real) {
                    return Err(refused(&path, "it is a link to a folder in which it stands itself; remove it"));
                }
                if way.len() > limits::PACK_DEPTH {
                    let why = format!("a pack's folders go {} deep at most, and this is one more", limits::PACK_DEPTH);
                    return Err(refused(&path, &why));
                }
                way.push(real);
                self.folder(&path, way)?;
                way.pop();
            } else if metadata.is_file() {
                self.files += 1;
                self.bytes += metadata.len();
            } else {
                return Err(refused(&path, "it is neither a file nor a folder"));
            }
            let (most_files, most_bytes) = (limits::FILES, limits::ALL_FILES);
            if self.files > most_files {
                return Err(refused(self.pack, &format!("it holds more than {most_files} files, which no pack needs")));
            }
            if self.bytes > most_bytes {
                let why = format!("its files hold more than {} MB together, which no pack needs", most_bytes >> 20);
                return Err(refused(self.pack, &why));
            }
        }
        Ok(())
    }
}

/// A path that cannot be followed to its end.
pub(super) fn unfollowed(path: &Path, error: io::Error) -> PackError {
    let why = match (path.is_symlink(), error.kind()) {
        (true, io::ErrorKind::NotFound) => "it is a link that leads nowhere; put the file itself there, or remove it",
        (true, _) if error.raw_os_error() == Some(libc::ELOOP) => {
            "it is a link that leads round in a circle; remove it"
        }
        _ => return PackError::io(path.display())(error),
    };
    refused(path, why)
}

/// The pack is refused because of this file.
pub(super) fn refused(path: &Path, why: &str) -> PackError {
    PackError::Refused { path: path.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::fs::symlink;

    use super::*;

    fn pack(files: &[(&str, usize)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, size) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            File::create(path).unwrap().set_len(*size as u64).unwrap();
        }
        folder
    }

    fn check(pack: &tempfile::TempDir, expected: Result<(), &str>) {
        match (survey(&[pack.path()]), expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (found, _) => panic!("{found:?}"),
        }
    }

    #[test]
    fn what_editors_and_systems_leave_is_none_of_a_packs() {
        let strays = [
            "pack.toml~",
            ".pack.toml.swp",
            "pack.toml.swp",
            "._pack.toml",
            ".DS_Store",
            "#pack.toml#",
            ".#pack.toml",
            "..data",
            "~$pack.toml",
            "thumbs.db",
            "rules.toml.part",
            "rules.toml___jb_tmp___",
        ];
        for stray in strays {
            assert!(is_stray(OsStr::new(stray)), "{stray}");
        }
        for own in ["pack.toml", "#", "a#b.toml", "swp", "client.survey.toml", "template.typ", "tmp.toml"] {
            assert!(!is_stray(OsStr::new(own)), "{own}");
        }
        let pack = pack(&[("pack.toml", 5), ("notes/a.toml", 5)]);
        let names = |pack: &tempfile::TempDir| listed(pack.path()).unwrap().len();
        let before = names(&pack);
        for stray in strays {
            File::create(pack.path().join(stray)).unwrap();
        }
        assert_eq!(names(&pack), before);
    }

    #[test]
    fn a_folder_has_bounds() {
        check(&pack(&[("pack.toml", 5), ("notes/b/c/d/e.typ", 5), (".git/a/b/c/d/e/f", 1 << 30)]), Ok(()));
        check(&pack(&[("notes/b/c/d/e/f.typ", 5)]), Err("notes/b/c/d/e: a pack's folders go 4 deep at most"));
        check(&pack(&[("a.wasm", 20 << 20), ("notes/c", 13 << 20)]), Err("more than 32 MB together"));
        let many: Vec<String> = (0..=limits::FILES).map(|number| format!("notes/{number}.toml")).collect();
        let many: Vec<(&str, usize)> = many.iter().map(|path| (path.as_str(), 0)).collect();
        check(&pack(&many[1..]), Ok(()));
        check(&pack(&many), Err("it holds more than 1000 files"));
    }

    #[test]
    fn links_lead_to_the_packs_own_files() {
        let with_link = |to: &str, at: &str, expected: Result<(), &str>| {
            let pack = pack(&[("..data/notes/a.toml", 5), ("notes/a.toml", 5), ("documents/b.typ", 5)]);
            symlink(to, pack.path().join(at)).unwrap();
            check(&pack, expected);
        };
        with_link("..data/notes", "fixtures", Ok(()));
        with_link("a.toml", "notes/b.toml", Ok(()));
        with_link("/etc/hostname", "notes/b.toml", Err("notes/b.toml: it is a link that leads out"));
        with_link("..", "notes/b", Err("notes/b: it is a link to a folder in which it stands itself"));
        with_link(".", "notes/b", Err("notes/b: it is a link to a folder in which it stands itself"));
        with_link("b", "notes/b", Err("notes/b: it is a link that leads round in a circle"));
        with_link("nothing", "notes/b", Err("notes/b: it is a link that leads nowhere"));
        let pack = pack(&[("notes/a.toml", 5), ("documents/b.typ", 5)]);
        symlink("../documents", pack.path().join("notes/x")).unwrap();
        symlink("../notes", pack.path().join("documents/y")).unwrap();
        check(&pack, Err("documents/y/x: it is a link to a folder in which it stands itself"));
    }
}
