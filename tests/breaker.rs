//! The breaker: a revision that rejects much more than the one before is taken back by the host itself, and only that.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup};

use crate::packs::{all, mapped_again, text};

const MAIN: &str = "/api/v1/connections/main";
const ACTIVATE: &str = "/api/v1/connections/main/activate";
const ROLLBACK: &str = "/api/v1/connections/main/rollback";
const REVISIONS: &str = "/api/v1/revisions?connection=main";

/// A host with the hostile plugin, which goes wrong on nothing yet, and with these lines in the connection's settings.
async fn host(clients: u32, settings: &str) -> Result<Host> {
    let mut setup = Setup::with_clients(clients);
    setup.pack = "hostile".to_owned();
    setup.settings = settings.to_owned();
    let mut host = Host::prepare(setup).await?;
    host.own_packs()?;
    host.write_hostile("not", &[], 0)?;
    host.restart().await?;
    Ok(host)
}

/// Stages what goes wrong so; answers the revision.
async fn stage(host: &Host, how: &str, every: u32) -> Result<String> {
    host.write_hostile(how, &[], every)?;
    let staged = host.post(REVISIONS, &Value::Null).await?.ok()?;
    ensure!(staged["state"] == "verified", "{staged}");
    Ok(text(&staged["revision"]))
}

async fn activate(host: &Host, revision: &str) -> Result<Value> {
    host.post(ACTIVATE, &json!({ "revision": revision })).await?.ok()
}

/// Waits until the breaker took a revision back, and what is stored is mapped by the one before; answers the connection.
async fn taken_back(host: &Host, revision: &str, before: &str) -> Result<Value> {
    let is_back = |main: &Value| main["breaker"]["taken_back"] == revision && main["revision"] == before;
    let main = host.wait_for(MAIN, is_back).await?;
    settled(host).await?;
    host.wait_for("/api/v1/quarantine", |list| list["items"].as_array().is_some_and(Vec::is_empty)).await?;
    Ok(main)
}

/// Waits until no run is under way: where the breaker tripped before anything was kept, nothing is mapped again.
async fn settled(host: &Host) -> Result<()> {
    let is_over = |run: &Value| run["state"] != "queued" && run["state"] != "running";
    let are_over = |runs: &Value| runs["items"].as_array().into_iter().flatten().all(is_over);
    // What is mapped again begins a moment after the step back.
    tokio::time::sleep(Duration::from_millis(300)).await;
    host.wait_for("/api/v1/runs?limit=20", are_over).await?;
    Ok(())
}

/// All clients by the CRM's ids, with their names and the revision that mapped them.
async fn clients(host: &Host) -> Result<Vec<[String; 4]>> {
    let members = ["external_id", "first_name", "last_name", "revision"];
    let mut clients: Vec<[String; 4]> =
        all(host, "clients").await?.iter().map(|client| members.map(|member| text(&client[member]))).collect();
    clients.sort();
    Ok(clients)
}

async fn revision(host: &Host) -> Result<String> {
    Ok(text(&host.get(MAIN).await?.ok()?["revision"]))
}

/// The reasons in the history, the newest first, each with the state of its revision.
async fn history(host: &Host) -> Result<Vec<String>> {
    let listed = host.get(&format!("{MAIN}/revisions")).await?.ok()?;
    let one = |one: &Value| format!("{} {}", text(&one["why"]), text(&one["state"]));
    Ok(listed["items"].as_array().into_iter().flatten().map(one).collect())
}

