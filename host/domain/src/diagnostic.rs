//! Something a person should be able to find out about a record.

use serde::{Deserialize, Serialize};

/// The severity of a diagnostic: how much it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing: a value was derived or normalised.
    Info,
    /// A value was left out or stands in doubt.
    Warning,
    /// The record cannot be used.
    Error,
}

/// A finding about one record: what was found, in which field, and what would fix it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The severity: how much the finding matters.
    pub severity: Severity,
    /// The canonical field (`mobile`); none for the record as a whole.
    pub field: Option<String>,
    /// A stable code, kebab-case: `not-a-mobile`.
    pub code: String,
    /// The message for a person: what was found, what was done with it, what would fix it.
    pub message: String,
}

impl Diagnostic {
    /// The first of the gravest: by its code a record that is left out is counted, and its words tell why.
    pub fn gravest(all: &[Self]) -> Option<&Self> {
        all.iter().rev().max_by_key(|diagnostic| diagnostic.severity)
    }

    /// A value was derived, or something is worth knowing about it.
    pub fn info(field: &str, code: &str, message: String) -> Self {
        Self { severity: Severity::Info, field: Some(field.to_owned()), code: code.to_owned(), message }
    }

    /// A value was left out or stands in doubt.
    pub fn warning(field: &str, code: &str, message: String) -> Self {
        Self { severity: Severity::Warning, field: Some(field.to_owned()), code: code.to_owned(), message }
    }

    /// The record as a whole cannot be used.
    pub fn error(code: &str, message: String) -> Self {
        Self { severity: Severity::Error, field: None, code: code.to_owned(), message }
    }
}
