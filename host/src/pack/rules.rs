//! A pack's rules: `rules.toml`, and each file note's template below `notes/`, of all its layers as one JSON object.
//!
//! A CRM may speak several dialects. `rules.toml` is written for [`PLAIN_DIALECT`]; what differs in another stands in
//! `dialects/<name>.toml` and is laid over it here, so that a plugin is configured with the rules of one dialect and a
//! pack serves all of them.

mod complete;
pub(super) mod differences;
pub(super) mod origins;

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tidegate_layers::{LayerRules, NOTES};

use super::files::refused;
use super::layers::{LayerFile, Layers};
use super::parts::RULES;
use super::{PackError, limits};
use crate::config::toml_words;
pub(super) use complete::{about, stand_in};
use origins::Origins;

/// The dialect that `rules.toml` is written for.
pub(super) const PLAIN_DIALECT: &str = "resourceful";

/// The folder of what differs in other dialects.
const DIALECTS: &str = "dialects";

/// The rules as `configure` takes them.
pub(super) struct Rules {
    /// The rules of all dialects together: what a revision is known by.
    pub(super) whole: String,
    /// `{ …rules.toml…, "notes": { "<event type>": { …notes/<event type>.toml… } } }`, keys sorted.
    pub(super) json: String,
    /// The keys that are missing in them for the plugin's schema, a line each.
    pub(super) missing: Vec<String>,
    /// Which file each of them is from.
    pub(super) origins: Origins,
}

impl Rules {
    /// The event types that it has templates of file notes for.
    pub(super) fn notes(&self) -> Vec<String> {
        let rules: Value = serde_json::from_str(&self.json).unwrap_or_default();
        rules[NOTES].as_object().map(|notes| notes.keys().cloned().collect()).unwrap_or_default()
    }
}

/// Reads the rules of a pack for a dialect, and looks whether they have all that `schema` needs.
///
/// # Errors
/// Names every file that is missing or no TOML, with the place in it, and what takes away what is not there. What differs in
/// another dialect costs that dialect alone: `whole` has the digest of a file that cannot be read.
pub(super) fn read(layers: &Layers<'_>, dialect: &str, schema: &Value) -> Result<Rules, PackError> {
    let mut files = Files { layers, dialect, problems: Vec::new(), origins: Origins::default() };
    let plain = files.plain()?;
    let mut dialects = files.dialects(&plain)?;
    files.fail()?;
    let mut whole = Value::Object(plain.clone()).to_string();
    for (name, differences) in &dialects {
        let differences = match differences {
            Dialect::Read(differences) => Value::Object(differences.clone()).to_string(),
            Dialect::Unreadable(digest) => digest.to_string(),
        };
        whole = format!("{whole}\n{name}\n{differences}");
    }
    let mut missing = Vec::new();
    let origins = files.origins;
    let of_dialect = match dialects.remove(dialect) {
        Some(Dialect::Read(differences)) => {
            let laid_over = Value::Object(differences.clone());
            let of_plain = Value::Object(plain.clone());
            missing =
                complete::unnamed(&laid_over, &of_plain, schema, &|keys: &[&str]| origins.of_dialect(keys, dialect));
            tidegate_layers::lay_over(plain, differences)
        }
        None if dialect != PLAIN_DIALECT => {
            let path = layers.folder().join(DIALECTS).join(dialect).with_extension("toml");
            return Err(refused(&path, &format!("the pack has no rules for the dialect `{dialect}`")));
        }
        _ => plain,
    };
    let of_dialect = Value::Object(of_dialect);
    missing.extend(complete::missing(&of_dialect, schema, &|keys: &[&str]| origins.of_table(keys)));
    let json = of_dialect.to_string();
    Ok(Rules { whole, json, missing, origins })
}

/// The dialects of a pack beside the one that `rules.toml` is written for.
pub(super) fn other_dialects(layers: &Layers<'_>) -> Vec<String> {
    let names = layers.listed(DIALECTS).unwrap_or_default();
    let names = names.keys().filter_map(|name| name.strip_suffix(".toml")).map(ToOwned::to_owned);
    names.filter(|name| name != PLAIN_DIALECT).collect()
}

/// What differs in a dialect.
enum Dialect {
    Read(Map<String, Value>),
    /// The digest of its files.
    Unreadable(blake3::Hash),
}

/// A pack's TOML files, and what is wrong with them so far.
struct Files<'a, 'e> {
    layers: &'a Layers<'e>,
    /// The dialect that the rules are read for.
    dialect: &'a str,
    problems: Vec<PackError>,
    origins: Origins,
}

