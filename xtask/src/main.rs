//! The project's own commands, run as `cargo xtask COMMAND`: one file a command.
//!
//! They serve newcomers (`demo`, `test`), developers (`check`, `tidy`, `build`, `bench`) and `.ci/run`. Every step
//! names what it does and how long it took; a step that fails names the command that failed. Nothing here is part
//! of the product: what an operator needs is in the binary `tidegate`.

mod bench;
mod build;
mod component;
mod demo;
mod packs;
mod step;
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
    Build(build::Arguments),
    Bench(bench::Arguments),
    Tidy(tidy::Arguments),
}

fn main() -> ExitCode {
    let done = match Xtask::parse().command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Build(arguments) => build::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Tidy(arguments) => tidy::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
