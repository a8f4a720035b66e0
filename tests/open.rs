//! The Open dialect, through a gateway: the same book as through the other, notes, one client, and faults.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup};

fn setup(clients: u32, dialect: &str, pack: &str) -> Setup {
    let mut setup = Setup { dialect: dialect.to_owned(), pack: pack.to_owned(), ..Setup::with_clients(clients) };
    setup.site.region = match pack {
        "xplan-nz" => xplan_sandbox::Region::Nz,
        "xplan-uk" => xplan_sandbox::Region::Uk,
        "xplan-za" => xplan_sandbox::Region::Za,
        _ => setup.site.region,
    };
    setup
}

/// Every record of a list, by what it is called in the CRM, without what is the practice's own: ids, times, and the words
/// of diagnostics, which name a dialect's fields.
async fn book(host: &Host, list: &str) -> Result<BTreeMap<String, Value>> {
    let mut found = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = host.get(&format!("/api/v1/{list}?limit=500{cursor}")).await?.ok()?;
        for item in page["items"].as_array().context("a list")? {
            let mut item = item.clone();
            let name = item["external_id"].as_str().or(item["name"].as_str()).unwrap_or_default().to_owned();
            let codes = item["diagnostics"].as_array().map(|all| all.iter().map(|one| one["code"].clone()).collect());
            let fields = item.as_object_mut().context("an object")?;
            fields.retain(|key, _| !key.ends_with("id") || key == "external_id" || key == "adviser_external_id");
            fields.retain(|key, _| !key.ends_with("_at") && !["revision", "members", "diagnostics"].contains(&&**key));
            fields.insert("codes".to_owned(), Value::Array(codes.unwrap_or_default()));
            let number = found.keys().filter(|known: &&String| known.starts_with(&name)).count();
            found.insert(if list == "households" { format!("{name} {number}") } else { name }, item);
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(found),
        }
    }
}

#[tokio::test]
async fn both_dialects_bring_the_same_book() -> Result<()> {
    for pack in ["xplan-au", "xplan-nz", "xplan-uk", "xplan-za"] {
        let plain = Host::start(setup(700, "resourceful", pack)).await?;
        let open = Host::start(setup(700, "open", pack)).await?;
        let (_, run) = tokio::try_join!(plain.sync_and_wait(), open.sync_and_wait())?;
        ensure!(run["state"] == "done", "{run}");
        for list in ["clients", "goals", "covers", "households"] {
            let (expected, found) = (book(&plain, list).await?, book(&open, list).await?);
            ensure!(expected.len() > 300 && expected.keys().eq(found.keys()), "{pack}: other {list}");
            for (id, record) in &expected {
                ensure!(record == &found[id], "{pack}, {list}, {id}:\n{record}\n{}", found[id]);
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_gateway_takes_notes_answers_for_one_client_and_may_fail() -> Result<()> {
    let host = Host::start(setup(40, "open", "xplan-au")).await?;
    let rules = ["cut_before:every=23", "bad_gateway:every=29", "too_many_requests:every=31"];
    let rules = rules.iter().map(|rule| rule.parse()).collect::<Result<Vec<_>, _>>()?;
    host.crm().set_faults(xplan_sandbox::FaultPlan { seed: 1, rules });
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "done" && run["counts"]["quarantined"] == 0, "{run}");
    host.crm().set_faults(xplan_sandbox::FaultPlan::default());
    let again = host.sync_and_wait().await?;
    ensure!(again["counts"]["seen"] == again["counts"]["unchanged"], "what did not change is skipped: {again}");

    let client = host.get("/api/v1/clients?limit=1").await?.ok()?["items"][0].take();
    let external_id = client["external_id"].as_str().context("an id")?;
    host.crm().edit(external_id.parse()?, |record| record.last_name = Some("Rossi".into()));
    let path = format!("/api/v1/clients/{}/sync", client["id"].as_str().unwrap_or_default());
    let synced = host.post(&path, &Value::Null).await?.ok()?;
    ensure!(synced["outcome"] == "changed" && synced["client"]["last_name"] == "Rossi", "{synced}");

    host.crm().set_faults(xplan_sandbox::FaultPlan { seed: 1, rules: vec!["cut_after:method=POST,times=1".parse()?] });
    let event = json!({
        "type": "your-life-survey.completed", "household_id": client["household_id"],
        "occurred_at": "2026-03-02T01:30:00Z",
        "data": {"score": 72, "goals": ["Retire at 60"], "dimensions": [{"name": "Money", "percent": 65}]},
    });
    let note = host.post_event("survey-1", &event).await?.ok()?;
    let path = format!("/api/v1/notes/{}", note["id"].as_str().context("an id")?);
    host.wait_for(&path, |note| note["state"] == "done").await?;
    let notes = host.crm().notes();
    ensure!(notes.len() == 1, "{} notes", notes.len());
    let body = notes[0].field("body").as_str().context("a body")?;
    ensure!(body.starts_with("Your Life Score - 72%"), "{body}");
    Ok(())
}

#[tokio::test]
async fn a_note_of_unknown_outcome_is_found_however_the_gateway_lists_notes() -> Result<()> {
    use xplan_sandbox::NoteHabits;
    let setup = Setup {
        settings: "[crm]\nrequest-timeout = \"2s\"\n\n[notes]\nsite-lag = \"1s\"\n".to_owned(),
        ..setup(40, "open", "xplan-au")
    };
    let host = Host::start(setup).await?;
    host.sync_and_wait().await?;
    let households = host.get("/api/v1/households?limit=3").await?.ok()?["items"].take();
    let habits = [
        NoteHabits { no_content: true, ..NoteHabits::default() },
        NoteHabits { unpaged: true, text_ids: true, ..NoteHabits::default() },
        NoteHabits { page_cap: Some(1), ..NoteHabits::default() },
    ];
    for (habits, household) in habits.into_iter().zip(households.as_array().context("a list")?) {
        host.crm().set_note_habits(habits.clone());
        for fault in ["cut_before", "cut_after"] {
            let before = host.crm().notes().len();
            let rules = vec![format!("{fault}:method=POST,times=1").parse()?];
            host.crm().set_faults(xplan_sandbox::FaultPlan { seed: 1, rules });
            let event = json!({
                "type": "your-life-survey.completed", "household_id": household["id"],
                "occurred_at": "2026-03-02T01:30:00Z",
                "data": {"score": 72, "goals": ["Retire at 60"], "dimensions": [{"name": "Money", "percent": 65}]},
            });
            let note = host.post_event(&format!("{fault}-{before}"), &event).await?.ok()?;
            let path = format!("/api/v1/notes/{}", note["id"].as_str().context("an id")?);
            host.wait_for(&path, |note| note["state"] == "done").await?;
            ensure!(host.crm().notes().len() == before + 1, "{habits:?}, {fault}");
        }
    }
    Ok(())
}
