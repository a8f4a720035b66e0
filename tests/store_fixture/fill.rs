//! A practice's first months in a minute: whatever leaves something in the store is done once.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Answer, Host, TOKEN, stores};
use xplan_sandbox::{Account, Client as Record, FaultPlan, NoteHabits, Sandbox};

/// A small PDF that somebody uploads.
const PDF: &[u8] = b"%PDF-1.7\n% an authority that was signed by hand\nstartxref\n9\n%%EOF\n";

/// Goes through all of it. What is still under way at the end stays so.
pub async fn fill(host: &mut Host) -> Result<()> {
    host.sign_up().await?;
    let people = people_alone(host)?;
    let unlinked = clients_of_the_practice(host, &people).await?;
    walks(host, &people).await?;
    edits(host).await?;
    second_connection(host).await?;
    imports(host).await?;
    household_access(host).await?;
    notes(host, &unlinked).await
}

fn strike(host: &Host, rules: &[&str]) -> Result<()> {
    let rules = rules.iter().map(|rule| rule.parse()).collect::<Result<_, _>>()?;
    host.crm().set_faults(FaultPlan { seed: 1, rules });
    Ok(())
}

async fn rows(host: &Host, list: &str) -> Result<Vec<Value>> {
    let page = host.get(&format!("/api/v1/{list}")).await?.ok()?;
    Ok(page["items"].as_array().with_context(|| format!("{list} is a list"))?.clone())
}

fn id(of: &Value) -> Result<&str> {
    of["id"].as_str().with_context(|| format!("{of} has an id"))
}

/// People of the site who come over and live alone.
fn people_alone(host: &Host) -> Result<Vec<Record>> {
    let is_named = |name: &Option<std::borrow::Cow<'static, str>>| {
        name.as_deref().is_some_and(|name| name.chars().all(char::is_alphabetic))
    };
    let is_alone = |record: &Record| {
        record.status == "Client"
            && record.entity_type == "individual"
            && record.partner_entity_id.is_none()
            && is_named(&record.first_name)
            && is_named(&record.last_name)
    };
    let all = host.crm().clients_seen_by(&Account::new("svc", ""));
    let alone: Vec<Record> = all.into_iter().filter(is_alone).collect();
    ensure!(alone.len() >= 5, "{} people of the book live alone", alone.len());
    Ok(alone)
}

async fn make(host: &Host, client: &Value) -> Result<Value> {
    host.post("/api/v1/clients", client).await?.ok()
}

async fn bring(host: &Host, file_name: &str, list: String) -> Result<Value> {
    let request = host.http().post(host.url(&format!("/api/v1/imports?connection=main&file_name={file_name}")));
    let request = request.bearer_auth(TOKEN).header("content-type", "text/csv");
    host.send(request.body(list)).await?.ok()
}

/// Clients whom the practice made before its CRM was connected: linked by a list, by hand, unlinked again, lookalikes
/// who wait for a decision or were ignored, and one whom the CRM does not have, whose id is answered.
async fn clients_of_the_practice(host: &Host, people: &[Record]) -> Result<String> {
    make(host, &json!({"first_name": "Ayda", "last_name": "Khan", "email": "ayda.khan@example.com"})).await?;
    let list = format!(
        "First Name,Last Name,Email,Xplan ID\nAyda,Khan,ayda.khan@example.com,{}\nGus,Gone,gone@example.com,{}\n",
        people[0].id, people[1].id
    );
    let import = bring(host, "first.csv", list).await?;
    host.post(&format!("/api/v1/imports/{}/apply", id(&import)?), &Value::Null).await?.ok()?;

    for likeness in &people[2..4] {
        // Without an email: two addresses would say that these are two people.
        let (first, last) = (likeness.first_name.as_deref(), likeness.last_name.as_deref());
        make(host, &json!({"first_name": first, "last_name": last})).await?;
    }
    make(host, &json!({"first_name": "Cy", "last_name": "Osei", "email": "osei@example.com"})).await?;
    let by_hand = make(host, &json!({"first_name": "Bo", "last_name": "Osei", "email": "osei@example.com"})).await?;
    let by_hand = format!("/api/v1/clients/{}", id(&by_hand)?);
    let newcomer = host.crm().add(host.crm().book(xplan_sandbox::Book::newcomer));
    let link = json!({"connection": "main", "external_id": newcomer.to_string()});
    host.post(&format!("{by_hand}/link"), &link).await?.ok()?;
    host.post(&format!("{by_hand}/unlink"), &Value::Null).await?.ok()?;
    host.crm().remove(newcomer);

    let unlinked = json!({"first_name": "Dee", "last_name": "Only-Here", "email": "dee@example.com"});
    Ok(id(&make(host, &unlinked).await?)?.to_owned())
}

