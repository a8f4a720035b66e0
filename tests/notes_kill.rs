//! File notes through kills of the host and faults of the CRM: each event ends as one note.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup};
use xplan_sandbox::FaultPlan;

/// Events of each of the households.
const ROUNDS: usize = 2;
const HOUSEHOLDS: usize = 8;
/// Where the host dies: see `TIDEGATE_FAIL_AT`.
const PLACES: [&str; 5] = ["rendered", "accepted", "before-create", "after-create", "before-look-up"];

fn event(household: &Value, round: usize) -> Value {
    json!({
        "type": "your-life-survey.completed",
        "household_id": household["id"],
        "occurred_at": "2026-03-02T01:30:00Z",
        "data": {"score": 50 + round, "goals": ["Retire at 60"], "dimensions": [{"name": "Money", "percent": 65}]},
    })
}

#[tokio::test]
async fn each_event_is_one_note_through_kills_and_cut_answers() -> Result<()> {
    let mut host = Host::start(Setup::with_clients(60)).await?;
    // It is dead most of the time; what is to be done in the end is asked for below.
    host.leave_unquiet();
    host.sync_and_wait().await?;
    let households = host.get("/api/v1/households?limit=50").await?.ok()?["items"].take();
    let households: Vec<Value> = households.as_array().context("a list")?.iter().take(HOUSEHOLDS).cloned().collect();
    ensure!(households.len() == HOUSEHOLDS, "the book is too small");

    let rules =
        ["cut_after:every=3,method=POST", "cut_late:every=7,ms=800,method=POST", "slow:every=2,ms=150,method=POST"];
    let rules = rules.iter().map(|rule| {
        rule.parse().map(|mut rule: xplan_sandbox::Rule| {
            rule.on = Some("docnote-v2".to_owned());
            rule
        })
    });
    host.crm().set_faults(FaultPlan { seed: 1, rules: rules.collect::<Result<_, _>>()? });

    for round in 0..ROUNDS {
        for (at, household) in households.iter().enumerate() {
            let (key, event) = (format!("survey-{at}-{round}"), event(household, round));
            // Dies at one of the places, or at a moment of its own: what must hold, holds at all of them.
            let place = PLACES.get((at + round * HOUSEHOLDS) % (PLACES.len() + 3)).copied();
            host.kill().await?;
            match place {
                Some(place) => host.restart_dying_at(place).await?,
                None => host.restart().await?,
            }
            let accepted = host.post_event(&key, &event).await.ok().and_then(|answer| answer.ok().ok());
            match place {
                Some(_) => host.dies_within(Duration::from_millis(400)).await,
                None => tokio::time::sleep(Duration::from_millis(17 * (at as u64 + 1))).await,
            }
            host.kill().await?;
            host.restart().await?;
            let again = host.post_event(&key, &event).await?.ok()?;
            ensure!(accepted.is_none_or(|note| note["id"] == again["id"]), "the same event became another note");
        }
    }
    host.crm().set_faults(FaultPlan::default());
    let all_done = |list: &Value| {
        list["items"]
            .as_array()
            .is_some_and(|notes| notes.len() == ROUNDS * HOUSEHOLDS && notes.iter().all(|note| note["state"] == "done"))
    };
    let mut waited = 0;
    while !all_done(&host.get("/api/v1/notes?limit=100").await?.ok()?) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        waited += 1;
        ensure!(waited < 150, "not all are done: {}", host.log_tail());
    }

    let mut scores: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for note in host.crm().notes() {
        let body = note.field("body").as_str().context("a body")?;
        scores.entry(note.entity_ids[0]).or_default().push(body.lines().next().unwrap_or_default().to_owned());
    }
    let expected: Vec<String> = (0..ROUNDS).map(|round| format!("Your Life Score - {}%", 50 + round)).collect();
    ensure!(scores.len() == HOUSEHOLDS && scores.values().all(|of_one| *of_one == expected), "{scores:?}");
    Ok(())
}
