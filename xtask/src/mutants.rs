//! `cargo xtask mutants`: how much of what the rules say the tests would notice if it were otherwise.
//!
//! cargo-mutants changes one place of the code at a time (`<` to `<=`, a function to one that answers nothing) and runs
//! the tests; a change that no test notices is *missed*. The share that is noticed is printed with the list of the missed.
//! Those that no test can notice stand with the reason in `xtask/mutants.toml` and are not counted; those that an
//! end-to-end test notices, which takes too long to be run for each, stand there with the test and count. It takes an hour
//! and more, so that it is no part of `.ci/run`.

mod explained;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::step;
use crate::workspace::{Workspace, cargo};
use explained::Explained;

/// The version of cargo-mutants; another finds other mutants.
const VERSION: &str = "27.1.0";

/// The share of the mutants that the tests have to catch, in percent.
const LEAST: f64 = 95.0;

/// How long the tests of one mutant may take at least, in seconds, where five times what they take without it is less: a
/// loop that does not end is noticed, too.
const TIMEOUT: &str = "20";

/// Change the rules in one place after another, and see whether the tests notice.
///
/// Prints the share of the changes that the tests notice, and each that they miss. Fails below 95 %. What no test can
/// notice is explained in xtask/mutants.toml.
#[derive(Args)]
#[command(after_help = "Examples:
  cargo xtask mutants --part domain
  cargo xtask mutants --part domain --only merge.rs
  cargo xtask mutants --part plugins --sample 10
  git diff main > /tmp/mine.diff && cargo xtask mutants --in-diff /tmp/mine.diff --jobs 2")]
pub struct Arguments {
    /// One part alone; all of them if left out
    #[arg(long)]
    part: Option<Part>,
    /// Only mutants whose name (file, change, function) matches; fields left out of an expression are tried all the same
    #[arg(long, value_name = "REGEX")]
    only: Option<String>,
    /// Only what a diff (`git diff`) has changed
    #[arg(long, value_name = "FILE")]
    in_diff: Option<PathBuf>,
    /// One mutant of each so many, taken evenly: a share in minutes
    #[arg(long, value_name = "N")]
    sample: Option<u32>,
    /// How many mutants are built and tested side by side
    #[arg(long, default_value_t = 1)]
    jobs: usize,
}

/// What is mutated together, with the tests that have to notice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Part {
    /// The rules of the practice: `host/domain`
    Domain,
    /// Plugins' answers made records of the domain: `host/src/pack/convert`
    Conversion,
    /// Reading the CRM's records: `plugins`
    Plugins,
    /// What people and programs may do: `host/src/ops`
    Operations,
}

