//! Keys that rules lack and their plugin's schema needs, told by file, table and key, so that whoever runs the host
//! knows which line to write: the plugin itself would name the first one alone, by its place in JSON.

use serde_json::Value;

/// The keys that the schema needs and the rules of a dialect have not got, a line each. `file_of` answers the file in which a
/// table stands.
pub(super) fn missing(rules: &Value, schema: &Value, file_of: &dyn Fn(&[&str]) -> String) -> Vec<String> {
    let mut lines = Vec::new();
    look(rules, schema, &mut Vec::new(), &mut |keys, key, of| {
        let (place, what) = (place(&own_file(keys), keys), stand_in(&of["properties"][key]));
        lines.push(format!("{place} lacks `{key}`: write `{key} = {what}` there{}", about(of, key)));
    });
    // Beside a key that is missing stands the one that was written in its place, more often than not.
    if !lines.is_empty() {
        unknown(rules, schema, &mut Vec::new(), &mut |keys, key| {
            let of = keys.iter().copied().chain([key]).collect::<Vec<_>>();
            lines.push(format!("{} has `{key}`, which is not known there", place(&file_of(&of), keys)));
        });
    }
    lines
}

/// Calls `tell` with the way to each table and its key that the schema does not know.
fn unknown<'s>(table: &'s Value, schema: &'s Value, keys: &mut Vec<&'s str>, tell: &mut impl FnMut(&[&str], &str)) {
    let Some(members) = table.as_object() else { return };
    for (key, value) in members {
        match schema["properties"].get(key) {
            None if schema["additionalProperties"] == false => tell(keys, key),
            of_key => {
                keys.push(key);
                unknown(value, of_key.unwrap_or(&schema["additionalProperties"]), keys, tell);
                keys.pop();
            }
        }
    }
}

/// The names that a dialect's differences leave out of a table of the CRM's names while they give others of it, a line each:
/// the dialect would be asked for what another dialect calls so. `of_plain` are the rules that they are laid over, and
/// `file_of` answers the dialect's file in which a table stands.
pub(super) fn unnamed(
    differences: &Value,
    of_plain: &Value,
    schema: &Value,
    file_of: &dyn Fn(&[&str]) -> String,
) -> Vec<String> {
    let mut lines = Vec::new();
    look(differences, schema, &mut Vec::new(), &mut |keys, key, of| {
        let all_are_names =
            of["properties"].as_object().is_some_and(|all| all.values().all(|one| one["type"] == "string"));
        let plain = keys.iter().try_fold(of_plain, |value, key| value.get(key)).and_then(|table| table[key].as_str());
        if let Some(plain) = plain.filter(|_| all_are_names && required(of).count() > 1) {
            let place = place(&file_of(keys), keys);
            lines.push(format!(
                "{place} names fields of this dialect and not `{key}`: write `{key} = …` there, be it \"{plain}\" as in \
                 rules.toml{}",
                about(of, key)
            ));
        }
    });
    lines
}

