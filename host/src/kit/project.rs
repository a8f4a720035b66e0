//! A pack's folder as its author has it: tables alone, or a plugin's source with the pack below it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::Language;
use super::build::component_file;

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

/// The files of a plugin's folder, and the folders in it, that a component is built of.
const SOURCES: [&str; 6] = ["src", "sdk", "manifest.json", "Cargo.toml", "Cargo.lock", "package.json"];

/// The files that are looked at, at most.
const MOST_SOURCES: usize = 10_000;

impl Project {
    /// That its component was built before its source was changed, and what is to be done; none where it is up to date, or
    /// there is nothing to be built.
    ///
    /// # Errors
    /// Names what cannot be looked at.
    pub fn built_before(&self) -> Result<Option<String>> {
        if self.language == Language::Tables {
            return Ok(None);
        }
        let component = self.pack.join(component_file(&self.pack)?);
        let Ok(built) = fs::metadata(&component).and_then(|component| component.modified()) else { return Ok(None) };
        let mut open: Vec<PathBuf> = SOURCES.iter().map(|name| self.folder.join(name)).collect();
        let mut seen = 0;
        while let Some(path) = open.pop() {
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            seen += 1;
            if metadata.is_dir() && seen < MOST_SOURCES {
                let named = || path.display().to_string();
                for entry in fs::read_dir(&path).with_context(named)? {
                    open.push(entry.with_context(named)?.path());
                }
            } else if metadata.is_file() && metadata.modified().is_ok_and(|changed| changed > built) {
                let [path, component] = [&path, &component]
                    .map(|path| path.strip_prefix(&self.folder).unwrap_or(path).display().to_string());
                return Ok(Some(format!("{path} is newer than {component}; run `tidegate pack build`")));
            }
        }
        Ok(None)
    }

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
