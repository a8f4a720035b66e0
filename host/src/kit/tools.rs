//! Programs of others that building a plugin takes. Where one is missing, it is said which command installs it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use tidegate_componentise::program;

/// A program that is not on this machine, and the command that installs it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Missing(pub(super) String);

/// The oldest Node.js that the engine for JavaScript runs with.
const OLDEST_NODE: u32 = 18;

/// Looks for what builds plugins in TypeScript.
pub(super) fn node() -> Result<()> {
    let install = format!(
        "Install Node.js {OLDEST_NODE} or newer with npm: on Debian `apt-get install nodejs npm`, with Homebrew `brew install \
         node`, else from https://nodejs.org. Run this again afterwards"
    );
    for name in ["node", "npm"] {
        if program(name).is_none() {
            return Err(Missing(format!(
                "plugins in TypeScript cannot be built here: there is no `{name}` on the PATH. {install}"
            ))
            .into());
        }
    }
    let output = Command::new("node").arg("--version").output().context("`node --version` cannot be run")?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        return Err(Missing(format!(
            "this is Node.js `{version}`, which is too old to build plugins in TypeScript. {install}"
        ))
        .into());
    }
    Ok(())
}

/// Runs a program in a folder, with what it says shown on standard error.
pub(super) fn run(command: &mut Command, folder: &Path) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    // Standard output is the command's own, which others may read as JSON.
    let status = command.current_dir(folder).stdout(std::io::stderr()).status();
    let status = status.with_context(|| format!("`{name}` cannot be started"))?;
    if !status.success() {
        bail!("`{name}` failed ({status}); what it said stands above");
    }
    Ok(())
}
