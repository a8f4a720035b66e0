//! A field that a pack adds to a record, as the pack declares it: what people read beside it, and who sees it.

use crate::field::Section;

/// A declared extension.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtensionField {
    /// Its name in records.
    pub name: String,
    /// The name that people read.
    pub label: String,
    /// The type of its values, which all have one written form.
    pub form: ExtensionForm,
    /// Whether people see its value only where they ask for it.
    pub sensitive: bool,
    /// The place on a record's page.
    pub shown: Shown,
    /// Whether it fills another field where the CRM has nothing: what becomes of the record may then hang on the day.
    pub fills: bool,
}

/// The type of an extension's values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExtensionForm {
    /// One line of text.
    Text,
    /// A day: `2026-03-01`.
    Date,
    /// A number: `1250.5`.
    Number,
    /// An amount: `1250.5 GBP`.
    Money,
    /// `true` or `false`.
    Flag,
    /// One of the pack's words.
    Choice,
}

impl ExtensionForm {
    /// Every type with its word.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Text, "text"),
        (Self::Date, "date"),
        (Self::Number, "number"),
        (Self::Money, "money"),
        (Self::Flag, "flag"),
        (Self::Choice, "choice"),
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(form, _)| *form == self).map_or("text", |(_, word)| word)
    }
}

/// The place of an extension on the page of its record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// Under one of the headings of the record's own fields.
    Under(Section),
    /// Under a heading of its own, with the others.
    More,
    /// On no page.
    Nowhere,
}

impl Shown {
    /// Every place with its word.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Under(Section::Person), "person"),
        (Self::Under(Section::Contact), "contact"),
        (Self::Under(Section::Address), "address"),
        (Self::Under(Section::InCrm), "in_crm"),
        (Self::More, "more"),
        (Self::Nowhere, "none"),
    ];
}
