//! The SDK's own source and the contract, as this program carries them: so that a plugin is built with the SDK of the host that
//! it was made by, without a registry or a repository that has it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

/// Files of the project by their paths in it.
macro_rules! carried {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../../", $path)))),+]
    };
}

/// The contract.
pub(super) const CONTRACT: &[(&str, &str)] =
    carried!["wit/v1/log.wit", "wit/v1/mapper.wit", "wit/v1/phone.wit", "wit/v1/world.wit"];

/// The SDK for Rust.
const RUST: &[(&str, &str)] = carried![
    "plugins/layers/Cargo.toml",
    "plugins/layers/src/lib.rs",
    "plugins/sdk/Cargo.toml",
    "plugins/sdk/src/allocator.rs",
    "plugins/sdk/src/canonical.rs",
    "plugins/sdk/src/countries.rs",
    "plugins/sdk/src/export.rs",
    "plugins/sdk/src/harness.rs",
    "plugins/sdk/src/harness/fixture.rs",
    "plugins/sdk/src/harness/form.rs",
    "plugins/sdk/src/harness/pack.rs",
    "plugins/sdk/src/harness/phone.rs",
    "plugins/sdk/src/lib.rs",
    "plugins/sdk/src/lineage.rs",
    "plugins/sdk/src/notes.rs",
    "plugins/sdk/src/plugin.rs",
    "plugins/sdk/src/read.rs",
    "plugins/sdk/src/read/amount.rs",
    "plugins/sdk/src/read/date.rs",
    "plugins/sdk/src/read/date/calendar.rs",
    "plugins/sdk/src/read/date/moment.rs",
    "plugins/sdk/src/read/date/zone.rs",
    "plugins/sdk/src/read/decimal.rs",
    "plugins/sdk/src/read/email.rs",
    "plugins/sdk/src/read/phone.rs",
    "plugins/sdk/src/read/unknown.rs",
    "plugins/sdk/src/rules.rs",
    "plugins/sdk/src/rules/locate.rs",
    "plugins/sdk/src/session.rs",
    "plugins/sdk/src/table.rs",
    "plugins/sdk/src/text.rs",
    "plugins/sdk/src/text/email.rs",
    "plugins/sdk/src/text/entities.rs",
    "plugins/sdk/src/text/fold.rs",
];

/// The SDK for TypeScript.
pub(super) const TYPESCRIPT: &str = include_str!("../../../plugins/typescript/index.ts");

/// The manifest of the project's workspace, whose versions of dependencies the SDK inherits.
const WORKSPACE: &str = include_str!("../../../Cargo.toml");
/// The versions with which the SDK is tested.
const LOCK: &str = include_str!("../../../Cargo.lock");

/// The SDK for Rust with its contract, as a workspace of its own: paths in its folder, and texts.
///
/// # Errors
/// Where the project's own manifests are not what they were when this was written.
pub(super) fn rust() -> Result<Vec<(String, String)>> {
    let files = RUST.iter().chain(CONTRACT).map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    Ok(std::iter::once(("Cargo.toml".to_owned(), workspace()?)).chain(files).collect())
}

/// The manifest of a workspace that has the SDK alone, with the parts of the project's that it inherits.
fn workspace() -> Result<String> {
    let mut whole: toml::Table = WORKSPACE.parse().context("the carried manifest is no TOML")?;
    let used = dependencies(RUST)?;
    let workspace = whole.get_mut("workspace").and_then(toml::Value::as_table_mut).context("it is a workspace")?;
    let all = workspace.get_mut("dependencies").and_then(toml::Value::as_table_mut).context("it has dependencies")?;
    all.retain(|name, _| used.contains(name));
    let members = toml::Value::Array(vec!["plugins/layers".into(), "plugins/sdk".into()]);
    workspace.retain(|key, _| ["resolver", "package", "dependencies", "lints"].contains(&key));
    workspace.insert("members".to_owned(), members);
    let kept: toml::Table =
        [("workspace".to_owned(), whole.remove("workspace").context("it is a workspace")?)].into_iter().collect();
    let head = "# The SDK's own source, as `tidegate pack new` wrote it. A newer one comes with a newer `tidegate`.\n";
    Ok(format!("{head}{}", toml::to_string(&kept)?))
}

