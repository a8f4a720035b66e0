//! Cleaning text that a plugin hands over: bounded, printable, on one line where it is a value.

use crate::domain::text;

/// Characters of a value; a name or a street has fewer.
pub(super) const VALUE: usize = 1_000;

/// Characters of a sentence for a person.
pub(super) const SENTENCE: usize = 2_000;

/// Characters of a file note's body.
pub(super) const BODY: usize = 100_000;

/// A text after cleaning.
pub(super) struct Clean {
    pub(super) text: String,
    /// Whether it was longer than it may be.
    pub(super) cut: bool,
    /// Whether characters that nobody sees were taken out.
    pub(super) stripped: bool,
}

/// A value on one line, as [`text::value`] cleans it.
pub(super) fn value(given: String, longest: usize) -> Clean {
    let cleaned = text::value(&given);
    let stripped = cleaned.len() != given.trim().len();
    // Nearly all values are clean already and are handed on as they are.
    if cleaned == given && given.len() <= longest {
        return Clean { text: given, cut: false, stripped };
    }
    cut(&cleaned, longest, stripped)
}

/// A text of several lines, as [`text::lines`] cleans it.
pub(super) fn lines(given: &str, longest: usize) -> Clean {
    let cleaned = text::lines(given);
    cut(&cleaned, longest, cleaned.len() != given.len())
}

fn cut(text: &str, longest: usize, stripped: bool) -> Clean {
    match text.char_indices().nth(longest) {
        Some((end, _)) => Clean { text: text[..end].to_owned(), cut: true, stripped },
        None => Clean { text: text.to_owned(), cut: false, stripped },
    }
}

/// `snake_case` with the marks of a place in a list: `goals[0].name`.
pub(super) fn is_field_name(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.[]".contains(&b);
    !text.is_empty() && text.len() <= 100 && text.bytes().all(is_plain)
}

/// `kebab-case`.
pub(super) fn is_code(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= 60 && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_one_clean_line() {
        let check = |text: &str, expected: &str, is_cut: bool| {
            let clean = value(text.to_owned(), 10);
            assert_eq!((clean.text.as_str(), clean.cut), (expected, is_cut), "{text:?}");
        };
        check("Māia", "Māia", false);
        check(" Pat\n", "Pat", false);
        check("a\tb\0c", "a bc", false);
        check("a\tb", "a b", false);
        check("So\nit is", "So it is", false);
        check("ab\u{202e}cd", "abcd", false);
        check("\u{feff}ab\u{fffe}cd", "abcd", false);
        check("īīīīīīīīīī", "īīīīīīīīīī", false);
        check("īīīīīīīīīīī", "īīīīīīīīīī", true);
        check("\u{7f}", "", false);
    }

    #[test]
    fn bodies_keep_their_lines() {
        assert_eq!(lines("a\r\n\tb\0\n\u{ffff}", 100).text, "a\n\tb\n");
        assert!(lines("abc", 2).cut);
    }
}
