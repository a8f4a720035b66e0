//! The layers of the settings: the defaults, the file, the environment and the command line, each over the one before.
//!
//! A value that does not fit its key is named and put aside, so that one reading names them all.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::error::{Actual, Kind};
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider, Source};
use serde::de::DeserializeOwned;

use super::file::{CONNECTIONS, File};
use super::problems::Problems;
use super::section::ConnectionSection;
use super::{ConfigError, Overrides, REFERENCE, toml_words};
use crate::crm::registry::Registry;

/// The beginning of the names of environment variables for settings.
pub(super) const PREFIX: &str = "TIDEGATE__";

/// All layers, and the folder that relative paths are meant from.
pub(super) struct Layers {
    figment: Figment,
    pub(super) base: PathBuf,
}

/// A single value that was given somewhere else than in a file.
struct Given {
    key: String,
    value: Value,
    place: String,
}

impl Provider for Given {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.place.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Serialized::default(&self.key, &self.value).data()
    }
}

impl Layers {
    /// Reads them. The file is `path`, or `tidegate.toml` where that exists.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or is no TOML.
    pub(super) fn gather(path: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::of(path, std::env::vars_os(), overrides)
    }

    /// The same, but for the environment.
    ///
    /// # Errors
    /// Fails as [`Layers::gather`] does.
    pub(super) fn without_environment(path: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::of(path, std::iter::empty(), overrides)
    }

    fn of(
        path: Option<&Path>,
        environment: impl Iterator<Item = (OsString, OsString)>,
        overrides: &Overrides,
    ) -> Result<Self, ConfigError> {
        let mut figment = Figment::new().merge(Toml::string(REFERENCE));
        let default_path = Path::new("tidegate.toml");
        let chosen = path.or_else(|| default_path.exists().then_some(default_path));
        let mut base = PathBuf::from(".");
        if let Some(path) = chosen {
            let unreadable = |message: String| ConfigError(vec![format!("{} {message}", path.display())]);
            let text = std::fs::read_to_string(path)
                .map_err(|error| unreadable(format!("cannot be read: {error}; name another with --config")))?;
            base = path.parent().map(Path::to_path_buf).unwrap_or_default();
            let parsed = toml::from_str::<toml::Table>(&text);
            parsed.map_err(|error| unreadable(format!("is not TOML: {}", toml_words(&text, &error))))?;
            figment = figment.merge(Toml::file_exact(path));
        }
        for (name, value) in environment {
            let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
            if let Some(key) = name.strip_prefix(PREFIX) {
                let key = key.to_lowercase().replace("__", ".").replace('_', "-");
                figment = figment.merge(Given { key, value: of_environment(value), place: name.to_owned() });
            }
        }
        for (key, value) in overrides {
            let value = Value::from(value.as_str());
            figment = figment.merge(Given { key: key.clone(), value, place: "the command line".to_owned() });
        }
        Ok(Self { figment, base })
    }

    /// The settings that the layers together say, and every value that does not fit its key. In its place stands the
    /// default. Connections are of the CRMs of `crms`.
    pub(super) fn read(&self, crms: Registry) -> Result<(File, Problems), ConfigError> {
        let one = |error: Error| ConfigError(vec![message(&error.kind)]);
        let mut tree: Dict = self.figment.extract().map_err(one)?;
        let reference: Dict = Figment::from(Toml::string(REFERENCE)).extract().map_err(one)?;
        let mut reading = Reading { layers: self, reference: Value::from(reference), problems: Problems::default() };
        let connections = tree.remove(CONNECTIONS);
        let Some(mut file) = reading.try_extract::<File>(tree, &[]) else {
            return Err(ConfigError(reading.problems.said()));
        };
        let section = |name: &String| vec![CONNECTIONS.to_owned(), name.clone()];
        match connections {
            Some(Value::Dict(_, connections)) => {
                for (name, value) in connections {
                    match value {
                        Value::Dict(_, keys) => {
                            let read = ConnectionSection::read(keys, &section(&name), crms, &mut reading);
                            file.connections.insert(name, read);
                        }
                        other => reading.refuse(&section(&name), &other, "a section with keys"),
                    }
                }
            }
            Some(other) => reading.refuse(&[CONNECTIONS.to_owned()], &other, "a section with keys"),
            None => {}
        }
        Ok((file, reading.problems))
    }

    /// The place at which a value was set.
    fn place(&self, path: &[String]) -> String {
        let metadata = (1..=path.len()).rev().find_map(|end| self.figment.find_metadata(&path[..end].join(".")));
        match metadata.map(|metadata| (&metadata.source, &metadata.name)) {
            Some((Some(Source::File(path)), _)) => format!(" (in {})", path.display()),
            Some((_, name)) => format!(" (in {name})"),
            None => String::new(),
        }
    }
}