impl Part {
    /// The files, as cargo-mutants and the shell write patterns.
    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Domain => &["host/domain/src/**/*.rs"],
            Self::Conversion => &["host/src/pack/convert.rs", "host/src/pack/convert/**/*.rs"],
            Self::Plugins => &["plugins/*/src/**/*.rs"],
            Self::Operations => &["host/src/ops.rs", "host/src/ops/**/*.rs"],
        }
    }

    /// The packages that are changed and tested.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Domain => &["tidegate-domain"],
            Self::Conversion | Self::Operations => &["tidegate"],
            Self::Plugins => &["tidegate-sdk", "files", "xplan", "xplan-anz"],
        }
    }

    /// What is built for the tests: of the host the library alone. Its program is no part of any of them, and would be
    /// linked for each mutant.
    fn targets(self) -> Option<&'static str> {
        match self {
            Self::Domain | Self::Plugins => None,
            Self::Conversion | Self::Operations => Some("--cargo-arg=--lib"),
        }
    }

    /// What the tests are told beside: of the host, only those of the part run, and of what is built upon it.
    fn tests(self) -> &'static [&'static str] {
        match self {
            Self::Domain | Self::Plugins => &[],
            Self::Conversion => &["--", "pack::convert::"],
            Self::Operations => &["--", "ops::", "api::", "web::"],
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::load()?;
    let program = installed(&workspace.target.join("tools").join(format!("cargo-mutants-{VERSION}")))?;
    let explained = Explained::read(&workspace.root.join("xtask/mutants.toml"))?;
    let mut failed = Vec::new();
    for part in arguments.part.map_or(Part::value_variants().to_vec(), |part| vec![part]) {
        let output = workspace.target.join("mutants").join(part.name());
        fs::create_dir_all(&output)?;
        test(part, arguments, &workspace, &program, &output)?;
        let found = Found::read(&output.join("mutants.out"))?;
        let is_whole = arguments.only.is_none() && arguments.in_diff.is_none() && arguments.sample.is_none();
        let share = found.report(part, &explained, is_whole);
        if share < LEAST {
            failed.push(format!("{} {share:.1} %", part.name()));
        }
    }
    if !failed.is_empty() {
        bail!("the tests notice less than {LEAST} %: {}", failed.join(", "));
    }
    Ok(())
}

/// cargo-mutants in `folder`, installed there the first time.
fn installed(folder: &Path) -> Result<PathBuf> {
    let program = folder.join("bin/cargo-mutants");
    if !program.exists() {
        let install = ["install", "cargo-mutants", "--locked", "--version", VERSION, "--root"];
        step::run("Installing cargo-mutants", cargo().args(install).arg(folder))?;
    }
    Ok(program)
}

/// Has a part's mutants tested, in copies of the workspace.
///
/// One after another they are built in one target folder, which is kept: the host's dependencies take minutes and
/// gigabytes. It is not the workspace's own, because a build there would hold tests up until they pass for a loop that
/// does not end. Side by side they would take each other's programs for theirs, so that each copy builds all for itself.
fn test(part: Part, arguments: &Arguments, workspace: &Workspace, program: &Path, output: &Path) -> Result<()> {
    let mut command = Command::new(program);
    command
        .current_dir(&workspace.root)
        .args(["mutants", "--colors=never"])
        .arg(format!("--minimum-test-timeout={TIMEOUT}"));
    command.args(part.targets());
    command.arg("--jobs").arg(arguments.jobs.to_string()).arg("--output").arg(output);
    for package in part.packages() {
        command.args(["--package", package, "--test-package", package]);
    }
    command.args(part.files().iter().flat_map(|pattern| ["--file", pattern]));
    command.args(arguments.only.iter().flat_map(|regex| ["--re", regex]));
    if let Some(diff) = &arguments.in_diff {
        command.arg("--in-diff").arg(std::path::absolute(diff)?);
    }
    if let Some(sample) = arguments.sample {
        command.arg(format!("--shard=0/{sample}")).arg("--sharding=round-robin");
    }
    command.arg("--").args(part.tests());
    // Nobody looks into these programs with a debugger.
    command.env("CARGO_PROFILE_DEV_DEBUG", "none");
    if arguments.jobs == 1 {
        command.env("CARGO_TARGET_DIR", workspace.target.join("mutants/build"));
    }
    let words = format!("Changing {} in one place after another", part.name());
    step::timed(&words, || {
        let status = command.status().context("cargo-mutants could not be started")?;
        match status.code() {
            // All noticed; some missed; some that did not end.
            Some(0 | 2 | 3) => Ok(()),
            _ => bail!("cargo-mutants failed ({status}); {} has its logs", output.display()),
        }
    })
}

/// What became of a part's mutants.
struct Found {
    caught: usize,
    missed: Vec<String>,
}

impl Found {
    /// Reads the lists that cargo-mutants leaves, a mutant a line.
    fn read(folder: &Path) -> Result<Self> {
        let list = |name: &str| -> Result<Vec<String>> {
            // Where there was nothing to change, there are no lists.
            let text = fs::read_to_string(folder.join(name)).unwrap_or_default();
            Ok(text.lines().map(explained::without_place).collect())
        };
        Ok(Self { caught: list("caught.txt")?.len() + list("timeout.txt")?.len(), missed: list("missed.txt")? })
    }

    /// Prints what the tests miss; answers the share that they notice, in percent.
    fn report(&self, part: Part, explained: &Explained, is_whole: bool) -> f64 {
        let (known, others): (Vec<_>, Vec<_>) = self.missed.iter().partition(|mutant| explained.has(mutant));
        let (elsewhere, missed): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|mutant| explained.is_noticed_elsewhere(mutant));
        let noticed = self.caught + elsewhere.len();
        let counted = noticed + missed.len();
        let share = if counted == 0 { 100.0 } else { 100.0 * noticed as f64 / counted as f64 };
        let (name, by_whole) = (part.name(), elsewhere.len());
        println!(
            "{name}: {share:.1} % of {counted} noticed, {by_whole} of them end to end alone; and {} explained",
            known.len()
        );
        missed.iter().for_each(|mutant| println!("  missed: {mutant}"));
        if is_whole {
            let of_part = |mutant: &str| part.files().iter().any(|pattern| mutant.starts_with(folder_of(pattern)));
            let noticed =
                explained.all().filter(|mutant| of_part(mutant) && !self.missed.iter().any(|one| one == mutant));
            noticed.for_each(|mutant| println!("  noticed here, or gone; take it off the list: {mutant}"));
        }
        share
    }
}

/// A pattern's beginning, before its first wildcard.
fn folder_of(pattern: &str) -> &str {
    pattern.split('*').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_leaves_out_what_is_explained() {
        let explained: Explained = toml::from_str(
            "[[missed]]\nmutant = \"host/domain/src/a.rs: replace < with <= in f\"\nwhy = \"Both are right at the bound.\"\n\
             [[elsewhere]]\nmutants = [\"host/domain/src/c.rs: delete ! in h\"]\ntest = \"runs::all\"\n",
        )
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("caught.txt"), "one\ntwo\n").unwrap();
        fs::write(folder.path().join("timeout.txt"), "three\n").unwrap();
        let missed = "host/domain/src/a.rs:7:12: replace < with <= in f\nhost/domain/src/b.rs:1:2: delete ! in g\n\
                      host/domain/src/c.rs:1:2: delete ! in h\n";
        fs::write(folder.path().join("missed.txt"), missed).unwrap();
        let found = Found::read(folder.path()).unwrap();
        assert_eq!(found.report(Part::Domain, &explained, true), 80.0);
        assert_eq!(Found { caught: 0, missed: Vec::new() }.report(Part::Domain, &explained, false), 100.0);
    }

    #[test]
    fn parts_are_of_files_that_are_there() {
        let root = crate::workspace::root();
        for part in [Part::Domain, Part::Conversion, Part::Plugins] {
            assert!(part.files().iter().any(|pattern| root.join(folder_of(pattern)).exists()), "{part:?}");
        }
    }
}
