//! `tidegate pack fixture`: a record as a fixture, with made-up values in it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use crate::cli::local::Local;
use crate::cli::{Global, local, output};

/// The fixture that is wanted.
pub(super) struct Wanted {
    pub id: String,
    pub kind: String,
    pub out: Option<PathBuf>,
    /// Whether values may stay as they are.
    pub keep: bool,
    pub connection: String,
}

/// Makes the fixture and writes it.
pub(super) async fn make(global: &Global, wanted: Wanted) -> anyhow::Result<ExitCode> {
    let query = [("connection", wanted.connection.as_str()), ("kind", &wanted.kind), ("external_id", &wanted.id)];
    let work = |host: Local| async move { host.ask("quarantine/fixture", &query).await };
    let found = local::with_host(global.load_quietly()?, work).await?;
    let kept: Vec<&str> = found["kept"].as_array().into_iter().flatten().filter_map(|place| place.as_str()).collect();
    if !kept.is_empty() && !wanted.keep {
        anyhow::bail!(
            "nothing was written: with any other value at {} the record would come out otherwise, so that these stay as \
             they are. If they tell of nobody, take the fixture with --keep",
            kept.join(", ")
        );
    }
    match wanted.out {
        None => output::json(&found["fixture"])?,
        Some(path) => {
            let text = format!("{:#}\n", found["fixture"]);
            tokio::fs::write(&path, text).await.with_context(|| path.display().to_string())?;
            if global.json {
                output::json(&found)?;
            } else {
                output::line(format!("{}.", path.display()))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
