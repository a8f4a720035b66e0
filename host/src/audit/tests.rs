//! What is kept of what repeats itself and of what comes in floods, and whether each route is spoken for.

use std::path::Path;
use std::time::{Duration, Instant};

use super::recent::Recent;
use super::routes::{NOTHING_OF_CLIENTS, ROUTES, about, named_by, route};
use axum::http::{Extensions, Method, Uri};
use tokio::sync::Notify;

use super::*;
use crate::domain::audit::{ActorKind, Entry};
use crate::store::audit::AuditFilter;
use crate::store::audit::damage::on_a_disk_that_fails;
use crate::store::page::PageRequest;

/// The entries that were written since this was asked the last time. What is counted within a minute is written as well, so that the
/// same is told anew the next time.
pub async fn new_entries(trail: &Trail, seen: &mut u64) -> Vec<Entry> {
    trail.close().await;
    let mut entries = Vec::new();
    while let Some((more, last)) = trail.store.audit_after(*seen, AuditFilter::default()).await.unwrap() {
        entries.extend(more);
        *seen = last;
    }
    entries
}

fn view(of: u64) -> Act {
    let by = By { kind: ActorKind::Person, ..By::nobody() };
    Act::done(by, "192.0.2.1", "clients.view", Subject::new("client", of))
}

fn wrong(address: &str, account: u64) -> Act {
    let refused = Outcome::Refused("No account has this email and password.".to_owned());
    Act { outcome: refused, ..Act::done(By::nobody(), address, "account.sign_in", Subject::new("account", account)) }
}

#[test]
fn the_same_that_is_seen_again_is_written_once_in_five_minutes() {
    let (mut recent, begun) = (Recent::default(), Instant::now());
    let mut saw = |of, second| {
        let now = begun + Duration::from_secs(second);
        recent.saw(view(of), now);
        let acts = recent.take(now);
        recent.written(acts.clone(), now);
        acts
    };
    assert_eq!(saw(7, 0), [view(7)]);
    assert_eq!(saw(8, 0), [view(8)]);
    assert_eq!((saw(7, 1), saw(7, 200)), (vec![], vec![]));
    assert_eq!(saw(7, 301), [view(7)]);
}

#[test]
fn what_two_see_at_one_time_is_one_entry() {
    let (mut recent, now) = (Recent::default(), Instant::now());
    assert!(recent.saw(view(7), now) && recent.saw(view(7), now) && recent.saw(view(8), now), "all wait for it");
    let first = recent.take(now);
    assert_eq!(first, [view(7), view(8)]);
    // A third sees it while that is being written.
    assert!(recent.saw(view(7), now), "it is not on disk");
    recent.written(first, now);
    assert_eq!(recent.take(now), []);
    assert!(!recent.saw(view(7), now));
}

#[test]
fn wrong_passwords_of_one_address_are_one_entry_a_minute_and_their_number() {
    let (mut recent, begun) = (Recent::default(), Instant::now());
    let now = |second| begun + Duration::from_secs(second);
    assert!(recent.refused(wrong("192.0.2.1", 7), now(0)).is_some());
    let mut told = Vec::new();
    for second in 1..=40 {
        told.extend(recent.refused(wrong("192.0.2.1", 7), now(second)).map(|act| act.detail));
    }
    assert_eq!(told, ["10 times more so far"], "what a kill would take along otherwise");
    assert!(recent.refused(wrong("192.0.2.2", 7), now(1)).is_some(), "another address");
    assert_eq!(recent.take(now(59)), []);
    let told = recent.take(now(61));
    assert_eq!(told.iter().map(|act| act.detail.as_str()).collect::<Vec<_>>(), ["40 times more within a minute"]);
    assert!(recent.refused(wrong("192.0.2.1", 7), now(62)).is_some(), "the next minute");
}

