//! The index of an export while it is made: where its records are, which can be used, and what is told of the others.

use std::io;

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::columns;
use super::record::{Cells, Place, hash, id_in};
use crate::delimited::TextError;
use crate::domain::{IdForm, InvalidExternalId};

/// The most records of one export.
const MOST_RECORDS: usize = 2_000_000;
/// Sentences of one file.
const MOST_TOLD: usize = 25;
/// The records that cannot be used which a refusal names.
const MOST_NAMED: usize = 3;

/// An index while it is made.
pub(super) struct Index {
    name: String,
    /// The heading of the column that holds the id.
    id: String,
    pub(super) places: Vec<Place>,
    pub(super) by_id: Vec<(u64, u32)>,
    /// The number of records of which nobody knows whose they are.
    pub(super) lost: u64,
    /// The number of damaged records of which that is known.
    damaged: u64,
    /// The sentences about the first of both.
    unusable: Vec<String>,
    /// The sentences for whoever looks at the run.
    pub(super) told: Vec<String>,
    /// The contents of all records.
    contents: Vec<u64>,
    /// The line of the last record, and whether it is among `places`.
    last: (u32, bool),
}

impl Index {
    pub(super) fn new(name: &str, wanted: &[String]) -> Self {
        Self {
            name: name.to_owned(),
            id: wanted.first().cloned().unwrap_or_default(),
            places: Vec::new(),
            by_id: Vec::new(),
            lost: 0,
            damaged: 0,
            unusable: Vec::new(),
            told: Vec::new(),
            contents: Vec::new(),
            last: (0, false),
        }
    }

    /// Takes a record in.
    ///
    /// # Errors
    /// Returns an error if there are too many.
    pub(super) fn take(&mut self, place: Place, cells: &Cells, content: u64) -> Result<(), TextError> {
        self.contents.push(content);
        let id = id_in(cells);
        self.last = (place.line, id.is_some());
        if let Cells::Damaged { why, .. } = cells {
            self.name_unusable(format!("line {} of {} is damaged: {why}", place.line, self.name));
        }
        let Some(id) = id else {
            self.lose(place.line, cells);
            return Ok(());
        };
        self.damaged += u64::from(matches!(cells, Cells::Damaged { .. }));
        if self.places.len() >= MOST_RECORDS {
            let message = format!("it has more than {MOST_RECORDS} records, and an export may have so many");
            return Err(TextError::Disk(io::Error::other(message)));
        }
        let index = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.by_id.push((hash(&id), index));
        self.places.push(place);
        Ok(())
    }

    /// Counts a record of which nobody knows whose it is.
    fn lose(&mut self, line: u32, cells: &Cells) {
        let (name, heading) = (&self.name, columns::shown(&self.id));
        let sentence = match cells {
            Cells::Damaged { why, .. } => format!(
                "Line {line} of {name} is damaged, and whose it is cannot be told: {why}. Correct it in the CRM, and export \
                 again."
            ),
            Cells::Whole(values) => {
                let why = match values.first().and_then(Value::as_str).map(|text| IdForm::Text.read(text)) {
                    Some(Err(InvalidExternalId::Missing) | Ok(_)) => String::new(),
                    Some(Err(error)) => format!(" {error}"),
                    None => " It is no text that can be taken for one, or a number too long to be exact; export it as a text."
                        .to_owned(),
                };
                let what = format!("line {line} of {name} has no ID under {heading}");
                let sentence = format!(
                    "Line {line} of {name} has no ID under {heading}, so that nobody knows whose it is.{why} Give the record one \
                     in the CRM, or leave the line out of the export."
                );
                self.name_unusable(what);
                sentence
            }
        };
        self.lost += 1;
        self.tell(sentence);
    }

    /// Adds a sentence for whoever looks at the run.
    pub(super) fn tell(&mut self, sentence: String) {
        if self.told.len() < MOST_TOLD {
            self.told.push(sentence);
        }
    }

    fn name_unusable(&mut self, what: String) {
        if self.unusable.len() < MOST_NAMED {
            self.unusable.push(what);
        }
    }

    /// The number of records.
    pub(super) fn records(&self) -> u64 {
        self.places.len() as u64 + self.lost
    }

    /// The number of those that cannot be used.
    pub(super) fn unusable(&self) -> u64 {
        self.lost + self.damaged
    }

    /// The line on which the last record begins.
    pub(super) fn last_line(&self) -> u32 {
        self.last.0
    }

    /// The reason why nothing of the file is read, as the end of a sentence: most of its records cannot be used.
    pub(super) fn refusal(&self) -> Option<String> {
        let (unusable, records) = (self.unusable(), self.records());
        if unusable * 2 <= records {
            return None;
        }
        let more = if unusable > MOST_NAMED as u64 { ", and so on" } else { "" };
        Some(format!(
            "cannot be used: {unusable} of its {records} records cannot be read. {}{more}. Nothing was read, and what is \
             stored stays as it is",
            capital(&self.unusable.join("; "))
        ))
    }

    /// XXH3-128 of the set of records, whatever their order is and however often each stands there.
    pub(super) fn rows(&mut self) -> u128 {
        let mut contents = std::mem::take(&mut self.contents);
        contents.sort_unstable();
        contents.dedup();
        let bytes: Vec<u8> = contents.into_iter().flat_map(u64::to_le_bytes).collect();
        xxh3_128(&bytes)
    }

    /// Holds the last record back, of which the last value may be cut. Answers its index; none where that value is the id, so
    /// that nobody knows whose it is.
    pub(super) fn hold_back(&mut self, is_id_last: bool) -> Option<usize> {
        if !self.last.1 {
            return None;
        }
        if is_id_last {
            self.places.pop();
            self.by_id.pop();
            self.lost += 1;
            return None;
        }
        self.places.len().checked_sub(1)
    }
}

/// A text that begins a sentence.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
