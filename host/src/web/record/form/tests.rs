use jiff::tz::TimeZone;
use serde_json::json;

use super::super::values::{cell, number};
use super::*;
use crate::pack::events::FieldKind;
use crate::pack::events::shipped;
use crate::web::tests::couple;

fn clock() -> Clock {
    Clock { now: "2026-11-22T00:14:00Z".parse().unwrap(), zone: TimeZone::get("Australia/Sydney").unwrap() }
}

fn kind(name: &str) -> Arc<EventType> {
    Arc::clone(shipped("xplan-au").get(name).unwrap())
}

const SURVEY: &str = "your-life-survey.completed";
const VALUES: &str = "values-session.completed";
const NOTE: &str = "note.written";

fn filled(name: &str, pairs: &[(&str, &str)]) -> Result<Event, Vec<(String, String)>> {
    let pairs: Vec<(String, String)> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    Filled::of(kind(name), &couple(), &pairs).event(&couple(), &clock())
}

#[test]
fn a_survey_with_its_rows() {
    let pairs = [
        ("occurred", "2026-11-22T11:14"),
        ("about", ""),
        ("data.score", "72,5 %"),
        ("data.goals", "Retire at 60"),
        ("data.goals", " "),
        ("data.goals", "Travel"),
        ("data.dimensions.name", ""),
        ("data.dimensions.percent", ""),
        ("data.dimensions.name", "Money"),
        ("data.dimensions.percent", "65"),
    ];
    let event = filled(SURVEY, &pairs).unwrap();
    assert_eq!(event.occurred_at, clock().now);
    let expected = json!({
        "score": 72.5,
        "goals": ["Retire at 60", "Travel"],
        "dimensions": [{ "name": "Money", "percent": 65 }],
    });
    assert_eq!((event.data, event.client_id), (expected, None));
}

#[test]
fn what_the_form_has_not_is_refused() {
    let check = |name: &str, names: &[&str], expected: Result<(), &str>| {
        let pairs: Vec<(String, String)> = names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
        let found = Filled::of(kind(name), &couple(), &pairs).check_parts(&pairs).map_err(|error| error.to_string());
        match (&found, expected) {
            (Ok(()), Ok(())) => {}
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            _ => panic!("{names:?}: {found:?}"),
        }
    };
    let (goals, name, percent) = ("data.goals", "data.dimensions.name", "data.dimensions.percent");
    check(NOTE, &["key", "occurred", "about", "data.subject", "data.body", "document", "document", "add"], Ok(()));
    check(SURVEY, &["data.score", goals, goals, name, percent, name, percent], Ok(()));
    let value = "data.clients.1.values";
    check(VALUES, &["data.clients.0.progress", "data.clients.1.progress", value, value], Ok(()));
    check(NOTE, &["data.subject", "data.bdoy"], Err("a part `data.bdoy`, and its parts are `key`, `add`, `occurred`"));
    check(NOTE, &["data.body", "data.body"], Err("more than one part `data.body`"));
    check(VALUES, &["data.clients.2.values"], Err("a part `data.clients.2.values`"));
    check(VALUES, &["data.clients.0.name"], Err("a part `data.clients.0.name`"));
    check(VALUES, &["about"], Err("a part `about`"));
    check(SURVEY, &["document"], Err("a part `document`"));
}

#[test]
fn a_session_with_one_of_two_is_about_that_one() {
    let pairs = [
        ("occurred", "2026-11-22T11:14"),
        ("data.clients.0.progress", ""),
        ("data.clients.1.progress", "40"),
        ("data.clients.1.values", "Family"),
        ("data.clients.1.values", ""),
    ];
    let event = filled(VALUES, &pairs).unwrap();
    let people = couple().people;
    assert_eq!(event.client_id, Some(people[1].id));
    let name = people[1].client.full_name();
    assert_eq!(event.data, json!({ "clients": [{ "name": name, "progress": 40, "values": ["Family"] }] }));
}

#[test]
fn what_cannot_be_read_is_told_at_its_field() {
    let wrong = filled(NOTE, &[("occurred", "yesterday"), ("about", "somebody")]).unwrap_err();
    let places: Vec<&str> = wrong.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["/occurred_at", "/client_id", "/data/body", "/data/subject"]);
    let event = filled(SURVEY, &[("occurred", "2026-11-22T11:14"), ("data.score", "many")]).unwrap();
    assert_eq!(event.data["score"], "many", "which does not fit, and is told by the schema");
}

#[test]
fn numbers_are_read_as_people_type_them() {
    let check = |typed: &str, expected: Value| assert_eq!(number(typed), expected, "{typed}");
    check("72", json!(72));
    check("72,5 %", json!(72.5));
    check("72.5", json!(72.5));
    check("1,250", json!(1250));
    check("-1,250,000.50", json!(-1_250_000.5));
    check("0,125", json!(0.125));
    check("1250,50", json!(1250.5));
    check("1.250,50", json!(1250.5));
    check("1 250", json!(1250));
    check("1\u{a0}250,5", json!(1250.5));
    check("12.345.678", json!(12_345_678));
    check(".5", json!(0.5));
    check("-1 250,5", json!(-1250.5));
    for odd in
        ["", "-", ".", "1.5e3", "1.5e", "12 34", "5 10", "many", "1,25,000", "1,2,3", "1.2.3", "R 12", "NaN", "inf"]
    {
        check(odd, json!(odd));
    }
}

/// What nobody filled in is left out where it may be, and missing where it may not.
#[test]
fn fields_of_every_kind_become_data() {
    let fields = |is_required| {
        move |kind: FieldKind| Field {
            name: "x".to_owned(),
            label: "X".to_owned(),
            help: String::new(),
            kind,
            is_required,
        }
    };
    let check = |kind: FieldKind, typed: &str, optional: Option<Value>, required: Option<Value>| {
        let found = [false, true].map(|is_required| cell(typed, &fields(is_required)(kind.clone())));
        assert_eq!(found, [optional, required], "{kind:?} {typed:?}");
    };
    let text = |text: &str| Some(json!(text));
    check(FieldKind::Text, "", None, text(""));
    check(FieldKind::Lines(4), "a\nb", text("a\nb"), text("a\nb"));
    check(FieldKind::Number, "", None, None);
    check(FieldKind::Number, "1,5", Some(json!(1.5)), Some(json!(1.5)));
    check(FieldKind::Date, "", None, None);
    check(FieldKind::Date, "2026-03-01", text("2026-03-01"), text("2026-03-01"));
    check(FieldKind::Flag, "", None, None);
    check(FieldKind::Flag, "No", Some(json!(false)), Some(json!(false)));
    check(FieldKind::Flag, "perhaps", text("perhaps"), text("perhaps"));
    check(FieldKind::Choice(Vec::new()), "", None, None);
    check(FieldKind::Choice(Vec::new()), "good", text("good"), text("good"));
}
