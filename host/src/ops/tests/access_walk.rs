//! Every operation of the JSON interface and every page, as each role, against a household that it may not see: it is not
//! there, and neither is anything of it.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::host::{Answer, Host};
use crate::domain::access::Role;

/// The roles that work in the households that they are given.
const STAFF: [Role; 4] = [Role::Adviser, Role::Associate, Role::Paraplanner, Role::Support];

/// What must not be seen: names, and what has an id of its own.
fn secrets(host: &Host) -> Vec<String> {
    let ids = [host.client.to_string(), host.household.to_string(), host.note.to_string()];
    ["Ayda", "Khan"].map(str::to_owned).into_iter().chain(ids).collect()
}

/// An address with its places filled by what is there.
fn filled(host: &Host, path: &str) -> String {
    let of = |path: &str| {
        let below = path.strip_prefix("/settings/privacy").unwrap_or(path);
        let id = match below.split('/').nth(1).unwrap_or_default() {
            "clients" => host.client.to_string(),
            "households" => host.household.to_string(),
            "notes" => host.note.to_string(),
            "documents" => "0".repeat(64),
            _ => Uuid::nil().to_string(),
        };
        path.replace("{id}", &id)
    };
    of(path.trim_start_matches("/api/v1"))
        .replace("{client}", &host.client.to_string())
        .replace("{user}", &host.manager_id.to_string())
        .replace("{name}", "main")
        .replace("{type}", "note.written")
        .replace("{number}", "1")
        .replace("{document_id}", "7")
        .replace("{*file}", "titles.toml")
        .replace("{file}", "titles.toml")
        .replace("{token}", "none")
        .replace("{session}", &Uuid::nil().to_string())
        .replace("{revision}", "0123456789ab")
        .replace("{external_id}", "7")
        .replace("{connection}", "main")
}

/// Fails where an answer says something of the household beyond what the address itself says.
fn hides(host: &Host, who: &str, asked: &str, answer: &Answer) {
    for secret in secrets(host) {
        let is_told =
            [&answer.text, &answer.location].iter().any(|text| text.contains(&secret)) && !asked.contains(&secret);
        assert!(!is_told, "{who} {asked} tells {secret}: {answer}");
    }
}

/// The same, of somebody who is not there.
fn of_nobody(host: &Host, text: &str) -> String {
    let ids = [host.client.to_string(), host.household.to_string(), host.note.to_string()];
    (1..).zip(ids).fold(text.to_owned(), |text, (number, id)| text.replace(&id, &Uuid::from_u128(number).to_string()))
}

/// Fails where an answer is another than it is of who is not there: that somebody is could be told from it.
fn is_as_of_nobody(host: &Host, who: &str, asked: &str, answer: &Answer, of_none: &Answer) {
    let told = (answer.status, of_nobody(host, &answer.location), of_nobody(host, &answer.text));
    let expected = (of_none.status, of_none.location.clone(), of_none.text.clone());
    assert_eq!(told, expected, "{who} {asked} tells that somebody is there");
}

/// The query by which a list is asked for what must not be seen.
fn searches(host: &Host) -> Vec<String> {
    vec![
        String::new(),
        "?search=khan".to_owned(),
        format!("?search={}", host.client),
        format!("?household_id={}", host.household),
        format!("?client_id={}", host.client),
        "?limit=1".to_owned(),
        "?external_id=7&connection=main".to_owned(),
        "?visibility=not_visible".to_owned(),
        "?diagnostic=no-country-code".to_owned(),
    ]
}

