//! The mutants that no test can notice, with the reasons: `xtask/mutants.toml`.

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
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// As cargo-mutants calls it, without line and column: they change with every edit above.
    mutant: String,
    /// Why no test can tell it from the code as it is.
    why: String,
}

impl Explained {
    /// Reads the list. Fails where an entry has no reason, or says a line number.
    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
        let explained: Self = toml::from_str(&text).with_context(|| format!("{} is not understood", path.display()))?;
        for Entry { mutant, why } in &explained.missed {
            ensure!(!why.trim().is_empty(), "{mutant} has no reason");
            ensure!(
                without_place(mutant) == *mutant,
                "{mutant} names a line, which changes; leave line and column out"
            );
        }
        Ok(explained)
    }

    /// Whether a mutant is explained.
    pub fn has(&self, mutant: &str) -> bool {
        self.all().any(|explained| explained == mutant)
    }

    /// All that are explained.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.missed.iter().map(|entry| entry.mutant.as_str())
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