/// Values on their way into their keys' types.
pub(super) struct Reading<'a> {
    layers: &'a Layers,
    /// The defaults.
    reference: Value,
    problems: Problems,
}

impl Reading<'_> {
    /// The keys at `path` as a `T` that has defaults for all of them. What does not fit is put aside and named.
    pub(super) fn extract<T: DeserializeOwned + Default>(&mut self, tree: Dict, path: &[String]) -> T {
        self.try_extract(tree, path).unwrap_or_default()
    }

    /// The same for a `T` without: none where what is left is no `T`.
    fn try_extract<T: DeserializeOwned>(&mut self, mut tree: Dict, above: &[String]) -> Option<T> {
        loop {
            let error = match Figment::from(Serialized::defaults(&tree)).extract_lossy::<T>() {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            let mut path = error.path.clone();
            if let Kind::UnknownField(name, _) = &error.kind
                && path.last() != Some(name)
            {
                path.push(name.clone());
            }
            let whole = |path: &[String]| [above, path].concat();
            let said = format!("{}{}", message(&error.kind), self.layers.place(&whole(&path)));
            // An entry of a list has a place in the path and none in the tree.
            while !put_aside(&mut tree, &path, &self.reference) {
                if path.pop().is_none() {
                    self.problems.add(&whole(&error.path).join("."), said);
                    return None;
                }
            }
            self.problems.put_aside(whole(&path).join("."), said);
        }
    }

    /// Puts the keys aside that are not known at `path`.
    pub(super) fn refuse_unknown(&mut self, tree: &mut Dict, path: &[String], known: &[String]) {
        let unknown: Vec<String> = tree.keys().filter(|key| !known.contains(key)).cloned().collect();
        for key in unknown {
            tree.remove(&key);
            let path = [path, &[key]].concat();
            let said = format!("is not known; the keys here are {}{}", known.join(", "), self.layers.place(&path));
            self.problems.put_aside(path.join("."), said);
        }
    }

    /// Puts the value at `path` aside that is to be something else.
    pub(super) fn refuse(&mut self, path: &[String], value: &Value, wanted: &str) {
        let kind = Kind::InvalidType(value.to_actual(), wanted.to_owned());
        let said = format!("{}{}", message(&kind), self.layers.place(path));
        self.problems.put_aside(path.join("."), said);
    }
}

/// A list is written as in the file. Everything else is text, whatever it looks like: a name of digits is a name.
fn of_environment(text: &str) -> Value {
    let is_list = text.starts_with(['[', '{']);
    if is_list && let Ok(value) = text.parse() { value } else { Value::from(text) }
}

/// Takes a value out, or puts the default in its place; answers whether there was one.
fn put_aside(tree: &mut Dict, path: &[String], reference: &Value) -> bool {
    let mut inner = tree;
    let Some((last, above)) = path.split_last() else { return false };
    for key in above {
        match inner.get_mut(key) {
            Some(Value::Dict(_, below)) => inner = below,
            _ => return false,
        }
    }
    let was_there = inner.remove(last).is_some();
    if let Some(default) = reference.find_ref(&path.join(".")) {
        inner.insert(last.clone(), default.clone());
    }
    was_there
}

/// The message about a wrong value, which itself is not said: it may be a secret in the wrong place.
fn message(kind: &Kind) -> String {
    match kind {
        Kind::UnknownField(_, known) => format!("is not known; the keys here are {}", known.join(", ")),
        Kind::UnknownVariant(_, known) => format!("is to be one of {}", known.join(", ")),
        Kind::InvalidType(found, wanted) | Kind::InvalidValue(found, wanted) => {
            let wanted = plain(wanted);
            let found = match kind_of(found) {
                "a number" if wanted == "a number" => "a number of another kind",
                found => found,
            };
            format!("is {found}, and is to be {wanted}")
        }
        Kind::Message(message) => message.clone(),
        other => other.to_string(),
    }
}

fn kind_of(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) | Actual::Bytes(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a section",
        _ => "something else",
    }
}

/// The plain words for the type that is wanted, which Rust names in its own.
fn plain(wanted: &str) -> &str {
    match wanted {
        "a string" | "path string" | "str" | "string" => "a text in quotation marks",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        wanted if wanted.starts_with(['u', 'i', 'f']) && wanted[1..].parse::<u8>().is_ok() => "a number",
        "usize" => "a number",
        "map" | "a map" => "a section with keys",
        wanted if wanted.starts_with("struct ") => "a section with keys",
        other => other,
    }
}
