//! Rules held against the JSON Schema of their plugin, in the words of whoever edits them: what is not known there and
//! which name is nearest, what may stand there, what is missing and the line to write.

use serde_json::Value;

use crate::pack::rules::{about, stand_in};
use crate::pack::{examples, spelling};

/// The most that is told.
const MOST: usize = 50;

/// The most names that a message lists.
const MOST_NAMES: usize = 40;

/// What does not fit.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Misfit {
    /// The way to it: keys, and numbers of items.
    pub place: Vec<String>,
    /// The message.
    pub message: String,
}

/// What in the rules does not fit the schema. Examples are of the host's own form, which they are held against when they run.
pub(super) fn misfits(rules: &Value, schema: &Value) -> Vec<Misfit> {
    let mut found = Vec::new();
    let mut rules = rules.clone();
    if let Some(members) = rules.as_object_mut() {
        members.remove(examples::EXAMPLES);
    }
    look(&rules, schema, &mut Vec::new(), &mut found);
    found
}

fn look(value: &Value, schema: &Value, place: &mut Vec<String>, found: &mut Vec<Misfit>) {
    if found.len() >= MOST {
        return;
    }
    let mut tell = |place: &[String], message: String| found.push(Misfit { place: place.to_vec(), message });
    if let Some(wanted) = schema["type"].as_str()
        && !is_of(value, wanted)
    {
        let said = schema["description"].as_str().map(|said| format!(" ({})", said.trim_end_matches('.')));
        let message = format!("it is {}, and has to be {}{}", kind_of(value), named(wanted), said.unwrap_or_default());
        return tell(place, message);
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let given = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        let words = || allowed.iter().filter_map(Value::as_str);
        let message = format!(
            "`{given}` cannot stand here; it can be {}{}",
            listed(words()),
            spelling::question(&given, words())
        );
        return tell(place, message);
    }
    match value {
        Value::Object(members) => {
            let known = schema["properties"].as_object();
            let names = || known.into_iter().flatten().map(|(name, _)| name.as_str());
            let missing = || names().filter(|name| !members.contains_key(*name));
            let is_unknown = |key: &str| {
                known.is_none_or(|known| !known.contains_key(key))
                    && schema["additionalProperties"] == Value::Bool(false)
            };
            // One that is there under a misspelt name is told of once, where it stands.
            let is_misspelt = |name: &str| {
                members.keys().any(|key| is_unknown(key) && spelling::nearest(key, missing()) == Some(name))
            };
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            for key in required.filter(|key| !members.contains_key(*key) && !is_misspelt(key)) {
                let line = format!("{key} = {}", stand_in(&schema["properties"][key]));
                tell(place, format!("`{key}` is missing: write `{line}` here{}", about(schema, key)));
            }
            for (key, member) in members {
                place.push(key.clone());
                match known.and_then(|known| known.get(key)) {
                    Some(of_key) => look(member, of_key, place, found),
                    None if is_unknown(key) => {
                        let message = format!(
                            "`{key}` is not known here; known are {}{}",
                            listed(names()),
                            spelling::question(key, missing())
                        );
                        found.push(Misfit { place: place.clone(), message });
                    }
                    None => look(member, &schema["additionalProperties"], place, found),
                }
                place.pop();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                place.push(index.to_string());
                look(item, &schema["items"], place, found);
                place.pop();
            }
        }
        _ => {}
    }
}

fn is_of(value: &Value, wanted: &str) -> bool {
    match wanted {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
        Value::Null => "nothing that can be used",
    }
}

fn named(wanted: &str) -> &'static str {
    match wanted {
        "string" => "a text in quotes, \"…\"",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "array" => "a list, […]",
        _ => "a table",
    }
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.len() {
        0 => "nothing".to_owned(),
        n if n > MOST_NAMES => format!("{} and {} more", names[..MOST_NAMES].join(", "), n - MOST_NAMES),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_fit_is_told_with_what_would() {
        let words = json!({"type": "array", "items": {"type": "string"}});
        let schema = json!({
            "type": "object", "required": ["client"], "additionalProperties": false,
            "properties": {"client": {
                "type": "object", "required": ["people"], "additionalProperties": false,
                "properties": {
                    "people": {"type": "array", "description": "Who are people.", "items": {"type": "string"}},
                    "titles": {"type": "object", "additionalProperties": false, "properties": {"Mr": words, "Mrs": words}},
                    "order": {"type": "string", "enum": ["day-month-year", "month-day-year"]},
                    "plans": {"type": "object", "additionalProperties": words},
                    "pad": {"type": "boolean"},
                },
            }},
        });
        let check = |client: Value, expected: &[(&str, &str)]| {
            let found = misfits(&json!({ "client": client }), &schema);
            let found: Vec<_> = found.iter().map(|one| (one.place.join("/"), one.message.as_str())).collect();
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for ((place, message), (wanted, words)) in found.iter().zip(expected) {
                assert!(place == wanted && message.contains(words), "{place}: {message}");
            }
        };
        check(
            json!({"people": ["a"], "titles": {"Mr": ["Mr"]}, "order": "day-month-year", "plans": {"61": ["4"]}}),
            &[],
        );
        check(
            json!({"people": [], "titels": {}}),
            &[("client/titels", "known are order, pad, people, plans, titles; is `titles` meant?")],
        );
        check(json!({"people": [], "titles": {"mrs": []}}), &[("client/titles/mrs", "is `Mrs` meant?")]);
        check(json!({"people": "a"}), &[("client/people", "it is a text, and has to be a list, […] (Who are people)")]);
        check(json!({"people": ["a", 7]}), &[("client/people/1", "it is a number, and has to be a text")]);
        check(json!({}), &[("client", "`people` is missing: write `people = […]` here (Who are people)")]);
        check(
            json!({"people": [], "order": "day-mouth-year"}),
            &[("client/order", "it can be day-month-year, month-day-year; is `day-month-year` meant?")],
        );
        check(json!({"people": [], "plans": {"61": "4"}}), &[("client/plans/61", "a list")]);
        check(json!({"people": [], "pad": "yes"}), &[("client/pad", "has to be true or false")]);
    }
}
