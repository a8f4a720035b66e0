//! Cleaning text that a plugin hands over: bounded, printable, on one line where it is a value.

/// Characters of a value; a name or a street has fewer.
pub(super) const VALUE: usize = 1_000;

/// Characters of a sentence for a person.
pub(super) const SENTENCE: usize = 2_000;

/// Characters of a file note's body.
pub(super) const BODY: usize = 100_000;

/// A text after cleaning, and whether it had to be cut.
pub(super) struct Clean {
    pub(super) text: String,
    pub(super) cut: bool,
}

/// A value on one line: control characters are removed, line breaks and tabs become spaces, spaces around it go.
pub(super) fn value(text: String, longest: usize) -> Clean {
    // Nearly all values are clean already and are handed on as they are.
    if text.len() <= longest && !text.starts_with(' ') && !text.ends_with(' ') && !text.chars().any(is_unwanted) {
        return Clean { text, cut: false };
    }
    let kept = text.chars().filter_map(|c| match c {
        '\n' | '\r' | '\t' => Some(' '),
        c if is_unwanted(c) => None,
        c => Some(c),
    });
    cut(kept.collect::<String>().trim(), longest)
}

/// A text of several lines: as [`value`], but line breaks and tabs stay.
pub(super) fn lines(text: &str, longest: usize) -> Clean {
    let kept: String = text.chars().filter(|&c| matches!(c, '\n' | '\t') || !is_unwanted(c)).collect();
    cut(&kept, longest)
}

fn cut(text: &str, longest: usize) -> Clean {
    match text.char_indices().nth(longest) {
        Some((end, _)) => Clean { text: text[..end].to_owned(), cut: true },
        None => Clean { text: text.to_owned(), cut: false },
    }
}

/// Control characters, and the marks that reverse the direction of the text around them.
fn is_unwanted(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
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
        check("ab\u{202e}cd", "abcd", false);
        check("īīīīīīīīīī", "īīīīīīīīīī", false);
        check("īīīīīīīīīīī", "īīīīīīīīīī", true);
        check("\u{7f}", "", false);
    }

    #[test]
    fn bodies_keep_their_lines() {
        assert_eq!(lines("a\r\n\tb\0\n", 100).text, "a\n\tb\n");
        assert!(lines("abc", 2).cut);
    }
}
