//! Every task that runs as long as the host does dies by an injected panic, is seen by `/readyz`, and is begun again.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tidegate_tests::{Host, Setup, TOKEN};

/// The tasks, but for the listener by which the test asks.
const TASKS: [&str; 10] = [
    "note delivery",
    "note reconciliation",
    "notes that wait for a link",
    "unclaimed documents",
    "changes of connections",
    "breaker of revisions",
    "schedule",
    "schedule of main",
    "listener for commands",
    "listener for figures",
];

#[tokio::test(flavor = "multi_thread")]
async fn each_task_that_dies_is_named_and_begun_again() -> Result<()> {
    let settings = "[metrics]\nlisten = \"127.0.0.1:0\"\n".to_owned();
    let mut host = Host::prepare(Setup { settings, ..Setup::default() }).await?;
    let list = TASKS.map(|task| format!("{task}:2")).join(",");
    host.restart_with(&[("TIDEGATE_PANIC_IN", &format!("{list},listener for people and programs:1"))]).await?;

    let mut named = BTreeSet::new();
    let deadline = Instant::now() + Duration::from_secs(60);
    while named.len() < TASKS.len() && Instant::now() < deadline {
        let answer = host.http().get(host.url("/readyz")).send().await?;
        if answer.status() == 503 {
            let words = answer.text().await?;
            named.extend(TASKS.into_iter().filter(|task| words.contains(task)));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(named, BTreeSet::from(TASKS), "{}", host.log_tail());
    while !host.http().get(host.url("/readyz")).send().await?.status().is_success() {
        assert!(Instant::now() < deadline, "a task is not begun again: {}", host.log_tail());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What they do is done.
    host.sync_and_wait().await?;
    assert!(host.run(&["run", "list"]).await?.status.success(), "commands reach it");
    assert_eq!(host.stop().await?, Some(0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_typesetter_that_somebody_ends_costs_nobody_a_document() -> Result<()> {
    let host = Host::start(Setup::with_clients(10)).await?;
    host.sync_and_wait().await?;
    let household = host.get("/api/v1/households?limit=1").await?.ok()?["items"][0]["id"].take();
    let document =
        format!("/api/v1/households/{}/document?document=best-life-plan", household.as_str().unwrap_or_default());
    assert_eq!(host.send(host.http().get(host.url(&document)).bearer_auth(TOKEN)).await?.status, 200);
    let id = host.process_id().context("the host runs")?;
    let mut ended = 0;
    for task in fs::read_dir(format!("/proc/{id}/task"))? {
        // A thread that has ended since it was listed has no children any more.
        for child in fs::read_to_string(task?.path().join("children")).unwrap_or_default().split_whitespace() {
            ended += u32::from(Command::new("kill").args(["-KILL", child]).status()?.success());
        }
    }
    assert_eq!(ended, 1, "one typesetter waits for work");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let again = host.send(host.http().get(host.url(&document)).bearer_auth(TOKEN)).await?;
    assert_eq!(again.status, 200, "{}", again.text);
    Ok(())
}
