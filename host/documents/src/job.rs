//! The job that the typesetter is given, and its answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The file in which a template finds its data: `json("/data.json")`.
pub const DATA: &str = "data.json";

/// A document to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct Job {
    /// The template's path among the files: `annual-review.completed.typ`.
    pub template: String,
    /// Every file that the template may read, by path: its modules and pictures.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The data that the template reads, as [`DATA`].
    pub data: Value,
    /// The document's date, in its metadata and as "today" in the template.
    pub made_at: MadeAt,
    /// An identity that tells this document from others, stable for the same document.
    pub identity: String,
}

/// A moment on a clock on the wall, and the minutes that this clock is ahead of UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a calendar's words")]
pub struct MadeAt {
    pub year: i16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub offset_minutes: i32,
}

/// A finished document.
#[derive(Clone, PartialEq, Debug)]
pub struct Typeset {
    /// The PDF.
    pub pdf: Vec<u8>,
    /// The text of each page, in the order of setting.
    pub pages: Vec<String>,
    /// Characters of the data that no font has, each once; a replacement character stands in their places.
    pub replaced: String,
    /// The warnings about the template.
    pub warnings: Vec<crate::Problem>,
}
