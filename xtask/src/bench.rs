//! `cargo xtask bench`: the figures of this machine, optimised code only.

use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::workspace::{Workspace, cargo};
use crate::{build, step};

/// Measure the host beside a hand-written loop on the same book.
///
/// The bench is told where the host's binary and the packs are by `TIDEGATE_BIN` and `TIDEGATE_PACKS`.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask bench
  cargo xtask bench -- --help          what the bench itself can be told")]
pub struct Arguments {
    /// Passed on to the bench
    #[arg(last = true, value_name = "ARGUMENT")]
    bench: Vec<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::load()?;
    build::plugins(&workspace)?;
    step::run(
        "Building the host and the bench, optimised",
        cargo().args(["build", "--release", "--package=tidegate", "--package=tidegate-bench"]),
    )?;
    step::become_program(
        Command::new(workspace.binary("tidegate-bench", true))
            .args(&arguments.bench)
            .env("TIDEGATE_BIN", workspace.binary("tidegate", true))
            .env("TIDEGATE_PACKS", workspace.packs()),
    )
}
