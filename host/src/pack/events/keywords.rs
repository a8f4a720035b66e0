//! The part of JSON Schema that events use: keywords for which there are words and fields of forms. A keyword that would be
//! checked and could not be told, or told and not checked, is refused.

use serde_json::Value;

use super::wrong::{Wrong, is_member, unreadable};

/// The most members of an object, and choices of a text.
const MOST_MEMBERS: usize = 50;
/// The most rows of a form that are shown, and lines of a field.
const MOST_ROWS: u64 = 20;
/// The most characters of a title, and of a description.
const LONGEST_TITLE: usize = 120;
const LONGEST_DESCRIPTION: usize = 600;

/// Keywords of every schema.
const OF_ALL: [&str; 4] = ["type", "title", "description", "x-form"];

/// The keywords of a type beside those of every schema, and the hints about its field; none where there is no such type.
fn known(kind: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    Some(match kind {
        "object" => (&["properties", "required", "additionalProperties"], &["order"]),
        "array" => (&["items", "minItems", "maxItems"], &["add", "rows", "each"]),
        "string" => (&["minLength", "maxLength", "enum", "format"], &["lines", "labels", "is"]),
        "number" | "integer" => (&["minimum", "maximum"], &[]),
        "boolean" => (&[], &[]),
        _ => return None,
    })
}

/// What in the schema of an event's data is none of the keywords that events use, or has a value that is none of its own.
pub(super) fn misfits(schema: &Value) -> Vec<Wrong> {
    let mut found = Vec::new();
    let mut place = vec!["schema".to_owned()];
    if schema["type"] != "object" {
        return vec![(place, "`type` has to be \"object\": an event's data has named members".to_owned())];
    }
    if schema["examples"].as_array().is_none_or(Vec::is_empty) {
        found.push((place.clone(), "it lacks `examples`: write at least one example of the data".to_owned()));
    }
    look(schema, &mut place, true, &mut found);
    found
}

fn look(schema: &Value, place: &mut Vec<String>, is_root: bool, found: &mut Vec<Wrong>) {
    let Some(members) = schema.as_object() else {
        return found.push((place.clone(), "has to be a table that says what stands there".to_owned()));
    };
    let Some((keywords, hints)) = schema["type"].as_str().and_then(known) else {
        let message = "`type` has to be one of \"object\", \"array\", \"string\", \"number\", \"integer\", \"boolean\"";
        return found.push((place.clone(), message.to_owned()));
    };
    let mut tell = |place: &[String], key: &str, message: String| {
        found.push((place.iter().cloned().chain([key.to_owned()]).collect(), message));
    };
    for (key, value) in members {
        let is_known =
            OF_ALL.contains(&key.as_str()) || keywords.contains(&key.as_str()) || (is_root && key == "examples");
        if !is_known {
            let mut all: Vec<&str> = OF_ALL.iter().chain(keywords).copied().collect();
            all.sort_unstable();
            tell(place, key, format!("is not used in events; of this type there are {}", all.join(", ")));
            continue;
        }
        if let Some(message) = unusable(schema, key, value) {
            tell(place, key, message);
        }
    }
    if let Some(hint) = schema.get("x-form") {
        for (key, value) in hint.as_object().into_iter().flatten() {
            let message = if hints.contains(&key.as_str()) {
                unusable_hint(schema, key, value)
            } else if hints.is_empty() {
                Some("is no hint; there are none for this type".to_owned())
            } else {
                Some(format!("is no hint; for this type there are {}", hints.join(", ")))
            };
            if let Some(message) = message {
                let inner: Vec<String> = place.iter().cloned().chain(["x-form".to_owned()]).collect();
                tell(&inner, key, message);
            }
        }
    }
    for (low, high) in [("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")] {
        if let (Some(least), Some(most)) = (schema[low].as_f64(), schema[high].as_f64())
            && least > most
        {
            tell(place, low, format!("is above `{high}`: nothing fits"));
        }
    }
    if schema["type"] == "object" && schema["additionalProperties"] != false {
        found.push((place.clone(), "write `additionalProperties = false`: what nobody knows would be lost".to_owned()));
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        place.extend(["properties".to_owned(), name.clone()]);
        if !is_member(name) {
            found.push((
                place.clone(),
                "its name has to be lower-case letters with `_` between, as in next_steps".to_owned(),
            ));
        }
        look(property, place, false, found);
        place.truncate(place.len() - 2);
    }
    if schema["type"] == "array" {
        place.push("items".to_owned());
        look(&schema["items"], place, false, found);
        place.pop();
    }
}

