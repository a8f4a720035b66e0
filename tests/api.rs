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
    assert_eq!(unknown.status, 400);
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
    let begun = host.post("/api/v1/connections/main/sync", &Value::Null).await?;
    assert_eq!(begun.status, StatusCode::ACCEPTED);
    let address = begun.header("location").to_owned();
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
