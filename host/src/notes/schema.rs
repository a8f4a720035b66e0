//! What an event's data must look like, by its type: `events.json`, which is the documentation, too.
//!
//! The schemas are JSON Schema (draft 2020-12) in the keywords below and no others.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{Misfit, NotesError};
use crate::domain::text::{self, is_visible};

static SCHEMAS: LazyLock<BTreeMap<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("events.json")).expect("a test reads the file"));

/// The most characters of an event's texts together: with what a template sets around them, a file note's body takes them.
const LONGEST_DATA: usize = 80_000;

/// The JSON Schema of each event type's data.
pub fn event_schemas() -> &'static BTreeMap<String, Value> {
    &SCHEMAS
}

/// Whether an event's note carries documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DocumentRule {
    /// None.
    None,
    /// If the sender gives any.
    Optional,
    /// At least one: a note without it would be worse than none.
    Required,
}

/// Whether the note of this type of event carries documents.
pub fn document_rule(event_type: &str) -> DocumentRule {
    match event_type {
        "best-life-plan.exported" | "investment-preferences.exported" => DocumentRule::Required,
        "note.written" => DocumentRule::Optional,
        _ => DocumentRule::None,
    }
}

/// The most misfits that an answer lists.
const MOST_TOLD: usize = 50;

/// All that is wrong with an event's type and data, up to a bound: the data is checked against the type's schema.
pub fn data_misfits(event_type: &str, data: &Value) -> Vec<Misfit> {
    let Some(schema) = SCHEMAS.get(event_type) else {
        let known = SCHEMAS.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return vec![misfit("/type", format!("`{event_type}` is no event known here; there are: {known}"))];
    };
    let data = cleaned(data.clone());
    let mut misfits = Misfits(Vec::new());
    misfits.check(schema, &data, "/data");
    let long = characters(&data);
    if misfits.0.is_empty() && long > LONGEST_DATA {
        misfits.tell("/data", format!("has {long} characters in all; a file note takes at most {LONGEST_DATA}"));
    }
    misfits.0.truncate(MOST_TOLD);
    misfits.0
}

/// An event's data as it is kept: without the characters that nobody sees and no document can be set with.
pub(super) fn cleaned(data: Value) -> Value {
    match data {
        Value::String(given) => Value::String(text::lines(&given).into_owned()),
        Value::Array(items) => items.into_iter().map(cleaned).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, cleaned(value))).collect(),
        other => other,
    }
}

/// One part that does not fit.
pub(super) fn misfit(field: &str, message: impl Into<String>) -> Misfit {
    Misfit { field: field.to_owned(), message: message.into() }
}

/// An event of which one part does not fit.
pub(super) fn invalid(field: &str, message: String) -> NotesError {
    NotesError::Invalid(vec![misfit(field, message)])
}

/// What was found so far.
struct Misfits(Vec<Misfit>);

impl Misfits {
    fn tell(&mut self, at: &str, message: impl Into<String>) {
        self.0.push(Misfit { field: at.to_owned(), message: message.into() });
    }

    fn check(&mut self, schema: &Value, value: &Value, at: &str) {
        match (schema["type"].as_str(), value) {
            (Some("object"), Value::Object(members)) => self.check_object(schema, members, at),
            (Some("array"), Value::Array(items)) => {
                self.check_size(schema, ("minItems", "maxItems"), items.len(), "entries", at);
                for (index, item) in items.iter().enumerate() {
                    self.check(&schema["items"], item, &format!("{at}/{index}"));
                }
            }
            (Some("string"), Value::String(text)) => {
                let fits = self.check_size(schema, ("minLength", "maxLength"), text.chars().count(), "characters", at);
                // A file note drops what cannot be seen, and would be empty there.
                if fits && schema["minLength"].as_u64() > Some(0) && !text.contains(is_visible) {
                    self.tell(at, "must have text that can be seen");
                }
            }
            (Some("number"), Value::Number(number)) => {
                let (from, to) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
                let number = number.as_f64().unwrap_or(f64::NAN);
                if from.is_some_and(|from| number < from) || to.is_some_and(|to| number > to) || number.is_nan() {
                    let [from, to] = [from, to].map(|bound| bound.unwrap_or(f64::INFINITY));
                    self.tell(at, format!("must be a number from {from} to {to}"));
                }
            }
            (wanted, _) => self.tell(at, format!("must be {}", wanted.map_or("absent", article))),
        }
    }

    fn check_object(&mut self, schema: &Value, members: &Map<String, Value>, at: &str) {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in required.filter(|name| !members.contains_key(*name)) {
            self.tell(&pointer(at, name), "is missing");
        }
        for (name, value) in members {
            match schema["properties"].get(name) {
                Some(schema) => self.check(schema, value, &pointer(at, name)),
                None => self.tell(&pointer(at, name), "is not known; remove it"),
            }
        }
    }

    /// Answers whether the size fits.
    fn check_size(&mut self, schema: &Value, (least, most): (&str, &str), size: usize, of: &str, at: &str) -> bool {
        let bound = |name: &str| schema[name].as_u64().and_then(|bound| usize::try_from(bound).ok());
        if let Some(least) = bound(least).filter(|least| size < *least) {
            let words = match (least, of) {
                (1, "characters") => "must not be empty".to_owned(),
                (1, _) => "must have at least one entry".to_owned(),
                _ => format!("must have at least {least} {of}"),
            };
            self.tell(at, words);
            return false;
        }
        if let Some(most) = bound(most).filter(|most| size > *most) {
            self.tell(at, format!("must have at most {most} {of}, and has {size}"));
            return false;
        }
        true
    }
}

