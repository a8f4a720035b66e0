//! `cargo xtask test`: everything that is tested, the end-to-end tests with the real binary and a real browser.
//!
//! Documents are read back with poppler's programs. The end-to-end tests build nothing themselves. They are told where
//! things are by these variables, which their harness reads:
//!
//! - `TIDEGATE_BIN`: the host's binary, built with the tests' profile;
//! - `TIDEGATE_PACKS`: the folder of packs, one folder each, as `cargo xtask build` assembles them; beside it, `test-packs`
//!   has those of the tests' own plugins;
//! - `CHROMIUM`: the browser that `tests/browser` drives, with the packages of `tests/browser/node_modules`;
//! - `OCI_REGISTRY`: the registry that packs are pushed to and pulled from, Debian's `docker-registry`;
//! - `CJK_FONTS`: a folder of fonts for names that the fonts in the program do not have;
//! - `PDFUA_PYTHON`: a Python with a checker of PDF/UA, where one could be installed;
//! - `SCHEMATHESIS`: a program that holds the API against its document, where it could be installed.

use std::env;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::Result;
use clap::Args;

use crate::workspace::{Workspace, cargo};
use crate::{build, step};

/// The variable that says how many tests run at once.
const THREADS: &str = "RUST_TEST_THREADS";

/// The names under which distributions and vendors ship Chromium, the first found is used.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// Where Debian's packages put fonts for Chinese, Japanese and Korean, the first found is used.
const CJK_FONTS: [&str; 2] = ["/usr/share/fonts/opentype/noto", "/usr/share/fonts/truetype/wqy"];

/// Validates PDF/UA-1 and needs nothing beside itself.
const PDF_CHECKER: &str = "page-validation==0.11.0";

/// Asks every operation of an OpenAPI document what the document allows, and what it does not.
const API_CHECKER: &str = "schemathesis==4.32.5";

/// Run every test: units, end to end, crashes, browser.
///
/// Builds the plugins, the packs and the host first, and fetches what the browser tests need. Ends with cargo's own
/// summary of each test program.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask test
  cargo xtask test household           only tests whose name contains `household`
  cargo xtask test -- --test-threads 1")]
pub struct Arguments {
    /// Passed on to the test programs: a part of the tests' names, or their options after `--`
    #[arg(trailing_var_arg = true, value_name = "TEST")]
    tests: Vec<String>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::load()?;
    let chromium = chromium()?;
    browser_packages(&workspace.root.join("tests/browser"))?;
    if step::program("pdftotext").is_none() {
        step::apt_install(&["poppler-utils"])?;
    }
    let fonts = cjk_fonts()?;
    let registry = registry()?;
    let pdf_checker = python_with("a checker of PDF/UA", PDF_CHECKER, &workspace.target.join("pdfua"));
    let api_checker = python_with("a checker of the API", API_CHECKER, &workspace.target.join("schemathesis"));
    build::plugins(&workspace)?;
    build::test_plugins(&workspace)?;
    // What an earlier run left there would stand in for what a new clone has to make.
    let left = workspace.target.join("tests-data");
    if left.exists() {
        fs::remove_dir_all(left)?;
    }
    // One selection of targets for both commands: cargo then compiles nothing twice.
    let everything = ["--workspace", "--bins", "--tests"];
    step::run("Building the host and its tests", cargo().arg("build").args(everything))?;
    eprintln!("── Testing");
    step::quietly(
        cargo()
            .args(["test", "--workspace", "--no-fail-fast", "--"])
            .args(&arguments.tests)
            .env(THREADS, env::var(THREADS).unwrap_or_else(|_| threads().to_string()))
            .env("TIDEGATE_BIN", workspace.binary("tidegate", false))
            .env("TIDEGATE_PACKS", workspace.packs())
            .env("CHROMIUM", chromium)
            .env("CJK_FONTS", fonts)
            .env("OCI_REGISTRY", registry)
            .envs(pdf_checker.map(|folder| ("PDFUA_PYTHON", folder.join("bin/python3"))))
            .envs(api_checker.map(|folder| ("SCHEMATHESIS", folder.join("bin/schemathesis")))),
    )
}

