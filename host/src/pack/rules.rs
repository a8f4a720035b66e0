//! A pack's rules: `rules.toml`, and each file note's template below `notes/`, as one JSON object.
//!
//! A CRM may speak several dialects. `rules.toml` is written for [`PLAIN_DIALECT`]; what differs in another stands in
//! `dialects/<name>.toml` and is laid over it here, so that a plugin is configured with the rules of one dialect and a
//! pack serves all of them.

mod complete;
pub(super) mod differences;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::files::{self, Edited, read_text_edited, refused};
use super::{PackError, limits};
use crate::config::toml_words;
pub(super) use complete::{about, stand_in};

/// The dialect that `rules.toml` is written for.
pub(super) const PLAIN_DIALECT: &str = "resourceful";

/// The rules as `configure` takes them.
pub(super) struct Rules {
    /// The rules of all dialects together: what a revision is known by.
    pub(super) whole: String,
    /// `{ …rules.toml…, "notes": { "<event type>": { …notes/<event type>.toml… } } }`, keys sorted.
    pub(super) json: String,
    /// The keys that are missing in them for the plugin's schema, a line each.
    pub(super) missing: Vec<String>,
}

impl Rules {
    /// The event types that it has templates of file notes for.
    pub(super) fn notes(&self) -> Vec<String> {
        let rules: serde_json::Value = serde_json::from_str(&self.json).unwrap_or_default();
        rules["notes"].as_object().map(|notes| notes.keys().cloned().collect()).unwrap_or_default()
    }
}

/// Reads the rules of a pack folder for a dialect, and looks whether they have all that `schema` needs.
///
/// # Errors
/// Names every file that is missing or no TOML, with the place in it. What differs in another dialect costs that dialect
/// alone: `whole` has the digest of a file that cannot be read.
pub(super) fn read(folder: &Path, dialect: &str, schema: &serde_json::Value) -> Result<Rules, PackError> {
    read_edited(folder, &files::AS_KEPT, dialect, schema)
}

/// The same with texts in place of some of the folder's files.
pub(super) fn read_edited(
    folder: &Path,
    edited: &Edited,
    dialect: &str,
    schema: &serde_json::Value,
) -> Result<Rules, PackError> {
    let mut files = Files { pack: folder, edited, problems: Vec::new() };
    let mut rules = files.toml(&folder.join("rules.toml"));
    let notes = files.notes()?;
    let mut dialects = files.dialects(dialect)?;
    if !files.problems.is_empty() {
        return Err(PackError::Several(files.problems));
    }
    if !notes.is_empty() {
        if rules.contains_key("notes") {
            let message = "it has a table `notes`; notes are files of the folder `notes`, one an event type";
            return Err(refused(&folder.join("rules.toml"), message));
        }
        rules.insert("notes".to_owned(), toml::Value::Table(notes));
    }
    let plain = to_json(toml::Value::Table(rules.clone()));
    let mut whole = plain.to_string();
    for (name, differences) in &dialects {
        let differences = match differences {
            Dialect::Read(differences) => to_json(toml::Value::Table(differences.clone())).to_string(),
            Dialect::Unreadable(digest) => digest.to_string(),
        };
        whole = format!("{whole}\n{name}\n{differences}");
    }
    let mut missing = Vec::new();
    let of_dialect = match dialects.remove(dialect) {
        Some(Dialect::Read(differences)) => {
            let laid_over = to_json(toml::Value::Table(differences.clone()));
            missing = complete::unnamed(&laid_over, &plain, schema, dialect);
            lay_over(&mut rules, differences);
            to_json(toml::Value::Table(rules))
        }
        None if dialect != PLAIN_DIALECT => {
            let path = folder.join("dialects").join(dialect).with_extension("toml");
            return Err(refused(&path, &format!("the pack has no rules for the dialect `{dialect}`")));
        }
        _ => plain,
    };
    missing.extend(complete::missing(&of_dialect, schema));
    Ok(Rules { whole, json: of_dialect.to_string(), missing })
}

