//! Each fault over a real connection, and the admin endpoint that sets them.

use std::time::{Duration, Instant};

use serde_json::json;
use serde_json::value::RawValue;

use super::visitor::Visitor;
use crate::{FaultPlan, Options};

const PAGE: &str = "/resourceful/entity/client-v4?page_size=4";
const NOTES: &str = "/resourceful/docnote-v2";

async fn visitor(rules: &[&str]) -> Visitor {
    let visitor = Visitor::to(Options { clients: 50, ..Options::default() }).await;
    set(&visitor, rules);
    visitor
}

fn set(visitor: &Visitor, rules: &[&str]) {
    let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    visitor.admin().set_faults(FaultPlan { seed: 1, rules });
}

fn note(visitor: &Visitor) -> serde_json::Value {
    let client = visitor.admin().book(|book| book.clients().next().unwrap().id);
    json!({ "subject": "S", "entity_ids": [client] })
}

#[tokio::test]
async fn answers_in_place_of_the_right_one() {
    let visitor = visitor(&[]).await;
    let check = async |rule: &str, status: u16, html: bool| {
        set(&visitor, &[rule]);
        let reply = visitor.get(PAGE).await;
        assert_eq!(reply.status, status, "{rule}");
        assert_eq!(reply.header("content-type").unwrap().contains("html"), html, "{rule}");
        reply
    };
    check("server_error", 500, true).await;
    check("bad_gateway", 502, true).await;
    check("login_page", 200, true).await;
    assert_eq!(check("too_many_requests", 429, false).await.header("retry-after"), None);
    assert_eq!(check("too_many_requests:retry_after=3", 429, false).await.header("retry-after"), Some("3"));
}

