//! What the host says of its runs, where nobody looks at a page.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup, TOKEN};
use xplan_sandbox::FaultPlan;

#[tokio::test]
async fn a_run_that_fails_is_logged_with_its_reason_and_without_the_crms_words() -> Result<()> {
    let host = Host::start(Setup::with_clients(40)).await?;
    host.crm().set_faults(FaultPlan { seed: 1, rules: vec!["forbidden:on=/entity/".parse()?] });
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "failed", "{run}");
    let log = host.log_tail();
    let line = log.lines().find(|line| line.contains("run over")).unwrap_or_default();
    ensure!(line.contains("WARN") && line.contains("the call is refused (403)"), "{log}");
    ensure!(line.contains(run["id"].as_str().unwrap_or_default()), "{line}");
    // The CRM's words stand with the run: they may name people.
    let words = run["error"].as_str().unwrap_or_default();
    ensure!(words.contains("403") && !log.contains("You do not have access"), "{words}\n{log}");

    host.crm().set_faults(FaultPlan::default());
    ensure!(host.sync_and_wait().await?["state"] == "done");
    let log = host.log_tail();
    let line = log.lines().rfind(|line| line.contains("run over")).unwrap_or_default();
    ensure!(line.contains("INFO") && line.contains("done"), "{log}");
    Ok(())
}

/// A password that everybody here has.
const PASSWORD: &str = "wet umbrella on the 7 bus";

/// The run of each event of a run's stream, to its end.
async fn events(host: &Host, run: &Value) -> Result<Vec<Value>> {
    let path = format!("/api/v1/runs/{}/events", run["id"].as_str().context("a run has an id")?);
    let stream = host.send(host.http().get(host.url(&path)).bearer_auth(TOKEN)).await?.text;
    let data = stream.lines().filter_map(|line| line.strip_prefix("data:"));
    data.map(|data| serde_json::from_str(data).with_context(|| data.to_owned())).collect()
}

#[tokio::test]
async fn a_run_that_dies_by_a_fault_is_failed_for_whoever_watches_and_the_next_one_goes_on() -> Result<()> {
    let mut setup = Setup::with_clients(40);
    setup.site.faults.rules.push("slow:ms=500,method=GET".parse()?);
    let mut host = Host::prepare(setup).await?;
    host.restart_with(&[("TIDEGATE_PANIC_IN", "run of main:2")]).await?;
    for path in ["/api/v1/connections/main/sync", "/api/v1/connections/main/sync?dry_run=true"] {
        let run = host.post(path, &Value::Null).await?.ok()?;
        let seen = events(&host, &run).await?;
        let last = seen.last().context("a stream has events")?;
        let error = last["error"].as_str().unwrap_or_default();
        ensure!(last["state"] == "failed" && error.contains("a fault in Tidegate"), "{path}: {seen:?}");
        ensure!(error.contains("The next run begins anew.") && last["finished_at"].is_string(), "{path}: {last}");
        let found = host.get(&format!("/api/v1/runs/{}", run["id"].as_str().unwrap_or_default())).await?.ok()?;
        ensure!(found["state"] == "failed" && found["error"] == last["error"], "{path}: {found}");
        // A run is a piece of work and no task that the host lives by.
        let ready = host.http().get(host.url("/readyz")).send().await?;
        ensure!(ready.status().is_success(), "{}", ready.text().await?);
    }
    let log = std::fs::read_to_string(host.folder().join("host.log"))?;
    let over: Vec<&str> = log.lines().filter(|line| line.contains("run over")).collect();
    ensure!(over.len() == 2 && over.iter().all(|line| line.contains("ERROR") && line.contains("a fault in")), "{log}");
    ensure!(log.contains("a task died by a fault") && !log.contains("a test wants"), "a panic's words are in {log}");

    host.crm().set_faults(FaultPlan::default());
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "done" && run["trigger"] == "request" && run["counts"]["seen"] == 40, "{run}");
    let dry = host.post("/api/v1/connections/main/sync?dry_run=true", &Value::Null).await?.ok()?;
    ensure!(events(&host, &dry).await?.last().is_some_and(|run| run["state"] == "done"));
    Ok(())
}