#[test]
fn a_flood_from_many_addresses_does_not_fill_the_log() {
    let (mut recent, begun) = (Recent::default(), Instant::now());
    let mut written = 0;
    for number in 0..100_000 {
        let address = format!("2001:db8::{number:x}");
        written += usize::from(recent.refused(wrong(&address, number), begun).is_some());
    }
    assert!(written <= 206, "{written}");
    let told = recent.take(begun + Duration::from_secs(61));
    let many: Vec<_> = told.iter().filter(|act| act.source == "many addresses").collect();
    assert_eq!(many.len(), 1);
    assert_eq!(many[0].detail, "99799 times more within a minute");
}

#[test]
fn an_account_that_tries_everybody_does_not_fill_the_log() {
    let (mut recent, begun) = (Recent::default(), Instant::now());
    let refused = |of: u64| Act {
        outcome: Outcome::Refused(format!("There is no such thing as {of}.")),
        household: Some(HouseholdId(uuid::Uuid::from_u128(of.into()))),
        by: By { id: Some(uuid::Uuid::from_u128(1)), ..view(of).by },
        source: format!("2001:db8::{of:x}"),
        ..view(of)
    };
    let written = (0..10_000).filter(|of| recent.refused(refused(*of), begun).is_some()).count();
    assert!(written <= 106, "{written}");
    let of_another = Act { by: By { id: Some(uuid::Uuid::from_u128(2)), ..view(7).by }, ..refused(7) };
    assert!(recent.refused(of_another, begun).is_some(), "others are told as ever");
    let failed = Act { outcome: Outcome::Failed("The disk is full.".to_owned()), ..refused(7) };
    assert_eq!(recent.refused(failed.clone(), begun), Some(failed), "a failure is no refusal");
    let of_operator = Act { by: By { kind: ActorKind::Operator, ..By::nobody() }, ..refused(7) };
    for other in 0..300 {
        recent.refused(wrong(&format!("2001:db8::{other:x}"), other), begun);
    }
    assert_eq!(recent.refused(of_operator.clone(), begun), Some(of_operator), "strangers use up nobody's allowance");
    let told = recent.take_all(begun);
    let many: Vec<_> =
        told.iter().filter(|act| act.subject.id.is_empty() && act.by.kind == ActorKind::Person).collect();
    let [many] = many.as_slice() else { panic!("{many:?}") };
    assert_eq!((many.detail.as_str(), many.source.as_str()), ("9899 times more within a minute", "many addresses"));
    assert!(recent.refused(refused(7), begun).is_some(), "counted anew");
    // From one address, that is where it is told from; failures use up no allowance.
    let here = |of| Act { source: "192.0.2.9".to_owned(), ..refused(of) };
    let mut recent = Recent::default();
    let failed = |of| Act { outcome: Outcome::Failed("The disk is full.".to_owned()), ..here(of) };
    assert!((0..200).all(|of| recent.refused(failed(of), begun) == Some(failed(of))));
    assert!((0..100).all(|of| recent.refused(here(of), begun) == Some(here(of))));
    let beyond = recent.refused(here(100), begun).unwrap();
    assert_eq!((beyond.source.as_str(), beyond.subject.id.as_str()), ("192.0.2.9", ""));
    assert_eq!(recent.refused(here(101), begun), None);
    assert!(recent.take_all(begun).iter().any(|act| act.source == "192.0.2.9"));
}

#[test]
fn what_could_not_be_kept_is_told_once_it_can() {
    let (mut recent, now) = (Recent::default(), Instant::now());
    for number in 0..5_007 {
        recent.saw(view(number), now);
    }
    recent.lost(3);
    let told = recent.take(now);
    let last = told.last().unwrap();
    assert_eq!((told.len(), last.verb.as_str()), (5_001, "audit.lost"));
    assert!(last.outcome.because().unwrap().starts_with("10 entries"), "{:?}", last.outcome);
    assert_eq!(recent.take(now), []);
}

