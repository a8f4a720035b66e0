//! The stores that former versions left, opened by the host of today: nothing of them is lost, and work goes on.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::Host;
use tidegate_tests::stores::{self, Holds};
use xplan_sandbox::Sandbox;

#[tokio::test]
async fn a_store_of_each_former_format_is_opened_with_all_that_it_holds() -> Result<()> {
    for number in 1..format_of_today()? {
        let format = stores::folder().join(format!("format-{number}"));
        ensure!(
            format.join("data.zip").exists(),
            "there is no fixture of format {number}: `cargo xtask store-fixture {number}` makes one, with a host that writes it"
        );
        let opened = match format.join("holds.json").exists() {
            true => opens(&format, number).await,
            false if WITHOUT_PACKS.contains(&number) => opens_without_packs(&format).await,
            false => Err(anyhow::anyhow!("it does not say what it holds (holds.json)")),
        };
        opened.with_context(|| format.display().to_string())?;
    }
    Ok(())
}

/// The formats whose fixtures lack the packs that their stores have in force, so that nothing can be walked or sent with them.
const WITHOUT_PACKS: [u32; 2] = [2, 3];

/// The first format whose fixture has staff with access, and emergencies.
const WITH_ACCESS: u32 = 3;

/// The format that the host of today writes, by its source: it tells nobody.
fn format_of_today() -> Result<u32> {
    let source = include_str!("../host/src/store/migrations.rs");
    let number = source.split_once("const FORMAT: u32 = ").and_then(|(_, rest)| rest.split_once(';'));
    Ok(number.context("the store's source says its format")?.0.parse()?)
}

/// A fixture without its packs has its book, and people sign in.
async fn opens_without_packs(format: &Path) -> Result<()> {
    let mut host = prepared().await?;
    host.leave_unquiet();
    stores::unpack(&format.join("data.zip"), &host.folder().join("data"))?;
    for start in ["first", "second"] {
        host.restart().await?;
        for list in ["clients", "households", "goals", "covers"] {
            let listed = host.get(&format!("/api/v1/{list}?limit=500")).await?.ok()?;
            let count = listed["items"].as_array().map_or(0, Vec::len);
            ensure!(count > 10, "{count} {list} after the {start} start");
        }
        signs_in(&host, stores::PASSWORD, 303).await?;
        host.stop().await?;
    }
    Ok(())
}

async fn opens(format: &Path, number: u32) -> Result<()> {
    let held = Holds::read(&fs::read_to_string(format.join("holds.json"))?)?;
    is_full(&held, number)?;
    let mut host = prepared().await?;
    host.leave_unquiet();
    stores::unpack(&format.join("data.zip"), &host.folder().join("data"))?;
    host.restart().await?;
    let lost = async |host: &Host| {
        let mut lost = held.lost_in(&Holds::of(host).await?);
        // Without their packs they say so.
        lost.retain(|lost| !WITHOUT_PACKS.contains(&number) || !lost.starts_with("connections "));
        Ok::<_, anyhow::Error>(lost)
    };
    let found = lost(&host).await?;
    ensure!(found.is_empty(), "{} of it were lost:\n{}", found.len(), found.join("\n"));
    signs_in(&host, stores::PASSWORD, 303).await?;
    signs_in(&host, "another password that nobody has", 422).await?;

    // What was opened stays as it is when it is opened again.
    host.stop().await?;
    host.restart().await?;
    let found = lost(&host).await?;
    ensure!(found.is_empty(), "after a second start:\n{}", found.join("\n"));
    if WITHOUT_PACKS.contains(&number) { Ok(()) } else { goes_on(&host, &held).await }
}

/// A host whose site is where the fixture's was, once the tests of another checkout have left that address.
async fn prepared() -> Result<Host> {
    for _ in 0..60 {
        if let Ok(host) = Host::prepare(stores::setup()).await {
            return Ok(host);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Host::prepare(stores::setup()).await
}

/// What a fixture is for has to be in it.
fn is_full(held: &Holds, format: u32) -> Result<()> {
    let has = |list: &str, field: &str, values: &[&str]| {
        let found: Vec<&Value> = held.list(list).map(|(_, item)| &item[field]).collect();
        let missing: Vec<&&str> = values.iter().filter(|value| !found.iter().any(|found| *found == *value)).collect();
        ensure!(missing.is_empty(), "no {field} {missing:?} in {list}");
        Ok(())
    };
    has("notes", "stage", &["done", "in_doubt", "dead", "discarded", "waiting_for_link", "queued"])?;
    has("notes", "state", &["done", "dead", "waiting", "queued"])?;
    has("runs", "state", &["done", "failed", "cancelled"])?;
    has("runs", "trigger", &["request", "client"])?;
    has("imports", "state", &["previewed", "applied"])?;
    has("review", "state", &["waiting"])?;
    has("reviewed", "state", &["ignored"])?;
    has("clients", "visibility", &["visible", "not_visible"])?;
    has("connections", "origin", &["file", "page"])?;
    has("goals", "status", &["doing"])?;
    if format >= WITH_ACCESS {
        let has_reason = |(_, access): (&String, &Value)| access["staff"][0]["reason"].is_string();
        ensure!(held.list("access").any(has_reason), "no staff has a reason");
        ensure!(held.list("emergencies").any(|(_, row)| row["finding"].is_string()), "no emergency has a finding");
    }
    for list in ["households", "covers", "quarantine", "skipped", "documents"] {
        ensure!(held.list(list).next().is_some(), "{list} is empty");
    }
    for (list, field) in [("goals", "gone_since"), ("covers", "gone_since")] {
        ensure!(held.list(list).any(|(_, item)| item[field].is_string()), "no {field} in {list}");
    }
    for field in ["local_edits", "overridden"] {
        let is_told = |client: &Value| client[field].as_array().is_some_and(|said| !said.is_empty());
        ensure!(held.list("clients").any(|(_, client)| is_told(client)), "no {field}");
    }
    Ok(())
}

async fn signs_in(host: &Host, password: &str, status: u16) -> Result<()> {
    let form = [("email", stores::EMAIL), ("password", password)];
    let request = host.http().post(host.url("/sign-in")).header("sec-fetch-site", "same-origin").form(&form);
    let answer = host.send(request).await?;
    ensure!(answer.status == status, "signing in: {} {}", answer.status, answer.text);
    Ok(())
}

/// Both sites are walked again, with the secrets of then, and what waited goes out.
async fn goes_on(host: &Host, held: &Holds) -> Result<()> {
    let south = Sandbox::start(stores::south()).await?;
    let run = host.post("/api/v1/connections/south/sync", &Value::Null).await?.ok()?;
    let run = host.wait_for_run(run["id"].as_str().context("a run has an id")?).await?;
    ensure!(run["state"] == "done" && run["counts"]["created"] == 0, "{run}");
    south.stop().await;
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "done", "{run}");
    for (id, note) in held.list("notes") {
        let path = format!("/api/v1/notes/{id}");
        match note["stage"].as_str() {
            Some("queued") => {}
            Some("dead") => {
                host.post(&format!("{path}/retry"), &Value::Null).await?.ok()?;
            }
            Some("in_doubt") => {
                host.post(&format!("{path}/resolve"), &json!({ "document_id": null })).await?.ok()?;
            }
            _ => continue,
        }
        host.wait_for(&path, |note| note["state"] == "done").await?;
    }
    Ok(())
}
