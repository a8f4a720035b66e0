//! Logs: lines for people or JSON for machines, on standard error. Nothing about a person is ever logged: text that came
//! from outside (a CRM's words, a plugin's lines, a panic's message) has its length there, and is shown where a person
//! may see it.

pub mod figures;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{IsTerminal as _, Write as _};
use std::panic;

use tracing::{Level, Metadata, dispatcher};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

/// Starts logging for the process what the filter directives `level` let through, as JSON lines where `as_json`. A second
/// call changes nothing (tests start several hosts in one process).
pub fn start(level: &str, as_json: bool) {
    // A line that cannot be written is lost: telling so on the same standard error would panic.
    let lines = fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let lines = if as_json {
        lines.json().flatten_event(true).boxed()
    } else {
        lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed()
    };
    let lines = lines.with_filter(filter_fn(is_ours_or_a_warning));
    drop(registry().with(EnvFilter::new(level)).with(lines).try_init());
}

/// Libraries tell addresses, headers and bodies at the levels below a warning, whatever the operator asks for.
fn is_ours_or_a_warning(metadata: &Metadata<'_>) -> bool {
    let is_ours = metadata.target().split("::").next().is_some_and(|name| name.starts_with("tidegate"));
    is_ours || *metadata.level() <= Level::WARN
}

/// Puts a panic's place into the log and its message nowhere: that may hold what the host was at work on.
pub fn keep_panics_out() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "a place that is not known".to_owned(), ToString::to_string);
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
        if dispatcher::has_been_set() {
            let backtrace = backtrace.map(tracing::field::display);
            tracing::error!(place, backtrace, "a fault in Tidegate");
        } else {
            drop(writeln!(std::io::stderr(), "tidegate: a fault in Tidegate at {place}"));
        }
    }));
}

/// Text that came from outside, as the log has it: its length.
pub fn length(text: &str) -> String {
    format!("({} characters, not logged)", text.chars().count())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Panics in a process of its own, which the next test starts because the hook is the whole process's; it is no
    /// test itself.
    #[test]
    #[ignore = "it panics, as it should"]
    fn panics_about_somebody() {
        keep_panics_out();
        let name = std::env::var("CANARY").unwrap_or_else(|_| "nobody".to_owned());
        panic!("the record of {name} cannot be read");
    }

    #[test]
    fn a_panic_tells_its_place_and_not_its_message() {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "telemetry::tests::panics_about_somebody", "--ignored", "--nocapture"]);
        let output = again.env("CANARY", "Ignatia Canary").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("a fault in Tidegate at") && said.contains("telemetry.rs:"), "{said}");
        assert!(!said.contains("Canary"), "{said}");
    }
}
