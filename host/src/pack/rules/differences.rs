//! The values in which two sets of rules differ.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::field::pointer_to;

/// The most differences that are told.
const TOLD: usize = 200;
/// The most characters of a value that are shown.
const SHOWN: usize = 200;
/// The characters that are shown before the first that is another, where a value is longer.
const BEFORE: usize = 60;

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
    // Items with names, such as examples, are compared by them: one more is one difference, and not another list.
    if let (Some(before), Some(after)) = (from.and_then(by_name), to.and_then(by_name)) {
        let mut names: Vec<&str> =
            before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))).copied().collect();
        names.sort_unstable();
        for name in names {
            let [from, to] = [&before, &after].map(|items| items.get(name).copied());
            add(format!("{path}{}", pointer_to(name)), from, to, found);
        }
        return;
    }
    let [from, to] = [from, to].map(|value| value.map(Value::to_string));
    let begin = match (&from, &to) {
        (Some(from), Some(to)) => alike(from, to),
        _ => 0,
    };
    found.push(RuleDifference {
        path,
        from: from.map(|text| shown(&text, begin)),
        to: to.map(|text| shown(&text, begin)),
    });
}

/// The number of characters with which both texts begin, less some that are shown before the first other one; none where
/// the whole of them fits.
fn alike(from: &str, to: &str) -> usize {
    if from.chars().count().max(to.chars().count()) <= SHOWN {
        return 0;
    }
    from.chars().zip(to.chars()).take_while(|(one, other)| one == other).count().saturating_sub(BEFORE)
}

/// The items of a list that all have a name of their own.
fn by_name(list: &Value) -> Option<BTreeMap<&str, &Value>> {
    let items = list.as_array().filter(|items| !items.is_empty())?;
    let named: BTreeMap<&str, &Value> = items.iter().filter_map(|item| Some((item["name"].as_str()?, item))).collect();
    (named.len() == items.len()).then_some(named)
}

/// A part of a text, from the character at `begin` on.
fn shown(text: &str, begin: usize) -> String {
    let at = |place: usize| text.char_indices().nth(place).map_or(text.len(), |(at, _)| at);
    let (from, to) = (at(begin), at(begin + SHOWN));
    let [before, behind] = [from > 0, to < text.len()].map(|is_cut| if is_cut { "…" } else { "" });
    format!("{before}{}{behind}", &text[from..to])
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
    fn examples_differ_one_by_one() {
        let example = |name: &str, title: &str| json!({ "name": name, "expect": { "title": title } });
        let from = json!({ "examples": [example("a", "Mr"), example("a title", "")] });
        let to = json!({ "examples": [example("new", "Dr"), example("a title", "Mr"), example("a", "Mr")] });
        let told: Vec<_> = between(&from, &to).into_iter().map(|one| (one.path, one.from, one.to)).collect();
        let text = |text: &str| Some(text.to_owned());
        let new = text(&example("new", "Dr").to_string());
        let expected = [("/examples/a title/expect/title", text("\"\""), text("\"Mr\"")), ("/examples/new", None, new)];
        assert_eq!(told, expected.map(|(path, from, to)| (path.to_owned(), from, to)));
        // Where names do not tell items apart, the list is one value.
        let twice = json!({ "examples": [example("a", "Mr"), example("a", "Mrs")] });
        assert_eq!(between(&from, &twice)[0].path, "/examples");
    }

    #[test]
    fn long_values_are_cut() {
        let found = between(&json!({ "a": "é".repeat(500) }), &json!({}));
        assert_eq!(found[0].from.as_ref().map(|text| text.chars().count()), Some(SHOWN + 1));
        // What differs is shown, wherever it stands.
        let body = |end: &str| json!({ "body": format!("{}{end}", "é".repeat(500)) });
        let found = between(&body("- None"), &body("- Nothing")).swap_remove(0);
        let [from, to] = [found.from, found.to].map(Option::unwrap_or_default);
        assert!(from.starts_with("…é") && from.ends_with("- None\"") && to.ends_with("- Nothing\""), "{from} {to}");
    }
}
