//! The table: each verb with a mistake, by the page's form and by the API, and the refusal that both answer.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::host::Host;

/// A mistake.
pub struct Row {
    pub verb: &'static str,
    /// The page's path and form; none where no page has the verb.
    pub form: Option<(String, String)>,
    /// The API's method, path and body; none where the API has no such verb.
    pub api: Option<(Method, String, Value)>,
    /// None where a role is all that can be refused.
    pub expected: Option<Expected>,
    /// Whether it is asked who acts.
    pub needs_role: bool,
}

/// What both answer.
pub struct Expected {
    pub status: u16,
    /// The field that does not fit, by the API's name.
    pub field: Option<&'static str>,
    pub words: String,
}

/// A row that both have.
fn row(verb: &'static str, form: (String, &str), api: (Method, String, Value)) -> Row {
    let form = (form.0, form.1.to_owned());
    Row { verb, form: Some(form), api: Some(api), expected: None, needs_role: true }
}

impl Row {
    /// Refused for what is sent: at a field, in these words.
    fn at(self, status: u16, field: &'static str, words: &str) -> Self {
        Self { expected: Some(Expected { status, field: Some(field), words: words.to_owned() }), ..self }
    }

    /// Refused as a whole.
    fn with(self, status: u16, words: &str) -> Self {
        Self { expected: Some(Expected { status, field: None, words: words.to_owned() }), ..self }
    }
}

fn post(path: impl Into<String>, body: Value) -> (Method, String, Value) {
    (Method::POST, path.into(), body)
}

/// All rows.
pub fn rows(host: &Host) -> Vec<Row> {
    [notes(host)].into_iter().flatten().collect()
}

fn notes(host: &Host) -> Vec<Row> {
    let (household, note, none) = (host.household, host.note, Uuid::nil());
    let event = |event_type: &str, data: Value| json!({"type": event_type, "household_id": household, "occurred_at": "2026-03-02T01:30:00Z", "data": data});
    let record = format!("/households/{household}/record/note.written");
    let removed = "the household's connection `practice` was removed or disabled; nothing was kept";
    let given_up = |verb: &str, body: Value| post(format!("/notes/{note}/{verb}"), body);
    vec![
        row(
            "notes::accept",
            (record.clone(), "key=a&occurred=2026-03-02T12:30&subject=&body=B"),
            post("/events", event("note.written", json!({"subject": "", "body": "B"}))),
        )
        .at(422, "data/subject", "must not be empty"),
        row(
            "notes::accept",
            (record, "key=b&occurred=2026-03-02T12:30&subject=A&body=B"),
            post("/events", event("note.written", json!({"subject": "A", "body": "B"}))),
        )
        .with(409, removed),
        row(
            "notes::export",
            (format!("/households/{household}/export"), "document=best-life-plan&key=c"),
            post("/events", event("best-life-plan.exported", json!({}))),
        )
        .with(409, removed),
        row("notes::retry", (format!("/notes/{none}/retry"), ""), post(format!("/notes/{none}/retry"), Value::Null))
            .with(404, &format!("There is no note {none}.")),
        row("notes::retry_all", ("/notes/retry".to_owned(), "state=dead"), post("/notes/retry", json!({}))),
        row(
            "notes::edit",
            (format!("/notes/{note}/edit"), "subject=+&body=B"),
            given_up("edit", json!({"subject": " "})),
        )
        .at(422, "subject", "must have at least 1 character"),
        row(
            "notes::resolve",
            (format!("/notes/{note}/resolve"), "found=there&document_id=a+b"),
            given_up("resolve", json!({"document_id": "a b"})),
        )
        .with(422, "must be the CRM's id of the note: digits, letters and hyphens"),
        row(
            "notes::resolve",
            (format!("/notes/{note}/resolve"), "found=not_there"),
            given_up("resolve", json!({"document_id": null})),
        )
        .with(409, "whether this note is in the CRM is not in question"),
        row(
            "notes::discard",
            (format!("/notes/{note}/discard"), "reason=+"),
            given_up("discard", json!({"reason": " "})),
        )
        .at(422, "reason", "must have at least 1 character"),
    ]
}
