//! Faults of a page of rows: made from the right page, so that everything else about it stays true.

use serde_json::{Value, json};

use super::answer::Answer;
use super::query::{Query, bookmark};
use crate::faults::{Fault, Rule};

/// The page as these rules spoil it; an answer that is no page stays as it is.
pub(super) fn page(answer: Answer, rules: &[Rule], query: Query<'_>) -> Answer {
    let Ok(mut rows) = serde_json::from_slice::<Vec<Value>>(&answer.body) else {
        return answer;
    };
    for rule in rules {
        match rule.fault {
            Fault::BookmarkLoop => {
                // What leads to this very page: the bookmark it was asked by, or the one before every row.
                let here = query.raw("page_bookmark").map_or_else(|| bookmark(0), str::to_owned);
                rows.iter_mut().for_each(|row| row["bookmark"] = json!(here));
            }
            Fault::ShortPage => rows.truncate(rows.len().div_ceil(2)),
            Fault::WrongTypes => {
                if let Some(row) = rows.first_mut() {
                    spoil_values(row);
                }
            }
            _ => {}
        }
    }
    Answer { body: Answer::of(&rows).body, ..answer }
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