#[tokio::test]
async fn a_revision_whose_plugin_fails_is_taken_back_and_its_records_come_back() -> Result<()> {
    let host = host(300, "").await?;
    host.sync_and_wait().await?;
    let (good, before) = (revision(&host).await?, clients(&host).await?);
    ensure!(before.len() > 250 && before.iter().all(|client| client[3] == good), "{}", before.len());

    let bad = stage(&host, "trap", 3).await?;
    let activated = activate(&host, &bad).await?;
    ensure!(activated["on_trial_against"] == good, "{activated}");
    let main = taken_back(&host, &bad, &good).await?;
    let detail = text(&main["breaker"]["detail"]);
    for words in [
        &*format!("Revision {bad} rejected"),
        &format!("that revision {good} maps"),
        "its plugin failed on",
        "took it back",
    ] {
        ensure!(detail.contains(words), "{words}: {detail}");
    }
    ensure!(main["on_trial_against"].is_null(), "what was good is on no trial: {main}");
    ensure!(clients(&host).await? == before, "everybody is as before");
    ensure!(
        history(&host).await? == ["breaker active", "activated taken_back", "staged taken_back", "first active"],
        "{:?}",
        history(&host).await?
    );

    // The run that it ended says so, and so do the log, the page, the notices and the figures of the command.
    let runs = host.get("/api/v1/runs?limit=20").await?.ok()?;
    let ended = runs["items"].as_array().into_iter().flatten().find(|run| run["state"] == "cancelled");
    let error = text(&ended.context("the run is there")?["error"]);
    ensure!(error.contains(&format!("the breaker takes revision {bad} back")), "{error}");
    let log = std::fs::read_to_string(host.folder().join("host.log"))?;
    ensure!(log.contains("the breaker took the revision back") && log.contains(&bad), "{}", host.log_tail());
    let cookie = host.sign_up().await?;
    for page in ["/settings/integrations/main", "/"] {
        let request = host.http().get(host.url(page)).header("cookie", &cookie);
        let shown = host.send(request).await?.text;
        ensure!(shown.contains("The breaker took it back") && shown.contains(&bad), "{page}: {shown}");
    }
    let listed = host.run(&["pack", "history", "--connection", "main"]).await?;
    let listed = String::from_utf8(listed.stdout)?;
    ensure!(listed.contains("taken back") && listed.contains("took it back"), "{listed}");

    // Nothing goes there by itself or unawares: not going back, not the folder, not once more.
    let back = host.post(ROLLBACK, &json!({})).await?;
    ensure!(back.status == 409 && back.text.contains("had no other revision"), "{}", back.text);
    for body in [json!({ "revision": bad }), json!({})] {
        let refused = host.post(ACTIVATE, &body).await?;
        ensure!(
            refused.status == 422 && refused.text.contains("/confirm") && refused.text.contains("took it back"),
            "{}",
            refused.text
        );
    }
    host.sync_and_wait().await?;
    ensure!(revision(&host).await? == good, "it stays");

    // Who insists has the last word, and the breaker none.
    let insisted = host.post(ACTIVATE, &json!({ "revision": bad, "confirm": bad })).await?.ok()?;
    ensure!(insisted["on_trial_against"].is_null() && insisted["breaker"].is_null(), "{insisted}");
    mapped_again(&host).await?;
    host.sync_and_wait().await?;
    tokio::time::sleep(Duration::from_millis(300)).await;
    ensure!(revision(&host).await? == bad, "it stays, whatever it rejects");
    ensure!(!all(&host, "quarantine").await?.is_empty(), "what it fails on is kept aside");
    let names = |clients: Vec<[String; 4]>| -> Vec<[String; 3]> {
        clients.into_iter().map(|[id, first, last, _]| [id, first, last]).collect()
    };
    ensure!(names(clients(&host).await?) == names(before.clone()), "and what was known of them stays");
    host.post(ROLLBACK, &json!({})).await?.ok()?;
    mapped_again(&host).await?;
    ensure!(clients(&host).await? == before && all(&host, "quarantine").await?.is_empty(), "and back");
    Ok(())
}

#[tokio::test]
async fn what_its_preview_had_shown_is_no_reason_to_go_back() -> Result<()> {
    let host = host(120, "").await?;
    host.sync_and_wait().await?;
    let good = revision(&host).await?;
    let strict = stage(&host, "reject", 3).await?;
    let preview =
        host.post(&format!("/api/v1/revisions/{strict}/preview?connection=main"), &Value::Null).await?.ok()?;
    let shown = preview["clients"]["newly_rejected"].as_u64().context("a count")?;
    ensure!(shown > 20 && preview["is_large"] == true, "{preview}");
    let follow = json!({ "revision": strict, "preview": preview["id"], "confirm": strict });
    host.post(ACTIVATE, &follow).await?.ok()?;
    mapped_again(&host).await?;
    ensure!(host.get(MAIN).await?.ok()?["on_trial_against"] == good, "until a sync is over");
    host.sync_and_wait().await?;
    let main = host.wait_for(MAIN, |main| main["on_trial_against"].is_null()).await?;
    ensure!(main["revision"] == strict && main["breaker"].is_null(), "{main}");
    ensure!(all(&host, "quarantine").await?.len() as u64 == shown, "what was shown is what happened");

    // One that was not shown is taken back to it, and what it rejected stays aside.
    let bad = stage(&host, "reject", 2).await?;
    activate(&host, &bad).await?;
    host.wait_for(MAIN, |main| main["breaker"]["taken_back"] == bad && main["revision"] == strict).await?;
    settled(&host).await?;
    ensure!(all(&host, "quarantine").await?.len() as u64 == shown, "as before");
    Ok(())
}

/// One that comes in force while another is on trial is held against the one that both have before them; and what a person leaves
/// is left, whatever is found out about it.
#[tokio::test]
async fn another_that_comes_in_force_meanwhile_is_held_against_the_same() -> Result<()> {
    let host = host(150, "").await?;
    host.sync_and_wait().await?;
    let good = revision(&host).await?;
    let middle = stage(&host, "not", 7).await?;
    ensure!(activate(&host, &middle).await?["on_trial_against"] == good, "the first is on trial");
    let bad = stage(&host, "trap", 2).await?;
    ensure!(
        activate(&host, &bad).await?["on_trial_against"] == good,
        "nobody knows yet whether the one between is good"
    );
    let main = taken_back(&host, &bad, &good).await?;
    ensure!(main["revision"] == good, "{main}");
    let listed = host.get(&format!("{MAIN}/revisions")).await?.ok()?;
    let kept = listed["items"].as_array().into_iter().flatten().all(|one| one["is_kept"] == true);
    ensure!(kept, "what can be gone back to is kept: {listed}");

    // The person was faster: nothing is taken back a second time.
    let worse = stage(&host, "trap", 3).await?;
    let (activated, back) = (activate(&host, &worse).await?, host.post(ROLLBACK, &json!({ "from": worse })).await?);
    ensure!(activated["revision"] == worse && [200, 409].contains(&back.status), "{}", back.text);
    host.wait_for(MAIN, |main| main["revision"] != worse).await?;
    settled(&host).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let reasons = history(&host).await?;
    let expected = if back.status == 200 { "rolled_back active" } else { "breaker active" };
    ensure!(reasons[0] == expected && reasons[1].starts_with("activated"), "{reasons:?}");
    ensure!(all(&host, "quarantine").await?.is_empty(), "and what it rejected is back");
    Ok(())
}