#[tokio::test]
async fn no_operation_tells_of_a_household_that_somebody_may_not_see() {
    let host = Host::new().await;
    host.keep_for_the_manager().await;
    let document = host.document().await;
    let paths = document["paths"].as_object().unwrap();
    let mut asked = 0;
    let mut staff = Vec::new();
    for role in STAFF {
        staff.push((role.to_string(), host.signed_in(role).await));
    }
    // What is read first: what they add themselves is theirs to see.
    for ((who, cookie), reads) in staff.iter().map(|one| (one, true)).chain(staff.iter().map(|one| (one, false))) {
        for (path, item) in paths.iter().filter(|(path, _)| path.starts_with("/api/v1/")) {
            let address = filled(&host, path);
            for method in item.as_object().unwrap().keys() {
                let method: Method = match method.to_uppercase().parse() {
                    Ok(method) => method,
                    Err(_) => continue,
                };
                let is_of_household = ["/clients/", "/households/", "/notes/"].iter().any(|of| address.starts_with(of))
                    && address.len() > 20;
                if (method == Method::GET) != reads {
                    continue;
                }
                if reads {
                    for query in if path.contains('{') { vec![String::new()] } else { searches(&host) } {
                        let answer = host.call(&method, &format!("{address}{query}"), &Value::Null, cookie).await;
                        let sent = format!("{address}{query}");
                        hides(&host, who, &sent, &answer);
                        asked += 1;
                        let nobody = of_nobody(&host, &sent);
                        if nobody != sent {
                            let of_none = host.call(&method, &nobody, &Value::Null, cookie).await;
                            is_as_of_nobody(&host, who, &sent, &answer, &of_none);
                        }
                        let is_for_some_roles =
                            ["/erasure", "/export", "/access/explain"].iter().any(|end| path.ends_with(end));
                        if is_of_household && query.is_empty() && !is_for_some_roles && !path.ends_with("/document") {
                            assert_eq!(answer.status, 404, "{who} GET {address}: {answer}");
                        }
                        let list: Value = serde_json::from_str(&answer.text).unwrap_or_default();
                        let of_book = ["clients", "households", "goals", "covers", "notes", "documents"];
                        if answer.status == 200 && of_book.iter().any(|of| address == format!("/{of}")) {
                            assert_eq!((&list["items"], &list["next"]), (&json!([]), &Value::Null), "{who} {address}");
                        }
                    }
                    continue;
                }
                let bodies = [
                    json!({}),
                    json!({"first_name": "Eve"}),
                    json!({"connection": "main", "external_id": "7"}),
                    json!({"reason": "a reason"}),
                    json!({"partner_of": host.client, "first_name": "Eve", "last_name": "Lee"}),
                    json!({"type": "note.written", "household_id": host.household, "occurred_at": "2026-03-02T01:30:00Z",
                           "data": {"subject": "A", "body": "B"}}),
                    json!({"primary": {"user_id": host.manager_id}}),
                ];
                for body in bodies {
                    let answer = host.call(&method, &address, &body, cookie).await;
                    let sent = format!("{method} {address} {body}");
                    hides(&host, who, &sent, &answer);
                    asked += 1;
                    let text = body.to_string();
                    let (nobody, of) = (of_nobody(&host, &address), of_nobody(&host, &text));
                    if nobody != address || of != text {
                        let of = serde_json::from_str(&of).unwrap();
                        let of_none = host.call(&method, &nobody, &of, cookie).await;
                        is_as_of_nobody(&host, who, &sent, &answer, &of_none);
                    }
                }
            }
        }
    }
    assert!(asked > 1_000, "{asked}");
    // Nothing was changed by any of it.
    let client = host.call(&Method::GET, &format!("/clients/{}", host.client), &Value::Null, &host.manager).await;
    assert!(client.text.contains("Ayda") && client.status == 200, "{client}");
}

#[tokio::test]
async fn no_page_tells_of_a_household_that_somebody_may_not_see() {
    let host = Host::new().await;
    host.keep_for_the_manager().await;
    let routes = include_str!("../../web.rs");
    let routes: Vec<&str> = routes.split(".route(").skip(1).filter_map(|route| route.split('"').nth(1)).collect();
    assert!(routes.len() > 80, "{}", routes.len());
    for role in STAFF {
        let cookie = host.signed_in(role).await;
        let who = role.to_string();
        for route in routes.iter().filter(|route| **route != "/sign-out") {
            let address = filled(&host, route);
            for query in if route.contains('{') { vec![String::new()] } else { searches(&host) } {
                let answer = host.open(&format!("{address}{query}"), &cookie).await;
                hides(&host, &who, &format!("GET {address}{query}"), &answer);
                let nobody = of_nobody(&host, &format!("{address}{query}"));
                // A form has a key of its own each time.
                if nobody != format!("{address}{query}") && *route != "/clients/new" {
                    let of_none = host.open(&nobody, &cookie).await;
                    is_as_of_nobody(&host, &who, &format!("GET {address}{query}"), &answer, &of_none);
                }
                let is_of_household = ["/households/{id}", "/notes/{id}", "/clients/{id}/removed"].contains(route);
                if is_of_household {
                    assert_eq!(answer.status, 404, "{who} {address}: {answer}");
                }
            }
            let form = format!("version=1&professional=&first_name=Eve&partner_of={}&connection=main", host.client);
            let answer = host.submit(&address, &form, &cookie).await;
            hides(&host, &who, &format!("POST {address} {form}"), &answer);
            let nobody = of_nobody(&host, &address);
            // What names nobody in its address may have changed something of one's own by the first time, or has a key of its own.
            if nobody != address {
                let of_none = host.submit(&nobody, &of_nobody(&host, &form), &cookie).await;
                is_as_of_nobody(&host, &who, &format!("POST {address} {form}"), &answer, &of_none);
            }
        }
    }
}

