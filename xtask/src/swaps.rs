//! `cargo xtask swaps`: revisions of a pack exchanged again and again under load, by an optimised host.

use anyhow::Result;
use clap::Args;

use crate::workspace::{Workspace, cargo};
use crate::{build, step};

/// Exchange revisions under load: a large book, a sync that goes on, reads, and notes that are written.
///
/// The long form of an end-to-end test. It fails where a request or a run fails, where a read waits more than 10 ms longer
/// than without exchanges, or where the store is not what the last revision makes of the book; and prints the figures.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask swaps
  cargo xtask swaps --clients 20000 --swaps 50")]
pub struct Arguments {
    /// Clients at the stand-in site
    #[arg(long, default_value_t = 100_000)]
    clients: u32,
    /// Exchanges, back and forth
    #[arg(long, default_value_t = 100)]
    swaps: u32,
    /// Reads a second
    #[arg(long, default_value_t = 200)]
    reads: u32,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::load()?;
    build::plugins(&workspace)?;
    build::host(true)?;
    // The selection of `cargo xtask test`: cargo then compiles nothing twice.
    let everything = ["--workspace", "--bins", "--tests"];
    step::run("Building the tests", cargo().arg("build").args(everything))?;
    eprintln!("── Exchanging revisions");
    step::quietly(
        cargo()
            .args(["test", "--workspace", "--test", "e2e", "--", "--nocapture", "swaps_under_load"])
            .env("TIDEGATE_BIN", workspace.binary("tidegate", true))
            .env("TIDEGATE_PACKS", workspace.packs())
            .env("TIDEGATE_BOOK", arguments.clients.to_string())
            .env("TIDEGATE_SWAPS", arguments.swaps.to_string())
            .env("TIDEGATE_READS", arguments.reads.to_string()),
    )
}
