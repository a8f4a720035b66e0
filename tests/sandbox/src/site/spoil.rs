//! Faults of a page of rows, of an answer's text or of a batch's answers: made from the right page, so that everything else about it stays true.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::answer::Answer;
use super::query::{Query, bookmark};
use crate::faults::{Fault, Rule};

/// The page as these rules spoil it; an answer that is no page stays as it is. A row that no rule is about keeps its
/// text to the byte: a reader who takes fingerprints sees that it is the one it was.
pub(super) fn page(answer: Answer, rules: &[Rule], query: Query<'_>) -> Answer {
    let Ok(mut rows) = serde_json::from_slice::<Vec<Box<RawValue>>>(&answer.body) else {
        return answer;
    };
    for rule in rules {
        match rule.fault {
            Fault::BookmarkLoop => {
                // What leads to this very page: the bookmark it was asked by, or the one before every row.
                let here = query.raw("page_bookmark").map_or_else(|| bookmark(0), str::to_owned);
                rows.iter_mut().for_each(|row| change(row, |row| row["bookmark"] = json!(here)));
            }
            // Where no bookmark leads to the rest, there is no page that could be short.
            Fault::ShortPage if rows.last().is_none_or(|row| !row.get().contains("\"bookmark\"")) => {}
            Fault::ShortPage => rows.truncate(rows.len().div_ceil(2)),
            Fault::RepeatedRow => rows.extend(repeated(&rows)),
            fault => {
                if let Some(row) = rows.first_mut() {
                    change(row, |row| spoil_row(row, fault));
                }
            }
        }
    }
    Answer { body: Answer::of(&rows).body, ..answer }
}

/// Changes one row.
fn change(row: &mut Box<RawValue>, to: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_str(row.get()).unwrap_or_default();
    to(&mut value);
    if let Ok(text) = RawValue::from_string(value.to_string()) {
        *row = text;
    }
}

/// The first row again, with the bookmark of the last, so that the next page begins where it should. The rest of it keeps
/// its text: a reader who takes fingerprints sees the record that it is.
fn repeated(rows: &[Box<RawValue>]) -> Option<Box<RawValue>> {
    let bookmark = |row: &RawValue| Some(serde_json::from_str::<Value>(row.get()).ok()?["bookmark"].to_string());
    let first = rows.first()?;
    let again = first.get().replacen(&bookmark(first)?, &bookmark(rows.last()?)?, 1);
    RawValue::from_string(again).ok()
}

fn spoil_row(row: &mut Value, fault: Fault) {
    match fault {
        Fault::WrongTypes => spoil_values(row),
        Fault::NullValues => {
            let fields = row.get_mut("fields").and_then(Value::as_object_mut);
            fields.into_iter().flatten().for_each(|(_, value)| *value = Value::Null);
        }
        Fault::OtherFields => row["fields"] = json!({ "shoe_size": 42, "nested": { "deep": [[[]]] } }),
        Fault::NoId => row["id"] = Value::Null,
        Fault::HugeRow => row["fields"]["first_name"] = json!("x".repeat(2 << 20)),
        _ => {}
    }
}

/// A batch's answers as these rules spoil them.
pub(super) fn batch(answer: Answer, rules: &[Rule]) -> Answer {
    let Ok(mut items) = serde_json::from_slice::<Vec<Value>>(&answer.body) else {
        return answer;
    };
    for rule in rules {
        match rule.fault {
            Fault::BatchReversed => items.reverse(),
            _ => drop(items.pop()),
        }
    }
    Answer { body: Answer::of(&items).body, ..answer }
}

/// An answer whose first text (among its fields, where it has any) is damaged; one without a text stays as it is.
pub(super) fn text(answer: Answer, fault: Fault) -> Answer {
    let body = &answer.body;
    let find =
        |part: &[u8], from: usize| body[from..].windows(part.len()).position(|here| here == part).map(|at| from + at);
    let fields = find(b"\"fields\":{", 0).map_or(0, |at| at + 10);
    // Not a bookmark: whoever damages that ends every walk.
    let mut at = fields;
    let (colon, key) = loop {
        let Some(colon) = find(b"\":\"", at) else { return answer };
        let key = body[..colon].iter().rposition(|byte| *byte == b'"').unwrap_or_default();
        if !body[key..colon].eq_ignore_ascii_case(b"\"bookmark") {
            break (colon, key);
        }
        at = colon + 3;
    };
    let value = colon + 3;
    let end = find(b"\"", value).map_or(value, |at| at + 1);
    let huge = "x".repeat(2 << 20);
    let again = [b",", &body[key..end]].concat();
    let (place, more): (usize, &[u8]) = match fault {
        // Behind it, so that a text with an escaped quote stays whole.
        _ if body[end - 2] == b'\\' && is_behind(fault) => return answer,
        Fault::NotANumber | Fault::BareWord => {
            let word: &[u8] = if fault == Fault::NotANumber { b"NaN" } else { b"oops" };
            let body = [&body[..value - 1], word, &body[end..]].concat().into();
            return Answer { body, ..answer };
        }
        Fault::TrailingComma => match find(b"}", end) {
            Some(close) => (close, b","),
            None => return answer,
        },
        Fault::BadByte => (value, b"\xe9"),
        Fault::HalfSurrogate => (value, br"\ud83d"),
        Fault::ControlCharacter => (value, b"\0"),
        Fault::HugeText => (value, huge.as_bytes()),
        _ => (end, &again),
    };
    let body = [&body[..place], more, &body[place..]].concat().into();
    Answer { body, ..answer }
}

/// Whether a fault of a text strikes behind it, or takes its place.
fn is_behind(fault: Fault) -> bool {
    matches!(fault, Fault::NotANumber | Fault::BareWord | Fault::TrailingComma | Fault::DoubleKey)
}

/// Turns each value of a row but its number and bookmark into one of another type.
fn spoil_values(row: &mut Value) {
    let Some(members) = row.as_object_mut() else {
        return;
    };
    for (name, value) in members {
        if name == "fields" {
            spoil_values(value);
        } else if name != "id" && name != "bookmark" {
            *value = match &*value {
                Value::Null => json!({}),
                Value::Bool(truth) => json!(truth.to_string()),
                Value::Number(number) => json!(number.to_string()),
                Value::String(text) => json!([text]),
                Value::Array(_) => json!("a list"),
                Value::Object(_) => json!(20_200_101),
            };
        }
    }
}
