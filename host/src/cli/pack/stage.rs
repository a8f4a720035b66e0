//! `tidegate pack stage`: a revision of a connection's pack brought, wherever it comes from.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::cli::local::Local;
use crate::cli::{Global, local, output};
use crate::config::Config;
use crate::pack::archive_of;

/// The state of a revision that went through all gates.
const VERIFIED: &str = "verified";

/// Brings a folder or an archive, or what stands in the packs' folder.
pub(super) async fn stage(global: &Global, folder: Option<PathBuf>, connection: String) -> anyhow::Result<ExitCode> {
    let archive = match folder {
        None => Vec::new(),
        Some(path) if path.is_dir() => tokio::task::spawn_blocking(move || archive_of(&path)).await??,
        Some(path) => {
            let archive = tokio::fs::read(&path).await.with_context(|| path.display().to_string())?;
            // Nothing sent means what stands in the packs' folder.
            anyhow::ensure!(
                !archive.is_empty(),
                "{}: the file is empty; `tidegate pack save` makes one",
                path.display()
            );
            archive
        }
    };
    bring(global, global.load_quietly()?, (connection, archive), None).await
}

/// Brings an archive to the host, and tells what became of it; `source` is where it was had from.
pub(super) async fn bring(
    global: &Global,
    config: Config,
    (connection, archive): (String, Vec<u8>),
    source: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let of = connection.clone();
    let work = |host: Local| async move { host.post_bytes("revisions", &[("connection", of.as_str())], archive).await };
    let mut staged = local::with_host(config, work).await?;
    if let (Some(source), Some(members)) = (source, staged.as_object_mut()) {
        members.insert("source".to_owned(), json!(source));
    }
    tell(global, &connection, &staged)
}

/// Says what became of a revision that was brought.
pub(super) fn tell(global: &Global, connection: &str, staged: &Value) -> anyhow::Result<ExitCode> {
    let is_verified = staged["state"] == VERIFIED;
    if global.json {
        output::json(staged)?;
    } else {
        let cells = |gate: &Value| {
            let outcome = if gate["ok"] == true { "holds".to_owned() } else { output::text(&gate["reason"]) };
            vec![output::text(&gate["gate"]), outcome]
        };
        let rows: Vec<Vec<String>> = staged["gates"].as_array().into_iter().flatten().map(cells).collect();
        output::table(&["GATE", "OUTCOME"], &rows, "No gate was tried.")?;
        let revision = output::text(&staged["revision"]);
        output::line(if is_verified {
            format!(
                "{connection}: revision {revision} is staged. See what it would change: tidegate pack preview {revision} \
                 --connection {connection}"
            )
        } else {
            format!("{connection}: refused. Nothing was kept, and what is in force stays so.")
        })?;
    }
    Ok(if is_verified { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
