//! Packs that a test may change, in a folder of its host's own.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::Host;
use super::folder::from_environment;

/// Copies a pack as it is shipped, with its bases in its folder, so that it needs nothing beside it.
///
/// # Errors
/// Where there is none of this name.
pub fn copy_pack(name: &str, to: &Path) -> Result<()> {
    let packs = from_environment("TIDEGATE_PACKS")?;
    let (mut next, mut to) = (Some(name.to_owned()), to.to_owned());
    while let Some(name) = next {
        copy_folder(&packs.join(name), &to)?;
        let pack = fs::read_to_string(to.join("pack.toml"))?;
        let base = pack.lines().find_map(|line| line.strip_prefix("extends = \"")?.strip_suffix('"'));
        next = base.map(ToOwned::to_owned);
        to.push("base");
    }
    Ok(())
}

/// The folders of a copied pack: its own, and those of its bases in it.
pub fn layers(pack: &Path) -> impl Iterator<Item = PathBuf> {
    std::iter::successors(Some(pack.to_owned()), |layer| Some(layer.join("base")).filter(|base| base.is_dir()))
}

/// Takes a copied pack's golden fixtures away, which take long and say what its rules are to do.
///
/// # Errors
/// Where they cannot be taken away.
pub fn without_fixtures(pack: &Path) -> Result<()> {
    for fixtures in layers(pack).map(|layer| layer.join("fixtures")).filter(|fixtures| fixtures.exists()) {
        fs::remove_dir_all(fixtures)?;
    }
    Ok(())
}

/// Takes a copied pack's examples away, and its bases'.
///
/// # Errors
/// Where its rules cannot be read or written.
pub fn without_examples(pack: &Path) -> Result<()> {
    for path in layers(pack).map(|layer| layer.join("rules.toml")).filter(|path| path.exists()) {
        let rules = fs::read_to_string(&path)?;
        let without = rules.find("\n[[examples]]\n").map_or(rules.as_str(), |examples| &rules[..examples]);
        fs::write(&path, without)?;
    }
    Ok(())
}

/// The file of a copied pack: its own, or else its nearest base's.
pub fn file_of(pack: &Path, file: &str) -> PathBuf {
    let found = layers(pack).map(|layer| layer.join(file)).find(|path| path.exists());
    found.unwrap_or_else(|| pack.join(file))
}

/// Copies a folder with all that is in it.
///
/// # Errors
/// Where it cannot be read, or the copy not written.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

impl Host {
    /// Lets a host that was not started yet take its packs from a folder of its own, which holds nothing yet. Answers the
    /// folder.
    ///
    /// # Errors
    /// Where the settings cannot be written.
    pub fn own_packs(&self) -> Result<PathBuf> {
        let settings = self.folder().join("tidegate.toml");
        let shared = format!("packs-dir = {:?}", from_environment("TIDEGATE_PACKS")?);
        let text = fs::read_to_string(&settings)?;
        ensure!(text.contains(&shared), "the packs are taken from a folder of the host's own already");
        fs::write(&settings, text.replace(&shared, "packs-dir = \"packs\""))?;
        let packs = self.folder().join("packs");
        fs::create_dir_all(&packs)?;
        Ok(packs)
    }

    /// Writes the pack of the tests' hostile plugin into the host's own folder of packs: it goes wrong in the way `how` on
    /// the records `on`, and on every one whose id `every` divides, unless that is 0.
    ///
    /// # Errors
    /// Where `cargo xtask test` has not built it.
    pub fn write_hostile(&self, how: &str, on: &[&str], every: u32) -> Result<()> {
        let pack = self.folder().join("packs/hostile");
        copy_folder(&from_environment("TIDEGATE_PACKS")?.with_file_name("test-packs").join("hostile"), &pack)?;
        fs::write(pack.join("rules.toml"), format!("how = \"{how}\"\non = {on:?}\nevery = {every}\n"))?;
        Ok(())
    }
}
