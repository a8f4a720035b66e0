//! One client synced by itself: few requests, at once, beside the walks.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup};

#[tokio::test]
async fn one_client_comes_over_in_seconds() -> Result<()> {
    let host = Host::start(Setup::with_clients(60)).await?;
    host.sync_and_wait().await?;
    let found = host.get("/api/v1/clients?limit=1").await?.ok()?["items"][0].take();
    let external_id = found["external_id"].as_str().context("a client has an id")?;
    let number: u32 = external_id.parse()?;

    host.crm().edit(number, |client| client.last_name = Some("Rossi".into()));
    let requests = host.crm().stats().requests;
    let path = format!("/api/v1/clients/{}/sync", found["id"].as_str().unwrap_or_default());
    let synced = host.post(&path, &Value::Null).await?.ok()?;
    assert_eq!((&synced["outcome"], &synced["client"]["last_name"]), (&json!("changed"), &json!("Rossi")), "{synced}");
    assert_eq!(synced["run"]["counts"]["changed_fields"]["last_name"], 1);
    assert!(host.crm().stats().requests - requests < 10, "a client costs a few requests");

    let path = format!("/api/v1/connections/main/clients/{external_id}/sync");
    assert_eq!(host.post(&path, &Value::Null).await?.ok()?["outcome"], "unchanged");
    host.crm().hide(number, true);
    let hidden = host.post(&path, &Value::Null).await?.ok()?;
    assert_eq!((&hidden["outcome"], &hidden["client"]["id"]), (&json!("not_visible"), &found["id"]), "{hidden}");
    assert!(hidden["message"].as_str().is_some_and(|message| message.contains("Nothing was changed")));

    let newest = host.get("/api/v1/connections/main").await?.ok()?;
    assert_eq!(newest["last_run"]["trigger"], "request", "the last walk is still the last walk");

    let output = host.run(&["sync", "--client", external_id]).await?;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("does not show this client"), "{output:?}");
    Ok(())
}

#[tokio::test]
async fn who_is_not_linked_is_not_asked_for_in_the_crm() -> Result<()> {
    let host = Host::start(Setup::with_clients(60)).await?;
    host.sync_and_wait().await?;
    let found = host.get("/api/v1/clients?limit=1").await?.ok()?["items"][0].take();
    let alone = host.post("/api/v1/clients", &json!({"first_name": "Ayda", "last_name": "Khan"})).await?.ok()?;
    let partner = json!({"first_name": "Noah", "last_name": "Lee", "partner_of": found["id"]});
    // The second shares a household with somebody whom the CRM has, or is alone where that one has a partner.
    let partner = host.post("/api/v1/clients", &partner).await?;
    let requests = host.crm().stats().requests;
    for client in [alone, partner.json()?].iter().filter_map(|client| client["id"].as_str()) {
        let refused = host.post(&format!("/api/v1/clients/{client}/sync"), &Value::Null).await?;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert!(refused.text.contains("Link the client first"), "{}", refused.text);
    }
    assert_eq!(host.crm().stats().requests, requests, "the CRM was asked");
    Ok(())
}
