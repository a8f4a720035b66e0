//! Finds, or sets up, what compiles plugins: a standard library for `wasm32-unknown-unknown`.
//!
//! What is already on the machine is used before anything is installed: the compiler's own target, then Debian's
//! compiler with the standard library's sources. Otherwise the target is added with rustup, or, where rustup cannot
//! reach its server, Debian's packages are installed. It never changes the toolchain that compiles the host.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::{step, workspace};

/// What plugins are compiled for. No WASI: a plugin's only imports are those of its world.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler, cargo and the standard library's sources, new enough for this workspace.
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// What compiles plugins.
#[derive(Debug)]
pub enum Toolchain {
    /// The compiler of the host, which has the target's standard library.
    Own,
    /// Debian's compiler, which builds the standard library from its sources.
    Debian,
}

impl Toolchain {
    /// The tool chain of this machine, set up first where it is missing.
    pub fn find() -> Result<Self> {
        if own_has_target() {
            return Ok(Self::Own);
        }
        if debian_has_sources() {
            return Ok(Self::Debian);
        }
        if step::run("Adding the target with rustup", Command::new("rustup").args(["target", "add", TARGET])).is_ok()
            && own_has_target()
        {
            return Ok(Self::Own);
        }
        if Path::new("/usr/bin/apt-get").exists() {
            let linker: &[&str] = if own_linker().is_some() { &[] } else { &["rust-web-llvm"] };
            step::apt_install(&[&DEBIAN_PACKAGES, linker].concat())?;
            if debian_has_sources() {
                return Ok(Self::Debian);
            }
        }
        bail!(
            "plugins cannot be compiled here: the standard library of {TARGET} is missing. Install it with \
             `rustup target add {TARGET}`, or on Debian with `apt-get install {}`, and run this again",
            DEBIAN_PACKAGES.join(" ")
        )
    }

    /// What a progress line says of it.
    pub fn described(&self) -> &'static str {
        match self {
            Self::Own => "with this compiler",
            Self::Debian => "with Debian's compiler; the first time takes some minutes, the standard library included",
        }
    }

    /// `cargo build` for the plugins' target, set up to leave its output below `target`.
    ///
    /// The host's compiler flags are left out, and paths of this machine are cut from what is built: the same
    /// compiler makes the same bytes wherever it runs.
    pub fn cargo_build(&self, target: &Path) -> Command {
        let mut command = match self {
            Self::Own => workspace::cargo(),
            Self::Debian => debian_cargo(),
        };
        command.args(["build", "--locked", "--profile=plugin", "--target", TARGET, "--target-dir"]).arg(target);
        if matches!(self, Self::Debian) {
            command.arg("-Zbuild-std=std,panic_abort");
        }
        command
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags());
        command
    }
}

/// Debian's cargo with Debian's compiler, linking with the linker that came with the host's toolchain if it has one.
fn debian_cargo() -> Command {
    let mut command = Command::new("/usr/bin/cargo");
    command
        .current_dir(workspace::root())
        .env("RUSTC", "/usr/bin/rustc")
        // Building the standard library is an unstable flag of cargo, which a released cargo takes only with this.
        .env("RUSTC_BOOTSTRAP", "1")
        // These name the libraries and toolchain of the cargo that runs this program.
        .env_remove("LD_LIBRARY_PATH")
        .env_remove("RUSTUP_TOOLCHAIN");
    if let Some(linker) = own_linker() {
        command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    }
    command
}

/// Whether the host's compiler has the target's standard library.
fn own_has_target() -> bool {
    rustc(&["--print=target-libdir", "--target", TARGET]).is_some_and(|folder| Path::new(&folder).is_dir())
}

/// Whether Debian's compiler and the standard library's sources are installed.
fn debian_has_sources() -> bool {
    ["/usr/bin/cargo", "/usr/bin/rustc", "/usr/lib/rustlib/src/rust/library/std/Cargo.toml"]
        .iter()
        .all(|path| Path::new(path).exists())
}

/// The `rust-lld` of the host's compiler; Debian's own is found by its compiler.
fn own_linker() -> Option<PathBuf> {
    let host = rustc(&["--print=host-tuple"])?;
    let linker = Path::new(&rustc(&["--print=sysroot"])?).join("lib/rustlib").join(host).join("bin/rust-lld");
    linker.exists().then_some(linker)
}

/// The compiler's flags: this machine's folders are replaced by names that mean the same everywhere. Inlining more freely
/// than by default (`-Cllvm-args=-inline-threshold=1000`) takes a twenty-fifth off the mapping and makes the component by
/// two thirds larger, and its compilation as much longer.
fn flags() -> String {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    let root = workspace::root();
    let mut flags = format!("--remap-path-prefix={}=tidegate", root.display());
    if let Some(registry) = cargo_home.or(home) {
        flags.push_str(&format!(" --remap-path-prefix={}=cargo", registry.display()));
    }
    flags
}

/// What the host's compiler answers; none where there is no such compiler or it refuses.
fn rustc(arguments: &[&str]) -> Option<String> {
    step::output(Command::new("rustc").args(arguments)).ok().map(|printed| printed.trim().to_owned())
}
