//! `tidegate pack`: what packs there are, whether they load, and which is in force.

use std::process::ExitCode;

use clap::Subcommand;

use super::local::Local;
use super::{Global, local, output};
use crate::app::typesetter;
use crate::pack::{PackSummary, Packs};

#[derive(Subcommand)]
pub(super) enum Pack {
    /// List the pack folders, verified as for use; exit 1 where one does not load
    #[command(after_help = "Examples:\n  tidegate pack list\n  tidegate pack list --packs-dir target/packs --json")]
    List,
    /// Put in force what stands in a connection's pack folder by now, verified first, while the host runs
    #[command(after_help = "Examples:
  tidegate pack activate main
  tidegate pack activate main --json")]
    Activate {
        /// The connection's name
        #[arg(value_name = "CONNECTION")]
        connection: String,
    },
}

impl Pack {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self {
            Self::List => list(global).await,
            Self::Activate { connection } => activate(global, connection).await,
        }
    }
}

async fn activate(global: &Global, connection: String) -> anyhow::Result<ExitCode> {
    let path = format!("connections/{connection}/activate");
    let work = |host: Local| async move { host.post(&path).await };
    let activated = local::with_host(global.load_quietly()?, work).await?;
    if global.json {
        output::json(&activated)?;
    } else {
        let [pack, revision] = ["pack", "revision"].map(|member| output::text(&activated[member]));
        output::line(format!("{connection}: revision {revision} of {pack} is in force."))?;
    }
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
