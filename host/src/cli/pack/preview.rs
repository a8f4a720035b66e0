//! `tidegate pack preview`: a preview followed to its end, and shown as a table.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::cli::local::Local;
use crate::cli::{Global, local, output};

/// The pause between two looks at a preview that is under way.
const PAUSE: Duration = Duration::from_millis(250);

/// Makes a preview and shows it.
pub(super) async fn show(global: &Global, revision: &str, connection: String) -> anyhow::Result<ExitCode> {
    let is_quiet = global.json;
    let revision = revision.to_owned();
    let work = |host: Local| async move { make(&host, &connection, &revision, is_quiet).await };
    let preview = local::with_host(global.load_quietly()?, work).await?;
    if global.json {
        output::json(&preview)?;
    } else {
        print(&preview)?;
    }
    Ok(if preview["state"] == "done" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Makes a preview and follows it to its end.
pub(super) async fn make(host: &Local, connection: &str, revision: &str, is_quiet: bool) -> anyhow::Result<Value> {
    let mut preview = host.post(&format!("revisions/{revision}/preview?connection={connection}")).await?;
    let bar = if is_quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos} of {len} records")?);
    while preview["state"] == "running" {
        bar.set_length(preview["expected"].as_u64().unwrap_or_default());
        bar.set_position(preview["records"].as_u64().unwrap_or_default());
        tokio::time::sleep(PAUSE).await;
        let id = preview["id"].as_str().context("the preview has no id")?.to_owned();
        preview = host.get(&format!("previews/{id}")).await?;
    }
    bar.finish_and_clear();
    Ok(preview)
}

/// Whether a preview shows a large change.
pub(super) fn is_large(preview: &Value) -> bool {
    preview["is_large"] == true
}

/// The end of a sentence about the file notes and documents of the last month that could not be made any more; empty where
/// there are none.
pub(super) fn refused(preview: &Value) -> String {
    let counts = ["newly_refused", "documents_failed"].map(|member| preview["notes"][member].as_u64());
    match counts.into_iter().flatten().sum::<u64>() {
        0 => String::new(),
        1 => ", and 1 file note or document of the last month could not be made any more".to_owned(),
        many => format!(", and {many} file notes or documents of the last month could not be made any more"),
    }
}

/// The number of clients who would change in any way.
pub(super) fn changed(preview: &Value) -> u64 {
    let total =
        |kind: &Value| -> u64 { kind.as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum() };
    let kinds = preview["kinds"].as_object().into_iter().flatten().filter(|(kind, _)| *kind != "adviser");
    kinds.map(|(_, changes)| total(changes)).max().unwrap_or_default()
}

fn print(preview: &Value) -> anyhow::Result<()> {
    let text = |member: &str| output::text(&preview[member]);
    if let Some(error) = preview["error"].as_str() {
        return output::line(format!("The preview came to nothing: {error}."));
    }
    output::line(format!(
        "{}: from {} to {}, on {} records of which {} would differ. Nothing has changed yet.",
        text("connection"),
        text("from"),
        text("to"),
        text("records"),
        text("differing"),
    ))?;
    let rules = preview["rules"].as_array().into_iter().flatten();
    let or_none = |value: &Value| value.as_str().unwrap_or("–").to_owned();
    let rules = rules.map(|rule| vec![output::text(&rule["path"]), or_none(&rule["from"]), or_none(&rule["to"])]);
    output::table(&["RULE", "NOW", "THEN"], &rules.collect::<Vec<_>>(), "No value of the rules differs.")?;
    if preview["has_other_plugin"] == true {
        output::line("The plugin is another, too.".to_owned())?;
    }
    if preview["has_other_documents"] == true {
        output::line("The templates of documents differ, which no record shows.".to_owned())?;
    }
    let not_asked: Vec<&str> =
        preview["not_asked_yet"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !not_asked.is_empty() {
        output::line(format!(
            "The CRM was not asked for {} yet: what stands there is known after the next sync, and counts as empty here.",
            not_asked.join(", ")
        ))?;
    }
    let counts = preview["clients"].as_object().into_iter().flatten();
    let counts = counts.map(|(what, count)| vec![what.replace('_', " "), output::text(count)]);
    output::table(&["CLIENTS", "COUNT"], &counts.collect::<Vec<_>>(), "")?;
    let value = |value: &Value| value.as_str().map_or_else(|| "–".to_owned(), |text| format!("“{text}”"));
    let change = |one: &Value| {
        let examples = one["examples"].as_array().into_iter().flatten().take(2);
        let example = |of: &Value| {
            format!("{} → {} ({})", value(&of["from"]), value(&of["to"]), output::text(&of["external_id"]))
        };
        vec![
            output::text(&one["kind"]),
            output::text(&one["field"]),
            output::text(&one["count"]),
            examples.map(example).collect::<Vec<_>>().join(", "),
        ]
    };
    let rows: Vec<_> = preview["changes"].as_array().into_iter().flatten().map(change).collect();
    output::table(&["KIND", "FIELD", "COUNT", "FOR EXAMPLE"], &rows, "No field would change.")?;
    let mut rows = Vec::new();
    for (side, sign) in [("appear", "+"), ("disappear", "−")] {
        let codes = preview["diagnostics"][side].as_object().into_iter().flatten();
        rows.extend(codes.map(|(code, count)| vec![code.clone(), format!("{sign}{count}")]));
    }
    output::table(&["DIAGNOSTIC", "CHANGE"], &rows, "No diagnostic would come or go.")?;
    for (kind, count) in preview["leaving"].as_object().into_iter().flatten() {
        output::line(format!("{count} {kind}s would leave the book with the clients who are newly left out."))?;
    }
    let [joining, parting] = ["joining", "parting"].map(|what| output::text(&preview["households"][what]["count"]));
    output::line(format!("Households: {joining} would join, {parting} would part."))?;
    let of_notes = |member: &str| preview["notes"][member].as_u64().unwrap_or_default();
    output::line(format!(
        "File notes of the last month: {} written once more, {} would read otherwise, {} would not be written any more.",
        of_notes("compared"),
        of_notes("changed"),
        of_notes("newly_refused"),
    ))?;
    if of_notes("documents_compared") > 0 {
        output::line(format!(
            "Their documents: {} made by both, {} would look otherwise, {} could not be made any more.",
            of_notes("documents_compared"),
            of_notes("documents_changed"),
            of_notes("documents_failed"),
        ))?;
    }
    let not_compared = preview["not_compared"].as_u64().unwrap_or_default();
    if not_compared > 0 {
        output::line(format!("{not_compared} records are not kept as they came, and could not be compared."))?;
    }
    if let Some(ratio) = preview["time_ratio"].as_f64() {
        output::line(format!("Mapping takes {ratio} × the time that it takes now."))?;
    }
    Ok(())
}
