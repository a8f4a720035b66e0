//! One row of an export: texts by the columns' names.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tidegate_sdk::{LineageRecorder, Origin, text};

use crate::forms::Forms;
use crate::rules::Columns;

/// The marks that databases write into an export where there is nothing.
const NULLS: [&str; 4] = ["\\N", "(null)", "<null>", "[NULL]"];

/// The cells of a row, as the host sends them.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Cells<'a>(Vec<(Cow<'a, str>, Cell<'a>)>);

/// What stands in a cell.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Cell<'a> {
    Text(Cow<'a, str>),
    /// A list, an object, or a number that is not exact, by an export of JSON.
    NoText,
}

impl<'de: 'a, 'a> Deserialize<'de> for Cell<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Cell<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("what stands in a cell")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Cell<'de>, E> {
                Ok(Cell::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Cell<'de>, E> {
                Ok(Cell::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<Cell<'de>, E> {
                Ok(Cell::Text(Cow::Borrowed("")))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Cell<'de>, E> {
                Ok(Cell::NoText)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Cell<'de>, E> {
                Ok(Cell::NoText)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Cell<'de>, E> {
                Ok(Cell::NoText)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Cell<'de>, E> {
                Ok(Cell::NoText)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Cell<'de>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Cell::NoText)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cell<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Cell::NoText)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Cells<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Cells<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Cells<'de>, A::Error> {
                let mut cells = Vec::new();
                while let Some((Text(name), value)) = map.next_entry()? {
                    cells.push((name, value));
                }
                Ok(Cells(cells))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A text that is not copied where JSON's escapes allow.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The raw record of a row of its own.
#[derive(Deserialize)]
pub(crate) struct RawRow<'a> {
    #[serde(borrow)]
    pub row: Cells<'a>,
}

/// A row with what is needed to read it.
#[derive(Clone, Copy)]
pub(crate) struct Row<'r, 'a> {
    pub cells: &'r Cells<'a>,
    pub columns: &'r Columns,
    pub forms: &'r Forms,
    /// The list that it stands in and its place there; none for a row of its own.
    pub place: Option<(&'r str, usize)>,
}

impl<'r, 'a> Row<'r, 'a> {
    fn cell(&self, field: &str) -> Option<&'r Cell<'a>> {
        let name = self.columns.of(field)?;
        self.cells.0.iter().find(|(known, _)| known == name).map(|(_, cell)| cell)
    }

    /// Whether anything stands in a field's column.
    pub fn is_filled(&self, field: &str) -> bool {
        self.written(field).is_some() || self.cell(field) == Some(&Cell::NoText)
    }

    /// The same as [`Self::written`]; what is no text is left out and told.
    pub fn read(&self, field: &str, canonical: &'static str, recorder: &mut LineageRecorder) -> Option<&'r str> {
        if self.cell(field) == Some(&Cell::NoText) {
            let column = self.columns.of(field).unwrap_or(field);
            let message = format!(
                "The column “{column}” holds a list, an object or a number too long to be exact where a text belongs; it was left out. Export it as a text, or \
                 name a part of it in the pack's rules, as in “{column}.City”."
            );
            recorder.warn(canonical, "wrong-type", message);
        }
        self.written(field)
    }

    /// What stands in a field's column as it is written; none where that is nothing, or the rules name no column.
    pub fn written(&self, field: &str) -> Option<&'r str> {
        let Cell::Text(value) = self.cell(field)? else { return None };
        let value = value.trim();
        // What a spreadsheet program keeps from being taken for a number.
        let kept = value.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        // What databases write for nothing. It may be somebody's name in capitals, though.
        let is_null = NULLS.contains(&kept.trim()) || kept == "NULL" && !field.ends_with("_name");
        (!kept.trim().is_empty() && !is_null).then_some(kept)
    }

    /// The field's text, cleaned. One that stands for "unknown" is left out and told.
    pub fn text(&self, field: &str, canonical: &'static str, recorder: &mut LineageRecorder) -> Option<String> {
        recorder.origin(canonical, || self.origin(field, None));
        let written = self.read(field, canonical, recorder)?;
        let text = text::clean(written)?.into_owned();
        if self.forms.unknown.is_word(&text) {
            let message =
                format!("“{text}” stands for “unknown” by the pack's rules (/unknown/words); it was left out.");
            recorder.warn(canonical, "stands-for-unknown", message);
            return None;
        }
        Some(text)
    }

    /// Yes or no.
    pub fn flag(&self, field: &str, canonical: &'static str, recorder: &mut LineageRecorder) -> Option<bool> {
        let text = self.text(field, canonical, recorder)?;
        match text::normal(&text).as_str() {
            "yes" | "y" | "true" | "1" | "x" => Some(true),
            "no" | "n" | "false" | "0" => Some(false),
            _ => {
                let message = format!("“{text}” is neither yes nor no; it was left out. Correct it in the CRM.");
                recorder.warn(canonical, "wrong-type", message);
                None
            }
        }
    }

    /// The field's origin; with no other rule, the rule that names its column.
    pub fn origin(&self, field: &str, rule: Option<String>) -> Origin {
        let Some(name) = self.columns.of(field) else {
            return Origin { rule, ..Origin::default() };
        };
        let escaped = name.replace('~', "~0").replace('/', "~1");
        let source = match self.place {
            Some((list, index)) => format!("/{list}/{index}/{escaped}"),
            None => format!("/row/{escaped}"),
        };
        Origin {
            source: Some(source),
            source_value: self.written(field).map(str::to_owned),
            rule: rule.or_else(|| Some(format!("{}/{field} {name}", self.columns.path))),
        }
    }
}
