//! Text as people write it: cleaned, compared, and folded to ASCII.

use std::borrow::Cow;

mod fold;

pub use fold::ascii;

/// Text without what cannot be seen: control and direction characters gone, runs of blanks made one, none at
/// the ends. None where nothing is left. Text that is clean already, nearly all, is not copied.
#[must_use]
pub fn clean(text: &str) -> Option<Cow<'_, str>> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    let bytes = trimmed.as_bytes();
    let plain = |byte: &u8| (0x20..0x7f).contains(byte);
    if bytes.iter().all(plain) && !bytes.windows(2).any(|pair| pair == b"  ") {
        return Some(Cow::Borrowed(trimmed));
    }
    let visible: String = trimmed.chars().filter(|c| c.is_whitespace() || !is_invisible(*c)).collect();
    let words: Vec<&str> = visible.split_whitespace().collect();
    let cleaned = words.join(" ");
    match cleaned.is_empty() {
        true => None,
        false if cleaned == trimmed => Some(Cow::Borrowed(trimmed)),
        false => Some(Cow::Owned(cleaned)),
    }
}

/// Text of several lines with each line cleaned; blank lines at the ends are left out.
#[must_use]
pub fn clean_lines(text: &str) -> String {
    if !text.contains(['\n', '\r']) {
        return clean(text).unwrap_or_default().into_owned();
    }
    let lines: Vec<_> = text.lines().map(|line| clean(line).unwrap_or_default()).collect();
    lines.join("\n").trim().to_owned()
}

/// True of characters that no name, address or note needs: controls, and the marks that turn the reading
/// direction or hide in between letters. The joiners that some scripts are written with stay.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2028}' | '\u{2029}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A word or phrase for comparison: lower case, without full stops, with single blanks.
#[must_use]
pub fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.trim().chars().filter(|c| *c != '.') {
        match c {
            c if c.is_whitespace() => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c if c.is_ascii() => out.push(c.to_ascii_lowercase()),
            c => out.extend(c.to_lowercase()),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Calls `then` with the word as [`normal`] makes it, without an allocation for the short ASCII words that nearly all
/// are.
pub(crate) fn with_normal<T>(text: &str, then: impl FnOnce(&str) -> T) -> T {
    let mut short = [0; 40];
    if text.len() > short.len() || !text.is_ascii() {
        return then(&normal(text));
    }
    let mut length = 0;
    for byte in text.trim().bytes().filter(|byte| *byte != b'.') {
        let is_blank = byte.is_ascii_whitespace() || byte == 0x0b;
        if is_blank && (length == 0 || short[length - 1] == b' ') {
            continue;
        }
        short[length] = if is_blank { b' ' } else { byte.to_ascii_lowercase() };
        length += 1;
    }
    // ASCII throughout, so this is text.
    then(std::str::from_utf8(&short[..length]).unwrap_or_default().trim_end())
}

#[cfg(test)]
mod tests {
    use super::{clean, clean_lines, normal, with_normal};

    #[track_caller]
    fn check(text: &str, cleaned: Option<&str>) {
        assert_eq!(clean(text).as_deref(), cleaned, "{text:?}");
    }

    #[test]
    fn names_stay_as_their_owners_write_them() {
        check("O'Brien", Some("O'Brien"));
        check("Ngāti-Porou", Some("Ngāti-Porou"));
        check("王 小明", Some("王 小明"));
        check("Анна", Some("Анна"));
        check("  Mary   Jane\t", Some("Mary Jane"));
        check("a\u{0}b\u{202e}c\u{feff}", Some("abc"));
        check("क्\u{200d}ष", Some("क्\u{200d}ष"));
        check("one\r\ntwo", Some("one two"));
        check(" \u{200b} ", None);
        check("", None);
    }

    #[test]
    fn lines_are_cleaned_one_by_one() {
        assert_eq!(clean_lines("\n a\u{7} \r\n\r\n b  c \n\n"), "a\n\nb c");
    }

    #[test]
    fn words_compare_without_case_and_stops() {
        assert_eq!(normal(" Dr. "), "dr");
        assert_eq!(normal("NEW  South\tWales"), "new south wales");
        assert_eq!(normal("Côte D'Ivoire"), "côte d'ivoire");
        assert_eq!(normal("U.S.A. ."), "usa");
        for text in [" Dr. ", "NEW  South\tWales", "Côte", "U.S.A. .", "", ". .", "a\u{b}b", &"long ".repeat(20)] {
            with_normal(text, |word| assert_eq!(word, normal(text)));
        }
    }
}
