//! What `explain` says is what `map` did.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};
use tidegate_sdk::{
    FieldExplanation, RawRecord, RecordKind, Verdict, canonical,
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
        // What a pack adds is explained where the record has none of it, too.
        .filter(|field| field.value.is_some() || !field.field.contains("extensions."))
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

/// A raw record of a kind, from its JSON.
fn raw(kind: RecordKind, json: &Value) -> RawRecord {
    RawRecord { kind, id: "1".to_owned(), json: json.to_string().into_bytes() }
}

/// The rule of each field that is asked for, as the explanation of a record of Australia tells it.
#[track_caller]
fn check_rules(raw: &RawRecord, expected: &[(&str, &str)]) {
    let context = tidegate_sdk::harness::context("AU");
    let explanation = session(&pack(AU)).explain(&NativeHost, &context, raw);
    for (name, rule) in expected {
        let told = explanation.iter().find(|field| field.field == *name).and_then(|field| field.rule.as_deref());
        assert_eq!(told, Some(*rule), "{name}");
    }
}

#[test]
fn the_rule_that_decided_is_told() {
    let adviser = json!({"row": {"id": 1, "first_name": "Noah"}});
    let expected = [("active", "/adviser/resource"), ("first_name", "/adviser/fields/first_name first_name")];
    check_rules(&raw(RecordKind::Adviser, &adviser), &expected);
    let home = json!([{"street": "Unit 4, 12 High St", "state": "Victoria", "postcode": "3053"}]);
    let fields = json!({"first_name": "Mia", "last_name": "Lee", "sex": "F", "title": "Miss", "dob": "1964-02-29"});
    let expected = [
        ("external_id", "/client/fields/id id"),
        ("title", "/client/titles/Miss"),
        ("sex", "/client/sexes/female"),
        ("last_name", "/client/fields/last_name last_name"),
        ("date_of_birth", "/client/fields/date_of_birth dob"),
        ("address_line_1", "/client/address_form/unit_words"),
        ("address_line_2", "/client/address_form/unit_words"),
        ("state", "/client/address_form/states/VIC"),
        ("postcode", "/client/address/fields/postcode postcode"),
        ("country_code", "/client/address_form/home_country AU"),
        ("email", "/client/email/placeholder {first_name}.{last_name}@{domain}"),
        ("email_is_placeholder", "/client/email/placeholder"),
        ("partner_external_id", "/client/fields/partner partner_entity_id"),
        ("is_partner", "/client/fields/is_partner is_partner"),
        ("adviser_external_id", "/client/fields/adviser client_adviser"),
        ("status", "/client/status/words/client"),
    ];
    check_rules(&client(&fields, &Value::Null, &home), &expected);
    let darwin = json!([{"street": "1 Low St\nRear", "state": "NT", "postcode": "800", "country": "AU"}]);
    let expected = [
        ("address_line_2", "/client/address/fields/street at the line's end"),
        ("postcode", "/client/address_form/leading_zeros/AU-NT"),
        ("mobile", "refused: no-country-code"),
    ];
    let fields = json!({"first_name": "Mia", "preferred_phone": "0491 570 156"});
    check_rules(&client(&fields, &Value::Null, &darwin), &expected);
    let unheard = json!({"row": {"id": 1, "client_status": [], "first_name": "Mia"}});
    check_rules(&raw(RecordKind::Client, &unheard), &[("status", "/client/status/when_missing client")]);
    let gone = json!({"row": {"id": 1, "client_status": ["Deceased"], "first_name": "Mia"}});
    check_rules(&raw(RecordKind::Client, &gone), &[("record", "/client/status/come_over without deceased")]);
    let trust = json!({"row": {"id": 1, "entity_type": "trust", "first_name": "Mia"}});
    check_rules(&raw(RecordKind::Client, &trust), &[("record", "/client/people")]);
}

#[test]
fn the_rule_that_decided_in_a_list_is_told() {
    let goals = json!({
        "goals": [
            {"index": 7, "owner": "Joint", "category": 4242, "target_amount": "-5"},
            {"index": 8, "category": 5},
            {"index": 9, "owner": "me", "category": "Travel"},
        ],
        "/ufield/goals/category/choice": [{"value": 4242, "text": "Sailing"}],
    });
    let outlook = "/goal/fields/estimated_cost below zero: less money; above: more; zero or none: not financial; \
                   unreadable: not known";
    let expected = [
        ("goals[0].external_id", "/goal/fields/id index"),
        ("goals[0].owner", "/goal/owners/joint"),
        ("goals[0].category", "/goal/choices the site's own choice 4242: Sailing"),
        ("goals[0].outlook", outlook),
        ("goals[1].owner", "/goal/fields/owner owner"),
        ("goals[1].category", "/goal/categories/Retirement"),
        ("goals[2].category", "/goal/fields/category category"),
    ];
    check_rules(&raw(RecordKind::Goal, &goals), &expected);
    let covers = json!({"insurance_group": [{
        "index": 7, "policy_owners": ["Partner"], "frequency_display": "Monthly (in advance)", "underwriter": "KOWHAI",
        "covers": [{"cover_type": "Life", "benefit_status": "Active"}, {"cover_type": "Needlestick"}],
    }]});
    let expected = [
        ("covers[0].external_id", "/cover/covers/id, or the type and its number"),
        ("covers[0].type", "/cover/types/life"),
        ("covers[0].type_as_given", "/cover/covers/type cover_type"),
        ("covers[0].expired", "/cover/fields/policy_to before 2026-03-01"),
        ("covers[0].premium_frequency", "/cover/premium_frequencies/monthly"),
        ("covers[0].insurer", "/cover/fields/insurer_code underwriter"),
        ("covers[0].owner", "/cover/owners/partner"),
        ("covers[0].extensions.benefit_status", "/cover/covers/status benefit_status"),
        ("covers[1].type", "/cover/covers/type cover_type"),
    ];
    check_rules(&raw(RecordKind::Cover, &covers), &expected);
}
