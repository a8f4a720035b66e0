//! A pack's folder of rules, read as the host reads it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

/// A pack's rules, without its component.
pub struct Pack {
    /// The folder.
    pub folder: PathBuf,
    /// `xplan-au`.
    pub name: String,
    /// The region, ISO 3166-1 alpha-2.
    pub region: String,
    /// All rules as one JSON object, as `configure` takes them.
    pub rules: String,
}

impl Pack {
    /// Reads a pack's folder: `pack.toml`, `rules.toml`, and `notes/<event type>.toml` under the rules' key `notes`.
    ///
    /// # Errors
    /// Returns which file cannot be read, and why.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, String> {
        Self::load_for(folder, "resourceful")
    }

    /// The same, with `dialects/<dialect>.toml`, where there is one, laid over the rules.
    ///
    /// # Errors
    /// Returns which file cannot be read, and why.
    pub fn load_for(folder: impl AsRef<Path>, dialect: &str) -> Result<Self, String> {
        let folder = folder.as_ref();
        let pack = table(&folder.join("pack.toml"))?;
        let text = |key: &str| pack.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut rules = table(&folder.join("rules.toml"))?;
        rules.insert("notes".to_owned(), Value::Object(notes(&folder.join("notes"))?));
        let differences = folder.join("dialects").join(dialect).with_extension("toml");
        if differences.exists() {
            lay_over(&mut rules, table(&differences)?);
        }
        Ok(Self {
            folder: folder.to_owned(),
            name: text("name").ok_or("pack.toml has no name")?,
            region: text("region").ok_or("pack.toml has no region")?,
            rules: Value::Object(rules).to_string(),
        })
    }

    /// The rules as JSON.
    ///
    /// # Panics
    /// This does not happen: the rules were made of JSON.
    #[must_use]
    pub fn rules_json(&self) -> Value {
        serde_json::from_str(&self.rules).expect("the rules were made of JSON")
    }
}

/// Tables are joined key by key, everything else is replaced.
fn lay_over(rules: &mut Map<String, Value>, differences: Map<String, Value>) {
    for (key, value) in differences {
        match (rules.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(value)) => lay_over(below, value),
            (_, value) => drop(rules.insert(key, value)),
        }
    }
}

fn notes(folder: &Path) -> Result<Map<String, Value>, String> {
    let mut notes = Map::new();
    for file in files(folder, "toml")? {
        let event = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        notes.insert(event, Value::Object(table(&file)?));
    }
    Ok(notes)
}

/// The folder's files with an extension, in the order of their names; none where there is no such folder.
pub(super) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, String> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    Ok(files)
}

fn table(file: &Path) -> Result<Map<String, Value>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}
