//! File notes and attachments.

use serde_json::{Value, json};

use super::visitor::Visitor;
use crate::{NoteHabits, Options};

const NOTES: &str = "/resourceful/docnote-v2";

fn note(client: u64, subject: &str, guid: &str) -> Value {
    json!({ "subject": subject, "body": "Score 71 %", "mimetype": "text/plain", "entity_ids": [client], "doctype": "File Note", "docsubtype": "General", "guid": guid })
}

#[tokio::test]
async fn notes_are_found_by_client_subject_and_day() {
    let visitor = Visitor::to(Options::default()).await;
    let clients = visitor.walk("page_size=500").await;
    let made = visitor.post(NOTES, &note(clients[0], "Values & more", "m-1")).await;
    assert_eq!((made.status, made.json()["id"].as_u64()), (201, Some(9001)));
    visitor.post(NOTES, &note(clients[1], "Values & more", "m-2")).await;
    visitor.post(NOTES, &note(clients[0], "Another", "m-3")).await;
    let found = async |query: String| -> Vec<String> {
        let rows = visitor.get(&format!("{NOTES}?{query}")).await.json();
        rows.as_array().unwrap().iter().map(|row| row["guid"].as_str().unwrap().to_owned()).collect()
    };
    let client = clients[0];
    assert_eq!(found(format!("entity_ids.0={client}&subject=Values%20%26%20more")).await, ["m-1"]);
    assert_eq!(found(format!("entity_ids.0={client}")).await, ["m-1", "m-3"]);
    assert_eq!(found("subject=Values+%26+more".into()).await, ["m-1", "m-2"]);
    assert_eq!(
        found("docsubtype=General&created_date.start_date=2020-01-01&page_dir=desc".into()).await,
        ["m-3", "m-2", "m-1"]
    );
    assert!(found("created_date.end_date=2020-01-01".into()).await.is_empty());
    assert!(found(format!("entity_ids.0={}", clients[5])).await.is_empty());
    assert_eq!(found("created_by=500".into()).await.len(), 3);
    assert!(found("created_by=501".into()).await.is_empty());
    assert_eq!(visitor.get(&format!("{NOTES}/9001")).await.json()["body"], "Score 71 %");
}

#[tokio::test]
async fn a_second_note_with_the_same_marker_is_taken() {
    let visitor = Visitor::to(Options::default()).await;
    let client = visitor.walk("page_size=500").await[0];
    for expected in [9001, 9002] {
        assert_eq!(visitor.post(NOTES, &note(client, "Twice", "same")).await.json()["id"], expected);
    }
    let kept = visitor.admin().notes();
    assert!(kept.iter().all(|note| note.guid.as_deref() == Some("same")) && kept.len() == 2);
}

#[tokio::test]
async fn attachments_keep_their_bytes() {
    let visitor = Visitor::to(Options::default()).await;
    let client = visitor.walk("page_size=500").await[0];
    visitor.post(NOTES, &note(client, "With a plan", "m")).await;
    let address = format!("{NOTES}/9001/attachment-v3");
    let sent = json!({ "filename": "plan.pdf", "mimetype": "application/pdf", "metadata": {}, "content": { "_type": "Binary", "_val": "JVBERi0xLjcK" } });
    assert_eq!(visitor.post(&address, &sent).await.status, 201);
    let rows = visitor.get(&address).await.json();
    assert_eq!((&rows[0]["filename"], &rows[0]["size"]), (&json!("plan.pdf"), &json!(9)));
    let single = visitor.get(&format!("{address}/{}", rows[0]["id"])).await.json();
    assert_eq!(single["content"], sent["content"]);
    assert_eq!(visitor.admin().notes()[0].attachments[0].content, b"%PDF-1.7\n");
    let bytes = visitor.get(&format!("/admin/notes/9001/attachments/{}", rows[0]["id"])).await;
    assert_eq!(bytes.body, "%PDF-1.7\n");
}

#[tokio::test]
async fn notes_are_written_and_listed_by_the_sites_habits() {
    let visitor = Visitor::to(Options::default()).await;
    let client = visitor.walk("page_size=500").await[0];
    let list = format!("{NOTES}?entity_ids.0={client}");
    visitor.admin().set_note_habits(NoteHabits { no_content: true, ..NoteHabits::default() });
    let nothing = visitor.get(&list).await;
    assert_eq!((nothing.status, nothing.body.as_str()), (204, ""));
    let habits = NoteHabits { text_ids: true, dresses_markers: true, hides_sizes: true, ..NoteHabits::default() };
    visitor.admin().set_note_habits(habits);
    assert_eq!(visitor.post(NOTES, &note(client, "One", "m-1")).await.json()["id"], "9001");
    let sent = json!({ "filename": "a.pdf", "mimetype": "b", "content": { "_type": "Binary", "_val": "JVBERi0=" } });
    let attachments = format!("{NOTES}/9001/attachment-v3");
    assert_eq!(visitor.post(&attachments, &sent).await.json()["id"], "70001");
    assert_eq!(visitor.get(&attachments).await.json()[0]["size"], Value::Null);
    visitor.admin().set_note_habits(NoteHabits { own_markers: true, ..NoteHabits::default() });
    visitor.post(NOTES, &note(client, "Two", "m-2")).await;
    let rows = visitor.get(&list).await.json();
    assert_eq!(rows[0]["guid"], "{M-1}");
    assert_ne!(rows[1]["guid"], "m-2");
    visitor.admin().set_note_habits(NoteHabits { lists_first: Some(1), ..NoteHabits::default() });
    assert_eq!(visitor.get(&list).await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn notes_that_do_not_fit_are_refused() {
    let visitor = Visitor::to(Options::default()).await;
    let client = visitor.walk("page_size=500").await[0];
    visitor.post(NOTES, &note(client, "There", "m")).await;
    let check = async |address: &str, body: Value, status: u16| {
        let reply = visitor.post(address, &body).await;
        assert_eq!(reply.status, status, "{body}: {}", reply.body);
    };
    check(NOTES, json!({ "entity_ids": [client] }), 400).await;
    check(NOTES, json!({ "subject": "", "entity_ids": [client] }), 400).await;
    check(NOTES, json!({ "subject": "Nobody's", "entity_ids": [] }), 400).await;
    check(NOTES, json!({ "subject": "Unseen", "entity_ids": [1] }), 400).await;
    let attachment = |content: Value| json!({ "filename": "a", "mimetype": "b", "content": content });
    let address = format!("{NOTES}/9001/attachment-v3");
    check(&address, attachment(json!("JVBERi0=")), 400).await;
    check(&address, attachment(json!({ "_type": "Text", "_val": "JVBERi0=" })), 400).await;
    check(&address, attachment(json!({ "_type": "Binary", "_val": "not base64" })), 400).await;
    let missing = format!("{NOTES}/7/attachment-v3");
    check(&missing, attachment(json!({ "_type": "Binary", "_val": "JVBERi0=" })), 404).await;
    assert_eq!(visitor.admin().notes().len(), 1);
}
