//! `tidegate compile-plugin`: what the host runs itself as, so that compiling has a process of its own.

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use crate::pack::compile_component;

/// Reads a component from standard input, writes its code to standard output. What is wrong goes to standard error,
/// without a prefix: the host puts it into a sentence of its own.
pub(super) fn run() -> ExitCode {
    let compile = || -> anyhow::Result<()> {
        let mut component = Vec::new();
        std::io::stdin().lock().read_to_end(&mut component)?;
        Ok(std::io::stdout().lock().write_all(&compile_component(&component)?)?)
    };
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