#[tokio::test]
async fn what_is_seen_is_on_disk_before_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let trail = Trail::new(Store::open(folder.path()).unwrap());
    let count =
        async || trail.store.audit(AuditFilter::default(), PageRequest { cursor: None, limit: 100 }).await.unwrap();
    let uri: Uri = format!("/api/v1/clients/{ID}").parse().unwrap();
    let seen = || {
        let named = route("GET", "/api/v1/clients/{id}").unwrap();
        request::for_tests(named, named.subject("/api/v1/clients/{id}", uri.path()), &uri)
    };
    seen().ended(&trail, StatusCode::OK).await.unwrap();
    assert_eq!(count().await.items.len(), 1);
    seen().ended(&trail, StatusCode::OK).await.unwrap();
    assert_eq!(count().await.items.len(), 1, "once in five minutes");

    let mut many = tokio::task::JoinSet::new();
    for number in 0..60 {
        let trail = trail.clone();
        many.spawn(async move { trail.saw(view(number % 30)).await });
    }
    many.join_all().await;
    assert_eq!(count().await.items.len(), 31, "each that many see at one time, once");

    // Whoever hangs up while it is written leaves it to be written.
    let hung_up = tokio::spawn({
        let trail = trail.clone();
        async move { trail.saw(view(99)).await }
    });
    while trail.turn.try_lock().is_ok() && !hung_up.is_finished() {
        tokio::task::yield_now().await;
    }
    hung_up.abort();
    trail.flush().await;
    assert_eq!(count().await.items.len(), 32);
}

#[tokio::test]
async fn a_document_of_several_households_is_in_the_log_of_each() {
    let folder = tempfile::tempdir().unwrap();
    let trail = Trail::new(Store::open(folder.path()).unwrap());
    let document = crate::store::conformance::outbox::a_document_of(&trail.store, &[7, 8]).await;
    let export = Act { subject: Subject::new("document", document), verb: "documents.export".to_owned(), ..view(7) };
    trail.exported(export.clone(), Vec::new()).await.unwrap();
    let told = async |household: Option<u128>| {
        let filter = AuditFilter {
            household: household.map(|of| HouseholdId(uuid::Uuid::from_u128(of))),
            ..AuditFilter::default()
        };
        let page = trail.store.audit(filter, PageRequest { cursor: None, limit: 100 }).await.unwrap();
        page.items.into_iter().map(|entry| (entry.act.verb, entry.act.detail)).collect::<Vec<_>>()
    };
    assert_eq!(told(None).await.len(), 3);
    let of_each = [("documents.export".to_owned(), format!("document {document}, by entry 1"))];
    assert_eq!((told(Some(7)).await, told(Some(8)).await), (of_each.to_vec(), of_each.to_vec()));
    assert_eq!(told(Some(9)).await, []);
    let refused = Act { outcome: Outcome::Refused("There is no such thing.".to_owned()), ..export };
    trail.refused(refused).await;
    assert_eq!((told(Some(7)).await.len(), told(Some(8)).await.len()), (2, 2), "refusals as well");

    let many = (0..5_001).map(|number| (HouseholdId(uuid::Uuid::from_u128(number)), "it".to_owned())).collect();
    trail.store.append_audit(vec![Told { act: view(7), households: many }]).await.unwrap();
    let by_number = told(None).await.into_iter().map(|(_, detail)| detail).next();
    assert_eq!(by_number.as_deref(), Some("5001 households, too many for an entry in the log of each"));
}

