//! The OpenAPI document: what it lists, and that it holds together.

use std::collections::BTreeSet;

use super::*;
use crate::connection::for_tests::with_shipped_events;

async fn document() -> Value {
    let host = Host::new();
    let answer = host.send(request(Method::GET, "/api/openapi.json", &[], "")).await;
    assert_eq!(answer.status, 200);
    answer.body
}

#[tokio::test]
async fn what_it_lists() {
    let document = document().await;
    let mut lines = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let parameters: Vec<_> = parameters.iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect();
            let responses = names(&operation["responses"]);
            lines.push(format!("{method} {path} ({}) {responses}", parameters.join(", ")));
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    get /api/v1/advisers (limit, cursor) 200 default
    get /api/v1/audit (actor_id, actor_kind, verb, subject_kind, subject_id, household_id, outcome, since, until, limit, cursor) 200 default
    get /api/v1/audit/export (actor_id, actor_kind, verb, subject_kind, subject_id, household_id, outcome, since, until) 200 default
    get /api/v1/audit/verify (expect) 200 default
    get /api/v1/backups (limit, cursor) 200 default
    post /api/v1/backups () 201 default
    get /api/v1/backups/settings () 200 default
    get /api/v1/clients (external_id, connection, household_id, search, visibility, diagnostic, limit, cursor) 200 default
    post /api/v1/clients () 200 201 default
    delete /api/v1/clients/{id} (id) 204 default
    get /api/v1/clients/{id} (id) 200 default
    patch /api/v1/clients/{id} (id) 200 default
    post /api/v1/clients/{id}/erase (id) 200 default
    get /api/v1/clients/{id}/erasure (id) 200 default
    get /api/v1/clients/{id}/explain (id, kind, field) 200 default
    get /api/v1/clients/{id}/export (id) 200 default
    get /api/v1/clients/{id}/extensions (id, limit, cursor) 200 default
    get /api/v1/clients/{id}/households (id, limit, cursor) 200 default
    delete /api/v1/clients/{id}/legal-hold (id) 204 default
    put /api/v1/clients/{id}/legal-hold (id) 200 default
    post /api/v1/clients/{id}/link (id) 200 default
    post /api/v1/clients/{id}/restore (id) 200 default
    post /api/v1/clients/{id}/sync (id) 200 default
    post /api/v1/clients/{id}/unlink (id) 200 default
    get /api/v1/connections (limit, cursor) 200 default
    post /api/v1/connections () 201 default
    delete /api/v1/connections/{name} (name) 204 default
    get /api/v1/connections/{name} (name) 200 default
    patch /api/v1/connections/{name} (name) 200 default
    post /api/v1/connections/{name}/activate (name) 200 default
    delete /api/v1/connections/{name}/advisers/{external_id}/account (name, external_id) 200 default
    put /api/v1/connections/{name}/advisers/{external_id}/account (name, external_id) 200 default
    post /api/v1/connections/{name}/apart (name) 200 default
    post /api/v1/connections/{name}/authorize (name) 200 default
    post /api/v1/connections/{name}/check (name) 200 default
    post /api/v1/connections/{name}/clients/{external_id}/erase (name, external_id) 200 default
    get /api/v1/connections/{name}/clients/{external_id}/erasure (name, external_id) 200 default
    post /api/v1/connections/{name}/clients/{external_id}/sync (name, external_id) 200 default
    get /api/v1/connections/{name}/departures (name, kind) 200 default
    post /api/v1/connections/{name}/departures/confirm (name, kind, run_id) 200 default
    post /api/v1/connections/{name}/departures/dismiss (name, kind, run_id) 200 default
    post /api/v1/connections/{name}/preflight (name) 200 default
    get /api/v1/connections/{name}/revisions (name, limit, cursor) 200 default
    post /api/v1/connections/{name}/rollback (name) 200 default
    post /api/v1/connections/{name}/same-site (name) 200 default
    post /api/v1/connections/{name}/sync (name, dry_run) 202 default
    get /api/v1/covers (client_id, household_id, limit, cursor) 200 default
    get /api/v1/covers/{id} (id) 200 default
    get /api/v1/default-primary () 200 default
    put /api/v1/default-primary () 200 default
    get /api/v1/documents (household_id, client_id, document_id, limit, cursor) 200 default
    post /api/v1/documents () 201 default
    get /api/v1/documents/{id} (id) 200 default
    get /api/v1/emergency-access (unreviewed, limit, cursor) 200 default
    post /api/v1/emergency-access () 201 default
    post /api/v1/emergency-access/{id}/end (id) 200 default
    post /api/v1/emergency-access/{id}/review (id) 200 default
    post /api/v1/events (Idempotency-Key) 200 201 default
    get /api/v1/events/types (connection, limit, cursor) 200 default
    get /api/v1/goals (client_id, household_id, limit, cursor) 200 default
    get /api/v1/goals/{id} (id) 200 default
    patch /api/v1/goals/{id} (id) 200 default
    get /api/v1/households (search, sort, limit, cursor) 200 default
    get /api/v1/households/{id} (id) 200 default
    patch /api/v1/households/{id} (id) 200 default
    get /api/v1/households/{id}/access (id) 200 default
    put /api/v1/households/{id}/access (id, If-Match) 200 default
    get /api/v1/households/{id}/access/explain (id, user_id) 200 default
    get /api/v1/households/{id}/document (id, document) 200 default
    delete /api/v1/households/{id}/legal-hold (id) 204 default
    put /api/v1/households/{id}/legal-hold (id) 200 default
    get /api/v1/imports (limit, cursor) 200 default
    post /api/v1/imports (connection, file_name, sheet) 201 default
    delete /api/v1/imports/{id} (id) 204 default
    get /api/v1/imports/{id} (id) 200 default
    post /api/v1/imports/{id}/apply (id) 200 default
    get /api/v1/imports/{id}/rows (id, status, limit, cursor) 200 default
    get /api/v1/imports/{id}/rows.csv (id, status) 200 default
    post /api/v1/imports/{id}/rows/{number}/decision (id, number) 200 default
    get /api/v1/incoming (connection, limit, cursor) 200 default
    get /api/v1/notes (state, stage, connection, event_type, household_id, client_id, document_id, twice, missing, limit, cursor) 200 default
    post /api/v1/notes/retry () 202 default
    get /api/v1/notes/{id} (id) 200 default
    post /api/v1/notes/{id}/discard (id) 202 default
    post /api/v1/notes/{id}/edit (id) 202 default
    post /api/v1/notes/{id}/resolve (id) 202 default
    post /api/v1/notes/{id}/retry (id) 202 default
    get /api/v1/previews (connection, limit, cursor) 200 default
    get /api/v1/previews/{id} (id) 200 default
    post /api/v1/previews/{id}/cancel (id) 202 default
    get /api/v1/previews/{id}/differences (id, kind, field, diagnostic, becomes, limit, cursor) 200 default
    get /api/v1/previews/{id}/file (id) 200 default
    get /api/v1/previews/{id}/notes (id, limit, cursor) 200 default
    get /api/v1/previews/{id}/notes/{note}/document (id, note) 200 default
    get /api/v1/privacy/due (years, limit, cursor) 200 default
    get /api/v1/privacy/erasures (limit, cursor) 200 default
    post /api/v1/privacy/erasures/{number}/lift (number) 200 default
    get /api/v1/privacy/holds (limit, cursor) 200 default
    get /api/v1/privacy/register () 200 default
    get /api/v1/quarantine (run_id, limit, cursor) 200 default
    get /api/v1/quarantine/fixture (connection, kind, external_id) 200 default
    get /api/v1/review (state, limit, cursor) 200 default
    post /api/v1/review/{id}/decision (id) 200 default
    post /api/v1/revisions (connection) 200 422 default
    delete /api/v1/revisions/{id} (id, connection) 204 default
    post /api/v1/revisions/{id}/check (id, connection) 200 default
    post /api/v1/revisions/{id}/edit (id, connection) 200 422 default
    get /api/v1/revisions/{id}/files (id, connection, limit, cursor) 200 default
    get /api/v1/revisions/{id}/files/{path} (id, path, connection) 200 default
    post /api/v1/revisions/{id}/preview (id, connection, Prefer) 200 202 default
    get /api/v1/runs (connection, limit, cursor) 200 default
    get /api/v1/runs/{id} (id) 200 default
    post /api/v1/runs/{id}/cancel (id) 202 default
    get /api/v1/runs/{id}/changes (id, kind, limit, cursor) 200 default
    get /api/v1/runs/{id}/events (id, Last-Event-ID) 200 204 default
    get /api/v1/sessions (user_id, limit, cursor) 200 default
    post /api/v1/sessions () 201 default
    delete /api/v1/sessions/{id} (id) 204 default
    get /api/v1/teams (limit, cursor) 200 default
    post /api/v1/teams () 201 default
    delete /api/v1/teams/{id} (id) 204 default
    put /api/v1/teams/{id} (id, If-Match) 200 default
    get /api/v1/tokens (limit, cursor) 200 default
    post /api/v1/tokens () 201 default
    delete /api/v1/tokens/{id} (id) 204 default
    get /api/v1/troubleshoot (search) 200 default
    get /api/v1/users (email, limit, cursor) 200 default
    post /api/v1/users () 201 default
    get /api/v1/users/{id} (id) 200 default
    patch /api/v1/users/{id} (id) 200 default
    post /api/v1/users/{id}/hand-over (id, If-Match) 200 default
    get /api/v1/users/{id}/households (id, limit, cursor) 200 default
    post /api/v1/users/{id}/reset (id) 200 default
    post /api/v1/users/{id}/reset-second-factor (id) 200 default
    post /api/v1/users/{id}/unlink (id) 200 default
    get /healthz () 200 default
    get /readyz () 200 default
    ");
}

