//! What the crates depend on: each dependency is used, and ARCHITECTURE.md says why.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::files::{File, Finding};

/// Where each dependency has its line.
const REASONS: &str = "ARCHITECTURE.md";

/// Refuses dependencies that no code names, that no crate takes, or that nothing explains.
pub fn check(files: &[File]) -> Result<Vec<Finding>> {
    let manifests = files.iter().filter(|file| file.path.ends_with("Cargo.toml"));
    let reasons = files.iter().find(|file| file.path == REASONS).map_or("", |file| &file.text);
    let mut taken: BTreeMap<String, &File> = BTreeMap::new();
    let mut findings = Vec::new();
    let mut workspace = None;
    for manifest in manifests {
        let table: Table = manifest.text.parse().with_context(|| format!("{} is not TOML", manifest.path))?;
        if table.contains_key("workspace") {
            workspace = Some((manifest, shared(&table)));
        }
        for name in dependencies(&table) {
            if !is_named(&name, manifest, files) {
                findings.push(
                    manifest.finding(line_of(manifest, &name), format!("no code here names `{name}`: leave it out")),
                );
            }
            taken.insert(name, manifest);
        }
    }
    let (root, shared) = workspace.context("there is no Cargo.toml with [workspace]")?;
    for (name, is_ours) in shared {
        if !taken.contains_key(&name) {
            findings.push(root.finding(line_of(root, &name), format!("no crate depends on `{name}`: leave it out")));
        } else if !is_ours && !reasons.contains(&format!("`{name}`")) {
            findings.push(
                root.finding(line_of(root, &name), format!("{REASONS} has no line that says why `{name}` is here")),
            );
        }
    }
    Ok(findings)
}

/// The dependencies that the workspace's crates share, and whether each is a crate of the workspace itself.
fn shared(root: &Table) -> BTreeMap<String, bool> {
    let shared = root.get("workspace").and_then(|workspace| workspace.get("dependencies")).and_then(Value::as_table);
    shared.into_iter().flatten().map(|(name, value)| (name.clone(), value.get("path").is_some())).collect()
}

/// The names of all dependencies of one crate.
fn dependencies(manifest: &Table) -> BTreeSet<String> {
    ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table())
        .flat_map(Table::keys)
        .cloned()
        .collect()
}

/// Whether the crate's Rust code names the dependency. A crate that stands inside the folder of another (`host/domain`)
/// names its own.
fn is_named(name: &str, manifest: &File, files: &[File]) -> bool {
    let folder = |manifest: &File| manifest.path.trim_end_matches("Cargo.toml").to_owned();
    let own = folder(manifest);
    let inner: Vec<String> = files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml"))
        .map(folder)
        .filter(|other| other.len() > own.len() && other.starts_with(&own))
        .collect();
    let name = name.replace('-', "_");
    files
        .iter()
        .filter(|file| {
            file.is("rs") && file.path.starts_with(&own) && !inner.iter().any(|other| file.path.starts_with(other))
        })
        .flat_map(|file| file.lines())
        .any(|(_, line)| has_word(line, &name))
}

/// Whether `line` holds `name` as a word of its own, outside a comment.
fn has_word(line: &str, name: &str) -> bool {
    if line.trim_start().starts_with("//") {
        return false;
    }
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == name)
}

/// The line on which a manifest first names the dependency.
fn line_of(manifest: &File, name: &str) -> usize {
    manifest
        .lines()
        .find(|(_, line)| line.starts_with(&format!("{name} ")) || line.starts_with(&format!("{name}.")))
        .map_or(1, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace]\n[workspace.dependencies]\nredb = \"4\"\nours = { path = \"ours\" }\n";

    fn check_all(root: &str, reasons: &str, code: &str) -> Vec<String> {
        let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
        let files = [
            file("Cargo.toml", root),
            file("ARCHITECTURE.md", reasons),
            file("host/Cargo.toml", "[dependencies]\nredb.workspace = true\nours.workspace = true\n"),
            file("host/src/lib.rs", code),
            file("host/domain/Cargo.toml", "[dependencies]\n"),
            file("host/domain/src/lib.rs", "use redb;"),
        ];
        check(&files).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn used_and_explained_is_well() {
        assert_eq!(check_all(ROOT, "- `redb`: the store", "use ours::A;\nuse redb::B;"), [""; 0]);
    }

    #[test]
    fn what_nothing_explains_is_refused() {
        assert_eq!(
            check_all(ROOT, "", "use ours::A;\nuse redb::B;"),
            ["Cargo.toml:3: ARCHITECTURE.md has no line that says why `redb` is here"]
        );
    }

    #[test]
    fn what_no_code_names_is_refused() {
        assert_eq!(
            check_all(ROOT, "- `redb`", "use ours::A;\n// redb, some day"),
            ["host/Cargo.toml:2: no code here names `redb`: leave it out"]
        );
    }

    #[test]
    fn what_no_crate_takes_is_refused() {
        assert_eq!(
            check_all(&format!("{ROOT}cron = \"1\"\n"), "- `redb`", "use ours::A;\nuse redb::B;"),
            ["Cargo.toml:5: no crate depends on `cron`: leave it out"]
        );
    }
}
