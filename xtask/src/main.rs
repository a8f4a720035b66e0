//! The project's own commands, run as `cargo xtask COMMAND`: one file a command.
//!
//! They serve newcomers (`demo`, `test`), developers (`check`, `tidy`, `build`, `bench`, `mutants`, `fuzz`, `store-fixture`) and
//! `.ci/run`. Every step names what it does and how long it took; a step that fails names the command that failed. Nothing
//! here is part of the product: what an operator needs is in the binary `tidegate`.

mod bench;
mod build;
mod check;
mod demo;
mod fuzz;
mod mutants;
mod packs;
mod step;
mod store_fixture;
mod swaps;
mod test;
mod tidy;
mod toolchain;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The developers' and newcomers' commands of Tidegate.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Xtask {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Test(test::Arguments),
    Check(check::Arguments),
    /// Check sizes, directions between modules, names that must not appear, and dependencies
    ///
    /// The first of the checks of `cargo xtask check`: it only reads files.
    #[command(after_help = "Examples:\n  cargo xtask tidy")]
    Tidy,
    Build(build::Arguments),
    Bench(bench::Arguments),
    StoreFixture(store_fixture::Arguments),
    Mutants(mutants::Arguments),
    Fuzz(fuzz::Arguments),
    Swaps(swaps::Arguments),
}

fn main() -> ExitCode {
    let done = match Xtask::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::Mutants(arguments) => mutants::run(&arguments),
        Command::Swaps(arguments) => swaps::run(&arguments),
        Command::StoreFixture(arguments) => store_fixture::run(&arguments),
        Command::Tidy => tidy::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
