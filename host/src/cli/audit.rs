//! `tidegate audit`: the audit log, checked and exported.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use futures::StreamExt as _;

use super::local::Local;
use super::output::text;
use super::{Global, WrongUse, local, output};
use crate::domain::Timestamp;
use crate::domain::audit::Head;

#[derive(Subcommand)]
pub(super) enum Audit {
    /// Check that no entry was altered, moved or taken away since it was written
    #[command(after_help = "Examples:
  tidegate audit verify
  tidegate audit verify --expect 1204:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

Keep the NUMBER:HASH that it prints on another machine, and give it back with --expect: whoever can write the data folder
can make the whole log anew, and only what is kept elsewhere tells. It ends with 1 where the log does not hold.")]
    Verify(Verify),
    /// Print the log, oldest first, as lines of JSON
    #[command(after_help = "Examples:
  tidegate audit export > audit.ndjson
  tidegate audit export --since 2026-03-01T00:00:00Z --until 2026-04-01T00:00:00Z --json | jq .verb

The export has an entry of its own. It prints lines of JSON with and without --json.")]
    Export(Export),
}

#[derive(Args)]
pub(super) struct Verify {
    /// What an earlier check printed, kept elsewhere
    #[arg(long, value_name = "NUMBER:HASH")]
    expect: Option<Head>,
}

#[derive(Args)]
pub(super) struct Export {
    /// The first moment, such as 2026-03-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// The moment before which the last entry was written
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
}

fn moment(text: &str) -> Result<Timestamp, &'static str> {
    text.parse().map_err(|_| "give a time such as 2026-11-30T00:00:00Z")
}

impl Audit {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (config, json) = (global.load_quietly()?, global.json);
        local::with_host(config, |host| async move {
            match self {
                Self::Verify(verify) => verify.ask(&host, json).await,
                Self::Export(export) => export.ask(&host).await,
            }
        })
        .await
    }
}

impl Verify {
    async fn ask(self, host: &Local, json: bool) -> anyhow::Result<ExitCode> {
        let expected = self.expect.map(|head| head.to_string());
        let query: Vec<(&str, &str)> = expected.iter().map(|head| ("expect", head.as_str())).collect();
        let verified = host.ask("audit/verify", &query).await?;
        let holds = verified["holds"].as_bool() == Some(true);
        if json {
            output::json(&verified)?;
        } else if holds {
            match verified["entries"].as_u64() {
                Some(0) => output::line("The audit log is empty: there is nothing to check yet.")?,
                Some(1) => output::line("The audit log holds: 1 entry.")?,
                _ => output::line(format!("The audit log holds: {} entries.", text(&verified["entries"])))?,
            }
            output::line(format!("Its end, to be kept elsewhere: {}", text(&verified["head"])))?;
        } else {
            let why = text(&verified["break"]["message"]);
            output::line(format!("The audit log does not hold: {why}"))?;
            output::line("Hold it against the last backup: entries before that one are as they were written.")?;
        }
        Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Export {
    async fn ask(self, host: &Local) -> anyhow::Result<ExitCode> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && until <= since
        {
            return Err(
                WrongUse(format!("--until {until} is not after --since {since}: no entry is between them")).into()
            );
        }
        let moments = [("since", self.since), ("until", self.until)];
        let query: Vec<(&str, String)> =
            moments.into_iter().filter_map(|(name, at)| Some((name, at?.to_string()))).collect();
        let mut pieces = host.stream("audit/export", &query).await?;
        let mut out = io::stdout().lock();
        while let Some(piece) = pieces.next().await {
            out.write_all(&piece?)?;
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
