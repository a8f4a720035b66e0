//! The whole router over a real, empty store.

mod access;
mod audit;
mod book;
mod document;
mod failures;
mod people;
mod scopes;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::access::tests::{PASSWORD, cookie_of};
use crate::config::Config;
use crate::domain::access::Role;
use crate::domain::run::{Run, RunState, Trigger};
use crate::domain::{RunId, Timestamp};

pub const TOKEN: &str = "a-token-of-at-least-32-characters";

/// A host without connections, in a folder of its own.
pub struct Host {
    app: App,
    router: Router,
    _folder: tempfile::TempDir,
}

/// An answer of the host.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Host {
    pub fn new() -> Self {
        Self::with("")
    }

    /// A host with these settings too.
    fn with(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), TOKEN).unwrap();
        let file = folder.path().join("tidegate.toml");
        std::fs::write(&file, format!("[server]\nbootstrap-token-file = \"token\"\n{settings}")).unwrap();
        let app = App::open(Config::load(Some(&file), &Vec::new()).unwrap()).unwrap();
        Self { router: router(app.clone()), app, _folder: folder }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = to_bytes(response.into_body(), 10 << 20).await.unwrap();
        Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    /// Asks as the practice manager's program.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path, &[("authorization", &format!("Bearer {TOKEN}"))], "")).await
    }

    /// The cookie of somebody in this role who signed in.
    pub async fn signed_in(&self, role: Role) -> String {
        cookie_of(&self.app.access, role).await
    }
}

pub fn request(method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header("host", "tidegate.example");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::from(body.to_owned())).unwrap()
}

/// Every operation under `/api/v1` with its address filled in.
pub fn operations(document: &Value) -> Vec<(Method, String)> {
    let paths = document["paths"].as_object().unwrap();
    let filled = |path: &str| {
        // A document goes by the hash of its bytes.
        let path = path.replace("/documents/{id}", &format!("/documents/{}", "0".repeat(64)));
        path.replace("{id}", &uuid::Uuid::nil().to_string()).replace("{name}", "main").replace("{number}", "1")
    };
    let methods = |(path, item): (&String, &Value)| {
        let path = filled(path);
        let methods: Vec<Method> =
            item.as_object().unwrap().keys().filter_map(|name| name.to_uppercase().parse().ok()).collect();
        methods.into_iter().map(move |method| (method, path.clone())).collect::<Vec<_>>()
    };
    paths.iter().filter(|(path, _)| path.starts_with("/api/v1/")).flat_map(methods).collect()
}

pub fn example_event() -> Value {
    json!({
        "type": "your-life-survey.completed",
        "household_id": uuid::Uuid::nil(),
        "occurred_at": "2026-03-02T01:30:00Z",
        "data": {"score": 72, "goals": [], "dimensions": []}
    })
}

pub fn example_run(state: RunState) -> Run {
    Run {
        id: RunId(uuid::Uuid::nil()),
        connection: "main".parse().unwrap(),
        state,
        trigger: Trigger::Request,
        queued_at: Timestamp::UNIX_EPOCH,
        started_at: None,
        finished_at: None,
        expected: None,
        counts: crate::domain::run::RunCounts::default(),
        error: None,
    }
}

#[tokio::test]
async fn an_empty_host_answers_empty_lists() {
    let host = Host::new();
    for list in ["connections", "runs", "households", "clients", "goals", "covers", "notes", "quarantine"] {
        let answer = host.get(&format!("/api/v1/{list}")).await;
        assert_eq!((answer.status, answer.body), (200, json!({"items": [], "next": null})), "{list}");
    }
}

/// A pack that does not load costs its own connection, and nothing else of the host.
#[tokio::test]
async fn a_connection_without_its_pack_is_not_at_work_and_says_why() {
    let settings = "\n[connections.main]\ncrm = \"xplan\"\npack = \"nowhere\"\nforward-host = \"acme.xplan.iress.com.au\"\n\
                    [connections.main.auth]\nmode = \"basic\"\nusername = \"svc\"\npassword-file = \"token\"\n";
    let host = Host::with(settings);
    let answer = host.get("/api/v1/connections/main").await;
    let problem = answer.body["problem"].as_str().unwrap_or_default();
    assert!(answer.status == 200 && problem.contains("there is no pack `nowhere`"), "{}", answer.body);
    assert_eq!(host.get("/api/v1/households").await.status, 200);
}

#[tokio::test]
async fn what_is_about_people_is_kept_by_nobody_on_the_way() {
    let answer = Host::new().get("/api/v1/clients").await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn health_is_open_to_all() {
    let host = Host::new();
    for path in ["/healthz", "/readyz"] {
        let answer = host.send(request(Method::GET, path, &[], "")).await;
        assert_eq!((answer.status, answer.body), (200, json!({"status": "ok"})), "{path}");
    }
}

#[tokio::test]
async fn a_page_of_the_host_reads_with_the_session() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    let own = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(host.send(request(Method::GET, "/api/v1/runs", &own, "")).await.status, 200);
    let token = cookie.split_once('=').unwrap().1;
    host.app.access.sign_out(token).await.unwrap();
    assert_eq!(host.send(request(Method::GET, "/api/v1/runs", &own, "")).await.status, 401);
}
