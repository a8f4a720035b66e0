//! Every failure is a problem document that says what to do.

use super::*;
use crate::connection::for_tests::with_shipped_events;

fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

fn check(answer: &Answer, status: u16, slug: &str, message: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.body["type"], format!("urn:tidegate:problem:{slug}"));
    assert_eq!(answer.body["status"], status);
    assert!(answer.body["title"].is_string());
    assert!(answer.body.to_string().contains(message), "{message:?} is not in {}", answer.body);
}

async fn every_operation(host: &Host) -> Vec<(Method, String)> {
    let document = host.send(request(Method::GET, "/api/openapi.json", &[], "")).await.body;
    let operations = operations(&document);
    assert!(operations.len() > 10, "{operations:?}");
    operations
}

#[tokio::test]
async fn nobody_comes_in_without_a_token_or_a_session() {
    // Wrong tokens are counted, and slow down who sends many: a few operations a host.
    for operations in every_operation(&Host::new()).await.chunks(8) {
        let host = Host::new();
        // Whoever has no token yet opens a session.
        let needs_one = |(method, path): &&(Method, String)| *method != Method::POST || path != "/api/v1/sessions";
        for (method, path) in operations.iter().filter(needs_one) {
            for headers in [
                vec![],
                vec![("authorization", "Bearer wrong")],
                vec![("authorization", "Basic dXNlcjpwdw==")],
                vec![("cookie", "__Host-tidegate=wrong"), ("sec-fetch-site", "same-origin")],
            ] {
                let answer = host.send(request(method.clone(), path, &headers, "")).await;
                check(&answer, 401, "unauthenticated", "");
                assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"tidegate\"", "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn staff_without_households_see_runs_their_colleagues_and_what_is_their_own() {
    let host = Host::new();
    let cookie = host.signed_in(Role::Support).await;
    for (method, path) in every_operation(&host).await {
        let headers = [
            ("cookie", cookie.as_str()),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/json"),
            ("idempotency-key", "k1"),
        ];
        let answer = host.send(request(method.clone(), &path, &headers, &example_event().to_string())).await;
        let is_about_runs = path.starts_with("/api/v1/runs") || path.starts_with("/api/v1/connections");
        // These name clients.
        let names_people = ["/departures", "/changes", "/erasure"].iter().any(|end| path.ends_with(end));
        // One's own, and who works here.
        let is_ones_own = path.starts_with("/api/v1/sessions") || path.starts_with("/api/v1/tokens");
        // What is kept of clients and where, which names nobody, too.
        let of_colleagues = [
            "/api/v1/users",
            "/api/v1/advisers",
            "/api/v1/teams",
            "/api/v1/default-primary",
            "/api/v1/privacy/register",
        ];
        let is_colleagues = method == Method::GET
            && of_colleagues.iter().any(|of| path.starts_with(of))
            && !path.ends_with("/households");
        // What a pack's rules say, and what lies in the watched folder.
        let is_about_packs = path == "/api/v1/incoming" || path.contains("/files");
        let is_of_runs = method == Method::GET && (is_about_runs || is_about_packs) && !names_people;
        // Staff work in the households that they see, and these see none.
        let kinds = ["households", "clients", "goals", "covers", "notes", "documents", "events", "emergency-access"];
        let is_in_households = kinds.iter().any(|kind| path.starts_with(&format!("/api/v1/{kind}")));
        // For practice managers, and compliance, alone.
        let is_about_privacy = ["/erasure", "/export"].iter().any(|end| path.ends_with(end));
        let is_seen = is_in_households && method == Method::GET && !is_about_privacy;
        if is_ones_own || is_colleagues || is_of_runs || is_seen {
            assert_ne!(answer.status, 403, "{method} {path}");
        } else if is_in_households && answer.status != 403 {
            assert!(answer.status >= 400, "{method} {path}: {}", answer.body);
        } else {
            check(&answer, 403, "forbidden", "practice manager");
        }
    }
}

#[tokio::test]
async fn another_sites_page_cannot_use_a_session() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    let post = |headers: &[(&str, &str)]| {
        let headers = [&[("cookie", cookie.as_str())], headers].concat();
        request(Method::POST, "/api/v1/connections/main/sync", &headers, "")
    };
    for headers in [&[("sec-fetch-site", "cross-site")][..], &[("origin", "https://evil.example")], &[]] {
        check(&host.send(post(headers)).await, 403, "forbidden", "Another site");
    }
}

#[tokio::test]
async fn what_is_not_there() {
    let host = Host::new();
    let nil = uuid::Uuid::nil();
    for path in ["runs", "households", "clients", "notes"] {
        check(&host.get(&format!("/api/v1/{path}/{nil}")).await, 404, "not-found", "There is no");
        check(&host.get(&format!("/api/v1/{path}/x%20y")).await, 404, "not-found", "`x y`");
    }
    check(&host.get(&format!("/api/v1/runs/{nil}/events")).await, 404, "not-found", "There is no run");
    check(&host.get(&format!("/api/v1/clients/{nil}/explain")).await, 404, "not-found", "There is no client");
    check(&host.get("/api/v1/connections/main").await, 404, "not-found", "connection `main`");
    check(&host.get("/api/v1/covfefe").await, 404, "not-found", "/api/openapi.json");
    check(&host.get("/api").await, 404, "not-found", "/api/openapi.json");
    for path in [format!("runs/{nil}/cancel"), format!("notes/{nil}/retry"), "connections/main/sync".to_owned()] {
        let headers = [("authorization", bearer())];
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = host.send(request(Method::POST, &format!("/api/v1/{path}"), &headers, "")).await;
        check(&answer, 404, "not-found", "There is no");
    }
}

#[tokio::test]
async fn a_method_that_the_resource_has_not() {
    let host = Host::new();
    let answer = host.send(request(Method::DELETE, "/api/v1/runs", &[("authorization", &bearer())], "")).await;
    check(&answer, 405, "method-not-allowed", "Allow");
    assert_eq!(answer.headers["allow"], "GET,HEAD");
}

#[tokio::test]
async fn parameters_that_are_not_understood() {
    let host = Host::new();
    for (method, path) in every_operation(&host).await {
        let headers = [("authorization", &*bearer()), ("content-type", "application/json"), ("idempotency-key", "k1")];
        let path = format!("{path}?nonsense=1");
        let answer = host.send(request(method.clone(), &path, &headers, &example_event().to_string())).await;
        assert_eq!(answer.status, 400, "{method} {path}: {}", answer.body);
        check(&answer, 400, "malformed-request", "");
    }
    check(&host.get("/api/v1/runs?nonsense=1").await, 400, "malformed-request", "known here: one of `connection`");
    check(&host.get("/api/v1/runs?limit=0").await, 400, "malformed-request", "1 to 500");
    check(&host.get("/api/v1/runs?limit=501").await, 400, "malformed-request", "1 to 500");
    check(&host.get("/api/v1/runs?limit=many").await, 400, "malformed-request", "limit");
    check(&host.get("/api/v1/runs?connection=NOT").await, 400, "malformed-request", "lower-case");
    check(&host.get("/api/v1/notes?state=lost").await, 400, "malformed-request", "`dead`");
    check(&host.get("/api/v1/clients?household_id=7").await, 400, "malformed-request", "household_id");
    check(&host.get("/api/v1/clients?connection=main").await, 400, "malformed-request", "external_id");
    check(&host.get("/api/v1/clients?external_id=7").await, 400, "malformed-request", "connection");
}

/// A cursor is opaque: what a list did not give out says nothing to it, however much it looks like a place in the list.
#[tokio::test]
async fn cursors_that_the_list_did_not_give() {
    let host = Host::new();
    let document = host.get("/api/openapi.json").await.body;
    let is_list = |(_, item): &(&String, &Value)| {
        let parameters = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let is_whole = parameters.iter().all(|parameter| parameter["required"] != true);
        is_whole && parameters.iter().any(|parameter| parameter["name"] == "cursor")
    };
    let lists: Vec<&String> =
        document["paths"].as_object().unwrap().iter().filter(is_list).map(|(path, _)| path).collect();
    assert!(lists.len() >= 9, "{lists:?}");
    let of_no_list = crate::store::page::cursor_of("nothing", b"5");
    let nil = uuid::Uuid::nil();
    for list in lists {
        for cursor in ["5", "018", "made-up", "", "AAAA", &nil.to_string(), &nil.simple().to_string(), &of_no_list] {
            let answer = host.get(&format!("{list}?cursor={cursor}")).await;
            check(&answer, 422, "invalid", "Take `next` from the list's answer before");
        }
    }
    for of_one in [format!("clients?household_id={nil}"), "clients?search=a@example.com".to_owned()] {
        check(&host.get(&format!("/api/v1/{of_one}&cursor=5")).await, 422, "invalid", "Take `next`");
    }
    check(&host.get("/api/v1/runs?connection=elsewhere&cursor=5").await, 422, "invalid", "Take `next`");
}

#[tokio::test]
async fn events_that_cannot_be_read_or_do_not_fit() {
    let host = Host::new();
    host.app.connections.put(with_shipped_events());
    let post = async |content_type: &str, key: &str, body: &str| {
        let headers = [("authorization", &*bearer()), ("content-type", content_type), ("idempotency-key", key)];
        host.send(request(Method::POST, "/api/v1/events", &headers, body)).await
    };
    let event = example_event().to_string();
    check(&post("application/json", "k1", "{\n\"type\": }").await, 400, "malformed-request", "line 2 column 9");
    check(&post("application/json", "", &event).await, 400, "malformed-request", "Idempotency-Key");
    check(&post("application/json", &"k".repeat(256), &event).await, 400, "malformed-request", "255");
    check(&post("application/json", "a key", &event).await, 400, "malformed-request", "without spaces");
    let two = [("authorization", &*bearer()), ("content-type", "application/json"), ("idempotency-key", "k1")];
    let two = [&two[..], &[("idempotency-key", "k2")]].concat();
    let two = host.send(request(Method::POST, "/api/v1/events", &two, &event)).await;
    check(&two, 400, "malformed-request", "more than once");
    let twice = event.replacen('{', r#"{"type":"note.written","#, 1);
    check(&post("application/json", "k1", &twice).await, 422, "invalid", "`type` is there twice");
    check(&post("text/plain", "k1", &event).await, 415, "unsupported-media-type", "application/json");
    check(&post("application/json", "k1", &"x".repeat(1024 * 1024 + 1)).await, 413, "too-large", "1 MB");
    let mut wrong = example_event();
    for moment in ["yesterday", "2999-12-31T00:00:00Z"] {
        wrong["occurred_at"] = json!(moment);
        check(&post("application/json", "k1", &wrong.to_string()).await, 422, "invalid", r#""pointer":"/occurred_at""#);
    }
    check(&post("application/json; charset=utf-8", "k1", &event).await, 422, "invalid", "/household_id");

    let pointers = async |event: Value| -> Vec<String> {
        let answer = post("application/json", "k1", &event.to_string()).await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        let errors = answer.body["errors"].as_array().unwrap();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    };
    // All at once: what cannot be read, and what does not fit.
    let unreadable = json!({
        "type": "your-life-survey.completed", "household_id": 7, "client_id": "x", "occurred_at": "yesterday",
        "attachments": "plan.pdf", "dat": {}, "data": { "score": 101, "goals": [""], "dimensions": [] },
    });
    let expected =
        ["/household_id", "/client_id", "/occurred_at", "/attachments", "/dat", "/data/goals/0", "/data/score"];
    assert_eq!(pointers(unreadable).await, expected);
    assert_eq!(pointers(json!({})).await, ["/type", "/household_id", "/occurred_at"]);
    assert_eq!(pointers(json!([])).await, [""]);
    let unknown = json!({ "type": "coffee.drunk", "household_id": 7, "occurred_at": "2026-03-02T01:30:00Z" });
    assert_eq!(pointers(unknown).await, ["/household_id", "/type"]);
    let mut unfit = example_event();
    unfit["type"] = json!("coffee.drunk");
    unfit["occurred_at"] = json!("2999-12-31T00:00:00Z");
    assert_eq!(pointers(unfit.clone()).await, ["/type", "/occurred_at", "/household_id"]);
    unfit["type"] = json!("your-life-survey.completed");
    unfit["data"] = json!({ "score": 101, "goals": [], "dimensions": [] });
    unfit["attachments"] = json!(["0".repeat(64)]);
    assert_eq!(pointers(unfit).await, ["/data/score", "/occurred_at", "/household_id", "/attachments"]);
}

/// No library's words reach a caller, and each field is named wherever in a body it stands.
#[tokio::test]
async fn a_value_of_another_shape_is_told_in_plain_words() {
    let host = Host::new();
    let none = uuid::Uuid::nil();
    let check = async |path: String, body: Value, pointer: &str, words: &str| {
        let headers = [("authorization", &*bearer()), ("content-type", "application/json")];
        let answer = host.send(request(Method::POST, &format!("/api/v1/{path}"), &headers, &body.to_string())).await;
        let expected = json!([{"pointer": pointer, "detail": words}]);
        assert_eq!((answer.status, &answer.body["errors"]), (422, &expected), "{path} {body}: {}", answer.body);
    };
    let id = "This has to be an id as the API gives it, such as 0198c5f2-7d3e-7a41-9b1c-2f6e8d5a9c04.";
    for wrong in [json!("garbage"), json!(5)] {
        let made = |field: &str| json!({"first_name": "Sam", field: wrong});
        check("clients".to_owned(), made("partner_of"), "/partner_of", id).await;
        check("clients".to_owned(), made("id"), "/id", id).await;
    }
    let missing = "Write a name at least: a first, last, middle or preferred one.";
    check("clients".to_owned(), json!({"partner_of": "", "id": " "}), "/last_name", missing).await;
    let decision = |what: &str| format!("{what}/decision");
    let (row, review) = (decision(&format!("imports/{none}/rows/2")), decision(&format!("review/{}", "0".repeat(36))));
    for path in [row, review] {
        let check = async |body: Value, pointer: &str, words: &str| check(path.clone(), body, pointer, words).await;
        check(json!({"decision": "link", "client_id": "g"}), "/client_id", id).await;
        check(json!({"decision": "link"}), "/client_id", "`client_id` is missing.").await;
        check(json!({"client_id": none}), "/decision", "`decision` is missing.").await;
        check(json!({"decision": 7}), "/decision", "This has to be a text.").await;
        check(json!({"decision": {"link": null}, "client_id": none}), "/decision", "This has to be a text.").await;
        let unknown = "There is no such field. The fields are decision, client_id.";
        check(json!({"decision": "link", "client_id": none, "row": 1}), "/row", unknown).await;
    }
    let left_out = json!({"decision": "leave_out", "client_id": none});
    let alone = "There is no such field. The fields are decision.";
    check(decision(&format!("imports/{none}/rows/2")), left_out, "/client_id", alone).await;
    let stage = json!({"stage": {"dead": null}});
    check("notes/retry".to_owned(), stage, "/stage", "This has to be a text.").await;
}

/// A client that is sent twice is one client, whatever became of the client meanwhile.
#[tokio::test]
async fn the_same_client_sent_again_is_the_one_that_was_made() {
    let host = Host::new();
    let send = async |method: Method, path: &str, body: Value| {
        let headers = [("authorization", &*bearer()), ("content-type", "application/json")];
        host.send(request(method, &format!("/api/v1/clients{path}"), &headers, &body.to_string())).await
    };
    let id = uuid::Uuid::now_v7();
    let body = json!({"id": id, "first_name": "Ayda", "last_name": "Khan", "mobile": "+61 491 570 156"});
    assert_eq!(send(Method::POST, "", body.clone()).await.status, 201);
    let edited = send(Method::PATCH, &format!("/{id}"), json!({"last_name": "Osei"})).await;
    assert_eq!((edited.status, edited.body["last_name"].as_str()), (200, Some("Osei")), "{}", edited.body);
    let again = send(Method::POST, "", body).await;
    assert_eq!((again.status, again.body["last_name"].as_str()), (200, Some("Osei")), "{}", again.body);
    let other = json!({"id": id, "first_name": "Ayda", "last_name": "Smith"});
    assert_eq!(send(Method::POST, "", other).await.status, 409);
    // The other's id, a landline, and a household that is full.
    let household = &again.body["household_id"];
    let refused = send(Method::POST, "", json!({"id": household, "first_name": "Sam"})).await;
    check(&refused, 422, "invalid", "is the id of something else here");
    let landline = send(Method::POST, "", json!({"first_name": "Sam", "mobile": "+61 2 9999 9999"})).await;
    check(&landline, 422, "invalid", "`+61 2 9999 9999` is not the number of a mobile line");
    let partner = json!({"first_name": "Sam", "partner_of": id});
    assert_eq!(send(Method::POST, "", partner.clone()).await.status, 201);
    check(&send(Method::POST, "", partner).await, 422, "invalid", "The household of Ayda Osei has two people already");
}

#[tokio::test]
async fn a_body_that_is_too_large_hears_of_its_own_limit() {
    let host = Host::new();
    let body = "x".repeat((2 << 20) + 1);
    let headers = [("authorization", &*bearer()), ("content-type", "application/json"), ("idempotency-key", "k1")];
    let path = format!("/api/v1/clients/{}", uuid::Uuid::nil());
    let edit = host.send(request(Method::PATCH, &path, &headers, &body)).await;
    check(&edit, 413, "too-large", "The body may be 2 MB at most");
    let event = host.send(request(Method::POST, "/api/v1/events", &headers, &body)).await;
    check(&event, 413, "too-large", "An event may be 1 MB at most");
}

#[tokio::test]
async fn a_panic_ends_its_own_request_without_its_words() {
    async fn panics() {
        panic!("s3cret");
    }
    let host =
        Host { router: Router::new().route("/", get(panics)).layer(CatchPanicLayer::custom(panicked)), ..Host::new() };
    let answer = host.send(request(Method::GET, "/", &[], "")).await;
    check(&answer, 500, "internal", "log");
    assert!(!answer.body.to_string().contains("s3cret"));
}

#[tokio::test]
async fn a_folder_of_backups_that_cannot_be_read_is_told_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    crate::backup::make_key(std::fs::File::create(at("key")).unwrap()).unwrap();
    std::fs::write(at("backups"), "").unwrap();
    let host = Host::with(&format!("[backup]\nfolder = {:?}\nkey-file = {:?}\n", at("backups"), at("key")));
    let answer = host.get("/api/v1/backups").await;
    check(&answer, 503, "unavailable", "The backup folder can’t be read: ");
    check(&answer, 503, "unavailable", "/backups: Not a directory");
}
