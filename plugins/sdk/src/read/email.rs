//! Email addresses as people and systems write them, and those that are made up where there is none.

use super::Unknown;
use crate::text::{self, LOCAL_PART_LIMIT};

/// What a text is that stands where an email address should.
#[derive(Debug, PartialEq, Eq)]
pub enum WrittenEmail<'t> {
    /// An address.
    Address {
        /// The address, without the punctuation that was copied with it.
        address: &'t str,
        /// Whether there was such punctuation.
        is_cleaned: bool,
    },
    /// What the site writes where it does not know.
    Unknown,
    /// No address.
    NotAnAddress,
}

impl<'t> WrittenEmail<'t> {
    /// Reads a text, by what the site writes where it does not know.
    #[must_use]
    pub fn read(text: &'t str, unknown: &Unknown) -> Self {
        const SCHEME: &str = "mailto:";
        let has_scheme = text.get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME));
        let written = if has_scheme { text[SCHEME.len()..].trim_start() } else { text };
        let address = written.strip_prefix('<').unwrap_or(written).trim_end_matches(['>', '.', ',', ';', ' ']);
        if unknown.is_word(address) || unknown.is_email(address) {
            return Self::Unknown;
        }
        match text::is_email_address(address) {
            true => Self::Address { address, is_cleaned: address != written },
            false => Self::NotAnAddress,
        }
    }
}

/// What is wrong with a pattern of made-up addresses: it needs one `@`, the domain behind it, and only the parts there are.
#[must_use]
pub fn placeholder_problem(pattern: &str) -> Option<String> {
    let parts = ["first_name", "last_name", "domain"];
    let filled = parts.iter().fold(pattern.to_owned(), |text, part| text.replace(&format!("{{{part}}}"), "x"));
    let is_one = pattern.ends_with("@{domain}") && !filled.contains(['{', '}']) && filled.matches('@').count() == 1;
    (!is_one).then(|| "The pattern is made of {first_name} and {last_name} and ends with @{domain}.".to_owned())
}

/// A made-up address by a pattern, in ASCII letters; where a name leaves none, the record's id stands in its place. The host
/// makes it unique, and nothing is ever sent to it.
#[must_use]
pub fn placeholder(pattern: &str, [first, last]: [&str; 2], id: &str, domain: &str) -> String {
    let pattern = pattern.replace("@{domain}", "");
    let filled = pattern.replace("{first_name}", &text::ascii(first)).replace("{last_name}", &text::ascii(last));
    // A part that is empty leaves two full stops beside each other, which no address has.
    let parts: Vec<&str> = filled.split('.').filter(|part| !part.is_empty()).collect();
    let filled = parts.join(".");
    let joined = filled.trim_matches(['.', '-', '_']);
    // A longer one is no address, and the client would have none.
    let joined = joined[..joined.floor_char_boundary(LOCAL_PART_LIMIT)].trim_end_matches('.');
    // An id may have letters that no address has.
    let of_id = || format!("Client.{}", text::ascii(id)).trim_end_matches('.').to_owned();
    let local = if joined.is_empty() { of_id() } else { joined.to_owned() };
    format!("{local}@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::UnknownRules;

    #[test]
    fn punctuation_that_was_copied_with_an_address_is_told() {
        let rules = UnknownRules { emails: vec!["@none.com".to_owned()], ..UnknownRules::default() };
        let unknown = Unknown::new(rules);
        let address = |address, is_cleaned| WrittenEmail::Address { address, is_cleaned };
        for (text, expected) in [
            ("pat@example.com", address("pat@example.com", false)),
            ("MailTo: pat@example.com", address("pat@example.com", false)),
            ("<pat@example.com>", address("pat@example.com", true)),
            ("pat@example.com; ", address("pat@example.com", true)),
            ("x@none.com", WrittenEmail::Unknown),
            ("pat at example", WrittenEmail::NotAnAddress),
            ("Pat <pat@example.com>", WrittenEmail::NotAnAddress),
            ("mailto:", WrittenEmail::NotAnAddress),
        ] {
            assert_eq!(WrittenEmail::read(text, &unknown), expected, "{text}");
        }
    }

    #[test]
    fn made_up_addresses_are_addresses() {
        let pattern = "{first_name}.{last_name}@{domain}";
        assert_eq!(placeholder_problem(pattern), None);
        for wrong in ["{first_name}", "{first_name}@example.com", "{middle}@{domain}", "a@b@{domain}"] {
            assert!(placeholder_problem(wrong).is_some(), "{wrong}");
        }
        let long = "q".repeat(90);
        for (names, expected) in [
            (["Mārama Kay", "O'Neill"], "MaramaKay.ONeill"),
            (["", "Lee"], "Lee"),
            (["", ""], "Client.K-1"),
            ([long.as_str(), ""], &long[..LOCAL_PART_LIMIT]),
        ] {
            let made = placeholder(pattern, names, "K-1", "acme.example");
            assert_eq!(made, format!("{expected}@acme.example"), "{names:?}");
            assert!(text::is_email_address(&made), "{made}");
        }
    }
}
