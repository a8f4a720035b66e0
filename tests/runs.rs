//! What the host says of its runs, where nobody looks at a page.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tidegate_tests::{Host, Setup, TOKEN};
use xplan_sandbox::FaultPlan;

#[tokio::test]
async fn a_run_that_fails_is_logged_with_its_reason_and_without_the_crms_words() -> Result<()> {
    let host = Host::start(Setup::with_clients(40)).await?;
    host.crm().set_faults(FaultPlan { seed: 1, rules: vec!["forbidden:on=/entity/".parse()?] });
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "failed", "{run}");
    let log = host.log_tail();
    let line = log.lines().find(|line| line.contains("run over")).unwrap_or_default();
    ensure!(line.contains("WARN") && line.contains("the call is refused (403)"), "{log}");
    ensure!(line.contains(run["id"].as_str().unwrap_or_default()), "{line}");
    // The CRM's words stand with the run: they may name people.
    let words = run["error"].as_str().unwrap_or_default();
    ensure!(words.contains("403") && !log.contains("You do not have access"), "{words}\n{log}");

    host.crm().set_faults(FaultPlan::default());
    ensure!(host.sync_and_wait().await?["state"] == "done");
    let log = host.log_tail();
    let line = log.lines().rfind(|line| line.contains("run over")).unwrap_or_default();
    ensure!(line.contains("INFO") && line.contains("done"), "{log}");
    Ok(())
}

/// The run of each event of a run's stream, to its end.
async fn events(host: &Host, run: &Value) -> Result<Vec<Value>> {
    let path = format!("/api/v1/runs/{}/events", run["id"].as_str().context("a run has an id")?);
    let stream = host.send(host.http().get(host.url(&path)).bearer_auth(TOKEN)).await?.text;
    let data = stream.lines().filter_map(|line| line.strip_prefix("data:"));
    data.map(|data| serde_json::from_str(data).with_context(|| data.to_owned())).collect()
}

#[tokio::test]
async fn a_run_that_dies_by_a_fault_is_failed_for_whoever_watches_and_the_next_one_goes_on() -> Result<()> {
    let mut setup = Setup::with_clients(40);
    setup.site.faults.rules.push("slow:ms=500,method=GET".parse()?);
    let mut host = Host::prepare(setup).await?;
    host.restart_with(&[("TIDEGATE_PANIC_IN", "run of main:2")]).await?;
    for path in ["/api/v1/connections/main/sync", "/api/v1/connections/main/sync?dry_run=true"] {
        let run = host.post(path, &Value::Null).await?.ok()?;
        let seen = events(&host, &run).await?;
        let last = seen.last().context("a stream has events")?;
        let error = last["error"].as_str().unwrap_or_default();
        ensure!(last["state"] == "failed" && error.contains("a fault in Tidegate"), "{path}: {seen:?}");
        ensure!(error.contains("The next run begins anew.") && last["finished_at"].is_string(), "{path}: {last}");
        let found = host.get(&format!("/api/v1/runs/{}", run["id"].as_str().unwrap_or_default())).await?.ok()?;
        ensure!(found["state"] == "failed" && found["error"] == last["error"], "{path}: {found}");
        // A run is a piece of work and no task that the host lives by.
        let ready = host.http().get(host.url("/readyz")).send().await?;
        ensure!(ready.status().is_success(), "{}", ready.text().await?);
    }
    let log = std::fs::read_to_string(host.folder().join("host.log"))?;
    let over: Vec<&str> = log.lines().filter(|line| line.contains("run over")).collect();
    ensure!(over.len() == 2 && over.iter().all(|line| line.contains("ERROR") && line.contains("a fault in")), "{log}");
    ensure!(log.contains("a task died by a fault") && !log.contains("a test wants"), "a panic's words are in {log}");

    host.crm().set_faults(FaultPlan::default());
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "done" && run["trigger"] == "request" && run["counts"]["seen"] == 40, "{run}");
    let dry = host.post("/api/v1/connections/main/sync?dry_run=true", &Value::Null).await?.ok()?;
    ensure!(events(&host, &dry).await?.last().is_some_and(|run| run["state"] == "done"));
    Ok(())
}
