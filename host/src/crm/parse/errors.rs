//! Errors in the values that were given, one by one.

use crate::domain::text::{is_unwanted_in_a_value, is_visible, sentence};

/// The longest text of a value, in characters.
const LONGEST: usize = 200;

/// The error of one value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldError {
    /// The value's name in the API: `forward_host`, `auth/password`.
    pub field: String,
    /// The reason why the value cannot be used.
    pub reason: Reason,
}

/// The reason why a value cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The value is not there; what has to be done: `enter a pack`.
    Missing(String),
    /// The value is there and does not do; a sentence without its full stop.
    Unusable(String),
}

impl FieldError {
    /// An error about the value of this name.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), reason: Reason::Unusable(message.into()) }
    }

    /// Looks at a text that is to be there and not too long, and answers it without blanks around it.
    pub fn check_text(field: &str, what: &str, text: &str, errors: &mut Vec<Self>) -> String {
        let text = text.trim().to_owned();
        if !text.chars().any(|c| is_visible(c) || c.is_control()) {
            errors.push(Self { field: field.to_owned(), reason: Reason::Missing(format!("enter {what}")) });
        } else if text.chars().any(is_unwanted_in_a_value) {
            let message = "holds a character that nobody sees, such as a control character; type it again on one line";
            errors.push(Self::new(field, message));
        } else if text.chars().count() > LONGEST {
            errors.push(Self::new(field, format!("enter {what} in at most {LONGEST} characters")));
        }
        text
    }

    /// The message, as a sentence for whoever filled in a form or wrote a program.
    pub fn message(&self) -> String {
        let (Reason::Missing(message) | Reason::Unusable(message)) = &self.reason;
        let stop = if message.ends_with('.') { "" } else { "." };
        format!("{}{stop}", sentence(message))
    }
}

/// Collects what is wrong.
#[derive(Default)]
pub(super) struct Errors(Vec<FieldError>);

impl Errors {
    /// A value is there and does not do.
    pub(super) fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(FieldError::new(field, message));
    }

    /// A value is not there.
    pub(super) fn missing(&mut self, field: &str, message: String) {
        self.0.push(FieldError { field: field.to_owned(), reason: Reason::Missing(message) });
    }

    /// A text that is there and not too long.
    pub(super) fn text(&mut self, field: &str, what: &str, text: Option<&str>) -> String {
        FieldError::check_text(field, what, text.unwrap_or_default(), &mut self.0)
    }

    /// All errors, in the order in which they were found.
    pub(super) fn all(self) -> Vec<FieldError> {
        self.0
    }
}