#[tokio::test]
async fn it_holds_together() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{place} has no id"));
            assert!(ids.insert(id.to_owned()), "{place} has the id of another: {id}");
            assert!(operation["summary"].is_string(), "{place} has no summary");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.contains_key("default"), "{place} does not say how it fails");
            assert!(responses.values().all(|response| response["description"].is_string()), "{place}: {responses:?}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path: Vec<_> = parameters.iter().filter(|p| p["in"] == "path").collect();
            assert_eq!(in_path.len(), path.matches('{').count(), "{place} and its path parameters");
            for parameter in &in_path {
                assert!(path.contains(&format!("{{{}}}", parameter["name"].as_str().unwrap())), "{place}");
            }
            let is_open = !path.starts_with("/api/v1/");
            assert_eq!(operation["security"].is_null(), is_open, "{place} and who may call it");
        }
    }
    let mut references = BTreeSet::new();
    collect_references(&document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads out of the document"));
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect_references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect_references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|value| collect_references(value, into)),
        _ => {}
    }
}

/// The document promises what the answers hold: each property of an answer is in its schema, and each that the schema
/// requires is in the answer.
#[tokio::test]
async fn a_run_is_what_the_document_says() {
    let document = document().await;
    let schema = &document["components"]["schemas"]["Run"];
    let run = serde_json::to_value(runs::RunBody::from(example_run(RunState::Done))).unwrap();
    let promised: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().collect();
    let required: BTreeSet<_> =
        schema["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let answered: BTreeSet<_> = run.as_object().unwrap().keys().collect();
    assert_eq!(answered, promised);
    assert_eq!(required, answered.iter().map(|name| name.as_str()).collect());
}

/// Each type of event that the packs in force take has its shape in the document, with an example of that shape.
#[tokio::test]
async fn every_type_of_event_is_described() {
    let host = Host::new();
    host.app.connections.put(with_shipped_events());
    let document = host.get("/api/openapi.json").await.body;
    let schemas = &document["components"]["schemas"];
    let choices = schemas["Event"]["oneOf"].as_array().unwrap();
    assert_eq!(choices.len(), 6);
    for (event_type, reference) in schemas["Event"]["discriminator"]["mapping"].as_object().unwrap() {
        let schema = document.pointer(reference.as_str().unwrap().trim_start_matches('#')).unwrap();
        assert_eq!(schema["properties"]["type"]["const"], event_type.as_str());
        assert_eq!(schema["examples"][0]["type"], event_type.as_str());
        let has_documents = schema["properties"]["attachments"].is_object();
        assert_eq!(has_documents, event_type.ends_with("exported") || event_type == "note.written", "{event_type}");
    }
    let survey = &schemas["Event.your-life-survey.completed"]["properties"]["data"];
    assert_eq!(survey["properties"]["score"]["maximum"], 100);
    assert!(!survey.to_string().contains("x-form"), "how forms ask for it is no part of a schema");
    let parameters = &document["paths"]["/api/v1/households/{id}/document"]["get"]["parameters"];
    let named = parameters.as_array().unwrap().iter().find(|one| one["name"] == "document").unwrap();
    assert_eq!(named["schema"]["enum"], json!(["best-life-plan", "investment-preferences"]));
}

/// The document is that of the packs in force when it is asked for; a copy of it is told by its tag from the next.
#[tokio::test]
async fn the_document_is_of_the_packs_in_force() {
    let host = Host::new();
    let ask =
        async |known: &str| host.send(request(Method::GET, "/api/openapi.json", &[("if-none-match", known)], "")).await;
    let before = ask("").await;
    assert!(before.body["components"]["schemas"]["Event"]["properties"]["data"].is_object(), "an event of any type");
    let tag = before.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!((ask(&tag).await.status, ask(&format!("\"x\", W/{tag}")).await.status), (304, 304));
    assert_eq!(before.headers["cache-control"], "no-cache");

    host.app.connections.put(with_shipped_events());
    let after = ask(&tag).await;
    assert_eq!(
        (after.status, after.body["components"]["schemas"]["Event"]["oneOf"].as_array().unwrap().len()),
        (200, 6)
    );
    host.app.connections.remove(&with_shipped_events().name);
    let again = ask("").await;
    assert_eq!((again.headers["etag"].to_str().unwrap(), &again.body), (tag.as_str(), &before.body));
}

/// What the packs in force take is listed a page at a time, by connection.
#[tokio::test]
async fn types_of_events_are_listed() {
    let host = Host::new();
    let listed = async |query: &str| host.get(&format!("/api/v1/events/types{query}")).await;
    assert_eq!(listed("").await.body, json!({"items": [], "next": null}));
    let one = with_shipped_events();
    let name = one.name.clone();
    host.app.connections.put(one);
    let all = listed("").await.body;
    assert_eq!(all["items"].as_array().unwrap().len(), 6);
    let first = &all["items"][0];
    assert_eq!((&first["connection"], &first["type"]), (&json!(name), &json!("your-life-survey.completed")));
    assert_eq!(first["schema"]["x-form"]["order"], json!(["score", "goals", "dimensions"]));
    assert_eq!(all["items"][3]["document"], json!({"name": "best-life-plan", "title": "Best Life Plan"}));
    let page = listed("?limit=4").await.body;
    let rest = listed(&format!("?limit=4&cursor={}", page["next"].as_str().unwrap())).await.body;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (2, &Value::Null));
    assert_eq!(listed("?connection=elsewhere").await.body["items"], json!([]));
}

