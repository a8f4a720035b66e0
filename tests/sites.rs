//! Ids are bound to the site that gave them, and secrets to the host that they were given for: two sites with the same
//! ids and different people, and every way in which a connection can come to lead from one to the other.

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tidegate_tests::{Answer, Host, Setup};
use xplan_sandbox::{FaultPlan, OAuthOptions, Options, Region, Sandbox};

use crate::connections::{draft, send, setup, sync};
use crate::oauth::Practice;

/// A site with the ids of the default book and other people.
async fn other_site(oauth: OAuthOptions) -> Result<Sandbox> {
    let options = Options { clients: 20, seed: 2, region: Region::Au, oauth, ..Options::default() };
    Ok(Sandbox::start(options).await?)
}

/// Somebody of the host's own book: the client's id, the CRM's id, the last name.
async fn somebody(host: &Host, connection: &str) -> Result<(String, String, Value)> {
    let clients = host.get("/api/v1/clients?limit=100").await?.ok()?;
    let items = clients["items"].as_array().context("a list")?;
    let client = items.iter().find(|client| client["connection"] == connection).context("somebody came over")?;
    let text = |member: &str| client[member].as_str().unwrap_or_default().to_owned();
    Ok((text("id"), text("external_id"), client["last_name"].clone()))
}

/// Reports a survey; answers its note's path.
async fn survey(host: &Host, key: &str, client: &str) -> Result<String> {
    let household = host.get(&format!("/api/v1/clients/{client}")).await?.ok()?["household_id"].take();
    let event = json!({
        "type": "your-life-survey.completed", "household_id": household, "occurred_at": "2026-03-02T01:30:00Z",
        "data": {"score": 72, "goals": ["Retire at 60"], "dimensions": [{"name": "Money", "percent": 65}]}
    });
    let accepted = host.post_event(key, &event).await?;
    ensure!(accepted.status == StatusCode::CREATED, "{}", accepted.text);
    Ok(accepted.header("location").to_owned())
}

/// Lets the settings file lead from one host to the other, and starts anew.
async fn lead(host: &mut Host, from: &str, to: &str) -> Result<()> {
    host.stop().await?;
    let path = host.folder().join("tidegate.toml");
    let settings = std::fs::read_to_string(&path)?;
    ensure!(settings.contains(from), "{settings}");
    std::fs::write(&path, settings.replace(from, to))?;
    host.restart().await
}

fn refused(answer: &Answer, status: StatusCode, words: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(answer.text.contains(words), "{words:?} is not in {}", answer.text);
}

#[tokio::test]
async fn a_file_that_leads_to_another_site_waits_for_a_person() -> Result<()> {
    let mut host = Host::start(Setup::with_clients(20)).await?;
    host.sync_and_wait().await?;
    let (id, external_id, name) = somebody(&host, "main").await?;
    host.crm().set_faults(FaultPlan { rules: vec!["too_many_requests:every=1".parse()?], ..FaultPlan::default() });
    let note = survey(&host, "k1", &id).await?;
    host.wait_for(&note, |note| note["state"] == "waiting").await?;

    let b = other_site(OAuthOptions::default()).await?;
    let there = b.addr().to_string();
    let here = host.site.addr().to_string();
    lead(&mut host, &here, &there).await?;

    let one = host.get("/api/v1/connections/main").await?.ok()?;
    assert_eq!((&one["site"]["state"], &one["site"]["known_host"]), (&json!("changed"), &json!(here)), "{one}");
    for path in ["sync", "sync?dry_run=true", &format!("clients/{external_id}/sync")] {
        let answer = host.post(&format!("/api/v1/connections/main/{path}"), &Value::Null).await?;
        refused(&answer, StatusCode::CONFLICT, "same site under another name");
    }
    let id_of_nobody_knows_whom = json!({"connection": "main", "external_id": "77"});
    let link = host.post(&format!("/api/v1/clients/{id}/link"), &id_of_nobody_knows_whom).await?;
    refused(&link, StatusCode::UNPROCESSABLE_ENTITY, "same site under another name");
    let waiting = host.wait_for(&note, |note| note.to_string().contains(&there)).await?;
    assert_eq!(waiting["state"], "waiting", "{waiting}");
    let later = survey(&host, "k2", &id).await?;
    let cookie = host.sign_up().await?;
    let page = async |path: &str| host.send(host.http().get(host.url(path)).header("cookie", &cookie)).await;
    assert!(page("/").await?.text.contains("Say which site it is"));
    let settings_page = page("/settings/integrations/main").await?;
    assert!(settings_page.text.contains(&format!("It is the same site as {here}")), "{}", settings_page.text);
    let check = host.http().post(host.url("/settings/integrations/main/check")).header("cookie", &cookie);
    host.send(check.header("sec-fetch-site", "same-origin")).await?;
    assert_eq!(b.admin().stats().requests, 0, "nothing was sent to the other site, no password either");
    assert_eq!(host.get(&format!("/api/v1/clients/{id}")).await?.ok()?["last_name"], name);

    // It leads to its site again: what waited goes there.
    host.crm().set_faults(FaultPlan::default());
    lead(&mut host, &there, &here).await?;
    host.post(&format!("{note}/retry"), &Value::Null).await?.ok()?;
    for note in [&note, &later] {
        host.wait_for(note, |note| note["state"] == "done").await?;
    }
    assert_eq!((host.crm().notes().len(), b.admin().notes().len()), (2, 0));
    Ok(())
}