#[tokio::test]
async fn what_else_is_taken_along_and_what_a_head_tells_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let trail = Trail::new(Store::open(folder.path()).unwrap());
    let other = HouseholdId(uuid::Uuid::from_u128(8));
    let asked = || {
        let (pattern, uri) = ("/api/v1/clients/{id}/export", format!("/api/v1/clients/{ID}/export").parse().unwrap());
        let named = route("GET", pattern).unwrap();
        request::for_tests(named, named.subject(pattern, "/api/v1/clients/x/export"), &uri)
    };
    let taken = asked();
    let also = async || (0..2).for_each(|_| also_of(other, "document 7".to_owned()));
    taken.run(also()).await;
    taken.ended(&trail, StatusCode::OK).await.unwrap();
    let mut head = asked();
    head.is_head = true;
    head.run(also()).await;
    head.ended(&trail, StatusCode::OK).await.unwrap();
    let page = trail.store.audit(AuditFilter::default(), PageRequest { cursor: None, limit: 100 }).await.unwrap();
    let told = page.items.iter().rev().map(|entry| (entry.act.household, entry.act.detail.as_str()));
    let expected = [
        (None, ""),
        (Some(other), "document 7, by entry 1"),
        (None, "its head alone"),
        (Some(other), "document 7, by entry 3"),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_store_that_takes_nothing_loses_entries_and_says_how_many() {
    let trail = Trail::new(on_a_disk_that_fails());
    trail.saw(view(7)).await;
    trail.keep(view(8)).await;
    trail.refused(wrong("192.0.2.1", 7)).await;
    let told = trail.recent().take(Instant::now());
    assert_eq!(told.len(), 1);
    assert!(told[0].outcome.because().unwrap().starts_with("3 entries"), "{:?}", told[0].outcome);
}

#[tokio::test]
async fn an_export_is_not_sent_where_its_entry_cannot_be_written() {
    let trail = Trail::new(on_a_disk_that_fails());
    let (folder, asked) = (tempfile::tempdir().unwrap(), |pattern: &str, path: &str| {
        let uri: Uri = path.parse().unwrap();
        let named = route("GET", pattern).unwrap();
        request::for_tests(named, named.subject(pattern, uri.path()), &uri)
    });
    let export = asked("/api/v1/documents/{id}", "/api/v1/documents/7?search=Ayda");
    assert!(export.ended(&trail, StatusCode::OK).await.is_err());
    let seen = asked("/api/v1/clients/{id}", "/api/v1/clients/7");
    assert!(seen.ended(&trail, StatusCode::OK).await.is_ok(), "what is seen is seen all the same");

    let trail = Trail::new(Store::open(folder.path()).unwrap());
    let export = asked("/api/v1/documents/{id}", "/api/v1/documents/7?search=Ayda&Ayda%20Khan=1&limit=5&cursor=x");
    export.ended(&trail, StatusCode::OK).await.unwrap();
    let page = PageRequest { cursor: None, limit: 5 };
    let entries = trail.store.audit(AuditFilter::default(), page).await.unwrap().items;
    assert_eq!(
        (entries[0].act.verb.as_str(), entries[0].act.detail.as_str()),
        ("documents.export", "by (another), search")
    );
}

/// The routes of the pages, each with how it is read: as rustfmt lays `web.rs` out.
fn page_routes() -> Vec<(&'static str, String)> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web.rs")).unwrap();
    let mut routes = Vec::new();
    for part in text.split(".route(").skip(1) {
        let pattern = part.split('"').nth(1).unwrap().to_owned();
        let handlers = part.split(".route(").next().unwrap();
        for (method, read) in [("GET", "get("), ("POST", "post(")] {
            if handlers.contains(read) {
                routes.push((method, pattern.clone()));
            }
        }
    }
    routes
}

/// Places of addresses that name nothing by themselves: what they are of is named before them, or may be anything.
const NAMES_NOTHING: &[(&str, &str)] = &[
    ("advisers", "{external_id}"),
    ("assets", "{name}"),
    ("clients", "{external_id}"),
    ("files", "{path}"),
    ("join", "{token}"),
    ("notes", "{note}"),
    ("record", "{type}"),
    ("revisions", "{revision}"),
    ("rows", "{number}"),
    ("rules", "{*file}"),
    ("set-up", "{token}"),
    ("staff", "{user}"),
];

#[test]
fn each_place_of_each_address_is_spoken_for() {
    let pages = page_routes().into_iter().map(|(_, pattern)| pattern);
    let patterns: Vec<String> = pages.chain(crate::api::calls().into_iter().map(|(_, pattern)| pattern)).collect();
    assert!(patterns.iter().any(|pattern| pattern.starts_with("/api/v1/clients/{")));
    let mut unused: Vec<_> = NAMES_NOTHING.to_vec();
    for pattern in &patterns {
        let parts: Vec<&str> = pattern.split('/').collect();
        for pair in parts.windows(2).filter(|pair| pair[1].starts_with('{')) {
            let (before, place) = (pair[0], pair[1]);
            unused.retain(|of| *of != (before, place));
            let is_known = named_by(before, place).is_some() != NAMES_NOTHING.contains(&(before, place));
            assert!(is_known, "{place} of {pattern} is to be a row of PLACES in audit/routes.rs, or here, once");
        }
    }
    assert_eq!(unused, [], "no address has them any more");
}

#[test]
fn each_page_says_what_becomes_of_it_in_the_log() {
    let routes: Vec<_> = page_routes().into_iter().filter(|(method, _)| *method == "GET").collect();
    assert!(routes.len() > 40, "{}", routes.len());
    for (method, pattern) in &routes {
        let is_known = route(method, pattern).is_some() != NOTHING_OF_CLIENTS.contains(&pattern.as_str());
        assert!(is_known, "{method} {pattern} is to be a row of audit/routes.rs, once");
    }
    for row in ROUTES.iter().filter(|row| !row.pattern.starts_with("/api") && row.method == "GET") {
        assert!(routes.iter().any(|(_, pattern)| pattern == row.pattern), "{} is no page any more", row.pattern);
    }
}

#[test]
fn each_address_of_a_change_has_its_verb() {
    let pages = page_routes().into_iter();
    let all: Vec<_> = pages.chain(crate::api::calls()).filter(|(method, _)| *method != "GET").collect();
    assert!(all.len() > 150, "{}", all.len());
    let places: Vec<String> = all.iter().map(|(method, pattern)| format!("{method} {pattern}")).collect();
    for ((method, pattern), place) in all.iter().zip(&places) {
        let rows = [
            verbs::of_change(place).is_some(),
            route(method, pattern).is_some(),
            verbs::CHANGES_NOTHING.contains(&place.as_str()),
        ];
        let count = rows.into_iter().filter(|is_there| *is_there).count();
        assert_eq!(count, 1, "{place} is to be in audit/verbs.rs or audit/routes.rs, once");
    }
    let gone: Vec<_> = verbs::places().filter(|place| !places.iter().any(|known| known == place)).collect();
    assert_eq!(gone, [""; 0], "no address any more");
    let known = |verb: &String| verbs::is_verb(verb);
    let missing: Vec<_> = crate::ops::tests::verbs()
        .into_iter()
        .map(|verb| verb.replace("::", "."))
        .filter(|verb| !known(verb))
        .collect();
    assert_eq!(missing, [""; 0], "verbs that audit/verbs.rs does not have");
}

#[test]
fn an_address_names_its_subject_by_an_id_alone() {
    let subject = |path: &str| {
        let pattern = "/households/{id}/clients/{client}/explain";
        route("GET", pattern).unwrap().subject(pattern, path).id
    };
    assert_eq!(subject(&format!("/households/1/clients/{ID}/explain")), ID);
    assert_eq!(subject(&format!("/households/1/clients/{}/explain", ID.to_uppercase())), ID, "as filters have it");
    for other in ["Ayda%20Khan", "AydaKhan", "7"] {
        assert_eq!(subject(&format!("/households/1/clients/{other}/explain")), "");
    }
}

/// An id.
const ID: &str = "0192f0c4-7d1e-7abc-8def-0123456789ab";

#[test]
fn the_address_of_a_change_names_what_it_is_about() {
    const OTHER: &str = "0192f0c4-7d1e-7abc-8def-0123456789ac";
    let check = |pattern: &str, expected: Option<(&str, &str)>, is_in_household: bool| {
        let path = pattern.replace("{id}", ID).replace("{client}", OTHER).replace("{name}", "main");
        let path = path.replace("{external_id}", "Ayda").replace("{number}", "7").replace("{user}", OTHER);
        let (subject, household) = about(pattern, &path);
        let subject = subject.as_ref().map(|subject| (subject.kind, subject.id.as_str()));
        assert_eq!((subject, household.is_some()), (expected, is_in_household), "{pattern}");
        assert!(household.is_none_or(|id| id.to_string() == ID), "{pattern}");
    };
    check("/api/v1/clients/{id}/legal-hold", Some(("client", ID)), false);
    check("/api/v1/households/{id}/access", Some(("household", ID)), true);
    check("/households/{id}/clients/{client}/edit", Some(("client", OTHER)), true);
    check("/households/{id}/access/staff/{user}/role", Some(("household", ID)), true);
    check("/api/v1/users/{id}", Some(("account", ID)), false);
    check("/people/{id}/disable", Some(("account", ID)), false);
    check("/notes/{id}/retry", Some(("note", ID)), false);
    check("/api/v1/connections/{name}/clients/{external_id}/erase", Some(("connection", "main")), false);
    check("/settings/integrations/{name}/edit", Some(("connection", "main")), false);
    check("/api/v1/runs/{id}/cancel", Some(("run", ID)), false);
    check("/imports/{id}/rows/{number}/decision", Some(("import", ID)), false);
    check("/people/teams/{id}", Some(("team", ID)), false);
    check("/account/tokens/{id}/revoke", Some(("token", ID)), false);
    check("/goals/{id}", Some(("goal", ID)), false);
    check("/api/v1/privacy/erasures/{number}/lift", Some(("erasure", "7")), false);
    check("/api/v1/emergency-access/{id}/end", Some(("household", "")), false);
    check("/api/v1/revisions/{id}/check", Some(("revision", "")), false);
    check("/api/v1/clients", None, false);
    check("", None, false);
    let of = |pattern: &str, path: &str| about(pattern, path).0.map(|subject| subject.id);
    assert_eq!(of("/clients/{id}/hold", "/clients/AydaKhan/hold"), Some(String::new()));
    assert_eq!(of("/connections/{name}/sync", "/connections/Ayda%20Khan/sync"), Some(String::new()));
}

/// What is told of an answer with this status to somebody who asks what an erasure would do, where the handler asked beside
/// it for what they may not.
async fn told_of(status: StatusCode) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let trail = Trail::new(Store::open(folder.path()).unwrap());
    let (pattern, uri) = ("/api/v1/clients/{id}/erasure", format!("/api/v1/clients/{ID}/erasure").parse().unwrap());
    let named = route("GET", pattern).unwrap();
    let asked = request::for_tests(named, named.subject(pattern, pattern), &uri);
    asked.run(async { denied("Compliance changes nothing.") }).await;
    asked.ended(&trail, status).await.unwrap();
    let page = PageRequest { cursor: None, limit: 5 };
    let entries = trail.store.audit(AuditFilter::default(), page).await.unwrap().items;
    assert!(entries.iter().all(|entry| entry.act.verb == "privacy.view"), "{entries:?}");
    entries.first().and_then(|entry| entry.act.outcome.because().map(str::to_owned))
}

