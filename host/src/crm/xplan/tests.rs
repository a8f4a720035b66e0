//! The connector against the stand-in site, with its faults.

use std::collections::BTreeSet;
use std::time::Duration;

use xplan_sandbox::{Account, Fault, FaultPlan, NoteHabits, Options, Rule, Sandbox};

use super::retry::RetryPolicy;
use super::*;
use crate::domain::RecordKind;

mod by_id;
mod damaged;
mod sizes;

/// Limits at which faults cost milliseconds.
fn quick() -> Limits {
    Limits {
        exchange: Duration::from_secs(5),
        retry: RetryPolicy {
            first_pause: Duration::from_millis(5),
            longest_pause: Duration::from_millis(40),
            ..RetryPolicy::default()
        },
        between_sign_ins: Duration::ZERO,
        ..Limits::default()
    }
}

fn access(host: &str) -> SiteAccess {
    let values = [("username", "svc"), ("password", "sandbox"), ("app_id", "app-7")];
    SiteAccess::to_stand_in(&KIND, host, &values).unwrap()
}

async fn site(clients: u32, faults: &[&str]) -> (Sandbox, Xplan) {
    with(Options { clients, app_id: Some("app-7".to_owned()), ..Options::default() }, faults).await
}

async fn with(options: Options, faults: &[&str]) -> (Sandbox, Xplan) {
    let sandbox = Sandbox::start(options).await.unwrap();
    sandbox.admin().set_faults(plan(faults));
    let xplan = Xplan {
        site: Site::new(&access(&sandbox.addr().to_string()), None, quick()).unwrap(),
        site_lists: SiteLists::default(),
    };
    (sandbox, xplan)
}

fn plan(faults: &[&str]) -> FaultPlan {
    FaultPlan { rules: faults.iter().map(|rule| rule.parse::<Rule>().unwrap()).collect(), ..FaultPlan::default() }
}

fn clients() -> Source {
    Source {
        kind: RecordKind::Client,
        resource: "client-v4".to_owned(),
        fields: ["first_name", "last_name", "dob"].map(str::to_owned).to_vec(),
        lists: ["contact", "address"].map(str::to_owned).to_vec(),
        below: Vec::new(),
    }
}

fn users() -> Source {
    Source { kind: RecordKind::Adviser, resource: "user-v2".to_owned(), lists: Vec::new(), ..clients() }
}

async fn walk(xplan: &Xplan, source: &Source) -> Result<Vec<RawRecord>, CrmError> {
    let (mut records, mut after) = (Vec::new(), None);
    loop {
        let page = xplan.page(source, after.as_ref()).await?;
        records.extend(page.records);
        after = page.next;
        if after.is_none() {
            return Ok(records);
        }
    }
}

fn note(client: &ExternalId) -> FileNote {
    FileNote {
        note_type: "File Note".to_owned(),
        note_subtype: Some("General".to_owned()),
        subject: "Completed Your Life Survey Māia & Pat #1".to_owned(),
        body: "Your Life Score - 72%".to_owned(),
        media_type: "text/plain".to_owned(),
        filed_against: vec![client.clone()],
    }
}

#[tokio::test]
async fn a_walk_brings_every_client_once_with_lists() {
    let (sandbox, xplan) = site(1203, &[]).await;
    let records = walk(&xplan, &clients()).await.unwrap();
    let ids: BTreeSet<&ExternalId> = records.iter().map(|record| &record.id).collect();
    assert_eq!((records.len(), ids.len()), (1203, 1203));
    for record in &records {
        let json: serde_json::Value = serde_json::from_slice(&record.to_json().unwrap()).unwrap();
        assert_eq!(json["row"]["id"].to_string(), record.id.as_str());
        assert!(json["row"]["client_status"].is_array() && json["row"]["fields"].get("first_name").is_some());
        assert!(json["contact"].is_array() && json["address"].is_array());
    }
    assert_eq!(sandbox.admin().stats().logins, 1);
}

#[tokio::test]
async fn fingerprints_change_with_content_alone() {
    let (sandbox, xplan) = site(300, &[]).await;
    let before = walk(&xplan, &clients()).await.unwrap();
    let edited = before[120].id.clone();
    let number = edited.as_str().parse().unwrap();
    assert!(sandbox.admin().edit(number, |client| client.contacts.clear()));
    let after = walk(&xplan, &clients()).await.unwrap();
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.fingerprint == after.fingerprint, before.id != edited, "{}", before.id);
    }
    let one = xplan.one(&clients(), &edited).await.unwrap().unwrap();
    assert_eq!(one.records[0].fingerprint, after[120].fingerprint);
    assert!(xplan.one(&clients(), &ExternalId("999999999".to_owned())).await.unwrap().is_none());
}

