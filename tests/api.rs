//! The API of a host with a book: what programs read, how they follow a run, and how an event becomes a note.

use anyhow::{Context as _, Result};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup, TOKEN};

#[tokio::test]
async fn a_program_reads_the_book_and_where_its_values_come_from() -> Result<()> {
    let host = Host::start(Setup::default()).await?;
    let run = host.sync_and_wait().await?;
    assert_eq!(run["state"], "done", "{run}");

    let connections = host.get("/api/v1/connections").await?.ok()?;
    assert_eq!(connections["items"][0]["name"], "main");
    assert_eq!(connections["items"][0]["last_run"]["id"], run["id"]);

    let first = host.get("/api/v1/clients?limit=1&search=a").await?.ok()?["items"][0].take();
    let external_id = first["external_id"].as_str().context("somebody has a name that begins with an A")?;
    let found = host.get(&format!("/api/v1/clients?external_id={external_id}")).await?.ok()?;
    assert_eq!(found, json!({"items": [first], "next": null}));
    let client = &first;

    let id = client["id"].as_str().context("a client has an id")?;
    let explained = host.get(&format!("/api/v1/clients/{id}/explain?field=first_name")).await?.ok()?;
    assert_eq!(explained["client_id"], id);
    assert_eq!(explained["fields"][0]["value"], client["first_name"]);
    assert!(explained["fields"][0]["source"].as_str().is_some_and(|pointer| pointer.starts_with("/row")));
    let unknown = host.get(&format!("/api/v1/clients/{id}/explain?field=shoe_size")).await?;
    assert_eq!(unknown.status, 404);
    assert!(unknown.text.contains("first_name"), "{}", unknown.text);

    let household = client["household_id"].as_str().context("a client has a household")?;
    let household = host.get(&format!("/api/v1/households/{household}")).await?.ok()?;
    assert!(household["primary_professional"]["external_id"].is_string(), "{household}");
    let members = household["members"].as_array().context("a household has members")?;
    assert!(members.iter().any(|member| member["client"] == *client));
    Ok(())
}

