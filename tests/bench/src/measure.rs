//! What a process cost: CPU seconds and peak memory.

use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Clock ticks a second in `/proc/*/stat`; 100 on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// What a process cost.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// CPU seconds, user and system.
    pub cpu: f64,
    /// Seconds on the clock.
    pub wall: f64,
    /// Peak resident memory, in MB (10⁶ bytes).
    pub peak_mb: f64,
}

impl Cost {
    /// Before anything ran.
    pub const MOST: Self = Self { cpu: f64::MAX, wall: f64::MAX, peak_mb: 0.0 };

    /// Another run of the same: the lower CPU and clock seconds count, and the higher peak.
    pub fn or_less(&mut self, other: Self) {
        let Self { cpu, wall, peak_mb } = other;
        *self = Self { cpu: self.cpu.min(cpu), wall: self.wall.min(wall), peak_mb: self.peak_mb.max(peak_mb) };
    }
}

/// Runs a program to its end and answers what it cost.
pub fn run(command: &mut Command) -> anyhow::Result<Cost> {
    let cpu_before = children_cpu()?;
    let begun = Instant::now();
    let mut child =
        command.spawn().with_context(|| format!("{} cannot be started", command.get_program().display()))?;
    let (status, peak_mb) = wait(&mut child)?;
    anyhow::ensure!(status.success(), "{} ended with {status}", command.get_program().display());
    let cpu = children_cpu()? - cpu_before;
    Ok(Cost { cpu, wall: begun.elapsed().as_secs_f64(), peak_mb })
}

/// CPU seconds of this process so far.
fn own_cpu() -> anyhow::Result<f64> {
    ticks([13, 14])
}

pub fn cpu(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let before = own_cpu()?;
    work()?;
    let cpu = own_cpu()? - before;
    anyhow::ensure!(cpu > 0.1 || begun.elapsed().as_secs() > 0, "too short to be measured; take more clients");
    Ok(cpu)
}

/// CPU seconds of all processes that this one has waited for.
fn children_cpu() -> anyhow::Result<f64> {
    ticks([15, 16])
}

/// The sum of two fields of `/proc/self/stat` (proc(5), counted from 0), in seconds.
fn ticks(fields: [usize; 2]) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    // The program's name, the second field, stands in brackets and may hold spaces.
    let after_name = text.rsplit_once(')').context("/proc/self/stat has no name")?.1;
    let values: Vec<&str> = after_name.split_whitespace().collect();
    let value = |field: usize| values.get(field - 2).and_then(|text| text.parse::<f64>().ok());
    let sum = value(fields[0]).zip(value(fields[1])).map(|(user, system)| user + system);
    Ok(sum.context("/proc/self/stat is shorter than expected")? / TICKS)
}

/// The kernel keeps the high-water mark itself, so that looking now and then misses only what the very end adds.
fn wait(child: &mut Child) -> anyhow::Result<(ExitStatus, f64)> {
    let path = format!("/proc/{}/status", child.id());
    let mut peak_mb: f64 = 0.0;
    loop {
        if let Ok(text) = std::fs::read_to_string(&path) {
            peak_mb = peak_mb.max(high_water_mb(&text));
        }
        if let Some(status) = child.try_wait()? {
            return Ok((status, peak_mb));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn high_water_mb(status: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0 / 1e6
}
