//! The file that each of a pack's joined rules is from: the topmost layer's that has it.

use serde_json::{Map, Value};
use tidegate_layers::{EXAMPLES, NOTES, name_of};

use crate::pack::PackError;
use crate::pack::pointers::split_pointer;

/// The tables of a pack's files by the paths that people are told, the pack's own first.
#[derive(Clone, Default, Debug)]
pub(in crate::pack) struct Origins {
    dialect: Vec<(String, Value)>,
    rules: Vec<(String, Value)>,
    notes: Vec<(String, String, Value)>,
}

impl Origins {
    pub(super) fn add_rules(&mut self, file: String, table: &Map<String, Value>) {
        self.rules.push((file, Value::Object(table.clone())));
    }

    pub(super) fn add_dialect(&mut self, file: String, table: &Map<String, Value>) {
        self.dialect.push((file, Value::Object(table.clone())));
    }

    pub(super) fn add_note(&mut self, file: String, event: &str, table: &Map<String, Value>) {
        self.notes.push((file, event.to_owned(), Value::Object(table.clone())));
    }

    /// The file that has a place in the rules; none where none has. An example goes by its name.
    pub(in crate::pack) fn of(&self, keys: &[&str]) -> Option<&str> {
        let found = match keys {
            [] => None,
            [notes, event, below @ ..] if *notes == NOTES => {
                self.notes.iter().find(|(_, of, table)| of == event && has(table, below)).map(|(file, ..)| file)
            }
            [examples, name] if *examples == EXAMPLES => {
                let is_in = |table: &Value| {
                    let examples = table[EXAMPLES].as_array();
                    examples.is_some_and(|examples| examples.iter().any(|example| name_of(example) == Some(*name)))
                };
                self.tables().find(|(_, table)| is_in(table)).map(|(file, _)| file)
            }
            keys => self.tables().find(|(_, table)| has(table, keys)).map(|(file, _)| file),
        };
        found.map(String::as_str)
    }

    /// An error about places in joined rules, each line with the file that has the place.
    pub(in crate::pack) fn name_files(&self, rules: &str, error: PackError) -> PackError {
        let named = |lines: Vec<String>| lines.into_iter().map(|line| self.with_file(rules, line)).collect();
        match error {
            PackError::Rules(lines) => PackError::Rules(named(lines)),
            PackError::Examples(lines) => {
                let hinted = |line: String| {
                    let hint = self.way_out(rules, &line).unwrap_or_default();
                    format!("{}{hint}", self.with_file(rules, line))
                };
                PackError::Examples(lines.into_iter().map(hinted).collect())
            }
            other => other,
        }
    }

    /// What is to be done about an example of a base that says otherwise than the pack's own rules; none for the pack's own.
    fn way_out(&self, rules: &str, line: &str) -> Option<String> {
        let (place, _) = split_pointer(line)?;
        let is_of_base = self.nearest(rules, &place)?.contains('/');
        let rules: Value = serde_json::from_str(rules).ok()?;
        let at: usize = place.get(1)?.parse().ok()?;
        let name = name_of(&rules[EXAMPLES][at])?.replace('~', "~0").replace('/', "~1");
        is_of_base.then(|| {
            format!(
                ". The example is the base's: if the rules here are right, take it away with `remove = [\"/examples/{name}\"]` at the \
                 head of rules.toml, or write one of the same name"
            )
        })
    }

    /// A line that begins with a JSON Pointer, with the file behind it.
    fn with_file(&self, rules: &str, line: String) -> String {
        let Some(place) = split_pointer(&line).map(|(place, _)| place) else { return line };
        let Some(file) = self.nearest(rules, &place) else { return line };
        let end = line.find([':', ' ']).unwrap_or(line.len());
        format!("{} ({file}){}", &line[..end], &line[end..])
    }

    /// The file that has a place in joined rules, or the nearest table around it.
    pub(in crate::pack) fn nearest(&self, rules: &str, place: &[String]) -> Option<&str> {
        if let [examples, at, ..] = place
            && examples == EXAMPLES
        {
            let rules: Value = serde_json::from_str(rules).unwrap_or_default();
            let at: usize = at.parse().ok()?;
            return self.of(&[EXAMPLES, name_of(&rules[EXAMPLES][at])?]);
        }
        let keys: Vec<&str> = place.iter().map(String::as_str).collect();
        (1..=keys.len()).rev().find_map(|depth| self.of(&keys[..depth]))
    }

    /// The file in which a table is to be looked for, or a key of it written: the pack's own where none has it.
    pub(super) fn of_table(&self, keys: &[&str]) -> String {
        match (self.of(keys), keys) {
            (Some(file), _) => file.to_owned(),
            (None, ["notes", event, ..]) => format!("notes/{event}.toml"),
            (None, _) => "rules.toml".to_owned(),
        }
    }

    /// The file of a dialect in which a table is to be looked for.
    pub(super) fn of_dialect(&self, keys: &[&str], dialect: &str) -> String {
        let found = self.dialect.iter().find(|(_, table)| has(table, keys)).map(|(file, _)| file.clone());
        found.unwrap_or_else(|| format!("dialects/{dialect}.toml"))
    }

    /// What is laid over comes first.
    fn tables(&self) -> impl Iterator<Item = &(String, Value)> {
        self.dialect.iter().chain(&self.rules)
    }
}

fn has(table: &Value, keys: &[&str]) -> bool {
    let found = keys.iter().try_fold(table, |value, key| match value {
        Value::Array(items) => key.parse::<usize>().ok().and_then(|at| items.get(at)),
        value => value.get(*key),
    });
    found.is_some()
}
