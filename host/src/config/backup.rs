//! The section `[backup]`: where backups go, and the key that they are encrypted with.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use age::x25519::Identity;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::{regular_file, secret};

/// Where backups go.
#[derive(Clone, Debug)]
pub struct BackupSettings {
    /// The folder.
    pub folder: PathBuf,
    /// The secret key of age, with which they are encrypted, and opened again to see that they are whole.
    pub key: BackupKey,
    /// The number of backups that are kept.
    pub keep: usize,
}

impl BackupSettings {
    /// Whether these are the settings that a host goes by: the folder, the public part of the key, and how many are kept.
    pub fn are_those(&self, folder: &Path, public_key: &str, keep: u64) -> bool {
        real(folder) == real(&self.folder) && public_key == self.key.public() && keep == self.keep as u64
    }
}

/// The first characters of a secret key of age.
const SECRET: &str = "AGE-SECRET-KEY-1";

/// The secret key of age in a key file.
#[derive(Clone)]
pub struct BackupKey(Identity);

impl BackupKey {
    /// The key.
    pub fn identity(&self) -> &Identity {
        &self.0
    }

    /// The key in a file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or has not one key, in a sentence that begins with its path.
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = regular_file::read(path, secret::LARGEST)?;
        let key = str::from_utf8(&bytes).map_err(|_| "isn't a text file").and_then(str::parse);
        key.map_err(|why| format!("{} {why}", path.display()))
    }

    /// The part of it that may be known: with which one of several a backup is encrypted.
    pub fn public(&self) -> String {
        self.0.to_public().to_string()
    }
}

impl fmt::Debug for BackupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupKey")
    }
}

impl FromStr for BackupKey {
    type Err = &'static str;

    /// The key of a key file's text. Which of two it is would be a guess, and the backups of the other would not open.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Some editors begin a file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let is_key = |line: &&str| line.get(..SECRET.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(SECRET));
        let mut keys = text.lines().map(str::trim).filter(is_key);
        match (keys.next(), keys.next()) {
            (Some(key), None) => key.parse().map(Self).map_err(|_| "has a key of age that is cut short or mistyped"),
            (Some(_), Some(_)) => Err("holds more than one key of age; keep one in it"),
            (None, _) => Err("holds no key of age: a line that begins with AGE-SECRET-KEY-1"),
        }
    }
}

/// The section as it is written.
#[derive(Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct BackupSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    folder: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_file: Option<PathBuf>,
    keep: usize,
}

impl Default for BackupSection {
    fn default() -> Self {
        Self { folder: None, key_file: None, keep: 14 }
    }
}

impl BackupSection {
    pub(super) fn check(self, check: &mut Check<'_>) -> Option<BackupSettings> {
        if !(1..=1000).contains(&self.keep) {
            check.problem("backup.keep", "is to be from 1 to 1000");
        }
        let (folder, key_file) = match (self.folder, self.key_file) {
            (None, None) => return None,
            (Some(folder), Some(key_file)) if !folder.as_os_str().is_empty() => (folder, key_file),
            (Some(_), Some(_)) => {
                check.problem("backup.folder", "is empty; name the folder that backups are put into");
                return None;
            }
            (None, Some(_)) => {
                check.problem("backup.folder", "is missing; name the folder that backups are put into");
                return None;
            }
            (Some(_), None) => {
                let message =
                    "is missing; `tidegate backup key FILE` makes one, and a copy of it has to be kept elsewhere";
                check.problem("backup.key-file", message);
                return None;
            }
        };
        let key_file = check.base.join(key_file);
        let key = BackupKey::read(&key_file).map_err(|why| check.problem("backup.key-file", why)).ok()?;
        check.warn_if_open("backup.key-file", &key_file);
        Some(BackupSettings { folder: check.base.join(folder), key, keep: self.keep })
    }
}

/// The same folder without links and `..`, as far as it is there.
pub(super) fn real(folder: &Path) -> PathBuf {
    let mut path = PathBuf::new();
    for part in std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()).components() {
        match part {
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
        path = path.canonicalize().unwrap_or(path);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_has_one_key() {
        use secrecy::ExposeSecret as _;
        let line = || Identity::generate().to_string().expose_secret().to_owned();
        let (one, other) = (line(), line());
        let read =
            |text: &str| text.parse::<BackupKey>().map(|key| key.identity().to_string().expose_secret().to_owned());
        assert_eq!(read(&format!("# public key: age1…\r\n {one} \r\n")), Ok(one.clone()));
        assert_eq!(read("# public key: age1…").unwrap_err().split(':').next(), Some("holds no key of age"));
        assert_eq!(read(&format!("{one}\n{other}")).unwrap_err(), "holds more than one key of age; keep one in it");
        assert_eq!(read(&format!("\u{feff}{one}\r\n")), Ok(one.clone()));
        let cut_short = "has a key of age that is cut short or mistyped";
        assert_eq!(read(&one[..one.len() - 1]).unwrap_err(), cut_short);
        assert_eq!(read(&format!("{one}x")).unwrap_err(), cut_short);
    }

    #[test]
    fn a_key_file_that_isnt_a_text_file_is_told_so() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [0xff, 0xfe, 0x41]).unwrap();
        let path = file.path().display();
        assert_eq!(BackupKey::read(file.path()).unwrap_err(), format!("{path} isn't a text file"));
        std::fs::write(file.path(), "").unwrap();
        assert!(BackupKey::read(file.path()).unwrap_err().starts_with(&format!("{path} holds no key of age")));
        let missing = BackupKey::read(&file.path().with_extension("missing")).unwrap_err();
        assert!(missing.contains(".missing cannot be read: "), "{missing}");
    }

    #[test]
    fn settings_are_those_of_a_host_whichever_way_its_folder_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backups");
        let to = BackupSettings { folder: path.clone(), key: BackupKey(Identity::generate()), keep: 2 };
        let key = to.key.public();
        assert!(to.are_those(&path, &key, 2) && to.are_those(&path.join("../backups/."), &key, 2));
        assert!(!to.are_those(&path, &key, 3) && !to.are_those(folder.path(), &key, 2));
        assert!(!to.are_those(&path, &Identity::generate().to_public().to_string(), 2));
    }

    #[test]
    fn a_folder_is_known_behind_links_and_steps_back() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("data/inner")).unwrap();
        std::os::unix::fs::symlink(root.join("data"), root.join("link")).unwrap();
        for inside in ["link/backups", "other/../data/backups", "link/inner/../backups", "data/./backups"] {
            assert_eq!(real(&root.join(inside)), root.join("data/backups"), "{inside}");
        }
        assert_eq!(real(&root.join("backups")), root.join("backups"));
    }
}
