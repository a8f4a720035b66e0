//! What every dependency's licence, name and source must be, by `deny.toml`.
//!
//! It reads the part of the file that needs no network, the way cargo-deny does; advisories are left to cargo-deny.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::files::{File, Finding};
use crate::step;
use crate::workspace::cargo;

/// The file that says what is allowed.
const POLICY: &str = "deny.toml";

#[derive(Deserialize)]
struct Policy {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Resolved {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// None for the workspace's own.
    source: Option<String>,
}

/// Refuses dependencies that the policy does not allow, and a lock file that is out of date.
pub fn check(files: &[File]) -> Result<Vec<Finding>> {
    let file = files.iter().find(|file| file.path == POLICY).with_context(|| format!("{POLICY} is missing"))?;
    let policy: Policy = toml::from_str(&file.text).with_context(|| format!("{POLICY} is not understood"))?;
    let printed = step::output(cargo().args(["metadata", "--format-version=1", "--locked"]))?;
    let resolved: Resolved =
        serde_json::from_str(&printed).context("what `cargo metadata` printed is not understood")?;
    let messages = resolved.packages.iter().filter_map(|package| refused(package, &policy));
    Ok(messages.map(|message| file.finding(1, message)).collect())
}

/// Why a dependency is refused, if it is.
fn refused(package: &Package, policy: &Policy) -> Option<String> {
    let Package { name, version, license, source } = package;
    let source = source.as_deref()?;
    if let Some(ban) = policy.bans.deny.iter().find(|ban| ban.name == *name) {
        return Some(format!("{name} {version} is banned: {}", ban.reason));
    }
    let registry = source.strip_prefix("registry+");
    if !registry.is_some_and(|registry| policy.sources.allow_registry.contains(registry)) {
        return Some(format!("{name} {version} comes from {source}, which is not an allowed source"));
    }
    let Some(license) = license else {
        return Some(format!("{name} {version} names no licence"));
    };
    (!Expression::new(license).met_by(&policy.licenses.allow))
        .then(|| format!("{name} {version} is licensed as {license}, which is not allowed"))
}

/// An SPDX licence expression, read from left to right. `/` is the older spelling of `OR`.
struct Expression {
    /// Words and parentheses, the next one last.
    rest: Vec<String>,
}

impl Expression {
    fn new(text: &str) -> Self {
        let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        Self { rest: spaced.split_whitespace().rev().map(str::to_owned).collect() }
    }

    /// Whether the licences in `allowed` suffice. `AND` binds closer than `OR`; what is not an expression is not met.
    fn met_by(mut self, allowed: &BTreeSet<String>) -> bool {
        self.any(allowed) && self.rest.is_empty()
    }

    fn any(&mut self, allowed: &BTreeSet<String>) -> bool {
        let mut met = self.all(allowed);
        while self.take("OR") {
            met |= self.all(allowed);
        }
        met
    }

    fn all(&mut self, allowed: &BTreeSet<String>) -> bool {
        let mut met = self.one(allowed);
        while self.take("AND") {
            met &= self.one(allowed);
        }
        met
    }

    fn one(&mut self, allowed: &BTreeSet<String>) -> bool {
        if self.take("(") {
            let met = self.any(allowed);
            return self.take(")") && met;
        }
        let Some(mut licence) = self.rest.pop() else { return false };
        if self.take("WITH") {
            licence = format!("{licence} WITH {}", self.rest.pop().unwrap_or_default());
        }
        allowed.contains(&licence)
    }

    fn take(&mut self, word: &str) -> bool {
        self.rest.pop_if(|next| next == word).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_spdx_means_them() {
        let allowed = ["MIT", "Apache-2.0", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned).into();
        let check = |text: &str, expected: bool| {
            assert_eq!(Expression::new(text).met_by(&allowed), expected, "{text}");
        };
        check("MIT", true);
        check("GPL-3.0-only", false);
        check("GPL-3.0-only OR MIT", true);
        check("MIT/Unlicense", true);
        check("MIT AND GPL-3.0-only", false);
        check("(MIT OR GPL-2.0) AND Unicode-3.0", true);
        check("MIT OR GPL-2.0 AND BSD-3-Clause", true);
        check("(MIT OR GPL-2.0) AND BSD-3-Clause", false);
        check("Apache-2.0 WITH LLVM-exception", true);
        check("MIT WITH LLVM-exception", false);
        check("", false);
        check("(MIT", false);
        check("MIT Apache-2.0", false);
    }

    #[test]
    fn what_the_policy_does_not_allow_is_refused() {
        let policy: Policy = toml::from_str(
            "[licenses]\nallow = [\"MIT\"]\n[bans]\ndeny = [{ crate = \"openssl-sys\", reason = \"TLS is rustls\" }]\n\
             [sources]\nallow-registry = [\"https://ours\"]\n",
        )
        .unwrap();
        let check = |name: &str, license: Option<&str>, source: Option<&str>, expected: Option<&str>| {
            let package = Package {
                name: name.to_owned(),
                version: "1.0.0".to_owned(),
                license: license.map(str::to_owned),
                source: source.map(str::to_owned),
            };
            assert_eq!(refused(&package, &policy).as_deref(), expected);
        };
        let ours = Some("registry+https://ours");
        check("redb", Some("MIT"), ours, None);
        check("tidegate", Some("Apache-2.0"), None, None);
        check("redb", None, ours, Some("redb 1.0.0 names no licence"));
        check("redb", Some("ISC"), ours, Some("redb 1.0.0 is licensed as ISC, which is not allowed"));
        check("openssl-sys", Some("MIT"), ours, Some("openssl-sys 1.0.0 is banned: TLS is rustls"));
        check(
            "redb",
            Some("MIT"),
            Some("git+https://elsewhere"),
            Some("redb 1.0.0 comes from git+https://elsewhere, which is not an allowed source"),
        );
    }
}
