//! `tidegate run`: how syncs went, and what they changed.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::local::Local;
use super::output::text;
use super::{Global, local, output, progress};
use crate::domain::RecordKind;
use crate::domain::text::sentence;

/// The most letters of a name that a table shows; `--json` has all.
const NAME: usize = 48;

#[derive(Subcommand)]
pub(super) enum Run {
    /// List runs, newest first
    #[command(after_help = "Examples:
  tidegate run list
  tidegate run list --connection main --limit 5 --json")]
    List(List),
    /// Show one run: its counts; with --changes what it changed, with --diagnostics what was left out or stands in doubt
    #[command(after_help = "Examples:
  tidegate run show 0192f0c4-7d1e-7000-8000-000000000001
  tidegate run show 0192f0c4-7d1e-7000-8000-000000000001 --changes --kind overridden
  tidegate run show 0192f0c4-7d1e-7000-8000-000000000001 --diagnostics --json")]
    Show(Show),
}

#[derive(Args)]
pub(super) struct List {
    /// Only runs of this connection
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

#[derive(Args)]
pub(super) struct Show {
    /// The run's id
    id: String,
    /// Each client, goal and cover that the run changed, from what to what
    #[arg(long)]
    changes: bool,
    /// With --changes: only those of this kind, as `changed`, `overridden`, `gone`
    #[arg(long, requires = "changes")]
    kind: Option<String>,
    /// What was left out and why, and the records that the run found unusable
    #[arg(long)]
    diagnostics: bool,
    /// At most this many changes and records
    #[arg(long, default_value_t = 200)]
    limit: usize,
}

impl Run {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let config = global.load_quietly()?;
        let json = global.json;
        let work = |host: Local| async move {
            match self {
                Self::List(list) => list.print(&host, json).await,
                Self::Show(show) => show.print(&host, json).await,
            }
        };
        local::with_host(config, work).await?;
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn print(self, host: &Local, json: bool) -> anyhow::Result<()> {
        let query: Vec<_> = self.connection.as_deref().map(|name| ("connection", name)).into_iter().collect();
        let runs = host.first("runs", &query, self.limit).await?;
        if json {
            return output::json(&runs);
        }
        let row = |run: &Value| {
            let counts = ["seen", "created", "changed", "quarantined"].map(|count| run["counts"][count].to_string());
            let cells = ["id", "connection", "state", "queued_at"].map(|member| text(&run[member]));
            cells.into_iter().chain(counts).collect()
        };
        let rows: Vec<Vec<String>> = runs.iter().map(row).collect();
        let headings = ["RUN", "CONNECTION", "STATE", "BEGAN", "SEEN", "NEW", "CHANGED", "QUARANTINED"];
        output::table(&headings, &rows, "No run yet. `tidegate sync` starts one.")
    }
}

impl Show {
    async fn print(self, host: &Local, json: bool) -> anyhow::Result<()> {
        let id = &self.id;
        let mut run = host.get(&format!("runs/{id}")).await?;
        let changes = if self.changes {
            let query: Vec<_> = self.kind.as_deref().map(|kind| ("kind", kind)).into_iter().collect();
            Some(host.list(&format!("runs/{id}/changes"), &query, self.limit).await?)
        } else {
            None
        };
        let records = if self.diagnostics {
            Some(host.first("quarantine", &[("run_id", id.as_str())], self.limit).await?)
        } else {
            None
        };
        if json {
            if let Some(changes) = changes {
                run["changes"] = changes.into();
            }
            if let Some(records) = records {
                run["quarantine"] = records.into();
            }
            return output::json(&run);
        }
        show(&run)?;
        if let Some(changes) = changes {
            show_changes(&changes)?;
            show_rest(changes.len(), self.limit, &run["counts"]["listed"])?;
        }
        if let Some(records) = records {
            show_diagnostics(&run["counts"], &records)?;
        }
        Ok(())
    }
}

/// A run for people.
fn show(run: &Value) -> anyhow::Result<()> {
    for (word, member) in [
        ("Run", "id"),
        ("Connection", "connection"),
        ("State", "state"),
        ("Why", "trigger"),
        ("Began", "started_at"),
        ("Ended", "finished_at"),
        ("Failed", "error"),
    ] {
        if !run[member].is_null() {
            output::line(format!("{word:11} {}", text(&run[member])))?;
        }
    }
    output::line(format!("Clients     {}", progress::in_words(run)))?;
    for list in RecordKind::LISTED.iter().map(|kind| kind.plural()) {
        let of = |count: &str| run["counts"][list][count].to_string();
        let word = sentence(list);
        let (new, changed, unchanged, gone) = (of("created"), of("changed"), of("unchanged"), of("gone"));
        let aside = of("quarantined");
        output::line(format!(
            "{word:11} {new} new, {changed} changed, {unchanged} unchanged, {gone} gone, {aside} lists in quarantine"
        ))?;
    }
    each("Changed fields", &run["counts"]["changed_fields"])
}

fn show_changes(changes: &[Value]) -> anyhow::Result<()> {
    output::line("")?;
    let row = |change: &Value| {
        let record = match change["record"].as_str() {
            Some("client") | None => String::new(),
            Some(kind) => format!("{kind} {}", text(&change["label"])),
        };
        let fields = change["fields"].as_array().into_iter().flatten();
        let fields: Vec<String> = fields
            .map(|field| format!("{}: {} → {}", text(&field["field"]), text(&field["from"]), text(&field["to"])))
            .collect();
        let client = format!("{} ({})", clipped(&text(&change["name"])), text(&change["external_id"]));
        let fields = change["reason"].as_str().map_or_else(|| fields.join("; "), str::to_owned);
        vec![text(&change["kind"]), client, clipped(&record), fields]
    };
    let rows: Vec<Vec<String>> = changes.iter().map(row).collect();
    output::table(&["WHAT", "CLIENT", "OF WHICH", "FROM → TO, OR WHY"], &rows, "Nothing of this kind was changed.")
}

/// Says that there is more than is shown.
fn show_rest(shown: usize, limit: usize, listed: &Value) -> anyhow::Result<()> {
    if shown == limit && listed.as_u64().is_some_and(|listed| listed > shown as u64) {
        output::line(format!("The first {shown} are shown, of {listed} of all kinds; --limit {listed} shows all."))?;
    }
    Ok(())
}

fn show_diagnostics(counts: &Value, records: &[Value]) -> anyhow::Result<()> {
    for (word, member) in
        [("Left out by a rule", "skipped"), ("Warnings", "warnings"), ("In doubt in the whole book", "doubts")]
    {
        each(word, &counts[member])?;
    }
    for sentence in counts["told"].as_array().into_iter().flatten() {
        output::line(text(sentence))?;
    }
    output::line("")?;
    let row = |record: &Value| {
        let reasons = record["diagnostics"].as_array().into_iter().flatten();
        let reasons: Vec<String> = reasons.map(|reason| text(&reason["message"])).collect();
        vec![text(&record["kind"]), text(&record["external_id"]), reasons.join(" ")]
    };
    let rows: Vec<Vec<String>> = records.iter().map(row).collect();
    output::table(&["RECORD", "ID", "WHY IT CANNOT BE USED"], &rows, "This run put no record into quarantine.")
}

/// Counts by word, where there are any.
fn each(heading: &str, counts: &Value) -> anyhow::Result<()> {
    let counts = counts.as_object().into_iter().flatten();
    let tallies: Vec<String> = counts.map(|(word, count)| format!("{word} {count}")).collect();
    if tallies.is_empty() { Ok(()) } else { output::line(format!("{heading}: {}", tallies.join(", "))) }
}

/// A name that makes no column wider than a screen.
fn clipped(text: &str) -> String {
    match text.char_indices().nth(NAME) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