/// The names of all dependencies of the carried crates.
fn dependencies(of: &[(&str, &str)]) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for (_, text) in of.iter().filter(|(path, _)| path.ends_with("Cargo.toml")) {
        let manifest: toml::Table = text.parse()?;
        let sections =
            ["dependencies", "dev-dependencies"].map(|section| manifest.get(section).and_then(toml::Value::as_table));
        names.extend(sections.into_iter().flatten().flat_map(toml::Table::keys).cloned());
    }
    Ok(names)
}

/// The lock file of a new plugin: of each crate that the SDK or the plugin needs the version with which the SDK is tested.
///
/// # Errors
/// Where the carried lock file is not what it was when this was written.
pub(super) fn lock() -> Result<String> {
    let whole: toml::Table = LOCK.parse().context("the carried lock file is no TOML")?;
    let packages = whole.get("package").and_then(toml::Value::as_array).context("it has packages")?;
    let text = |of: &toml::Value, key: &str| of.get(key).and_then(toml::Value::as_str).map(str::to_owned);
    let mut by_name: BTreeMap<String, Vec<&toml::Value>> = BTreeMap::new();
    for package in packages {
        by_name.entry(text(package, "name").unwrap_or_default()).or_default().push(package);
    }
    let mut open: Vec<String> = dependencies(RUST)?.into_iter().collect();
    let (mut seen, mut kept) = (BTreeSet::new(), Vec::new());
    while let Some(wanted) = open.pop() {
        // A name, and its version where there are several.
        let mut parts = wanted.split(' ');
        let (name, version) = (parts.next().unwrap_or_default(), parts.next());
        for package in by_name.get(name).into_iter().flatten() {
            let of = text(package, "version");
            if version.is_some_and(|version| of.as_deref() != Some(version)) || !seen.insert((name.to_owned(), of)) {
                continue;
            }
            let below = package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten();
            open.extend(below.filter_map(|name| name.as_str().map(str::to_owned)));
            // The project's own crates come by their paths.
            if package.get("source").is_some() {
                kept.push((*package).clone());
            }
        }
    }
    kept.sort_by_key(|package| (text(package, "name"), text(package, "version")));
    let mut lock = toml::Table::new();
    lock.insert("version".to_owned(), whole.get("version").cloned().context("it has a version")?);
    lock.insert("package".to_owned(), toml::Value::Array(kept));
    Ok(format!(
        "# Written by `tidegate pack new` with the versions that the SDK is tested with; cargo keeps it from here on.\n{}",
        toml::to_string(&lock)?
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The files of the SDK that are for its own tests alone.
    const OF_TESTS: [&str; 2] = ["tests.rs", "echo.rs"];

    #[test]
    fn every_file_of_the_sdk_and_the_contract_is_carried() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut open = vec![root.join("plugins/layers"), root.join("plugins/sdk"), root.join("wit/v1")];
        let mut found = BTreeSet::new();
        while let Some(path) = open.pop() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else if !OF_TESTS.contains(&name.as_str()) && !name.starts_with('.') {
                found.insert(path.strip_prefix(&root).unwrap().display().to_string());
            }
        }
        let carried: BTreeSet<String> = RUST.iter().chain(CONTRACT).map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(carried, found);
    }

    #[test]
    fn the_carried_workspace_is_the_sdk_and_what_it_needs() {
        let text = workspace().unwrap();
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["workspace"]["members"].as_array().unwrap().len(), 2);
        assert!(table["workspace"]["dependencies"].get("wit-bindgen").is_some(), "{text}");
        assert!(table["workspace"]["dependencies"].get("redb").is_none(), "{text}");
        assert_eq!(table["workspace"]["package"]["edition"].as_str(), Some("2024"));
    }

    #[test]
    fn the_lock_has_what_the_sdk_needs_and_no_more() {
        let text = lock().unwrap();
        for name in ["wit-bindgen", "serde_json", "minijinja", "syn"] {
            assert!(text.contains(&format!("name = \"{name}\"")), "{name}");
        }
        assert!(!text.contains("name = \"redb\"") && !text.contains("name = \"tidegate"), "{text}");
    }
}
