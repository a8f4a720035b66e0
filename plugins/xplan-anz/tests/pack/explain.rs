//! What `explain` says is what `map` did.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};
use tidegate_sdk::{
    FieldExplanation, Verdict, canonical,
    harness::{Fixture, Given, NativeHost},
};

use crate::support::{AU, PACKS, client, pack, session};

#[test]
fn an_explanation_tells_the_values_that_were_mapped() {
    let mut explained = 0;
    for folder in PACKS {
        let pack = pack(folder);
        let session = session(&pack);
        for file in fs::read_dir(pack.folder.join("fixtures")).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let fixture = Fixture::read(&text, &pack.region).unwrap();
            let Given::Raw(raw) = fixture.given else { continue };
            let explanation = session.explain(&NativeHost, &fixture.context, &raw);
            let verdict = session.map(&NativeHost, &fixture.context, vec![raw.clone()]).remove(0).verdict;
            compare(&fixture.name, &verdict, &explanation);
            check_sources(&fixture.name, &raw.json, &explanation);
            explained += 1;
        }
    }
    assert!(explained > 15);
}

/// Every field of the record, in order, with its value; and every diagnostic once.
fn compare(name: &str, verdict: &Verdict, explanation: &[FieldExplanation]) {
    let (records, diagnostics) = match verdict {
        Verdict::Mapped(mapped) => (&mapped.records[..], &mapped.diagnostics),
        Verdict::Skipped(diagnostics) | Verdict::Rejected(diagnostics) => (&[][..], diagnostics),
    };
    let fields = canonical::fields_of(records);
    let told: Vec<_> = explanation
        .iter()
        .filter(|field| field.field != canonical::WHOLE)
        .map(|field| (field.field.clone(), field.value.clone()))
        .collect();
    assert_eq!(told, fields, "{name}");
    let count = |list: &mut dyn Iterator<Item = String>| {
        list.fold(BTreeMap::new(), |mut counts: BTreeMap<String, u32>, text| {
            *counts.entry(text).or_default() += 1;
            counts
        })
    };
    let mut mapped = diagnostics.iter().map(|diagnostic| format!("{diagnostic:?}"));
    let mut explained =
        explanation.iter().flat_map(|field| &field.diagnostics).map(|diagnostic| format!("{diagnostic:?}"));
    assert_eq!(count(&mut explained), count(&mut mapped), "{name}");
}

/// Where an explanation points, that value stands.
fn check_sources(name: &str, raw: &[u8], explanation: &[FieldExplanation]) {
    let Ok(raw) = serde_json::from_slice::<Value>(raw) else { return };
    for field in explanation {
        let (Some(source), Some(value)) = (&field.source, &field.source_value) else { continue };
        let found = raw.pointer(source).unwrap_or_else(|| panic!("{name}: {source} does not exist"));
        let text = match found {
            Value::String(text) => text.clone(),
            Value::Object(wrapped) => wrapped.get("_val").and_then(Value::as_str).unwrap_or(value).to_owned(),
            Value::Array(_) => value.clone(),
            other => other.to_string(),
        };
        let is_number = found.get("_type").is_some_and(|name| name == "BigDecimal");
        assert!(is_number || text == *value, "{name}: {source} holds {text}, told {value}");
    }
}

#[test]
fn an_explanation_says_where_a_value_stands_and_what_was_passed_over() {
    let raw = client(
        &json!({"title": "Mister", "first_name": "Mia", "preferred_email": "mia@example.com"}),
        &json!([{"type": "phone", "value": "+61 2 5550 1234", "preferred": true},
                {"type": "mobile", "value": "+61 491 570 157"}]),
        &Value::Null,
    );
    let pack = pack(AU);
    let context = tidegate_sdk::harness::context(&pack.region);
    let explanation = session(&pack).explain(&NativeHost, &context, &raw);
    let field = |name: &str| explanation.iter().find(|field| field.field == name).unwrap();

    let mobile = field("mobile");
    assert_eq!(mobile.value.as_deref(), Some("+61491570157"));
    assert_eq!(mobile.source.as_deref(), Some("/contact/1/fields/value"));
    assert_eq!(mobile.source_value.as_deref(), Some("+61 491 570 157"));
    assert_eq!(mobile.rule.as_deref(), Some("/client/contact/fields/value value"));
    assert_eq!(mobile.diagnostics[0].code, "not-a-mobile");
    assert!(mobile.diagnostics[0].message.contains("+61 2 5550 1234"));

    let title = field("title");
    assert_eq!((title.value.as_deref(), title.source_value.as_deref()), (Some("Mr"), Some("Mister")));
    assert_eq!(title.rule.as_deref(), Some("/client/titles/Mr"));
    assert_eq!(title.source.as_deref(), Some("/row/fields/title"));
}
