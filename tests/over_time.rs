//! A book that changes between syncs: groups that are no longer seen, values edited here, couples that part, and the
//! answers to "why is this person not here".

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup, TOKEN};
use xplan_sandbox::{Account, Client as Record};

const DEPARTURES: &str = "/api/v1/connections/main/departures";

async fn patch(host: &Host, path: &str, body: &Value) -> Result<tidegate_tests::Answer> {
    host.send(host.http().patch(host.url(path)).bearer_auth(TOKEN).json(body)).await
}

/// Everything of a list, two hundred at a time.
async fn all(host: &Host, list: &str) -> Result<Vec<Value>> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let sign = if list.contains('?') { '&' } else { '?' };
        let page = host.get(&format!("/api/v1/{list}{sign}limit=200{cursor}")).await?.ok()?;
        rows.extend(page["items"].as_array().context("a list")?.clone());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(rows),
        }
    }
}

/// The client with this id in the CRM.
async fn client(host: &Host, id: u32) -> Result<Value> {
    let found = host.get(&format!("/api/v1/clients?external_id={id}")).await?.ok()?["items"].take();
    found.get(0).cloned().with_context(|| format!("{id} is not in the book"))
}

/// The ids of the goals and covers of a household or client.
async fn listed_of(host: &Host, whose: &str) -> Result<BTreeSet<String>> {
    let mut rows = all(host, &format!("goals?{whose}")).await?;
    rows.extend(all(host, &format!("covers?{whose}")).await?);
    Ok(rows.iter().filter_map(|row| Some(row["id"].as_str()?.to_owned())).collect())
}

/// Clients that came over, by their records in the site.
async fn came_over(host: &Host) -> Result<Vec<Record>> {
    let clients = all(host, "clients").await?;
    let ids = clients.iter().filter_map(|client| client["external_id"].as_str()?.parse().ok());
    Ok(ids.filter_map(|id| host.crm().client(id)).collect())
}

#[tokio::test]
async fn a_group_that_is_no_longer_seen_is_no_mass_departure() -> Result<()> {
    let host = Host::start(Setup::default()).await?;
    host.sync_and_wait().await?;
    let before = all(&host, "clients").await?;
    let records = came_over(&host).await?;
    let group = records.first().context("somebody came over")?.group;
    let hidden = records.iter().filter(|record| record.group == group).count();
    ensure!(hidden > 10 && hidden < records.len(), "{hidden} of {}", records.len());
    let rest: Vec<u32> = xplan_sandbox::GROUPS.iter().map(|(id, _)| *id).filter(|id| *id != group).collect();
    ensure!(host.crm().set_groups("svc", Some(rest.clone())), "the account is svc");

    ensure!(host.sync_and_wait().await?["counts"]["awaiting"] == 0, "one walk proves nothing");
    let run = host.sync_and_wait().await?;
    ensure!(run["counts"]["not_visible"] == 0 && run["counts"]["awaiting"].as_u64() > Some(10), "{run}");
    ensure!(all(&host, "clients").await? == before, "nobody was touched");
    let asked = host.get(DEPARTURES).await?.ok()?;
    ensure!(asked["standing"] == "waiting" && asked["missing"] == run["counts"]["awaiting"], "{asked}");
    ensure!(asked["clients"].as_array().is_some_and(|clients| !clients.is_empty()), "{asked}");

    // By command, with the host running: left as they are, and not asked again.
    let said = host.run(&["sync", "main", "--dismiss-gone"]).await?;
    ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    ensure!(String::from_utf8_lossy(&said.stdout).contains("stay as they are"), "{said:?}");
    ensure!(host.sync_and_wait().await?["counts"]["awaiting"] == 0, "it was asked again");

    // Everybody is back, then gone for good: somebody confirms it, once.
    host.crm().set_groups("svc", None);
    host.sync_and_wait().await?;
    host.crm().set_groups("svc", Some(rest));
    for _ in 0..2 {
        host.sync_and_wait().await?;
    }
    let asked = host.get(DEPARTURES).await?.ok()?;
    let run = asked["run_id"].as_str().context("a run asks")?;
    let answer = format!("{DEPARTURES}/confirm?run_id={run}");
    let confirmed = host.post(&answer, &Value::Null).await?.ok()?;
    ensure!(confirmed["standing"] == "confirmed" && confirmed["answered_by"].is_string(), "{confirmed}");
    ensure!(host.post(&answer, &Value::Null).await?.status == StatusCode::CONFLICT, "it was answered before");
    let gone = all(&host, "clients?visibility=not_visible").await?;
    ensure!(asked["missing"] == gone.len(), "{} of {asked}", gone.len());
    ensure!(gone.iter().all(|client| client["not_visible_since"].is_string()), "{gone:?}");
    ensure!(all(&host, "clients").await?.len() == before.len(), "nobody is deleted");
    let listed = all(&host, &format!("runs/{run}/changes?kind=not_visible")).await?;
    ensure!(listed.len() == gone.len(), "{} are listed", listed.len());
    let trace = host.get(&format!("/api/v1/troubleshoot?search={}", gone[0]["external_id"].as_str().unwrap())).await?;
    ensure!(trace.ok()?["items"][0]["stops_at"] == "visibility", "the trace says where it ends");

    host.crm().set_groups("svc", None);
    let run = host.sync_and_wait().await?;
    ensure!(run["counts"]["visible_again"] == gone.len(), "{run}");
    ensure!(all(&host, "clients").await? == before, "everybody is as before");
    Ok(())
}

