//! Finds, or sets up, what compiles plugins: a standard library for `wasm32-unknown-unknown`.
//!
//! What is already on the machine is used before anything is installed. Otherwise the target is added with rustup, or,
//! where rustup cannot reach its server, Debian's packages are installed.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};
use tidegate_componentise::{DEBIAN_PACKAGES, TARGET, Toolchain, missing, own_linker};

use crate::step;

/// The tool chain of this machine, set up first where it is missing.
pub fn find() -> Result<Toolchain> {
    if let Some(present) = Toolchain::present() {
        return Ok(present);
    }
    if step::run("Adding the target with rustup", Command::new("rustup").args(["target", "add", TARGET])).is_ok()
        && let Some(present) = Toolchain::present()
    {
        return Ok(present);
    }
    if Path::new("/usr/bin/apt-get").exists() {
        let linker: &[&str] = if own_linker().is_some() { &[] } else { &["rust-web-llvm"] };
        step::apt_install(&[&DEBIAN_PACKAGES, linker].concat())?;
        if let Some(present) = Toolchain::present() {
            return Ok(present);
        }
    }
    bail!(missing())
}