#[tokio::test]
async fn who_is_given_access_sees_the_household_everywhere_and_who_loses_it_nowhere() {
    let host = Host::new().await;
    host.keep_for_the_manager().await;
    let cookie = host.signed_in(Role::Paraplanner).await;
    let user = host.id_of("paraplanner@example.com").await;
    let access = format!("/households/{}/access", host.household);
    let sees = async || {
        let mut seen = Vec::new();
        for path in [
            format!("/households/{}", host.household),
            format!("/clients/{}", host.client),
            format!("/notes/{}", host.note),
            format!("/clients/{}/extensions", host.client),
            access.clone(),
        ] {
            seen.push(host.call(&Method::GET, &path, &Value::Null, &cookie).await.status == 200);
        }
        for list in ["/households", "/households?search=khan", "/clients", "/clients?search=ayda", "/notes"] {
            let found = host.call(&Method::GET, list, &Value::Null, &cookie).await;
            let found: Value = serde_json::from_str(&found.text).unwrap();
            seen.push(found["items"].as_array().unwrap().len() == 1);
        }
        for page in [format!("/households/{}", host.household), format!("/notes/{}", host.note)] {
            seen.push(host.open(&page, &cookie).await.status == 200);
        }
        seen
    };
    assert!(sees().await.iter().all(|seen| !seen));
    let give = |staff: Value| json!({"primary": {"user_id": host.manager_id}, "staff": staff});
    let staff = json!([{"user_id": user, "role": "support", "reason": "covers for Pat"}]);
    let given = host.call(&Method::PUT, &access, &give(staff), &host.manager).await;
    assert_eq!(given.status, 200, "{given}");
    assert!(sees().await.iter().all(|seen| *seen), "{:?}", sees().await);
    // They work in it as in every household, and manage it not.
    let edit = json!({"preferred_name": "Ay"});
    let edited = host.call(&Method::PATCH, &format!("/clients/{}", host.client), &edit, &cookie).await;
    assert_eq!(edited.status, 200, "{edited}");
    assert_eq!(host.call(&Method::PUT, &access, &give(json!([])), &cookie).await.status, 403);
    let explained = host.call(&Method::GET, &format!("{access}/explain?user_id={user}"), &Value::Null, &cookie).await;
    assert!(explained.text.contains("\"allowed\":true") && explained.says("covers for Pat"), "{explained}");

    assert_eq!(host.call(&Method::PUT, &access, &give(json!([])), &host.manager).await.status, 200);
    assert!(sees().await.iter().all(|seen| !seen), "{:?}", sees().await);
    let explained =
        host.call(&Method::GET, &format!("{access}/explain?user_id={user}"), &Value::Null, &host.manager).await;
    assert!(explained.text.contains("\"allowed\":false") && explained.says("no access"), "{explained}");
}

#[tokio::test]
async fn a_household_always_has_one_primary_and_each_person_one_place() {
    let host = Host::new().await;
    let access = format!("/households/{}/access", host.household);
    let support = host.id_of("support@example.com").await;
    let refused = async |body: Value, pointer: &str| {
        let answer = host.call(&Method::PUT, &access, &body, &host.manager).await;
        assert!(
            answer.status == 422 && answer.text.contains(&format!("\"pointer\":\"{pointer}\"")),
            "{body}: {answer}"
        );
    };
    let primary = json!({"user_id": host.manager_id});
    refused(json!({"primary": null, "staff": []}), "/primary").await;
    refused(json!({"staff": []}), "/primary").await;
    refused(json!({"primary": {}}), "/primary").await;
    refused(json!({"primary": {"user_id": Uuid::nil()}}), "/primary/user_id").await;
    refused(json!({"primary": {"user_id": support}}), "/primary/user_id").await;
    refused(json!({"primary": {"external_id": "7"}}), "/primary/external_id").await;
    refused(json!({"primary": primary, "secondary": primary}), "/secondary").await;
    let staff = |role: &str, more: Value| {
        let mut one = json!({"user_id": support, "role": role});
        more.as_object().unwrap().iter().for_each(|(name, value)| one[name] = value.clone());
        json!({"primary": primary, "staff": [one]})
    };
    refused(staff("practice_manager", json!({})), "/staff/0/role").await;
    refused(staff("compliance", json!({})), "/staff/0/role").await;
    refused(staff("support", json!({"expires_at": "2020-01-01T00:00:00Z"})), "/staff/0/expires_at").await;
    refused(staff("support", json!({"reason": "a\u{7}b"})), "/staff/0/reason").await;
    let twice = json!({"primary": primary, "staff": [
        {"user_id": support, "role": "support"}, {"user_id": support, "role": "adviser"}]});
    refused(twice, "/staff/1/user_id").await;
    let own = json!({"primary": primary, "staff": [{"user_id": host.manager_id, "role": "adviser"}]});
    refused(own, "/staff/0/user_id").await;
    let before = host.call(&Method::GET, &access, &Value::Null, &host.manager).await;
    assert!(before.text.contains("\"chosen_by\":null"), "nothing half done: {before}");

    let set = host.call(&Method::PUT, &access, &staff("support", json!({})), &host.manager).await;
    assert_eq!(set.status, 200, "{set}");
    // By the page, in place, with the version that was looked at.
    let role = format!("{access}/staff/{support}/role");
    let changed = host.submit(&role, "version=2&role=associate", &host.manager).await;
    assert_eq!(changed.status, 303, "{changed}");
    let now = host.call(&Method::GET, &access, &Value::Null, &host.manager).await;
    assert!(now.text.contains("\"role\":\"associate\""), "{now}");
    host.submit(&role, "version=2&role=adviser", &host.manager).await;
    let now = host.call(&Method::GET, &access, &Value::Null, &host.manager).await;
    assert!(now.text.contains("\"role\":\"associate\""), "a page of before changes nothing: {now}");
}