#[tokio::test]
async fn a_person_says_that_it_is_the_same_site() -> Result<()> {
    let mut host = Host::start(Setup::with_clients(20)).await?;
    host.sync_and_wait().await?;
    let (id, external_id, name) = somebody(&host, "main").await?;
    // The same book under another address.
    let moved = Sandbox::start(Options { listen: ([127, 0, 0, 1], 0).into(), ..Setup::with_clients(20).site }).await?;
    let (here, there) = (host.site.addr().to_string(), moved.addr().to_string());
    lead(&mut host, &here, &there).await?;
    let note = survey(&host, "k1", &id).await?;
    host.wait_for(&note, |note| note.to_string().contains("leads to")).await?;

    // A host that is not the one that it leads to is not confirmed.
    let path = "/api/v1/connections/main/same-site";
    let answer = host.post(path, &json!({"forward_host": here})).await?;
    refused(&answer, StatusCode::CONFLICT, "leads to");
    let said = host.run(&["connection", "same-site", "main", &there]).await?;
    assert!(said.status.success(), "{said:?}");
    host.wait_for(&note, |note| note["state"] == "done").await?;
    assert_eq!((host.crm().notes().len(), moved.admin().notes().len()), (0, 1));
    let one = host.get("/api/v1/connections/main").await?.ok()?;
    assert_eq!(one["site"]["state"], "known", "{one}");
    assert!(one["site"]["same_site"]["who"].is_string(), "{one}");
    refused(&host.post(path, &json!({"forward_host": there})).await?, StatusCode::CONFLICT, "known as its own");
    assert_eq!(host.sync_and_wait().await?["counts"]["created"], 0);
    let found = host.get(&format!("/api/v1/clients?external_id={external_id}&connection=main")).await?.ok()?;
    assert_eq!(found["items"][0]["last_name"], name);
    // It is kept, and the address of before is another site's now.
    host.stop().await?;
    host.restart().await?;
    assert_eq!(host.sync_and_wait().await?["state"], "done");
    lead(&mut host, &there, &here).await?;
    assert_eq!(host.get("/api/v1/connections/main").await?.ok()?["site"]["state"], "changed");
    Ok(())
}

#[tokio::test]
async fn a_name_is_not_used_again_for_another_site_unnoticed() -> Result<()> {
    let host = Host::start(setup(10)).await?;
    let (a, b) = (other_site(OAuthOptions::default()).await?, other_site(OAuthOptions::default()).await?);
    host.post("/api/v1/connections", &draft("south", &a, "xplan-au")).await?.ok()?;
    assert_eq!(sync(&host, "south").await?["state"], "done");
    send(&host, Method::DELETE, "/api/v1/connections/south", &Value::Null).await?;

    let mut again = draft("south", &b, "xplan-au");
    let answer = host.post("/api/v1/connections", &again).await?;
    refused(&answer, StatusCode::UNPROCESSABLE_ENTITY, "/confirms_same_site");
    refused(&answer, StatusCode::UNPROCESSABLE_ENTITY, &a.addr().to_string());
    assert_eq!(b.admin().stats().requests, 0);
    // In the settings file it is noticed too.
    let mut host = host;
    host.stop().await?;
    let settings = host.folder().join("tidegate.toml");
    let text = std::fs::read_to_string(&settings)?;
    let section = text.replace(&host.site.addr().to_string(), &b.addr().to_string());
    let section = section.split_once("[connections.main]").context("a section")?.1;
    let section = section.split_once("\n[crm]").context("more settings")?.0;
    std::fs::write(&settings, format!("{text}\n[connections.south]{section}"))?;
    host.restart().await?;
    let south = host.get("/api/v1/connections/south").await?.ok()?;
    assert_eq!((&south["origin"], &south["site"]["state"]), (&json!("file"), &json!("changed")), "{south}");
    assert_eq!(b.admin().stats().requests, 0);
    std::fs::write(&settings, text)?;
    host.stop().await?;
    host.restart().await?;

    // Where it is the same site, and for the same host, it is made again.
    again["confirms_same_site"] = json!(true);
    host.post("/api/v1/connections", &again).await?.ok()?;
    let run = sync(&host, "south").await?;
    assert_eq!((&run["state"], &run["counts"]["created"]), (&json!("done"), &json!(0)), "{run}");
    Ok(())
}

