//! Signatures of packs. An author signs `pack.sum`, which lists the digest of each file of the pack's folder, with minisign;
//! the host believes the keys of its settings. So one signature stands for all files, and none can be exchanged, added or
//! taken away.
//!
//! A base that lies in the pack's folder when it is signed is among these files. One that it is read from elsewhere, or that
//! was put into it since, has to satisfy the settings by itself.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use minisign_verify::Signature;

use super::parts::{BASE, is_part, is_stray};
pub use super::parts::{SIGNATURE, SUM};
use super::{PackError, files, layers, limits};
use crate::config::PackKeys;

/// The files of a pack that say who signed it.
pub(super) const FILES: [&str; 2] = [SUM, SIGNATURE];

/// The digests of a pack's files as `pack.sum` has them: a line a file, its BLAKE3 digest and its path, in the order of the
/// paths. A base that lies in the folder is among them.
///
/// # Errors
/// Names the file that cannot be read, or is none of the pack's.
pub(super) fn sum(pack: &Path) -> Result<String, PackError> {
    lines(pack, None)
}

/// The same without the folder of a base.
fn lines(pack: &Path, base: Option<&PathBuf>) -> Result<String, PackError> {
    let mut paths = Vec::new();
    list((pack, base), Path::new(""), limits::PACK_DEPTH + limits::LAYERS, &mut paths)?;
    paths.sort();
    let mut lines = String::new();
    for path in paths {
        let content = files::read(pack, &pack.join(&path), limits::COMPONENT)?;
        files::refuse_secret(&pack.join(&path), &content)?;
        let digest = blake3::hash(&content);
        lines.push_str(&format!("{digest}  {}\n", path.display()));
    }
    Ok(lines)
}

fn list(
    (pack, base): (&Path, Option<&PathBuf>),
    below: &Path,
    depth: usize,
    paths: &mut Vec<PathBuf>,
) -> Result<(), PackError> {
    let folder = pack.join(below);
    let failed = PackError::io(folder.display());
    for entry in fs::read_dir(&folder).map_err(&failed)? {
        let name = entry.map_err(&failed)?.file_name();
        // Those of a base, in a folder of its own, are files like others: what they sign is what the pack was made with.
        let is_own_signature = below == Path::new("") && name.to_str().is_some_and(|name| FILES.contains(&name));
        let path = folder.join(&name);
        let is_other = below == Path::new("") && !is_part(&name, path.is_dir());
        if is_stray(&name) || name.to_str().is_none() || is_own_signature || is_other {
            continue;
        }
        let below = below.join(&name);
        match path.is_dir() {
            true if base == Some(&path) => {}
            true if depth == 0 => return Err(files::refused(&path, "its folders go too deep")),
            true => list((pack, base), &below, depth - 1, paths)?,
            false => paths.push(below),
        }
    }
    Ok(())
}

/// The reason for which a pack is taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Taken {
    /// It is signed by a key of the settings, as are its bases.
    Signed,
    /// The settings name no key that a signature could be held against.
    NoKeys,
    /// It, or a base, is not signed, and the settings allow that.
    Unsigned,
}

impl Taken {
    /// What is to be known of it; nothing of what is signed.
    pub fn remark(self) -> Option<&'static str> {
        match self {
            Self::Signed => None,
            Self::NoKeys => Some("signed, and the settings name no key to hold it against (packs.keys)"),
            Self::Unsigned => Some("not signed; taken, because packs.allow-unsigned is true"),
        }
    }
}

/// Checks the signatures of a pack and of the bases that it was not signed with, by the keys of the settings. One without a
/// signature is taken where the settings allow that.
///
/// # Errors
/// Says what is wrong: no signature, one by no known key, or files that are others than were signed.
pub fn check(pack: &Path, keys: &PackKeys) -> Result<Taken, PackError> {
    let folders = layers::folders(pack);
    let mut taken = Taken::Signed;
    for (at, folder) in folders.iter().enumerate() {
        let one = check_one(folder, folders.get(at + 1), keys).map_err(|error| layers::told(&folders, error))?;
        taken = taken.max(one.0);
        if one.1 {
            break;
        }
    }
    Ok(taken)
}

/// Whether a pack has a signature; it is held against no key.
///
/// # Errors
/// Names the file that is another than was signed: the signature holds no more, whoever made it.
pub fn is_signed(pack: &Path) -> Result<bool, PackError> {
    if !pack.join(SIGNATURE).exists() {
        return Ok(false);
    }
    let base = layers::folders(pack).get(1).cloned();
    held_against(&files::read_text(pack, &pack.join(SUM))?, pack, base.as_ref()).map(|_| true)
}