/// Characters of all texts.
fn characters(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.iter().map(characters).sum(),
        Value::Object(members) => members.values().map(characters).sum(),
        _ => 0,
    }
}

/// A member's JSON Pointer (RFC 6901).
fn pointer(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn article(kind: &str) -> &str {
    match kind {
        "object" => "an object",
        "array" => "a list",
        "string" => "a text",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn surveys() {
        let check = |data: Value, expected: Option<(&str, &str)>| {
            let misfits = data_misfits("your-life-survey.completed", &data);
            let found: Vec<_> = misfits.iter().map(|one| (one.field.as_str(), one.message.as_str())).collect();
            assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{data}");
        };
        let good = json!({"score": 72, "goals": ["Retire at 60"], "dimensions": [{"name": "Money", "percent": 65.5}]});
        check(good.clone(), None);
        check(json!({"score": 0, "goals": [], "dimensions": []}), None);
        let with = |pointer: &str, value: Value| {
            let mut data = good.clone();
            *data.pointer_mut(pointer).unwrap() = value;
            data
        };
        check(Value::Null, Some(("/data", "must be an object")));
        check(with("/score", json!(101)), Some(("/data/score", "must be a number from 0 to 100")));
        check(with("/score", json!("72")), Some(("/data/score", "must be a number")));
        check(with("/goals", json!("Retire")), Some(("/data/goals", "must be a list")));
        check(with("/goals/0", json!("")), Some(("/data/goals/0", "must not be empty")));
        for blank in [" \t", "\u{202e}\u{200b}"] {
            check(with("/goals/0", json!(blank)), Some(("/data/goals/0", "must have text that can be seen")));
        }
        // Control characters are taken out first.
        check(with("/goals/0", json!("\u{7}")), Some(("/data/goals/0", "must not be empty")));
        let long = json!("ā".repeat(501));
        check(with("/goals/0", long), Some(("/data/goals/0", "must have at most 500 characters, and has 501")));
        let percent = ("/data/dimensions/0/percent", "must be a number from 0 to 100");
        check(with("/dimensions/0/percent", json!(-1)), Some(percent));
        check(with("/dimensions/0", json!({"name": "x"})), Some(("/data/dimensions/0/percent", "is missing")));
        let mut odd = good.clone();
        odd["a/b"] = json!(1);
        check(odd, Some(("/data/a~1b", "is not known; remove it")));
    }

    #[test]
    fn all_that_is_wrong_is_told_up_to_a_bound() {
        let said = |data: Value| data_misfits("your-life-survey.completed", &data);
        let wrong = json!({"score": 101, "goals": ["", 7], "dimensions": [{"percent": 250}], "mood": "good"});
        let misfits = said(wrong);
        let fields: Vec<&str> = misfits.iter().map(|misfit| misfit.field.as_str()).collect();
        let expected = ["/dimensions/0/name", "/dimensions/0/percent", "/goals/0", "/goals/1", "/mood", "/score"]
            .map(|at| format!("/data{at}"));
        assert_eq!(fields, expected);
        let many = json!({"score": 1, "goals": vec![7; 500], "dimensions": []});
        assert_eq!(said(many).len(), MOST_TOLD);
    }

    #[test]
    fn more_than_a_note_takes_is_refused() {
        let answers = |count: usize| {
            let answer = json!({ "question": "ā".repeat(1000), "response": "x".repeat(4000) });
            data_misfits("investment-preferences.completed", &json!({ "answers": vec![answer; count] }))
        };
        assert_eq!(answers(16), []);
        let said = answers(17);
        assert!(said[0].field == "/data" && said[0].message.starts_with("has 85000 characters"), "{said:?}");
    }

    #[test]
    fn an_unknown_type_is_told_the_known_ones() {
        let said = data_misfits("survey.completed", &json!({}));
        assert!(said[0].field == "/type" && said[0].message.contains("your-life-survey.completed"), "{said:?}");
    }

    /// A keyword that the check does not know would promise what nobody keeps.
    #[test]
    fn every_keyword_is_checked() {
        fn visit(schema: &Value) {
            let known = ["description", "type", "additionalProperties", "required", "properties", "items", "minItems"];
            let known =
                [&known[..], &["maxItems", "minLength", "maxLength", "minimum", "maximum", "examples"]].concat();
            for (keyword, value) in schema.as_object().unwrap() {
                assert!(known.contains(&keyword.as_str()), "{keyword}");
                match keyword.as_str() {
                    "properties" => value.as_object().unwrap().values().for_each(visit),
                    "items" => visit(value),
                    _ => {}
                }
            }
            assert!(schema["type"] != "object" || schema["additionalProperties"] == false, "{schema}");
        }
        event_schemas().values().for_each(visit);
    }

    #[test]
    fn every_type_has_an_example_that_fits() {
        for (event_type, schema) in event_schemas() {
            let examples = schema["examples"].as_array().unwrap();
            assert!(!examples.is_empty(), "{event_type}");
            examples.iter().for_each(|example| assert_eq!(data_misfits(event_type, example), []));
        }
    }
}
