//! Whatever happens to a book between walks, and to the walks, the practice ends with what the book says.
//!
//! Random books, random edits, faults on, the host killed at random moments: then the clients, households, goals, covers
//! and records left out are those that `expected` and `households` compute from the stand-in site's own records, and one
//! more walk changes nothing. File notes that are written meanwhile are in the CRM once, each with its documents, whatever
//! the site makes of them (`filed`). Walks that no host could end right, with every kind of fault there is, come before: they
//! lose nothing and say what was wrong, and the next walk mends what they did. The seed is fixed, so that a failure comes
//! again; `TIDEGATE_SEED` chooses another.

mod edits;
mod emptied;
mod expected;
mod filed;
mod households;
mod kept;
mod listed;
mod missed;
mod written;
mod wrong;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;
use tidegate_tests::{Host, Setup};
use xplan_sandbox::{FaultPlan, NoteHabits};

use edits::Edit;
use expected::{Fields, Practice};
use filed::{Filed, Written};
use kept::Kept;
use missed::Missed;
use wrong::HARMLESS;

/// Books, side by side; each goes through several walks. Most of their time they wait for a site that fails.
const BOOKS: usize = 2;

/// One walk, and what comes before and during it.
#[derive(Debug, Clone)]
struct Walk {
    edits: Vec<Edit>,
    /// A walk before it that nobody could get through.
    spoilt: Option<Spoilt>,
    /// What goes wrong at the site.
    faults: Vec<&'static str>,
    /// The host is killed so many milliseconds after it began.
    killed_after: Option<u64>,
    /// What the site makes of notes from now on.
    habits: NoteHabits,
    /// What people write before the walk that is spoilt, before this one, and during it.
    events: [Vec<Written>; 3],
}

/// A walk with every kind of fault at once.
#[derive(Debug, Clone)]
struct Spoilt {
    /// After so many requests come faults that end it.
    late: u64,
    seed: u64,
    killed_after: Option<u64>,
}

fn walk() -> impl Strategy<Value = Walk> {
    let faults = prop::sample::subsequence(HARMLESS.to_vec(), 0..=HARMLESS.len());
    let edits = prop::collection::vec(edits::edit(), 0..60);
    let events = || prop::collection::vec(filed::written(), 1..5);
    let walk = (edits, prop::option::weighted(0.7, spoilt()), faults, killed());
    (walk, filed::habits(), [events(), events(), events()]).prop_map(
        |((edits, spoilt, faults, killed_after), habits, events)| Walk {
            edits,
            spoilt,
            faults,
            killed_after,
            habits,
            events,
        },
    )
}

fn spoilt() -> impl Strategy<Value = Spoilt> {
    (0..30_u64, any::<u64>(), killed()).prop_map(|(late, seed, killed_after)| Spoilt { late, seed, killed_after })
}

fn killed() -> impl Strategy<Value = Option<u64>> {
    prop::option::weighted(0.4, 0..400_u64)
}

/// Walks, one of them with all that a walk gets through at once.
fn walks() -> impl Strategy<Value = Vec<Walk>> {
    (prop::collection::vec(walk(), 2..4), any::<Index>()).prop_map(|(mut walks, one)| {
        let one = one.index(walks.len());
        walks[one].faults = HARMLESS.to_vec();
        walks
    })
}

