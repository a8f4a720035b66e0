//! The audit log by the API: who may see it, what it shows of what was done, seen and refused, and its chain.

use std::collections::BTreeSet;

use super::book::host_with_a_book;
use super::*;
use crate::audit::routes::{NOTHING_OF_CLIENTS, ROUTES, route};
use crate::audit::tests::new_entries;
use crate::domain::audit::field_name;

/// Asks as somebody who signed in.
async fn get(host: &Host, path: &str, cookie: &str) -> Answer {
    host.send(request(Method::GET, path, &[("cookie", cookie), ("sec-fetch-site", "same-origin")], "")).await
}

#[tokio::test]
async fn what_is_seen_refused_and_exported_is_in_the_log() {
    let host = Host::new();
    let manager = host.signed_in(Role::PracticeManager).await;
    let support = host.signed_in(Role::Support).await;
    for _ in 0..2 {
        get(&host, "/api/v1/households?search=Khan", &manager).await;
    }
    let none = uuid::Uuid::nil();
    assert_eq!(get(&host, &format!("/api/v1/clients/{none}"), &manager).await.status, 404);
    assert_eq!(get(&host, "/api/v1/quarantine", &support).await.status, 403);
    assert_eq!(get(&host, "/api/v1/audit", &support).await.status, 403);
    let log = get(&host, "/api/v1/audit?limit=100", &manager).await;
    assert_eq!(log.status, 200, "{}", log.body);
    let told: Vec<String> = log.body["items"].as_array().unwrap().iter().map(line).collect();
    let has = |line: &str| assert!(told.iter().any(|told| told == line), "{line} is not in {told:#?}");
    has("practice_manager households.list household done 0 rows by search");
    assert_eq!(told.iter().filter(|line| line.contains("households.list")).count(), 1, "a repeat is counted once");
    has("practice_manager clients.view client refused ");
    has("support quarantine.list client refused ");
    has("support audit.view audit refused ");
    assert!(!log.body.to_string().contains("Khan"));
    let one = get(&host, "/api/v1/audit?verb=clients&outcome=refused&actor_kind=person", &manager).await;
    assert_eq!(one.body["items"].as_array().unwrap().len(), 1);

    let exported = get(&host, "/api/v1/audit/export", &manager).await;
    assert_eq!(exported.status, 200);
    let told = get(&host, "/api/v1/audit?verb=audit.export", &manager).await;
    assert_eq!(told.body["items"].as_array().unwrap().len(), 1);

    let verified = get(&host, "/api/v1/audit/verify", &manager).await;
    assert_eq!(verified.body["holds"], true, "{}", verified.body);
    let head = verified.body["head"].as_str().unwrap();
    let again = get(&host, &format!("/api/v1/audit/verify?expect={head}"), &manager).await;
    assert_eq!((&again.body["holds"], &again.body["break"]), (&json!(true), &Value::Null));
    let other = format!("1:{}", "0".repeat(64));
    let differs = get(&host, &format!("/api/v1/audit/verify?expect={other}"), &manager).await;
    assert_eq!((&differs.body["holds"], &differs.body["break"]["kind"]), (&json!(false), &json!("not_expected")));
}

/// An entry in a line.
fn line(entry: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parts =
        [&entry["actor"]["role"], &entry["verb"], &entry["subject"]["kind"], &entry["outcome"], &entry["detail"]];
    parts.map(text).join(" ")
}