/// The tests that run at once: many of them wait for a clock, a site or a browser most of the time.
fn threads() -> usize {
    2 * std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// A Python environment in `folder` that has `package`, installed there on first use. What it checks is tested without
/// it, too: where it cannot be had, that is said and the tests go on.
fn python_with(what: &str, package: &str, folder: &Path) -> Option<PathBuf> {
    let installed = folder.join("installed");
    if fs::read_to_string(&installed).is_ok_and(|version| version == package) {
        return Some(folder.to_owned());
    }
    let python = folder.join("bin/python3");
    let install = || {
        let venv = || step::output(Command::new("python3").args(["-m", "venv"]).arg(folder));
        if venv().is_err() {
            step::apt_install(&["python3-venv"])?;
            venv()?;
        }
        step::quietly(Command::new(&python).args(["-m", "pip", "--quiet", "install", package]))?;
        Ok(fs::write(&installed, package)?)
    };
    match step::timed(&format!("Installing {what}"), install) {
        Ok(()) => Some(folder.to_owned()),
        Err(error) => {
            eprintln!("   no {what}: its tests pass without looking ({error:#})");
            None
        }
    }
}

/// The browser: what `CHROMIUM` names, else one that is installed, else Debian's, which is installed first.
fn chromium() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CHROMIUM") {
        return Ok(named.into());
    }
    if let Some(found) = BROWSERS.iter().find_map(|name| step::program(name)) {
        return Ok(found);
    }
    step::apt_install(&["chromium", "fonts-dejavu-core", "fonts-noto-core"])?;
    Ok("/usr/bin/chromium".into())
}

/// A folder of fonts for Chinese, Japanese and Korean names: what `CJK_FONTS` names, else one that is installed, else
/// Debian's, which is installed first.
fn cjk_fonts() -> Result<PathBuf> {
    if let Some(named) = env::var_os("CJK_FONTS") {
        return Ok(named.into());
    }
    if let Some(found) = CJK_FONTS.iter().map(Path::new).find(|folder| folder.is_dir()) {
        return Ok(found.to_owned());
    }
    step::apt_install(&["fonts-wqy-zenhei"])?;
    Ok("/usr/share/fonts/truetype/wqy".into())
}

/// The registry for packs: what `OCI_REGISTRY` names, else one that is installed, else Debian's, which is installed first.
fn registry() -> Result<PathBuf> {
    if let Some(named) = env::var_os("OCI_REGISTRY") {
        return Ok(named.into());
    }
    if let Some(found) = step::program("docker-registry") {
        return Ok(found);
    }
    step::apt_install(&["docker-registry"])?;
    Ok("/usr/bin/docker-registry".into())
}

/// Installs the packages of the browser tests where their lockfile is newer than what is installed.
fn browser_packages(folder: &Path) -> Result<()> {
    let changed = |file: &str| fs::metadata(folder.join(file)).and_then(|data| data.modified()).ok();
    if !needs_install(changed("package-lock.json"), changed("node_modules/.package-lock.json")) {
        return Ok(());
    }
    if step::program("npm").is_none() {
        step::apt_install(&["nodejs", "npm"])?;
    }
    step::run(
        "Installing the browser tests' packages",
        Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder),
    )
}

/// Whether what is installed is missing or older than the lockfile.
fn needs_install(locked: Option<SystemTime>, installed: Option<SystemTime>) -> bool {
    installed.is_none() || installed < locked
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn packages_are_installed_once_for_each_lockfile() {
        let early = SystemTime::UNIX_EPOCH;
        let late = early + Duration::from_secs(1);
        assert!(needs_install(Some(early), None));
        assert!(needs_install(Some(late), Some(early)));
        assert!(!needs_install(Some(early), Some(late)));
    }
}
