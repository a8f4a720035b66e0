//! A messy book, record by record.

use serde_json::{Value, json};

use tidegate_sdk::RecordKind;

use crate::support::{AU, NZ, client, codes, list, mapped};

/// Values as they stand in real CRMs, after public reports of what broke other products; what becomes of each was worked
/// out by hand. `row` has a client's fields, `goal` and `policy` one row of those lists.
#[test]
fn a_messy_book_comes_out_as_a_person_would_read_it() {
    let book: Vec<Value> = serde_json::from_str(include_str!("messy.json")).unwrap();
    assert!(book.len() >= 100);
    for record in &book {
        check(if record["pack"] == "NZ" { NZ } else { AU }, record);
    }
}

fn check(folder: &str, example: &Value) {
    let name = &example["name"];
    let raw = match (&example["goal"], &example["policy"]) {
        (Value::Null, Value::Null) => client(&example["row"], &example["contact"], &example["address"]),
        (goal, Value::Null) => list(RecordKind::Goal, "goals", goal),
        (_, policy) => list(RecordKind::Cover, "insurance_group", policy),
    };
    let verdict = mapped(folder, raw);
    let becomes = example["becomes"].as_str().unwrap_or("mapped");
    assert_eq!(verdict["verdict"], becomes, "{name}: {verdict:#}");
    for (field, value) in example["expect"].as_object().into_iter().flatten() {
        let found = match &verdict["records"][0][field] {
            Value::Null => json!(""),
            Value::String(text) => json!(text),
            Value::Object(money) => json!(format!("{} {}", text(&money["amount"]), text(&money["currency"]))),
            other => json!(other.to_string()),
        };
        assert_eq!(&found, value, "{name}: {field}");
    }
    if !example["codes"].is_null() {
        assert_eq!(json!(codes(&verdict)), example["codes"], "{name}: {verdict:#}");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
