//! The file notes and documents of the last month in a preview: as another revision would write them, before it is in force.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, file_of};

use crate::packs::host;

/// The preview of what stands in the packs' folder by now.
async fn preview(host: &Host) -> Result<Value> {
    let staged = host.post("/api/v1/revisions?connection=main", &Value::Null).await?.ok()?;
    ensure!(staged["state"] == "verified", "{staged}");
    let revision = staged["revision"].as_str().context("a revision")?;
    let path = format!("/api/v1/revisions/{revision}/preview?connection=main");
    let begun = host.post(&path, &Value::Null).await?.ok()?;
    let path = format!("/api/v1/previews/{}", begun["id"].as_str().context("an id")?);
    host.wait_for(&path, |preview| preview["state"] != "running").await
}

async fn notes(host: &Host, preview: &Value) -> Result<Vec<Value>> {
    let path = format!("/api/v1/previews/{}/notes?limit=1", preview["id"].as_str().context("an id")?);
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut page = host.get(&format!("{path}{cursor}")).await?.ok()?;
        found.append(page["items"].as_array_mut().context("a list")?);
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(found),
        }
    }
}

#[tokio::test]
async fn notes_and_documents_of_the_last_month_show_how_they_would_be() -> Result<()> {
    let (mut host, pack) = host(6).await?;
    host.restart().await?;
    host.sync_and_wait().await?;
    let households = host.get("/api/v1/households?limit=2").await?.ok()?;
    let [first, second] = [0, 1].map(|place| households["items"][place]["id"].clone());
    let send = async |event: &str, household: &Value, data: Value, key: &str| {
        let event =
            json!({ "type": event, "household_id": household, "occurred_at": jiff::Timestamp::now(), "data": data });
        host.post_event(key, &event).await?.ok()
    };
    let subject = "Called about the plan";
    let called = json!({ "subject": subject, "body": "They asked for a copy.\nSent the same day." });
    let called = send("note.written", &first, called, "called").await?;
    send("best-life-plan.exported", &first, json!({}), "plan").await?;
    send("investment-preferences.exported", &second, json!({}), "preferences").await?;

    // A template of a note and one of a document are edited, a rule of nobody's record is not.
    let note = file_of(&pack, "notes/note.written.toml");
    let shipped = fs::read_to_string(&note)?;
    let edited = shipped.replace("subject = \"{{ data.subject }}\"", "subject = \"File note: {{ data.subject }}\"");
    ensure!(edited != shipped);
    fs::write(&note, &edited)?;
    let template = file_of(&pack, "documents/best-life-plan.exported.typ");
    let plan = fs::read_to_string(&template)?;
    fs::write(&template, format!("{plan}\n#pagebreak()\n= What we talk about next\n"))?;
    let seen = preview(&host).await?;
    let counts = &seen["notes"];
    ensure!(seen["state"] == "done" && seen["differing"] == 0 && seen["is_large"] == false, "{seen}");
    ensure!(counts["compared"] == 3 && counts["changed"] == 1 && counts["newly_refused"] == 0, "{counts}");
    ensure!(counts["documents_compared"] == 2 && counts["documents_changed"] == 1, "{counts}");
    let listed = notes(&host, &seen).await?;
    ensure!(listed.len() == 2, "{listed:?}");
    let [of_plan, of_call] = [&listed[0], &listed[1]];
    ensure!(of_call["note"] == called["id"] && of_call["household_id"] == first, "{of_call}");
    let fields = json!([{ "field": "subject", "item": null, "from": subject, "to": format!("File note: {subject}") }]);
    ensure!(of_call["fields"] == fields && of_call["has_other_document"] == false, "{of_call}");
    ensure!(of_plan["fields"] == json!([]) && of_plan["has_other_document"] == true, "{of_plan}");
    let [id, of] = [&seen["id"], &of_plan["note"]].map(|id| id.as_str().unwrap_or_default().to_owned());
    let document = host.http().get(host.url(&format!("/api/v1/previews/{id}/notes/{of}/document")));
    let document = document.bearer_auth(tidegate_tests::TOKEN).send().await?.error_for_status()?.bytes().await?;
    ensure!(document.starts_with(b"%PDF-"), "the document as it would be");
    let file = host.get(&format!("/api/v1/previews/{id}/file")).await?;
    ensure!(file.text.lines().count() == 2 && file.text.contains(&format!("File note: {subject}")), "{}", file.text);
    let cookie = host.sign_up().await?;
    let page =
        host.http().get(host.url(&format!("/settings/integrations/main/previews/{id}"))).header("cookie", cookie);
    let page = host.send(page).await?.text;
    for words in ["File note: Called about the plan", "The document as it would be", "1 would read otherwise"] {
        ensure!(page.contains(words), "{words:?} is not on the page:\n{page}");
    }
    let sent = host.get(&format!("/api/v1/notes/{}", called["id"].as_str().unwrap_or_default())).await?.ok()?;
    ensure!(sent["subject"] == subject, "what was written stays: {sent}");

    // Templates that cannot write what was written are asked for twice.
    let of_these =
        "{% if 'Sent the same day' in data.body %}{{ data.subject.no_such.thing }}{% endif %}{{ data.subject }}";
    fs::write(&note, shipped.replace("{{ data.subject }}", of_these))?;
    fs::write(&template, &plan)?;
    let broken = preview(&host).await?;
    ensure!(broken["notes"]["newly_refused"] == 1 && broken["is_large"] == true, "{broken}");
    ensure!(broken["notes"]["documents_compared"] == 0, "no template of a document is another: {broken}");
    let listed = notes(&host, &broken).await?;
    ensure!(listed[0]["refused"].is_string() && listed[0]["fields"] == json!([]), "{listed:?}");
    Ok(())
}
