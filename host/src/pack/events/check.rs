//! An event's data held against its type's schema: by the `jsonschema` crate, without files or network. What it finds is told
//! to people in the words of this file, each with the field that it is about and without what was sent.

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{Draft, JsonType, Keyword, ValidationError, Validator};
use serde_json::Value;

use super::EventType;
use super::wrong::Wrong;
use crate::domain::Date;
use crate::domain::field::{FieldError, pointer_to};
use crate::domain::text::{self, is_visible};

/// The most characters of an event's texts together: with what a template sets around them, a file note's body takes them.
const LONGEST_DATA: usize = 80_000;

/// What is said of a member that has to be there and is not.
pub const MISSING: &str = "is missing";

/// The most values in an event's data: several times what any schema allows, so that what is wrong with them fits in
/// memory.
const MOST_VALUES: usize = 10_000;

/// The most errors that an answer lists.
pub(super) const MOST_ERRORS: usize = 50;

/// A schema made ready to check data.
pub(super) struct Check(Validator);

impl Check {
    /// The check by a schema that has events' keywords only.
    ///
    /// # Errors
    /// The place in the file, and why it is no valid schema.
    pub(super) fn new(schema: &Value) -> Result<Self, Wrong> {
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        let options = options.with_keyword("minLength", |_, least, _| Ok(Box::new(VisibleText(least.as_u64()))));
        let options = options.with_format("date", is_day).should_validate_formats(true);
        options.build(schema).map(Self).map_err(|error| {
            let below = error.instance_path().as_str().split('/').filter(|part| !part.is_empty()).map(str::to_owned);
            let place = ["schema".to_owned()].into_iter().chain(below).collect();
            (place, format!("is no valid schema: {}", error.masked()))
        })
    }

    /// All that does not fit in an event's data, up to a bound.
    pub(super) fn errors(&self, schema: &Value, data: &Value) -> Vec<FieldError> {
        let data = cleaned(data.clone());
        let (values, long) = size(&data);
        if values > MOST_VALUES {
            let message = format!("has {values} values in all; an event has at most {MOST_VALUES}");
            return vec![FieldError::new("/data", message)];
        }
        let found = self.0.iter_errors(&data).flat_map(|error| {
            // What is missing has no place in the data: it is told where it would stand in, in the schema's order.
            let whole =
                matches!(error.kind(), Kind::Required { .. }).then(|| format!("/data{}", error.instance_path()));
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
}

impl EventType {
    /// All that does not fit in an event's data, up to a bound; each with its JSON Pointer into the event.
    pub fn data_errors(&self, data: &Value) -> Vec<FieldError> {
        self.check.errors(&self.schema, data)
    }
}

/// Whether a text is a day as RFC 3339 writes it: `2026-03-01`, and in no other of ISO 8601's forms.
fn is_day(text: &str) -> bool {
    text.len() == "2026-03-01".len() && text.as_bytes()[4] == b'-' && text.parse::<Date>().is_ok()
}

/// A place in the data, by which the tenth entry of a list comes behind its second.
fn place(pointer: &str) -> Vec<(Option<usize>, String)> {
    pointer.split('/').map(|part| (part.parse().ok(), part.to_owned())).collect()
}

/// An event's data as it is kept: without the characters that nobody sees and no document can be set with.
pub fn cleaned(data: Value) -> Value {
    match data {
        Value::String(given) => Value::String(text::lines(&given).into_owned()),
        Value::Array(items) => items.into_iter().map(cleaned).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, cleaned(value))).collect(),
        other => other,
    }
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
                MISSING,
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
            match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
                (Some(from), Some(to)) => format!("must be a number from {from} to {to}"),
                (Some(from), None) => format!("must be a number from {from} on"),
                (_, to) => format!("must be a number up to {}", to.unwrap_or_default()),
            }
        }
        Kind::Enum { options } => {
            let choices: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            format!("must be one of: {}", choices.join(", "))
        }
        Kind::Format { .. } => "must be a day such as 2026-03-01".to_owned(),
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
