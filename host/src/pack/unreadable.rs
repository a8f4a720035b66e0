//! Telling of text that cannot be read: a record that holds U+FFFD lost something on its way, here, in the CRM, or before
//! that. It follows from the record alone, so that whoever maps it again tells the same.

use memchr::memmem;
use serde_json::Value;

use crate::crm::repair::UNREADABLE;
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
        "The CRM sent something that cannot be read at {places}; it is shown as \u{fffd}. Type the text anew in the CRM."
    );
    Some(Diagnostic { severity: Severity::Warning, field: None, code: "text-repaired".to_owned(), message })
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
