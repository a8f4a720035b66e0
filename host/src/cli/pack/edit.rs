//! `tidegate pack files` and `tidegate pack edit`: a revision's files as operators edit them.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::stage;
use crate::cli::local::Local;
use crate::cli::{Global, WrongUse, local, output};

/// Lists a revision's files, or prints one as it is.
pub(super) async fn files(
    global: &Global,
    revision: &str,
    path: Option<String>,
    connection: String,
) -> anyhow::Result<ExitCode> {
    let of = format!("revisions/{revision}/files");
    let Some(path) = path else {
        let work =
            |host: Local| async move { host.list(&of, &[("connection", connection.as_str())], usize::MAX).await };
        let files = local::with_host(global.load_quietly()?, work).await?;
        if global.json {
            output::json(&files)?;
            return Ok(ExitCode::SUCCESS);
        }
        let cells = |file: &Value| ["path", "kind", "bytes", "base"].map(|member| output::text(&file[member])).to_vec();
        let rows: Vec<Vec<String>> = files.iter().map(cells).collect();
        output::table(&["PATH", "KIND", "BYTES", "BASE"], &rows, "It has no files that are edited.")?;
        return Ok(ExitCode::SUCCESS);
    };
    let of = format!("{of}/{}?connection={connection}", path.replace('/', "%2F"));
    let file = local::with_host(global.load_quietly()?, |host: Local| async move { host.get(&of).await }).await?;
    if global.json {
        output::json(&file)?;
    } else {
        output::line(file["text"].as_str().unwrap_or_default().trim_end_matches('\n'))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks a revision with other texts in place of some of its files, or stages it.
pub(super) async fn edit(
    global: &Global,
    revision: &str,
    (given, check): (Vec<String>, bool),
    connection: String,
) -> anyhow::Result<ExitCode> {
    let mut files = Map::new();
    for one in given {
        let (path, file) = one
            .split_once('=')
            .ok_or_else(|| WrongUse(format!("`{one}` is to be the file's path, `=`, and the file with its text")))?;
        let text = tokio::fs::read_to_string(file).await.with_context(|| file.to_owned())?;
        files.insert(path.to_owned(), text.into());
    }
    let verb = if check { "check" } else { "edit" };
    let of = format!("revisions/{revision}/{verb}?connection={connection}");
    let work = |host: Local| async move { host.post_json(&of, &json!({ "files": files })).await };
    let answer = local::with_host(global.load_quietly()?, work).await?;
    if !check {
        return stage::tell(global, &connection, &answer);
    }
    if global.json {
        output::json(&answer)?;
    } else {
        let cells = |one: &Value| ["file", "line", "path", "message"].map(|member| output::text(&one[member])).to_vec();
        let rows: Vec<Vec<String>> = answer["problems"].as_array().into_iter().flatten().map(cells).collect();
        output::table(&["FILE", "LINE", "PLACE", "PROBLEM"], &rows, "No problem found.")?;
    }
    Ok(if answer["ok"] == true { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
