//! Assembles pack folders: a folder of `rules/` plus the component of the plugin that serves it, where the pack does not take
//! that from its base.
//!
//! A file is written only when its bytes differ, and by renaming, so that a host that watches or reads the folder
//! never sees half a file and is not woken for nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The component's file in a pack folder.
const COMPONENT: &str = "component.wasm";

/// Makes `pack` hold the files of `rules` and the component, where it has one of its own, and nothing else. Returns how many
/// files changed.
pub fn assemble(rules: &Path, component: Option<&[u8]>, pack: &Path) -> Result<usize> {
    if !rules.join("pack.toml").is_file() {
        bail!("{} has no pack.toml: a pack's folder in rules/ says its name, version and component", rules.display());
    }
    let mut wanted = files(rules)?;
    let mut changed = 0;
    for file in &wanted {
        changed += usize::from(write_if_changed(&pack.join(file), &read(&rules.join(file))?)?);
    }
    if let Some(component) = component {
        changed += usize::from(write_if_changed(&pack.join(COMPONENT), component)?);
        wanted.insert(COMPONENT.into());
    }
    for stale in files(pack)?.difference(&wanted) {
        fs::remove_file(pack.join(stale)).with_context(|| format!("removing {}", stale.display()))?;
        changed += 1;
    }
    Ok(changed)
}

/// The files below `folder`, relative to it; hidden ones (editors' and systems' own) are left out.
fn files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let path = folder.join(&below);
        for entry in fs::read_dir(&path).with_context(|| format!("reading the folder {}", path.display()))? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let inner = below.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                open.push(inner);
            } else {
                found.insert(inner);
            }
        }
    }
    Ok(found)
}

/// Whether the file had to be written.
fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(false);
    }
    let folder = path.parent().with_context(|| format!("{} has no folder", path.display()))?;
    fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let name = path.file_name().with_context(|| format!("{} has no name", path.display()))?;
    let unfinished = folder.join(format!(".{}.new", name.to_string_lossy()));
    fs::write(&unfinished, bytes).with_context(|| format!("writing {}", unfinished.display()))?;
    fs::rename(&unfinished, path).with_context(|| format!("writing {}", path.display()))?;
    Ok(true)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_holds_its_rules_and_component_and_nothing_stale() {
        let folder = tempfile::tempdir().unwrap();
        let (rules, pack) = (folder.path().join("rules"), folder.path().join("pack"));
        fs::create_dir_all(rules.join("notes")).unwrap();
        fs::write(rules.join("pack.toml"), "name = \"x\"").unwrap();
        fs::write(rules.join("notes/survey.txt"), "Hello").unwrap();
        fs::write(rules.join(".swp"), "an editor's").unwrap();

        assert_eq!(assemble(&rules, Some(b"one"), &pack).unwrap(), 3);
        assert_eq!(fs::read(pack.join("notes/survey.txt")).unwrap(), b"Hello");
        assert_eq!(assemble(&rules, Some(b"one"), &pack).unwrap(), 0, "nothing changed, nothing written");

        fs::remove_file(rules.join("notes/survey.txt")).unwrap();
        assert_eq!(assemble(&rules, Some(b"two"), &pack).unwrap(), 2);
        assert_eq!(files(&pack).unwrap(), BTreeSet::from([COMPONENT.into(), "pack.toml".into()]));
        assert_eq!(fs::read(pack.join(COMPONENT)).unwrap(), b"two");
        assert_eq!(assemble(&rules, None, &pack).unwrap(), 1, "what takes its component from its base has none");
        assert_eq!(files(&pack).unwrap(), BTreeSet::from(["pack.toml".into()]));
    }

    #[test]
    fn rules_without_a_pack_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = assemble(folder.path(), None, &folder.path().join("pack")).unwrap_err();
        assert!(format!("{error:#}").contains("has no pack.toml"), "{error:#}");
    }
}
