//! Households and clients as they are answered, over a small book: a couple, whose adviser the CRM names, and a single
//! person, whose it does not.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use secrecy::ExposeSecret as _;

use super::*;
use crate::access::Holder;
use crate::access::request::WayIn;
use crate::access::source::Source;
use crate::domain::absence::Threshold;
use crate::domain::access::Action;
use crate::domain::privacy::{HeldSubject, LegalHold};
use crate::domain::record::{ClientStatus, Title};
use crate::domain::{Adviser, Client, Diagnostic, ExternalId, RecordKind, RevisionId};
use crate::store::commit::{Group, IncomingRecord, MappedBy, Outcome};
use crate::store::raw::PackedRaw;
use crate::store::walks::WalkPosition;

fn id(text: &str) -> ExternalId {
    ExternalId(text.to_owned())
}

fn person(external_id: &str, first_name: &str, partner: Option<&str>, adviser: Option<&str>) -> Client {
    Client {
        external_id: id(external_id),
        title: Some(Title::Ms),
        first_name: Some(first_name.to_owned()),
        middle_name: None,
        last_name: Some("Khan".to_owned()),
        preferred_name: None,
        date_of_birth: Some("1980-02-29".parse().unwrap()),
        sex: None,
        address_line_1: None,
        address_line_2: None,
        suburb: None,
        state: None,
        postcode: None,
        country_code: Some("AU".to_owned().try_into().unwrap()),
        email: Some(format!("{first_name}.Khan@example.com").try_into().unwrap()),
        email_is_placeholder: false,
        mobile: Some("+61491570156".to_owned().try_into().unwrap()),
        adviser_external_id: adviser.map(id),
        secondary_adviser_external_id: None,
        partner_external_id: partner.map(id),
        is_partner: external_id == "2",
        status: ClientStatus::Client,
        extensions: Vec::new(),
    }
}

fn adviser(external_id: &str, first_name: &str) -> Adviser {
    Adviser {
        external_id: id(external_id),
        first_name: Some(first_name.to_owned()),
        last_name: Some("Lee".to_owned()),
        email: Some("lee@example.com".to_owned().try_into().unwrap()),
        active: true,
    }
}

async fn commit(host: &Host, kind: RecordKind, outcomes: Vec<(&str, Outcome)>) {
    let incoming_records = outcomes.into_iter().map(|(external_id, outcome)| IncomingRecord {
        id: id(external_id),
        fingerprint: 1,
        raw: PackedRaw::pack(b"{}"),
        outcome,
        diagnostics: vec![Diagnostic::warning("title", "unknown-title", "`Sir` is not one of the six".to_owned())],
        emptied: Vec::new(),
    });
    let group = Group {
        run: example_run(RunState::Running),
        kind,
        by: MappedBy { revision: RevisionId([1; 6]), as_of: None },
        incoming_records: incoming_records.collect(),
        below: Vec::new(),
        seen: None,
        position: Some(WalkPosition { kind, resource: "clients".to_owned(), after: None, chunks: 0, is_over: false }),
        at: Timestamp::UNIX_EPOCH,
    };
    host.app.store.commit(group).await.unwrap();
}

pub(super) async fn host_with_a_book() -> Host {
    let host = Host::new();
    host.app.store.begin_run(example_run(RunState::Running)).await.unwrap();
    let advisers = [("10", "Ana"), ("11", "Pat")].map(|(id, name)| (id, Outcome::Adviser(adviser(id, name))));
    commit(&host, RecordKind::Adviser, advisers.to_vec()).await;
    let people = [
        ("1", Outcome::Client(Box::new(person("1", "Ayda", Some("2"), Some("11"))))),
        ("2", Outcome::Client(Box::new(person("2", "Sam", Some("1"), Some("10"))))),
        ("3", Outcome::Client(Box::new(person("3", "Zoe", None, None)))),
        ("4", Outcome::Excluded { quarantined: true }),
        ("5", Outcome::Excluded { quarantined: false }),
    ];
    commit(&host, RecordKind::Client, people.to_vec()).await;
    host
}

