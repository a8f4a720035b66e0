//! `cargo xtask check`: what is to hold of every commit, from the quickest to the slowest.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::workspace::{Workspace, cargo};
use crate::{step, tidy};

/// The spelling checker's version; it is fetched ready-made, as a Python package.
const TYPOS: &str = "1.52.0";

/// Check format, spelling, lints, documentation and unit tests
///
/// Every check runs, whatever the ones before it found; at the end the failed ones are named.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask check
  cargo xtask check --without-tests     where `cargo xtask test` follows, which runs them all")]
pub struct Arguments {
    /// Leave the unit tests out
    #[arg(long)]
    without_tests: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::load()?;
    // All of the workspace, always: cargo then chooses the same features each time and compiles nothing twice.
    let mut checks = vec![
        tidy::run(),
        step::run("Checking the format", cargo().args(["fmt", "--all", "--check"])),
        spelling(&workspace),
        step::run("Linting", cargo().args(["clippy", "--workspace", "--all-targets", "--", "--deny=warnings"])),
        // The modules' headers are the map of the project, so their links lead to private items too.
        step::run(
            "Checking the documentation",
            cargo()
                .args(["doc", "--workspace", "--no-deps", "--document-private-items"])
                .env("RUSTDOCFLAGS", "--deny=warnings --allow=rustdoc::private_intra_doc_links"),
        ),
    ];
    if !arguments.without_tests {
        checks.push(step::run("Running the unit tests", cargo().args(["test", "--workspace", "--lib", "--bins"])));
    }
    let failed: Vec<String> =
        checks.into_iter().filter_map(Result::err).map(|error| format!("\n  {error:#}")).collect();
    if !failed.is_empty() {
        bail!("{} checks failed:{}", failed.len(), failed.concat());
    }
    Ok(())
}

/// Spelling in code and documents; `_typos.toml` names the words that only look wrong.
fn spelling(workspace: &Workspace) -> Result<()> {
    let typos = match step::program("typos") {
        Some(installed) => installed,
        None => fetched_typos(&workspace.target.join("tools").join(format!("typos-{TYPOS}")))?,
    };
    step::run("Checking the spelling", Command::new(typos).current_dir(&workspace.root))
}

/// The checker in `folder`, fetched there the first time.
fn fetched_typos(folder: &Path) -> Result<PathBuf> {
    let typos = folder.join("bin/typos");
    if !typos.exists() {
        let venv = || step::output(Command::new("python3").args(["-m", "venv"]).arg(folder));
        if venv().is_err() {
            step::apt_install(&["python3-venv"])?;
            venv()?;
        }
        step::run(
            "Fetching the spelling checker",
            Command::new(folder.join("bin/pip")).args(["install", "--quiet", &format!("typos=={TYPOS}")]),
        )?;
    }
    Ok(typos)
}
