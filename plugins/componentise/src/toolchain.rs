//! What compiles plugins: a standard library for `wasm32-unknown-unknown`.
//!
//! The compiler's own target is used, else Debian's compiler with the standard library's sources. Neither changes the
//! toolchain that compiles the host.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What plugins are compiled for. No WASI: a plugin's only imports are those of its world.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler, cargo and the standard library's sources, new enough for plugins.
pub const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// What compiles plugins.
#[derive(Debug)]
pub enum Toolchain {
    /// The compiler on the path, which has the target's standard library.
    Own,
    /// Debian's compiler, which builds the standard library from its sources.
    Debian,
}

/// The commands that install what is missing, for a person: the whole toolchain, or the target alone.
pub fn missing() -> String {
    let debian = DEBIAN_PACKAGES.join(" ");
    if program("cargo").is_none() {
        return format!(
            "plugins in Rust cannot be compiled here: there is no `cargo` on the PATH. Install Rust as https://rustup.rs says, \
             then `rustup target add {TARGET}`; or on Debian `apt-get install {debian}`. Run this again afterwards"
        );
    }
    format!(
        "plugins cannot be compiled here: the standard library of {TARGET} is missing. Install it with \
         `rustup target add {TARGET}`, or on Debian with `apt-get install {debian}`, and run this again"
    )
}

impl Toolchain {
    /// The toolchain of this machine; none where nothing on it compiles plugins.
    pub fn present() -> Option<Self> {
        if own_has_target() {
            return Some(Self::Own);
        }
        debian_has_sources().then_some(Self::Debian)
    }

    /// What a progress line says of it.
    pub fn described(&self) -> &'static str {
        match self {
            Self::Own => "with this compiler",
            Self::Debian => "with Debian's compiler; the first time takes some minutes, the standard library included",
        }
    }

    /// `cargo build` of the workspace in `root` for the plugins' target, which leaves its output below `target`. `cargo` is
    /// the cargo of the compiler on the path.
    ///
    /// The host's compiler flags are left out, and paths of this machine are cut from what is built: the same
    /// compiler makes the same bytes wherever it runs.
    pub fn cargo_build(&self, cargo: Command, root: &Path, target: &Path) -> Command {
        let mut command = match self {
            Self::Own => cargo,
            Self::Debian => debian_cargo(),
        };
        command.current_dir(root);
        command.args(["build", "--profile=plugin", "--target", TARGET, "--target-dir"]).arg(target);
        if matches!(self, Self::Debian) {
            command.arg("-Zbuild-std=std,panic_abort");
        }
        // In the form in which a flag may hold blanks, as folders' names do.
        command.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags(root));
        command
    }
}

/// Debian's cargo with Debian's compiler, linking with the linker that came with the host's toolchain if it has one.
fn debian_cargo() -> Command {
    let mut command = Command::new("/usr/bin/cargo");
    command
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

/// Whether the compiler on the path has the target's standard library.
fn own_has_target() -> bool {
    program("cargo").is_some()
        && rustc(&["--print=target-libdir", "--target", TARGET]).is_some_and(|folder| Path::new(&folder).is_dir())
}

/// Whether Debian's compiler and the standard library's sources are installed.
fn debian_has_sources() -> bool {
    ["/usr/bin/cargo", "/usr/bin/rustc", "/usr/lib/rustlib/src/rust/library/std/Cargo.toml"]
        .iter()
        .all(|path| Path::new(path).exists())
}

/// The `rust-lld` of the compiler on the path; Debian's own is found by its compiler.
pub fn own_linker() -> Option<PathBuf> {
    let host = rustc(&["--print=host-tuple"])?;
    let linker = Path::new(&rustc(&["--print=sysroot"])?).join("lib/rustlib").join(host).join("bin/rust-lld");
    linker.exists().then_some(linker)
}

/// Between flags, where they are told in one text.
const BETWEEN: &str = "\u{1f}";

/// The compiler's flags: this machine's folders are replaced by names that mean the same everywhere. Inlining more freely
/// than by default (`-Cllvm-args=-inline-threshold=1000`) takes a twenty-fifth off the mapping and makes the component by
/// two thirds larger, and its compilation as much longer.
fn flags(root: &Path) -> OsString {
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".cargo"));
    let mut flags = OsString::from("--remap-path-prefix=");
    flags.push(root);
    flags.push("=tidegate");
    if let Some(registry) = cargo_home.or(home) {
        flags.push(BETWEEN);
        flags.push("--remap-path-prefix=");
        flags.push(registry);
        flags.push("=cargo");
    }
    flags
}

/// The answer of the compiler on the path; none where there is no such compiler or it refuses.
fn rustc(arguments: &[&str]) -> Option<String> {
    let output = Command::new("rustc").args(arguments).output().ok()?;
    let printed = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| printed.trim().to_owned())
}

/// The place where `PATH` finds the program `name`, if it does.
pub fn program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_s_name_may_hold_blanks() {
        let flags = flags(Path::new("/home/ada/my packs/acme za"));
        let flags = flags.to_str().unwrap();
        let first = flags.split(BETWEEN).next().unwrap();
        assert_eq!(first, "--remap-path-prefix=/home/ada/my packs/acme za=tidegate");
    }

    #[test]
    fn what_is_missing_is_said_with_the_command_that_installs_it() {
        let said = missing();
        assert!(said.contains("rustup target add wasm32-unknown-unknown"), "{said}");
        assert!(said.contains("apt-get install rustc-web"), "{said}");
    }
}