#[tokio::test]
async fn users_and_flattened_rows_are_read() {
    let options = Options { clients: 40, app_id: Some("app-7".to_owned()), flat_rows: true, ..Options::default() };
    let (_sandbox, xplan) = with(options, &[]).await;
    assert_eq!(walk(&xplan, &clients()).await.unwrap().len(), 40);
    assert!(!walk(&xplan, &users()).await.unwrap().is_empty());
    assert_eq!(xplan.whoami().await.unwrap(), "svc");
}

#[tokio::test]
async fn a_list_that_the_site_has_not_got_is_absent() {
    let (_sandbox, xplan) = site(10, &[]).await;
    let source = Source { lists: vec!["contact".to_owned(), "pets".to_owned()], ..clients() };
    for record in walk(&xplan, &source).await.unwrap() {
        assert_eq!(record.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["row", "contact"]);
    }
}

#[tokio::test]
async fn faults_of_reads_are_outlasted() {
    for faults in [
        &["session_takeover:chance=0.15"][..],
        &["too_many_requests:every=4"],
        &["too_many_requests:every=9,times=2,retry_after=1"],
        &["server_error:every=3"],
        &["bad_gateway:every=3"],
        &["cut_before:every=3"],
        &["cut_body:every=3"],
        &["call_error:every=50"],
        &["short_page:every=2"],
        &["batch_reversed"],
        &["batch_short:every=4"],
        &["slow:every=2,ms=20", "cut_after:every=5", "session_takeover:every=7"],
    ] {
        let (_sandbox, xplan) = site(1100, faults).await;
        let records = walk(&xplan, &clients()).await.unwrap_or_else(|error| panic!("{faults:?}: {error}"));
        assert_eq!(records.len(), 1100, "{faults:?}");
        let whole = records.iter().filter(|record| record.parts.len() == 3).count();
        assert_eq!(whole, 1100, "{faults:?}");
    }
}

