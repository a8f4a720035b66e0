//! The router over a real, empty store: who is let in, what every answer carries, what is refused.

use std::path::PathBuf;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use secrecy::ExposeSecret as _;
use tower::ServiceExt as _;

use super::operations::run;
use crate::access::source::Source;
use crate::access::tests::{PASSWORD, cookie_of};
use crate::app::App;
use crate::config::Config;
use crate::connection::for_tests::with_shipped_events;
use crate::domain::absence::Threshold;
use crate::domain::access::Role;
use crate::domain::run::{Run, RunState};
use crate::domain::{ExternalId, RecordKind, RevisionId, Timestamp};
use crate::store::book::{ClientFilter, PageRequest};
use crate::store::commit::{Group, IncomingRecord, MappedBy, Outcome};
use crate::store::raw::PackedRaw;
use crate::web::once::LOOKED_AT;

pub(super) const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A host without connections, in a folder of its own.
pub(super) struct Host {
    pub(super) app: App,
    router: Router,
    folder: tempfile::TempDir,
}

pub(super) struct Answer {
    pub(super) status: u16,
    headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

/// A record of the CRM, as a sync brings it.
pub(super) fn brought(id: &str, outcome: Outcome) -> IncomingRecord {
    IncomingRecord {
        id: ExternalId(id.to_owned()),
        fingerprint: 1,
        raw: PackedRaw::pack(b"{}"),
        outcome,
        diagnostics: Vec::new(),
        emptied: Vec::new(),
    }
}

impl Host {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tidegate.toml"), "").unwrap();
        Self::within(folder)
    }

    fn within(folder: tempfile::TempDir) -> Self {
        let settings = folder.path().join("tidegate.toml");
        let app = App::open(Config::load(Some(&settings), &Vec::new()).unwrap()).unwrap();
        Self { router: super::super::router(app.clone()), app, folder }
    }

    /// The file of the store.
    pub(super) fn store_file(&self) -> PathBuf {
        self.app.config.server.data_dir.join("tidegate.redb")
    }

    /// The host that begins again with an older file of its store.
    pub(super) fn with_store(self, older: &[u8]) -> Self {
        let (file, folder) = (self.store_file(), self.folder);
        drop((self.app, self.router));
        std::fs::write(file, older).unwrap();
        Self::within(folder)
    }

    pub(super) async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], form: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("host", "tidegate.example");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.body(Body::from(form.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), 10 << 20).await.unwrap();
        Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub(super) async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send(Method::GET, path, &[("cookie", cookie)], "").await
    }

    /// Brings records of the CRM, as a sync of the connection `main` would.
    pub(super) async fn bring(&self, kind: RecordKind, outcomes: Vec<(&str, Outcome)>) {
        let incoming_records = outcomes.into_iter().map(|(id, outcome)| brought(id, outcome));
        let run = Run { finished_at: None, ..run(RunState::Running) };
        let group = Group {
            run: self.app.store.begin_run(run).await.unwrap(),
            kind,
            by: MappedBy { revision: RevisionId([1; 6]), as_of: None },
            incoming_records: incoming_records.collect(),
            below: Vec::new(),
            seen: None,
            position: None,
            at: Timestamp::UNIX_EPOCH,
        };
        self.app.store.commit(group).await.unwrap();
    }

    /// The cookie of somebody in this role who signed in.
    pub(super) async fn signed_in(&self, role: Role) -> String {
        cookie_of(&self.app.access, role).await
    }

    /// The cookie of the practice manager who was made, from a session in which the password was given long ago.
    pub(super) async fn signed_in_long_ago(&self) -> String {
        self.signed_in_at(Timestamp::now() - std::time::Duration::from_mins(16)).await
    }

    /// The same, from a session in which the password was given at a moment.
    pub(super) async fn signed_in_at(&self, moment: Timestamp) -> String {
        let (email, source) = ("practice-manager@example.com", Source::unknown().into());
        let signed_in = self.app.access.sign_in(email, &PASSWORD.into(), source, moment).await.unwrap();
        format!("__Host-tidegate={}", signed_in.token.expose_secret())
    }
}