#[tokio::test]
async fn a_household_has_members_with_roles_and_always_a_professional() {
    let host = host_with_a_book().await;
    let households = host.get("/api/v1/households").await.body;
    let [couple, single] = households["items"].as_array().unwrap().as_slice() else { panic!("{households}") };
    assert_eq!(couple["connection"], "main");
    let members: Vec<_> = couple["members"].as_array().unwrap().iter().collect();
    assert_eq!((&members[0]["external_id"], &members[0]["role"]), (&json!("1"), &json!("cfo")));
    assert_eq!((&members[1]["external_id"], &members[1]["role"]), (&json!("2"), &json!("non_cfo")));
    assert_eq!(
        couple["primary_professional"],
        json!({
            "external_id": "11",
            "first_name": "Pat",
            "last_name": "Lee",
            "email": "lee@example.com",
            "because": "crm_adviser"
        })
    );
    assert_eq!(single["primary_professional"]["external_id"], "10");
    assert_eq!(single["primary_professional"]["because"], "first_adviser");

    let address = format!("/api/v1/households/{}", couple["id"].as_str().unwrap());
    let in_full = host.get(&address).await.body;
    assert_eq!(in_full["id"], couple["id"]);
    let member = &in_full["members"][1];
    assert_eq!((&member["client_id"], &member["role"]), (&member["client"]["id"], &json!("non_cfo")));
    assert_eq!(member["client"]["first_name"], "Sam");
}

#[tokio::test]
async fn where_the_crm_shows_no_adviser_the_practice_answers() {
    let host = Host::new();
    host.app.store.begin_run(example_run(RunState::Running)).await.unwrap();
    let zoe = Outcome::Client(Box::new(person("3", "Zoe", None, Some("99"))));
    commit(&host, RecordKind::Client, vec![("3", zoe)]).await;
    let professional = host.get("/api/v1/households").await.body["items"][0]["primary_professional"].take();
    assert_eq!((&professional["last_name"], &professional["because"]), (&json!("My practice"), &json!("practice")));
}