/// Checks the signature of one layer; answers why it is taken, and whether that stands for its base as well.
fn check_one(pack: &Path, base: Option<&PathBuf>, keys: &PackKeys) -> Result<(Taken, bool), PackError> {
    let (path, signed) = (pack.join(SIGNATURE), pack.join(SUM));
    let wrong = |path: &Path, why: &str| files::refused(path, why);
    let signature = match files::read_text(pack, &path) {
        Err(PackError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            return if keys.allow_unsigned {
                Ok((Taken::Unsigned, false))
            } else {
                let why = "the pack is not signed, and the settings (packs.allow-unsigned) take signed ones only";
                Err(wrong(&path, why))
            };
        }
        read => read?,
    };
    if keys.keys.is_empty() {
        // There is nobody to be believed.
        return Ok((Taken::NoKeys, false));
    }
    let text = files::read_text(pack, &signed)?;
    let signature = Signature::decode(&signature).map_err(|_| wrong(&path, "it is no signature of minisign"))?;
    let is_signed = keys.keys.iter().any(|key| key.verify(text.as_bytes(), &signature, false).is_ok());
    if !is_signed {
        let why = "the signature is by none of the keys that are believed (packs.keys of the settings), or of another `pack.sum`";
        return Err(wrong(&path, why));
    }
    Ok((Taken::Signed, held_against(&text, pack, base)?))
}