#[tokio::test]
async fn a_secret_goes_to_no_other_host_than_it_was_given_for() -> Result<()> {
    let host = Host::start(setup(10)).await?;
    let (a, b) = (other_site(OAuthOptions::default()).await?, other_site(OAuthOptions::default()).await?);
    let mut made = draft("south", &a, "xplan-au");
    made["auth"]["app_id"] = json!("an app id");
    host.post("/api/v1/connections", &made).await?.ok()?;
    let path = "/api/v1/connections/south";
    // It has brought nothing: the host may have been mistyped, and the secrets were given for it all the same.
    let there = json!({"forward_host": b.addr().to_string()});
    for (auth, pointers) in [
        (Value::Null, ["/auth/password", "/auth/app_id"]),
        (json!({"mode": "basic", "username": "svc", "password": " "}), ["/auth/password", "/auth/app_id"]),
        (json!({"mode": "basic", "username": "svc", "password": "sandbox"}), ["/auth/app_id", "/auth/app_id"]),
        (json!({"mode": "oauth", "client_id": "x"}), ["/auth/client_secret", "/auth/client_secret"]),
    ] {
        let mut body = there.clone();
        if !auth.is_null() {
            body["auth"] = auth;
        }
        let answer = send(&host, Method::PATCH, path, &body).await?;
        for pointer in pointers {
            refused(&answer, StatusCode::UNPROCESSABLE_ENTITY, pointer);
        }
    }
    // By a gateway, it would be the gateway that reads them.
    let by_gateway = json!({"dialect": "open", "gateway_host": b.addr().to_string()});
    let answer = send(&host, Method::PATCH, path, &by_gateway).await?;
    refused(&answer, StatusCode::UNPROCESSABLE_ENTITY, "/auth/password");
    assert_eq!(b.admin().stats().requests, 0);

    // On the page, the form says the same, and what was typed is not lost.
    let cookie = host.sign_up().await?;
    let form = format!(
        "title=South&forward_host={}&insecure_http=on&pack=xplan-au&dialect=resourceful&schedule=0+0+0+1+1+*&mode=basic\
         &username=svc&password=&app_id=&enabled=on",
        b.addr()
    );
    let post = async |form: String| {
        let request = host.http().post(host.url("/settings/integrations/south/edit")).header("cookie", &cookie);
        let request = request.header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        host.send(request).await
    };
    let answer = post(form.clone()).await?;
    refused(&answer, StatusCode::UNPROCESSABLE_ENTITY, "Enter the password again");
    assert!(answer.text.contains(&format!("value=\"{}\"", b.addr())), "{}", answer.text);
    assert_eq!(sync(&host, "south").await?["state"], "done", "nothing was changed");
    let answer = post(form.replace("password=", "password=sandbox").replace("app_id=", "app_id=another")).await?;
    refused(&answer, StatusCode::UNPROCESSABLE_ENTITY, "It is the same site under another name");
    assert_eq!(b.admin().stats().requests, 0);
    let confirmed = format!("{form}&confirms_same_site=on");
    let confirmed = confirmed.replace("password=", "password=sandbox").replace("app_id=", "app_id=another");
    let answer = host.follow(post(confirmed).await?, &cookie).await?;
    assert!(answer.text.contains("knows this host as svc"), "{} {}", answer.status, answer.text);
    // All else is changed without them.
    let changed = json!({"schedule": "0 0 5 1 1 *"});
    send(&host, Method::PATCH, path, &changed).await?.ok()?;
    assert_eq!(sync(&host, "south").await?["state"], "done");
    Ok(())
}