/// The dialects of a pack folder beside the one that `rules.toml` is written for.
pub(super) fn other_dialects(folder: &Path) -> Vec<String> {
    let files = files::listed(&folder.join("dialects")).unwrap_or_default();
    let names = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let names = names.filter_map(|path| path.file_stem()?.to_str().map(ToOwned::to_owned));
    names.filter(|name| name != PLAIN_DIALECT).collect()
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

/// What differs in a dialect.
enum Dialect {
    Read(toml::Table),
    /// The file's digest.
    Unreadable(blake3::Hash),
}

/// A pack's TOML files, and what is wrong with them so far.
struct Files<'a> {
    pack: &'a Path,
    edited: &'a Edited,
    problems: Vec<PackError>,
}

impl Files<'_> {
    /// The notes, by event type; none where there is no such folder.
    fn notes(&mut self) -> Result<toml::Table, PackError> {
        let paths = self.paths("notes", "a note is a file <event type>.toml")?;
        Ok(paths.into_iter().map(|(name, path)| (name, toml::Value::Table(self.toml(&path)))).collect())
    }

    /// The TOML files of a folder, by name; none where there is no such folder.
    fn paths(&mut self, name: &str, is_for: &str) -> Result<Vec<(String, PathBuf)>, PackError> {
        let folder = self.pack.join(name);
        let mut files = Vec::new();
        if !folder.exists() {
            return Ok(files);
        }
        for path in files::listed(&folder)? {
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            match (stem, path.extension().and_then(|extension| extension.to_str())) {
                (Some(name), Some("toml")) => files.push((name.to_owned(), path)),
                _ => self.problems.push(refused(&path, is_for)),
            }
        }
        Ok(files)
    }

    /// What differs in each dialect, by name. One that is not `wanted` and cannot be read is told of in the log.
    fn dialects(&mut self, wanted: &str) -> Result<BTreeMap<String, Dialect>, PackError> {
        let mut of_others = Files { pack: self.pack, edited: self.edited, problems: Vec::new() };
        let mut dialects = BTreeMap::new();
        for (name, path) in self.paths("dialects", "what differs in a dialect is a file <dialect>.toml")? {
            let files = if name == wanted { &mut *self } else { &mut of_others };
            let differences = files.toml(&path);
            let dialect = match of_others.problems.pop() {
                None => Dialect::Read(differences),
                Some(error) => {
                    tracing::warn!(%error, "a pack's rules cannot be used for a dialect; those for others can");
                    Dialect::Unreadable(blake3::hash(&files::read(self.pack, &path, limits::TEXT_FILE)?))
                }
            };
            dialects.insert(name, dialect);
        }
        Ok(dialects)
    }

    /// A file's table; empty where it cannot be read, which is a problem.
    fn toml(&mut self, path: &Path) -> toml::Table {
        let read = read_text_edited(self.pack, path, self.edited).and_then(|text| {
            toml::from_str(&text).map_err(|e| refused(path, &format!("it is not TOML: {}", toml_words(&text, &e))))
        });
        read.unwrap_or_else(|error| {
            self.problems.push(error);
            toml::Table::new()
        })
    }
}

