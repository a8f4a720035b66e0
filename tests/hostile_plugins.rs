//! Hostile plugins, as real components in packs of a real host: each costs the records that it goes wrong on and nothing else.
//! All other records are mapped, another connection's run goes on, and the host's memory stays within bounds.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup};
use xplan_sandbox::{Options, Region, Sandbox};

use crate::connections::{draft, sync};
use crate::packs::{all, mapped_again, text};

const MAIN: &str = "/api/v1/connections/main";
const REVISIONS: &str = "/api/v1/revisions?connection=main";

/// What the plugins may cost at the most beside what the host needs anyway: two instances at work, each with its whole memory, an
/// answer at its limit, and compiling a component.
const MOST: u64 = 160 << 20;
/// What may be left of it when they are done.
const LEFT: u64 = 48 << 20;

/// What becomes of the record that the plugin goes wrong on.
enum Expected {
    /// It is kept aside, with this code and these words.
    Aside(&'static str, &'static str),
    /// It is mapped, and this is its preferred name.
    Named(&'static str),
}

/// The ways to go wrong, and what each comes to.
const WAYS: [(&str, Expected); 14] = [
    ("loop", Expected::Aside("plugin-failed", "it took too long")),
    ("trap", Expected::Aside("plugin-failed", "it gave up")),
    ("memory", Expected::Aside("plugin-failed", "it gave up")),
    ("recursion", Expected::Aside("plugin-failed", "it called itself too deeply")),
    ("huge", Expected::Aside("plugin-failed", "fuel")),
    ("length", Expected::Aside("plugin-failed", "outcomes to")),
    ("ids", Expected::Aside("plugin-failed", "ids that it was not asked for")),
    ("foreign", Expected::Aside("plugin-answer-unusable", "another id than the CRM's")),
    ("utf8", Expected::Aside("plugin-failed", "utf-8")),
    ("log", Expected::Aside("plugin-failed", "it called the host too often")),
    ("calls", Expected::Aside("plugin-failed", "it called the host too often")),
    ("reject", Expected::Aside("hostile", "The rules want it.")),
    // No state outlives a call, and no memory holds what another instance wrote.
    ("state", Expected::Named("nothing")),
    ("random", Expected::Named("0 7ff8000000000000")),
];

/// Puts in force what goes wrong so on one record, while the other connection syncs.
async fn goes_wrong(host: &Host, how: &str, on: &str) -> Result<String> {
    host.write_hostile(how, &[on], 0)?;
    let staged = host.post(REVISIONS, &Value::Null).await?.ok()?;
    let revision = text(&staged["revision"]);
    ensure!(staged["state"] == "verified", "{how}: {staged}");
    let other = host.post("/api/v1/connections/south/sync", &Value::Null).await?.ok()?;
    host.post(&format!("{MAIN}/activate"), &json!({ "revision": revision })).await?.ok()?;
    mapped_again(host).await.with_context(|| how.to_owned())?;
    let run = host.wait_for_run(&text(&other["id"])).await?;
    ensure!(run["state"] == "done" && run["counts"]["unchanged"] == run["counts"]["seen"], "{how}: {run}");
    Ok(revision)
}

#[tokio::test]
async fn each_hostile_plugin_costs_its_own_records_alone() -> Result<()> {
    let mut setup = Setup::with_clients(400);
    setup.pack = "hostile".to_owned();
    setup.settings = "\n[crm]\nstand-in-sites = true\n".to_owned();
    let mut host = Host::prepare(setup).await?;
    let packs = host.own_packs()?;
    tidegate_tests::copy_pack("xplan-nz", &packs.join("xplan-nz"))?;
    host.write_hostile("not", &[], 0)?;
    host.restart().await?;
    let other = Sandbox::start(Options { clients: 300, region: Region::Nz, ..Options::default() }).await?;
    host.post("/api/v1/connections", &draft("south", &other, "xplan-nz")).await?.ok()?;
    host.sync_and_wait().await?;
    sync(&host, "south").await?;
    let of_main =
        async || anyhow::Ok(all(&host, "clients").await?.into_iter().filter(|one| one["connection"] == "main"));
    let before: Vec<Value> = of_main().await?.collect();
    let victim = text(&before[before.len() / 2]["external_id"]);
    ensure!(before.len() == 400 && victim != "1", "{victim} of {}", before.len());
    let (calm, _) = host.memory()?;

    for (how, expected) in WAYS {
        let revision = goes_wrong(&host, how, &victim).await?;
        let aside = all(&host, "quarantine").await?;
        for client in of_main().await? {
            let is_victim = client["external_id"] == victim;
            let was = before.iter().find(|was| was["id"] == client["id"]).context("nobody is new")?;
            for member in ["first_name", "last_name", "household_id", "visibility"] {
                ensure!(client[member] == was[member], "{how}: {client} was {was}");
            }
            let is_mapped = !is_victim || matches!(expected, Expected::Named(_));
            ensure!((client["revision"] == revision) == is_mapped, "{how}: {client}");
            if let (true, Expected::Named(name)) = (is_victim, &expected) {
                ensure!(client["preferred_name"] == *name, "{how}: {client}");
            }
        }
        match expected {
            Expected::Named(_) => ensure!(aside.is_empty(), "{how}: {aside:?}"),
            Expected::Aside(code, words) => {
                ensure!(aside.len() == 1 && aside[0]["external_id"] == victim, "{how}: {aside:?}");
                let said = &aside[0]["diagnostics"][0];
                ensure!(said["code"] == code && text(&said["message"]).contains(words), "{how}: {said}");
                ensure!(text(&said["message"]).len() < 2_000, "{how}: what it says is bounded");
            }
        }
        let main = host.get(MAIN).await?.ok()?;
        ensure!(
            main["revision"] == revision && main["breaker"].is_null(),
            "{how}: one record is no reason to go back: {main}"
        );
        let (now, peak) = host.memory()?;
        println!("{how}: {} MB, at most {} MB ({} MB when calm)", now >> 20, peak >> 20, calm >> 20);
        ensure!(peak < calm + MOST, "{how}: {} MB of {}", peak >> 20, calm >> 20);
    }
    // What it wrote is shown to people in a bounded number of lines, and is in no log.
    ensure!(!std::fs::read_to_string(host.folder().join("host.log"))?.contains("nobody asked for"), "it is in the log");

    // All of it is undone by a revision that goes wrong on nothing.
    goes_wrong(&host, "not", "").await?;
    ensure!(all(&host, "quarantine").await?.is_empty(), "it is back");
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "done" && run["counts"]["unchanged"] == run["counts"]["seen"], "{run}");
    let (now, _) = host.memory()?;
    ensure!(now < calm + LEFT, "{} MB of {}", now >> 20, calm >> 20);
    Ok(())
}