#[tokio::test]
async fn a_refusal_is_told_with_the_reason_of_its_answer() {
    assert_eq!(told_of(StatusCode::FORBIDDEN).await.as_deref(), Some("Compliance changes nothing."));
    assert_eq!(told_of(StatusCode::NOT_FOUND).await.as_deref(), Some("There is no such thing."));
    assert_eq!(told_of(StatusCode::CONFLICT).await.as_deref(), Some("Its state does not allow that."));
    assert_eq!(told_of(StatusCode::BAD_REQUEST).await, None);
}

#[tokio::test]
async fn a_change_goes_on_where_whoever_asked_hangs_up() {
    let folder = tempfile::tempdir().unwrap();
    let trail = Trail::new(Store::open(folder.path()).unwrap());
    let (begun, go_on, done) = <(Arc<Notify>, Arc<Notify>, Arc<Notify>)>::default();
    let (is_begun, may_go_on, is_done) = (Arc::clone(&begun), Arc::clone(&go_on), Arc::clone(&done));
    let work = async move {
        is_begun.notify_one();
        may_go_on.notified().await;
        is_done.notify_one();
        (StatusCode::OK, ())
    };
    let watched = Watched::of(&Method::POST, &Uri::from_static("/"), &Extensions::default(), "/");
    tokio::select! {
        answer = trail.watch(watched, work) => panic!("{answer:?} before it was done"),
        () = begun.notified() => {}
    }
    go_on.notify_one();
    tokio::time::timeout(Duration::from_secs(30), done.notified()).await.expect("it goes on to its end");
}
