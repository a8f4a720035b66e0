//! A site whose answers are damaged in places, or too much at once for the site or for the host.

use anyhow::{Result, ensure};
use serde_json::Value;
use tidegate_tests::{Host, Setup};
use xplan_sandbox::FaultPlan;

fn set(host: &Host, rules: &[&str]) -> Result<()> {
    let rules = rules.iter().map(|rule| rule.parse()).collect::<Result<_, _>>()?;
    host.crm().set_faults(FaultPlan { rules, ..FaultPlan::default() });
    Ok(())
}

/// The warnings of a client about the record as a whole.
fn repaired(client: &Value) -> impl Iterator<Item = &str> {
    let all = client["diagnostics"].as_array().into_iter().flatten();
    all.filter(|one| one["code"] == "text-repaired").filter_map(|one| one["message"].as_str())
}

#[tokio::test]
async fn text_that_cannot_be_read_comes_over_with_a_warning_and_stays_the_same() -> Result<()> {
    let host = Host::start(Setup::with_clients(60)).await?;
    for fault in ["bad_byte", "half_surrogate", "control_character"] {
        let rules = [format!("{fault}:on=/address"), format!("{fault}:on=/goals"), format!("{fault}:on=/entity/user")];
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        set(&host, &rules)?;
        let run = host.sync_and_wait().await?;
        ensure!(run["state"] == "done" && run["counts"]["quarantined"] == 0, "{fault}: {run}");
        let warned = run["counts"]["warnings"]["text-repaired"].as_u64().unwrap_or_default();
        ensure!(warned > 20, "{fault}: {run}");
        let clients = host.get("/api/v1/clients?limit=200").await?.ok()?["items"].take();
        let clients = clients.as_array().cloned().unwrap_or_default();
        let told: Vec<&str> = clients.iter().flat_map(repaired).collect();
        ensure!(told.len() > 20 && told.iter().all(|words| words.contains("at /address/0/fields/")), "{told:?}");
        let again = host.sync_and_wait().await?;
        ensure!(again["counts"]["unchanged"] == again["counts"]["seen"], "{fault}: {again}");
    }
    set(&host, &[])?;
    let run = host.sync_and_wait().await?;
    ensure!(run["counts"]["warnings"]["text-repaired"].is_null(), "{run}");
    Ok(())
}

#[tokio::test]
async fn what_a_site_gives_at_once_is_remembered_across_restarts() -> Result<()> {
    let mut host = Host::start(Setup::with_clients(400)).await?;
    set(&host, &["gateway_timeout:rows=60"])?;
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "done" && run["counts"]["seen"] == 400, "{run}");
    let struck = host.crm().stats().faults[0].struck;
    host.kill().await?;
    host.restart().await?;
    set(&host, &["gateway_timeout:rows=60"])?;
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "done" && run["counts"]["unchanged"] == 400, "{run}");
    let again = host.crm().stats().faults[0].struck;
    ensure!(again < struck, "{again} of {struck}");
    Ok(())
}

#[tokio::test]
async fn lists_that_are_huge_cost_no_memory_without_bounds() -> Result<()> {
    let host = Host::start(Setup::with_clients(240)).await?;
    set(&host, &["huge_text:on=/contact"])?;
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "done" && run["counts"]["quarantined"].as_u64() > Some(150), "{run}");
    let peak = host.peak_memory()?;
    // Two megabytes of each client would be half a gigabyte.
    ensure!(peak < 320 << 20, "{} MB", peak >> 20);
    Ok(())
}
