//! Notes whose client is unlinked, or linked to somebody else, before they go out.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup};
use xplan_sandbox::FaultPlan;

#[tokio::test]
async fn a_note_goes_to_nobody_else_when_its_client_is_linked_elsewhere_meanwhile() -> Result<()> {
    let host = Host::start(Setup::with_clients(10)).await?;
    host.sync_and_wait().await?;
    // Somebody whom the CRM has and no sync has brought.
    let other = host.crm().add(host.crm().book(xplan_sandbox::Book::newcomer));
    let away = "too_many_requests:retry_after=1,on=docnote-v2,method=POST".parse()?;
    host.crm().set_faults(FaultPlan { seed: 1, rules: vec![away] });
    let client = host.get("/api/v1/clients?limit=1").await?.ok()?["items"][0].take();
    let event = json!({
        "type": "note.written", "household_id": client["household_id"], "client_id": client["id"],
        "occurred_at": "2026-03-02T01:30:00Z", "data": { "subject": "Called", "body": "Called about the plan" },
    });
    let note = host.post_event("filed", &event).await?.ok()?;
    let note = format!("/api/v1/notes/{}", note["id"].as_str().context("an id")?);
    host.wait_for(&note, |note| note["state"] == "waiting").await?;

    let client = format!("/api/v1/clients/{}", client["id"].as_str().context("an id")?);
    host.post(&format!("{client}/unlink"), &Value::Null).await?.ok()?;
    host.crm().set_faults(FaultPlan::default());
    let waiting = host.wait_for(&note, |note| note["stage"] == "waiting_for_link").await?;
    ensure!(waiting["reason"].as_str().is_some_and(|reason| reason.contains("is linked")), "{waiting}");
    let link = json!({ "connection": "main", "external_id": other.to_string() });
    host.post(&format!("{client}/link"), &link).await?.ok()?;
    let waiting = host.wait_for(&note, |note| note["stage"] == "waiting_for_refiling").await?;
    let reason = waiting["reason"].as_str().context("a reason")?;
    ensure!(reason.contains(&format!("linked to {other} of main")), "{reason}");
    ensure!(host.crm().notes().is_empty(), "nothing was sent to anybody");

    host.post(&format!("{note}/retry"), &Value::Null).await?.ok()?;
    host.wait_for(&note, |note| note["state"] == "done").await?;
    let filed: Vec<Vec<u32>> = host.crm().notes().into_iter().map(|note| note.entity_ids).collect();
    ensure!(filed == [vec![other]], "{filed:?}");
    Ok(())
}

#[tokio::test]
async fn a_person_names_no_note_of_somebody_else_for_one_in_doubt() -> Result<()> {
    let mut setup = Setup::with_clients(30);
    setup.settings = "[crm]\nrequest-timeout = \"2s\"\n\n[notes]\nsite-lag = \"1s\"\n".to_owned();
    let host = Host::start(setup).await?;
    host.sync_and_wait().await?;
    let households = host.get("/api/v1/households?limit=2").await?.ok()?["items"].take();
    let write = async |key: &str, household: &Value| -> Result<String> {
        let event = json!({
            "type": "note.written", "household_id": household["id"],
            "occurred_at": "2026-03-02T01:30:00Z", "data": { "subject": "Called", "body": "Called about the plan" },
        });
        let note = host.post_event(key, &event).await?.ok()?;
        Ok(format!("/api/v1/notes/{}", note["id"].as_str().context("an id")?))
    };
    let others = write("others", &households[0]).await?;
    let others = host.wait_for(&others, |note| note["state"] == "done").await?["document_id"].take();
    host.crm().set_note_habits(xplan_sandbox::NoteHabits { drops_markers: true, ..Default::default() });
    let cut = "cut_after:times=1,method=POST,on=docnote-v2".parse()?;
    host.crm().set_faults(FaultPlan { seed: 1, rules: vec![cut] });
    let note = write("doubted", &households[1]).await?;
    host.wait_for(&note, |note| note["stage"] == "in_doubt").await?;
    let own = host.crm().notes().last().context("a note in the CRM")?.id;
    let resolve = async |id: &Value| host.post(&format!("{note}/resolve"), &json!({ "document_id": id })).await;
    let first = |of: &Value| -> Result<u32> {
        Ok(of["members"][0]["external_id"].as_str().context("a member is linked")?.parse()?)
    };
    let (theirs, ours) = (first(&households[0])?, first(&households[1])?);
    let by_hand = |whose: Vec<u32>| host.crm().write_note(own, whose).map_or(Value::Null, |id| json!(id.to_string()));
    let cases = [
        (others, "another file note of this host"),
        (json!("999999"), "shows no note 999999"),
        (by_hand(vec![theirs]), "about others, too"),
        (by_hand(vec![ours, theirs]), "about others, too"),
    ];
    for (wrong, because) in &cases {
        let answer = resolve(wrong).await?;
        ensure!(answer.status == 422 && answer.text.contains(because), "{wrong}: {} {}", answer.status, answer.text);
    }
    host.crm().set_faults(FaultPlan { seed: 1, rules: vec!["bad_gateway:on=docnote-v2".parse()?] });
    let answer = resolve(&json!(own.to_string())).await?;
    ensure!(answer.status == 409 && answer.text.contains("try again"), "{} {}", answer.status, answer.text);
    host.crm().set_faults(FaultPlan::default());
    resolve(&json!(own.to_string())).await?.ok()?;
    host.wait_for(&note, |note| note["state"] == "done").await?;
    Ok(())
}

#[tokio::test]
async fn a_site_that_asked_to_be_left_alone_is_not_asked_by_the_next_process_either() -> Result<()> {
    let mut host = Host::start(Setup::with_clients(20)).await?;
    host.sync_and_wait().await?;
    let away = "too_many_requests:retry_after=3000,on=docnote-v2,method=POST".parse()?;
    host.crm().set_faults(FaultPlan { seed: 1, rules: vec![away] });
    let households = host.get("/api/v1/households?limit=2").await?.ok()?["items"].take();
    for (number, household) in households.as_array().into_iter().flatten().enumerate() {
        let event = json!({
            "type": "note.written", "household_id": household["id"],
            "occurred_at": "2026-03-02T01:30:00Z", "data": { "subject": "Called", "body": "Called about the plan" },
        });
        host.post_event(&format!("left-{number}"), &event).await?.ok()?;
    }
    let path = "/api/v1/connections/main";
    let before = host.wait_for(path, |main| main["left_alone_until"].is_string()).await?["left_alone_until"].take();
    // It is kept within seconds.
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    host.kill().await?;
    let asked = host.crm().stats().requests;
    host.restart().await?;
    let after = host.wait_for(path, |main| main["left_alone_until"].is_string()).await?["left_alone_until"].take();
    let seconds = |at: &Value| at.as_str().unwrap_or_default().parse::<jiff::Timestamp>().map(|at| at.as_second());
    ensure!(seconds(&before)?.abs_diff(seconds(&after)?) < 5, "{before} {after}");
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    ensure!(host.crm().stats().requests == asked, "the site was asked");

    host.crm().set_faults(FaultPlan::default());
    host.sync_and_wait().await?;
    let is_done =
        |list: &Value| list["items"].as_array().is_some_and(|all| all.iter().all(|note| note["state"] == "done"));
    host.wait_for("/api/v1/notes?limit=10", is_done).await?;
    ensure!(host.crm().notes().len() == 2);
    Ok(())
}
