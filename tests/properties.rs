//! Whatever happens to a book between walks, and to the walks, the practice ends with what the book says.
//!
//! Random books, random edits, faults on, the host killed at random moments: then the clients, households, goals, covers
//! and records left out are those that `expected` and `households` compute from the stand-in site's own records, and one
//! more walk changes nothing. The seed is fixed, so that a failure comes again; `TIDEGATE_SEED` chooses another.

mod edits;
mod expected;
mod households;
mod listed;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::Value;
use tidegate_tests::{Host, Setup};
use xplan_sandbox::FaultPlan;

use edits::Edit;
use expected::{Fields, Practice};

/// Books; each goes through several walks.
const BOOKS: u32 = 3;

/// One walk, and what comes before and during it.
#[derive(Debug, Clone)]
struct Walk {
    edits: Vec<Edit>,
    /// What goes wrong at the site.
    faults: Vec<&'static str>,
    /// The host is killed so many milliseconds after it began.
    killed_after: Option<u64>,
}

/// Faults that a walk gets through: each strikes now and then.
const FAULTS: [&str; 8] = [
    "session_takeover:every=7",
    "too_many_requests:every=9,times=2,retry_after=0",
    "server_error:every=8,times=3",
    "bad_gateway:every=11,times=3",
    "cut_before:every=10,times=3",
    "cut_body:every=9,times=3",
    "short_page:every=2",
    "slow:every=2,ms=40",
];

fn walk() -> impl Strategy<Value = Walk> {
    let faults = prop::sample::subsequence(FAULTS.to_vec(), 0..4);
    let killed_after = prop::option::weighted(0.4, 0..400_u64);
    let edits = prop::collection::vec(edits::edit(), 0..60);
    (edits, faults, killed_after).prop_map(|(edits, faults, killed_after)| Walk { edits, faults, killed_after })
}

#[test]
fn the_practice_is_what_the_book_says() {
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1_u64);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: BOOKS, max_shrink_iters: 20, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let book = (any::<u64>(), 40..160_u32, prop::collection::vec(walk(), 2..4));
    let outcome = runner.run(&book, |(seed, clients, walks)| {
        let outcome = runtime.block_on(comes_out(seed, clients, &walks));
        outcome.map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    if let Err(error) = outcome {
        panic!("with TIDEGATE_SEED={seed}: {error}");
    }
}

async fn comes_out(seed: u64, clients: u32, walks: &[Walk]) -> Result<()> {
    let mut setup = Setup::with_clients(clients);
    setup.site.seed = seed;
    let mut host = Host::start(setup).await?;
    for walk in walks {
        walk.edits.iter().for_each(|edit| edit.apply(&host.crm()));
        let rules = walk.faults.iter().map(|rule| rule.parse()).collect::<Result<_, _>>()?;
        host.crm().set_faults(FaultPlan { seed, rules });
        let mut id = run_id(&host.sync().await?)?;
        if let Some(millis) = walk.killed_after {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            host.kill().await?;
            host.restart().await?;
            // Where the walk was over before the kill, or had not begun, this is another one.
            id = run_id(&host.sync().await?)?;
        }
        let run = host.wait_for_run(&id).await?;
        ensure!(run["state"] == "done", "{run}");
        agrees(&host).await?;
    }
    host.crm().set_faults(FaultPlan::default());
    let before = everything(&host).await?;
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "done" && run["counts"]["unchanged"] == run["counts"]["seen"], "a walk anew: {run}");
    ensure!(everything(&host).await? == before, "a walk over an unchanged book changed something");
    Ok(())
}

fn run_id(run: &Value) -> Result<String> {
    Ok(run["id"].as_str().context("a run has an id")?.to_owned())
}

/// Compares the practice with what the book makes of it.
async fn agrees(host: &Host) -> Result<()> {
    let expected = host.crm().book(|book| Practice::of(book.clients()));
    are("clients", rows(host, "clients").await?, &expected.clients)?;
    for (list, expected) in [("goals", &expected.goals), ("covers", &expected.covers)] {
        // What is gone from the book is kept, and says so.
        let here = rows(host, list).await?.into_iter().filter(|row| row["gone_since"].is_null());
        are(list, here.map(listed::with_numbers).collect(), expected)?;
    }
    let households: BTreeSet<Vec<String>> = rows(host, "households").await?.iter().map(members).collect();
    ensure!(households == expected.households, "households:\n{households:?}\nexpected:\n{:?}", expected.households);
    let quarantine = rows(host, "quarantine").await?;
    ensure!(quarantine.is_empty(), "in quarantine: {quarantine:?}");
    Ok(())
}

/// Compares the rows of a list with what they have to be.
fn are(list: &str, rows: Vec<Value>, expected: &BTreeMap<String, Fields>) -> Result<()> {
    let rows = by_external_id(rows)?;
    let ids = |rows: BTreeSet<&String>| rows.into_iter().cloned().collect::<Vec<_>>().join(" ");
    let (found, wanted) = (rows.keys().collect(), expected.keys().collect());
    ensure!(found == wanted, "{list}:\n{}\nexpected:\n{}", ids(found), ids(wanted));
    let mut wrong = Vec::new();
    for (id, wanted) in expected {
        let found = &rows[id];
        let differs = wanted.iter().filter(|(field, value)| &found[**field] != *value);
        wrong.extend(differs.map(|(field, value)| format!("{field} of {id} is {}, expected {value}", found[*field])));
    }
    ensure!(wrong.is_empty(), "{list}: {}", wrong.join("\n"));
    Ok(())
}

fn by_external_id(rows: Vec<Value>) -> Result<BTreeMap<String, Value>> {
    let mut by_id = BTreeMap::new();
    for row in rows {
        let id = row["external_id"].as_str().context("a record has an id in the CRM")?.to_owned();
        ensure!(by_id.insert(id, row).is_none(), "a record stands twice");
    }
    Ok(by_id)
}

/// The CRM's ids of a household's members, its primary client first.
fn members(household: &Value) -> Vec<String> {
    let members = household["members"].as_array().into_iter().flatten();
    let of_role = |role: &'static str| {
        let here = members.clone().filter(move |member| member["role"] == role);
        here.filter_map(|member| Some(member["external_id"].as_str()?.to_owned()))
    };
    of_role("cfo").chain(of_role("non_cfo")).collect()
}

/// Every list, for comparing the practice with itself: ids and times included.
async fn everything(host: &Host) -> Result<Vec<Vec<Value>>> {
    let mut all = Vec::new();
    for list in ["clients", "households", "goals", "covers", "quarantine"] {
        all.push(rows(host, list).await?);
    }
    Ok(all)
}

async fn rows(host: &Host, list: &str) -> Result<Vec<Value>> {
    let mut rows = Vec::new();
    let mut path = format!("/api/v1/{list}?limit=500");
    loop {
        let page = host.get(&path).await?.ok()?;
        rows.extend(page["items"].as_array().context("a list")?.iter().cloned());
        match page["next"].as_str() {
            Some(cursor) => path = format!("/api/v1/{list}?limit=500&cursor={cursor}"),
            None => return Ok(rows),
        }
    }
}
