//! Compiling components: in a process of its own, whose memory goes with it and which is stopped where it takes too
//! much of anything.
//!
//! The compiler needs more memory for a second than the host does for a year. The process is this very program
//! (`tidegate compile-plugin`): it reads a component from its standard input and writes the code to its standard
//! output. Where there is no such program (tests, a binary that was replaced while it ran) the host compiles by itself.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use wasmtime::{Engine, Error, Result};

use super::{limits, private_file};

/// Words of the compiler that are passed on, bytes.
const WORDS: u64 = 4 << 10;

/// The code of a component, for this engine.
///
/// # Errors
/// Returns what the compiler says about the component, or which limit it broke.
pub(super) fn code(engine: &Engine, program: Option<&Path>, folder: &Path, component: &[u8]) -> Result<Vec<u8>> {
    let Some(program) = program else { return here(engine, component) };
    let output = Output::new(folder)?;
    let spawned = Command::new(program)
        .arg("compile-plugin")
        // Nothing of the host's environment: it may hold the key that secrets are sealed with.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(output.file.try_clone()?)
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            tracing::warn!(program = %program.display(), %error, "no compiler can be started; compiling here");
            return here(engine, component);
        }
    };
    if let Some(mut input) = child.stdin.take() {
        // Where the compiler is gone before it has read everything, its end tells why.
        drop(input.write_all(component));
    }
    let status = wait(&mut child)?;
    if !status.success() {
        return Err(Error::msg(message(child)));
    }
    Ok(fs::read(&output.path)?)
}

/// Compiles on a thread of its own, whose memory goes with it, and waits for a bounded time only.
fn here(engine: &Engine, component: &[u8]) -> Result<Vec<u8>> {
    let (report, reports) = mpsc::channel();
    let (engine, component) = (engine.clone(), component.to_vec());
    let work = move || drop(report.send(engine.precompile_component(&component)));
    thread::Builder::new().name("plugin-compiler".to_owned()).spawn(work)?;
    reports.recv_timeout(limits::COMPILE_TIME).map_err(|_| too_much("time"))?
}

/// Waits for the compiler's end, which comes soon, or is brought about.
fn wait(child: &mut Child) -> Result<ExitStatus> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let is_late = cpu_time(child.id()) > limits::COMPILE_TIME || began.elapsed() > limits::COMPILE_PATIENCE;
        let broken =
            if is_late { Some("time") } else { (memory(child.id()) > limits::COMPILE_MEMORY).then_some("memory") };
        if let Some(broken) = broken {
            child.kill()?;
            child.wait()?;
            return Err(too_much(broken));
        }
        thread::sleep(limits::TICK);
    }
}

/// The CPU time that a process has taken, which a busy machine does not lengthen; zero where the system does not tell.
fn cpu_time(process: u32) -> Duration {
    // Hundredths of a second, in user mode and in the system, the 14th and 15th field: the second ends with the last
    // bracket.
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let behind_name = status.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = behind_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// The memory that a process has resident, bytes; zero where the system does not tell.
fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    resident.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) << 10
}

fn too_much(of: &str) -> Error {
    Error::msg(format!("compiling it takes too much {of}"))
}

/// The reason why the compiler failed, in its own words.
fn message(child: Child) -> String {
    let mut message = Vec::new();
    if let Some(said) = child.stderr {
        drop(said.take(WORDS).read_to_end(&mut message));
    }
    let message = String::from_utf8_lossy(&message).trim().to_owned();
    if message.is_empty() { "the compiler broke down on it".to_owned() } else { message }
}

/// A file for the compiler's output, gone when this is.
struct Output {
    path: PathBuf,
    file: File,
}

impl Output {
    fn new(folder: &Path) -> std::io::Result<Self> {
        let path = folder.join(format!("{:016x}.unfinished", rand::random::<u64>()));
        let file = private_file::create(&path)?;
        Ok(Self { path, file })
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::pack::engine::Sandbox;

    /// The result of a compiler that is this shell script.
    fn with_compiler(script: &str) -> Result<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("compiler");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let sandbox = Sandbox::new().unwrap();
        let code = code(&sandbox.engine, Some(&program), folder.path(), b"a component");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing but the compiler is left behind");
        code
    }

    #[test]
    fn the_code_is_what_the_compiler_writes() {
        assert_eq!(with_compiler("echo \"$1:\"; cat").unwrap(), b"compile-plugin:\na component");
    }

    #[test]
    fn the_compiler_sees_nothing_of_the_environment() {
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "there is something to be seen");
        let seen = with_compiler("cat >/dev/null; env").unwrap();
        let seen = String::from_utf8(seen).unwrap();
        let names: Vec<&str> = seen.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        // What a shell sets by itself.
        assert!(names.iter().all(|name| ["PWD", "OLDPWD", "SHLVL", "_"].contains(name)), "{names:?}");
    }

    #[test]
    fn a_compiler_that_fails_says_why() {
        let check = |script: &str, expected: &str| {
            assert_eq!(with_compiler(script).unwrap_err().to_string(), expected, "{script}");
        };
        check("cat >/dev/null; echo 'it is too large' >&2; exit 1", "it is too large");
        check("kill -9 $$", "the compiler broke down on it");
    }

    #[test]
    fn a_compiler_that_takes_too_much_memory_is_stopped() {
        let hoard = "cat >/dev/null; x=0123456789abcdef; while :; do x=$x$x; done";
        assert_eq!(with_compiler(hoard).unwrap_err().to_string(), "compiling it takes too much memory");
    }

    #[test]
    fn the_time_that_a_process_takes_is_counted() {
        let began = cpu_time(std::process::id());
        while cpu_time(std::process::id()) < began + Duration::from_millis(30) {
            std::hint::spin_loop();
        }
        assert_eq!(cpu_time(u32::MAX), Duration::ZERO, "no such process");
    }

    #[test]
    fn without_a_compiler_the_host_compiles() {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::new().unwrap();
        let missing = folder.path().join("none");
        let compile = |program| code(&sandbox.engine, program, folder.path(), b"\0asm\x0d\0\x01\0");
        assert_eq!(compile(Some(missing.as_path())).unwrap(), compile(None).unwrap());
    }
}
