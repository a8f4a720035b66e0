//! `tidegate privacy`: the register, exports of clients, erasures, and who is due.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::local::Local;
use super::output::text;
use super::{Global, local, output};

#[derive(Subcommand)]
pub(super) enum Privacy {
    /// Print what is kept where and why, and what an erasure does with it
    #[command(
        after_help = "Examples:\n  tidegate privacy register\n  tidegate privacy register --json | jq '.items[].tables'"
    )]
    Register,
    /// Write all that is kept of a client to one archive
    #[command(after_help = "Examples:
  tidegate privacy export 0192f0c4-7d1e-7000-8000-000000000001 --output client.zip

It is for its owner alone, and its README.txt says what is in it. The export has an entry of the audit log.")]
    Export(Export),
    /// Erase a client, and keep the person away from now on
    #[command(after_help = "Examples:
  tidegate privacy erase 0192f0c4-7d1e-7000-8000-000000000001 --preview
  tidegate privacy erase 0192f0c4-7d1e-7000-8000-000000000001 --reason asked
  tidegate privacy erase 30060 --connection main --reason asked     somebody whom a rule leaves out, by the CRM's id

It erases nothing in the CRM, and says what is left to do there.")]
    Erase(Erase),
    /// List erasures and what lifted them, the latest first
    #[command(after_help = "Examples:\n  tidegate privacy erasures\n  tidegate privacy erasures --json")]
    Erasures,
    /// Lift an erasure: the person may come again
    #[command(after_help = "Examples:\n  tidegate privacy lift 3 --reason client_again")]
    Lift {
        /// The erasure's number, as `privacy erasures` prints it
        number: u64,
        /// Why: client_again or mistake
        #[arg(long)]
        reason: String,
    },
    /// List clients whom the CRM has not shown for so many years
    #[command(
        after_help = "Examples:\n  tidegate privacy due\n  tidegate privacy due --years 7\n  tidegate privacy due --json"
    )]
    Due {
        /// Years since the CRM showed them last [default: those of practice.retention]
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..=99))]
        years: Option<u8>,
    },
}

#[derive(Args)]
pub(super) struct Export {
    /// The client's id
    client: String,
    /// The file to be written; it must not be there yet
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Args)]
pub(super) struct Erase {
    /// The client's id; with --connection, the id in that CRM of a record that is no client here
    client: String,
    /// The connection that brought a record that is in quarantine or left out by a rule
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Why: asked, retention_over or mistake
    #[arg(long, required_unless_present = "preview")]
    reason: Option<String>,
    /// Say what would go, and erase nothing
    #[arg(long)]
    preview: bool,
}

impl Privacy {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (config, json) = (global.load_quietly()?, global.json);
        local::with_host(config, |host| async move { self.ask(&host, json).await }).await?;
        Ok(ExitCode::SUCCESS)
    }

    async fn ask(self, host: &Local, json: bool) -> anyhow::Result<()> {
        match self {
            Self::Register => register(host, json).await,
            Self::Export(export) => export.ask(host, json).await,
            Self::Erase(erase) => erase.ask(host, json).await,
            Self::Erasures => erasures(host, json).await,
            Self::Lift { number, reason } => {
                let lifted =
                    host.post_json(&format!("privacy/erasures/{number}/lift"), &json!({"reason": reason})).await?;
                if json { output::json(&lifted) } else { output::line(format!("{number}: lifted")) }
            }
            Self::Due { years } => due(host, years, json).await,
        }
    }
}

async fn register(host: &Local, json: bool) -> anyhow::Result<()> {
    let register = host.get("privacy/register").await?;
    if json {
        return output::json(&register);
    }
    let row = |row: &Value| ["kind", "whose", "purpose", "kept", "erasure"].map(|member| text(&row[member])).to_vec();
    let rows: Vec<Vec<String>> = register["items"].as_array().into_iter().flatten().map(row).collect();
    output::table(&["KIND", "OF WHOM", "WHY", "HOW LONG", "AN ERASURE"], &rows, "Nothing is kept.")
}

async fn erasures(host: &Local, json: bool) -> anyhow::Result<()> {
    let erasures = host.list("privacy/erasures", &[], usize::MAX).await?;
    if json {
        return output::json(&erasures);
    }
    let row =
        |row: &Value| ["number", "at", "by", "reason", "lifts", "in_force"].map(|member| text(&row[member])).to_vec();
    let rows: Vec<Vec<String>> = erasures.iter().map(row).collect();
    output::table(&["NUMBER", "AT", "BY", "REASON", "LIFTS", "IN FORCE"], &rows, "Nobody was erased yet.")
}

async fn due(host: &Local, years: Option<u8>, json: bool) -> anyhow::Result<()> {
    let years = years.map(|years| years.to_string());
    let query: Vec<(&str, &str)> = years.iter().map(|years| ("years", years.as_str())).collect();
    let due = host.list("privacy/due", &query, usize::MAX).await?;
    if json {
        return output::json(&due);
    }
    let row = |row: &Value| ["client_id", "name", "left_at", "is_held"].map(|member| text(&row[member])).to_vec();
    let rows: Vec<Vec<String>> = due.iter().map(row).collect();
    output::table(&["CLIENT", "NAME", "NOT SHOWN SINCE", "HELD"], &rows, "Nobody is due.")
}

impl Export {
    async fn ask(self, host: &Local, json: bool) -> anyhow::Result<()> {
        let Self { client, output: path } = self;
        // Before anything is exported, which has its entry of the audit log.
        let mut file = output::new_file(&path)?;
        let written = save(host, &client, &mut file).await;
        let size = written.inspect_err(|_| drop(std::fs::remove_file(&path)))?;
        if json {
            return output::json(&json!({"client_id": client, "file": path, "bytes": size}));
        }
        output::line(format!("{}: {size} bytes", path.display()))
    }
}

/// Writes the archive of a client to a file; answers its bytes.
async fn save(host: &Local, client: &str, file: &mut File) -> anyhow::Result<usize> {
    let mut pieces = host.stream(&format!("clients/{client}/export"), &[]).await?;
    let mut size = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        size += piece.len();
        file.write_all(&piece)?;
    }
    file.sync_all()?;
    Ok(size)
}

impl Erase {
    async fn ask(self, host: &Local, json: bool) -> anyhow::Result<()> {
        let Self { client, connection, reason, preview } = self;
        let of = match &connection {
            Some(connection) => format!("connections/{connection}/clients/{client}"),
            None => format!("clients/{client}"),
        };
        let answer = if preview {
            host.get(&format!("{of}/erasure")).await?
        } else {
            host.post_json(&format!("{of}/erase"), &json!({"reason": reason, "confirm": client})).await?
        };
        if json {
            return output::json(&answer);
        }
        let counts = answer["counts"].as_object();
        let counted = counts.into_iter().flatten().filter(|(_, count)| count.as_u64().is_some_and(|count| count > 0));
        let mut rows: Vec<Vec<String>> =
            counted.map(|(what, count)| vec![what.replace('_', " "), text(count)]).collect();
        let reasons = answer["counts"]["access_reasons"].as_array().into_iter().flatten();
        rows.extend(reasons.map(|of| {
            let household = text(&of["household_id"]);
            vec![format!("reasons of access to household {household}"), text(&of["reasons"])]
        }));
        output::table(&["WHAT", "NUMBER"], &rows, "Nothing beside the client.")?;
        output::line(if preview {
            "Nothing was erased.".to_owned()
        } else {
            format!("Erased, as number {}.", text(&answer["erasure"]["number"]))
        })?;
        output::line(text(&answer["left_to_do"]))
    }
}
