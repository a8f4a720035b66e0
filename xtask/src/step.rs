//! Running one command as a step that a person can follow.
//!
//! Lines go to standard error, so that what a command prints on standard output stays its own.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs `command` with its output shown, between a line that says what is being done and one that says how long it
/// took. Fails, naming the command, when it cannot be started or does not exit with 0.
pub fn run(what: &str, command: &mut Command) -> Result<()> {
    timed(what, || quietly(command))
}

/// Runs `command` with its output shown and no lines around it. Fails as [`run`] does.
pub fn quietly(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("`{}` could not be started", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// What `command` prints on standard output. Fails with what it printed on standard error.
pub fn output(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } =
        command.output().with_context(|| format!("`{}` could not be started", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed ({status}): {}", shown(command), String::from_utf8_lossy(&stderr).trim());
    }
    String::from_utf8(stdout).with_context(|| format!("`{}` printed what is not UTF-8", shown(command)))
}

/// Replaces this program by `command`, so that signals and the exit code are the command's own. Returns only to fail.
pub fn become_program(command: &mut Command) -> Result<()> {
    let error = command.exec();
    Err(error).with_context(|| format!("`{}` could not be started", shown(command)))
}

/// Where `PATH` finds the program `name`, if it does.
pub fn program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Installs Debian packages, without a question. Fails, saying what to type, where this user may not.
pub fn apt_install(packages: &[&str]) -> Result<()> {
    let wanted = packages.join(" ");
    let apt_get = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        command
    };
    timed(&format!("Installing {wanted} with apt-get"), || {
        quietly(apt_get().arg("update"))?;
        quietly(apt_get().args(["install", "--yes", "--no-install-recommends"]).args(packages))
    })
    .with_context(|| format!("Debian packages are missing and could not be installed: `sudo apt-get install {wanted}`"))
}

/// Says what is being done, does it, and says how long it took.
pub fn timed<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("── {what}");
    let start = Instant::now();
    let result = work().with_context(|| format!("{what}: failed after {}", duration(start.elapsed())))?;
    eprintln!("   {what}: {}", duration(start.elapsed()));
    Ok(result)
}

/// `0.4 s`, `12.3 s`, `4 min 05 s`.
fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    if seconds < 60 {
        format!("{:.1} s", elapsed.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

/// The command as it would be typed.
fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_step_names_its_command() {
        let error = run("Trying", Command::new("false").arg("--now")).unwrap_err();
        assert!(format!("{error:#}").contains("`false --now` failed (exit status: 1)"), "{error:#}");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = output(&mut Command::new("no-such-program-here")).unwrap_err();
        assert!(format!("{error:#}").starts_with("`no-such-program-here` could not be started"), "{error:#}");
    }

    #[test]
    fn durations_read_like_speech() {
        assert_eq!(duration(Duration::from_millis(440)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(245)), "4 min 05 s");
    }
}
