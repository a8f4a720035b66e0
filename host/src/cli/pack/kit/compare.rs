//! `tidegate pack diff`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use super::engine;
use crate::cli::{Global, output};
use crate::kit::{Project, compare, read_records};
use crate::pack::dialects;

/// Differences that are printed; all of them are in JSON.
const MOST_SHOWN: usize = 50;

#[derive(Args)]
pub(in crate::cli) struct Diff {
    /// The folder of the pack as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The folder of the pack as it is to be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Raw records, a line each, or a folder of fixtures
    #[arg(long, value_name = "FILE")]
    records: PathBuf,
    /// The dialect in which the records are [default: the one that rules.toml is written for]
    #[arg(long, value_name = "NAME")]
    dialect: Option<String>,
}

/// Compares what two revisions make of records.
pub(super) async fn run(global: &Global, diff: Diff) -> anyhow::Result<ExitCode> {
    let config = global.load_quietly()?;
    let work = move || {
        let [old, new] = [&diff.old, &diff.new].map(|folder| Project::find(folder).map(|project| project.pack));
        let (old, new) = (old?, new?);
        let records = read_records(&diff.records)?;
        let packs = engine(&config)?;
        let dialect = diff.dialect.unwrap_or_else(|| dialects(&new).into_iter().next().unwrap_or_default());
        let [old, new] = [old, new].map(|pack| packs.load_untested(&pack, &dialect));
        anyhow::Ok(compare(&old?, &new?, &dialect, &records))
    };
    let found = tokio::task::spawn_blocking(work).await??;
    if global.json {
        output::json(&found)?;
    } else {
        let rows: Vec<Vec<String>> =
            found.fields.iter().map(|(field, count)| vec![field.clone(), count.to_string()]).collect();
        if !rows.is_empty() {
            output::table(&["FIELD", "RECORDS"], &rows, "")?;
            let cells = |one: &crate::kit::Difference| {
                vec![one.kind.to_owned(), one.id.clone(), one.field.clone(), short(&one.from), short(&one.to)]
            };
            let rows: Vec<Vec<String>> = found.differences.iter().take(MOST_SHOWN).map(cells).collect();
            output::line("")?;
            output::table(&["KIND", "ID", "FIELD", "FROM", "TO"], &rows, "")?;
            let more = found.differences.len().saturating_sub(MOST_SHOWN);
            if more > 0 {
                output::line(format!("and {more} more; --json has them all"))?;
            }
        }
        output::line(format!("{} of {} records become something else.", found.differing, found.records))?;
    }
    Ok(if found.differing == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A value in a cell: none as a dash, a long one cut.
fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => return "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(money) if money.contains_key("amount") => {
            ["amount", "currency"].map(|part| output::text(&money[part])).join(" ")
        }
        other => other.to_string(),
    };
    let text = text.replace(char::is_control, " ");
    if text.chars().count() > 40 { text.chars().take(39).chain(['…']).collect() } else { text }
}