/// Runs that end in each way there is; between them the book loses a client, a goal and a cover, and at the end a record
/// stands in quarantine.
async fn walks(host: &Host, people: &[Record]) -> Result<()> {
    strike(host, &["forbidden:on=/entity/"])?;
    ensure!(host.sync_and_wait().await?["state"] == "failed", "a run fails");
    strike(host, &["slow:ms=1000,method=GET"])?;
    let run = host.sync().await?;
    host.post(&format!("/api/v1/runs/{}/cancel", id(&run)?), &Value::Null).await?.ok()?;
    ensure!(host.wait_for_run(id(&run)?).await?["state"] == "cancelled", "a run is cancelled");
    strike(host, &[])?;
    ensure!(host.sync_and_wait().await?["state"] == "done", "a run comes to its end");

    let ignored = rows(host, "review").await?;
    ensure!(ignored.len() == 2, "two look like clients of the practice: {ignored:?}");
    host.post(&format!("/api/v1/review/{}/decision", id(&ignored[0])?), &json!({"decision": "ignore"})).await?.ok()?;

    host.crm().remove(people[4].id);
    let all = host.crm().clients_seen_by(&Account::new("svc", ""));
    let clients = rows(host, "clients?limit=500").await?;
    let here: Vec<&str> = clients.iter().filter_map(|client| client["external_id"].as_str()).collect();
    let is_here = |record: &Record| here.contains(&record.id.to_string().as_str());
    let has_both = |record: &Record| record.goals.len() > 1 && record.policies.len() > 1;
    let lister = all.iter().find(|record| is_here(record) && has_both(record));
    let lister = lister.context("somebody has goals and policies")?.id;
    host.crm().edit(lister, |record| {
        record.goals.pop();
        record.policies.pop();
    });
    for _ in 0..2 {
        host.sync_and_wait().await?;
    }
    for list in ["goals", "covers"] {
        ensure!(
            rows(host, &format!("{list}?limit=500")).await?.iter().any(|row| row["gone_since"].is_string()),
            "{list}"
        );
    }
    ensure!(!rows(host, "clients?visibility=not_visible").await?.is_empty(), "who was removed is not visible");
    strike(host, &["not_a_list:on=/contact,times=1"])?;
    host.sync_and_wait().await?;
    strike(host, &[])?;
    ensure!(!rows(host, "quarantine").await?.is_empty(), "a record is in quarantine");
    Ok(())
}

/// What people change here: values of the CRM's, one of them overridden by it since, and the practice's own.
async fn edits(host: &Host) -> Result<()> {
    let clients = rows(host, "clients?limit=500").await?;
    let linked: Vec<&Value> = clients.iter().filter(|client| client["external_id"].is_string()).collect();
    let aside = rows(host, "quarantine").await?;
    let well = |client: &&&Value| aside.iter().all(|row| row["external_id"] != client["external_id"]);
    let [overridden, edited] = linked.iter().filter(well).take(2).collect::<Vec<_>>()[..] else {
        anyhow::bail!("two clients are linked")
    };
    let change = json!({"mobile": "+61 491 570 110", "suburb": "Newtown"});
    host.patch(&format!("/api/v1/clients/{}", id(overridden)?), &change).await?.ok()?;
    let one =
        format!("/api/v1/connections/main/clients/{}/sync", overridden["external_id"].as_str().unwrap_or_default());
    host.post(&one, &Value::Null).await?.ok()?;
    host.patch(&format!("/api/v1/clients/{}", id(edited)?), &change).await?.ok()?;

    let goals = rows(host, "goals").await?;
    let own = json!({"status": "doing", "recurrence": "yearly"});
    host.patch(&format!("/api/v1/goals/{}", id(&goals[0])?), &own).await?.ok()?;
    let households = rows(host, "households?limit=500").await?;
    let professional = |household: &&Value| household["primary_professional"]["external_id"].is_string();
    let chosen = households.iter().rfind(professional).context("somebody answers for a household")?;
    let chosen = json!({"primary_professional": {"external_id": chosen["primary_professional"]["external_id"]}});
    host.patch(&format!("/api/v1/households/{}", id(&households[0])?), &chosen).await?.ok()?;
    Ok(())
}

