//! Who is a client, whose partner, and where they live.

use serde_json::{Value, json};
use tidegate_sdk::{RawRecord, RecordKind};

use crate::support::{AU, NZ, client, codes, mapped};

/// A record of number 1 from its row.
fn of_row(kind: RecordKind, row: &Value) -> Value {
    mapped(AU, RawRecord { kind, id: "1".to_owned(), json: json!({"row": row}).to_string().into_bytes() })
}

#[track_caller]
fn check(verdict: &Value, fate: &str, expected: &[&str]) {
    assert_eq!((verdict["verdict"].as_str(), codes(verdict)), (Some(fate), owned(expected)), "{verdict:#}");
}

fn owned(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

#[test]
fn a_row_is_that_of_the_record_asked_for() {
    for kind in [RecordKind::Client, RecordKind::Adviser] {
        let of = |id: Value| {
            of_row(
                kind,
                &json!({"id": id, "client_status": ["Client"], "first_name": "Jo", "preferred_email": "jo@example.com"}),
            )
        };
        for id in [json!(1), json!("1"), json!("01"), Value::Null, json!("")] {
            check(&of(id), "mapped", &[]);
        }
        for id in [json!(2), json!("2"), json!("1x"), json!(1.5), json!([1])] {
            check(&of(id), "rejected", &["other-record"]);
        }
        check(&of_row(kind, &json!([])), "rejected", &["no-row"]);
        check(&of_row(kind, &Value::Null), "rejected", &["no-row"]);
    }
}

#[test]
fn a_record_with_nothing_in_it_was_not_sent() {
    check(&of_row(RecordKind::Adviser, &json!({"id": 1, "first_name": " "})), "rejected", &["empty-record"]);
    check(&of_row(RecordKind::Adviser, &json!({"id": 1, "email": "jo@example.com"})), "mapped", &[]);
    let of = |mut row: Value| {
        row["id"] = json!(1);
        row["client_status"] = json!(["Client"]);
        of_row(RecordKind::Client, &row)
    };
    check(&of(json!({})), "rejected", &["empty-record"]);
    check(&of(json!({"first_name": ""})), "rejected", &["empty-record"]);
    check(&of(json!({"sex": "F"})), "skipped", &["no-name"]);
    check(&of(json!({"last_name": 7})), "rejected", &["wrong-type", "unreadable-name"]);
    check(&of(json!({"preferred_name": []})), "rejected", &["wrong-type", "unreadable-name"]);
    check(&of(json!({"middle_name": "Jo", "preferred_email": "jo@example.com"})), "mapped", &[]);
    check(&of(json!({"preferred_name": "Jo", "preferred_email": "jo@example.com"})), "mapped", &[]);
}

#[test]
fn an_adviser_s_address_is_one_or_none() {
    let of = |email: &str| of_row(RecordKind::Adviser, &json!({"id": 1, "first_name": "Noah", "email": email}));
    let verdict = of("noah@example.com");
    check(&verdict, "mapped", &[]);
    let expected = json!({
        "kind": "adviser", "external_id": "1", "first_name": "Noah", "last_name": null, "email": "noah@example.com",
        "active": true,
    });
    assert_eq!(verdict["records"][0], expected);
    for (email, code) in [("noah", "not-an-email"), ("none@none.com", "stands-for-unknown")] {
        let verdict = of(email);
        check(&verdict, "mapped", &[code]);
        assert_eq!(verdict["records"][0]["email"], Value::Null);
    }
}

#[test]
fn people_come_over_by_their_status() {
    let of = |status: Value, kind: Value| {
        let row = json!({"id": 1, "client_status": status, "entity_type": kind, "first_name": "Jo", "preferred_email": "jo@example.com"});
        of_row(RecordKind::Client, &row)
    };
    let check_status = |status: Value, expected: &str, expected_codes: &[&str]| {
        let verdict = of(status, Value::Null);
        check(&verdict, "mapped", expected_codes);
        assert_eq!(verdict["records"][0]["status"], expected);
    };
    check_status(json!(["Client"]), "client", &[]);
    check_status(json!("prospect"), "prospect", &[]);
    check_status(json!(["Contact", "Prospect"]), "prospect", &[]);
    check_status(json!(["Contact"]), "contact", &[]);
    check_status(json!(["Contact", "VIP"]), "contact", &["unknown-status"]);
    check_status(json!(["VIP"]), "client", &["unknown-status", "status-assumed"]);
    check_status(json!([]), "client", &["status-assumed"]);
    check_status(Value::Null, "client", &["status-assumed"]);
    check_status(json!(["Client", 7]), "client", &["wrong-type"]);
    check(&of(json!(["Client", "Archived"]), Value::Null), "skipped", &["status-stays-out"]);
    check(&of(json!(["Deceased"]), Value::Null), "skipped", &["status-stays-out"]);
    for kind in [json!("individual"), json!("Person"), Value::Null, json!("N/A")] {
        let told: &[&str] = if kind == "N/A" { &["stands-for-unknown"] } else { &[] };
        check(&of(json!(["Client"]), kind), "mapped", told);
    }
    for kind in [json!("trust"), json!(3)] {
        check(&of(json!(["Client"]), kind), "skipped", &["not-a-person"]);
    }
}

#[test]
fn a_couple_is_linked_from_either_side() {
    let check = |partner: Value, is_partner: Value, expected: Value, is_one: bool, expected_codes: &[&str]| {
        let fields = json!({
            "first_name": "Jo", "preferred_email": "jo@example.com", "partner_entity_id": partner, "is_partner": is_partner,
        });
        let verdict = mapped(AU, client(&fields, &Value::Null, &Value::Null));
        let record = &verdict["records"][0];
        assert_eq!((&record["partner_external_id"], &record["is_partner"]), (&expected, &json!(is_one)), "{verdict:#}");
        assert_eq!(codes(&verdict), expected_codes, "{verdict:#}");
    };
    check(json!(8), json!(true), json!("8"), true, &[]);
    check(json!(8), json!(false), json!("8"), false, &[]);
    check(Value::Null, Value::Null, Value::Null, false, &[]);
    check(Value::Null, json!(true), Value::Null, true, &["partner-without-link"]);
    check(json!(1), json!(false), Value::Null, false, &["own-partner"]);
    check(json!("1"), json!(true), Value::Null, true, &["own-partner", "partner-without-link"]);
}

#[test]
fn an_address_is_chosen_among_several() {
    let check = |rows: Value, line: &str, expected: &[&str]| {
        let fields = json!({"first_name": "Jo", "preferred_email": "jo@example.com"});
        let verdict = mapped(AU, client(&fields, &Value::Null, &rows));
        assert_eq!(verdict["records"][0]["address_line_1"].as_str().unwrap_or("-"), line, "{verdict:#}");
        assert_eq!(codes(&verdict), expected, "{verdict:#}");
        verdict
    };
    let row = |kind: &str, street: &str, preferred: bool| json!({"type": kind, "street": street, "country": "AU", "preferred": preferred});
    check(json!([]), "-", &[]);
    check(json!([{"type": "home", "preferred": true}]), "-", &[]);
    check(json!([row("postal", "A", false)]), "A", &[]);
    check(json!([row("home", "A", false), row("postal", "B", true)]), "B", &[]);
    let verdict = check(json!([row("postal", "A", false), row("Home", "B", false)]), "B", &["no-preference"]);
    assert!(verdict["diagnostics"][0]["message"].as_str().unwrap().contains("the first residential one was taken"));
    let verdict = check(json!([row("postal", "A", false), row("work", "B", false)]), "A", &["no-preference"]);
    assert!(verdict["diagnostics"][0]["message"].as_str().unwrap().contains("the first one was taken"));
    // A row with nothing in it is none, whatever is ticked.
    check(json!([{"type": "home", "preferred": true}, row("postal", "A", false)]), "A", &[]);
    check(json!([{"suburb": "Carlton", "country": "AU"}]), "-", &[]);
}

#[test]
fn an_address_is_read_part_by_part() {
    let check = |folder: &str, row: Value, field: &str, expected: Value, expected_codes: &[&str]| {
        let fields = json!({"first_name": "Jo", "preferred_email": "jo@example.com"});
        let verdict = mapped(folder, client(&fields, &Value::Null, &json!([row])));
        assert_eq!(verdict["records"][0][field], expected, "{verdict:#}");
        assert_eq!(codes(&verdict), expected_codes, "{verdict:#}");
    };
    let in_country = |country: Value| json!({"street": "1 Low St", "country": country});
    check(AU, in_country(json!("Australia")), "country_code", json!("AU"), &[]);
    check(AU, in_country(json!("Oz")), "country_code", json!("AU"), &[]);
    check(AU, in_country(json!("France")), "country_code", json!("FR"), &[]);
    check(AU, in_country(Value::Null), "country_code", json!("AU"), &["country-assumed"]);
    check(NZ, in_country(json!("")), "country_code", json!("NZ"), &["country-assumed"]);
    check(AU, in_country(json!("Atlantis")), "country_code", Value::Null, &["unknown-country"]);
    check(AU, in_country(json!(7)), "country_code", Value::Null, &["wrong-type"]);
    let in_state = |state: &str, country: &str| json!({"street": "1 Low St", "state": state, "country": country});
    check(AU, in_state("Victoria", "AU"), "state", json!("VIC"), &[]);
    check(AU, in_state("Kent", "AU"), "state", Value::Null, &["unknown-state"]);
    check(AU, in_state("Kent", "GB"), "state", json!("Kent"), &[]);
    check(NZ, in_state("Otago", "NZ"), "state", Value::Null, &["no-states"]);
    check(NZ, in_state("Victoria", "AU"), "state", json!("Victoria"), &[]);
    check(AU, json!({"suburb": "Carlton", "country": "AU"}), "suburb", json!("Carlton"), &[]);
}