#[tokio::test]
async fn strangers_are_sent_to_sign_in_and_back() {
    let host = Host::new();
    let check = async |path: &str, expected: &str| {
        let answer = host.get(path, "").await;
        assert_eq!((answer.status, answer.header("location")), (303, expected), "{path}");
    };
    check("/", "/sign-in").await;
    check("/households?search=khan", "/sign-in?to=%2Fhouseholds%3Fsearch%3Dkhan").await;
    check("/runs", "/sign-in?to=%2Fruns").await;
    let answer = host.send(Method::POST, "/connections/main/sync", &[OWN], "").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/sign-in"));
}

#[tokio::test]
async fn every_answer_carries_the_guards_headers() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    for path in ["/sign-in", "/", "/households", "/nowhere", "/runs/none", "/assets/none.css"] {
        let answer = host.get(path, &cookie).await;
        let policy = answer.header("content-security-policy");
        for directive in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(directive), "{path}: {policy}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
    let style = host.get(&format!("/assets/{}", super::assets::style()), "").await;
    assert_eq!(style.status, 200);
    assert!(style.header("cache-control").contains("immutable"));
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
}

#[tokio::test]
async fn forms_of_other_sites_change_nothing() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    for from in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), ("x-nothing", "")] {
        let answer = host.send(Method::POST, "/sign-out", &[("cookie", &cookie), from], "").await;
        assert_eq!(answer.status, 403, "{from:?}");
        assert_eq!(host.get("/", &cookie).await.status, 200, "still in after {from:?}");
    }
    let answer = host.send(Method::POST, "/sign-out", &[("cookie", &cookie), OWN], "").await;
    assert_eq!(answer.header("location"), "/sign-in");
    assert_eq!(host.get("/", &cookie).await.status, 303);
}

#[tokio::test]
async fn signing_in_opens_a_session_and_leads_on() {
    let host = Host::new();
    host.signed_in(Role::PracticeManager).await;
    let form = |password: &str, to: &str| format!("email=practice-manager%40example.com&password={password}&to={to}");
    let refused = host.send(Method::POST, "/sign-in", &[OWN], &form("wrong", "%2Fruns")).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("practice-manager@example.com"), "what was typed is kept");
    assert!(!refused.text.contains("wrong"), "but for the password");

    let right = form("correct+horse+battery", "%2Fruns");
    let answer = host.send(Method::POST, "/sign-in", &[OWN], &right).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/runs"));
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-tidegate=") && cookie.contains("HttpOnly") && cookie.contains("Secure"));
    assert_eq!(host.get("/runs", cookie.split(';').next().unwrap()).await.status, 200);

    let elsewhere = form("correct+horse+battery", "%2F%2Fevil.example");
    let answer = host.send(Method::POST, "/sign-in", &[OWN], &elsewhere).await;
    assert_eq!(answer.header("location"), "/");
}

#[tokio::test]
async fn signing_in_twice_with_the_cookie_of_a_session_that_ended_signs_in() {
    let host = Host::new();
    let stale = host.signed_in(Role::PracticeManager).await;
    host.send(Method::POST, "/sign-out", &[("cookie", &stale), OWN], "").await;
    let form = "email=practice-manager%40example.com&password=correct+horse+battery&to=%2Fruns";
    let headers = [("cookie", stale.as_str()), OWN];
    let click = || host.send(Method::POST, "/sign-in", &headers, form);
    let (first, second) = tokio::join!(click(), click());
    for answer in [first, second, click().await] {
        assert_eq!((answer.status, answer.header("location")), (303, "/runs"), "{}", answer.text);
        let cookie = answer.header("set-cookie").split(';').next().unwrap();
        assert_eq!(host.get("/runs", cookie).await.status, 200, "each click has a session of its own");
    }
}

#[tokio::test]
async fn the_set_up_link_makes_one_account() {
    let host = Host::new();
    let token = host.app.access.offer_set_up(Timestamp::now()).await.unwrap().unwrap();
    let path = format!("/set-up/{}", token.expose_secret());
    assert_eq!(host.get("/set-up/guessed", "").await.status, 410);
    assert_eq!(host.get(&path, "").await.status, 200);

    let refused = host.send(Method::POST, &path, &[OWN], "name=Pat&email=pat&password=short").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("email-problem") && refused.text.contains("password-problem"));

    let form = "name=Pat&email=pat%40example.com&password=correct+horse+battery";
    let made = host.send(Method::POST, &path, &[OWN], form).await;
    assert_eq!((made.status, made.header("location")), (303, "/"));
    assert_eq!(host.get(&path, "").await.status, 410);
    assert_eq!(host.send(Method::POST, &path, &[OWN], form).await.status, 410);
}

