//! Exports of JSON, whatever their ending is and however they are wrapped.

use super::*;

const PAT: &str = r#"{"ID": "1", "Name": "Pat Lee", "Email": ""}"#;
const AL: &str = r#"{"ID": "2", "Name": "Al Osei", "Email": "al@example.com"}"#;

async fn names(name: &str, content: &str) -> Result<Vec<String>, String> {
    let exports = Exports::new(&[]);
    exports.put(name, content);
    exports.names().await
}

#[tokio::test]
async fn objects_are_read_in_every_shape_whatever_the_ending_is() {
    let both = Ok(vec!["Pat Lee".to_owned(), "Al Osei".to_owned()]);
    for name in ["clients.json", "clients.jsonl", "clients.ndjson"] {
        for content in [
            format!("[{PAT}, {AL}]"),
            format!("{PAT}\n{AL}\n"),
            format!("{PAT}\r\n{AL}"),
            format!("\u{feff}[\n{PAT},\n{AL}\n]\n"),
            format!("{{\n\"total\": 2, \"clients\": [{PAT}, {AL}], \"next\": null\n}}"),
            format!("{}\n{}\n", PAT.replace(", ", ",\n"), AL.replace(", ", ",\n")),
        ] {
            assert_eq!(names(name, &content).await, both, "{name}: {content}");
        }
        assert_eq!(names(name, PAT).await, Ok(vec!["Pat Lee".to_owned()]), "one object is one row");
    }
}

#[tokio::test]
async fn objects_that_hold_no_rows_are_refused_in_words() {
    let check = async |content: &str, expected: &str| Exports::refused(names("clients.json", content).await, expected);
    check("[]", "clients.json holds no row").await;
    check("[ ]", "clients.json holds no row").await;
    check("{\"clients\": []}", "clients.json holds no row").await;
    check("[1, 2]", "clients.json holds no row").await;
    check(&format!("{{\"data\": {{\"clients\": [{PAT}]}}}}"), "neither has ID nor holds a list of rows").await;
    check(&format!("{{\"1\": {PAT}, \"2\": {AL}}}"), "neither has ID nor holds a list of rows").await;
    check(&format!("{{\"total\": 30, \"clients\": [{PAT}, {AL}]}}"), "there are 30 records and holds 2").await;
    check(&format!("[{PAT}]\n[{AL}]\n"), "more behind the end of its list").await;
    check("<html></html>", "holds no JSON object").await;
    check(&format!("{{\"clients\": [{PAT}, {{\"ID\""), "is cut").await;
}

#[tokio::test]
async fn two_members_that_fold_to_one_are_refused_where_every_object_has_them() {
    let twice =
        |object: &str, more: &str| object.replace("\"Email\"", &format!("{more}: \"x@example.com\", \"Email\""));
    let all = format!("[{}, {}]", twice(PAT, "\"email\u{a0}\""), twice(AL, "\"email\u{a0}\""));
    Exports::refused(names("clients.json", &all).await, "“email‹no-break blank›” and “Email”");
    let all = format!("[{}, {}]", twice(PAT, "\"Email\""), twice(AL, "\"Email\""));
    Exports::refused(names("clients.json", &all).await, "two members that are both called Email");
    // One among others costs itself, and who it is of is known.
    let exports = Exports::new(&[]);
    exports.put("clients.json", format!("[{}, {AL}]", twice(PAT, "\"email\"")));
    let (records, _, unreadable) = exports.walk().await.unwrap();
    let fault = |record: &RawRecord| (record.id.to_string(), record.fault.is_some());
    assert_eq!(records.iter().map(fault).collect::<Vec<_>>(), [("1".to_owned(), true), ("2".to_owned(), false)]);
    assert_eq!(unreadable, 0);
}

#[tokio::test]
async fn what_is_no_text_goes_to_the_mapping_as_it_is() {
    let exports = Exports::new(&[]);
    exports.put("clients.json", r#"[{"ID": 1, "Name": ["x"], "Email": {"a": 1}}]"#);
    let (records, ..) = exports.walk().await.unwrap();
    assert_eq!(json(&records[0]), serde_json::json!({"row": {"ID": "1", "Name": ["x"], "Email": {"a": 1}}}));
}
