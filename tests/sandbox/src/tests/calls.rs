//! Batches, users, picklists, and what the site refuses.

use serde_json::{Value, json};

use super::visitor::Visitor;
use crate::Options;

#[tokio::test]
async fn a_batch_answers_what_single_calls_answer() {
    let visitor = Visitor::to(Options { clients: 130, ..Options::default() }).await;
    let ids = visitor.walk("").await;
    for list in ["contact", "address", "goals", "insurance_group"] {
        let url = |id: &u64| format!("/resourceful/entity/client-v4/{id}/{list}");
        let items: Vec<Value> =
            ids[..100].iter().map(|id| json!({ "name": id.to_string(), "method": "GET", "url": url(id) })).collect();
        let answers =
            visitor.post("/resourceful", &json!({ "batch": items, "include_subtimings": false })).await.json();
        assert_eq!(answers.as_array().unwrap().len(), 100);
        for (id, answer) in ids.iter().zip(answers.as_array().unwrap()) {
            assert_eq!((&answer["code"], &answer["name"]), (&json!(200), &json!(id.to_string())));
            assert_eq!(answer["body"].as_str(), Some(visitor.get(&url(id)).await.body.as_str()));
        }
    }
}

#[tokio::test]
async fn a_batch_has_its_limits() {
    let visitor = Visitor::to(Options::default()).await;
    let items = |count: usize| json!({ "batch": vec![json!({ "url": "/resourceful/site" }); count] });
    assert_eq!(visitor.post("/resourceful", &items(100)).await.status, 200);
    let over = visitor.post("/resourceful", &items(101)).await;
    assert_eq!(over.status, 400);
    assert!(over.json()["api_message"].as_str().unwrap().contains("100"));
    assert_eq!(visitor.post("/resourceful", &json!({ "batch": 7 })).await.status, 400);
    let inner = json!({ "batch": [{ "method": "POST", "url": "/resourceful", "body": { "batch": [] } }] });
    assert_eq!(visitor.post("/resourceful", &inner).await.json()[0]["code"], 400);
}

#[tokio::test]
async fn a_batch_may_write_and_may_leave_results_out() {
    let visitor = Visitor::to(Options::default()).await;
    let id = visitor.walk("page_size=500").await[0];
    let note = json!({ "subject": "From a batch", "entity_ids": [id] });
    let batch = json!({ "batch": [
        { "name": "object", "method": "POST", "url": "/resourceful/docnote-v2", "body": note },
        { "name": "text", "method": "POST", "url": "/resourceful/docnote-v2", "body": note.to_string(), "omit_results_on_success": true },
        { "name": "missing", "url": "/resourceful/entity/client-v4/1/contact", "omit_results_on_success": true },
        { "name": "query", "url": format!("/resourceful/entity/client-v4?ids.0={id}&page_size=1") },
    ] });
    let answers = visitor.post("/resourceful", &batch).await.json();
    let codes: Vec<_> = answers.as_array().unwrap().iter().map(|answer| answer["code"].as_u64().unwrap()).collect();
    assert_eq!(codes, [201, 201, 404, 200]);
    assert_eq!(answers[1]["body"], "");
    let inner: Value = serde_json::from_str(answers[3]["body"].as_str().unwrap()).unwrap();
    assert_eq!(inner[0]["id"], id);
    assert_eq!(visitor.admin().notes().len(), 2);
}

#[tokio::test]
async fn users_and_picklists_are_there() {
    let visitor = Visitor::to(Options { clients: 3000, ..Options::default() }).await;
    let first = visitor.get("/resourceful/entity/user-v2?fields.0=first_name&fields.1=email&page_size=15").await.json();
    let mark = first[14]["bookmark"].as_str().unwrap();
    let second = visitor.get(&format!("/resourceful/entity/user-v2?page_size=15&page_bookmark={mark}")).await.json();
    assert_eq!((first.as_array().unwrap().len(), second.as_array().unwrap().len()), (15, 5));
    assert!(first[0]["fields"]["first_name"].is_string() && first[0]["fields"].get("last_name").is_none());
    let one = visitor.get(&format!("/resourceful/entity/user-v2/{}?fields.0=last_name", first[3]["id"])).await.json();
    assert_eq!(one["id"], first[3]["id"]);
    let choices = visitor.get("/resourceful/ufield/goals/category/choice").await.json();
    assert!(choices.as_array().unwrap().iter().any(|choice| choice["text"] == "Retirement" && choice["value"] == "5"));
    for address in ["session/capability", "site", "entity/group", "entity/group/11/user"] {
        assert_eq!(visitor.get(&format!("/resourceful/{address}")).await.status, 200, "{address}");
    }
}

#[tokio::test]
async fn refusals_are_json_with_a_reason() {
    let visitor = Visitor::to(Options::default()).await;
    let id = visitor.walk("").await[0];
    let check = async |method: &str, address: String, status: u16| {
        let reply = visitor.call(method, &format!("/resourceful{address}"), "{}").await.unwrap();
        assert_eq!(reply.status, status, "{method} {address}: {}", reply.body);
        assert!(reply.json()["user_message"].is_string() && reply.json()["api_message"].is_string());
    };
    check("GET", "/entity/client-v9".into(), 404).await;
    check("GET", "/pets".into(), 404).await;
    check("GET", "/entity/client-v4?page_size=501".into(), 400).await;
    check("GET", "/entity/client-v4?include_client_status=true".into(), 400).await;
    check("GET", "/entity/client-v4?page_bookmark=eyJpZCI6MTI1OX0%3D".into(), 400).await;
    check("PATCH", format!("/entity/client-v4/{id}"), 403).await;
    check("POST", "/entity/client-v4".into(), 403).await;
    check("GET", format!("/entity/client-v4/{id}/contact/999"), 404).await;
}

#[tokio::test]
async fn rows_can_be_flattened() {
    let visitor = Visitor::to(Options { flat_rows: true, ..Options::default() }).await;
    let rows = visitor.get("/resourceful/entity/client-v4?fields.0=last_name&page_size=1").await.json();
    assert!(rows[0]["last_name"].is_string() && rows[0].get("fields").is_none());
}