#[tokio::test]
async fn roles_see_what_they_may() {
    let host = Host::new();
    let support = host.signed_in(Role::Support).await;
    assert_eq!(host.get("/", &support).await.status, 200);
    for (path, expected) in [("/households", 200), ("/notes", 200), ("/review", 403), ("/runs/none/changes", 403)] {
        assert_eq!(host.get(path, &support).await.status, expected, "{path}");
    }
    let refused = host.send(Method::POST, "/connections/main/sync", &[("cookie", &support), OWN], "").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text.contains("Ask one of them"), "{}", refused.text);
}

#[tokio::test]
async fn what_is_not_there_has_a_page_that_says_so() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    let id = uuid::Uuid::nil();
    for path in [
        "/nowhere".to_owned(),
        "/households/none".to_owned(),
        format!("/households/{id}"),
        format!("/households/{id}/clients/{id}/explain"),
        format!("/runs/{id}"),
        format!("/notes/{id}"),
        "/households?cursor=made-up".to_owned(),
        format!("/households/{id}/record"),
        format!("/households/{id}/record/nonsense"),
    ] {
        let answer = host.get(&path, &cookie).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text.contains("<h1>Not found</h1>"), "{path}");
    }
    assert_eq!(host.get(&format!("/runs/{id}/progress"), &cookie).await.status, 204);
}

#[tokio::test]
async fn what_cannot_be_understood_has_a_page_that_says_so() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    let check = async |method: Method, path: &str, expected: u16| {
        let answer = host.send(method, path, &[("cookie", &cookie), OWN], "email=pat").await;
        assert_eq!(answer.status, expected, "{path}");
        assert!(answer.text.contains("<h1>Not understood</h1>"), "{path}: {}", answer.text);
    };
    check(Method::GET, "/notes?state=unknown", 400).await;
    check(Method::GET, "/review?of=unknown", 400).await;
    check(Method::GET, "/runs?cursor=a&cursor=b", 400).await;
    check(Method::GET, "/runs/%ff", 400).await;
    check(Method::POST, "/sign-in", 422).await;
    check(Method::POST, "/households", 405).await;
}

#[tokio::test]
async fn parts_that_a_form_has_not_are_refused() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    let post = async |path: &str, form: &str| host.send(Method::POST, path, &[("cookie", &cookie), OWN], form).await;
    let made = post("/clients", "first_name=Zoe&last_name=Ng").await;
    let household = made.header("location").to_owned();
    let client = host.app.store.clients(ClientFilter::default(), PageRequest { cursor: None, limit: 1 }).await.unwrap();
    let link = format!("/clients/{}/link", client.items[0].id);
    let connection = with_shipped_events();
    let name = connection.name.clone();
    host.app.connections.put(connection);
    let record = format!("{household}/record/note.written");
    let note = format!("/notes/{}", uuid::Uuid::nil());
    for (path, form) in [
        (&*record, "occurred=2026-11-22T11:14&data.subject=Called&data.bdoy=x"),
        (&record, "occurred=2026-11-22T11:14&data.subject=Called&data.subject=Called"),
        (&link, "connection=main&external_id=7&extenal_id=8"),
        (&format!("{note}/resolve"), "found=ther"),
        (&format!("{note}/discard"), "reason=x&raeson=y"),
        ("/sign-in", "email=a%40example.com&password=x&too=%2Fnotes"),
    ] {
        let answer = post(path, form).await;
        assert_eq!(answer.status, 422, "{path} {form}: {}", answer.text);
    }

    // What can be read and does not fit is shown again.
    host.app.connections.remove(&name);
    let refused = post(&link, "connection=main&external_id=7").await;
    assert_eq!(refused.status, 422);
    for part in ["<h1>Zoe Ng</h1>", "Zoe Ng was not linked:", "There is no connection `main`"] {
        assert!(refused.text.contains(part), "{part} is not in {}", refused.text);
    }
}

