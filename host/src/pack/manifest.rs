//! The manifest of a plugin: read from its component without running it, and told again by the running component.

use serde::Deserialize;

use super::ComponentError;
use crate::domain::RecordKind;

/// The custom section at the component's top level that holds the manifest as JSON.
pub(super) const SECTION: &str = "tidegate:manifest";

/// The contract's manifest (`wit/v1/mapper.wit` documents each field), as the section's JSON has it.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) crm: String,
    pub(super) regions: Vec<String>,
    pub(super) kinds: Vec<RecordKind>,
    pub(super) kinds_reading_as_of: Vec<RecordKind>,
    pub(super) fields_read: Vec<String>,
    pub(super) fields_written: Vec<String>,
    pub(super) events: Vec<String>,
    pub(super) rules_schema: serde_json::Value,
}

impl Manifest {
    /// The section's bytes.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub(super) fn parse(section: &[u8]) -> Result<Self, ComponentError> {
        serde_json::from_slice(section).map_err(|error| {
            let message = format!("the component's section `{SECTION}` is no manifest: {error}");
            ComponentError::NotAComponent(message, Some(Box::new(error)))
        })
    }

    /// The fields in which `other` says something else.
    pub(super) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let same = [
            ("name", self.name == other.name),
            ("version", self.version == other.version),
            ("crm", self.crm == other.crm),
            ("regions", self.regions == other.regions),
            ("kinds", self.kinds == other.kinds),
            ("kinds_reading_as_of", self.kinds_reading_as_of == other.kinds_reading_as_of),
            ("fields_read", self.fields_read == other.fields_read),
            ("fields_written", self.fields_written == other.fields_written),
            ("events", self.events == other.events),
            ("rules_schema", self.rules_schema == other.rules_schema),
        ];
        same.into_iter().filter(|(_, is_same)| !is_same).map(|(field, _)| field).collect()
    }
}
