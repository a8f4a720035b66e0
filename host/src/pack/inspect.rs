//! What a pack is, without running it: its layers, its files, its component's manifest, and its joined rules with the place
//! that each of them is from.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};
use tidegate_layers::{EXAMPLES, NOTES, name_of};

use super::layers::Layers;
use super::rules::{self, Rules};
use super::{Gates, PackError, lines, load};
use crate::domain::RecordKind;
use crate::domain::field::pointer_to;

/// What a pack is.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Its name.
    pub name: String,
    /// The version of its rules.
    pub version: String,
    /// ISO 3166-1 alpha-2 code of its region; none of a base.
    pub region: Option<String>,
    /// The CRM it reads; none of a base without a component.
    pub crm: Option<String>,
    /// Its component; none of a base that holds what packs of several CRMs have in common.
    pub component: Option<ComponentFacts>,
    /// The event types that it has the file notes of.
    pub events: Vec<String>,
    /// The dialects that its rules are written for.
    pub dialects: Vec<String>,
    /// The names of the pack and of its bases, its own first.
    pub layers: Vec<String>,
    /// The files of all of them that are read, by their paths.
    pub files: Vec<FileFacts>,
    /// Its joined rules, for one dialect.
    pub joined: Joined,
}

/// What the component of a pack is.
#[derive(Clone, Debug, Serialize)]
pub struct ComponentFacts {
    /// The plugin that it is, and its version.
    pub plugin: String,
    /// See [`ComponentFacts::plugin`].
    pub version: String,
    /// The BLAKE3 digest of its file, in hexadecimal.
    pub digest: String,
    /// The size of its file, bytes.
    pub bytes: u64,
    /// The regions that it serves; none stands for all.
    pub regions: Vec<String>,
    /// The kinds of records that it makes.
    pub kinds: Vec<RecordKind>,
}

/// A file of a pack.
#[derive(Clone, Debug, Serialize)]
pub struct FileFacts {
    /// Its path in its layer's folder.
    pub path: String,
    /// The pack or base that has it.
    pub layer: String,
    /// Its size, bytes.
    pub bytes: u64,
}

/// Joined rules.
#[derive(Clone, Debug, Serialize)]
pub struct Joined {
    /// The dialect.
    pub dialect: String,
    /// The rules, as the plugin is given them.
    pub rules: Value,
    /// The place that each value is from, as `rules.toml:73`, by its JSON Pointer (RFC 6901).
    pub from: BTreeMap<String, String>,
}

