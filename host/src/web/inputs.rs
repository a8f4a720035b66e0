//! Inputs for the fields of a record, as the record's table in the domain has them.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::domain::field::{Choice, Field, FieldError, ValueType};

/// One field of a form.
#[derive(Template)]
#[template(path = "components/input.html")]
pub(super) struct Input {
    name: &'static str,
    label: &'static str,
    /// The input's type in HTML.
    kind: &'static str,
    value: String,
    /// The most characters that may stand in it.
    longest: Option<usize>,
    hint: Option<&'static str>,
    /// The words that it may be; empty where any text may stand there.
    choices: &'static [Choice],
    problem: Option<String>,
}

impl HtmlSafe for Input {}

impl Input {
    /// The input of `field` with what stands in it, and with what is wrong with that.
    pub(super) fn new(field: &'static Field, value: String, errors: &[FieldError]) -> Self {
        let (kind, hint) = match field.value {
            ValueType::Date => ("date", None),
            ValueType::Email => ("email", None),
            ValueType::Phone => ("tel", Some("With + and the country code, such as +61, +64, +44 or +27.")),
            ValueType::Country => ("text", Some("Two letters, such as AU, NZ, GB or ZA.")),
            _ => ("text", None),
        };
        let choices = if let ValueType::Choice(choices) = field.value { choices } else { &[] };
        let problem = errors.iter().find(|error| error.field == field.name).map(|error| error.message.clone());
        Self {
            name: field.name,
            label: field.label,
            kind,
            value,
            longest: field.value.longest(),
            hint,
            choices,
            problem,
        }
    }

    /// The input with a hint about its content.
    pub(super) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}
