//! Telling of text that cannot be read: a record that holds U+FFFD lost something on its way, here, in the CRM, or before
//! that. It follows from the record alone, so that whoever maps it again tells the same.

use std::borrow::Cow;

use memchr::memmem;
use serde_json::Value;

use crate::crm::repair::{UNREADABLE, UNREADABLE_VALUE};
use crate::domain::{Diagnostic, Severity};

/// Places that are named at most.
const MOST: usize = 5;

/// A warning with the places where something cannot be read; none where everything can. Lists of the site itself are
/// nobody's record.
pub(super) fn found(json: &[u8]) -> Option<Diagnostic> {
    memmem::find(json, UNREADABLE.as_bytes())?;
    let record: Value = serde_json::from_slice(json).unwrap_or_default();
    let mut places = Vec::new();
    if let Value::Object(parts) = &record {
        let of_record = parts.iter().filter(|(name, _)| !name.starts_with('/'));
        of_record.for_each(|(name, part)| look(part, &format!("/{name}"), &mut places));
    }
    let more = places.len().saturating_sub(MOST);
    let named = places.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    let places = match (places.len(), more) {
        (0, _) if !record.is_null() => return None,
        (0, _) => "a place that is not known".to_owned(),
        (_, 0) => named,
        (_, more) => format!("{named} and {more} more"),
    };
    let message = format!(
        "The CRM sent something that cannot be read at {places}; it is left out, or shown as \u{fffd}. Type it anew in the CRM."
    );
    Some(Diagnostic { severity: Severity::Warning, field: None, code: "text-repaired".to_owned(), message })
}

/// The record as the mapping takes it: null in place of values that could not be read as a whole.
pub(super) fn with_nulls(json: &[u8]) -> Cow<'_, [u8]> {
    let mut nulled = Vec::new();
    let mut kept = 0;
    for at in memmem::find_iter(json, UNREADABLE_VALUE.as_bytes()) {
        let end = at + UNREADABLE_VALUE.len();
        let is_name = json[end..].trim_ascii_start().starts_with(b":");
        // Behind a backslash it is the end of a longer text.
        if !is_name && !json[..at].ends_with(b"\\") {
            nulled.extend_from_slice(&json[kept..at]);
            nulled.extend_from_slice(b"null");
            kept = end;
        }
    }
    if kept == 0 {
        return json.into();
    }
    nulled.extend_from_slice(&json[kept..]);
    nulled.into()
}

fn look(value: &Value, place: &str, places: &mut Vec<String>) {
    match value {
        Value::String(text) if text.contains(UNREADABLE) => places.push(place.to_owned()),
        Value::Array(values) => {
            values.iter().enumerate().for_each(|(at, value)| look(value, &format!("{place}/{at}"), places));
        }
        Value::Object(members) => {
            for (name, value) in members {
                if name.contains(UNREADABLE) {
                    places.push(place.to_owned());
                }
                look(value, &format!("{place}/{name}"), places);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_cannot_be_read_is_null_for_the_mapping() {
        let check = |json: &str, expected: Option<&str>| {
            assert_eq!(*with_nulls(json.as_bytes()), *expected.unwrap_or(json).as_bytes(), "{json}");
        };
        check("{\"a\":\"\u{fffd}\",\"b\":[\"\u{fffd}\",1]}", Some(r#"{"a":null,"b":[null,1]}"#));
        check("{\"\u{fffd}\" : 1,\"a\":\"Ren\u{fffd}\",\"b\":\"\\\"\u{fffd}\"}", None);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        let check = |json: &str, expected: Option<&str>| {
            let found = found(json.as_bytes()).map(|diagnostic| diagnostic.message);
            let is_as_expected = match (&found, expected) {
                (Some(found), Some(expected)) => found.contains(&format!("at {expected};")),
                (found, expected) => found.is_none() == expected.is_none(),
            };
            assert!(is_as_expected, "{json}: {found:?}");
        };
        check(r#"{"row":{"id":7}}"#, None);
        check("{\"row\":{\"fields\":{\"first_name\":\"Ren\u{fffd}\"}}}", Some("/row/fields/first_name"));
        check("{\"row\":{},\"address\":[{},{\"street\":\"\u{fffd}\"}]}", Some("/address/1/street"));
        check("{\"goals\":[],\"/choices\":[\"\u{fffd}\"]}", None);
        check(
            "{\"row\":[\"\u{fffd}\",\"\u{fffd}\",\"\u{fffd}\",\"\u{fffd}\",\"\u{fffd}\",\"\u{fffd}\"]}",
            Some("/row/0, /row/1, /row/2, /row/3, /row/4 and 1 more"),
        );
        check("\u{fffd}", Some("a place that is not known"));
    }
}
