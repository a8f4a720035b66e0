//! A run as it goes: a bar on a terminal, a line now and then elsewhere, JSON lines for machines.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::local::Local;
use super::output;

/// The interval at which a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The time without news after which somebody who waits wonders why.
const QUIET: Duration = Duration::from_secs(5);

/// Follows a run to its end and answers its last state.
pub(super) async fn follow(host: &Local, run: &Value, json: bool) -> anyhow::Result<Value> {
    let id = run["id"].as_str().context("the run has no id")?;
    let mut show = Show::new(run, json);
    let mut events = std::pin::pin!(host.events(&format!("runs/{id}/events")).await?);
    let mut last = run.clone();
    let mut told = None;
    loop {
        match tokio::time::timeout(QUIET, events.next()).await {
            Ok(Some(event)) => {
                last = event?;
                show.step(&last)?;
            }
            Ok(None) => break,
            Err(_) => show.tell_why_quiet(host, &last, &mut told).await,
        }
    }
    show.end();
    // The stream may have ended with the host; the run itself says how it stands.
    if !is_over(&last) {
        last = host.get(&format!("runs/{id}")).await?;
    }
    Ok(last)
}

/// Whether a run has ended, in whatever way.
pub(super) fn is_over(run: &Value) -> bool {
    matches!(run["state"].as_str(), Some("done" | "failed" | "cancelled"))
}

enum Show {
    Bar(ProgressBar),
    Lines(Instant),
    Json,
}

impl Show {
    fn new(run: &Value, json: bool) -> Self {
        if json {
            return Self::Json;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines(Instant::now());
        }
        let bar = match run["expected"].as_u64() {
            Some(expected) => ProgressBar::new(expected),
            None => ProgressBar::no_length(),
        };
        let template = "{spinner} {pos} of {len} clients  {bar:30}  {msg}  {elapsed}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self::Bar(bar)
    }

    fn step(&mut self, run: &Value) -> anyhow::Result<()> {
        match self {
            Self::Bar(bar) => {
                bar.set_position(run["counts"]["seen"].as_u64().unwrap_or(0));
                bar.set_message(in_words(run));
            }
            Self::Lines(printed) if printed.elapsed() >= LINE_EVERY => {
                *printed = Instant::now();
                eprintln!("{}", in_words(run));
            }
            Self::Lines(_) => {}
            Self::Json => output::line(run)?,
        }
        Ok(())
    }

    /// Says once until when the site asked to be left alone, where that is why nothing happens.
    async fn tell_why_quiet(&self, host: &Local, run: &Value, told: &mut Option<String>) {
        let name = run["connection"].as_str().unwrap_or_default();
        // What cannot be asked is not told; the run goes on.
        let Ok(connection) = host.get(&format!("connections/{name}")).await else { return };
        let until = connection["left_alone_until"].as_str().map(str::to_owned);
        if until.is_some() && *told != until {
            let message = format!(
                "{name}: the site asked to be left alone until {}; the sync waits. Started by hand once more, it asks at once",
                until.as_deref().unwrap_or_default()
            );
            match self {
                Self::Bar(bar) => bar.println(message),
                Self::Lines(_) | Self::Json => eprintln!("{message}"),
            }
            *told = until;
        }
    }

    fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// The counts that are told where they are not zero, each with its words.
const ALSO: [(&str, &str); 12] = [
    ("newly_left_out", "left out from now on"),
    ("returned", "back in the book"),
    ("held", "like a client of the practice and in review"),
    ("erased", "erased here and kept away"),
    ("overridden", "local edits overridden"),
    ("repeated", "rows that came twice"),
    ("unreadable", "rows that name no record"),
    ("missed", "missed by the walk and read by themselves"),
    ("unconfirmed", "not seen, and not known whether the CRM shows them"),
    ("not_visible", "no longer visible"),
    ("visible_again", "visible again"),
    ("awaiting", "gone, if somebody confirms it"),
];

/// `4,318 seen: 12 new, 27 changed, 4,279 unchanged, 3 left out, 1 in quarantine`.
pub(super) fn in_words(run: &Value) -> String {
    let counts = &run["counts"];
    let count = |key: &str| counts[key].as_u64().unwrap_or(0);
    let skipped: u64 =
        counts["skipped"].as_object().into_iter().flat_map(|map| map.values()).filter_map(Value::as_u64).sum();
    let mut message = format!(
        "{} clients seen: {} new, {} changed, {} unchanged, {skipped} left out by a rule, {} in quarantine",
        count("seen"),
        count("created"),
        count("changed"),
        count("unchanged") + count("same"),
        count("quarantined"),
    );
    for (key, what) in ALSO {
        if count(key) > 0 {
            message.push_str(&format!(", {} {what}", count(key)));
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::run::RunCounts;

    #[test]
    fn every_count_of_clients_is_told() {
        let counts = serde_json::to_value(RunCounts::default()).unwrap();
        // Of advisers, of the report, and of the traffic.
        let others = ["advisers", "listed", "requests", "retries", "slow_downs"];
        let numbers = counts.as_object().unwrap().iter().filter(|(_, count)| count.is_u64());
        for (name, _) in numbers.filter(|(name, _)| !others.contains(&name.as_str())) {
            let mut run = serde_json::json!({ "counts": counts.clone() });
            run["counts"][name] = 4711.into();
            assert!(in_words(&run).contains("4711"), "{name}");
        }
    }
}
