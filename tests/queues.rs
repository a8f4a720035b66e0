//! More work at once than there is room for: the surplus is refused in words, what was taken in is done, and work of other
//! kinds goes on.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tidegate_tests::{Answer, Host, Setup, TOKEN};
use tokio::task::JoinSet;

/// Sends all at once; answers the answers in the order of the requests.
async fn at_once(host: &Host, requests: Vec<RequestBuilder>) -> Result<Vec<Answer>> {
    let mut sent = JoinSet::new();
    for (number, request) in requests.into_iter().enumerate() {
        sent.spawn(async move { (number, request.send().await) });
    }
    let mut answers = Vec::new();
    while let Some(answered) = sent.join_next().await {
        let (number, response) = answered?;
        answers.push((number, Answer::read(response?).await?));
    }
    answers.sort_by_key(|(number, _)| *number);
    ensure!(host.process_id().is_some(), "the host lives");
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// How many were done and which were refused; each refusal says when to come again.
fn refused(answers: &[Answer], done: &[u16]) -> Result<Vec<usize>> {
    let mut refused = Vec::new();
    for (number, answer) in answers.iter().enumerate() {
        if answer.status == 429 {
            ensure!(answer.header("retry-after") == "5", "{answer:?}");
            ensure!(answer.text.contains("oo many documents are waiting"), "{}", answer.text);
            ensure!(answer.text.contains("Nothing was changed"), "{}", answer.text);
            refused.push(number);
        } else {
            ensure!(done.contains(&answer.status), "{answer:?}");
        }
    }
    // One is made and eight wait; a place that is free again is taken by whoever comes late.
    let made = answers.len() - refused.len();
    ensure!(made >= 9 && !refused.is_empty(), "{made} of {} were made", answers.len());
    Ok(refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_are_too_many_at_once_are_refused_whole_and_hold_nobody_else_up() -> Result<()> {
    let host = Host::start(Setup::with_clients(40)).await?;
    host.sync_and_wait().await?;
    let cookie = host.sign_up().await?;
    let household = host.get("/api/v1/households?limit=1").await?.ok()?["items"][0]["id"].take();
    let household = household.as_str().context("a household has an id")?;
    let event = json!({
        "type": "best-life-plan.exported", "household_id": household, "occurred_at": "2026-03-02T01:30:00Z", "data": {},
    });
    let export = |number: usize| {
        let request = host.http().post(host.url("/api/v1/events")).bearer_auth(TOKEN);
        request.header("idempotency-key", format!("plan-{number}")).json(&event)
    };
    // Everybody's record is another, so that the run beside the documents maps them all.
    for client in host.crm().clients_seen_by(&xplan_sandbox::Account::new("svc", "")) {
        host.crm().edit(client.id, |record| record.middle_name = Some("Quinn".into()));
    }
    let exports = at_once(&host, (0..60).map(export).collect());
    let beside = async {
        let form = "email=pat.lee%40example.com&password=a+tide+gate+lets+water+out";
        let sign_in = host.http().post(host.url("/sign-in")).header("sec-fetch-site", "same-origin");
        let sign_in = sign_in.header("content-type", "application/x-www-form-urlencoded").body(form);
        let (signed_in, run) = tokio::join!(host.send(sign_in), host.sync_and_wait());
        let (signed_in, run) = (signed_in?, run?);
        ensure!(signed_in.status == 303 && signed_in.header("set-cookie").contains("__Host-"), "{signed_in:?}");
        ensure!(run["state"] == "done" && run["counts"]["changed"].as_u64() > Some(10), "{run}");
        anyhow::Ok(())
    };
    let (exports, beside) = tokio::join!(exports, beside);
    beside?;
    let exports = exports?;
    let again = refused(&exports, &[201])?;

    // Nothing is kept of what was refused, and all of what was not.
    let path = "/api/v1/notes?limit=500";
    let is_done =
        |list: &Value| list["items"].as_array().is_some_and(|all| all.iter().all(|note| note["state"] == "done"));
    let notes = host.wait_for(path, is_done).await?["items"].take();
    let made: BTreeSet<String> = exports
        .iter()
        .filter(|answer| answer.status == 201)
        .map(|answer| anyhow::Ok(answer.json()?["id"].to_string()))
        .collect::<Result<_>>()?;
    let kept: BTreeSet<String> = notes.as_array().into_iter().flatten().map(|note| note["id"].to_string()).collect();
    ensure!(kept == made, "{kept:?} {made:?}");
    let in_crm = host.crm().notes();
    ensure!(in_crm.len() == made.len() && in_crm.iter().all(|note| note.attachments.len() == 1), "{in_crm:?}");
    let documents = host.get("/api/v1/documents?limit=500").await?.ok()?["items"].take();
    ensure!(documents.as_array().map(Vec::len) == Some(made.len()), "{documents}");
    // Who comes again with the same key has what was refused.
    let later = host.send(export(again[0])).await?;
    ensure!(later.status == 201, "{later:?}");
    host.wait_for(path, |list| is_done(list) && list["items"].as_array().map(Vec::len) == Some(made.len() + 1)).await?;

    // People see a page in place of their document, and in place of the note of an export that was not made.
    let preview = format!("/households/{household}/document?document=best-life-plan");
    let look = || host.http().get(host.url(&preview)).header("cookie", &cookie);
    let export = |number: usize| {
        let request = host.http().post(host.url(&format!("/households/{household}/export"))).header("cookie", &cookie);
        let request = request.header("sec-fetch-site", "same-origin");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(format!("document=best-life-plan&key=page-{number}"))
    };
    let asked = (0..40).map(|number| if number % 2 == 0 { look() } else { export(number) });
    let answers = at_once(&host, asked.collect()).await?;
    for number in refused(&answers, &[200, 303])? {
        ensure!(answers[number].header("content-type").starts_with("text/html"), "{:?}", answers[number]);
    }
    let exported = answers.iter().filter(|answer| answer.status == 303).count();
    host.wait_for(path, |list| {
        is_done(list) && list["items"].as_array().map(Vec::len) == Some(made.len() + 1 + exported)
    })
    .await?;
    ensure!(host.send(look()).await?.header("content-type") == "application/pdf");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_come_at_once_are_not_in_memory_at_once() -> Result<()> {
    let host = Host::start(Setup::with_clients(1)).await?;
    let before = host.peak_memory()?;
    let upload = |number: usize| {
        let mut pdf = format!("%PDF-1.7\n% {number}\n").into_bytes();
        pdf.resize(24 << 20, b' ');
        pdf.extend_from_slice(b"\nstartxref\n9\n%%EOF\n");
        let request = host.http().post(host.url("/api/v1/documents")).bearer_auth(TOKEN);
        request.header("content-type", "application/pdf").body(pdf)
    };
    let answers = at_once(&host, (0..24).map(upload).collect()).await?;
    let kept = answers.iter().filter(|answer| answer.status == 201).count();
    ensure!(kept >= 8, "{kept} of {} were kept: {answers:?}", answers.len());
    let more = host.peak_memory()?.saturating_sub(before) >> 20;
    // Each of them in memory would be 600 MB.
    ensure!(more < 420, "{more} MB more for {kept} documents of 24 MB");
    Ok(())
}