#[tokio::test]
async fn bad_rows_and_lists_cost_themselves_alone() {
    let (_sandbox, xplan) = site(40, &["no_id:on=client-v4"]).await;
    let page = xplan.page(&clients(), None).await.unwrap();
    assert_eq!((page.records.len(), page.unreadable), (39, 1));

    let (_sandbox, xplan) = site(40, &["not_a_list:on=/contact,times=1"]).await;
    let records = walk(&xplan, &clients()).await.unwrap();
    let faults: Vec<_> = records.iter().filter_map(|record| record.fault.as_deref()).collect();
    assert_eq!((records.len(), faults.len()), (40, 1));
    assert!(faults[0].contains("the list `contact` of client-v4"), "{faults:?}");
    assert!(records.iter().filter(|record| record.to_json().is_err()).count() == 1);
    // One client's list that fails again and again.
    let number = records[7].id.to_string();
    let (_sandbox, xplan) = site(40, &[&format!("call_error:on=/{number}/address")]).await;
    let records = walk(&xplan, &clients()).await.unwrap();
    let faulty: Vec<_> = records.iter().filter(|record| record.fault.is_some()).map(|r| r.id.to_string()).collect();
    assert_eq!(faulty, [number]);

    // A list that fails for everybody is no fault of theirs.
    let (_sandbox, xplan) = site(40, &["not_a_list:on=/contact"]).await;
    let said = walk(&xplan, &clients()).await.unwrap_err().to_string();
    assert!(said.contains("is no JSON array"), "{said}");
    let (_sandbox, xplan) = site(40, &["not_a_list:on=/entity/user"]).await;
    assert!(matches!(xplan.page(&users(), None).await, Err(CrmError::Protocol { .. })));

    for (fault, whole) in [("huge_row", 39), ("null_values", 40), ("other_fields", 40), ("repeated_row", 41)] {
        let (_sandbox, xplan) = site(40, &[&format!("{fault}:on=client-v4,times=1")]).await;
        let records = walk(&xplan, &clients()).await.unwrap();
        assert_eq!(records.iter().filter(|record| record.to_json().is_ok()).count(), whole, "{fault}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_asked_for_in_parts() {
    let sandbox = Sandbox::start(Options { clients: 300, ..Options::default() }).await.unwrap();
    let limits = Limits { page_bytes: 40_000, pages_held: 1_000, ..quick() };
    let xplan = Xplan {
        site: Site::new(&access(&sandbox.addr().to_string()), None, limits).unwrap(),
        site_lists: SiteLists::default(),
    };
    let records = walk(&xplan, &clients()).await.unwrap();
    assert_eq!((records.len(), records.iter().filter(|record| record.fault.is_none()).count()), (300, 300));
}

#[tokio::test]
async fn a_site_that_says_too_much_is_asked_less_and_a_note_waits_for_no_walk() {
    let (_sandbox, xplan) = site(1100, &["too_many_requests:every=4"]).await;
    walk(&xplan, &clients()).await.unwrap();
    assert!(xplan.traffic().totals().slow_downs >= 1);

    let (sandbox, xplan) = site(600, &[]).await;
    let client = xplan.page(&clients(), None).await.unwrap().records[0].id.clone();
    // Every reading takes a second; the walk has taken all its places.
    sandbox.admin().set_faults(plan(&["slow:ms=1000,method=POST,on=/resourceful"]));
    let source = clients();
    let walking = futures::future::join_all((0..3).map(|_| xplan.page(&source, None)));
    let noting = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let began = std::time::Instant::now();
        xplan.find_notes(&client).await.unwrap();
        began.elapsed()
    };
    let (_, took) = tokio::join!(walking, noting);
    assert!(took < Duration::from_millis(900), "{took:?}");
}

#[tokio::test]
async fn calls_side_by_side_share_one_sign_in() {
    let (sandbox, xplan) = site(10, &[]).await;
    xplan.whoami().await.unwrap();
    for _ in 0..3 {
        sandbox.admin().end_sessions();
        let source = clients();
        let calls = (0..20).map(|_| xplan.page(&source, None));
        futures::future::try_join_all(calls).await.unwrap();
    }
    assert_eq!(sandbox.admin().stats().logins, 4);
    xplan.sign_out().await;
    xplan.whoami().await.unwrap();
    assert_eq!(sandbox.admin().stats().logins, 5);
}

#[tokio::test]
async fn a_refused_sign_in_is_told_and_not_repeated() {
    let accounts = vec![Account::new("svc", "another")];
    let (sandbox, xplan) = with(Options { clients: 10, accounts, ..Options::default() }, &[]).await;
    for _ in 0..5 {
        let error = xplan.page(&clients(), None).await.unwrap_err();
        assert!(matches!(&error, CrmError::Unauthorised { status: 401, .. }), "{error}");
        assert!(error.to_string().contains("password or one-time code is wrong"), "{error}");
    }
    assert_eq!(sandbox.admin().stats().requests, 1);
}

#[tokio::test]
async fn what_no_repeat_mends_is_told() {
    let check = async |faults: &[&str], part: &str| {
        let (_sandbox, xplan) = site(600, faults).await;
        let said = walk(&xplan, &clients()).await.unwrap_err().to_string();
        assert!(said.contains(part), "{faults:?}: {said}");
    };
    check(&["login_page:on=client-v4"], "expected a JSON array of rows, and got").await;
    check(&["bookmark_loop:skip=1"], "the walk would never end").await;
    check(&["server_error:on=client-v4"], "500").await;
    check(&["too_many_requests:on=client-v4,retry_after=4000"], "asks to wait (429)").await;
    check(&["session_takeover"], "every session ended at once").await;
    check(&["call_error"], "The call failed on the site's side").await;
}

#[tokio::test]
async fn a_site_that_is_not_there_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let xplan = Xplan { site: Site::new(&access(&host), None, quick()).unwrap(), site_lists: SiteLists::default() };
    let client = ExternalId("7".to_owned());
    assert!(matches!(xplan.page(&clients(), None).await, Err(CrmError::Unreachable { .. })));
    assert!(matches!(xplan.create_note(&note(&client), "m").await, Err(CrmError::Unreachable { .. })));
}

#[tokio::test]
async fn a_note_is_made_and_found_by_its_marker() {
    let (sandbox, xplan) = site(10, &[]).await;
    let client = xplan.page(&clients(), None).await.unwrap().records[0].id.clone();
    let note = note(&client);
    assert_eq!(xplan.find_notes(&client).await.unwrap(), []);
    let document_id = xplan.create_note(&note, "tidegate-1").await.unwrap();
    let found = xplan.find_notes(&client).await.unwrap();
    let made_on = found[0].made_on;
    assert!(made_on.is_some());
    assert_eq!(found, [FoundNote { document_id, marker: Some("tidegate-1".to_owned()), made_on }]);
    let kept = &sandbox.admin().notes()[0];
    assert_eq!((kept.field("body"), kept.field("docsubtype")), (&note.body.as_str().into(), &"General".into()));
}

