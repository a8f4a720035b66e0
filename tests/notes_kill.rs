//! File notes through kills of the host and faults of the CRM: each event ends as one note with exactly its documents.
//!
//! `TIDEGATE_KILLS=500` kills so often in place of a few times, and `TIDEGATE_SITE_TAKES=30` lets the site take half a
//! minute over every other create and upload, with the host's own waits; CONTRIBUTING.md says how to run that.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup};
use xplan_sandbox::FaultPlan;

/// How often the host is killed where the environment says nothing else.
const KILLS: usize = 32;
/// So many reach every place: whether a note comes to one while the host lives is a matter of moments.
const ENOUGH: usize = 300;
/// Events of each household, at least.
const ROUNDS: usize = 2;
/// Where the host dies: see `TIDEGATE_FAIL_AT`. What is after a create and before its look-up covers a create that was
/// sent and whose answer was lost; what is before and after an attachment, the times between attachments.
const PLACES: [&str; 8] = [
    "rendered",
    "accepted",
    "before-create",
    "after-create",
    "before-look-up",
    "before-attach",
    "after-attach",
    "before-list",
];
/// A site that ends no session when its user signs in again: what is being worked on is done to its end.
const SESSIONS: usize = 10_000;
/// What a note with documents carries.
const DOCUMENTS: [&str; 2] = ["one.pdf", "two.pdf"];

/// A note as it is expected, or found: what it says in its first line, and its documents.
type Said = (String, Vec<String>);

fn kills() -> Result<usize> {
    match std::env::var("TIDEGATE_KILLS") {
        Ok(number) => number.parse().context("TIDEGATE_KILLS is a number"),
        Err(_) => Ok(KILLS),
    }
}

/// How many seconds the site takes where it is slow, where the environment says so.
fn site_takes() -> Result<Option<u64>> {
    let taken = std::env::var("TIDEGATE_SITE_TAKES").ok();
    taken.map(|seconds| seconds.parse().context("TIDEGATE_SITE_TAKES is a number of seconds")).transpose()
}

/// What goes wrong at the site with notes and documents. Whatever is slow is done to its end, also where the host that
/// asked for it is dead.
fn faults(site_takes: Option<u64>) -> Result<FaultPlan> {
    let slow = match site_takes {
        Some(seconds) => format!("slow_work:every=2,ms={},method=POST", seconds * 1000),
        None => "slow_work:every=2,ms=150,method=POST".to_owned(),
    };
    let rules = ["cut_after:every=3,method=POST", "cut_late:every=7,ms=800,method=POST", slow.as_str()];
    let rules = rules.iter().map(|rule| {
        rule.parse().map(|mut rule: xplan_sandbox::Rule| {
            rule.on = Some("docnote-v2".to_owned());
            rule
        })
    });
    Ok(FaultPlan { seed: 1, rules: rules.collect::<Result<_, _>>()? })
}

/// The event of a round, with what its note will be. Every other one has documents.
fn event(household: &Value, round: usize, documents: &[Value]) -> (Value, Said) {
    let (event_type, data, attachments, said) = if round.is_multiple_of(2) {
        let subject = format!("Round {round}");
        let names = DOCUMENTS.map(ToOwned::to_owned).to_vec();
        ("note.written", json!({ "subject": subject, "body": subject }), documents, (subject, names))
    } else {
        let dimensions = [json!({ "name": "Money", "percent": 65 })];
        let data = json!({ "score": round, "goals": ["Retire at 60"], "dimensions": dimensions });
        ("your-life-survey.completed", data, &[][..], (format!("Your Life Score - {round}%"), Vec::new()))
    };
    let household = &household["id"];
    let occurred_at = "2026-03-02T01:30:00Z";
    let event = json!({
        "type": event_type, "household_id": household, "occurred_at": occurred_at, "data": data, "attachments": attachments,
    });
    (event, said)
}

/// What the stand-in holds, by household: the notes of each in the order in which they came.
fn arrived(host: &Host) -> Result<BTreeMap<u32, Vec<Said>>> {
    let mut arrived: BTreeMap<u32, Vec<Said>> = BTreeMap::new();
    for note in host.crm().notes() {
        let body = note.field("body").as_str().context("a body")?;
        let said = (
            body.lines().next().unwrap_or_default().to_owned(),
            note.attachments.into_iter().map(|one| one.filename).collect(),
        );
        arrived.entry(note.entity_ids[0]).or_default().push(said);
    }
    Ok(arrived)
}

/// Whatever has arrived so far is the beginning of what is expected: nothing twice, nothing out of order, and nothing
/// incomplete but each household's last note.
fn check_so_far(arrived: &BTreeMap<u32, Vec<Said>>, expected: &BTreeMap<u32, Vec<Said>>) -> Result<()> {
    for (client, notes) in arrived {
        let wanted = expected.get(client).with_context(|| format!("nothing was sent for {client}: {notes:?}"))?;
        let is_as_wanted = |(place, note): (usize, &Said)| {
            let is_last = place + 1 == notes.len();
            let wanted = wanted.get(place);
            wanted
                .is_some_and(|wanted| note == wanted || is_last && note.0 == wanted.0 && wanted.1.starts_with(&note.1))
        };
        ensure!(notes.iter().enumerate().all(is_as_wanted), "{client} has {notes:?} of {wanted:?}");
    }
    Ok(())
}

