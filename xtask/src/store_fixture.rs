//! `cargo xtask store-fixture`: the files of a store of one format, kept for the tests of every later version.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::workspace::{Workspace, cargo};
use crate::{build, step};

/// Make the fixture of a store's format, before the format is raised.
///
/// Runs a real host at a stand-in site through everything that leaves something in the store, and keeps the host's files
/// with what they hold in tests/fixtures/stores/format-N. The end-to-end test `upgrade` opens each of them with the host
/// of today; those of the second and third format have no packs, so that nothing is walked with them. A fixture stays for ever.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask store-fixture 2
  cargo xtask store-fixture 1 --binary /tmp/released/tidegate --packs /tmp/released/packs")]
pub struct Arguments {
    /// The format's number, as the store writes it (`FORMAT` in host/src/store)
    format: u32,
    /// The host of a version that writes this format; this checkout's if left out
    #[arg(long, value_name = "FILE", requires = "packs")]
    binary: Option<PathBuf>,
    /// The packs of that version
    #[arg(long, value_name = "FOLDER", requires = "binary")]
    packs: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::load()?;
    let (binary, packs) = match (&arguments.binary, &arguments.packs) {
        (Some(binary), Some(packs)) => (std::path::absolute(binary)?, std::path::absolute(packs)?),
        _ => {
            build::plugins(&workspace)?;
            (workspace.binary("tidegate", false), workspace.packs())
        }
    };
    // The selection of `cargo xtask test`: cargo then compiles nothing twice.
    step::run("Building the host and its tests", cargo().args(["build", "--workspace", "--bins", "--tests"]))?;
    let folder = workspace.root.join("tests/fixtures/stores").join(format!("format-{}", arguments.format));
    step::run(
        "Making the fixture",
        Command::new(workspace.binary("store-fixture", false))
            .arg(folder)
            .env("TIDEGATE_BIN", binary)
            .env("TIDEGATE_PACKS", packs),
    )
}
