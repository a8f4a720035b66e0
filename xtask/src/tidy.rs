//! `cargo xtask tidy`: what a compiler does not see, checked by reading the files.
//!
//! One rule a file below `tidy/`, each a function from the project's files to its findings, each with tests that
//! show it refuse a bad example. A rule states a decision of ARCHITECTURE.md or CONTRIBUTING.md; to change the
//! decision is to change the rule's table, in the same commit.

mod absences;
mod arrows;
mod circles;
mod dependencies;
mod field_names;
mod files;
mod licences;
mod size;
mod wording;
mod writes;

use anyhow::{Result, bail};

use crate::{step, workspace};
use files::{File, Finding};

/// Runs the command.
pub fn run() -> Result<()> {
    step::timed("Tidying", || {
        let files = files::load(workspace::root())?;
        let mut findings: Vec<Finding> =
            [size::check, arrows::check, circles::check, absences::check, wording::check, writes::check]
                .iter()
                .flat_map(|rule: &fn(&[File]) -> Vec<Finding>| rule(&files))
                .collect();
        findings.extend(field_names::check(&files)?);
        findings.extend(dependencies::check(&files)?);
        findings.extend(licences::check(&files)?);
        findings.sort();
        for finding in &findings {
            eprintln!("{finding}");
        }
        if !findings.is_empty() {
            bail!("{} findings; each line above says what to change", findings.len());
        }
        Ok(())
    })
}