impl Files<'_, '_> {
    /// The rules and notes of all layers.
    fn plain(&mut self) -> Result<Map<String, Value>, PackError> {
        let count = self.layers.names().len();
        let mut of_layers = vec![LayerRules::default(); count];
        let mut files = self.layers.each(RULES);
        if files.is_empty() {
            // Reading it says that it is missing.
            files.push(self.layers.own(RULES));
        }
        for file in &files {
            of_layers[file.layer].rules = self.toml(file);
            self.origins.add_rules(self.layers.shown(file), &of_layers[file.layer].rules);
        }
        for (event, of_event) in self.paths(NOTES, "a note is a file <event type>.toml")? {
            for file in &of_event {
                let note = self.toml(file);
                self.origins.add_note(self.layers.shown(file), &event, &note);
                of_layers[file.layer].notes.insert(event.clone(), Value::Object(note));
            }
        }
        self.fail()?;
        let has_notes = self.layers.are_several() || of_layers.iter().any(|layer| !layer.notes.is_empty());
        let has_table = |file: &&LayerFile| has_notes && of_layers[file.layer].rules.contains_key(NOTES);
        if let Some(file) = files.iter().find(has_table) {
            let message = "it has a table `notes`; notes are files of the folder `notes`, one an event type";
            return Err(self.layers.tell(refused(&file.path, message)));
        }
        of_layers.reverse();
        let joined = tidegate_layers::rules(of_layers);
        joined.map_err(|faults| {
            self.faults(faults.into_iter().map(|fault| (count - 1 - fault.layer, fault.message)), RULES)
        })
    }

    /// The TOML files of a folder, by name, those of each in all layers; none where there is no such folder.
    fn paths(&mut self, folder: &str, is_for: &str) -> Result<Vec<(String, Vec<LayerFile>)>, PackError> {
        let mut found = Vec::new();
        for (name, files) in self.layers.listed(folder)? {
            match name.strip_suffix(".toml").filter(|stem| !stem.is_empty()) {
                Some(stem) => found.push((stem.to_owned(), files)),
                None => {
                    let wrong = files.iter().map(|file| self.layers.tell(refused(&file.path, is_for)));
                    self.problems.extend(wrong);
                }
            }
        }
        Ok(found)
    }

    /// What differs in each dialect, by name. One that is not wanted and cannot be read is told of in the log.
    fn dialects(&mut self, plain: &Map<String, Value>) -> Result<BTreeMap<String, Dialect>, PackError> {
        let mut dialects = BTreeMap::new();
        for (name, files) in self.paths(DIALECTS, "what differs in a dialect is a file <dialect>.toml")? {
            let before = self.problems.len();
            let mut of_layers = Vec::new();
            for file in &files {
                let differences = self.toml(file);
                if name == self.dialect {
                    self.origins.add_dialect(self.layers.shown(file), &differences);
                }
                of_layers.push(differences);
            }
            of_layers.reverse();
            let joined = tidegate_layers::dialect(plain, of_layers).unwrap_or_else(|faults| {
                let faults = faults.into_iter().map(|fault| (&files[files.len() - 1 - fault.layer], fault.message));
                self.problems.extend(faults.map(|(file, why)| self.layers.tell(refused(&file.path, &why))));
                Map::new()
            });
            let dialect = match self.problems.len() > before && name != self.dialect {
                false => Dialect::Read(joined),
                true => {
                    for error in self.problems.drain(before..) {
                        tracing::warn!(%error, "a pack's rules cannot be used for a dialect; those for others can");
                    }
                    let mut hasher = blake3::Hasher::new();
                    for file in &files {
                        hasher.update(&self.layers.bytes(file, limits::TEXT_FILE)?);
                    }
                    Dialect::Unreadable(hasher.finalize())
                }
            };
            dialects.insert(name, dialect);
        }
        Ok(dialects)
    }

    /// A file's table; empty where it cannot be read, which is a problem.
    fn toml(&mut self, file: &LayerFile) -> Map<String, Value> {
        let read = self.layers.text(file).and_then(|text| {
            toml::from_str::<toml::Table>(&text).map_err(|error| {
                self.layers.tell(refused(&file.path, &format!("it is not TOML: {}", toml_words(&text, &error))))
            })
        });
        match read {
            Ok(table) => table.into_iter().map(|(key, value)| (key, to_json(value))).collect(),
            Err(error) => {
                self.problems.push(error);
                Map::new()
            }
        }
    }

    /// Faults of layers, each by the place of its layer, as errors about a file that these have.
    fn faults(&self, faults: impl Iterator<Item = (usize, String)>, below: &str) -> PackError {
        let files = self.layers.each(below);
        let errors = faults.map(|(layer, why)| {
            let file = files.iter().find(|file| file.layer == layer);
            let path = file.map_or_else(|| self.layers.folder().join(below), |file| file.path.clone());
            self.layers.tell(refused(&path, &why))
        });
        PackError::Several(errors.collect())
    }

    /// Fails with the problems so far.
    fn fail(&mut self) -> Result<(), PackError> {
        match std::mem::take(&mut self.problems) {
            none if none.is_empty() => Ok(()),
            problems => Err(PackError::Several(problems)),
        }
    }
}

/// TOML's values in JSON. Dates become text; a float that JSON lacks becomes null, which no schema takes.
pub(super) fn to_json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(to_json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, to_json(value))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    const PACK: &str =
        "name = \"a\"\nversion = \"1\"\nplugin = \"a\"\ncomponent = \"a.wasm\"\ncrm = \"a\"\nregion = \"AU\"";

    /// The rules of a folder for a dialect, whatever they lack.
    fn read(folder: &Path, dialect: &str, schema: &Value) -> Result<Rules, PackError> {
        super::read(&Layers::of(folder)?, dialect, schema)
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pack.toml"), PACK).unwrap();
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
        let packs = ["xplan-au", "xplan-nz", "xplan-uk", "xplan-za"];
        for (pack, dialect) in packs.iter().flat_map(|pack| [(*pack, "resourceful"), (*pack, "open")]) {
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
        fs::remove_file(outside.path().join("pack.toml")).unwrap();
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
