//! The section `[backup]`: where backups go, and the key that they are encrypted with.

use std::path::{Component, Path, PathBuf};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::check::Check;

/// Where backups go.
#[derive(Clone, Debug)]
pub struct BackupSettings {
    /// The folder.
    pub folder: PathBuf,
    /// The secret key of age, with which they are encrypted, and opened again to see that they are whole.
    pub key: SecretString,
    /// The number of backups that are kept.
    pub keep: usize,
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
        let key = match std::fs::read_to_string(check.base.join(&key_file)) {
            Ok(text) => secret_line(&text),
            Err(error) => {
                check.problem("backup.key-file", format!("{}: {error}", key_file.display()));
                return None;
            }
        };
        if key.is_none() {
            check.problem("backup.key-file", "holds no key of age: a line that begins with AGE-SECRET-KEY-1");
        }
        Some(BackupSettings { folder: check.base.join(folder), key: key?, keep: self.keep })
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

/// The line of a key file that is the secret key.
pub fn secret_line(text: &str) -> Option<SecretString> {
    let is_key = |line: &&str| line.parse::<age::x25519::Identity>().is_ok();
    text.lines().map(str::trim).find(is_key).map(SecretString::from)
}

#[cfg(test)]
mod tests {
    use super::*;

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