/// Holds a pack's files against what was signed of them; answers whether its base is among them.
fn held_against(text: &str, pack: &Path, base: Option<&PathBuf>) -> Result<bool, PackError> {
    let of_base = format!("{BASE}/");
    let has_base = text.lines().filter_map(|line| line.split_once("  ")).any(|(_, file)| file.starts_with(&of_base));
    let now = lines(pack, base.filter(|_| !has_base))?;
    let file_of = |line: &'_ str| line.split_once("  ").map(|(_, file)| file.to_owned());
    let has = |lines: &str, file: &str| lines.lines().filter_map(file_of).any(|known| known == file);
    let differing = now.lines().find(|line| !text.lines().any(|signed| signed == *line)).and_then(file_of);
    let missing = text.lines().find(|signed| !now.lines().any(|line| line == *signed)).and_then(file_of);
    let Some(file) = differing.or(missing) else { return Ok(has_base) };
    let what = match (has(text, &file), has(&now, &file)) {
        (false, _) => "it was not there when the pack was signed",
        (_, false) => "it was signed with the pack, and is not there",
        _ => "it is not the file that was signed",
    };
    Err(files::refused(&pack.join(file), &format!("{what}; sign the pack again")))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    struct Author {
        keys: minisign::KeyPair,
    }

    impl Author {
        fn new() -> Self {
            Self { keys: minisign::KeyPair::generate_unencrypted_keypair().unwrap() }
        }

        fn sign(&self, pack: &Path) {
            let text = sum(pack).unwrap();
            let signature = minisign::sign(None, &self.keys.sk, Cursor::new(&text), None, None).unwrap();
            fs::write(pack.join(SUM), text).unwrap();
            fs::write(pack.join(SIGNATURE), signature.to_string()).unwrap();
        }

        fn known(&self, allow_unsigned: bool) -> PackKeys {
            PackKeys {
                keys: vec![minisign_verify::PublicKey::from_base64(&self.keys.pk.to_base64()).unwrap()],
                allow_unsigned,
            }
        }
    }

    fn pack() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("notes")).unwrap();
        for (file, text) in
            [("pack.toml", "a"), ("rules.toml", "b"), ("notes/a.toml", "c"), (".swap", "d"), ("rules.toml~", "e")]
        {
            fs::write(folder.path().join(file), text).unwrap();
        }
        folder
    }

    fn check_says(pack: &Path, keys: &PackKeys, words: &str) {
        let said = check(pack, keys).map_or_else(|error| error.to_string(), |_| "taken".to_owned());
        assert!(said.contains(words), "{said} is not {words}");
    }

    #[test]
    fn a_signed_pack_is_taken_and_an_unsigned_one_where_that_is_allowed() {
        let (pack, author) = (pack(), Author::new());
        check_says(pack.path(), &author.known(true), "taken");
        check_says(pack.path(), &author.known(false), "is not signed");
        author.sign(pack.path());
        check_says(pack.path(), &author.known(false), "taken");
        check_says(pack.path(), &Author::new().known(true), "by none of the keys");
        fs::write(pack.path().join(".swap"), "e").unwrap();
        check_says(pack.path(), &author.known(false), "taken");
    }

    #[test]
    fn what_lies_beside_a_pack_s_files_is_neither_signed_nor_asked_for() {
        let (pack, author) = (pack(), Author::new());
        author.sign(pack.path());
        let secret = author.keys.sk.to_box(None).unwrap().into_string();
        for (path, text) in
            [("author.key", secret.as_str()), ("self.tar", "t"), ("data/secret.key", "s"), ("rules.schema.json", "{}")]
        {
            let path = pack.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        check_says(pack.path(), &author.known(false), "taken");
        assert!(!sum(pack.path()).unwrap().contains("key"));
        assert_eq!(files::beside(pack.path()).unwrap(), ["author.key", "data/", "rules.schema.json", "self.tar"]);
        // Among the pack's own files it would go wherever those go: one of this kit's, and one of the program minisign's own
        // that no password protects.
        for key in [secret.as_str(), "untrusted comment: minisign encrypted secret key\nRWQAAEIyAAAAAAAA\n"] {
            fs::write(pack.path().join("notes/author.key"), key).unwrap();
            assert!(
                sum(pack.path()).unwrap_err().to_string().contains("notes/author.key: it is an author's secret key")
            );
        }
    }

    #[test]
    fn files_that_were_exchanged_added_or_taken_away_are_told() {
        let author = Author::new();
        let check = |change: &dyn Fn(&Path), words: &str| {
            let pack = pack();
            author.sign(pack.path());
            change(pack.path());
            check_says(pack.path(), &author.known(true), words);
        };
        check(
            &|pack| fs::write(pack.join("rules.toml"), "x").unwrap(),
            "rules.toml: it is not the file that was signed",
        );
        check(&|pack| fs::write(pack.join("notes/b.toml"), "x").unwrap(), "notes/b.toml: it was not there when");
        check(&|pack| fs::remove_file(pack.join("pack.toml")).unwrap(), "pack.toml: it was signed with the pack, and");
        check(&|pack| fs::write(pack.join(SUM), "x").unwrap(), "of another `pack.sum`");
        check(&|pack| fs::remove_file(pack.join(SUM)).unwrap(), "pack.sum");
        check(&|pack| fs::write(pack.join(SIGNATURE), "x").unwrap(), "no signature of minisign");
    }

    /// A pack that extends another, both in one folder, and the base's folder.
    fn extended() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let [pack, base] = ["acme-au", "acme-base"].map(|name| folder.path().join(name));
        for folder in [&pack, &base] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join("rules.toml"), "a = 1").unwrap();
        }
        let whole = |name: &str, more: &str| format!("name = \"{name}\"\nversion = \"1\"\n{more}");
        fs::write(pack.join("pack.toml"), whole("acme-au", "extends = \"acme-base\"")).unwrap();
        fs::write(base.join("pack.toml"), whole("acme-base", "")).unwrap();
        (folder, pack, base)
    }

    #[test]
    fn a_base_is_signed_with_what_carries_it_or_by_itself() {
        let (folder, pack, base) = extended();
        let author = Author::new();
        author.sign(&pack);
        check_says(&pack, &author.known(true), "taken");
        check_says(&pack, &author.known(false), "acme-base/pack.sum.minisig: the pack is not signed");
        author.sign(&base);
        check_says(&pack, &author.known(false), "taken");
        fs::write(base.join("rules.toml"), "a = 2").unwrap();
        check_says(&pack, &author.known(false), "rules.toml: it is not the file that was signed");
        fs::write(base.join("rules.toml"), "a = 1").unwrap();

        // As it is sent and kept: the base is in it, and each has the signature that it had.
        let inside = pack.join("base");
        fs::rename(&base, &inside).unwrap();
        check_says(&pack, &author.known(false), "taken");
        fs::write(inside.join("rules.toml"), "a = 2").unwrap();
        check_says(&pack, &author.known(false), "acme-base/rules.toml: it is not the file that was signed");
        fs::remove_file(inside.join(SIGNATURE)).unwrap();
        check_says(&pack, &author.known(false), "acme-base/pack.sum.minisig: the pack is not signed");

        // One that was in it when it was signed is signed with it.
        author.sign(&pack);
        check_says(&pack, &author.known(false), "taken");
        fs::write(inside.join("rules.toml"), "a = 3").unwrap();
        check_says(&pack, &author.known(false), "acme-base/rules.toml: it is not the file that was signed");
        fs::rename(&inside, folder.path().join("acme-base")).unwrap();
        check_says(&pack, &author.known(false), "base/");
    }

    #[test]
    fn a_folder_of_that_name_is_signed_like_any_other() {
        let (pack, author) = (pack(), Author::new());
        author.sign(pack.path());
        fs::create_dir(pack.path().join("base")).unwrap();
        fs::write(pack.path().join("base/pack.toml"), "name = \"x\"\nversion = \"1\"").unwrap();
        check_says(pack.path(), &author.known(true), "base/pack.toml: it was not there when the pack was signed");
    }
}