/// Why a keyword's value is none of its own; none where it is.
fn unusable(schema: &Value, key: &str, value: &Value) -> Option<String> {
    let says = |is_right: bool, what: &str| (!is_right).then(|| format!("has to be {what}"));
    let text = |most| value.as_str().map_or_else(|| Some("has to be a text".to_owned()), |text| unreadable(text, most));
    match key {
        "title" => text(LONGEST_TITLE),
        "description" => text(LONGEST_DESCRIPTION),
        "minimum" | "maximum" => says(value.is_number(), "a number"),
        "minLength" | "maxLength" | "minItems" | "maxItems" => says(value.is_u64(), "a whole number, not below 0"),
        "additionalProperties" => says(value == false, "false"),
        "format" => says(value == "date", "\"date\""),
        "x-form" => says(value.is_object(), "a table of hints"),
        "examples" => says(value.is_array(), "a list of examples"),
        "properties" => match value.as_object() {
            None => says(false, "a table of members"),
            Some(all) => says(all.len() <= MOST_MEMBERS, &format!("at most {MOST_MEMBERS} members")),
        },
        "required" => {
            let names = value.as_array().into_iter().flatten();
            let unknown =
                names.map(Value::as_str).find(|name| name.is_none_or(|name| schema["properties"].get(name).is_none()));
            match unknown {
                _ if !value.is_array() => says(false, "a list of members"),
                Some(name) => Some(format!("`{}` is no member of `properties`", name.unwrap_or("…"))),
                None => None,
            }
        }
        "enum" => {
            let choices: Option<Vec<&str>> = value.as_array().and_then(|all| all.iter().map(Value::as_str).collect());
            let is_right = choices.is_some_and(|all| {
                let are_texts = all.iter().all(|one| unreadable(one, LONGEST_TITLE).is_none());
                let are_apart = (1..all.len()).all(|at| !all[..at].contains(&all[at]));
                (1..=MOST_MEMBERS).contains(&all.len()) && are_texts && are_apart
            });
            says(is_right, &format!("a list of 1 to {MOST_MEMBERS} different texts"))
        }
        _ => None,
    }
}

/// Why a hint is of no use; none where it is.
fn unusable_hint(schema: &Value, key: &str, value: &Value) -> Option<String> {
    let says = |is_right: bool, what: &str| (!is_right).then(|| format!("has to be {what}"));
    let is_few = value.as_u64().is_some_and(|number| (1..=MOST_ROWS).contains(&number));
    match key {
        "add" => {
            value.as_str().map_or_else(|| Some("has to be a text".to_owned()), |text| unreadable(text, LONGEST_TITLE))
        }
        "rows" | "lines" => says(is_few, &format!("a whole number from 1 to {MOST_ROWS}")),
        "each" => says(value == "member", "\"member\""),
        "is" => says(value == "member-name", "\"member-name\""),
        "labels" => {
            let choices = schema["enum"].as_array();
            let is_right = value.as_object().is_some_and(|labels| {
                let is_choice = |name: &String| choices.is_some_and(|all| all.iter().any(|one| one == name.as_str()));
                let is_text =
                    |label: &Value| label.as_str().is_some_and(|text| unreadable(text, LONGEST_TITLE).is_none());
                labels.iter().all(|(name, label)| is_choice(name) && is_text(label))
            });
            says(is_right, "a table of texts, by the choices of `enum`")
        }
        "order" => {
            let members =
                schema["properties"].as_object().map(|all| all.keys().map(String::as_str).collect::<Vec<_>>());
            let mut names: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            names.sort_unstable();
            let mut members = members.unwrap_or_default();
            members.sort_unstable();
            says(value.is_array() && names == members, "a list of all members of `properties`, each once")
        }
        _ => None,
    }
}
