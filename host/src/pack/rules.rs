//! A pack's rules: `rules.toml`, and each file note's template below `notes/`, as one JSON object.
//!
//! A CRM may speak several dialects. `rules.toml` is written for [`PLAIN_DIALECT`]; what differs in another stands in
//! `dialects/<name>.toml` and is laid over it here, so that a plugin is configured with the rules of one dialect and a
//! pack serves all of them.

use std::fs;
use std::path::Path;

use super::PackError;
use super::files::{read_text, refused};

/// The dialect that `rules.toml` is written for.
pub(super) const PLAIN_DIALECT: &str = "resourceful";

/// The rules as `configure` takes them.
pub(super) struct Rules {
    /// Of all dialects together: what a revision is known by.
    pub(super) whole: String,
    /// `{ …rules.toml…, "notes": { "<event type>": { …notes/<event type>.toml… } } }`, keys sorted.
    pub(super) json: String,
}

/// Reads the rules of a pack folder for a dialect.
///
/// # Errors
/// Names the file that is missing or no TOML, with the place in it.
pub(super) fn read(folder: &Path, dialect: &str) -> Result<Rules, PackError> {
    let mut rules = read_toml(&folder.join("rules.toml"))?;
    let notes = read_folder(&folder.join("notes"), "a note is a file <event type>.toml")?;
    if !notes.is_empty() {
        if rules.contains_key("notes") {
            let message = "it has a table `notes`; notes are files of the folder `notes`, one an event type";
            return Err(refused(&folder.join("rules.toml"), message));
        }
        rules.insert("notes".to_owned(), toml::Value::Table(notes));
    }
    let mut dialects = read_folder(&folder.join("dialects"), "what differs in a dialect is a file <dialect>.toml")?;
    let plain = to_json(toml::Value::Table(rules.clone())).to_string();
    let mut whole = plain.clone();
    for (name, differences) in &dialects {
        whole = format!("{whole}\n{name}\n{}", to_json(differences.clone()));
    }
    let json = match dialects.remove(dialect) {
        Some(toml::Value::Table(differences)) => {
            lay_over(&mut rules, differences);
            to_json(toml::Value::Table(rules)).to_string()
        }
        None if dialect != PLAIN_DIALECT => {
            let path = folder.join("dialects").join(dialect).with_extension("toml");
            return Err(refused(&path, &format!("the pack has no rules for the dialect `{dialect}`")));
        }
        _ => plain,
    };
    Ok(Rules { whole, json })
}

/// Puts the differences in place: tables are joined key by key, everything else is replaced.
fn lay_over(rules: &mut toml::Table, differences: toml::Table) {
    for (key, value) in differences {
        match (rules.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(value)) => lay_over(below, value),
            (_, value) => drop(rules.insert(key, value)),
        }
    }
}

/// The TOML files of a folder, by name; none where there is no such folder.
fn read_folder(folder: &Path, is_for: &str) -> Result<toml::Table, PackError> {
    let mut files = toml::Table::new();
    if !folder.exists() {
        return Ok(files);
    }
    let unreadable = |e: std::io::Error| PackError::Io(format!("{}: {e}", folder.display()));
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        match (stem, path.extension().and_then(|extension| extension.to_str())) {
            (Some(name), Some("toml")) => {
                files.insert(name.to_owned(), toml::Value::Table(read_toml(&path)?));
            }
            _ => return Err(refused(&path, is_for)),
        }
    }
    Ok(files)
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
        match (read(folder(files).path(), PLAIN_DIALECT), expected) {
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
    fn what_differs_in_a_dialect_is_laid_over() {
        let folder =
            folder(&[("rules.toml", "a = 1\n[t]\nx = [1, 2]\ny = 3"), ("dialects/open.toml", "[t]\nx = [4]\nz = 5")]);
        let plain = read(folder.path(), PLAIN_DIALECT).unwrap();
        let open = read(folder.path(), "open").unwrap();
        assert_eq!(plain.json, r#"{"a":1,"t":{"x":[1,2],"y":3}}"#);
        assert_eq!(open.json, r#"{"a":1,"t":{"x":[4],"y":3,"z":5}}"#);
        assert_eq!(plain.whole, open.whole, "both are the same revision");
        assert_ne!(plain.whole, plain.json);
        let refused = read(folder.path(), "closed").err().unwrap().to_string();
        assert!(refused.contains("dialects/closed.toml"), "{refused}");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        check(&[], Err("rules.toml"));
        check(&[("rules.toml", "a = ")], Err("not TOML"));
        check(&[("rules.toml", ""), ("notes/plan.txt", "")], Err("plan.txt"));
        check(&[("rules.toml", "[notes]"), ("notes/plan.toml", "")], Err("table `notes`"));
    }
}
