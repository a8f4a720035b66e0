//! A host with one client of the practice and one dead file note, and how the tests reach it.

use std::fmt;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::access::NewUser;
use crate::access::source::Source;
use crate::app::App;
use crate::config::Config;
use crate::connection::Connection;
use crate::domain::access::Role;
use crate::domain::edit::{self, Rules};
use crate::domain::note::{Acceptance, Event, FileNote, Note, NoteState};
use crate::domain::practice_client::NewClient;
use crate::domain::text::sentence;
use crate::domain::{ClientId, EventId, ExternalId, HouseholdId, NoteId, RevisionId, Timestamp, UserId};
use crate::pack::is_mobile;
use crate::store::outbox::NewNote;
use crate::store::page::PageRequest;

const PASSWORD: &str = "correct horse battery";
const PARTS: &str = "multipart/form-data; boundary=B";

/// A host without connections, in a folder of its own.
pub struct Host {
    pages: Router,
    api: Router,
    /// Cookies of somebody who may, and of somebody who may not.
    pub manager: String,
    pub support: String,
    pub manager_id: UserId,
    pub client: ClientId,
    pub household: HouseholdId,
    pub note: NoteId,
    pub app: App,
    _folder: tempfile::TempDir,
}

/// An answer of a page or the API.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The address that it leads to.
    pub location: String,
    /// A page's HTML with its quotation marks as they were written, or a problem's JSON.
    pub text: String,
    /// The version that the answer has in `ETag`, without its marks; empty where it has none.
    pub tag: String,
}

impl Host {
    pub async fn new() -> Self {
        Self::with(Vec::new()).await
    }

    /// A host with connections.
    pub async fn with(connections: Vec<Connection>) -> Self {
        Self::by("", connections).await
    }

    /// A host of these settings.
    pub async fn by(text: &str, connections: Vec<Connection>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = folder.path().join("tidegate.toml");
        std::fs::write(&settings, text).unwrap();
        let app = App::open(Config::load(Some(&settings), &Vec::new()).unwrap()).unwrap();
        connections.into_iter().for_each(|connection| app.connections.put(connection));
        let client = make_client(&app).await;
        let household = app.store.client(client).await.unwrap().unwrap().household_id;
        let manager = signed_in(&app, Role::PracticeManager).await;
        let manager_id = app.store.accounts(PageRequest { cursor: None, limit: 1 }).await.unwrap().items[0].user.id;
        Self {
            pages: crate::web::router(app.clone()),
            api: crate::api::router(app.clone()),
            manager,
            manager_id,
            support: signed_in(&app, Role::Support).await,
            client,
            household,
            note: accept_note(&app, client, household).await,
            app,
            _folder: folder,
        }
    }

    /// Makes the manager the primary professional of the household: nobody else sees it then.
    pub async fn keep_for_the_manager(&self) {
        let body = json!({"primary": {"user_id": self.manager_id}});
        let set =
            self.call(&Method::PUT, &format!("/households/{}/access", self.household), &body, &self.manager).await;
        assert_eq!(set.status, 200, "{set}");
    }

    /// The cookie of somebody in this role.
    pub async fn signed_in(&self, role: Role) -> String {
        match role {
            Role::PracticeManager => self.manager.clone(),
            Role::Support => self.support.clone(),
            _ => signed_in(&self.app, role).await,
        }
    }

    /// The account with this email.
    pub async fn id_of(&self, email: &str) -> UserId {
        let accounts = self.app.store.accounts(PageRequest { cursor: None, limit: 100 }).await.unwrap().items;
        accounts.into_iter().find(|account| account.user.email.as_str() == email).unwrap().user.id
    }

    /// The OpenAPI document.
    pub async fn document(&self) -> Value {
        let answer = send(&self.api, Request::get("/api/openapi.json"), "", String::new()).await;
        serde_json::from_str(&answer.text).unwrap()
    }

    /// Opens a page.
    pub async fn open(&self, path: &str, cookie: &str) -> Answer {
        send(&self.pages, Request::get(path), cookie, String::new()).await
    }

    /// Signs the practice manager in once more: some verbs end the session that they are done in.
    pub async fn manager_again(&self) -> String {
        let (email, sender) = ("practice-manager@example.com", Source::unknown().into());
        let signed_in = self.app.access.sign_in(email, &PASSWORD.into(), sender, Timestamp::now()).await.unwrap();
        format!("__Host-tidegate={}", signed_in.token.expose_secret())
    }

    /// Signs somebody in at the page; answers the cookie, or the page that came in its place.
    pub async fn enter(&self, path: &str, form: &str) -> Result<String, Answer> {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("sec-fetch-site", "same-origin").header("host", "tidegate.example");
        let response = self.pages.clone().oneshot(request.body(Body::from(form.to_owned())).unwrap()).await.unwrap();
        let cookie = response.headers().get("set-cookie").map(|cookie| cookie.to_str().unwrap().to_owned());
        let answer = read(response).await;
        cookie.map(|cookie| cookie.split(';').next().unwrap().to_owned()).ok_or(answer)
    }

    /// Sends a page's form.
    pub async fn submit(&self, path: &str, form: &str, cookie: &str) -> Answer {
        let media_type = if form.starts_with("--B") { PARTS } else { "application/x-www-form-urlencoded" };
        send(&self.pages, Request::post(path).header("content-type", media_type), cookie, form.to_owned()).await
    }

    /// Sends JSON to the API; none where the body is null, and a form in parts where it is a text.
    pub async fn call(&self, method: &Method, path: &str, body: &Value, cookie: &str) -> Answer {
        self.call_where(method, path, body, (cookie, None)).await
    }

