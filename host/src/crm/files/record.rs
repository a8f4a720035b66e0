//! One record of an export: where it is, and what stands in it.

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::columns;
use crate::domain::{ExternalId, IdForm};

/// The place of a record in its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) start: u64,
    pub(super) length: u32,
    /// The line on which it begins, from 1.
    pub(super) line: u32,
}

/// What stands in a record.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Cells {
    /// The values of the wanted columns, in their order: texts, and what an object has instead of one.
    Whole(Vec<Value>),
    /// The record cannot be used as it is.
    Damaged {
        /// The id that it has all the same, as written.
        id: Option<String>,
        /// The reason, behind "the row … is damaged:".
        why: String,
    },
}

/// How a file ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// As it should.
    Whole,
    /// Behind a record that can be read and has no end of its line: it may be cut in its last value.
    Open,
    /// In the middle of a record.
    Cut,
}

/// What tells what stands in a record from what stands in others: its values by their headings, whatever their order,
/// encoding and quotation marks are. An empty one says nothing.
#[derive(Default)]
pub(super) struct Content(u64);

impl Content {
    /// The part of a heading.
    pub(super) fn heading(heading: &str) -> u64 {
        xxh3_64(columns::plain(heading).as_bytes())
    }

    /// Takes in a value below a heading.
    pub(super) fn add(&mut self, heading: u64, value: &str) {
        let value = value.trim();
        if !value.is_empty() {
            let both = [heading.to_le_bytes(), xxh3_64(value.as_bytes()).to_le_bytes()].concat();
            self.0 = self.0.wrapping_add(xxh3_64(&both));
        }
    }

    /// The content as a number.
    pub(super) fn number(&self) -> u64 {
        xxh3_64(&self.0.to_le_bytes())
    }
}

/// The number by which an id is found.
pub(super) fn hash(id: &ExternalId) -> u64 {
    xxh3_64(id.as_str().as_bytes())
}

/// The id of a record; none where nobody knows whose it is.
pub(super) fn id_in(cells: &Cells) -> Option<ExternalId> {
    match cells {
        Cells::Whole(values) => values.first().and_then(Value::as_str).and_then(|text| IdForm::Text.read(text).ok()),
        Cells::Damaged { id, .. } => id.as_deref().and_then(|text| IdForm::Text.read(text).ok()),
    }
}
