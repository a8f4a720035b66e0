//! Problems of the settings, collected so that a person sees all of them at once.

use std::fmt;

/// The problems that were found so far.
#[derive(Default)]
pub(super) struct Problems {
    said: Vec<String>,
    /// Keys whose values were put aside: what stands in their place is not judged.
    aside: Vec<String>,
}

impl Problems {
    /// Adds one, unless the key's value was put aside and has been spoken of.
    pub(super) fn add(&mut self, key: &str, message: impl fmt::Display) {
        let is_below = |above: &String| {
            key.strip_prefix(above.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if !self.aside.iter().any(is_below) {
            self.said.push(format!("{key}: {message}"));
        }
    }

    /// Adds one about a value that is left out of what is read.
    pub(super) fn put_aside(&mut self, key: String, message: impl fmt::Display) {
        self.add(&key, message);
        self.aside.push(key);
    }

    /// The problems, one a line, in the order in which they were found.
    pub(super) fn said(self) -> Vec<String> {
        self.said
    }
}