/// Looks at a pack's folder.
///
/// # Errors
/// Names the file that is missing, cannot be read, or does not fit the others.
pub fn inspect(folder: &Path, dialect: &str) -> Result<Inspection, PackError> {
    let layers = Layers::of(folder)?;
    layers.survey()?;
    let mapper = layers.pack().mapper.as_ref();
    let component = mapper.map(|_| load::read_component(&layers, &mut Gates::default())).transpose()?;
    let read = rules::read(&layers, dialect, &Value::Null)?;
    let joined = Joined::of(&layers, &read, dialect)?;
    let events = joined.rules[NOTES].as_object().map(|notes| notes.keys().cloned().collect()).unwrap_or_default();
    let mut dialects = rules::other_dialects(&layers);
    dialects.insert(0, rules::PLAIN_DIALECT.to_owned());
    let names: Vec<String> = layers.names().into_iter().map(ToOwned::to_owned).collect();
    let mut files = Vec::new();
    for file in layers.all()? {
        if layers.each(&file.below).iter().any(|read| read.layer == file.layer) {
            let bytes = file.path.metadata().map_err(PackError::io(file.path.display()))?.len();
            files.push(FileFacts { path: file.below, layer: names[file.layer].clone(), bytes });
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let pack = layers.pack();
    Ok(Inspection {
        name: pack.name.clone(),
        version: pack.version.clone(),
        region: pack.region.clone(),
        crm: pack.mapper.as_ref().map(|mapper| mapper.crm.clone()),
        component: component.map(|(manifest, bytes, _)| ComponentFacts {
            plugin: manifest.name,
            version: manifest.version,
            digest: blake3::hash(&bytes).to_hex().to_string(),
            bytes: bytes.len() as u64,
            regions: manifest.regions,
            kinds: manifest.kinds,
        }),
        events,
        dialects,
        layers: names,
        files,
        joined,
    })
}

impl Joined {
    fn of(layers: &Layers<'_>, read: &Rules, dialect: &str) -> Result<Self, PackError> {
        let rules: Value = serde_json::from_str(&read.json).unwrap_or_default();
        let mut texts = Texts { layers, known: BTreeMap::new() };
        let mut from = BTreeMap::new();
        leaves(&rules, &mut Vec::new(), &mut |keys: &[&str]| {
            let place: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            let Some(file) = read.origins.nearest(&read.json, &place) else { return Ok(()) };
            let within = match place.as_slice() {
                [notes, _, below @ ..] if notes == NOTES => below.to_vec(),
                [examples, at] if examples == EXAMPLES => {
                    let name = at.parse::<usize>().ok().and_then(|at| name_of(&rules[EXAMPLES][at]));
                    let own = name.and_then(|name| texts.example(file, name));
                    own.map(|at| vec![EXAMPLES.to_owned(), at.to_string()]).unwrap_or_default()
                }
                place => place.to_vec(),
            };
            let line = texts.line(file, &within)?.map(|line| format!(":{line}")).unwrap_or_default();
            from.insert(place.iter().map(|key| pointer_to(key)).collect(), format!("{file}{line}"));
            Ok(())
        })?;
        Ok(Self { dialect: dialect.to_owned(), rules, from })
    }

    /// The rules as TOML, each key with the place that it is from behind it, or above it where its value has several lines.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        if let Value::Object(rules) = &self.rules {
            self.table(rules, &mut Vec::new(), &mut text);
        }
        text
    }

    fn table(&self, table: &Map<String, Value>, keys: &mut Vec<String>, text: &mut String) {
        let is_inner = |key: &str, value: &Value| value.is_object() || (keys.is_empty() && key == EXAMPLES);
        let (inner, own): (Vec<_>, Vec<_>) = table.iter().partition(|(key, value)| is_inner(key, value));
        if !keys.is_empty() && (!own.is_empty() || inner.is_empty()) {
            let heading = keys.iter().map(|key| quoted(key)).collect::<Vec<_>>().join(".");
            text.push_str(&format!("\n[{heading}]\n"));
        }
        let pointer = |keys: &[String], key: &str| -> String {
            keys.iter().map(String::as_str).chain([key]).map(pointer_to).collect()
        };
        for (key, value) in own {
            let from = self.from.get(&pointer(keys, key)).map(String::as_str).unwrap_or_default();
            let written = written(value);
            if written.contains('\n') {
                text.push_str(&format!("# {from}\n{} = {written}\n", quoted(key)));
            } else {
                text.push_str(&format!("{} = {written}  # {from}\n", quoted(key)));
            }
        }
        for (key, value) in inner {
            match value {
                Value::Object(table) => {
                    keys.push(key.clone());
                    self.table(table, keys, text);
                    keys.pop();
                }
                Value::Array(examples) => {
                    for (at, example) in examples.iter().enumerate() {
                        let place = pointer(&[EXAMPLES.to_owned()], &at.to_string());
                        let from = self.from.get(&place).map(String::as_str).unwrap_or_default();
                        text.push_str(&format!("\n[[{EXAMPLES}]]  # {from}\n"));
                        for (key, value) in example.as_object().into_iter().flatten() {
                            text.push_str(&format!("{} = {}\n", quoted(key), written(value)));
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// Calls `tell` with the way to each value that is no table, and to each example.
fn leaves<'v>(
    value: &'v Value,
    keys: &mut Vec<&'v str>,
    tell: &mut impl FnMut(&[&str]) -> Result<(), PackError>,
) -> Result<(), PackError> {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                keys.push(key);
                match value {
                    Value::Array(examples) if *keys == [EXAMPLES] => {
                        for at in 0..examples.len() {
                            tell(&[EXAMPLES, &at.to_string()])?;
                        }
                    }
                    Value::Object(table) if !table.is_empty() => leaves(value, keys, tell)?,
                    _ => tell(keys)?,
                }
                keys.pop();
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The texts of a pack's files, each read once.
struct Texts<'a> {
    layers: &'a Layers<'a>,
    known: BTreeMap<String, String>,
}

impl Texts<'_> {
    fn text(&mut self, file: &str) -> Result<&str, PackError> {
        if !self.known.contains_key(file) {
            self.known.insert(file.to_owned(), self.layers.text(&self.layers.of_shown(file))?);
        }
        Ok(&self.known[file])
    }

    fn line(&mut self, file: &str, place: &[String]) -> Result<Option<usize>, PackError> {
        Ok(lines::find(self.text(file)?, place).line)
    }

    fn example(&mut self, file: &str, name: &str) -> Option<usize> {
        lines::place_of_named(self.text(file).ok()?, EXAMPLES, name)
    }
}

/// A key as TOML has it.
fn quoted(key: &str) -> String {
    let is_bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_bare { key.to_owned() } else { toml::Value::from(key).to_string() }
}

/// A value as TOML has it, tables in one line.
fn written(value: &Value) -> String {
    match value {
        Value::Object(table) if table.is_empty() => "{}".to_owned(),
        Value::Object(table) => {
            let members: Vec<_> =
                table.iter().map(|(key, value)| format!("{} = {}", quoted(key), written(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Value::String(text) => toml::Value::from(text.as_str()).to_string(),
        other => other.to_string(),
    }
}