#[tokio::test]
async fn an_edit_stands_until_the_next_sync() -> Result<()> {
    let host = Host::start(Setup::with_clients(40)).await?;
    host.sync_and_wait().await?;
    let before = all(&host, "clients").await?[0].clone();
    let path = format!("/api/v1/clients/{}", before["id"].as_str().context("a client has an id")?);
    let refused =
        patch(&host, &path, &json!({"mobile": "0491 570 156", "status": "client", "suburb": "Newtown"})).await?;
    ensure!(refused.status == StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text);
    for pointer in ["/mobile", "/status"] {
        ensure!(refused.text.contains(pointer), "{}", refused.text);
    }
    ensure!(host.get(&path).await?.ok()? == before, "nothing of it was kept");

    let edited = patch(&host, &path, &json!({"mobile": "+61 491 570 110", "suburb": "Newtown"})).await?.ok()?;
    ensure!(edited["mobile"] == "+61491570110" && edited["suburb"] == "Newtown", "{edited}");
    ensure!(edited["local_edits"].as_array().map(Vec::len) == Some(2), "{edited}");
    // The record in the CRM is what it was, and is brought all the same.
    let run = host.sync_and_wait().await?;
    ensure!(run["counts"]["overridden"] == 2 && run["counts"]["changed"] == 1, "{run}");
    let after = host.get(&path).await?.ok()?;
    ensure!(after["suburb"] == before["suburb"] && after["mobile"] == before["mobile"], "{after}");
    ensure!(after["local_edits"] == json!([]) && after["overridden"][0]["run_id"] == run["id"], "{after}");
    let changes = all(&host, &format!("runs/{}/changes", run["id"].as_str().context("a run has an id")?)).await?;
    ensure!(changes.len() == 1 && changes[0]["kind"] == "overridden", "{changes:?}");
    ensure!(changes[0]["fields"].as_array().map(Vec::len) == Some(2), "{changes:?}");
    // By command, too.
    let id = run["id"].as_str().context("a run has an id")?;
    let said = host.run(&["run", "show", id, "--changes", "--diagnostics"]).await?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    ensure!(said.contains("overridden") && said.contains("suburb: Newtown →"), "{said}");
    let listed = host.run(&["run", "list", "--json"]).await?;
    let listed: Value = serde_json::from_slice(&listed.stdout)?;
    ensure!(listed.as_array().map(Vec::len) == Some(2) && listed[0]["id"] == run["id"], "{listed}");
    ensure!(host.sync_and_wait().await?["counts"]["overridden"] == 0, "it is overridden once");
    Ok(())
}