#[tokio::test]
async fn a_filter_that_means_nothing_is_refused() {
    let host = Host::new();
    let manager = host.signed_in(Role::PracticeManager).await;
    for query in ["outcome=maybe", "actor_kind=robot", "subject_kind=horse", "since=yesterday", "cursor=x", "limit=0"] {
        let answer = get(&host, &format!("/api/v1/audit?{query}"), &manager).await;
        assert!([400, 422].contains(&answer.status), "{query}: {} {}", answer.status, answer.body);
    }
    for query in ["limit=5", "expect=x"] {
        let path = if query == "limit=5" { "export" } else { "verify" };
        assert_eq!(get(&host, &format!("/api/v1/audit/{path}?{query}"), &manager).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn sign_ins_right_and_wrong_are_in_the_log_and_no_word_of_them() {
    let host = Host::new();
    let manager = host.signed_in(Role::PracticeManager).await;
    let wrong = json!({"email": "practice-manager@example.com", "password": "typed by mistake"});
    let nobody = json!({"email": "my secret password", "password": "x"});
    let json_type = [("content-type", "application/json")];
    for body in [&wrong, &wrong, &nobody] {
        assert_eq!(
            host.send(request(Method::POST, "/api/v1/sessions", &json_type, &body.to_string())).await.status,
            401
        );
    }
    let bearer = ("authorization", "Bearer guessed");
    assert_eq!(host.send(request(Method::GET, "/api/v1/runs", &[bearer], "")).await.status, 401);
    let log = get(&host, "/api/v1/audit?actor_kind=nobody", &manager).await;
    let items = log.body["items"].as_array().unwrap();
    let told: Vec<(&str, bool)> =
        items.iter().map(|entry| (entry["verb"].as_str().unwrap(), entry["subject"]["id"].is_string())).collect();
    let expected = [("tokens.use", false), ("account.sign_in_program", false), ("account.sign_in_program", true)];
    assert_eq!(told, expected, "the account is named where there is one, and a repeat is counted");
    let text = log.body.to_string();
    assert!(!text.contains("secret") && !text.contains("mistake") && !text.contains("guessed"), "{text}");
}

#[tokio::test]
async fn each_call_that_reads_says_what_becomes_of_it_in_the_log() {
    let document = Host::new().send(request(Method::GET, "/api/openapi.json", &[], "")).await.body;
    let paths = document["paths"].as_object().unwrap();
    let reads: Vec<&String> =
        paths.iter().filter(|(_, item)| item.get("get").is_some()).map(|(path, _)| path).collect();
    for path in &reads {
        let is_known = route("GET", path).is_some() != NOTHING_OF_CLIENTS.contains(&path.as_str());
        assert!(is_known, "{path} is to be a row of audit/routes.rs, once");
    }
    for row in ROUTES.iter().filter(|row| row.pattern.starts_with("/api")) {
        assert!(reads.iter().any(|path| *path == row.pattern), "{} is no call any more", row.pattern);
    }
}

/// The entries that a filter finds, each with its verb, kind of subject, detail and reason.
async fn found(host: &Host, query: &str) -> Vec<[String; 4]> {
    let body = host.get(&format!("/api/v1/audit?{query}")).await.body;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = body["items"].as_array().unwrap_or_else(|| panic!("{body}"));
    let parts =
        |entry: &Value| [&entry["verb"], &entry["subject"]["kind"], &entry["detail"], &entry["because"]].map(text);
    items.iter().map(parts).collect()
}

#[tokio::test]
async fn a_change_that_is_refused_before_it_begins_is_found_by_whom_it_is_about() {
    let host = host_with_a_book().await;
    let client = host.get("/api/v1/clients?limit=1").await.body["items"][0].take();
    let (id, household) = (client["id"].as_str().unwrap(), client["household_id"].as_str().unwrap());
    let account = uuid::Uuid::from_u128(7);
    let ask = async |method: Method, path: String, role: Role| {
        let cookie = host.signed_in(role).await;
        let own = [("cookie", &*cookie), ("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
        let answer = host.send(request(method, &format!("/api/v1{path}"), &own, "{}")).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
    };
    ask(Method::PUT, format!("/clients/{id}/legal-hold"), Role::Compliance).await;
    ask(Method::PUT, format!("/households/{household}/access"), Role::Support).await;
    ask(Method::PATCH, format!("/users/{account}"), Role::Adviser).await;
    let told = async |query: String| {
        found(&host, &query).await.into_iter().map(|[verb, kind, detail, _]| [verb, kind, detail]).collect::<Vec<_>>()
    };
    let of_client = ["privacy.hold", "client", "PUT /api/v1/clients/{id}/legal-hold"].map(str::to_owned);
    let of_household = ["household_access.set", "household", "PUT /api/v1/households/{id}/access"].map(str::to_owned);
    let of_account = ["people.change", "account", "PATCH /api/v1/users/{id}"].map(str::to_owned);
    assert_eq!(told(format!("verb=privacy.hold&subject_id={id}")).await, std::slice::from_ref(&of_client));
    assert_eq!(told(format!("outcome=refused&household_id={household}")).await, [of_household, of_client]);
    assert_eq!(told(format!("verb=people&subject_id={account}")).await, [of_account]);
}

#[tokio::test]
async fn a_change_that_does_not_fit_has_an_entry_whoever_sends_it() {
    let host = host_with_a_book().await;
    let cookie = host.signed_in(Role::PracticeManager).await;
    let bearer = format!("Bearer {TOKEN}");
    let (mut seen, mut untold) = (0, Vec::new());
    new_entries(&host.app.audit, &mut seen).await;
    let document = host.send(request(Method::GET, "/api/openapi.json", &[], "")).await.body;
    let is_change = |(method, path): &(Method, String)| {
        // The check of a draft only answers.
        method != Method::GET && !(path.contains("/revisions/") && path.ends_with("/check"))
    };
    for (method, path) in operations(&document).into_iter().filter(is_change) {
        let by_token: &[(&str, &str)] = &[("authorization", &bearer), ("content-type", "application/json")];
        let of_another_site: &[(&str, &str)] = &[("cookie", &cookie), ("content-type", "application/json")];
        let kind_unknown: &[(&str, &str)] = &[("authorization", &bearer), ("content-type", "image/png")];
        for (headers, body) in [(by_token, "{"), (by_token, "[]"), (kind_unknown, "{}"), (of_another_site, "{}")] {
            let answer = host.send(request(method.clone(), &path, headers, body)).await;
            let told = new_entries(&host.app.audit, &mut seen).await;
            if told.is_empty() && answer.status != 401 {
                untold.push(format!("{method} {path} {body} {headers:?}: {}", answer.status));
            }
        }
    }
    assert_eq!(untold, [""; 0]);
}

#[tokio::test]
async fn what_the_role_does_not_allow_is_told_with_the_reason_that_was_answered() {
    let host = host_with_a_book().await;
    let client = host.get("/api/v1/clients?limit=1").await.body["items"][0]["id"].take();
    let client = client.as_str().unwrap();
    for (role, what, verb) in
        [(Role::Compliance, "erasure", "privacy.view"), (Role::Adviser, "export", "clients.export")]
    {
        let cookie = host.signed_in(role).await;
        let answer = get(&host, &format!("/api/v1/clients/{client}/{what}"), &cookie).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        let told = found(&host, &format!("verb={verb}&outcome=refused&subject_id={client}")).await;
        let because = answer.body["detail"].as_str().unwrap();
        assert_eq!(told, [[verb, "client", "", because].map(str::to_owned)]);
    }
}

#[tokio::test]
async fn a_filter_that_no_entry_can_have_is_refused_and_answers_no_empty_log() {
    let host = host_with_a_book().await;
    let backwards = "since=2026-11-30T00:00:00Z&until=2026-11-29T00:00:00Z";
    for path in ["/api/v1/audit", "/api/v1/audit/export"] {
        for (query, expected) in [
            ("verb=client", "`verb` cannot be `client`"),
            ("verb=clients.nonsense", "`verb` cannot be `clients.nonsense`"),
            ("verb=clients.", "`verb` cannot be `clients.`"),
            ("verb=", "`verb` cannot be ``"),
            (backwards, "is not after `since`"),
            ("since=2026-11-30T00:00:00Z&until=2026-11-30T00:00:00Z", "is not after `since`"),
        ] {
            let answer = host.get(&format!("{path}?{query}")).await;
            let detail = answer.body["detail"].as_str().unwrap_or_default();
            assert!(answer.status == 400 && detail.contains(expected), "{path}?{query}: {}", answer.body);
        }
        for query in
            ["verb=clients", "verb=clients.edit", "verb=request", "verb=sync.end", "since=2026-11-30T00:00:00Z"]
        {
            assert_eq!(host.get(&format!("{path}?{query}")).await.status, 200, "{path}?{query}");
        }
    }
}

#[tokio::test]
async fn what_is_seen_of_one_household_is_in_its_log_however_it_was_asked_for() {
    let host = host_with_a_book().await;
    let client = host.get("/api/v1/clients?limit=1").await.body["items"][0].take();
    let (id, household) = (client["id"].as_str().unwrap(), client["household_id"].as_str().unwrap());
    for path in ["goals", "covers", "notes", "documents"] {
        assert_eq!(host.get(&format!("/api/v1/{path}?household_id={household}")).await.status, 200, "{path}");
    }
    assert_eq!(host.get(&format!("/api/v1/goals?client_id={id}")).await.status, 200);
    assert_eq!(host.get("/api/v1/goals").await.status, 200);
    let found = found(&host, &format!("household_id={household}")).await;
    let mut verbs: Vec<&str> = found.iter().map(|[verb, ..]| verb.as_str()).collect();
    verbs.sort_unstable();
    assert_eq!(verbs, ["covers.list", "documents.list", "goals.list", "goals.list", "notes.list"]);
}

/// The names of properties anywhere in a schema, those of the schemas that it names too.
fn names_in(schema: &Value, document: &Value, names: &mut BTreeSet<String>, seen: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    ("$ref", Value::String(to)) if seen.insert(to.clone()) => {
                        let to = document.pointer(to.trim_start_matches('#')).unwrap();
                        names_in(to, document, names, seen);
                    }
                    ("properties", Value::Object(properties)) => names.extend(properties.keys().cloned()),
                    _ => {}
                }
                names_in(value, document, names, seen);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names_in(item, document, names, seen)),
        _ => {}
    }
}

#[tokio::test]
async fn the_log_knows_the_names_that_calls_have_and_no_other() {
    let document = Host::new().send(request(Method::GET, "/api/openapi.json", &[], "")).await.body;
    let (mut names, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let calls = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    for call in calls {
        names_in(&call["requestBody"], &document, &mut names, &mut seen);
        let parameters = call["parameters"].as_array().into_iter().flatten();
        let asked = parameters.filter(|parameter| parameter["in"] == "query");
        names.extend(asked.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned)));
    }
    assert!(names.len() > 90, "{names:?}");
    let unknown: Vec<&String> = names.iter().filter(|name| field_name(name) != **name).collect();
    assert_eq!(unknown, [""; 0], "are to be in domain/src/audit/names.rs");
}
