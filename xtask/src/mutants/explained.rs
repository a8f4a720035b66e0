//! The mutants that no test can notice, with the reasons, and those that end-to-end tests notice, which are not run for
//! each: `xtask/mutants.toml`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// What the file holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    #[serde(default)]
    missed: Vec<Entry>,
    #[serde(default)]
    elsewhere: Vec<Elsewhere>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// As cargo-mutants calls it, without line and column: they change with every edit above.
    mutant: String,
    /// Why no test can tell it from the code as it is.
    why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    /// As cargo-mutants calls them, without line and column.
    mutants: Vec<String>,
    /// The end-to-end test that notices them, `packs::each_gate`.
    test: String,
}

impl Explained {
    /// Reads the list. Fails where an entry has no reason or names no test, or says a line number.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let explained: Self = toml::from_str(&text).with_context(|| format!("{} is not understood", path.display()))?;
        for Entry { mutant, why } in &explained.missed {
            ensure!(!why.trim().is_empty(), "{mutant} has no reason");
        }
        for Elsewhere { mutants, test } in &explained.elsewhere {
            ensure!(test.contains("::"), "{mutants:?} are noticed by no test");
        }
        for mutant in explained.all() {
            ensure!(without_place(mutant) == mutant, "{mutant} names a line, which changes; leave line and column out");
        }
        Ok(explained)
    }

    /// Whether no test can notice a mutant.
    pub fn has(&self, mutant: &str) -> bool {
        self.missed.iter().any(|entry| entry.mutant == mutant)
    }

    /// Whether an end-to-end test notices a mutant.
    pub fn is_noticed_elsewhere(&self, mutant: &str) -> bool {
        self.elsewhere.iter().flat_map(|entry| &entry.mutants).any(|noticed| noticed == mutant)
    }

    /// All that are on the list.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let elsewhere = self.elsewhere.iter().flat_map(|entry| &entry.mutants);
        self.missed.iter().map(|entry| &entry.mutant).chain(elsewhere).map(String::as_str)
    }
}

/// A mutant's name without line and column: `a.rs:7:12: replace …` → `a.rs: replace …`.
pub fn without_place(mutant: &str) -> String {
    let Some((file, rest)) = mutant.split_once(".rs:") else { return mutant.to_owned() };
    let words = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':');
    format!("{file}.rs:{words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_left_out() {
        let check = |mutant: &str, expected: &str| assert_eq!(without_place(mutant), expected);
        check("host/a.rs:7:12: replace < with <= in f", "host/a.rs: replace < with <= in f");
        check("host/a.rs: replace < with <= in f", "host/a.rs: replace < with <= in f");
        check("host/a.rs:9:1: replace f -> u8 with 0", "host/a.rs: replace f -> u8 with 0");
        check("one", "one");
    }

    #[test]
    fn the_kept_list_is_understood() {
        Explained::read(&crate::workspace::root().join("xtask/mutants.toml")).unwrap();
    }
}