/// Nothing was stored when it came in force, so that a walk finds it out: it ends, and goes on by the revision before.
#[tokio::test]
async fn a_walk_that_finds_it_out_begins_anew_by_the_revision_before() -> Result<()> {
    let host = host(200, "").await?;
    let good = revision(&host).await?;
    let bad = stage(&host, "trap", 4).await?;
    activate(&host, &bad).await?;
    // A site that fails says nothing about a revision.
    host.crm().set_faults(xplan_sandbox::FaultPlan { seed: 1, rules: vec!["forbidden:on=/entity/".parse()?] });
    let failed = host.sync_and_wait().await?;
    ensure!(failed["state"] == "failed", "{failed}");
    ensure!(host.get(MAIN).await?.ok()?["on_trial_against"] == good, "it is on trial still");
    host.crm().set_faults(xplan_sandbox::FaultPlan::default());

    let ended = host.sync_and_wait().await?;
    ensure!(ended["state"] == "cancelled" && text(&ended["error"]).contains("the breaker takes revision"), "{ended}");
    let is_done = |runs: &Value| runs["items"][0]["state"] == "done" && runs["items"][0]["id"] != ended["id"];
    let runs = host.wait_for("/api/v1/runs?limit=1&connection=main", is_done).await?;
    let run = &runs["items"][0];
    ensure!(run["counts"]["created"] == run["counts"]["seen"] && run["counts"]["quarantined"] == 0, "{run}");
    ensure!(
        revision(&host).await? == good && clients(&host).await?.iter().all(|client| client[3] == good),
        "all by it"
    );
    Ok(())
}

#[tokio::test]
async fn where_there_is_none_to_go_back_to_it_stays_and_says_so() -> Result<()> {
    let mut setup = Setup::with_clients(90);
    setup.pack = "hostile".to_owned();
    let mut host = Host::prepare(setup).await?;
    host.own_packs()?;
    host.write_hostile("no_such_way", &[], 0)?;
    host.restart().await?;
    ensure!(!host.get(MAIN).await?.ok()?["problem"].is_null(), "its rules cannot be used");
    host.write_hostile("trap", &[], 3)?;
    host.post(ACTIVATE, &json!({})).await?.ok()?;
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "done" && run["counts"]["quarantined"].as_u64() > Some(20), "{run}");
    let main = host.wait_for(MAIN, |main| !main["breaker"].is_null()).await?;
    let detail = text(&main["breaker"]["detail"]);
    ensure!(main["breaker"]["taken_back"].is_null() && detail.contains("There is no earlier revision"), "{main}");
    host.stop().await?;
    host.restart().await?;
    ensure!(host.get(MAIN).await?.ok()?["breaker"] == main["breaker"], "it is said after a restart, too");
    Ok(())
}

#[tokio::test]
async fn a_breaker_of_a_hundred_percent_never_trips() -> Result<()> {
    let host = host(90, "breaker = { percent = 100 }\n").await?;
    host.sync_and_wait().await?;
    let bad = stage(&host, "trap", 1).await?;
    activate(&host, &bad).await?;
    mapped_again(&host).await?;
    host.sync_and_wait().await?;
    let main = host.wait_for(MAIN, |main| main["on_trial_against"].is_null()).await?;
    ensure!(main["revision"] == bad && main["breaker"].is_null(), "{main}");
    Ok(())
}

/// Killed at any moment between the activation and the step back, the host ends in the same state.
#[tokio::test]
async fn killed_in_the_middle_it_goes_back_all_the_same() -> Result<()> {
    let mut host = host(6_000, "").await?;
    host.sync_and_wait().await?;
    let (good, before) = (revision(&host).await?, clients(&host).await?);
    for (every, wait) in [(10, 0), (9, 150), (8, 400)] {
        // Rejected and no failure, so that it is known only after half of the book.
        let bad = stage(&host, "reject", every).await?;
        activate(&host, &bad).await?;
        for more in 0..3 {
            tokio::time::sleep(Duration::from_millis(wait + 70 * more)).await;
            host.kill().await?;
            host.restart().await?;
        }
        taken_back(&host, &bad, &good).await?;
        ensure!(clients(&host).await? == before, "everybody is as before, after {wait} ms");
    }
    Ok(())
}
