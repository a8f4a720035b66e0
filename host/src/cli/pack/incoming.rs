//! `tidegate pack incoming`: what lies in the watched folder, and what became of it.

use std::process::ExitCode;

use serde_json::Value;

use crate::cli::local::Local;
use crate::cli::{Global, WrongUse, local, output};
use crate::config::Config;
use crate::serve;

/// The most packs that are listed.
const MOST: usize = 1_000;

/// Lists the packs in the watched folder; exit 1 where one is refused.
pub(super) async fn list(global: &Global, connection: Option<String>) -> anyhow::Result<ExitCode> {
    let config = global.load_quietly()?;
    if config.watched_folder.is_none() {
        let message = "no folder is watched for packs; the settings name one: watch-dir in [packs]";
        return Err(WrongUse(message.to_owned()).into());
    }
    if !local::listens(&serve::socket_path(&config.server.data_dir)).await {
        anyhow::bail!("the folder is watched while the host runs, and none does on this data folder (tidegate serve)");
    }
    let work = |host: Local| async move {
        let query: Vec<(&str, &str)> = connection.iter().map(|name| ("connection", name.as_str())).collect();
        host.list("incoming", &query, MOST).await
    };
    let packs = local::with_host(config, work).await?;
    let is_refused = packs.iter().any(|pack| pack["state"] == "refused");
    if global.json {
        output::json(&packs)?;
    } else {
        print(&packs)?;
    }
    Ok(if is_refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Lists them behind other packs, where a folder is watched and a host runs that can be asked.
pub(super) async fn beside(config: Config) -> anyhow::Result<()> {
    let runs = local::listens(&serve::socket_path(&config.server.data_dir)).await;
    if config.watched_folder.is_none() || !runs {
        return Ok(());
    }
    let work = |host: Local| async move { host.list("incoming", &[], MOST).await };
    let packs = local::with_host(config, work).await?;
    output::line("\nIn the watched folder:")?;
    print(&packs)
}

fn print(packs: &[Value]) -> anyhow::Result<()> {
    let row = |pack: &Value| {
        let [name, of, connection, state, revision] =
            ["name", "pack", "connection", "state", "revision"].map(|member| output::text(&pack[member]));
        let reason = pack["reason"].as_str().unwrap_or_default().replace('\n', "; ");
        let state = if reason.is_empty() { state } else { format!("{state}: {reason}") };
        vec![name, of, connection, revision, state]
    };
    let rows: Vec<Vec<String>> = packs.iter().map(row).collect();
    output::table(&["NAME", "PACK", "CONNECTION", "REVISION", "STATE"], &rows, "Nothing lies there.")
}