#[tokio::test]
async fn text_is_damaged_in_one_place() {
    let visitor = visitor(&[]).await;
    let page = format!("{PAGE}&fields.0=last_name");
    let name = visitor.get(&page).await.json()[0]["fields"]["last_name"].as_str().unwrap().to_owned();
    let check = async |fault: &str, expected: &str| {
        set(&visitor, &[fault]);
        let body = visitor.get(&page).await.body;
        assert!(body.contains(expected), "{fault}: {body}");
    };
    // The visitor reads what is not UTF-8 as U+FFFD.
    check("bad_byte", &format!("\"\u{fffd}{name}\"")).await;
    check("half_surrogate", &format!("\"\\ud83d{name}\"")).await;
    check("control_character", &format!("\"\0{name}\"")).await;
    check("double_key", &format!(r#""last_name":"{name}","last_name":"{name}""#)).await;
    check("not_a_number", r#""last_name":NaN"#).await;
    check("bare_word", r#""last_name":oops"#).await;
    check("trailing_comma", &format!("\"last_name\":\"{name}\",}}")).await;
    check("huge_text", &"x".repeat(2 << 20)).await;
    check("byte_order_mark", "\u{feff}[").await;
    set(&visitor, &["truncated"]);
    assert!(serde_json::from_str::<serde_json::Value>(&visitor.get(&page).await.body).is_err());
}

#[tokio::test]
async fn some_faults_are_of_size() {
    let visitor = visitor(&["gateway_timeout:rows=3"]).await;
    assert_eq!(visitor.get(PAGE).await.status, 504);
    assert_eq!(visitor.get(&PAGE.replace('4', "3").replace("client-v3", "client-v4")).await.status, 200);
    let call = json!({ "method": "GET", "url": "/resourceful/site" });
    for (calls, status) in [(3, 200), (4, 504)] {
        let batch = json!({ "batch": vec![call.clone(); calls] });
        assert_eq!(visitor.post("/resourceful", &batch).await.status, status, "{calls}");
    }
}

#[tokio::test]
async fn a_takeover_lasts_until_the_next_login() {
    let mut visitor = visitor(&["session_takeover:times=1"]).await;
    assert_eq!(visitor.get(PAGE).await.status, 401);
    assert_eq!(visitor.get(PAGE).await.status, 401);
    visitor.sign_in("svc:sandbox").await;
    assert_eq!(visitor.get(PAGE).await.status, 200);
}

#[tokio::test]
async fn slowness_takes_its_time() {
    let visitor = visitor(&["slow:ms=120,on=page_size"]).await;
    let begun = Instant::now();
    assert_eq!(visitor.get(PAGE).await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn a_cut_hides_whether_the_work_was_done() {
    let visitor = visitor(&[]).await;
    let body = note(&visitor).to_string();
    let check = async |rule: &str, at_once: usize, later: usize| {
        visitor.admin().clear_notes();
        set(&visitor, &[rule]);
        assert!(visitor.call("POST", NOTES, &body).await.is_err(), "{rule}");
        assert_eq!(visitor.admin().notes().len(), at_once, "{rule}");
        let deadline = Instant::now() + Duration::from_secs(5);
        while visitor.admin().notes().len() != later && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(visitor.admin().notes().len(), later, "{rule}");
    };
    check("cut_before", 0, 0).await;
    check("cut_after", 1, 1).await;
    check("cut_body", 1, 1).await;
    check("cut_late:ms=150", 0, 1).await;
}

#[tokio::test]
async fn an_attachment_may_fail_after_its_note() {
    let visitor = visitor(&["attachment_error:times=1"]).await;
    assert_eq!(visitor.post(NOTES, &note(&visitor)).await.status, 201);
    let attachment = json!({ "filename": "a", "mimetype": "b", "content": { "_type": "Binary", "_val": "aGk=" } });
    let address = format!("{NOTES}/9001/attachment-v3");
    assert_eq!(visitor.post(&address, &attachment).await.status, 500);
    assert_eq!(visitor.get(&address).await.body, "[]");
    assert_eq!(visitor.post(&address, &attachment).await.status, 201);
}

#[tokio::test]
async fn single_calls_of_a_batch_may_fail() {
    let visitor = visitor(&["call_error:every=3,on=/contact"]).await;
    let id = visitor.walk("").await[0];
    let call = json!({ "url": format!("/resourceful/entity/client-v4/{id}/contact") });
    let answers = visitor.post("/resourceful", &json!({ "batch": vec![call; 6] })).await.json();
    let codes: Vec<_> = answers.as_array().unwrap().iter().map(|answer| answer["code"].as_u64().unwrap()).collect();
    assert_eq!(codes, [200, 200, 500, 200, 200, 500]);
}

#[tokio::test]
async fn pages_may_loop_shrink_or_hold_nonsense() {
    let visitor = visitor(&[]).await;
    let good = visitor.get(&format!("{PAGE}&fields.0=client_adviser&fields.1=last_name")).await.json();
    let mark = good[3]["bookmark"].as_str().unwrap();
    set(&visitor, &["bookmark_loop"]);
    let looping = visitor.get(&format!("{PAGE}&page_bookmark={mark}")).await.json();
    assert!(looping.as_array().unwrap().iter().all(|row| row["bookmark"] == mark));
    set(&visitor, &[]);
    let whole = visitor.get(PAGE).await.body;
    set(&visitor, &["short_page"]);
    let short = visitor.get(PAGE).await;
    assert!(whole.starts_with(short.body.trim_end_matches(']')), "what is left of the page is the same to the byte");
    let short = short.json();
    assert_eq!(short.as_array().unwrap().len(), 2);
    assert_eq!(short[1]["id"], good[1]["id"]);
    assert_eq!(visitor.walk("page_size=10").await.len(), 50, "the rest follows by the bookmarks");
    set(&visitor, &["repeated_row"]);
    let repeated = visitor.get(PAGE).await;
    let rows: Vec<&RawValue> = serde_json::from_str(&repeated.body).unwrap();
    let (first, last) = (rows[0].get(), rows[rows.len() - 1].get());
    let json = repeated.json();
    let mark = |at: usize| json[at]["bookmark"].as_str().unwrap();
    assert_eq!(mark(rows.len() - 1), mark(rows.len() - 2), "the next page begins where it should");
    assert_eq!(last.replace(mark(rows.len() - 1), mark(0)), first, "the rest is the same to the byte");
    set(&visitor, &["wrong_types"]);
    let wrong = visitor.get(&format!("{PAGE}&fields.0=client_adviser&fields.1=last_name")).await.json();
    assert_eq!(wrong[0]["id"], good[0]["id"]);
    assert!(wrong[0]["fields"]["client_adviser"].is_string() && wrong[0]["fields"]["last_name"].is_array());
    assert_eq!(wrong[1], good[1]);
}

#[tokio::test]
async fn the_admin_endpoint_sets_faults_and_edits_clients() {
    let visitor = visitor(&[]).await;
    let admin = async |method: &str, address: &str, body: &str| {
        visitor.call(method, &format!("/admin/{address}"), body).await.unwrap()
    };
    let plan = r#"{"seed":5,"rules":[{"fault":"server_error","every":2}]}"#;
    assert_eq!(admin("PUT", "faults", plan).await.status, 204);
    assert_eq!([visitor.get(PAGE).await.status, visitor.get(PAGE).await.status], [200, 500]);
    let tally = &admin("GET", "stats", "").await.json()["faults"][0];
    assert_eq!((tally["seen"].as_u64(), tally["struck"].as_u64()), (Some(2), Some(1)));
    for wrong in [r#"{"rules":[{"fault":"sunspots"}]}"#, r#"{"rules":[{"fault":"slow","chance":7}]}"#, r#"{"rule":[]}"#]
    {
        assert_eq!(admin("PUT", "faults", wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(admin("DELETE", "faults", "").await.status, 204);
    assert_eq!(visitor.admin().faults(), FaultPlan::default());

    let id = visitor.walk("").await[0];
    let address = format!("clients/{id}");
    let changed = admin("PATCH", &address, r#"{"last_name":"Tūhoro","partner_entity_id":null}"#).await;
    assert_eq!((changed.status, &changed.json()["last_name"]), (200, &json!("Tūhoro")));
    assert_eq!(
        visitor.get(&format!("/resourceful/entity/client-v4/{id}?fields.0=last_name")).await.json()["fields"]["last_name"],
        "Tūhoro"
    );
    assert_eq!(admin("PATCH", &address, r#"{"surname":"x"}"#).await.status, 400);
    assert_eq!(admin("DELETE", &address, "").await.status, 204);
    assert_eq!(admin("GET", &address, "").await.status, 404);
    let added = admin("POST", "clients", r#"{"first_name":"Aroha"}"#).await.json()["id"].as_u64().unwrap();
    assert_eq!(visitor.walk("").await.last(), Some(&added));
    assert_eq!(admin("DELETE", "sessions", "").await.status, 204);
    assert_eq!(visitor.get(PAGE).await.status, 401);
}

#[tokio::test]
async fn stopping_lets_an_open_request_end() {
    let visitor = visitor(&["slow:ms=200"]).await;
    let (cookie, addr) = (visitor.cookie.clone(), visitor.sandbox.addr());
    let asked = tokio::spawn({
        let mut stream = tokio::net::TcpStream::connect(addr).await.unwrap();
        async move {
            use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
            let request = format!("GET {PAGE} HTTP/1.1\r\nhost: x\r\ncookie: {}\r\n\r\n", cookie.unwrap());
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    visitor.sandbox.stop().await;
    assert!(asked.await.unwrap().starts_with("HTTP/1.1 200"));
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}
