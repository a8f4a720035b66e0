//! Erasures with the real host: a client is exported and erased, and neither a sync, nor a list, nor an older copy of the
//! store, nor a kill in the middle brings them back.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup, TOKEN};

/// A client of the book: the practice's id, the CRM's, and the name.
async fn somebody(host: &Host) -> Result<(String, String, String)> {
    let found = host.get("/api/v1/clients?limit=1").await?.ok()?["items"][0].take();
    let text = |member: &str| found[member].as_str().map(str::to_owned).with_context(|| member.to_owned());
    Ok((text("id")?, text("external_id")?, format!("{} {}", text("first_name")?, text("last_name")?)))
}

/// Holds that the client of the CRM's id is not in the book, not found and not counted.
async fn is_gone(host: &Host, id: &str, external_id: &str, clients: u64) -> Result<()> {
    ensure!(host.get(&format!("/api/v1/clients/{id}")).await?.status == 404, "the client is gone");
    let path = format!("/api/v1/clients?connection=main&external_id={external_id}");
    let found = host.get(&path).await?.ok()?;
    ensure!(found["items"] == json!([]), "{found}");
    let mut left = 0;
    let mut path = "/api/v1/clients?limit=500".to_owned();
    loop {
        let page = host.get(&path).await?.ok()?;
        left += page["items"].as_array().context("a list")?.len() as u64;
        match page["next"].as_str() {
            Some(cursor) => path = format!("/api/v1/clients?limit=500&cursor={cursor}"),
            None => break,
        }
    }
    ensure!(left == clients, "{left} are left");
    Ok(())
}

fn store_of(host: &Host) -> PathBuf {
    host.folder().join("data").join("tidegate.redb")
}

#[tokio::test]
async fn a_client_erased_and_synced_and_restored_from_a_backup_is_still_gone() -> Result<()> {
    let mut host = Host::start(Setup::with_clients(60)).await?;
    let before = host.sync_and_wait().await?;
    let created = before["counts"]["created"].as_u64().context("a count")?;
    let (id, external_id, name) = somebody(&host).await?;

    // A backup, taken while nothing runs.
    let backup = host.folder().join("backup.redb");
    host.stop().await?;
    fs::copy(store_of(&host), &backup)?;
    host.restart().await?;

    let archive = host.folder().join("client.zip");
    let path = archive.to_str().context("a path")?.to_owned();
    let exported = host.run(&["privacy", "export", &id, "--output", &path]).await?;
    ensure!(exported.status.success(), "{exported:?}");
    let bytes = fs::read(&archive)?;
    ensure!(bytes.starts_with(b"PK") && bytes.windows(10).any(|part| part == b"README.txt"), "an archive");
    let again = host.run(&["privacy", "export", &id, "--output", &path]).await?;
    ensure!(!again.status.success(), "a file that is there is not written over");
    ensure!(String::from_utf8_lossy(&again.stderr).contains("choose another name"), "{again:?}");
    let beside = host.folder().join("other.zip");
    let nobody = host.run(&["privacy", "export", "1", "--output", beside.to_str().context("a path")?]).await?;
    ensure!(String::from_utf8_lossy(&nobody.stderr).contains("no id such as") && !beside.exists(), "{nobody:?}");

    let held =
        host.http().put(host.url(&format!("/api/v1/clients/{id}/legal-hold"))).json(&json!({"reason": "A complaint"}));
    host.send(held.bearer_auth(TOKEN)).await?.ok()?;
    let erase = format!("/api/v1/clients/{id}/erase");
    let word = json!({"reason": "asked", "confirm": name});
    let refused = host.post(&erase, &word).await?;
    ensure!(refused.status == 409 && refused.text.contains("A complaint"), "{}", refused.text);
    let released = host.http().delete(host.url(&format!("/api/v1/clients/{id}/legal-hold")));
    ensure!(host.send(released.bearer_auth(TOKEN)).await?.status == 204, "the hold is off");

    let preview = host.get(&format!("/api/v1/clients/{id}/erasure")).await?.ok()?;
    let erased = host.post(&erase, &word).await?.ok()?;
    ensure!(erased["counts"] == preview["counts"] && erased["erasure"]["number"] == 1, "{erased}");
    ensure!(erased["left_to_do"].as_str().is_some_and(|text| text.contains(&external_id)), "{erased}");
    is_gone(&host, &id, &external_id, created - 1).await?;

    let run = host.sync_and_wait().await?;
    ensure!(run["counts"]["erased"] == 1 && run["counts"]["created"] == 0, "{run}");
    is_gone(&host, &id, &external_id, created - 1).await?;
    let one = host.post(&format!("/api/v1/connections/main/clients/{external_id}/sync"), &Value::Null).await?;
    ensure!(one.status == 409 && one.text.contains("erased here"), "{}", one.text);

    host.stop().await?;
    fs::copy(&backup, store_of(&host))?;
    host.restart().await?;
    is_gone(&host, &id, &external_id, created - 1).await?;
    let run = host.sync_and_wait().await?;
    ensure!(run["counts"]["erased"] == 1 && run["counts"]["created"] == 0, "{run}");
    is_gone(&host, &id, &external_id, created - 1).await?;
    let audit = host.get("/api/v1/audit?verb=privacy&limit=50").await?.ok()?.to_string();
    ensure!(audit.contains("privacy.erase_again"), "{audit}");
    let verified = host.run(&["audit", "verify"]).await?;
    ensure!(verified.status.success(), "{verified:?}");

    let lifted = host.post("/api/v1/privacy/erasures/1/lift", &json!({"reason": "client_again"})).await?.ok()?;
    ensure!(lifted["lifts"] == 1, "{lifted}");
    let run = host.sync_and_wait().await?;
    ensure!(run["counts"]["erased"] == 0 && run["counts"]["created"] == 1, "{run}");
    Ok(())
}

