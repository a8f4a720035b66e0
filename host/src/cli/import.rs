//! `tidegate import`: which of the practice's clients is which in the CRM, before the first sync.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use super::local::Local;
use super::{Global, WrongUse, local, output};
use crate::crm::registry::Registry;
use crate::import::LARGEST_FILE;

/// Rows that are printed of those that are not ready.
const SHOWN: usize = 20;

#[derive(Args)]
#[command(after_help = help())]
pub(super) struct Import {
    /// The list
    file: PathBuf,
    /// Whose ids the list has [default: the only connection]
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// The sheet of a workbook that is the list [default: the first that is shown and has the headings]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Link the clients of the rows that are ready
    #[arg(long)]
    apply: bool,
}

fn help() -> String {
    let headings: Vec<&str> = Registry::BUILT_IN.all().map(|kind| kind.id_column.heading).collect();
    format!(
        "\
The list is a CSV file or an .xlsx workbook with the headings First Name, Last Name, Email and {}, in any order.
Nothing is changed without --apply.

Examples:
  tidegate import clients.xlsx --connection main           read the list and say what would be linked
  tidegate import clients.xlsx --connection main --apply   the same, and link what is ready
  tidegate import clients.csv --connection main --json     the preview for a program",
        headings.join(" or ")
    )
}

impl Import {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let config = global.load_quietly()?;
        // The host says that it is too large, and of what never ends that much is enough.
        let read = async || {
            let mut list = Vec::new();
            let file = tokio::fs::File::open(&self.file).await?;
            file.take(LARGEST_FILE as u64 + 1).read_to_end(&mut list).await?;
            Ok::<_, io::Error>(list)
        };
        let list =
            read().await.map_err(|error| WrongUse(format!("{} cannot be read: {error}", self.file.display())))?;
        let name = self.file.file_name().and_then(|name| name.to_str()).unwrap_or("list").to_owned();
        let spinner = spinner(global.json);
        let (connection, sheet, apply) = (self.connection, self.sheet, self.apply);
        let work = |host: Local| async move {
            spinner.set_message("reading and comparing the list");
            let mut query = vec![("file_name", name.as_str())];
            query.extend(connection.as_deref().map(|name| ("connection", name)));
            query.extend(sheet.as_deref().map(|name| ("sheet", name)));
            let mut import = host.post_bytes("imports", &query, list).await?;
            let id = import["id"].as_str().context("the import has no id")?.to_owned();
            if apply {
                spinner.set_message("linking");
                import = host.post(&format!("imports/{id}/apply")).await?;
            }
            let mut doubtful = Vec::new();
            for status in ["needs_decision", "cannot_be_imported"] {
                doubtful.extend(host.list(&format!("imports/{id}/rows"), &[("status", status)], SHOWN).await?);
            }
            spinner.finish_and_clear();
            Ok((import, doubtful))
        };
        let (import, doubtful) = local::with_host(config, work).await?;
        if global.json {
            output::json(&json!({"import": import, "doubtful": doubtful}))?;
        } else {
            print(&import, &doubtful, apply)?;
        }
        let all_linked = import["counts"]["not_linked"] == 0;
        Ok(if all_linked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn spinner(json: bool) -> ProgressBar {
    if json || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner();
    spinner.enable_steady_tick(Duration::from_millis(200));
    spinner
}

fn print(import: &Value, doubtful: &[Value], applied: bool) -> anyhow::Result<()> {
    let counts = &import["counts"];
    let count = |key: &str| counts[key].as_u64().unwrap_or(0);
    output::line(format!(
        "{} rows: {} to link, {} to decide, {} left out, {} linked, {} not linked, {} can't be used",
        count("rows"),
        count("to_link"),
        count("undecided"),
        count("left_out"),
        count("linked"),
        count("not_linked"),
        count("cannot_be_imported")
    ))?;
    print_source(&import["source"])?;
    let text = |value: &Value| value.as_str().unwrap_or("–").to_owned();
    let rows: Vec<Vec<String>> = doubtful
        .iter()
        .map(|row| {
            let reasons = row["reasons"].as_array().into_iter().flatten();
            let reasons: Vec<&str> = reasons.filter_map(|reason| reason["message"].as_str()).collect();
            let name = format!("{} {}", text(&row["first_name"]), text(&row["last_name"]));
            vec![row["number"].to_string(), name, text(&row["external_id"]), reasons.join(" ")]
        })
        .collect();
    if !rows.is_empty() {
        output::table(&["ROW", "NAME", "ID", "WHY"], &rows, "")?;
        let more = count("needs_decision") + count("cannot_be_imported");
        if more > rows.len() as u64 {
            output::line(format!("… {more} in all; the page Imports and GET /api/v1/imports/{{id}}/rows show them"))?;
        }
    }
    if applied {
        return Ok(());
    }
    output::line("Nothing was changed. --apply links what is ready; doubtful rows are decided on the page Imports.")
}

/// Prints the counts of what else is in the file.
fn print_source(source: &Value) -> anyhow::Result<()> {
    let count = |key: &str| source[key].as_u64().unwrap_or(0);
    output::line(format!(
        "{} lines: {} down to the headings, {} blank, {} that go on with a row, and the rows",
        count("lines"),
        count("above"),
        count("blank"),
        count("continued")
    ))?;
    if count("hidden") > 0 {
        output::line(format!("{} rows are hidden in the workbook; each needs a decision", count("hidden")))?;
    }
    for other in source["other_sheets"].as_array().into_iter().flatten() {
        let (name, rows) = (other["name"].as_str().unwrap_or_default(), &other["rows"]);
        let hidden = if other["is_hidden"] == true { "hidden " } else { "" };
        let list = if other["has_headings"] == true { "; --sheet reads it" } else { "" };
        output::line(format!("The {hidden}sheet \"{name}\" with {rows} rows was not read{list}"))?;
    }
    Ok(())
}
