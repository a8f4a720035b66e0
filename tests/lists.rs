//! Goals and covers from the site to the API: they come over, change, go and come back, and what the practice says of
//! a goal stays.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup, TOKEN};
use xplan_sandbox::FaultPlan;

/// All rows of a list.
async fn rows(host: &Host, query: &str) -> Result<Vec<Value>> {
    let page = host.get(&format!("/api/v1/{query}")).await?.ok()?;
    Ok(page["items"].as_array().context("a list")?.clone())
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str> {
    value[name].as_str().with_context(|| format!("{name} in {value}"))
}

#[tokio::test]
async fn goals_and_covers_come_over_with_their_clients_and_what_the_practice_says_stays() -> Result<()> {
    let host = Host::start(Setup::default()).await?;
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "done", "{run}");
    let (goals, covers) = (rows(&host, "goals?limit=500").await?, rows(&host, "covers?limit=500").await?);
    assert_eq!(run["counts"]["goals"]["created"], goals.len(), "{run}");
    assert_eq!(run["counts"]["covers"]["created"], covers.len(), "{run}");
    ensure!(goals.len() > 30 && covers.len() > 30, "{} goals, {} covers", goals.len(), covers.len());
    ensure!(goals.iter().any(|goal| goal["category"] == "Retirement"), "the site's own choices are read");
    ensure!(goals.iter().all(|goal| goal["status"] == "to_do"), "what comes over first is to do");

    let goal = goals.iter().find(|goal| goal["estimated_cost"].is_object()).context("a goal costs something")?;
    let (id, client) = (text(goal, "id")?, text(goal, "client_id")?);
    let of_client = rows(&host, &format!("goals?client_id={client}")).await?;
    ensure!(of_client.contains(goal) && of_client.iter().all(|other| other["client_id"] == client));
    let of_household = rows(&host, &format!("goals?household_id={}", text(goal, "household_id")?)).await?;
    ensure!(of_household.contains(goal));
    let explained =
        host.get(&format!("/api/v1/clients/{client}/explain?kind=goal&field=goals[0].outlook")).await?.ok()?;
    assert_eq!(explained["fields"][0]["value"], of_client[0]["outlook"], "{explained}");

    let path = format!("/api/v1/goals/{id}");
    let own = json!({"status": "doing", "recurrence": "yearly"});
    let change = |body: &Value| host.http().patch(host.url(&path)).bearer_auth(TOKEN).json(body);
    let changed = host.send(change(&own)).await?.ok()?;
    assert_eq!((&changed["status"], &changed["recurrence"]), (&own["status"], &own["recurrence"]));
    let kept = host.send(change(&json!({"status": "done"}))).await?.ok()?;
    assert_eq!((&kept["status"], &kept["recurrence"]), (&json!("done"), &own["recurrence"]), "what is not named stays");
    let refused = host.send(change(&json!({"status": "later"}))).await?;
    ensure!((400..500).contains(&refused.status) && refused.text.contains("status"), "{}", refused.text);

    // The goal's list in the CRM: emptied, then as it was, with another name for the goal.
    let client = host.get(&format!("/api/v1/clients/{client}")).await?.ok()?;
    let number: u32 = text(&client, "external_id")?.parse()?;
    let before = host.crm().client(number).context("the site has the client")?;
    host.crm().edit(number, |client| client.goals.clear());
    // Two walks have to miss it.
    let run = host.sync_and_wait().await?;
    assert_eq!(run["counts"]["goals"]["gone"], 0, "{run}");
    let missed = host.get(&path).await?.ok()?;
    ensure!(missed["gone_since"].is_null() && missed["is_missed"] == true, "{missed}");
    let run = host.sync_and_wait().await?;
    assert_eq!(run["counts"]["goals"]["gone"], of_client.len(), "{run}");
    let gone = host.get(&path).await?.ok()?;
    ensure!(gone["gone_since"].is_string() && gone["status"] == "done", "{gone}");

    host.crm().edit(number, |client| {
        client.goals = before.goals.clone();
        client.goals.iter_mut().for_each(|goal| goal.description = Some("Sail round the cape".into()));
    });
    let run = host.sync_and_wait().await?;
    assert_eq!(
        (&run["counts"]["goals"]["changed"], &run["counts"]["goals"]["created"]),
        (&json!(of_client.len()), &json!(0))
    );
    let back = host.get(&path).await?.ok()?;
    ensure!(back["gone_since"].is_null() && back["name"] == "Sail round the cape", "{back}");
    assert_eq!((&back["status"], &back["recurrence"]), (&json!("done"), &json!("yearly")));
    Ok(())
}

