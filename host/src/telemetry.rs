//! Logs: lines for people or JSON for machines, on standard error. Nothing about a person is ever logged.

pub mod figures;

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::Log;

/// Starts logging for the process. A second call changes nothing (tests start several hosts in one process).
pub fn start(log: &Log) {
    let filter = EnvFilter::new(&log.level);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A line that cannot be written is lost: telling so on the same standard error would panic.
    let lines = lines.log_internal_errors(false);
    let outcome = if log.json {
        lines.json().flatten_event(true).try_init()
    } else {
        lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    drop(outcome);
}
