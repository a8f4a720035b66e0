//! What cargo knows of this workspace: its root, its target folder, its packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::step;

/// The workspace, as `cargo metadata` tells it.
#[derive(Debug, Deserialize)]
pub struct Workspace {
    /// The folder of the root `Cargo.toml`.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    /// Where cargo builds; `CARGO_TARGET_DIR` is honoured.
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
    /// The workspace's own packages.
    pub packages: Vec<Package>,
}

/// One package of the workspace.
#[derive(Debug, Deserialize)]
pub struct Package {
    /// Its name in `Cargo.toml`.
    pub name: String,
    targets: Vec<Target>,
    #[serde(default)]
    metadata: Option<Metadata>,
    manifest_path: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    tidegate: Tidegate,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Tidegate {
    #[serde(default)]
    packs: Vec<String>,
    /// Whether it is a plugin of the tests' own, with its pack's other files beside it.
    #[serde(default)]
    test_plugin: bool,
}

impl Workspace {
    /// Asks cargo.
    pub fn load() -> Result<Self> {
        let printed = step::output(cargo().args(["metadata", "--format-version=1", "--no-deps"]))?;
        serde_json::from_str(&printed).context("what `cargo metadata` printed is not understood")
    }

    /// The packages that are plugins: those whose `[package.metadata.tidegate]` names packs.
    pub fn plugins(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| !package.packs().is_empty())
    }

    /// The packages that are plugins of the tests' own.
    pub fn test_plugins(&self) -> impl Iterator<Item = &Package> {
        let is_one = |package: &&Package| package.metadata.as_ref().is_some_and(|known| known.tidegate.test_plugin);
        self.packages.iter().filter(is_one)
    }

    /// The binary `program` as a build with `release` or without leaves it.
    pub fn binary(&self, program: &str, release: bool) -> PathBuf {
        let profile = if release { "release" } else { "debug" };
        self.target.join(profile).join(program)
    }

    /// Where pack folders are assembled; the host looks here, beside the folder of its own binary.
    pub fn packs(&self) -> PathBuf {
        self.target.join("packs")
    }

    /// Where the packs of the tests' own plugins are assembled; the tests look here, beside the others.
    pub fn test_packs(&self) -> PathBuf {
        self.target.join("test-packs")
    }
}

impl Package {
    /// The folders of `rules/` that this plugin serves.
    pub fn packs(&self) -> &[String] {
        self.metadata.as_ref().map_or(&[], |metadata| &metadata.tidegate.packs)
    }

    /// The folder of its `Cargo.toml`.
    pub fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }

    /// The core module's file below `folder`, where the package builds one.
    pub fn module(&self, folder: &Path) -> Option<PathBuf> {
        let target = self.targets.iter().find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))?;
        Some(folder.join(format!("{}.wasm", target.name.replace('-', "_"))))
    }
}

/// The cargo that runs this program, working in the workspace's root.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // What the outer cargo says of this package. Some build scripts ask for the like, and would run again, with all that
    // depends on them, whenever somebody types `cargo build` between two of these commands.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

/// The workspace's root: the folder above this crate's.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_understood() {
        let workspace = Workspace::load().unwrap();
        assert_eq!(workspace.root, root());
        assert!(workspace.packages.iter().any(|package| package.name == "xtask"));
    }

    #[test]
    fn a_plugin_is_a_package_that_names_packs() {
        let workspace: Workspace = serde_json::from_str(
            r#"{"workspace_root": "/w", "target_directory": "/t", "packages": [
                {"name": "xplan", "targets": [{"name": "xplan", "crate_types": ["lib"]}], "metadata": null,
                 "manifest_path": "/w/plugins/xplan/Cargo.toml"},
                {"name": "xplan-uk", "targets": [{"name": "xplan-uk", "crate_types": ["cdylib", "rlib"]}],
                 "metadata": {"tidegate": {"packs": ["xplan-uk"]}}, "manifest_path": "/w/plugins/xplan-uk/Cargo.toml"},
                {"name": "odd", "targets": [{"name": "odd", "crate_types": ["cdylib"]}],
                 "metadata": {"tidegate": {"test-plugin": true}}, "manifest_path": "/w/tests/odd/Cargo.toml"}]}"#,
        )
        .unwrap();
        let plugins: Vec<_> = workspace.plugins().collect();
        assert_eq!(plugins.len(), 1);
        assert_eq!(plugins[0].module(Path::new("/o")).unwrap(), Path::new("/o/xplan_uk.wasm"));
        let of_tests: Vec<&Path> = workspace.test_plugins().map(Package::folder).collect();
        assert_eq!(of_tests, [Path::new("/w/tests/odd")]);
        assert_eq!(workspace.binary("tidegate", false), Path::new("/t/debug/tidegate"));
    }
}