#[tokio::test]
async fn a_session_that_the_browser_would_not_keep_is_not_opened() {
    let host = Host::new();
    host.signed_in(Role::PracticeManager).await;
    let form = "email=practice-manager%40example.com&password=correct+horse+battery";
    let elsewhere = [("origin", "http://tidegate.example")];
    let answer = host.send(Method::POST, "/sign-in", &elsewhere, form).await;
    assert_eq!((answer.status, answer.header("set-cookie")), (422, ""));
    assert!(answer.text.contains("https://"), "{}", answer.text);
    let encrypted = [("origin", "https://tidegate.example")];
    assert_eq!(host.send(Method::POST, "/sign-in", &encrypted, form).await.status, 303);
}

#[tokio::test]
async fn a_page_is_told_of_a_run_that_was_over_before_it_asked() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    let under_way = host.app.store.begin_run(run(RunState::Running)).await.unwrap();
    let path = format!("/runs/{}/progress", under_way.id);
    assert_eq!(host.get(&path, &cookie).await.status, 204, "nobody goes on with it");
    host.app.store.finish_run(Run { state: RunState::Done, ..under_way }, Threshold::default()).await.unwrap();
    let answer = host.get(&path, &cookie).await;
    assert!(answer.status == 200 && answer.text.contains("event: finished"), "{}", answer.text);
}

#[tokio::test]
async fn who_gave_their_password_long_ago_gives_it_again_and_is_led_on() {
    let host = Host::new();
    host.signed_in(Role::PracticeManager).await;
    let cookie = host.signed_in_long_ago().await;
    let invite = host.get("/people/invite", &cookie).await;
    assert_eq!((invite.status, invite.header("location")), (303, "/account/confirm?to=%2Fpeople%2Finvite"));
    assert!(host.get("/account", &cookie).await.text.contains("Confirm it’s you to make a token"));
    let headers = [OWN, ("cookie", cookie.as_str())];
    let sent = host.send(Method::POST, "/people/invite", &headers, "name=A&email=a%40example.com&role=support").await;
    assert_eq!(sent.status, 403);
    assert!(
        sent.text.contains("Confirm it’s you") && sent.text.contains("href=\"/account/confirm\" target=\"_blank\"")
    );

    let wrong = host.send(Method::POST, "/account/confirm", &headers, "current_password=wrong&to=%2Fpeople").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text.contains("value=\"/people\""), "the way on is kept: {}", wrong.text);
    for (to, expected) in [("%2Fpeople%2Finvite", "/people/invite"), ("%2F%2Fevil.example", "/")] {
        let form = format!("current_password=correct+horse+battery&to={to}");
        let led = host.send(Method::POST, "/account/confirm", &headers, &form).await;
        assert_eq!((led.status, led.header("location")), (303, expected));
    }
    assert_eq!(host.get("/people/invite", &cookie).await.status, 200);
}

#[tokio::test]
async fn staff_are_offered_the_scopes_that_they_have() {
    let host = Host::new();
    let cookie = host.signed_in(Role::Support).await;
    let account = host.get("/account", &cookie).await.text;
    assert!(account.contains("scope-events") && !account.contains("scope-manage"), "only what the role has is offered");
}