    /// The same, for a thing of which this version was looked at.
    pub async fn call_where(
        &self,
        method: &Method,
        path: &str,
        body: &Value,
        (cookie, version): (&str, Option<&str>),
    ) -> Answer {
        let (media_type, body) = match body {
            Value::Null => ("application/json", String::new()),
            Value::String(parts) => (PARTS, parts.clone()),
            json => ("application/json", json.to_string()),
        };
        let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        let mut request = request.header("content-type", media_type);
        if let Some(version) = version {
            request = request.header("if-match", format!("\"{version}\""));
        }
        send(&self.api, request.header("idempotency-key", Uuid::now_v7().to_string()), cookie, body).await
    }
}

/// A form in parts, each with its name, the name of its file where it is one, and its content.
pub fn parts(parts: &[(&str, Option<&str>, &str)]) -> String {
    let part = |(name, file, content): &(&str, Option<&str>, &str)| {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        format!("--B\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n")
    };
    parts.iter().map(part).chain(["--B--\r\n".to_owned()]).collect()
}

async fn send(router: &Router, request: axum::http::request::Builder, cookie: &str, body: String) -> Answer {
    let request = request.header("cookie", cookie).header("sec-fetch-site", "same-origin");
    let request = request.header("host", "tidegate.example").body(Body::from(body)).unwrap();
    read(router.clone().oneshot(request).await.unwrap()).await
}

async fn read(response: axum::response::Response) -> Answer {
    let status = response.status().as_u16();
    let location = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    let location = location.unwrap_or_default();
    let tag = response.headers().get("etag").map(|tag| tag.to_str().unwrap().trim_matches('"').to_owned());
    let tag = tag.unwrap_or_default();
    let bytes = to_bytes(response.into_body(), 10 << 20).await.unwrap();
    let text = String::from_utf8(bytes.into()).unwrap();
    Answer { status, location, tag, text: text.replace("&#39;", "'").replace("&#34;", "\"") }
}

impl Answer {
    /// Whether it has these words, but for the capital with which a page begins a sentence.
    pub fn says(&self, message: &str) -> bool {
        self.text.contains(message) || self.text.contains(&sentence(message))
    }

    /// Whether it names this field as the one that does not fit.
    pub fn names(&self, field: &str) -> bool {
        let id = field.replace('/', "-");
        [
            format!("\"pointer\":\"/{field}\""),
            format!("id=\"{id}-problem\""),
            format!("<a href=\"#{id}\">"),
            format!("<a href=\"#{field}\">"),
            // One of several forms of a page, by its number.
            format!("<a href=\"#{id}-1\">"),
        ]
        .iter()
        .any(|mark| self.text.contains(mark))
    }

    /// The reason in a problem's words; all of a page.
    pub fn detail(&self) -> String {
        let problem: Value = serde_json::from_str(&self.text).unwrap_or_default();
        problem["detail"].as_str().unwrap_or(&self.text).to_owned()
    }
}

impl fmt::Display for Answer {
    /// The status, and the text from where it says what is wrong.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = ["role=\"alert\"", "<h1>"].iter().find_map(|mark| self.text.find(mark)).unwrap_or(0);
        write!(out, "{} {:.500}", self.status, &self.text[from..])
    }
}

async fn signed_in(app: &App, role: Role) -> String {
    let email = format!("{}@example.com", role.to_string().replace(' ', "-"));
    let new = NewUser { email: email.clone(), name: "Pat Lee".to_owned(), role, password: Some(PASSWORD.into()) };
    app.access.add_user(new, Timestamp::now()).await.unwrap();
    let signed_in =
        app.access.sign_in(&email, &PASSWORD.into(), Source::unknown().into(), Timestamp::now()).await.unwrap();
    format!("__Host-tidegate={}", signed_in.token.expose_secret())
}

async fn make_client(app: &App) -> ClientId {
    let value = |field: &str, value: &str| (field.to_owned(), Ok(Some(value.to_owned())));
    let values = [value("first_name", "Ayda"), value("last_name", "Khan")];
    let rules = Rules { today: "2026-03-02".parse().unwrap(), forms: &app.connections.address_forms(), is_mobile };
    let client = edit::make(&values, rules).unwrap();
    let id = ClientId(Uuid::now_v7());
    app.store
        .make_client(NewClient { id, client, partner_of: None, digest: [0; 32] }, None, Timestamp::now())
        .await
        .unwrap()
        .unwrap();
    id
}

/// A note of the client that was given up.
async fn accept_note(app: &App, client: ClientId, household: HouseholdId) -> NoteId {
    let (id, now) = (Uuid::now_v7(), Timestamp::now());
    let event = Event {
        event_type: "note.written".to_owned(),
        household_id: household,
        client_id: None,
        occurred_at: now,
        data: json!({"subject": "A", "body": "B"}),
        attachments: Vec::new(),
    };
    let accepted = Note::from(Acceptance {
        id: NoteId(id),
        event_id: EventId(id),
        event_type: event.event_type.clone(),
        event_label: "Note".to_owned(),
        household_id: household,
        connection: "main".parse().unwrap(),
        revision: RevisionId([0; 6]),
        marker: format!("tidegate-{id}"),
        note: FileNote {
            note_type: "File Note".to_owned(),
            note_subtype: None,
            subject: "A".to_owned(),
            body: "B".to_owned(),
            media_type: "text/plain".to_owned(),
            filed_against: vec![ExternalId("7".to_owned())],
        },
        attachments: Vec::new(),
        clients: vec![client],
        accepted_at: now,
    });
    let note = Note { state: NoteState::Dead, due_at: None, ..accepted };
    let new = NewNote { event, note, key: "k".to_owned(), digest: [7; 32], documents: Vec::new() };
    assert!(app.store.accept_note(new).await.unwrap().is_none());
    NoteId(id)
}