#[test]
fn the_practice_is_what_the_book_says() {
    let seed = std::env::var("TIDEGATE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(3_u64);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let book = (any::<u64>(), 40..160_u32, walks());
    // A failure comes again by its seed; to find a smaller one takes minutes.
    let books = prop::collection::vec(book, BOOKS).new_tree(&mut runner).expect("there are books").current();
    let books = books.into_iter().map(|(seed, clients, walks)| runtime.spawn(comes_out(seed, clients, walks)));
    for book in books.collect::<Vec<_>>() {
        let outcome = runtime.block_on(book).map_err(anyhow::Error::from).flatten();
        if let Err(error) = outcome {
            panic!("with TIDEGATE_SEED={seed}: {error:#}");
        }
    }
}

async fn comes_out(seed: u64, clients: u32, walks: Vec<Walk>) -> Result<()> {
    let mut setup = Setup::with_clients(clients);
    setup.site.seed = seed;
    // What the values mean is the same, however a site writes them.
    setup.site.other_forms = seed % 2 == 1;
    setup.settings = filed::SETTINGS.to_owned();
    // A site gives notes markers of its own for good, or never.
    let own_markers = seed.is_multiple_of(5);
    let mut host = Host::start(setup).await?;
    // Where something fails, notes are under way, and what failed is to be told. In the end all are done (`settle`).
    host.leave_unquiet();
    let mut missed = Missed::default();
    // Whose lists may have come empty, walk after walk.
    let mut open = BTreeSet::new();
    let mut filed = Filed::default();
    for (at, walk) in walks.into_iter().enumerate() {
        walk.edits.iter().for_each(|edit| edit.apply(&host.crm()));
        filed.habits(&host, &walk.habits, own_markers);
        let before = Kept::of(&host).await?;
        // What the spoilt walk finds empty once more is taken so, and nothing is told of it any more.
        let told_before = emptied::told(&rows(&host, "clients").await?);
        let [while_spoilt, early, late] = &walk.events;
        if let Some(spoilt) = &walk.spoilt {
            filed.think_of(&host, while_spoilt).await?;
            walk_spoilt(&mut host, spoilt, &mut filed).await?;
            // A host that had to sign in again and again waits before it does so once more.
            host.kill().await?;
            host.restart().await?;
            before.is_in(&Kept::of(&host).await?, &expected(&host)).context("after a walk that was spoilt")?;
        }
        if walk.faults.iter().any(|rule| emptied::strikes(rule)) {
            open.extend(told_before);
            // Whose list was no list in the spoilt walk is left aside once more where it comes empty then.
            let aside = rows(&host, "quarantine").await?;
            open.extend(aside.iter().filter_map(|row| Some(row["external_id"].as_str()?.to_owned())));
            open.extend(emptied::told(&rows(&host, "clients").await?));
            open.extend(expected(&host).clients.into_keys().filter(|id| !before.has(id)));
        } else {
            open.clear();
        }
        let choices = (at == 1 && walk.spoilt.is_none()).then_some(wrong::CHOICES);
        let rules = walk.faults.iter().copied().chain(choices).map(str::parse).collect::<Result<_, _>>()?;
        host.crm().set_faults(FaultPlan { seed, rules });
        filed.think_of(&host, early).await?;
        filed.send(&host).await?;
        filed.think_of(&host, late).await?;
        let run = run_through(&mut host, walk.killed_after, &mut filed).await?;
        ensure!(run["state"] == "done", "{run}");
        missed::confirm(&host).await?;
        open.extend(emptied::aside(&rows(&host, "quarantine").await?));
        // A walk that was spoilt may have come to its end, and one that was killed may have been over.
        let may_be_more = u32::from(walk.spoilt.is_some()) + u32::from(walk.killed_after.is_some());
        agrees(&host, &mut missed, &open, may_be_more).await.with_context(|| format!("after walk {at} ({walk:?})"))?;
        before.is_in(&Kept::of(&host).await?, &expected(&host))?;
        kept::write(&host).await?;
    }
    host.crm().set_faults(FaultPlan::default());
    // What one walk missed is gone after another; then nothing is left to conclude.
    host.sync_and_wait().await?;
    missed::confirm(&host).await?;
    agrees(&host, &mut missed, &BTreeSet::new(), 0).await.context("after a walk without a fault")?;
    ensure!(emptied::told(&rows(&host, "clients").await?).is_empty(), "a list that came empty is kept for good");
    let before = everything(&host).await?;
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "done" && run["counts"]["unchanged"] == run["counts"]["seen"], "a walk anew: {run}");
    ensure!(everything(&host).await? == before, "a walk over an unchanged book changed something");
    filed.settle(&host).await?;
    filed.agrees(&host).await?;
    println!("{}", filed.told());
    Ok(())
}