/// The longest that a stream may go on once its reader may see nothing any more. The walk itself takes longer.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// Opens a stream of events, and reads its first one.
async fn follow(host: &Host, path: &str, name: &'static str, value: &str) -> Result<Response> {
    let mut stream = host.http().get(host.url(path)).header(name, value).send().await?;
    ensure!(stream.status() == 200, "{path}: {}", stream.status());
    ensure!(stream.headers()["content-type"] == "text/event-stream", "{:?}", stream.headers());
    let first = stream.chunk().await?.context("an event")?;
    ensure!(String::from_utf8_lossy(&first).contains("event:"), "{first:?}");
    Ok(stream)
}

/// Whether a stream ends within the time.
async fn ends(stream: &mut Response) -> Result<bool> {
    let to_end = async {
        while stream.chunk().await?.is_some() {}
        anyhow::Ok(())
    };
    Ok(tokio::time::timeout(ENDS_WITHIN, to_end).await.map(|read| read.is_ok()).unwrap_or_default())
}

#[tokio::test]
async fn who_may_see_runs_no_more_is_told_of_none_in_the_middle_of_one() -> Result<()> {
    let mut setup = Setup::with_clients(40);
    setup.site.faults.rules.push("slow:ms=120000,method=GET,on=/entity/".parse()?);
    let mut host = Host::start(setup).await?;
    host.leave_unquiet();
    let manager = host.sign_up().await?;
    let person = json!({"email": "omar@example.com", "name": "Omar Haddad", "role": "support", "password": PASSWORD});
    host.post("/api/v1/users", &person).await?.ok()?;
    let opened =
        host.post("/api/v1/sessions", &json!({"email": "omar@example.com", "password": PASSWORD})).await?.ok()?;
    let session = format!("Bearer {}", opened["token"].as_str().context("a session")?);
    let make = host.http().post(host.url("/api/v1/tokens")).header("authorization", &session);
    let made = host.send(make.json(&json!({"name": "Nightly", "scopes": ["read"]}))).await?.ok()?;
    let token = format!("Bearer {}", made["token"].as_str().context("a token")?);

    let run = host.post("/api/v1/connections/main/sync", &Value::Null).await?.ok()?;
    let id = run["id"].as_str().context("an id")?;
    let (by_api, by_page) = (format!("/api/v1/runs/{id}/events"), format!("/runs/{id}/progress"));
    let mut of_token = follow(&host, &by_api, "authorization", &token).await?;
    let mut of_session = follow(&host, &by_api, "authorization", &session).await?;
    let mut of_page = follow(&host, &by_page, "cookie", &manager).await?;
    let mut of_practice = follow(&host, &by_api, "authorization", &format!("Bearer {TOKEN}")).await?;

    let revoke = host.url(&format!("/api/v1/tokens/{}", made["id"].as_str().context("an id")?));
    let revoked = host.send(host.http().delete(revoke).header("authorization", &session)).await?;
    ensure!(revoked.status == 204, "{}", revoked.text);
    ensure!(ends(&mut of_token).await?, "the token is revoked");
    let sign_out = host.url(&format!("/api/v1/sessions/{}", opened["id"].as_str().context("an id")?));
    let signed_out = host.send(host.http().delete(sign_out).header("authorization", &session)).await?;
    ensure!(signed_out.status == 204, "{} {}", signed_out.status, signed_out.text);
    ensure!(ends(&mut of_session).await?, "the session is over");
    let left = host.press("/sign-out", &manager).await?;
    ensure!(left.status == 303 || left.status == 200, "{}", left.status);
    ensure!(ends(&mut of_page).await?, "the page's person signed out");
    ensure!(!ends(&mut of_practice).await?, "whoever may see the run still does");
    for (path, name, value) in [(&by_api, "authorization", &token), (&by_api, "authorization", &session)] {
        let again = host.send(host.http().request(Method::GET, host.url(path)).header(name, value)).await?;
        ensure!(again.status == 401, "{path}: {}", again.status);
    }
    Ok(())
}
