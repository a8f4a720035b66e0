//! A pack's folder as its author has it: tables alone, or a plugin's source with the pack below it.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::Language;

/// The folder of a plugin's source in which its pack stands.
pub(super) const PACK: &str = "pack";

/// A pack, and where its plugin's source is.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder that the author works in.
    pub folder: PathBuf,
    /// The pack's own folder: it holds `pack.toml`.
    pub pack: PathBuf,
    /// What its plugin is written in; tables where it has none of its own.
    pub language: Language,
}

impl Project {
    /// The pack in a folder.
    ///
    /// # Errors
    /// Says what a folder of a pack has, where this is none.
    pub fn find(folder: &Path) -> Result<Self> {
        let folder = std::path::absolute(folder)?;
        let inner = folder.join(PACK);
        let has = |path: &Path, file: &str| path.join(file).is_file();
        if has(&inner, "pack.toml") {
            let language = match (has(&folder, "Cargo.toml"), has(&folder, "package.json")) {
                (true, _) => Language::Rust,
                (_, true) => Language::TypeScript,
                _ => Language::Tables,
            };
            return Ok(Self { folder, pack: inner, language });
        }
        if has(&folder, "pack.toml") {
            return Ok(Self { pack: folder.clone(), folder, language: Language::Tables });
        }
        bail!(
            "{}: there is no pack here: a pack's folder has a pack.toml, of its own or below `{PACK}`. `tidegate pack new NAME \
             --region ZA` makes one",
            folder.display()
        )
    }
}