/// TOML's values in JSON. Dates become text; a float that JSON lacks becomes null, which no schema takes.
pub(super) fn to_json(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(to_json).collect(),
        // Collected in order of keys, so that the same rules give the same text however they are written down.
        toml::Value::Table(table) => {
            let sorted: BTreeMap<_, _> = table.into_iter().collect();
            sorted.into_iter().map(|(key, value)| (key, to_json(value))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

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

    /// Editors are given the schema: what it refuses in the shipped rules is a fault of the schema.
    #[test]
    fn shipped_rules_are_what_the_schema_says() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let manifest = fs::read_to_string(root.join("plugins/xplan-anz/manifest.json")).unwrap();
        let schema = &serde_json::from_str::<Value>(&manifest).unwrap()["rules_schema"];
        let validator = jsonschema::validator_for(schema).unwrap();
        for (pack, dialect) in [("xplan-au", "resourceful"), ("xplan-au", "open"), ("xplan-nz", "resourceful")] {
            let rules = read(&root.join("rules").join(pack), dialect, schema).unwrap();
            let rules: Value = serde_json::from_str(&rules.json).unwrap();
            let wrong: Vec<String> =
                validator.iter_errors(&rules).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(wrong.is_empty(), "{pack}, {dialect}: {wrong:#?}");
        }
    }

    fn check(files: &[(&str, &str)], expected: Result<&str, &str>) {
        match (read(folder(files).path(), PLAIN_DIALECT, &Value::Null), expected) {
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
        let plain = read(folder.path(), PLAIN_DIALECT, &Value::Null).unwrap();
        let open = read(folder.path(), "open", &Value::Null).unwrap();
        assert_eq!(plain.json, r#"{"a":1,"t":{"x":[1,2],"y":3}}"#);
        assert_eq!(open.json, r#"{"a":1,"t":{"x":[4],"y":3,"z":5}}"#);
        assert_eq!(plain.whole, open.whole, "both are the same revision");
        assert_ne!(plain.whole, plain.json);
        let refused = read(folder.path(), "closed", &Value::Null).err().unwrap().to_string();
        assert!(refused.contains("dialects/closed.toml"), "{refused}");
    }

    #[test]
    fn a_dialect_that_cannot_be_read_costs_itself() {
        let with = |open: &str| {
            folder(&[("rules.toml", "a = 1"), ("dialects/odd.toml", "a = 2"), ("dialects/open.toml", open)])
        };
        let read = |folder: &tempfile::TempDir, dialect| read(folder.path(), dialect, &Value::Null);
        let (broken, same, other) = (with("a = "), with("a = "), with("b = "));
        for (dialect, expected) in [(PLAIN_DIALECT, r#"{"a":1}"#), ("odd", r#"{"a":2}"#)] {
            assert_eq!(read(&broken, dialect).ok().unwrap().json, expected);
        }
        let refused = read(&broken, "open").err().unwrap().to_string();
        assert!(refused.contains("dialects/open.toml: it is not TOML: line 1"), "{refused}");
        let whole = |folder| read(folder, PLAIN_DIALECT).ok().unwrap().whole;
        assert_eq!(whole(&broken), whole(&same), "wherever the folder is");
        assert_ne!(whole(&broken), whole(&other), "they are two revisions");
    }

    #[test]
    fn no_rule_is_read_from_outside_the_pack() {
        use std::os::unix::fs::symlink;
        let outside = folder(&[("secret", "password = hunter2"), ("rules.toml", "a = 1")]);
        let refused = |folder: &tempfile::TempDir, expected: &str| {
            let message = read(folder.path(), PLAIN_DIALECT, &Value::Null).err().unwrap().to_string();
            assert!(message.contains(expected) && !message.contains("hunter2"), "{message}");
        };
        let pack = folder(&[("notes/a.toml", "")]);
        symlink(outside.path().join("secret"), pack.path().join("rules.toml")).unwrap();
        refused(&pack, "rules.toml: it is a link that leads out");
        fs::remove_file(pack.path().join("rules.toml")).unwrap();
        fs::write(pack.path().join("rules.toml"), "b = 1").unwrap();
        symlink(outside.path(), pack.path().join("dialects")).unwrap();
        refused(&pack, "dialects/rules.toml: it is a link that leads out");
        // A secret that somebody put into the rules is not quoted either.
        refused(&folder(&[("rules.toml", "password = hunter2")]), "it is not TOML: line 1");

        // As containers lay files out: links to a folder beside them.
        let pack = folder(&[("..2026/rules.toml", "a = 1")]);
        symlink("..2026", pack.path().join("..data")).unwrap();
        symlink("..data/rules.toml", pack.path().join("rules.toml")).unwrap();
        assert_eq!(read(pack.path(), PLAIN_DIALECT, &Value::Null).ok().unwrap().json, r#"{"a":1}"#);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        check(&[], Err("rules.toml"));
        check(&[("rules.toml", "a = 1\nb = ")], Err("not TOML: line 2"));
        check(
            &[("rules.toml", "a = "), ("notes/plan.toml", "b = "), ("notes/x.txt", "")],
            Err("notes/plan.toml: it is"),
        );
        check(&[("rules.toml", "a = "), ("notes/plan.toml", "b = "), ("notes/x.txt", "")], Err("a note is a file"));
        check(&[("rules.toml", ""), ("notes/plan.txt", "")], Err("plan.txt"));
        check(&[("rules.toml", "[notes]"), ("notes/plan.toml", "")], Err("table `notes`"));
    }
}