/// Walks with every kind of fault: done or failed, it ends, and says what was wrong.
async fn walk_spoilt(host: &mut Host, spoilt: &Spoilt, filed: &mut Filed) -> Result<()> {
    host.crm().set_faults(FaultPlan { seed: spoilt.seed, rules: wrong::every_kind(spoilt.late) });
    let run = run_through(host, spoilt.killed_after, filed).await?;
    if run["state"] == "failed" {
        ensure!(run["error"].as_str().is_some_and(|words| !words.is_empty()), "it does not say why: {run}");
        return Ok(());
    }
    ensure!(run["state"] == "done", "{run}");
    // Of what came before a kill, nothing may have been kept.
    let struck = if spoilt.killed_after.is_none() { host.crm().stats().faults } else { Vec::new() };
    for (fault, counts) in wrong::told(&struck) {
        let is_told =
            counts.is_empty() || counts.iter().any(|count| run["counts"].pointer(count).is_some_and(is_above_zero));
        ensure!(is_told, "of {fault:?} there is nothing in {run}");
    }
    Ok(())
}

/// Whether a count, or one of several, is above zero.
fn is_above_zero(count: &Value) -> bool {
    match count {
        Value::Object(counts) => counts.values().any(is_above_zero),
        count => count.as_u64() > Some(0),
    }
}

/// A walk to its end, through a kill of the host or without, while what people thought of is sent; answers the run.
async fn run_through(host: &mut Host, killed_after: Option<u64>, filed: &mut Filed) -> Result<Value> {
    let mut id = run_id(&host.sync().await?)?;
    if let Some(millis) = killed_after {
        let (dies, sends) = (tokio::time::sleep(Duration::from_millis(millis)), filed.send(host));
        // What is being sent just then has no answer.
        tokio::select! {
            () = dies => {}
            sent = async { sends.await?; std::future::pending::<Result<()>>().await } => sent?,
        }
        host.kill().await?;
        host.restart().await?;
        // Where the walk was over before the kill, or had not begun, this is another one.
        id = run_id(&host.sync().await?)?;
    }
    filed.send(host).await?;
    host.wait_for_run(&id).await
}

fn expected(host: &Host) -> Practice {
    host.crm().book(|book| Practice::of(book.clients()))
}

fn run_id(run: &Value) -> Result<String> {
    Ok(run["id"].as_str().context("a run has an id")?.to_owned())
}

/// Compares the practice with what the book makes of it, after a walk and perhaps so many more. Lists of the clients
/// `open` may have come empty.
async fn agrees(host: &Host, missed: &mut Missed, open: &BTreeSet<String>, may_be_more: u32) -> Result<()> {
    let mut expected = expected(host);
    let mut clients = rows(host, "clients").await?;
    let aside: BTreeSet<String> = rows(host, "quarantine")
        .await?
        .iter()
        .filter_map(|row| Some(row["external_id"].as_str()?.to_owned()))
        .collect();
    ensure!(aside.is_subset(open), "in quarantine: {aside:?}");
    // Who is left aside stays as they were.
    clients.retain(|client| client["external_id"].as_str().is_none_or(|id| !aside.contains(id)));
    expected.clients.retain(|id, _| !aside.contains(id));
    emptied::leave_open(&(open | &emptied::told(&clients)), &mut expected.clients);
    are("clients", clients, &expected.clients)?;
    for (list, expected) in [("goals", &expected.goals), ("covers", &expected.covers)] {
        let stands = |row: &Value| row["external_id"].as_str().is_some_and(|id| expected.contains_key(id));
        let (here, missing) = rows(host, list).await?.into_iter().partition::<Vec<_>, _>(stands);
        missed.walked(list, &missing, expected, may_be_more)?;
        let is_marked = here.iter().find(|row| row["gone_since"].is_string() || row["is_missed"] == true);
        ensure!(is_marked.is_none(), "{list}: the book has {is_marked:?}");
        are(list, here.into_iter().map(listed::with_numbers).collect(), expected)?;
    }
    let households: BTreeSet<Vec<String>> = rows(host, "households").await?.iter().map(members).collect();
    let agree = households == expected.households || !aside.is_empty();
    ensure!(agree, "households:\n{households:?}\nexpected:\n{:?}", expected.households);
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