#[tokio::test]
async fn a_run_is_followed_to_its_end() -> Result<()> {
    let host = Host::start(Setup::default()).await?;
    let slow: xplan_sandbox::Rule = "slow:every=1,ms=300".parse()?;
    host.crm().set_faults(xplan_sandbox::FaultPlan { rules: vec![slow], ..Default::default() });
    let begun = host.post("/api/v1/connections/main/sync", &Value::Null).await?;
    assert_eq!(begun.status, StatusCode::ACCEPTED);
    let address = begun.header("location").to_owned();
    // A second walk at once is the same one.
    let again = host.post("/api/v1/connections/main/sync", &Value::Null).await?;
    assert_eq!((again.status, again.header("location")), (202, &*address));
    host.crm().set_faults(Default::default());
    let follow = host.http().get(host.url(&format!("{address}/events"))).bearer_auth(TOKEN);
    let followed = host.send(follow).await?;
    let runs: Vec<Value> = followed
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let last = runs.last().context("at least one event comes")?;
    assert_eq!(last["state"], "done", "{last}");
    assert_eq!(host.get(&address).await?.ok()?, *last);
    assert_eq!(host.get("/api/v1/runs").await?.ok()?["items"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[tokio::test]
async fn a_rehearsal_counts_and_keeps_nothing() -> Result<()> {
    let host = Host::start(Setup::with_clients(30)).await?;
    let begun = host.post("/api/v1/connections/main/sync?dry_run=true", &Value::Null).await?.ok()?;
    let run = host.wait_for_run(begun["id"].as_str().context("a run has an id")?).await?;
    assert_eq!(run["state"], "done", "{run}");
    assert!(run["counts"]["created"].as_u64() > Some(0), "{run}");
    let empty = json!({"items": [], "next": null});
    for list in ["clients", "households", "runs"] {
        assert_eq!(host.get(&format!("/api/v1/{list}")).await?.ok()?, empty, "{list}");
    }
    Ok(())
}

#[tokio::test]
async fn an_event_is_accepted_once_a_key() -> Result<()> {
    let host = Host::start(Setup::with_clients(30)).await?;
    host.sync_and_wait().await?;
    let household = host.get("/api/v1/households?limit=1").await?.ok()?["items"][0]["id"].take();
    let event = |score: u8| {
        json!({
            "type": "your-life-survey.completed",
            "household_id": household,
            "occurred_at": "2026-03-02T01:30:00Z",
            "data": {"score": score, "goals": ["Retire at 60"], "dimensions": [{"name": "Money", "percent": 65}]}
        })
    };
    let first = host.post_event("k1", &event(72)).await?;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.text);
    let again = host.post_event("k1", &event(72)).await?;
    assert_eq!((again.status, again.json()?["id"].clone()), (200, first.json()?["id"].clone()));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(host.post_event("k1", &event(10)).await?.status, StatusCode::CONFLICT);
    let unfit = host.post_event("k2", &event(101)).await?;
    assert_eq!(unfit.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", unfit.text);
    assert_eq!(unfit.json()?["errors"][0]["pointer"], "/data/score");

    let note = host.wait_for(first.header("location"), |note| note["state"] == "done").await?;
    assert_eq!(note["document_id"].as_str(), host.crm().notes().first().map(|note| note.id.to_string()).as_deref());
    assert_eq!(host.crm().notes().len(), 1);
    let retried = host.post(&format!("{}/retry", first.header("location")), &Value::Null).await?;
    assert_eq!(retried.status, StatusCode::CONFLICT, "{}", retried.text);
    Ok(())
}

#[tokio::test]
async fn the_same_event_a_hundred_times_at_once_is_one_note() -> Result<()> {
    let host = Host::start(Setup::with_clients(30)).await?;
    host.sync_and_wait().await?;
    let household = host.get("/api/v1/households?limit=1").await?.ok()?["items"][0]["id"].take();
    let event = json!({
        "type": "note.written",
        "household_id": household,
        "occurred_at": "2026-03-02T01:30:00Z",
        "data": {"subject": "Called <b>Ayda</b>\u{7}", "body": "A & B"}
    });
    let posts = (0..100).map(|_| {
        let request = host.http().post(host.url("/api/v1/events")).bearer_auth(TOKEN).header("idempotency-key", "same");
        tokio::spawn(request.json(&event).send())
    });
    let mut ids = std::collections::BTreeSet::new();
    for post in posts.collect::<Vec<_>>() {
        let answer = post.await??;
        assert!(answer.status().is_success(), "{}", answer.status());
        let note: Value = serde_json::from_str(&answer.text().await?)?;
        ids.insert(note["id"].as_str().context("a note has an id")?.to_owned());
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    let address = format!("/api/v1/notes/{}", ids.first().context("one note")?);
    let note = host.wait_for(&address, |note| note["state"] == "done").await?;
    assert_eq!((note["subject"].as_str(), note["stage"].as_str()), (Some("Called <b>Ayda</b>"), Some("done")));
    assert_eq!(host.crm().notes().len(), 1);

    let document = note["document_id"].as_str().context("it is in the CRM")?;
    let client = note["client_ids"][0].as_str().context("it is filed against a client")?;
    for filter in [
        format!("document_id={document}"),
        format!("client_id={client}"),
        format!("household_id={}", household.as_str().unwrap_or_default()),
    ] {
        let found = host.get(&format!("/api/v1/notes?{filter}")).await?.ok()?;
        assert_eq!(found["items"][0]["id"], note["id"], "{filter}");
    }
    Ok(())
}

#[tokio::test]
async fn events_that_do_not_fit_are_told_their_field() -> Result<()> {
    let host = Host::start(Setup::with_clients(60)).await?;
    host.sync_and_wait().await?;
    let households = host.get("/api/v1/households?limit=100").await?.ok()?["items"].take();
    let households = households.as_array().context("a list")?;
    let of = |people: usize| households.iter().find(|one| one["members"].as_array().is_some_and(|m| m.len() == people));
    let (single, couple) = (of(1).context("a single")?, of(2).context("a couple")?);
    let session = |names: &[&str]| {
        let clients = names.iter().map(|name| json!({"name": name, "progress": 40, "values": ["Family"]}));
        json!({"clients": clients.collect::<Vec<_>>()})
    };
    let survey = |percent: f64| json!({"score": 5, "goals": [], "dimensions": [{"name": "Money", "percent": percent}]});
    let nobody = json!("0192f0c4-7d1e-7000-8000-000000000001");
    for (event_type, household, data, pointer) in [
        ("your-life-survey.completed", &nobody, survey(5.0), "/household_id"),
        ("your-life-survey.completed", &single["id"], survey(100.5), "/data/dimensions/0/percent"),
        ("your-life-survey.completed", &single["id"], json!({"score": 5}), "/data/goals"),
        ("values-session.completed", &single["id"], session(&["A", "B"]), "/data/clients/1"),
        ("values-session.completed", &couple["id"], session(&["Nobody of Them"]), "/data/clients"),
        ("investment-preferences.completed", &couple["id"], json!({"answers": []}), "/data/answers"),
        ("coffee.drunk", &couple["id"], json!({}), "/type"),
    ] {
        let event = json!({
            "type": event_type, "household_id": household, "occurred_at": "2026-03-02T01:30:00Z", "data": data,
        });
        let answer = host.post_event("unfit", &event).await?;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{event_type}: {}", answer.text);
        assert_eq!(answer.json()?["errors"][0]["pointer"], pointer, "{event_type}: {}", answer.text);
    }
    let couple = host.get(&format!("/api/v1/households/{}", couple["id"].as_str().unwrap_or_default())).await?.ok()?;
    let one = couple["members"][1]["client"].clone();
    let event = json!({
        "type": "values-session.completed", "household_id": couple["id"], "client_id": one["id"],
        "occurred_at": "2026-03-02T01:30:00Z", "data": session(&["Whoever"]),
    });
    let note = host.post_event("alone", &event).await?.ok()?;
    let subject = note["subject"].as_str().unwrap_or_default();
    assert!(subject.starts_with("Completed Values Session for ") && !subject.contains(" and "), "{subject}");
    assert_eq!(note["filed_against"], json!([one["external_id"]]));
    host.wait_for(&format!("/api/v1/notes/{}", note["id"].as_str().unwrap_or_default()), |note| {
        note["state"] == "done"
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_dead_letter_is_changed_retried_or_given_up() -> Result<()> {
    let host = Host::start(Setup::with_clients(30)).await?;
    host.sync_and_wait().await?;
    let household = host.get("/api/v1/households?limit=1").await?.ok()?["items"][0]["id"].take();
    let rule: xplan_sandbox::Rule = "forbidden:on=docnote,method=POST".parse()?;
    host.crm().set_faults(xplan_sandbox::FaultPlan { rules: vec![rule], ..Default::default() });
    let mut notes = Vec::new();
    for number in 0..5 {
        let event = json!({
            "type": "note.written", "household_id": household, "occurred_at": "2026-03-02T01:30:00Z",
            "data": {"subject": format!("Note {number}"), "body": "B"},
        });
        let note = host.post_event(&format!("k{number}"), &event).await?;
        host.wait_for(note.header("location"), |note| note["stage"] == "dead").await?;
        notes.push(note.header("location").to_owned());
    }
    host.crm().set_faults(Default::default());
    let dead = host.get(&notes[0]).await?.ok()?;
    assert!(dead["reason"].as_str().is_some_and(|reason| reason.contains("lacks the capability")), "{dead}");

    let refused = host.post(&format!("{}/discard", notes[0]), &json!({"reason": " "})).await?;
    assert_eq!(refused.json()?["errors"][0]["pointer"], "/reason");
    let discarded = host.post(&format!("{}/discard", notes[0]), &json!({"reason": "written by hand"})).await?.ok()?;
    assert_eq!(
        (&discarded["stage"], &discarded["reason"]),
        (&json!("discarded"), &json!("Discarded: written by hand"))
    );
    let changed = host.post(&format!("{}/edit", notes[1]), &json!({"subject": "Another subject"})).await?.ok()?;
    assert_eq!(changed["subject"], "Another subject");
    host.wait_for(&notes[1], |note| note["state"] == "done").await?;
    let retried = host.post("/api/v1/notes/retry", &json!({"event_type": "note.written"})).await?.ok()?;
    assert_eq!(retried["retried"], 3, "not the discarded one");
    host.wait_for(&notes[4], |note| note["state"] == "done").await?;
    let subjects: Vec<String> = host.crm().notes().into_iter().map(|note| note.subject).collect();
    assert_eq!(subjects, ["Another subject", "Note 2", "Note 3", "Note 4"], "in order");

    let listed = host.run(&["note", "list", "--state", "dead", "--json"]).await?;
    let listed: Value = serde_json::from_slice(&listed.stdout)?;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    let id = discarded["id"].as_str().context("a note has an id")?;
    let shown = host.run(&["note", "show", id]).await?;
    assert!(String::from_utf8_lossy(&shown.stdout).contains("written by hand"), "{shown:?}");
    let retried = host.run(&["note", "retry", id]).await?;
    assert!(retried.status.success(), "{retried:?}");
    host.wait_for(&notes[0], |note| note["state"] == "done").await?;
    Ok(())
}