#[tokio::test]
async fn a_note_goes_to_nobody_by_another_spelling_of_their_number() {
    let (sandbox, xplan) = site(10, &[]).await;
    let client = xplan.page(&clients(), None).await.unwrap().records[0].id.clone();
    for spelling in [format!("0{client}"), format!("+{client}")] {
        let error = xplan.create_note(&note(&ExternalId(spelling)), "tidegate-1").await.unwrap_err();
        assert!(matches!(error, CrmError::Protocol { .. }), "{error}");
    }
    assert_eq!(sandbox.admin().notes().len(), 0);
}

#[tokio::test]
async fn all_notes_of_a_client_are_found_each_once_whatever_the_site_makes_of_them() {
    let (sandbox, xplan) = site(10, &[]).await;
    let client = xplan.page(&clients(), None).await.unwrap().records[0].id.clone();
    let habits =
        NoteHabits { page_cap: Some(2), escapes_subjects: true, longest_subject: Some(4), ..Default::default() };
    sandbox.admin().set_note_habits(habits);
    for number in 0..5 {
        xplan.create_note(&note(&client), &format!("tidegate-{number}")).await.unwrap();
    }
    let found = xplan.find_notes(&client).await.unwrap();
    let markers: Vec<_> = found.iter().map(|note| note.marker.clone().unwrap()).collect();
    assert_eq!(markers, ["tidegate-0", "tidegate-1", "tidegate-2", "tidegate-3", "tidegate-4"]);
}

#[tokio::test]
async fn a_person_who_asks_ends_the_pause_that_the_site_asked_for() {
    let (sandbox, xplan) = site(10, &["too_many_requests:retry_after=3000,on=client-v4,times=1"]).await;
    let source = clients();
    let page = xplan.page(&source, None);
    let asks = async {
        while sandbox.admin().stats().faults.first().is_none_or(|fault| fault.struck == 0) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The answer is on its way, and then taken in.
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            xplan.release();
        }
    };
    let both = async { tokio::join!(page, asks).0 };
    let page = tokio::time::timeout(Duration::from_secs(20), both).await.expect("it does not wait for an hour");
    assert!(!page.unwrap().records.is_empty());
}

#[tokio::test]
async fn a_create_answers_truthfully() {
    // What became of the call, and how many notes the site has then.
    let check = async |fault: &str, is_expected: fn(&CrmError) -> bool, kept: usize| {
        let (sandbox, xplan) = site(10, &[]).await;
        let client = xplan.page(&clients(), None).await.unwrap().records[0].id.clone();
        sandbox.admin().set_faults(plan(&[&format!("{fault}on=docnote-v2,method=POST")]));
        let error = xplan.create_note(&note(&client), "tidegate-1").await.unwrap_err();
        assert!(is_expected(&error), "{fault}: {error}");
        assert_eq!(sandbox.admin().notes().len(), kept, "{fault}");
        assert_eq!(sandbox.admin().faults().rules.len(), 1);
    };
    let unknown = |error: &CrmError| matches!(error, CrmError::Unknown { .. });
    check("cut_before:", unknown, 0).await;
    check("cut_after:", unknown, 1).await;
    check("cut_body:", unknown, 1).await;
    check("server_error:", unknown, 0).await;
    check("names_people:", unknown, 0).await;
    check("bad_gateway:", unknown, 0).await;
    check("login_page:", unknown, 0).await;
    check("session_takeover:", |error| matches!(error, CrmError::Unauthorised { .. }), 0).await;
    let asks = |error: &CrmError| matches!(error, CrmError::Throttled { retry_after: Some(pause), .. } if pause.as_secs() == 90);
    check("too_many_requests:retry_after=90,", asks, 0).await;
    for passing in ["conflict:retry_after=90,", "locked:retry_after=90,", "too_early:retry_after=90,"] {
        check(passing, asks, 0).await;
    }
}

#[tokio::test]
async fn a_refused_note_carries_the_sites_words() {
    let (_sandbox, xplan) = site(10, &[]).await;
    let error = xplan.create_note(&note(&ExternalId("999999999".to_owned())), "m").await.unwrap_err();
    assert!(matches!(error, CrmError::Refused { status: 400, .. }));
    assert!(error.to_string().contains("does not exist or is not visible"), "{error}");
}

#[test]
fn every_fault_is_tried_or_has_a_reason_not_to_be() {
    // Attachments come with documents; a late cut and what a user may not do are the outbox's affair; that a list is empty
    // is no fault that a connector could tell, and the store's affair.
    let elsewhere = ["attachment_error", "cut_late", "empty_list", "forbidden", "slow_work", "wrong_types"];
    let source = [include_str!("tests.rs"), include_str!("tests/damaged.rs"), include_str!("tests/sizes.rs")].concat();
    for (word, _) in Fault::ALL {
        assert!(elsewhere.contains(word) || source.contains(&format!("\"{word}")), "{word}");
    }
}