#[tokio::test]
async fn lists_that_are_empty_once_mark_nothing_as_gone() -> Result<()> {
    let host = Host::start(Setup::with_clients(60)).await?;
    host.sync_and_wait().await?;
    let before = (rows(&host, "goals?limit=500").await?, rows(&host, "covers?limit=500").await?);
    // All of them, answered in earnest.
    let rules = vec!["empty_list:on=/goals".parse()?, "empty_list:on=/insurance_group".parse()?];
    host.crm().set_faults(FaultPlan { seed: 1, rules });
    let run = host.sync_and_wait().await?;
    assert_eq!((&run["counts"]["goals"]["gone"], &run["counts"]["covers"]["gone"]), (&json!(0), &json!(0)), "{run}");
    assert_eq!(run["counts"]["doubts"]["goals-missed-once"], before.0.len(), "{run}");
    host.crm().set_faults(FaultPlan::default());
    for (list, before) in [("goals", &before.0), ("covers", &before.1)] {
        let now = rows(&host, &format!("{list}?limit=500")).await?;
        ensure!(now.len() == before.len() && now.iter().all(|row| row["gone_since"].is_null()), "{now:?}");
        ensure!(now.iter().all(|row| row["is_missed"] == true), "nothing says that they were missed");
    }
    host.sync_and_wait().await?;
    let now = (rows(&host, "goals?limit=500").await?, rows(&host, "covers?limit=500").await?);
    ensure!(now == before, "they are not what they were");
    Ok(())
}

#[tokio::test]
async fn insurance_that_is_hidden_as_a_whole_waits_for_a_person() -> Result<()> {
    const COVERS: &str = "/api/v1/connections/main/departures";
    let host = Host::start(Setup::default()).await?;
    host.sync_and_wait().await?;
    let before = rows(&host, "covers?limit=500").await?;
    ensure!(before.len() > 30, "{} covers", before.len());
    ensure!(host.crm().hide_list("insurance_group", true), "the site has such a list");
    for _ in 0..2 {
        let run = host.sync_and_wait().await?;
        assert_eq!(run["counts"]["covers"]["gone"], 0, "{run}");
    }
    let asked = host.get(&format!("{COVERS}?kind=cover")).await?.ok()?;
    ensure!(asked["standing"] == "waiting" && asked["missing"] == before.len(), "{asked}");
    ensure!(asked["covers"].as_array().is_some_and(|covers| !covers.is_empty()), "{asked}");
    for kind in ["client", "goal"] {
        let other = host.get(&format!("{COVERS}?kind={kind}")).await?.ok()?;
        ensure!(other["standing"] == "none", "{other}");
    }
    ensure!(rows(&host, "covers?limit=500").await?.iter().all(|cover| cover["gone_since"].is_null()));

    // By command: left as they are, and not asked again.
    let said = host.run(&["sync", "main", "--dismiss-gone=cover"]).await?;
    ensure!(String::from_utf8_lossy(&said.stdout).contains("covers stay as they are"), "{said:?}");
    let run = host.sync_and_wait().await?;
    ensure!(run["counts"]["doubts"]["covers-gone-unconfirmed"].is_null(), "it was asked again: {run}");
    let asked = host.get(&format!("{COVERS}?kind=cover")).await?.ok()?;
    ensure!(asked["standing"] == "dismissed", "{asked}");

    // Shown again, then gone for good: somebody confirms it, once.
    host.crm().hide_list("insurance_group", false);
    host.sync_and_wait().await?;
    ensure!(rows(&host, "covers?limit=500").await? == before, "they are not what they were");
    host.crm().hide_list("insurance_group", true);
    for _ in 0..2 {
        host.sync_and_wait().await?;
    }
    let asked = host.get(&format!("{COVERS}?kind=cover")).await?.ok()?;
    let run = text(&asked, "run_id")?;
    let answer = format!("{COVERS}/confirm?kind=cover&run_id={run}");
    let confirmed = host.post(&answer, &Value::Null).await?.ok()?;
    ensure!(confirmed["standing"] == "confirmed" && confirmed["answered_by"].is_string(), "{confirmed}");
    ensure!(host.post(&answer, &Value::Null).await?.status == 409, "it was answered before");
    ensure!(rows(&host, "covers?limit=500").await?.iter().all(|cover| cover["gone_since"].is_string()));
    let run = host.get(&format!("/api/v1/runs/{run}")).await?.ok()?;
    assert_eq!(run["counts"]["covers"]["gone"], before.len(), "{run}");

    host.crm().hide_list("insurance_group", false);
    let run = host.sync_and_wait().await?;
    assert_eq!(run["counts"]["covers"]["changed"], before.len(), "{run}");
    ensure!(rows(&host, "covers?limit=500").await?.iter().all(|cover| cover["gone_since"].is_null()));
    Ok(())
}

#[tokio::test]
async fn a_list_that_fails_marks_nothing_as_gone() -> Result<()> {
    let host = Host::start(Setup::with_clients(40)).await?;
    host.sync_and_wait().await?;
    let before = rows(&host, "covers?limit=500").await?;
    ensure!(!before.is_empty());
    host.crm().set_faults(FaultPlan { seed: 7, rules: vec!["call_error:every=7".parse()?] });
    host.sync_and_wait().await?;
    host.crm().set_faults(FaultPlan::default());
    assert_eq!(rows(&host, "covers?limit=500").await?, before);
    let run = host.sync_and_wait().await?;
    assert_eq!(run["counts"]["covers"]["gone"], 0, "{run}");
    Ok(())
}