/// Two PDFs that are kept for the notes.
async fn documents(host: &Host) -> Result<Vec<Value>> {
    let mut ids = Vec::new();
    for name in DOCUMENTS {
        let pdf = format!("%PDF-1.7\n% {name}\nstartxref\n9\n%%EOF\n");
        let request = host.http().post(host.url("/api/v1/documents")).bearer_auth(tidegate_tests::TOKEN);
        let request = request.header("content-type", "application/pdf");
        let request = request.header("content-disposition", format!("attachment; filename=\"{name}\""));
        ids.push(host.send(request.body(pdf)).await?.ok()?["id"].take());
    }
    Ok(ids)
}

#[tokio::test]
async fn each_event_is_one_note_through_kills_and_cut_answers() -> Result<()> {
    let kills = kills()?;
    let site_takes = site_takes()?;
    let mut setup = Setup::with_clients(kills.div_ceil(4).max(60) as u32 * 2);
    setup.site.sessions_per_user = SESSIONS;
    if site_takes.is_none() {
        // A site that is quick to the host's knowledge, so that nothing is waited for longer than the faults last.
        setup.settings = "[crm]\nrequest-timeout = \"3s\"\n\n[notes]\nsite-lag = \"1s\"\n".to_owned();
    }
    let mut host = Host::start(setup).await?;
    // It is dead most of the time; what is to be done in the end is asked for below.
    host.leave_unquiet();
    host.sync_and_wait().await?;
    let documents = documents(&host).await?;
    let mut households = host.get("/api/v1/households?limit=500").await?.ok()?["items"].take();
    let households = households.as_array_mut().context("a list")?;
    // Two kills an event.
    let events = kills.div_ceil(2);
    households.truncate(events.div_ceil(ROUNDS));
    let external_id = |household: &Value| household["members"][0]["external_id"].as_str()?.parse().ok();
    let mut expected: BTreeMap<u32, Vec<Said>> = BTreeMap::new();

    host.crm().set_faults(faults(site_takes)?);

    let mut deaths: BTreeMap<&str, usize> = BTreeMap::new();
    for number in 0..events {
        let (round, at) = (number / households.len(), number % households.len());
        let household = &households[at];
        let (event, said) = event(household, round, &documents);
        let client = external_id(household).context("a household has somebody of the CRM")?;
        expected.entry(client).or_default().push(said);
        let key = format!("event-{at}-{round}");
        // Dies at one of the places, or at a moment of its own: what must hold, holds at all of them.
        let place = PLACES.get(number % (PLACES.len() + 3)).copied();
        host.kill().await?;
        match place {
            Some(place) => host.restart_dying_at(place).await?,
            None => host.restart().await?,
        }
        let accepted = host.post_event(&key, &event).await.ok().and_then(|answer| answer.ok().ok());
        let died = match place {
            Some(_) => host.dies_within(Duration::from_millis(700)).await,
            None => {
                tokio::time::sleep(Duration::from_millis(17 * (number as u64 % 10 + 1))).await;
                false
            }
        };
        host.kill().await?;
        *deaths.entry(place.filter(|_| died).unwrap_or("at random")).or_default() += 1;
        check_so_far(&arrived(&host)?, &expected)?;
        host.restart().await?;
        let again = host.post_event(&key, &event).await?.ok()?;
        ensure!(accepted.is_none_or(|note| note["id"] == again["id"]), "the same event became another note");
        // The kill with which the next one begins.
        *deaths.entry("while others were sent").or_default() += 1;
    }
    println!("{events} events, killed {deaths:?}");
    host.crm().set_faults(FaultPlan::default());
    let open = async || -> Result<usize> {
        let mut open = 0;
        for state in ["queued", "sending", "waiting", "dead"] {
            let list = host.get(&format!("/api/v1/notes?state={state}&limit=500")).await?.ok()?;
            open += list["items"].as_array().context("a list")?.len();
        }
        Ok(open)
    };
    let mut waited = 0;
    while open().await? > 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        waited += 1;
        ensure!(waited < 900 + kills, "not all are done: {}", host.log_tail());
    }
    let arrived = arrived(&host)?;
    ensure!(arrived == expected, "{arrived:?} in place of {expected:?}");
    let is_everywhere = PLACES.iter().all(|place| deaths.contains_key(place));
    ensure!(kills < ENOUGH || is_everywhere, "not everywhere: {deaths:?}");
    Ok(())
}

#[tokio::test]
async fn a_host_that_is_killed_while_the_site_works_writes_one_note() -> Result<()> {
    let seconds = site_takes()?.unwrap_or(14);
    let mut setup = Setup::with_clients(10);
    setup.site.sessions_per_user = SESSIONS;
    let mut host = Host::start(setup).await?;
    host.sync_and_wait().await?;
    let slow = format!("slow_work:times=1,on=docnote-v2,method=POST,ms={}", seconds * 1000).parse()?;
    host.crm().set_faults(FaultPlan { seed: 1, rules: vec![slow] });
    let household = host.get("/api/v1/households?limit=1").await?.ok()?["items"][0].take();
    let (event, said) = event(&household, 0, &[]);
    let note = host.post_event("once", &event).await?.ok()?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    ensure!(host.crm().notes().is_empty(), "the site is at work");
    host.kill().await?;
    host.restart().await?;
    let path = format!("/api/v1/notes/{}", note["id"].as_str().context("an id")?);
    let mut waited = 0;
    while host.get(&path).await?.ok()?["state"] != "done" {
        tokio::time::sleep(Duration::from_secs(1)).await;
        waited += 1;
        ensure!(waited < 3 * seconds + 30, "it is not done: {}", host.log_tail());
    }
    // Whatever was sent by then is through.
    tokio::time::sleep(Duration::from_secs(seconds.saturating_sub(waited) + 1)).await;
    let notes: Vec<Said> = arrived(&host)?.into_values().flatten().collect();
    ensure!(notes == [(said.0, Vec::new())], "{notes:?}");
    Ok(())
}
