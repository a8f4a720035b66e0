//! Each verb refuses the same mistake by the page's form and by the API: with the same status, at the same field, in the
//! same words; and who may not is refused before anything else, by both.

mod access_walk;
pub(crate) mod host;
mod made;
mod people;
mod refusals;
mod second_factor;
mod shared_access;
mod table;

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::Method;
use serde_json::json;

use self::host::{Answer, Host};
use self::table::{Expected, Row};
use crate::connection::for_tests::with_shipped_events;
use crate::domain::access::{Actor, Role, Who};
use crate::domain::audit::Entry;
use crate::ops::revisions::stage_draft;
use crate::store::audit::AuditFilter;
use crate::store::page::PageRequest;

#[tokio::test]
async fn a_mistake_is_refused_alike_by_page_and_api() {
    let host = Host::new().await;
    refused_alike(&host, table::rows(&host)).await;
}

#[tokio::test]
async fn an_event_that_does_not_fit_its_pack_is_refused_alike_by_page_and_api() {
    let host = Host::with(vec![with_shipped_events()]).await;
    refused_alike(&host, table::events(&host)).await;
}

async fn refused_alike(host: &Host, rows: Vec<Row>) {
    let mut differ = Vec::new();
    for row in rows {
        let Some(Expected { status, field, message }) = &row.expected else { continue };
        for (way, answer) in both(host, &row, &host.manager).await {
            let is_named = field.is_none_or(|field| answer.names(field));
            if answer.status != *status || !answer.says(message) || !is_named {
                differ.push(format!("{} by the {way}: {status} {field:?} {message:?} is not {answer}", row.verb));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}

#[tokio::test]
async fn who_may_not_is_refused_alike_by_page_and_api() {
    let host = Host::new().await;
    let mut differ = Vec::new();
    for row in table::rows(&host).into_iter().filter(|row| row.needs_role) {
        let answers = both(&host, &row, &host.support).await;
        let message = &answers.last().map(|(_, answer)| answer.detail()).unwrap_or_default();
        for (way, answer) in &answers {
            // What is of a household that somebody does not see is not there for them.
            let is_refused = match IN_A_HOUSEHOLD.contains(&row.verb) {
                true => [404, 422].contains(&answer.status) && !answer.text.contains("Ayda"),
                false => answer.status == 403 && message.contains("practice manager") && answer.says(message),
            };
            if !is_refused {
                differ.push(format!("{} by the {way}: 403 {message:?} is not {answer}", row.verb));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}

/// The verbs that staff have in the households that they see.
const IN_A_HOUSEHOLD: [&str; 10] = [
    "clients::edit",
    "clients::remove",
    "clients::restore",
    "goals::change",
    "notes::accept",
    "notes::export",
    "notes::retry",
    "notes::edit",
    "notes::resolve",
    "notes::discard",
];

#[tokio::test]
async fn every_verb_is_in_the_table() {
    let host = Host::new().await;
    let rows: BTreeSet<String> = table::rows(&host).into_iter().map(|row| row.verb.to_owned()).collect();
    assert_eq!(rows, verbs(), "each public function of `ops` is a row of tests/table.rs, and nothing else is");
}

#[tokio::test]
async fn every_verb_has_its_entry_in_the_audit_log() {
    let host = Host::new().await;
    let mut manager = host.manager.clone();
    for row in table::rows(&host) {
        both(&host, &row, &manager).await;
        if row.verb.starts_with("account::") {
            manager = host.manager_again().await;
        }
    }
    // A site's way back is no form, and a draft that is not there is not kept before it would be staged.
    host.open("/oauth/callback?state=guessed&code=guessed", &manager).await;
    host.open("/sign-in/openid/callback?state=guessed&code=guessed", &manager).await;
    let operator = Actor::of_the_practice(Who::Operator, "a test");
    let staged = stage_draft(&host.app, &operator, &"main".parse().unwrap(), uuid::Uuid::nil()).await;
    assert!(staged.is_err());
    let entries = audit_log(&host).await;
    let told: BTreeSet<String> = entries.iter().map(|entry| entry.act.verb.replace('.', "::")).collect();
    let missing: Vec<String> = verbs().difference(&told).cloned().collect();
    assert_eq!(missing, [""; 0], "each public function of `ops` does its work inside `audited`");
    for entry in entries {
        let text = format!("{entry:?}");
        for personal in ["Ayda", "Khan", "Sam", "sam@", "pat@example", "correct", "qwerty", "guessed"] {
            assert!(!text.contains(personal), "{personal} is in {text}");
        }
    }
}

#[tokio::test]
async fn who_may_not_is_in_the_audit_log_with_the_reason() {
    // One account is refused so many different things a minute; the rest is counted.
    const PARTS: usize = 3;
    let (mut missing, mut places) = (Vec::new(), BTreeSet::new());
    for part in 0..PARTS {
        let host = Host::new().await;
        let rows = table::rows(&host).into_iter().filter(|row| row.needs_role).enumerate();
        for (_, row) in rows.filter(|(number, _)| number % PARTS == part) {
            both(&host, &row, &host.support).await;
            // A draft that is not there is not staged, and its address is that of keeping one.
            let verb = match row.verb {
                "revisions::stage_draft" => "revisions.keep_draft".to_owned(),
                verb => verb.replace("::", "."),
            };
            let is_told = audit_log(&host).await.iter().any(|entry| {
                let act = &entry.act;
                act.verb == verb
                    && act.by.role == Some(Role::Support)
                    && act.outcome.as_str() == "refused"
                    // What is of a household that they do not see is not there for them.
                    && (IN_A_HOUSEHOLD.contains(&row.verb)
                        || act.outcome.because().is_some_and(|because| because.contains("practice manager")))
            });
            if !is_told {
                missing.push(verb);
            }
        }
        for entry in audit_log(&host).await {
            assert_ne!(entry.act.verb, "request", "{entry:?}");
            places.insert(entry.act.detail);
        }
    }
    assert_eq!(missing, [""; 0]);
    assert!(places.contains("PATCH /api/v1/households/{id}"), "{places:?}");
}

#[tokio::test]
async fn what_does_not_fit_is_in_the_audit_log_as_an_attempt_at_its_verb() {
    let host = Host::new().await;
    for (method, path, body) in [
        (Method::PUT, format!("/households/{}/access", host.household), json!({"primary": 7})),
        (Method::POST, "/users".to_owned(), json!(["pat@example.com"])),
        (Method::PATCH, format!("/clients/{}", host.client), json!({"first_name": {"Sam": 1}})),
    ] {
        let answer = host.call(&method, &path, &body, &host.manager).await;
        assert!((400..500).contains(&answer.status), "{answer}");
    }
    let entries = audit_log(&host).await;
    let told = |verb: &str| entries.iter().find(|entry| entry.act.verb == verb).map(|entry| &entry.act);
    for (verb, kind, detail) in [
        ("household_access.set", "household", "PUT /api/v1/households/{id}/access"),
        ("people.add", "request", "POST /api/v1/users"),
        ("clients.edit", "client", "first_name"),
    ] {
        let act = told(verb).unwrap_or_else(|| panic!("no {verb} in {entries:?}"));
        assert_eq!((act.outcome.as_str(), act.subject.kind, act.detail.as_str()), ("refused", kind, detail));
        assert!(!format!("{act:?}").contains("Sam") && !format!("{act:?}").contains("pat@"), "{act:?}");
    }
}

#[tokio::test]
async fn a_change_is_told_with_who_from_where_and_to_what() {
    let host = Host::new().await;
    let path = format!("/households/{}/clients/{}/edit", host.household, host.client);
    let changed = host.submit(&path, "preferred_name=Ay&mobile=%2B61491570156", &host.manager).await;
    assert!(changed.status < 400, "{changed}");
    let entries = audit_log(&host).await;
    let entry = entries.iter().find(|entry| entry.act.verb == "clients.edit").unwrap();
    let act = &entry.act;
    assert_eq!((act.by.id, &*act.by.name), (Some(host.manager_id.0), "Pat Lee"));
    assert_eq!((act.subject.kind, &act.subject.id), ("client", &host.client.to_string()));
    assert_eq!((act.household, act.outcome.as_str()), (Some(host.household), "done"));
    assert!(act.detail.contains("mobile") && !act.detail.contains("491"), "{}", act.detail);
    assert_eq!(act.source, "unknown");
}

/// The newest entries of the audit log.
async fn audit_log(host: &Host) -> Vec<Entry> {
    let page = PageRequest { cursor: None, limit: 500 };
    host.app.store.audit(AuditFilter::default(), page).await.unwrap().items
}

/// The answers of the page and the API, those of them that have the verb.
async fn both(host: &Host, row: &Row, cookie: &str) -> Vec<(&'static str, Answer)> {
    let mut answers = Vec::new();
    if let Some((path, form)) = &row.form {
        answers.push(("page", host.submit(path, form, cookie).await));
    }
    if let Some((method, path, body)) = &row.api {
        answers.push(("API", host.call(method, path, body, cookie).await));
    }
    assert!(!answers.is_empty(), "{} is reached by no way", row.verb);
    answers
}

/// The public functions of the files of this module: `notes::retry`.
pub(crate) fn verbs() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.is_file() && !path.ends_with("refusal.rs") && !path.ends_with("tests.rs"));
    let in_file = |path: std::path::PathBuf| -> Vec<String> {
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let names = text.lines().filter_map(|line| {
            let rest = line.strip_prefix("pub async fn ").or_else(|| line.strip_prefix("pub fn "))?;
            rest.split(['(', '<']).next()
        });
        names.map(|name| format!("{module}::{name}")).collect()
    };
    files.flat_map(in_file).collect()
}
