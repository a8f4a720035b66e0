//! `cargo xtask demo`: from a fresh clone to a running host with a synced book.

use anyhow::Result;
use clap::Args;

use crate::workspace::Workspace;
use crate::{build, step};

/// Build everything and run the demonstration.
///
/// Starts a stand-in CRM with an invented book, and a host that syncs it, both on this machine only; prints the
/// address and the sign-in. Ctrl-C ends it.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask demo
  cargo xtask demo --region za
  cargo xtask demo --release
  cargo xtask demo -- --help           what the demonstration itself can be told")]
pub struct Arguments {
    /// Build the host optimised: slower to build, for large books
    #[arg(long)]
    release: bool,
    /// Where the invented clients live: au, nz, uk or za
    #[arg(long)]
    region: Option<String>,
    /// Passed on to `tidegate demo`
    #[arg(last = true, value_name = "ARGUMENT")]
    demo: Vec<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::load()?;
    build::plugins(&workspace)?;
    build::host(arguments.release)?;
    let mut demo = std::process::Command::new(workspace.binary("tidegate", arguments.release));
    let region = arguments.region.iter().flat_map(|region| ["--region", region]);
    step::become_program(demo.arg("demo").args(region).args(&arguments.demo))
}
