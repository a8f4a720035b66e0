//! Fields that a pack adds to a record, and what may be told of them.
//!
//! A sensitive value, such as a number that a state gave to a person, stands in the record alone: never in a text,
//! a difference, a history or JSON that was not asked for it.

use serde::{Deserialize, Serialize};

/// A field that a pack adds to a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Extension {
    /// The name in snake_case, unique within the record.
    pub name: String,
    /// The value as text.
    pub value: String,
    /// Whether people see the value only where they ask for it. The pack says so, not the record.
    #[serde(default, skip_serializing)]
    pub sensitive: bool,
}

/// The name of the field of a record under which its extensions stand, before their own names: `extensions.segment`.
pub const PREFIX: &str = "extensions.";

/// The words in place of a sensitive value.
pub const NOT_SHOWN: &str = "not shown";

/// The words in place of a sensitive value that is another than before.
pub const ANOTHER: &str = "another, not shown";

/// The characters of a sensitive value that people may see, at its end.
const TAIL: usize = 3;

impl Extension {
    /// The value, or that it is not shown.
    pub fn shown(&self) -> &str {
        if self.sensitive { NOT_SHOWN } else { &self.value }
    }

    /// The end of a sensitive value behind dots: enough to tell two numbers apart, too little to use one. A value that is
    /// not sensitive as it is.
    pub fn masked(&self) -> String {
        if self.sensitive { mask(&self.value) } else { self.value.clone() }
    }
}

/// A sensitive value as people see it who did not ask for it.
pub fn mask(value: &str) -> String {
    let length = value.chars().count();
    let tail: String = value.chars().skip(length - TAIL.min(length)).collect();
    // Of a short value the end would be most of it.
    if length < 2 * TAIL + 2 { "••••••".to_owned() } else { format!("••••••{tail}") }
}

/// The difference in one extension: its name as a field of the record, and the values before and after.
pub type Difference = (String, Option<String>, Option<String>);

/// The extensions that differ, each under its name; of sensitive ones that they do.
pub fn differences(before: &[Extension], after: &[Extension]) -> Vec<Difference> {
    let is_new = |one: &&Extension| before.iter().all(|known| known.name != one.name);
    let mut differing = Vec::new();
    for name in before.iter().chain(after.iter().filter(is_new)).map(|one| &one.name) {
        let of = |list: &'_ [Extension]| list.iter().find(|one| one.name == *name).cloned();
        let (from, to) = (of(before), of(after));
        if from == to {
            continue;
        }
        let is_sensitive = [&from, &to].into_iter().flatten().any(|one| one.sensitive);
        let (from, to) = match (from, to) {
            (from, to) if !is_sensitive => (from.map(|one| one.value), to.map(|one| one.value)),
            (Some(from), Some(to)) if from.value == to.value => {
                let word = |one: &Extension| Some(if one.sensitive { NOT_SHOWN } else { "shown" }.to_owned());
                (word(&from), word(&to))
            }
            (Some(_), Some(_)) => (Some(NOT_SHOWN.to_owned()), Some(ANOTHER.to_owned())),
            (from, to) => (from.map(|_| NOT_SHOWN.to_owned()), to.map(|_| NOT_SHOWN.to_owned())),
        };
        differing.push((format!("{PREFIX}{name}"), from, to));
    }
    differing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(name: &str, value: &str, sensitive: bool) -> Extension {
        Extension { name: name.to_owned(), value: value.to_owned(), sensitive }
    }

    #[track_caller]
    fn check(before: &[Extension], after: &[Extension], expected: &[(&str, Option<&str>, Option<&str>)]) {
        let found = differences(before, after);
        let found: Vec<_> =
            found.iter().map(|(name, from, to)| (name.as_str(), from.as_deref(), to.as_deref())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn each_extension_differs_by_itself() {
        let one = |name, value| extension(name, value, false);
        check(&[one("segment", "A")], &[one("segment", "A")], &[]);
        check(
            &[one("segment", "A"), one("referred_by", "Bo")],
            &[one("plan", "X"), one("segment", "B")],
            &[
                ("extensions.segment", Some("A"), Some("B")),
                ("extensions.referred_by", Some("Bo"), None),
                ("extensions.plan", None, Some("X")),
            ],
        );
    }

    #[test]
    fn of_a_sensitive_value_only_that_it_differs_is_told() {
        let secret = |value| [extension("number", value, true)];
        check(&secret("AB654321D"), &secret("RX654321"), &[("extensions.number", Some(NOT_SHOWN), Some(ANOTHER))]);
        check(&[], &secret("AB654321D"), &[("extensions.number", None, Some(NOT_SHOWN))]);
        check(&secret("AB654321D"), &[], &[("extensions.number", Some(NOT_SHOWN), None)]);
        // A pack that begins to call it sensitive does not put it into the history with its last breath.
        let open = [extension("number", "AB654321D", false)];
        check(&open, &secret("AB654321D"), &[("extensions.number", Some("shown"), Some(NOT_SHOWN))]);
        check(&open, &secret("RX654321"), &[("extensions.number", Some(NOT_SHOWN), Some(ANOTHER))]);
    }

    #[test]
    fn a_mask_shows_the_end_of_long_values_alone() {
        let check = |value: &str, expected: &str| assert_eq!(extension("x", value, true).masked(), expected);
        check("AB654321D", "••••••21D");
        check("Zoë Łuczak", "••••••zak");
        check("1234567", "••••••");
        check("", "••••••");
        assert_eq!(extension("x", "AB654321D", false).masked(), "AB654321D");
        assert_eq!(extension("x", "AB654321D", true).shown(), NOT_SHOWN);
    }
}