#[tokio::test]
async fn couples_part_die_and_are_merged_and_nobody_is_lost() -> Result<()> {
    let host = Host::start(Setup::with_clients(200)).await?;
    host.sync_and_wait().await?;
    // Couples whose links agree and who both came over.
    let records = came_over(&host).await?;
    let find = |id: u32| records.iter().find(|record| record.id == id);
    let is_couple = |record: &&Record| {
        let partner = record.partner_entity_id.and_then(find);
        !record.is_partner
            && partner.is_some_and(|other| other.partner_entity_id == Some(record.id) && other.is_partner)
    };
    let mut couples: Vec<(u32, u32)> = records
        .iter()
        .filter(is_couple)
        .map(|record| (record.id, record.partner_entity_id.unwrap_or_default()))
        .collect();
    ensure!(couples.len() >= 4, "{couples:?}");
    // Those first who have something to lose.
    let listed = |(id, _): &(u32, u32)| find(*id).map_or(0, |record| record.goals.len() + record.policies.len());
    couples.sort_by_key(|couple| std::cmp::Reverse(listed(couple)));
    let mut homes = Vec::new();
    for (one, other) in &couples {
        let home = client(&host, *one).await?["household_id"].clone();
        ensure!(client(&host, *other).await?["household_id"] == home, "{one} and {other}");
        homes.push(home);
    }
    // What is kept with them: their goals and covers, a file note and a chosen professional each.
    let professionals = all(&host, "households").await?;
    let chosen = professionals.iter().find_map(|household| household["primary_professional"]["external_id"].as_str());
    let chosen = json!({ "primary_professional": { "external_id": chosen.context("somebody is a professional")? } });
    let mut listed_before = Vec::new();
    for (number, home) in (0..).zip(&homes[..4]) {
        let id = home.as_str().context("a household has an id")?;
        listed_before.push(listed_of(&host, &format!("household_id={id}")).await?);
        patch(&host, &format!("/api/v1/households/{id}"), &chosen).await?.ok()?;
        let event = json!({
            "type": "note.written", "household_id": id, "occurred_at": "2026-03-02T01:30:00Z",
            "data": {"subject": format!("Note {number}"), "body": "B"},
        });
        let note = host.post_event(&format!("k{number}"), &event).await?;
        host.wait_for(note.header("location"), |note| note["state"] == "done").await?;
    }
    ensure!(listed_before.iter().all(|listed| !listed.is_empty()), "{listed_before:?}");
    let crm = host.crm();
    // A separation.
    let (ayda, sam) = couples[0];
    crm.link_partner(ayda, None);
    crm.link_partner(sam, None);
    // A death of the primary client.
    let (dead, left) = couples[1];
    crm.edit(dead, |record| record.status = "Deceased".into());
    // Two records become one: the partner's goes, another takes over.
    let (stays, goes) = couples[2];
    let taking_over = crm.add(crm.client(goes).context("the partner has a record")?);
    crm.remove(goes);
    crm.link_partner(stays, Some(taking_over));
    // One side loses its link.
    let (_, one_sided) = couples[3];
    crm.link_partner(one_sided, None);
    for _ in 0..2 {
        host.sync_and_wait().await?;
    }

    let home = async |id: u32| anyhow::Ok(client(&host, id).await?["household_id"].clone());
    ensure!(home(ayda).await? == homes[0] && home(sam).await? != homes[0], "the primary client keeps the household");
    ensure!(home(left).await? == homes[1], "who is left keeps the household");
    ensure!(home(stays).await? == homes[2] && home(taking_over).await? == homes[2], "who takes over moves in");
    ensure!(client(&host, goes).await?["visibility"] == "not_visible", "the record that went is kept");
    ensure!(home(one_sided).await? == homes[3], "a link of one side holds");
    let of =
        async |home: &Value| host.get(&format!("/api/v1/households/{}", home.as_str().unwrap_or_default())).await?.ok();
    let doubts = of(&homes[3]).await?["diagnostics"].clone();
    ensure!(doubts[0]["code"] == "partner-link-one-sided", "{doubts}");
    for (home, gone) in [(&homes[0], sam), (&homes[1], dead), (&homes[2], goes)] {
        let former = of(home).await?["former_members"].clone();
        let is_there = former
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["external_id"].as_str() == Some(&*gone.to_string())));
        ensure!(is_there, "{gone} is not among {former}");
    }
    // Nothing of it is lost: what stood in a record goes where the record goes, or stays with the household that it
    // left the book from.
    let mut listed = Vec::new();
    for home in &homes[..4] {
        let id = home.as_str().context("a household has an id")?;
        listed.push(listed_of(&host, &format!("household_id={id}")).await?);
        ensure!(
            of(home).await?["primary_professional"]["external_id"] == chosen["primary_professional"]["external_id"]
        );
        let notes = all(&host, &format!("notes?household_id={id}")).await?;
        ensure!(notes.len() == 1, "{notes:?}");
    }
    listed[0]
        .extend(listed_of(&host, &format!("household_id={}", home(sam).await?.as_str().unwrap_or_default())).await?);
    let of_the_old = client(&host, goes).await?["id"].clone();
    listed[2].extend(listed_of(&host, &format!("client_id={}", of_the_old.as_str().unwrap_or_default())).await?);
    for (before, after) in listed_before.iter().zip(&listed) {
        ensure!(before.is_subset(after), "{before:?} are not all among {after:?}");
    }
    let trace = host.get(&format!("/api/v1/troubleshoot?search={dead}")).await?.ok()?["items"][0].take();
    ensure!(trace["stops_at"] == "status" && trace["client_id"].is_string(), "{trace}");
    Ok(())
}