/// A site that is connected while the host runs, with its password sealed in the store.
async fn second_connection(host: &Host) -> Result<()> {
    let site = Sandbox::start(stores::south()).await?;
    let south = json!({
        "name": "south", "title": "The southern office", "pack": "xplan-nz", "forward_host": site.addr().to_string(),
        "insecure_http": true, "schedule": "0 0 0 1 1 *", "confirms_preflight": true,
        "auth": {"mode": "basic", "username": "svc", "password": "sandbox"},
    });
    host.post("/api/v1/connections", &south).await?.ok()?;
    let run = host.post("/api/v1/connections/south/sync", &Value::Null).await?.ok()?;
    ensure!(host.wait_for_run(id(&run)?).await?["state"] == "done", "the second site is walked");
    site.stop().await;
    Ok(())
}

/// A list that waits to be applied, with a row that needs a decision and has one.
async fn imports(host: &Host) -> Result<()> {
    let list = "First Name,Last Name,Email,Xplan ID\nDee,Only-Here,dee@example.com,880001\n\
                B,Osei,osei@example.com,880002\n=1+1,Formula,f@example.com,\n";
    let import = bring(host, "second.csv", list.to_owned()).await?;
    let rows = rows(host, &format!("imports/{}/rows", id(&import)?)).await?;
    let asked = rows.iter().find(|row| row["status"] == "needs_decision").context("a row needs a decision")?;
    let path = format!("/api/v1/imports/{}/rows/{}/decision", id(&import)?, asked["number"]);
    host.post(&path, &json!({"decision": "leave_out"})).await?.ok()?;
    Ok(())
}

/// Staff who were given access for a reason, one of them in another role since; and a household that was opened in an emergency,
/// looked at after, beside one that nobody looked at.
async fn household_access(host: &Host) -> Result<()> {
    let password = "wet umbrella on the 7 bus";
    let new = json!({"email": "zoe.ng@example.com", "name": "Zoe Ng", "role": "associate", "password": password});
    let zoe = host.post("/api/v1/users", &new).await?.ok()?;
    let households = rows(host, "households?limit=500").await?;
    let of_crm = |household: &&Value| household["primary_professional"]["external_id"].is_string();
    let mut of_crm = households.iter().filter(of_crm);
    let [given, opened, left] = [of_crm.next(), of_crm.next(), of_crm.next()];
    let access = format!("/api/v1/households/{}/access", id(given.context("somebody answers for a household")?)?);
    let primary = host.get(&access).await?.ok()?["primary"]["external_id"].clone();
    for (role, reason) in [("support", "Covers for Lee in March"), ("associate", "Covers for Lee")] {
        let staff = json!([{"user_id": zoe["id"], "role": role, "reason": reason}]);
        let set = json!({"primary": {"external_id": primary}, "staff": staff});
        host.send(host.http().put(host.url(&access)).bearer_auth(TOKEN).json(&set)).await?.ok()?;
    }

    let session = async |email: &str, password: &str| {
        let sign_in = json!({"email": email, "password": password});
        let opened = host.send(host.http().post(host.url("/api/v1/sessions")).json(&sign_in)).await?.ok()?;
        opened["token"].as_str().map(str::to_owned).context("a session has a token")
    };
    let zoe = session("zoe.ng@example.com", password).await?;
    let pat = session(stores::EMAIL, stores::PASSWORD).await?;
    let post = async |path: &str, token: &str, body: Value| {
        host.send(host.http().post(host.url(path)).bearer_auth(token).json(&body)).await?.ok()
    };
    let mut ids = Vec::new();
    for household in [opened, left] {
        let household = id(household.context("there are households enough")?)?;
        let why = json!({"of": household, "reason": "Somebody rang from the hospital"});
        ids.push(id(&post("/api/v1/emergency-access", &zoe, why).await?)?.to_owned());
    }
    post(&format!("/api/v1/emergency-access/{}/end", ids[0]), &zoe, Value::Null).await?;
    let finding = json!({"finding": "Rang back; it was right"});
    post(&format!("/api/v1/emergency-access/{}/review", ids[0]), &pat, finding).await?;
    Ok(())
}