/// A member that the document says is needed in a body is missed at its place, though null may be allowed there.
#[tokio::test]
async fn what_a_body_needs_is_missed_where_it_is_left_out() {
    let host = Host::new();
    let document = document().await;
    let resolved = |schema: &Value| match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap().clone(),
        None => schema.clone(),
    };
    let example = |schema: &Value| match () {
        () if !schema["enum"].is_null() => schema["enum"][0].clone(),
        () if !schema["const"].is_null() => schema["const"].clone(),
        () if schema["format"] == "uuid" => json!(uuid::Uuid::nil()),
        () if schema["format"] == "date-time" => json!("2026-03-02T01:30:00Z"),
        () if schema["type"] == "array" => json!([]),
        () => json!("main"),
    };
    let mut seen = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let body = resolved(&operation["requestBody"]["content"]["application/json"]["schema"]);
            let choices = body["oneOf"].as_array().cloned().unwrap_or_else(|| vec![body]);
            for schema in choices.iter().map(resolved) {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                let required: Vec<&str> = required.iter().map(|name| name.as_str().unwrap()).collect();
                for left_out in &required {
                    let given = required.iter().filter(|name| *name != left_out);
                    let given = given.map(|name| ((*name).to_owned(), example(&schema["properties"][*name])));
                    let given = Value::Object(given.collect());
                    let filled = path.replace("{id}", &uuid::Uuid::nil().to_string()).replace("{name}", "main");
                    let filled = filled.replace("{number}", "2");
                    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
                    let query = parameters.iter().filter(|one| one["in"] == "query" && one["required"] == true);
                    let query: Vec<String> =
                        query.map(|one| format!("{}=main", one["name"].as_str().unwrap_or_default())).collect();
                    let filled = format!("{filled}?{}", query.join("&"));
                    let authorization = format!("Bearer {TOKEN}");
                    let headers = [
                        ("authorization", &*authorization),
                        ("content-type", "application/json"),
                        ("idempotency-key", "k1"),
                    ];
                    let method = method.to_uppercase().parse().unwrap();
                    let answer = host.send(request(method, &filled, &headers, &given.to_string())).await;
                    let pointers = answer.body["errors"].as_array().cloned().unwrap_or_default();
                    let is_named = pointers.iter().any(|error| error["pointer"] == format!("/{left_out}"));
                    let place = format!("{path} {given} without {left_out}: {}", answer.body);
                    assert!(answer.status == 422 && is_named, "{place}");
                    seen.push(format!("{path} {left_out}"));
                }
            }
        }
    }
    assert!(seen.iter().any(|place| place == "/api/v1/notes/{id}/resolve document_id"), "{seen:?}");
}
