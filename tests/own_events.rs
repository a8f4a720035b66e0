//! An event that only a pack brings: from its form, by way of what is wrong with it, to its note in the CRM; and what is left of
//! it when the pack before is in force again.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Answer, Host};
use tokio::process::Command;

use crate::packs::{host, text};

const TYPE: &str = "annual-review.completed";

const EVENT: &str = r#"
label = "Annual review completed"
what = "What was agreed goes to the CRM, with the signed review if there is one."
documents = "optional"

[schema]
description = "A review with a household is done."
type = "object"
additionalProperties = false
required = ["summary", "mood"]

[[schema.examples]]
summary = "All on track"
mood = "good"
next_steps = ["Send the new quote"]

[schema.properties]
summary = { title = "Summary", type = "string", minLength = 1, maxLength = 200, x-form = { lines = 4 } }
mood = { title = "How it went", type = "string", enum = ["good", "so-so"], x-form = { labels = { good = "Well" } } }
fee = { title = "Fee for the next year", description = "Before tax.", type = "number", minimum = 0 }
next_on = { title = "Next review", type = "string", format = "date" }
next_steps = { title = "Next steps", type = "array", maxItems = 5, items = { title = "Step", type = "string", minLength = 1 }, x-form = { add = "Add a step", rows = 2 } }
"#;

const NOTE: &str = r#"
note_type = "General"
note_subtype = "General"
filed_against = "about"
attachments = true
subject = "Annual review with {{ related }}"
body = """
{{ data.summary }}
It went {{ data.mood }}.
{%- if "fee" in data %}
Fee {{ data.fee }}
{%- endif %}
{%- if "next_on" in data %}
Next on {{ data.next_on }}
{%- endif %}
{%- if "next_steps" in data %}
{%- for step in data.next_steps %}
- {{ step }}
{%- endfor %}
{%- endif %}
"""
"#;

fn write(pack: &Path, event: &str) -> Result<()> {
    for folder in ["events", "notes"] {
        fs::create_dir_all(pack.join(folder))?;
    }
    fs::write(pack.join(format!("events/{TYPE}.toml")), event)?;
    Ok(fs::write(pack.join(format!("notes/{TYPE}.toml")), NOTE)?)
}