/// Calls `lacks` with the way to each table, the key that it lacks, and the table's schema.
fn look<'s>(
    table: &'s Value,
    schema: &'s Value,
    keys: &mut Vec<&'s str>,
    lacks: &mut impl FnMut(&[&'s str], &'s str, &'s Value),
) {
    let Some(members) = table.as_object() else { return };
    for key in required(schema).filter(|key| !members.contains_key(*key)) {
        lacks(keys, key, schema);
    }
    for (key, value) in members {
        let of_key = schema["properties"].get(key).unwrap_or(&schema["additionalProperties"]);
        keys.push(key);
        look(value, of_key, keys, lacks);
        keys.pop();
    }
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// A table by its file and its heading. Notes are files of their own.
fn place(file: &str, keys: &[&str]) -> String {
    match keys {
        [] | ["notes", _] => file.to_owned(),
        ["notes", _, keys @ ..] => format!("{file}: the table [{}]", keys.join(".")),
        keys => format!("{file}: the table [{}]", keys.join(".")),
    }
}

/// The pack's own file in which a key of a table is written, whatever file has the rest of the table.
fn own_file(keys: &[&str]) -> String {
    match keys {
        ["notes", event, ..] => format!("notes/{event}.toml"),
        _ => "rules.toml".to_owned(),
    }
}

/// The form of a schema's value in TOML.
pub(in crate::pack) fn stand_in(schema: &Value) -> &'static str {
    match schema["type"].as_str() {
        Some("array") => "[…]",
        Some("object") => "{…}",
        Some("string") => "\"…\"",
        _ => "…",
    }
}

/// The schema's words about what a key, or else its table, is for.
pub(in crate::pack) fn about(table: &Value, key: &str) -> String {
    let said = |schema: &Value| schema["description"].as_str().map(ToOwned::to_owned);
    let about = said(&table["properties"][key]).or_else(|| said(table));
    about.map(|about| format!(" ({})", about.trim_end_matches('.'))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        let names = json!({
            "type": "object", "description": "What the CRM calls a client's fields.", "additionalProperties": false,
            "properties": {"id": {"type": "string"}, "adviser": {"type": "string", "description": "The adviser's number."}},
            "required": ["id", "adviser"],
        });
        let note = json!({"type": "object", "properties": {"subject": {"type": "string"}}, "required": ["subject"]});
        let people = json!({"type": "array", "description": "Which types are people."});
        json!({
            "type": "object", "required": ["client"],
            "properties": {
                "client": {
                    "type": "object", "required": ["fields", "people"], "additionalProperties": false,
                    "properties": {"fields": names, "people": people},
                },
                "notes": {"type": "object", "additionalProperties": note},
            },
        })
    }

    #[test]
    fn what_is_missing_is_told_with_the_line_to_write() {
        let check =
            |rules: Value, expected: &[&str]| assert_eq!(missing(&rules, &schema(), &own_file), expected, "{rules}");
        let fields = json!({"id": "id", "adviser": "client_adviser"});
        check(json!({"client": {"fields": fields, "people": []}, "notes": {"a.b": {"subject": "S"}}}), &[]);
        check(json!({"other": {"fields": {}}}), &["rules.toml lacks `client`: write `client = {…}` there"]);
        check(
            json!({"client": {"fields": {"id": "id"}, "people": []}, "notes": {"a.b": {}}}),
            &[
                "rules.toml: the table [client.fields] lacks `adviser`: write `adviser = \"…\"` there (The adviser's number)",
                "notes/a.b.toml lacks `subject`: write `subject = \"…\"` there",
            ],
        );
        check(
            json!({"client": {"fields": {"adviser": "x"}}}),
            &[
                "rules.toml: the table [client] lacks `people`: write `people = […]` there (Which types are people)",
                "rules.toml: the table [client.fields] lacks `id`: write `id = \"…\"` there (What the CRM calls a client's \
                 fields)",
            ],
        );
        check(
            json!({"client": {"fields": {"id": "id", "adviser": "x"}, "peoples": []}}),
            &[
                "rules.toml: the table [client] lacks `people`: write `people = […]` there (Which types are people)",
                "rules.toml: the table [client] has `peoples`, which is not known there",
            ],
        );
        assert_eq!(missing(&json!({}), &json!({}), &own_file), Vec::<String>::new());
    }

    #[test]
    fn a_dialect_names_all_fields_of_a_table_or_none() {
        let plain = json!({"client": {"fields": {"id": "id", "adviser": "client_adviser"}, "people": ["1"]}});
        let check = |differences: Value, expected: &[&str]| {
            assert_eq!(unnamed(&differences, &plain, &schema(), &|_| "dialects/open.toml".to_owned()), expected);
        };
        check(json!({}), &[]);
        check(json!({"client": {"people": ["2"]}}), &[]);
        check(json!({"client": {"fields": {"id": "Id", "adviser": "Adviser"}}}), &[]);
        let said = "dialects/open.toml: the table [client.fields] names fields of this dialect and not `adviser`: write \
                    `adviser = …` there, be it \"client_adviser\" as in rules.toml (The adviser's number)";
        check(json!({"client": {"fields": {"id": "Id"}}}), &[said]);
    }
}