/// What a plugin finds out about its surroundings changes nothing: the same book, mapped again by the same, is the same.
#[tokio::test]
async fn a_plugin_that_looks_for_chance_finds_none() -> Result<()> {
    let mut setup = Setup::with_clients(700);
    setup.pack = "hostile".to_owned();
    let mut host = Host::prepare(setup).await?;
    host.own_packs()?;
    host.write_hostile("random", &[], 1)?;
    host.restart().await?;
    host.sync_and_wait().await?;
    for (how, every) in [("state", 1), ("random", 1)] {
        host.write_hostile(how, &["0"], every)?;
        let staged = host.post(REVISIONS, &Value::Null).await?.ok()?;
        let revision = text(&staged["revision"]);
        host.post(&format!("{MAIN}/activate"), &json!({ "revision": revision })).await?.ok()?;
        mapped_again(&host).await?;
        // Another revision that maps the same: the preview maps all by it, in other batches and on other threads.
        host.write_hostile(how, &["0", "00"], every)?;
        let same = host.post(REVISIONS, &Value::Null).await?.ok()?;
        let path = format!("/api/v1/revisions/{}/preview?connection=main", text(&same["revision"]));
        let preview = host.post(&path, &Value::Null).await?.ok()?;
        ensure!(
            preview["state"] == "done" && preview["records"] == 700 && preview["differing"] == 0,
            "{how}: {preview}"
        );
    }
    Ok(())
}