#[tokio::test]
async fn a_token_and_a_link_are_made_once_and_shown_once() {
    let host = Host::new();
    let manager = host.signed_in(Role::PracticeManager).await;
    let support = host.signed_in(Role::Support).await;
    let headers = [OWN, ("cookie", manager.as_str())];
    let people = host.app.store.accounts(PageRequest { cursor: None, limit: 9 }).await.unwrap().items;
    let omar = people.iter().find(|account| account.user.role == Role::Support).unwrap().user.id;
    let sent = [
        ("/account/tokens".to_owned(), "name=Nightly&scope-read=on", "<code>tg_"),
        (format!("/people/{omar}/reset"), "", "/join/"),
        ("/people/invite".to_owned(), "name=Al&email=al%40example.com&role=adviser", "/join/"),
    ];
    let mut shown = Vec::new();
    for (path, form, secret) in sent {
        let made = host.send(Method::POST, &path, &headers, form).await;
        assert_eq!(made.status, 303, "{path}: a reload sends nothing twice: {}", made.text);
        assert!(!made.text.contains("tg_") && !made.header("location").contains(secret), "no secret is in the address");
        let place = made.header("location").split('#').next().unwrap().to_owned();
        let of_another = host.get(&place, &support).await.text;
        assert!(!of_another.contains(secret), "{path}: it is for who made it");
        assert!(host.get(&place, &manager).await.text.contains(secret), "{path}");
        // A second click on the button is led to the same, which the browser may not have shown yet.
        let second = host.send(Method::POST, &path, &headers, form).await;
        assert_eq!((second.status, second.header("location")), (303, made.header("location")), "{path}");
        assert!(host.get(&place, &manager).await.text.contains(secret), "{path}");
        shown.push((place, secret));
    }
    tokio::time::sleep(LOOKED_AT).await;
    for (place, secret) in shown {
        let again = host.get(&place, &manager).await;
        assert!(again.status == 200 && !again.text.contains(secret) && again.text.contains("shown already"), "{place}");
    }
    assert_eq!(host.app.store.tokens(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn every_problem_of_a_form_is_said_at_once_on_its_page() {
    let host = Host::new();
    let manager = host.signed_in(Role::PracticeManager).await;
    host.signed_in(Role::Support).await;
    let people = host.app.store.accounts(PageRequest { cursor: None, limit: 9 }).await.unwrap().items;
    let (pat, omar) = (people[0].user.id, people[1].user.id);
    let (pat, omar) = (format!("/people/{pat}"), format!("/people/{omar}"));
    let check = async |path: &str, form: &str, status: u16, expected: &[&str]| {
        let answer = host.send(Method::POST, path, &[OWN, ("cookie", &manager)], form).await;
        assert_eq!(answer.status, status, "{path}");
        for part in expected {
            assert!(answer.text.contains(part), "{path}: {part} is not in {}", answer.text);
        }
    };
    let all = ["id=\"name-problem\"", "id=\"email-problem\"", "id=\"role-problem\""];
    check("/people/invite", "name=+&email=sam&role=owner", 422, &all).await;
    let all = ["id=\"token-name-problem\"", "Choose at least one thing", "too far off"];
    check("/account/tokens", "name=+&expires_at=9999-12-31", 422, &all).await;
    let role = ["<h1>Pat Lee", "id=\"role-problem\"", "Choose what the person may do."];
    check(&format!("{omar}/role"), "role=owner", 422, &role).await;
    let last = ["<h1>Pat Lee", "is the only practice manager who can sign in"];
    check(&format!("{pat}/disable"), "", 409, &last).await;
}

#[tokio::test]
async fn an_account_without_a_password_is_enabled_and_needs_a_link() {
    let host = Host::new();
    let manager = host.signed_in(Role::PracticeManager).await;
    let headers = [OWN, ("cookie", manager.as_str())];
    host.send(Method::POST, "/people/invite", &headers, "name=Al&email=al%40example.com&role=adviser").await;
    let people = host.app.store.accounts(PageRequest { cursor: None, limit: 9 }).await.unwrap().items;
    let path = format!("/people/{}", people[1].user.id);
    host.send(Method::POST, &format!("{path}/disable"), &headers, "").await;
    let enabled = host.send(Method::POST, &format!("{path}/enable"), &headers, "").await;
    let said = host.get(enabled.header("location"), &manager).await.text;
    assert!(said.contains("has no password yet") && !said.contains("can sign in again"), "{said}");
    assert!(said.contains("role=\"status\" tabindex=\"-1\" autofocus"), "the keyboard is at what was done");
}

#[tokio::test]
async fn too_many_wrong_passwords_are_said_on_the_form_that_was_sent() {
    let host = Host::new();
    let manager = host.signed_in(Role::PracticeManager).await;
    let headers = [OWN, ("cookie", manager.as_str())];
    let forms = [
        ("/account/confirm", "current_password=wrong&to=%2Fpeople", "value=\"/people\""),
        ("/account/email", "email=lee%40example.com&current_password=wrong", "value=\"lee@example.com\""),
        ("/sign-in", "email=practice-manager%40example.com&password=wrong&to=", "<h1>Sign in</h1>"),
    ];
    for _ in 0..6 {
        assert_eq!(host.send(Method::POST, forms[0].0, &headers, forms[0].1).await.status, 422);
    }
    for (path, form, kept) in forms {
        let answer = host.send(Method::POST, path, &headers, form).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "1"), "{path}");
        assert!(answer.text.contains(kept) && answer.text.contains("again in 1 second."), "{path}: {}", answer.text);
    }
}
