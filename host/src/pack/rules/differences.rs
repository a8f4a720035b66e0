//! The values in which two sets of rules differ.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::field::pointer_to;

/// The most differences that are told.
const TOLD: usize = 200;
/// The most characters of a value that are shown.
const SHOWN: usize = 200;

/// A value of the rules that is another in the other set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RuleDifference {
    /// The place in the rules, a JSON Pointer (RFC 6901).
    pub path: String,
    /// The value in the one, as JSON; none where it has none.
    pub from: Option<String>,
    /// The value in the other.
    pub to: Option<String>,
}

/// The differences between two sets of rules, in the order of their places.
pub(in crate::pack) fn between(from: &Value, to: &Value) -> Vec<RuleDifference> {
    let mut found = Vec::new();
    add(String::new(), Some(from), Some(to), &mut found);
    found
}

fn add(path: String, from: Option<&Value>, to: Option<&Value>, found: &mut Vec<RuleDifference>) {
    if from == to || found.len() == TOLD {
        return;
    }
    if let (Some(Value::Object(from)), Some(Value::Object(to))) = (from, to) {
        let mut keys: Vec<&String> = from.keys().chain(to.keys().filter(|key| !from.contains_key(*key))).collect();
        keys.sort_unstable();
        for key in keys {
            add(format!("{path}{}", pointer_to(key)), from.get(key), to.get(key), found);
        }
        return;
    }
    found.push(RuleDifference { path, from: from.map(shown), to: to.map(shown) });
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_differ_value_by_value() {
        let from = json!({ "client": { "titles": { "Mr": ["Mr"], "Ms": ["Ms"] }, "pad": false }, "a/b": 1 });
        let to = json!({ "client": { "titles": { "Mr": ["Mr", "Sir"], "Ms": ["Ms"] }, "new": "x" }, "a/b": 2 });
        let found: Vec<String> = between(&from, &to)
            .into_iter()
            .map(|one| format!("{} {} {}", one.path, one.from.unwrap_or_default(), one.to.unwrap_or_default()))
            .collect();
        let expected =
            ["/a~1b 1 2", "/client/new  \"x\"", "/client/pad false ", "/client/titles/Mr [\"Mr\"] [\"Mr\",\"Sir\"]"];
        assert_eq!(found, expected);
        assert_eq!(between(&from, &from), []);
    }

    #[test]
    fn long_values_are_cut() {
        let found = between(&json!({ "a": "é".repeat(500) }), &json!({}));
        assert_eq!(found[0].from.as_ref().map(|text| text.chars().count()), Some(SHOWN + 1));
    }
}
