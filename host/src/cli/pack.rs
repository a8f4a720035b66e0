//! `tidegate pack`: what packs there are, whether they load, and which is in force.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::local::Local;
use super::{Global, local, output};
use crate::app::typesetter;
use crate::pack::{PackSummary, Packs};

#[derive(Subcommand)]
pub(super) enum Pack {
    /// List the pack folders, verified as for use; exit 1 where one does not load
    #[command(after_help = "Examples:\n  tidegate pack list\n  tidegate pack list --packs-dir target/packs --json")]
    List,
    /// Put a revision in force for a connection, while the host runs: what stands in its pack's folder by now, verified first,
    /// or one that was in force before
    #[command(after_help = "Examples:
  tidegate pack activate --connection main
  tidegate pack activate 8c21f0e9a3b7 --connection main
  tidegate pack activate --connection main --json")]
    Activate {
        /// A revision that was in force before; what stands in the pack's folder by now if left out
        #[arg(value_name = "REVISION")]
        revision: Option<String>,
        #[command(flatten)]
        of: Of,
    },
    /// Put the revision in force again that was before the one that is; done twice, it is taken back
    #[command(
        after_help = "Examples:\n  tidegate pack rollback --connection main\n  tidegate pack rollback --connection main --json"
    )]
    Rollback {
        #[command(flatten)]
        of: Of,
    },
    /// List the revisions that a connection had in force, the newest first
    #[command(
        after_help = "Examples:\n  tidegate pack history --connection main\n  tidegate pack history --connection main --json"
    )]
    History {
        #[command(flatten)]
        of: Of,
    },
}

/// The connection that is meant.
#[derive(Args)]
pub(super) struct Of {
    /// The connection's name
    #[arg(long, value_name = "NAME")]
    connection: String,
}

impl Pack {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self {
            Self::List => list(global).await,
            Self::Activate { revision, of } => {
                exchange(global, of.connection, "activate", json!({ "revision": revision })).await
            }
            Self::Rollback { of } => exchange(global, of.connection, "rollback", Value::Null).await,
            Self::History { of } => history(global, of.connection).await,
        }
    }
}

async fn exchange(global: &Global, connection: String, verb: &str, body: Value) -> anyhow::Result<ExitCode> {
    let path = format!("connections/{connection}/{verb}");
    let work = |host: Local| async move {
        if body.is_null() { host.post(&path).await } else { host.post_json(&path, &body).await }
    };
    let activated = local::with_host(global.load_quietly()?, work).await?;
    if global.json {
        output::json(&activated)?;
    } else {
        let [pack, revision] = ["pack", "revision"].map(|member| output::text(&activated[member]));
        output::line(format!("{connection}: revision {revision} of {pack} is in force."))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn history(global: &Global, connection: String) -> anyhow::Result<ExitCode> {
    let path = format!("connections/{connection}/revisions");
    let revisions =
        local::with_host(global.load_quietly()?, |host: Local| async move { host.get(&path).await }).await?;
    if global.json {
        output::json(&revisions)?;
        return Ok(ExitCode::SUCCESS);
    }
    let cells = |one: &Value| {
        let [revision, pack, version, why] =
            ["revision", "pack", "version", "why"].map(|member| output::text(&one[member]));
        vec![
            revision,
            pack,
            version,
            why.replace('_', " "),
            output::text(&one["by"]["who"]),
            output::text(&one["by"]["at"]),
        ]
    };
    let rows: Vec<Vec<String>> = revisions["items"].as_array().into_iter().flatten().map(cells).collect();
    let headings = ["REVISION", "PACK", "VERSION", "WHY", "BY", "AT"];
    output::table(&headings, &rows, "The connection was never at work.")?;
    Ok(ExitCode::SUCCESS)
}

async fn list(global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load_quietly()?;
    let packs_dir = config.server.packs_dir.clone();
    let load = move || {
        let cache = config.server.data_dir.join("cache");
        let packs = Packs::new(&cache, config.server.compiler.as_deref(), typesetter(&config))?;
        packs.list(&config.server.packs_dir)
    };
    let listed = tokio::task::spawn_blocking(load).await??;
    if global.json {
        output::json(&listed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = listed.iter().map(row).collect();
    let empty = format!("No packs in {}; `cargo xtask build` makes the shipped ones.", packs_dir.display());
    output::table(&["PACK", "VERSION", "CRM", "REGION", "REVISION", "STATUS"], &rows, &empty)?;
    let all_load = listed.iter().all(|pack| pack.problem.is_none());
    Ok(if all_load { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(pack: &PackSummary) -> Vec<String> {
    match (&pack.pack, &pack.problem) {
        (Some(facts), _) => {
            let revision = facts.revision.to_string();
            let cells = [&facts.name, &facts.version, &facts.crm, &facts.region, &revision];
            cells.into_iter().cloned().chain(["loads".to_owned()]).collect()
        }
        (None, problem) => {
            let unknown = std::iter::repeat_n("–".to_owned(), 4);
            let reason = problem.as_deref().unwrap_or("does not load");
            std::iter::once(pack.folder.clone()).chain(unknown).chain([format!("refused: {reason}")]).collect()
        }
    }
}