#[tokio::test]
async fn what_a_site_authorised_is_for_that_site() -> Result<()> {
    let practice = Practice::new(OAuthOptions::default(), 20).await?;
    let oauth = OAuthOptions { client_id: Some("tidegate".to_owned()), ..OAuthOptions::default() };
    let b = other_site(oauth).await?;
    practice.authorise().await?;
    assert_eq!(practice.sync().await?["state"], "done");
    let path = "/api/v1/connections/oauth";

    // Begun for one host and finished after it was exchanged: the code of one site is not sent to the other.
    let begun = practice.begin().await?;
    let secret = json!({"mode": "oauth", "client_id": "tidegate", "client_secret": "sandbox-secret"});
    let moved = json!({"forward_host": b.addr().to_string(), "auth": secret, "confirms_same_site": true});
    let answer = send(&practice.host, Method::PATCH, path, &moved).await?.ok()?;
    assert_eq!(answer["authorization"]["state"], "needed", "{answer}");
    let yes = practice.say(&begun, "yes").await?;
    let back = practice.come_back(yes.header("location")).await?;
    refused(&back, StatusCode::BAD_REQUEST, "meanwhile");
    refused(&practice.host.post(&format!("{path}/sync"), &Value::Null).await?, StatusCode::CONFLICT, "authorised");
    assert_eq!(b.admin().stats().requests, 0, "neither a code nor a token of the other site");

    practice.authorise().await?;
    assert_eq!(practice.sync().await?["state"], "done");
    Ok(())
}

#[tokio::test]
async fn a_site_under_a_new_name_waits_for_a_person() -> Result<()> {
    let mut host = Host::start(setup(20)).await?;
    host.sync_and_wait().await?;
    let clients = || host.get("/api/v1/clients?limit=500");
    let before = clients().await?.ok()?["items"].as_array().map(Vec::len);
    let (_, external_id, _) = somebody(&host, "main").await?;

    // Renamed in the settings file.
    lead(&mut host, "[connections.main]", "[connections.acme]").await?;
    let here = host.site.addr().to_string();
    let requests = host.crm().stats().requests;
    let one = host.get("/api/v1/connections/acme").await?.ok()?;
    assert_eq!((&one["site"]["state"], &one["site"]["taken_by"]), (&json!("taken"), &json!("main")), "{one}");
    for path in ["sync", "sync?dry_run=true", &format!("clients/{external_id}/sync")] {
        let answer = host.post(&format!("/api/v1/connections/acme/{path}"), &Value::Null).await?;
        refused(&answer, StatusCode::CONFLICT, "use the name main again");
    }
    let cookie = host.sign_up().await?;
    let page = host.send(host.http().get(host.url("/settings/integrations/acme")).header("cookie", &cookie)).await?;
    assert!(page.text.contains("It is apart from main"), "{}", page.text);
    refused(
        &host.post("/api/v1/connections/acme/same-site", &json!({"forward_host": here})).await?,
        StatusCode::CONFLICT,
        "tidegate connection apart",
    );

    // Added beside it, on the page or by API: the same.
    let added = host.post("/api/v1/connections", &draft("south", &host.site, "xplan-au")).await?.ok()?;
    assert_eq!((&added["site"]["state"], &added["site"]["taken_by"]), (&json!("taken"), &json!("main")), "{added}");
    assert_eq!(host.crm().stats().requests, requests, "nothing was sent");

    // Its old name again: it goes on with its clients.
    lead(&mut host, "[connections.acme]", "[connections.main]").await?;
    assert_eq!(host.sync_and_wait().await?["counts"]["created"], 0);
    let clients = || host.get("/api/v1/clients?limit=500");
    assert_eq!(clients().await?.ok()?["items"].as_array().map(Vec::len), before);
    assert_eq!(host.get("/api/v1/connections/south").await?.ok()?["site"]["state"], "taken", "over a start");

    // A person says that the other is apart; that is kept.
    let path = "/api/v1/connections/south/apart";
    refused(&host.post(path, &json!({"forward_host": "b.example"})).await?, StatusCode::CONFLICT, "leads to");
    let said = host.run(&["connection", "apart", "south", &here]).await?;
    assert!(said.status.success(), "{said:?}");
    refused(&host.post(path, &json!({"forward_host": here})).await?, StatusCode::CONFLICT, "known to be apart already");
    host.stop().await?;
    host.restart().await?;
    let one = host.get("/api/v1/connections/south").await?.ok()?;
    assert_eq!(one["site"]["state"], "known", "{one}");
    assert!(one["site"]["apart"]["who"].is_string(), "{one}");
    assert_eq!(sync(&host, "south").await?["state"], "done");
    Ok(())
}
