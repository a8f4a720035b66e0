//! The layers of the settings: the defaults, the file, the environment and the command line, each over the one before.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider};

use super::file::{CONNECTIONS, File};
use super::openid::NO_ISSUER;
use super::problems::Problems;
use super::reading::{Reading, message};
use super::regular_file;
use super::section::ConnectionSection;
use super::{ConfigError, Overrides, REFERENCE, toml_words};
use crate::crm::registry::Registry;

/// The beginning of the names of environment variables for settings.
pub(super) const PREFIX: &str = "TIDEGATE__";
/// The largest settings file, bytes.
const LARGEST: u64 = 1 << 20;

/// All layers, and the whole path of the folder that relative paths are meant from.
pub(super) struct Layers {
    figment: Figment,
    pub(super) base: PathBuf,
    /// Whether anything was said: by a file, the environment or the command line.
    pub(super) is_given: bool,
    /// Whether the file has an `[openid]` with nothing below it, such as one whose keys are comments still.
    has_empty_openid: bool,
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
        let mut beside = Path::new("");
        let mut is_given = chosen.is_some() || !overrides.is_empty();
        let mut has_empty_openid = false;
        if let Some(path) = chosen {
            let unreadable = |message: String| ConfigError(vec![format!("{} {message}", path.display())]);
            let bytes = regular_file::read(path, LARGEST)
                .map_err(|why| ConfigError(vec![format!("{why}; name another with --config")]))?;
            let text =
                String::from_utf8(bytes).map_err(|_| unreadable("is not UTF-8 text; save it as UTF-8".to_owned()))?;
            beside = path.parent().unwrap_or(beside);
            let parsed = toml::from_str::<toml::Table>(&text);
            let parsed = parsed.map_err(|error| unreadable(format!("is not TOML: {}", toml_words(&text, &error))))?;
            has_empty_openid = parsed.get("openid").and_then(|openid| openid.as_table()).is_some_and(is_empty);
            figment = figment.merge(Toml::file_exact(path));
        }
        for (name, value) in environment {
            let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
            if let Some(key) = name.strip_prefix(PREFIX) {
                let key = key.to_lowercase().replace("__", ".").replace('_', "-");
                is_given = true;
                figment = figment.merge(Given { key, value: of_environment(value), place: name.to_owned() });
            }
        }
        for (key, value) in overrides {
            let value = Value::from(value.as_str());
            figment = figment.merge(Given { key: key.clone(), value, place: "the command line".to_owned() });
        }
        // Whole: a host and a command that was started in another folder mean the same by them.
        let beside = Path::new(".").join(beside);
        let base = std::path::absolute(&beside).unwrap_or(beside);
        let has_empty_openid = has_empty_openid && figment.find_value("openid.issuer").is_err();
        Ok(Self { figment, base, is_given, has_empty_openid })
    }

    /// The settings that the layers together say, and every value that does not fit its key. In its place stands the
    /// default. Connections are of the CRMs of `crms`.
    pub(super) fn read(&self, crms: Registry) -> Result<(File, Problems), ConfigError> {
        let one = |error: Error| ConfigError(vec![message(&error.kind)]);
        let mut tree: Dict = self.figment.extract().map_err(one)?;
        let reference: Dict = Figment::from(Toml::string(REFERENCE)).extract().map_err(one)?;
        let mut reading = Reading::new(&self.figment, Value::from(reference));
        let connections = tree.remove(CONNECTIONS);
        let Some(mut file) = reading.try_extract::<File>(tree, &[]) else {
            return Err(ConfigError(reading.problems.said()));
        };
        if self.has_empty_openid {
            reading.problems.add("openid.issuer", NO_ISSUER);
        }
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
}

/// Whether a section has nothing but such sections below it.
fn is_empty(section: &toml::Table) -> bool {
    section.values().all(|value| value.as_table().is_some_and(is_empty))
}

/// A list is written as in the file. Everything else is text, whatever it looks like: a name of digits is a name.
fn of_environment(text: &str) -> Value {
    let is_list = text.starts_with(['[', '{']);
    if is_list && let Ok(value) = text.parse() { value } else { Value::from(text) }
}
