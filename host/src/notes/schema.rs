//! The shape that an event's data must have, by its type: `events.json`, which is the documentation, too.
//!
//! The schemas are JSON Schema (draft 2020-12), checked by the `jsonschema` crate; what it finds is told to people in the
//! words of this file, each with the field that it is about and without what was sent.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Draft, JsonType, Keyword, ValidationError, Validator};
use serde_json::Value;

use super::NotesError;
use crate::domain::field::{FieldError, pointer_to};
use crate::domain::text::{self, is_visible};

static SCHEMAS: LazyLock<BTreeMap<String, Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("events.json")).expect("a test reads the file"));

/// The schemas made ready to check data, by event type.
static VALIDATORS: LazyLock<BTreeMap<&str, Validator>> = LazyLock::new(|| {
    let validator = |schema| {
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        let options = options.with_keyword("minLength", |_, least, _| Ok(Box::new(VisibleText(least.as_u64()))));
        options.build(schema).expect("a test reads the schemas")
    };
    SCHEMAS.iter().map(|(event_type, schema)| (event_type.as_str(), validator(schema))).collect()
});

/// The most characters of an event's texts together: with what a template sets around them, a file note's body takes them.
const LONGEST_DATA: usize = 80_000;

/// The most values in an event's data: several times what any schema allows, so that what is wrong with them fits in
/// memory.
const MOST_VALUES: usize = 10_000;

/// The JSON Schema of each event type's data.
pub fn event_schemas() -> &'static BTreeMap<String, Value> {
    &SCHEMAS
}

/// Whether an event's note carries documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DocumentRule {
    /// The note carries no documents.
    None,
    /// The note carries documents if the sender gives any.
    Optional,
    /// The note carries at least one document: without it, it would be worse than none.
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

/// The most errors that an answer lists.
const MOST_ERRORS: usize = 50;

