//! What the site shows empty once, and had entries before, is no sign that it is gone.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup};
use xplan_sandbox::FaultPlan;

const CODE: &str = "list-empty-once";

/// All clients, without what was said about them, and of how many it was said that a list came empty.
async fn clients(host: &Host) -> Result<(Vec<Value>, usize)> {
    let mut page = host.get("/api/v1/clients?limit=500").await?.ok()?;
    let clients = page["items"].as_array_mut().context("a list")?;
    let mut told = 0;
    for client in clients.iter_mut() {
        told += usize::from(is_told(&client["diagnostics"].take()));
    }
    Ok((std::mem::take(clients), told))
}

fn is_told(diagnostics: &Value) -> bool {
    diagnostics.as_array().is_some_and(|said| said.iter().any(|one| one["code"] == CODE))
}

async fn strike(host: &Host, rules: &[&str]) -> Result<()> {
    let rules = rules.iter().map(|rule| rule.parse()).collect::<Result<_, _>>()?;
    host.crm().set_faults(FaultPlan { seed: 1, rules });
    Ok(())
}

#[tokio::test]
async fn contacts_and_addresses_that_are_empty_once_stay() -> Result<()> {
    let host = Host::start(Setup::with_clients(60)).await?;
    host.sync_and_wait().await?;
    let (before, _) = clients(&host).await?;
    strike(&host, &["empty_list:on=/contact", "empty_list:on=/address"]).await?;
    let run = host.sync_and_wait().await?;
    ensure!(run["counts"]["warnings"][CODE].as_u64() > Some(60), "the run does not say so: {run}");
    let (now, told) = clients(&host).await?;
    ensure!(now == before && told > 30, "{told} of {}", now.len());
    strike(&host, &[]).await?;
    host.sync_and_wait().await?;
    ensure!(clients(&host).await? == (before, 0));
    Ok(())
}

#[tokio::test]
async fn what_is_gone_from_a_client_goes_with_the_second_walk() -> Result<()> {
    let host = Host::start(Setup::with_clients(30)).await?;
    host.sync_and_wait().await?;
    let (before, _) = clients(&host).await?;
    let has_all = |client: &&Value| {
        client["email_is_placeholder"] == false && client["mobile"].is_string() && client["suburb"].is_string()
    };
    let client = before.iter().find(has_all).context("somebody has everything")?;
    let (id, number) = (&client["id"], client["external_id"].as_str().context("an id")?);
    host.crm().edit(number.parse()?, |client| {
        (client.preferred_email, client.preferred_phone) = (None, None);
        client.contacts.clear();
        client.addresses.clear();
    });
    let path = format!("/api/v1/clients/{}", id.as_str().context("an id")?);
    for _ in 0..2 {
        let one = host.post(&format!("/api/v1/connections/main/clients/{number}/sync"), &Value::Null).await?.ok()?;
        ensure!(is_told(&one["diagnostics"]), "{one}");
    }
    host.sync_and_wait().await?;
    let kept = host.get(&path).await?.ok()?;
    for field in ["email", "mobile", "suburb"] {
        assert_eq!(kept[field], client[field], "{kept}");
    }
    let run = host.sync_and_wait().await?;
    assert_eq!((&run["counts"]["changed"], &run["counts"]["warnings"][CODE]), (&json!(1), &Value::Null), "{run}");
    let gone = host.get(&path).await?.ok()?;
    ensure!(gone["email_is_placeholder"] == true && gone["mobile"].is_null() && gone["suburb"].is_null(), "{gone}");
    ensure!(!is_told(&gone["diagnostics"]), "{gone}");
    let run = host.sync_and_wait().await?;
    assert_eq!(run["counts"]["unchanged"], run["counts"]["seen"], "{run}");
    Ok(())
}

/// The categories of all goals.
async fn categories(host: &Host) -> Result<Vec<Value>> {
    let page = host.get("/api/v1/goals?limit=500").await?.ok()?;
    Ok(page["items"].as_array().context("a list")?.iter().map(|goal| goal["category"].clone()).collect())
}

#[tokio::test]
async fn choices_of_the_site_that_come_empty_once_or_not_at_all_are_used_as_they_were() -> Result<()> {
    const CHOICES: &str = "/ufield/goals/category/choice";
    let mut host = Host::start(Setup::with_clients(40)).await?;
    // The site's own words, that no table of the pack has.
    host.crm().rename_choice("Retirement", "Life after work");
    host.sync_and_wait().await?;
    let before = categories(&host).await?;
    ensure!(before.contains(&json!("Life after work")), "{before:?}");
    for (rule, code) in
        [("empty_list", "choices-empty-once"), ("forbidden", "choices-empty-once"), ("not_a_list", "choices-not-read")]
    {
        // Nor does another process forget them.
        host.stop().await?;
        host.restart().await?;
        strike(&host, &[&format!("{rule}:on={CHOICES}")]).await?;
        let run = host.sync_and_wait().await?;
        assert_eq!((&run["state"], &run["counts"]["doubts"][code]), (&json!("done"), &json!(1)), "{rule}: {run}");
        assert_eq!(run["counts"]["goals"]["changed"], 0, "{rule}: {run}");
        ensure!(categories(&host).await? == before, "{rule}");
        strike(&host, &[]).await?;
        let run = host.sync_and_wait().await?;
        ensure!(run["counts"]["doubts"][code].is_null(), "{rule}: {run}");
    }
    // A second complete walk that finds it empty takes it so.
    strike(&host, &[&format!("empty_list:on={CHOICES}")]).await?;
    host.sync_and_wait().await?;
    ensure!(categories(&host).await? == before);
    host.sync_and_wait().await?;
    ensure!(!categories(&host).await?.contains(&json!("Life after work")));
    Ok(())
}