#[tokio::test]
async fn an_erasure_that_a_kill_interrupted_is_done_when_the_host_is_back() -> Result<()> {
    let mut host = Host::start(Setup::with_clients(60)).await?;
    let created = host.sync_and_wait().await?["counts"]["created"].as_u64().context("a count")?;
    let (id, external_id, _) = somebody(&host).await?;
    host.stop().await?;
    let before = host.folder().join("before.redb");
    fs::copy(store_of(&host), &before)?;
    host.restart().await?;
    let erase = json!({"reason": "mistake", "confirm": id});
    host.post(&format!("/api/v1/clients/{id}/erase"), &erase).await?.ok()?;
    // What a kill leaves between the line of the file and the store's transaction: the file has it, and the store does not.
    host.kill().await?;
    fs::copy(&before, store_of(&host))?;
    host.restart().await?;
    is_gone(&host, &id, &external_id, created - 1).await?;
    let listed = host.run(&["privacy", "erasures", "--json"]).await?;
    let listed: Value = serde_json::from_slice(&listed.stdout)?;
    ensure!(listed[0]["number"] == 1 && listed[0]["in_force"] == true, "{listed}");
    let table = host.run(&["privacy", "erasures"]).await?;
    let table = String::from_utf8_lossy(&table.stdout);
    ensure!(table.lines().nth(1).is_some_and(|row| row.ends_with("yes")), "{table}");
    Ok(())
}

#[tokio::test]
async fn the_register_names_what_is_kept() -> Result<()> {
    let host = Host::start(Setup::with_clients(10)).await?;
    let printed = host.run(&["privacy", "register", "--json"]).await?;
    let register: Value = serde_json::from_slice(&printed.stdout)?;
    let kinds: Vec<&str> =
        register["items"].as_array().context("rows")?.iter().filter_map(|row| row["kind"].as_str()).collect();
    ensure!(kinds.contains(&"clients") && kinds.contains(&"audit_log"), "{kinds:?}");
    Ok(())
}