/// Posts an event; answers where its note is.
async fn post(host: &Host, key: &str, event: &Value) -> Result<String> {
    let answer: Answer = host.post_event(key, event).await?;
    Ok(format!("/api/v1/notes/{}", id(&answer.ok()?)?))
}

/// Notes in every state in which they can be kept, the last of them at a site that wants to be left alone.
async fn notes(host: &Host, unlinked: &str) -> Result<()> {
    let households = rows(host, "households?limit=500").await?;
    let has_linked_members = |household: &&Value| {
        let mut members = household["members"].as_array().into_iter().flatten();
        household["connection"] == "main" && members.all(|member| member["external_id"].is_string())
    };
    let mut of_main = households.iter().filter(has_linked_members).map(|household| &household["id"]);
    let mut written = |subject: &str| -> Result<Value> {
        let household = of_main.next().context("there are households enough")?;
        let data = json!({"subject": subject, "body": format!("{subject}, and said so")});
        Ok(json!({
            "type": "note.written", "household_id": household, "occurred_at": "2026-03-02T01:30:00Z", "data": data,
        }))
    };
    let done = async |note: &str| host.wait_for(note, |note| note["state"] == "done").await;
    let dead = async |note: &str| host.wait_for(note, |note| note["state"] == "dead").await;

    let mut with_documents = written("Sent the signed authority")?;
    let upload = host.http().post(host.url("/api/v1/documents")).bearer_auth(TOKEN);
    let upload = upload
        .header("content-type", "application/pdf")
        .header("content-disposition", "attachment; filename=\"Authority.pdf\"");
    with_documents["attachments"] = json!([host.send(upload.body(PDF)).await?.ok()?["id"]]);
    done(&post(host, "uploaded", &with_documents).await?).await?;
    let mut plan = written("")?;
    (plan["type"], plan["data"]) = (json!("best-life-plan.exported"), json!({}));
    done(&post(host, "made", &plan).await?).await?;
    done(&post(host, "filed", &written("Called about the plan")?).await?).await?;

    let dee = host.get(&format!("/api/v1/clients/{unlinked}")).await?.ok()?;
    let mut waits = written("Met at the fair")?;
    waits["household_id"] = dee["household_id"].clone();
    let waits = post(host, "unlinked", &waits).await?;
    host.wait_for(&waits, |note| note["stage"] == "waiting_for_link").await?;

    strike(host, &["forbidden:on=docnote,method=POST"])?;
    dead(&post(host, "refused", &written("Wrote a letter")?).await?).await?;
    let discarded = post(host, "discarded", &written("Wrote another letter")?).await?;
    dead(&discarded).await?;
    host.post(&format!("{discarded}/discard"), &json!({"reason": "It was sent by post."})).await?.ok()?;

    host.crm().set_note_habits(NoteHabits { drops_markers: true, ..NoteHabits::default() });
    strike(host, &["cut_after:times=1,method=POST,on=docnote"])?;
    let doubted = post(host, "in-doubt", &written("Rang back")?).await?;
    host.wait_for(&doubted, |note| note["stage"] == "in_doubt").await?;
    host.crm().set_note_habits(NoteHabits::default());

    strike(host, &["too_many_requests:retry_after=3000,on=docnote,method=POST"])?;
    let left = post(host, "waiting", &written("Asked for a quote")?).await?;
    host.wait_for(&left, |note| note["state"] == "waiting").await?;
    post(host, "queued", &written("Asked for another quote")?).await?;
    // The host keeps within seconds that the site wants to be left alone.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    Ok(())
}
