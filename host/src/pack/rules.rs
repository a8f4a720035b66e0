//! A pack's rules: `rules.toml`, and each file note's template below `notes/`, as one JSON object.

use std::fs;
use std::path::Path;

use super::PackError;
use super::files::{read_text, refused};

/// The rules as `configure` takes them.
pub(super) struct Rules {
    /// `{ …rules.toml…, "notes": { "<event type>": { …notes/<event type>.toml… } } }`, keys sorted.
    pub(super) json: String,
}

/// Reads the rules of a pack folder.
///
/// # Errors
/// Names the file that is missing or no TOML, with the place in it.
pub(super) fn read(folder: &Path) -> Result<Rules, PackError> {
    let mut rules = read_toml(&folder.join("rules.toml"))?;
    let notes = read_notes(&folder.join("notes"))?;
    if !notes.is_empty() {
        if rules.contains_key("notes") {
            let message = "it has a table `notes`; notes are files of the folder `notes`, one an event type";
            return Err(refused(&folder.join("rules.toml"), message));
        }
        rules.insert("notes".to_owned(), toml::Value::Table(notes));
    }
    Ok(Rules { json: to_json(toml::Value::Table(rules)).to_string() })
}

/// The note templates, by event type; none where there is no such folder.
fn read_notes(folder: &Path) -> Result<toml::Table, PackError> {
    let mut notes = toml::Table::new();
    if !folder.exists() {
        return Ok(notes);
    }
    let unreadable = |e: std::io::Error| PackError::Io(format!("{}: {e}", folder.display()));
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        match (stem, path.extension().and_then(|extension| extension.to_str())) {
            (Some(event), Some("toml")) => {
                notes.insert(event.to_owned(), toml::Value::Table(read_toml(&path)?));
            }
            _ => return Err(refused(&path, "a note is a file <event type>.toml")),
        }
    }
    Ok(notes)
}

fn read_toml(path: &Path) -> Result<toml::Table, PackError> {
    read_text(path)?.parse().map_err(|e| refused(path, &format!("it is not TOML: {e}")))
}

/// TOML's values in JSON. Dates become text; a float that JSON lacks becomes null, which no schema takes.
fn to_json(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(to_json).collect(),
        // Collected in order of keys, so that the same rules give the same text however they are written down.
        toml::Value::Table(table) => {
            let sorted: std::collections::BTreeMap<_, _> = table.into_iter().collect();
            sorted.into_iter().map(|(key, value)| (key, to_json(value))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    fn check(files: &[(&str, &str)], expected: Result<&str, &str>) {
        match (read(folder(files).path()), expected) {
            (Ok(rules), Ok(expected)) => assert_eq!(rules.json, expected),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (Ok(rules), Err(_)) => panic!("read as {}", rules.json),
            (Err(error), Ok(_)) => panic!("{error}"),
        }
    }

    #[test]
    fn rules_and_notes_become_one_object() {
        check(&[("rules.toml", "b = 1\na = [true, 1.5, \"x\"]")], Ok(r#"{"a":[true,1.5,"x"],"b":1}"#));
        check(
            &[("rules.toml", "a = 2026-03-01"), ("notes/plan.exported.toml", "subject = \"S\"")],
            Ok(r#"{"a":"2026-03-01","notes":{"plan.exported":{"subject":"S"}}}"#),
        );
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        check(&[], Err("rules.toml"));
        check(&[("rules.toml", "a = ")], Err("not TOML"));
        check(&[("rules.toml", ""), ("notes/plan.txt", "")], Err("plan.txt"));
        check(&[("rules.toml", "[notes]"), ("notes/plan.toml", "")], Err("table `notes`"));
    }
}
