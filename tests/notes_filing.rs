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
