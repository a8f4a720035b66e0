//! A first walk through kills of the host: it ends with the book that an undisturbed one brings over.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tidegate_tests::{Host, Setup};
use xplan_sandbox::FaultPlan;

/// Several groups of the walk, so that some are committed and some are not when the host is killed.
const CLIENTS: u32 = 17_000;
const KILLS: u64 = 4;

/// All rows of a list by the CRM's ids, without what differs from one book to the next: ids and times.
async fn rows(host: &Host, list: &str) -> Result<BTreeMap<String, Value>> {
    let mut rows = BTreeMap::new();
    let mut path = format!("/api/v1/{list}?limit=500");
    loop {
        let page = host.get(&path).await?.ok()?;
        for row in page["items"].as_array().context("a list")? {
            let row = without_ids(row);
            ensure!(rows.insert(name_of(&row), row.clone()).is_none(), "listed twice: {row}");
        }
        match page["next"].as_str() {
            Some(cursor) => path = format!("/api/v1/{list}?limit=500&cursor={cursor}"),
            None => return Ok(rows),
        }
    }
}

fn without_ids(row: &Value) -> Value {
    match row {
        Value::Object(fields) => {
            let stays =
                |name: &str| !matches!(name, "id" | "household_id" | "client_id" | "changed_at" | "run" | "since");
            fields
                .iter()
                .filter(|(name, _)| stays(name))
                .map(|(name, value)| (name.clone(), without_ids(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(without_ids).collect(),
        other => other.clone(),
    }
}

/// A client's id in the CRM, or those of a household's members.
fn name_of(row: &Value) -> String {
    match row["members"].as_array() {
        Some(members) => members.iter().map(|member| format!("{} ", member["external_id"])).collect(),
        None => row["external_id"].to_string(),
    }
}

#[tokio::test]
async fn a_walk_that_is_killed_again_and_again_ends_like_one_that_is_not() -> Result<()> {
    let undisturbed = Host::start(Setup::with_clients(CLIENTS)).await?;
    let whole = undisturbed.sync_and_wait().await?;
    ensure!(whole["state"] == "done", "{whole}");

    let mut host = Host::start(Setup::with_clients(CLIENTS)).await?;
    // Slow enough that a fast machine is not done before the first kill.
    host.crm().set_faults(FaultPlan { seed: 1, rules: vec!["slow:every=3,ms=40".parse()?] });
    let id = host.sync().await?["id"].as_str().context("a run has an id")?.to_owned();
    let path = format!("/api/v1/runs/{id}");
    let (mut created, mut resumed) = (0, 0);
    for kill in 0..KILLS {
        // Clients are created by commits: somewhere after the first one since the last kill. Where exactly differs
        // with the machine's load.
        host.wait_for(&path, |run| run["counts"]["created"].as_u64() > Some(created) || run["state"] == "done").await?;
        tokio::time::sleep(Duration::from_millis(31 * kill)).await;
        host.kill().await?;
        host.restart().await?;
        let run = host.get(&path).await?.ok()?;
        created = run["counts"]["created"].as_u64().context("a run counts")?;
        resumed += u32::from(run["trigger"] == "resume" && created > 0);
    }
    ensure!(resumed > 0, "no kill came between two commits: this test shows nothing");
    let run = host.wait_for_run(&id).await?;
    ensure!(run["state"] == "done", "{run}");
    for count in ["seen", "created", "skipped", "quarantined", "warnings", "advisers", "goals", "covers"] {
        ensure!(run["counts"][count] == whole["counts"][count], "{count}: {run}\n{whole}");
    }
    for list in ["clients", "households", "goals", "covers", "quarantine"] {
        let (found, expected) = (rows(&host, list).await?, rows(&undisturbed, list).await?);
        ensure!(found.len() == expected.len(), "{list}: {} and {}", found.len(), expected.len());
        for (name, row) in &expected {
            ensure!(found.get(name) == Some(row), "{list}: {:?}\n{row}", found.get(name));
        }
    }
    Ok(())
}