async fn activate(host: &Host) -> Result<()> {
    let output = host.run(&["pack", "activate", "--connection", "main", "--yes", "--json"]).await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

async fn types(host: &Host) -> Result<Vec<String>> {
    let listed = host.get("/api/v1/events/types?connection=main").await?.ok()?;
    let types = listed["items"].as_array().context("a list")?.iter();
    Ok(types.map(|one| one["type"].as_str().unwrap_or_default().to_owned()).collect())
}

async fn is_described(host: &Host) -> Result<bool> {
    let document = host.get("/api/openapi.json").await?.ok()?;
    let named = &document["components"]["schemas"]["Event"]["discriminator"]["mapping"][TYPE];
    let schema = &document["components"]["schemas"][format!("Event.{TYPE}")];
    ensure!(named.is_string() == schema["properties"]["data"]["properties"]["summary"].is_object(), "{schema}");
    Ok(named.is_string())
}

fn review(household: &Value, data: &Value) -> Value {
    json!({ "type": TYPE, "household_id": household, "occurred_at": jiff::Timestamp::now(), "data": data })
}

fn pointers(refused: &Answer) -> Result<Vec<String>> {
    ensure!(refused.status == 422, "{} {}", refused.status, refused.text);
    let errors = refused.json()?["errors"].take();
    let errors = errors.as_array().cloned().unwrap_or_default();
    Ok(errors.iter().map(|one| format!("{} {}", one["pointer"], one["detail"])).collect())
}

async fn page(host: &Host, path: &str, cookie: &str) -> Result<Answer> {
    host.send(host.http().get(host.url(path)).header("cookie", cookie)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_a_pack_brings_goes_from_its_form_to_its_note() -> Result<()> {
    let (mut host, pack) = host(6).await?;
    host.restart().await?;
    host.sync_and_wait().await?;
    let household = host.get("/api/v1/households?limit=1").await?.ok()?["items"][0]["id"].take();
    let path = format!("/households/{}", household.as_str().context("an id")?);
    let cookie = host.sign_up().await?;
    let record = format!("{path}/record/{TYPE}");

    // Nobody knows it yet.
    let good = json!({ "summary": "All on track", "mood": "good" });
    let refused = pointers(&host.post_event("early", &review(&household, &good.clone())).await?)?;
    ensure!(refused.len() == 1 && refused[0].contains("/type") && refused[0].contains("note.written"), "{refused:?}");
    ensure!(page(&host, &record, &cookie).await?.status == 404 && !is_described(&host).await?);
    let before = types(&host).await?;

    // What cannot be asked for is refused, with its place, and changes nothing.
    write(&pack, &EVENT.replace("minLength = 1, maxLength = 200", "pattern = \"a+\""))?;
    let staged = host.post("/api/v1/revisions?connection=main", &Value::Null).await?;
    let told = format!("events/{TYPE}.toml: line 18, schema.properties.summary.pattern: is not used in events");
    ensure!(
        staged.status == 422 && staged.text.contains(&told) && staged.text.contains("\"events\""),
        "{}",
        staged.text
    );
    // So is an event of whose example no note can be written.
    write(&pack, &EVENT.replace("summary = \"All", "fee = \"All"))?;
    let staged = host.post("/api/v1/revisions?connection=main", &Value::Null).await?;
    ensure!(
        staged.status == 422 && staged.text.contains("schema.examples.0.summary: the example does not fit"),
        "{}",
        staged.text
    );
    fs::remove_file(pack.join(format!("notes/{TYPE}.toml")))?;
    fs::create_dir_all(pack.join("events"))?;
    fs::write(pack.join(format!("events/{TYPE}.toml")), EVENT)?;
    let staged = host.post("/api/v1/revisions?connection=main", &Value::Null).await?;
    ensure!(
        staged.status == 422 && staged.text.contains(&format!("write its template, notes/{TYPE}.toml")),
        "{}",
        staged.text
    );

    write(&pack, EVENT)?;
    activate(&host).await?;
    ensure!(is_described(&host).await?);
    let now = types(&host).await?;
    ensure!(now[..6] == before[..] && now[6] == TYPE, "{now:?}");
    let bad = json!({ "summary": "", "mood": "awful", "fee": -1, "next_on": "soon", "next_steps": [""] });
    let told = pointers(&host.post_event("bad", &review(&household, &bad)).await?)?;
    ensure!(
        told.len() == 5 && told[1].contains("/data/mood") && told[1].contains("must be one of: good, so-so"),
        "{told:?}"
    );

    by_a_browser(&host, &path, &cookie).await?;
    let notes = host.get("/api/v1/notes?event_type=annual-review.completed").await?.ok()?;
    let note = notes["items"][0].clone();
    let address = format!("/api/v1/notes/{}", note["id"].as_str().context("an id")?);
    host.wait_for(&address, |note| note["state"] == "done").await?;
    let in_crm = host.crm().notes();
    let found =
        in_crm.iter().find(|one| one.subject.starts_with("Annual review with ")).context("the note is in the CRM")?;
    let body = "Stays the course.\n\nMore next year.\nIt went good.\nFee 1250.5\nNext on 2027-03-01\n- Send the quote\n- Call Sam";
    let written = host.get(&address).await?.ok()?;
    ensure!(text(&written["subject"]) == found.subject, "{written}");
    ensure!(text(&written["body"]).contains(body), "{written}");
    ensure!(
        note["event_label"] == "Annual review completed" && note["attachments"][0]["filename"] == "review.pdf",
        "{note}"
    );

    what_no_longer_fits_is_told(&host, &pack).await?;

    // Back to the pack before: the event is gone, and its note is not.
    let output = host.run(&["pack", "rollback", "--connection", "main", "--yes", "--json"]).await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    ensure!(types(&host).await? == before && !is_described(&host).await?);
    ensure!(page(&host, &record, &cookie).await?.status == 404);
    ensure!(!page(&host, &format!("{path}/record"), &cookie).await?.text.contains("Annual review"));
    let refused = pointers(&host.post_event("late", &review(&household, &good)).await?)?;
    ensure!(refused[0].contains("/type"), "{refused:?}");
    let kept = page(&host, &format!("/notes/{}", note["id"].as_str().context("an id")?), &cookie).await?;
    ensure!(
        kept.status == 200 && kept.text.contains("Annual review completed") && kept.text.contains("Stays the course.")
    );
    let listed = page(&host, "/notes?event_type=annual-review.completed", &cookie).await?;
    ensure!(listed.text.contains("Annual review with "), "{}", listed.text);
    Ok(())
}

/// The form, filled in as a person does who makes every mistake first.
async fn by_a_browser(host: &Host, household: &str, cookie: &str) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/own-event.mjs");
    let mut browser = Command::new("node");
    browser.arg(script).env("HOST", host.url("")).env("HOUSEHOLD", household).env("COOKIE", cookie);
    let output = browser.stdin(Stdio::null()).kill_on_drop(true).output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{said}\n{}\n{}", String::from_utf8_lossy(&output.stderr), host.log_tail());
    Ok(())
}

/// A preview of a pack whose event asks for less tells of the note that would not be written any more, and why.
async fn what_no_longer_fits_is_told(host: &Host, pack: &Path) -> Result<()> {
    write(pack, &EVENT.replace("maxLength = 200", "maxLength = 20"))?;
    let staged = host.post("/api/v1/revisions?connection=main", &Value::Null).await?.ok()?;
    let revision = staged["revision"].as_str().context("a revision")?;
    let path = format!("/api/v1/revisions/{revision}/preview?connection=main");
    let begun = host.post(&path, &Value::Null).await?.ok()?;
    let path = format!("/api/v1/previews/{}", begun["id"].as_str().context("an id")?);
    let seen = host.wait_for(&path, |preview| preview["state"] != "running").await?;
    ensure!(seen["notes"]["newly_refused"] == 1, "{seen}");
    let notes = host.get(&format!("{path}/notes")).await?.ok()?;
    let why = notes["items"][0]["refused"].as_str().unwrap_or_default().to_owned();
    ensure!(why.contains("/data/summary must have at most 20 characters"), "{notes}");
    write(pack, EVENT)
}
