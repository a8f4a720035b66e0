//! `tidegate note`: the fate of file notes.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use serde_json::Value;

use super::{Global, local, output};

#[derive(Subcommand)]
pub(super) enum Note {
    /// List file notes, newest first
    #[command(after_help = "Examples:\n  tidegate note list\n  tidegate note list --state dead --json")]
    List {
        /// Only notes in this state
        #[arg(long)]
        state: Option<State>,
        /// At most this many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum State {
    Queued,
    Sending,
    Waiting,
    Done,
    Dead,
}

impl Note {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let Self::List { state, limit } = self;
        let config = global.load_quietly()?;
        let state = state.and_then(|state| state.to_possible_value());
        let query: Vec<(&str, &str)> = state.iter().map(|state| ("state", state.get_name())).collect();
        let notes = local::with_host(config, |host| async move { host.list("notes", &query, limit).await }).await?;
        if global.json {
            output::json(&notes)?;
            return Ok(ExitCode::SUCCESS);
        }
        let text = |value: &Value| value.as_str().unwrap_or("–").to_owned();
        let rows: Vec<Vec<String>> = notes
            .iter()
            .map(|note| {
                let subject = text(&note["subject"]);
                vec![
                    text(&note["id"]),
                    text(&note["state"]),
                    text(&note["accepted_at"]),
                    subject,
                    text(&note["reason"]),
                ]
            })
            .collect();
        let headings = ["NOTE", "STATE", "ACCEPTED", "SUBJECT", "REASON"];
        output::table(&headings, &rows, "No file notes. An event posted to /api/v1/events becomes one.")?;
        Ok(ExitCode::SUCCESS)
    }
}