#[tokio::test]
async fn why_somebody_is_not_here() -> Result<()> {
    let host = Host::start(Setup::with_clients(200)).await?;
    let trace = async |search: &str| {
        let found = host.get(&format!("/api/v1/troubleshoot?search={search}")).await?.ok()?;
        anyhow::Ok(found["items"][0].clone())
    };
    ensure!(trace("4711").await?["stops_at"] == "credentials", "nothing was synced yet");
    host.sync_and_wait().await?;
    ensure!(trace("999999999").await?["stops_at"] == "visibility", "no such record");
    let here = all(&host, "clients").await?[0].clone();
    let found = trace(here["external_id"].as_str().context("a client has an id")?).await?;
    ensure!(found["stops_at"].is_null() && found["client_id"] == here["id"], "{found}");
    // Somebody whom a rule leaves out is found by name, though nobody of that name is in the book.
    let is_archived = |record: &Record| record.status == "Archived" && record.last_name.is_some();
    let archived = host.crm().clients_seen_by(&Account::new("svc", "")).into_iter().find(is_archived);
    let archived = archived.context("somebody is archived")?;
    host.crm().edit(archived.id, |record| record.last_name = Some("Zyzzogeton".into()));
    // What is wrong with a goal or a cover is a client's finding too.
    let is_owner = |record: &&Record| record.id.to_string() == here["external_id"].as_str().unwrap_or_default();
    let seen = host.crm().clients_seen_by(&Account::new("svc", ""));
    let mut goals = seen.iter().find_map(|record| record.goals.first().cloned()).into_iter().collect::<Vec<_>>();
    goals.iter_mut().for_each(|goal| goal.category = Some(4242));
    let owner = seen.iter().find(is_owner).context("the client is in the book")?.id;
    host.crm().edit(owner, |record| record.goals = goals);
    host.sync_and_wait().await?;
    let found = trace(&owner.to_string()).await?;
    let steps = found["steps"].as_array().context("a trace has steps")?;
    let mapping = steps.iter().find(|step| step["stage"] == "mapping").context("mapping is a stage")?;
    let of_goal = |finding: &Value| finding["field"] == "goal.category";
    ensure!(mapping["outcome"] == "attention", "{mapping}");
    ensure!(mapping["diagnostics"].as_array().is_some_and(|all| all.iter().any(of_goal)), "{mapping}");
    // Whose a warning is, of whichever record: who is counted is in the list of its code.
    let told = all(&host, "clients?diagnostic=unknown-category").await?;
    ensure!(told.iter().any(|client| client["id"] == here["id"]), "{told:?}");
    let said = |client: &Value, code: &str| {
        client["diagnostics"].as_array().is_some_and(|said| said.iter().any(|said| said["code"] == code))
    };
    let clients = all(&host, "clients").await?;
    let of = |code| clients.iter().filter(move |client| said(client, code)).map(|client| client["id"].to_string());
    for code in ["no-country-code", "placeholder-email", "shared-email"] {
        let told = all(&host, &format!("clients?diagnostic={code}")).await?;
        let told: BTreeSet<String> = told.iter().map(|client| client["id"].to_string()).collect();
        ensure!(!told.is_empty() && told == of(code).collect(), "{code}: {told:?}");
    }
    ensure!(host.get("/api/v1/clients?diagnostic=").await?.status == StatusCode::BAD_REQUEST, "an empty code");
    let found = trace("zyzzogeton").await?;
    ensure!(
        found["stops_at"] == "status" && found["external_id"].as_str() == Some(&*archived.id.to_string()),
        "{found}"
    );
    ensure!(host.get("/api/v1/troubleshoot?search=").await?.status == StatusCode::BAD_REQUEST, "an empty search");
    Ok(())
}
