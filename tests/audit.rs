//! The audit log with the real host: commands, pages and programs leave their entries, one chain holds them over a kill,
//! and what somebody does to the file is found.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup};

/// The entries of the log, by the command.
async fn exported(host: &Host) -> Result<Vec<Value>> {
    let exported = host.run(&["audit", "export"]).await?;
    ensure!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let lines = exported.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| Ok(serde_json::from_slice(line)?)).collect()
}

fn parsed(output: &std::process::Output) -> Result<Value> {
    serde_json::from_slice(&output.stdout).with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test]
async fn what_is_done_by_whatever_way_is_in_one_chain_that_commands_check_and_export() -> Result<()> {
    let mut host = Host::start(Setup::with_clients(10)).await?;
    host.sync_and_wait().await?;
    let household = host.get("/api/v1/households?limit=1").await?.ok()?["items"][0]["id"].clone();
    let household = household.as_str().context("a household")?.to_owned();
    host.get(&format!("/api/v1/households/{household}")).await?.ok()?;
    let new = json!({"email": "omar@example.com", "name": "Omar Haddad", "role": "support"});
    host.post("/api/v1/users", &new).await?.ok()?;
    ensure!(host.run(&["user", "role", "omar@example.com", "adviser"]).await?.status.success());

    let checked = host.run(&["audit", "verify", "--json"]).await?;
    let verified = parsed(&checked)?;
    ensure!(checked.status.success() && verified["holds"] == true, "{verified}");
    let head = verified["head"].as_str().context("a head")?.to_owned();

    // A kill in the middle, and a start: the chain goes on from where it was.
    host.kill().await?;
    host.restart().await?;
    host.sync_and_wait().await?;
    let again = host.run(&["audit", "verify", "--expect", &head]).await?;
    let told = String::from_utf8_lossy(&again.stdout).into_owned();
    ensure!(again.status.success() && told.contains("The audit log holds"), "{told}");
    let other = format!("1:{}", "0".repeat(64));
    let differs = host.run(&["audit", "verify", "--expect", &other]).await?;
    let told = String::from_utf8_lossy(&differs.stdout).into_owned();
    ensure!(differs.status.code() == Some(1) && told.contains("does not hold: entry 1 has another hash"), "{told}");
    let wrong = host.run(&["audit", "verify", "--expect", "7"]).await?;
    ensure!(wrong.status.code() == Some(2), "wrong use");

    let lines = exported(&host).await?;
    let numbers: Vec<u64> = lines.iter().filter_map(|line| line["number"].as_u64()).collect();
    ensure!(numbers == (1..=numbers.len() as u64).collect::<Vec<_>>(), "{numbers:?}");
    let has = |verb: &str, kind: &str| lines.iter().any(|line| line["verb"] == verb && line["actor"]["kind"] == kind);
    for (verb, kind) in [
        ("sync.begin", "host"),
        ("sync.end", "host"),
        ("runs.start", "bootstrap_token"),
        ("households.view", "bootstrap_token"),
        ("people.add", "bootstrap_token"),
        ("people.change", "operator"),
        ("audit.export", "operator"),
    ] {
        ensure!(has(verb, kind), "{verb} by {kind} is not in {lines:#?}");
    }
    let seen = lines.iter().find(|line| line["verb"] == "households.view").context("it is there")?;
    ensure!(seen["household_id"] == household && seen["source"] == "127.0.0.1", "{seen}");
    let since = lines.last().and_then(|line| line["at"].as_str()).context("a moment")?.to_owned();
    let tail = host.run(&["audit", "export", "--since", &since, "--json"]).await?;
    ensure!(tail.stdout.split(|byte| *byte == b'\n').count() < lines.len(), "only the end of it");
    let backwards = host.run(&["audit", "export", "--since", &since, "--until", "2020-01-01T00:00:00Z"]).await?;
    let told = String::from_utf8_lossy(&backwards.stderr).into_owned();
    ensure!(backwards.status.code() == Some(2) && told.contains("is not after --since"), "{told}");

    // With no host running, the commands open the store themselves.
    host.stop().await?;
    let alone = host.run(&["audit", "verify", "--expect", &head]).await?;
    ensure!(alone.status.success(), "{}", String::from_utf8_lossy(&alone.stderr));
    host.leave_unquiet();
    Ok(())
}

#[tokio::test]
async fn what_somebody_saw_is_in_the_log_whenever_the_host_is_killed() -> Result<()> {
    let mut host = Host::start(Setup::with_clients(20)).await?;
    host.sync_and_wait().await?;
    let listed = host.get("/api/v1/clients?limit=100").await?.ok()?;
    let ids: Vec<String> = listed["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| Some(item["id"].as_str()?.to_owned()))
        .collect();
    let rounds: Vec<&[String; 3]> = ids.as_chunks().0.iter().collect();
    ensure!(rounds.len() > 3, "{} clients", ids.len());
    for [first, second, third] in &rounds {
        let see = async |id: &str| host.get(&format!("/api/v1/clients/{id}")).await?.ok();
        tokio::try_join!(see(first), see(second), see(third))?;
        host.kill().await?;
        host.restart().await?;
    }
    let entries = exported(&host).await?;
    for id in rounds.into_iter().flatten() {
        let seen = entries.iter().filter(|entry| entry["verb"] == "clients.view" && entry["subject"]["id"] == **id);
        ensure!(seen.count() == 1, "{id} was seen once");
    }
    host.leave_unquiet();
    Ok(())
}