/// All that is wrong with an event's type and data, up to a bound: the data is checked against the type's schema.
pub fn data_errors(event_type: &str, data: &Value) -> Vec<FieldError> {
    let (Some(schema), Some(validator)) = (SCHEMAS.get(event_type), VALIDATORS.get(event_type)) else {
        let known = SCHEMAS.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        return vec![FieldError::new("/type", format!("`{event_type}` is no event known here; there are: {known}"))];
    };
    let data = cleaned(data.clone());
    let (values, long) = size(&data);
    if values > MOST_VALUES {
        return vec![FieldError::new(
            "/data",
            format!("has {values} values in all; an event has at most {MOST_VALUES}"),
        )];
    }
    let found = validator.iter_errors(&data).flat_map(|error| {
        // What is missing has no place in the data: it is told where it would stand in, in the schema's order.
        let whole = matches!(error.kind(), Kind::Required { .. }).then(|| format!("/data{}", error.instance_path()));
        field_errors(schema, &error)
            .into_iter()
            .map(move |error| (place(whole.as_ref().unwrap_or(&error.field)), error))
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut errors: Vec<FieldError> = found.into_iter().map(|(_, error)| error).collect();
    if errors.is_empty() && long > LONGEST_DATA {
        let message = format!("has {long} characters in all; a file note takes at most {LONGEST_DATA}");
        errors.push(FieldError::new("/data", message));
    }
    errors.truncate(MOST_ERRORS);
    errors
}

/// A place in the data, by which the tenth entry of a list comes behind its second.
fn place(pointer: &str) -> Vec<(Option<usize>, String)> {
    pointer.split('/').map(|part| (part.parse().ok(), part.to_owned())).collect()
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

/// An event of which one part does not fit.
pub(super) fn invalid(field: &str, message: String) -> NotesError {
    NotesError::Invalid(vec![FieldError::new(field, message)])
}

/// `minLength`, for texts that end in a file note: it drops what cannot be seen, and would be empty there.
struct VisibleText(Option<u64>);

impl<'i> Keyword<'i> for VisibleText {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        let (Value::String(text), Some(least @ 1..)) = (instance, self.0) else { return Ok(()) };
        if (text.chars().count() as u64) < least {
            return Err(ValidationError::custom(match least {
                1 => "must not be empty".to_owned(),
                _ => format!("must have at least {least} characters"),
            }));
        }
        let is_seen = text.contains(is_visible);
        if is_seen { Ok(()) } else { Err(ValidationError::custom("must have text that can be seen")) }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.validate(instance).is_ok()
    }
}

/// The field errors of what the check found, for whoever sent the event.
fn field_errors(schema: &Value, error: &ValidationError<'_>) -> Vec<FieldError> {
    let at = format!("/data{}", error.instance_path());
    let message = match error.kind() {
        Kind::Required { property } => {
            return vec![FieldError::new(
                &format!("{at}{}", pointer_to(property.as_str().unwrap_or_default())),
                "is missing",
            )];
        }
        Kind::AdditionalProperties { unexpected } => {
            return unexpected
                .iter()
                .map(|name| FieldError::new(&format!("{at}{}", pointer_to(name)), "is not known; remove it"))
                .collect();
        }
        Kind::Type { kind: TypeKind::Single(kind) } => format!("must be {}", with_article(*kind)),
        Kind::Minimum { .. } | Kind::Maximum { .. } => {
            let path = error.schema_path().as_str();
            let schema = path.rsplit_once('/').and_then(|(number, _)| schema.pointer(number)).unwrap_or(&Value::Null);
            let bound = |name: &str, none: f64| schema[name].as_f64().unwrap_or(none);
            let (from, to) = (bound("minimum", f64::NEG_INFINITY), bound("maximum", f64::INFINITY));
            format!("must be a number from {from} to {to}")
        }
        Kind::MinItems { limit: 1 } => "must have at least one entry".to_owned(),
        Kind::MinItems { limit } => format!("must have at least {limit} entries"),
        Kind::MaxItems { limit } => {
            let entries = error.instance().as_array().map_or(0, Vec::len);
            format!("must have at most {limit} entries, and has {entries}")
        }
        Kind::MaxLength { limit } => {
            let characters = error.instance().as_str().map_or(0, |text| text.chars().count());
            format!("must have at most {limit} characters, and has {characters}")
        }
        Kind::Custom { message, .. } => message.clone(),
        // In the library's words, without the value: it may be personal.
        _ => error.masked().to_string(),
    };
    vec![FieldError::new(&at, message)]
}

/// The number of values within a value, itself included, and of characters in all their texts.
fn size(value: &Value) -> (usize, usize) {
    let sum = |(values, long): (usize, usize), of: &Value| {
        let (more, longer) = size(of);
        (values + more, long + longer)
    };
    match value {
        Value::String(text) => (1, text.chars().count()),
        Value::Array(items) => items.iter().fold((1, 0), sum),
        Value::Object(members) => members.values().fold((1, 0), sum),
        _ => (1, 0),
    }
}

fn with_article(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Object => "an object",
        JsonType::Array => "a list",
        JsonType::String => "a text",
        JsonType::Number => "a number",
        JsonType::Integer => "a whole number",
        JsonType::Boolean => "true or false",
        JsonType::Null => "null",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn surveys() {
        let check = |data: Value, expected: Option<(&str, &str)>| {
            let errors = data_errors("your-life-survey.completed", &data);
            let found: Vec<_> = errors.iter().map(|one| (one.field.as_str(), one.message.as_str())).collect();
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
        let said = |data: Value| data_errors("your-life-survey.completed", &data);
        let wrong = json!({"score": 101, "goals": ["", 7], "dimensions": [{"percent": 250}], "mood": "good"});
        let errors = said(wrong);
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        let expected = ["/dimensions/0/name", "/dimensions/0/percent", "/goals/0", "/goals/1", "/mood", "/score"]
            .map(|at| format!("/data{at}"));
        assert_eq!(fields, expected);
        let many = json!({"score": 1, "goals": vec![7; 500], "dimensions": []});
        assert_eq!(said(many).len(), MOST_ERRORS);
    }

    #[test]
    fn more_than_a_note_takes_is_refused() {
        let answers = |count: usize| {
            let answer = json!({ "question": "ā".repeat(1000), "response": "x".repeat(4000) });
            data_errors("investment-preferences.completed", &json!({ "answers": vec![answer; count] }))
        };
        assert_eq!(answers(16), []);
        let said = answers(17);
        assert!(said[0].field == "/data" && said[0].message.starts_with("has 85000 characters"), "{said:?}");
    }

    #[test]
    fn an_unknown_type_is_told_the_known_ones() {
        let said = data_errors("survey.completed", &json!({}));
        assert!(said[0].field == "/type" && said[0].message.contains("your-life-survey.completed"), "{said:?}");
    }

    /// A sender is told of an error in this file's words, whatever keyword of the schemas did not fit.
    #[test]
    fn every_keyword_has_its_words() {
        fn visit(schema: &Value) {
            let told = ["type", "additionalProperties", "required", "minItems", "maxItems", "minLength", "maxLength"];
            let silent = ["description", "examples", "properties", "items"];
            let known = [&told[..], &["minimum", "maximum"], &silent].concat();
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
    fn data_of_very_many_values_is_refused_whole() {
        let said = |count: usize| {
            data_errors("your-life-survey.completed", &json!({"score": 1, "goals": vec![7; count], "dimensions": []}))
        };
        assert_eq!(said(MOST_VALUES - 4).len(), MOST_ERRORS);
        let refused = said(MOST_VALUES - 3);
        assert!(refused.len() == 1 && refused[0].message.starts_with("has 10001 values in all"), "{refused:?}");
    }

    #[test]
    fn lists_are_told_their_entries_in_order() {
        let survey = |goals: Vec<Value>| {
            let said =
                data_errors("your-life-survey.completed", &json!({"score": 1, "goals": goals, "dimensions": []}));
            said.into_iter().map(|one| format!("{} {}", one.field, one.message)).collect::<Vec<_>>()
        };
        let expected: Vec<String> = (0..12).map(|at| format!("/data/goals/{at} must be a text")).collect();
        assert_eq!(survey(vec![json!(7); 12]), expected);
        let many = survey(vec![json!("Retire"); 101]);
        assert_eq!(many, ["/data/goals must have at most 100 entries, and has 101"]);
        let none = data_errors("values-session.completed", &json!({"clients": []}));
        assert_eq!(
            (none[0].field.as_str(), none[0].message.as_str()),
            ("/data/clients", "must have at least one entry")
        );
    }

    #[test]
    fn every_type_has_an_example_that_fits() {
        for (event_type, schema) in event_schemas() {
            let examples = schema["examples"].as_array().unwrap();
            assert!(!examples.is_empty(), "{event_type}");
            examples.iter().for_each(|example| assert_eq!(data_errors(event_type, example), []));
        }
    }
}