#[tokio::test]
async fn a_client_is_flat_and_what_the_document_says() {
    let host = host_with_a_book().await;
    let found = host.get("/api/v1/clients?external_id=3&connection=main").await.body;
    let [client] = found["items"].as_array().unwrap().as_slice() else { panic!("{found}") };
    assert_eq!(host.get(&format!("/api/v1/clients/{}", client["id"].as_str().unwrap())).await.body, *client);
    let expected = json!({
        "external_id": "3",
        "connection": "main",
        "revision": "010101010101",
        "changed_at": "1970-01-01T00:00:00Z",
        "title": "Ms",
        "first_name": "Zoe",
        "date_of_birth": "1980-02-29",
        "country_code": "AU",
        "email": "Zoe.Khan@example.com",
        "mobile": "+61491570156",
        "sex": null,
        "status": "client",
        "is_partner": false
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(client[name], *value, "{name}");
    }
    assert_eq!(client["diagnostics"][0]["code"], "unknown-title");
    let document = host.get("/api/openapi.json").await.body;
    let schema = &document["components"]["schemas"]["Client"];
    let promised: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(client.as_object().unwrap().keys().collect::<BTreeSet<_>>(), promised);
    let required: BTreeSet<_> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(required, promised.iter().map(|name| name.as_str()).collect());
}

#[tokio::test]
async fn lists_are_searched_filtered_and_paged() {
    let host = host_with_a_book().await;
    let names = async |query: &str| {
        let body = host.get(&format!("/api/v1/clients?{query}")).await.body;
        let items = body["items"].as_array().unwrap_or_else(|| panic!("{body}")).clone();
        let names: Vec<_> = items.iter().map(|item| item["first_name"].as_str().unwrap().to_owned()).collect();
        (names, body["next"].clone())
    };
    assert_eq!(names("search=kha%20sa").await.0, ["Sam"]);
    let couple = host.get("/api/v1/households?search=ayda").await.body["items"][0]["id"].take();
    let mut of_couple = names(&format!("household_id={}", couple.as_str().unwrap())).await.0;
    of_couple.sort();
    assert_eq!(of_couple, ["Ayda", "Sam"]);
    let (first, next) = names("limit=2").await;
    let (rest, end) = names(&format!("limit=2&cursor={}", next.as_str().unwrap())).await;
    assert_eq!((first.len(), rest.len(), end), (2, 1, Value::Null));
    let all: BTreeSet<_> = first.into_iter().chain(rest).collect();
    assert_eq!(all, BTreeSet::from(["Ayda", "Sam", "Zoe"].map(str::to_owned)));
}

#[tokio::test]
async fn quarantine_lists_what_cannot_be_used_and_not_what_a_rule_left_out() {
    let host = host_with_a_book().await;
    let body = host.get("/api/v1/quarantine").await.body;
    let [record] = body["items"].as_array().unwrap().as_slice() else { panic!("{body}") };
    assert_eq!((&record["external_id"], &record["kind"]), (&json!("4"), &json!("client")));
    assert_eq!(record["run_id"], uuid::Uuid::nil().to_string());
}

#[tokio::test]
async fn a_run_that_is_over_is_told_once() {
    let host = host_with_a_book().await;
    host.app.store.finish_run(example_run(RunState::Done), Threshold::default()).await.unwrap();
    let address = format!("/api/v1/runs/{}", uuid::Uuid::nil());
    assert_eq!(host.get(&address).await.body["state"], "done");
    assert_eq!(host.get("/api/v1/runs?connection=main").await.body["items"][0]["id"], json!(uuid::Uuid::nil()));
    let events = format!("{address}/events");
    let bearer = format!("Bearer {TOKEN}");
    let follow = [("authorization", bearer.as_str())];
    let response = host.router.clone().oneshot(request(Method::GET, &events, &follow, "")).await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = to_bytes(response.into_body(), 10_000).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(text.starts_with("event: run\nid: done\ndata: {"), "{text}");
    let again = [follow[0], ("last-event-id", "done")];
    assert_eq!(host.send(request(Method::GET, &events, &again, "")).await.status, 204);
    let cancelled = host.send(request(Method::POST, &format!("{address}/cancel"), &follow, "")).await;
    assert_eq!((cancelled.status, &cancelled.body["type"]), (409, &json!("urn:tidegate:problem:wrong-state")));
}

#[tokio::test]
async fn an_answer_that_goes_on_ends_with_the_session_the_token_and_the_account() {
    let host = Host::new();
    let (id, session) = host.person("omar@example.com", "support").await;
    let (token_id, token) = host.token(&session, &["read"]).await;
    let (_, other_token) = host.token(&session, &["read"]).await;
    let (_, other) = host.person("pat@example.com", "support").await;
    let way_in = async |token: &str| match host.app.access.holder(token, Timestamp::now()).await.unwrap() {
        Holder::Actor(_, Some(session)) => WayIn::Session(session),
        Holder::Actor(_, None) => WayIn::Token(token.into()),
        nobody => panic!("{nobody:?}"),
    };
    let follow =
        |way_in: WayIn, action| Box::pin(host.app.access.while_allowed(futures::stream::repeat(7), way_in, action));
    let mut by_session = follow(way_in(&session).await, Action::ReadRuns);
    let mut by_token = follow(way_in(&token).await, Action::ReadRuns);
    let mut by_other_token = follow(way_in(&other_token).await, Action::ReadRuns);
    let mut by_other = follow(way_in(&other).await, Action::ReadRuns);
    let mut by_practice = follow(way_in(TOKEN).await, Action::ReadRuns);
    for events in [&mut by_session, &mut by_token, &mut by_other_token, &mut by_other, &mut by_practice] {
        assert_eq!(events.next().await.map(|(part, _)| part), Some(7));
    }
    assert!(follow(way_in(&session).await, Action::ManagePeople).next().await.is_none(), "the role does not allow it");

    let revoked = host.ask(Method::DELETE, &format!("/tokens/{token_id}"), &session, &Value::Null).await;
    assert_eq!(revoked.status, 204, "{}", revoked.body);
    assert!(by_token.next().await.is_none() && by_other_token.next().await.is_some());

    host.app.access.sign_out(&other).await.unwrap();
    assert!(by_other.next().await.is_none() && by_session.next().await.is_some());

    let silent = futures::stream::pending::<u8>();
    let silent = host.app.access.while_allowed(silent, way_in(&session).await, Action::ReadRuns);
    host.ask(Method::PATCH, &format!("/users/{id}"), TOKEN, &json!({"disabled": true})).await;
    assert!(by_session.next().await.is_none() && by_other_token.next().await.is_none());
    assert!(by_practice.next().await.is_some());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(30), Box::pin(silent).next()).await;
    assert!(ended.expect("it is looked up where nothing happens, too").is_none());
}

