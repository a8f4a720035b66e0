//! `cargo xtask fuzz`: mangled packs for as long as it is told.

use anyhow::Result;
use clap::Args;

use crate::step;
use crate::workspace::cargo;

/// Feed mangled components, manifests, rules, packs and archives to what reads them.
///
/// The tests try a few hundred of each; here each kind is tried for so many seconds, from a place of its own on. A case that
/// fails is told by its number.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask fuzz
  cargo xtask fuzz --seconds 600")]
pub struct Arguments {
    /// The seconds that each kind is tried for
    #[arg(long, default_value_t = 60)]
    seconds: u64,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    eprintln!("── Feeding mangled packs to what reads them");
    step::quietly(
        cargo()
            .args(["test", "--package=tidegate", "--lib", "--", "pack::tests::mangled", "--nocapture"])
            .env("TIDEGATE_FUZZ_SECONDS", arguments.seconds.to_string()),
    )
}