#[tokio::test]
async fn to_look_whether_a_session_stands_is_no_use_of_it() {
    let host = Host::new();
    let (opened, source) = (Timestamp::now() - std::time::Duration::from_mins(50), Source::unknown().into());
    host.person("omar@example.com", "support").await;
    let signed_in = host.app.access.sign_in("omar@example.com", &PASSWORD.into(), source, opened).await.unwrap();
    let way_in = WayIn::Session(signed_in.session);
    let events = host.app.access.while_allowed(futures::stream::repeat(7), way_in, Action::ReadRuns);
    assert!(Box::pin(events).next().await.is_some());
    let later = opened + std::time::Duration::from_mins(61);
    let token = signed_in.token.expose_secret();
    assert_eq!(host.app.access.session(token, later).await.unwrap(), None, "an hour after it was used");
}

#[tokio::test]
async fn a_hold_that_is_over_is_not_listed_as_one_that_is_on() {
    let host = host_with_a_book().await;
    let clients = host.get("/api/v1/clients").await.body;
    let ids = |place: usize| clients["items"][place]["id"].as_str().unwrap().parse().unwrap();
    for (place, until) in [(0, None), (1, Some("2020-01-01T00:00:00Z".parse().unwrap()))] {
        let (subject, since) = (HeldSubject::Client(ids(place)), Timestamp::UNIX_EPOCH);
        let (reason, by) = ("A complaint".to_owned(), "Kim Osei".to_owned());
        assert!(
            host.app
                .store
                .put_hold(LegalHold { subject, reason, by, by_account: None, since, until }, None)
                .await
                .unwrap()
                .unwrap()
        );
    }
    let holds = host.get("/api/v1/privacy/holds").await.body;
    let on = holds["items"].as_array().unwrap().iter().map(|hold| (hold["until"].is_null(), hold["is_on"].as_bool()));
    assert_eq!(on.collect::<BTreeSet<_>>(), BTreeSet::from([(true, Some(true)), (false, Some(false))]), "{holds}");
}

#[tokio::test]
async fn a_token_replaces_no_hold_whose_reason_a_person_gave() {
    let host = host_with_a_book().await;
    let (_, session) = host.person("pat@example.com", "practice_manager").await;
    let (_, token) = host.token(&session, &["manage"]).await;
    let client = host.get("/api/v1/clients").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/clients/{client}/legal-hold");
    let place = async |by: &str, reason: &str| host.ask(Method::PUT, &path, by, &json!({"reason": reason})).await;
    assert_eq!(place(&token, "A complaint").await.status, 200, "where none is on, it places one");
    assert_eq!(place(&session, "Court order 77").await.status, 200);
    let again = place(&session, "Court order 77").await;
    assert_eq!(again.status, 200, "sent twice: {}", again.body);
    let refused = place(&token, "zzz").await;
    assert!(
        refused.status == 403 && refused.body.to_string().contains("can’t replace a legal hold"),
        "{}",
        refused.body
    );
    let holds = host.get("/api/v1/privacy/holds").await.body;
    assert_eq!(holds["items"][0]["reason"], "Court order 77");
}
