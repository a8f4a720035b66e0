//! Text as people write it: cleaned, compared, and folded to ASCII.

use std::borrow::Cow;

mod email;
mod entities;
mod fold;

pub use email::{LOCAL_PART_LIMIT, is_email_address};
pub use entities::decode_entities;
pub use fold::ascii;

/// Text without what cannot be seen: control and direction characters gone, runs of blanks made one, none at
/// the ends. None where nothing is left. Text that is clean already, nearly all, is not copied.
#[must_use]
pub fn clean(text: &str) -> Option<Cow<'_, str>> {
    if is_clean_ascii(text.as_bytes()) {
        return Some(Cow::Borrowed(text));
    }
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
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

/// True of text that is printable ASCII with single blanks inside: nearly every value. Looked at eight bytes at a time;
/// it may call clean text unclean (a `!` behind a blank), never the other way round.
fn is_clean_ascii(text: &[u8]) -> bool {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // Sets the highest bit of each byte that is below `limit`, and may set it in bytes above such a byte.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [b'~'; 8];
    last[..rest.len()].copy_from_slice(rest);
    // A blank at the beginning is as wrong as one behind a blank.
    let mut blank_before = 0x80;
    for bytes in words.iter().chain([&last]) {
        let word = u64::from_le_bytes(*bytes);
        let blanks = below(word ^ (ONES * u64::from(b' ')), 1);
        let deletes = below(word ^ (ONES * 0x7f), 1);
        let strange = word & HIGH | below(word, 0x20) | deletes;
        if strange | blanks & (blanks << 8 | blank_before) != 0 {
            return false;
        }
        blank_before = blanks >> 56;
    }
    text.last().is_some_and(|last| *last != b' ')
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
    use std::borrow::Cow;

    use super::{clean, clean_lines, is_clean_ascii, is_invisible, normal, with_normal};

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
    fn text_that_is_clean_is_not_copied() {
        let is_copied = |text: &str| matches!(clean(text), Some(Cow::Owned(_)));
        let texts = ["O'Brien", "Māia", " Māia\t", "12 High St"];
        assert_eq!(texts.map(is_copied), [false; 4]);
        let texts = [" a", "Mā  ia", "a\u{7}"];
        assert_eq!(texts.map(is_copied), [false, true, true]);
    }

    #[test]
    fn what_nobody_sees_is_taken_out_and_nothing_beside_it() {
        let seen = "\u{20}\u{200a}\u{200c}\u{200d}\u{2010}\u{2027}\u{202f}\u{205f}\u{2061}\u{2065}\u{206a}\u{fefe}";
        for c in seen.chars() {
            assert!(!is_invisible(c), "{c:?}");
        }
        let unseen =
            "\0\u{7f}\u{85}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}";
        for c in unseen.chars() {
            assert!(is_invisible(c), "{c:?}");
        }
    }

    #[test]
    fn what_counts_as_clean_is_what_cleaning_leaves_alone() {
        let bytes = [b' ', b'!', b'a', b'~', 0x7f, 0x1f, 0xc3, 0xa9];
        for length in 0..=17 {
            for place in 0..length {
                for first in bytes {
                    for second in bytes {
                        let mut text = vec![b'a'; length];
                        text[place] = first;
                        text[length - 1] = second;
                        let slow = text.trim_ascii() == text
                            && text.iter().all(|byte| (0x20..0x7f).contains(byte))
                            && !text.windows(2).any(|pair| pair == b"  ");
                        let quick = is_clean_ascii(&text);
                        assert!(slow || !quick, "{text:?}");
                        assert!(quick || !slow || text.contains(&b'!'), "{text:?}");
                    }
                }
            }
        }
        assert!(!is_clean_ascii(b"") && !is_clean_ascii(b"1234567  9") && is_clean_ascii(b"12 High St, Carlton"));
        assert_eq!(clean("wait !").as_deref(), Some("wait !"));
    }

    #[test]
    fn lines_are_cleaned_one_by_one() {
        assert_eq!(clean_lines("\n a\u{7} \r\n\r\n b  c \n\n"), "a\n\nb c");
        assert_eq!(clean_lines(" b  c "), "b c");
        assert_eq!((clean_lines(""), clean_lines(" \u{200b}\n")), (String::new(), String::new()));
    }

    #[test]
    fn words_compare_without_case_and_stops() {
        assert_eq!(normal(" Dr. "), "dr");
        assert_eq!(normal("NEW  South\tWales"), "new south wales");
        assert_eq!(normal("Côte D'Ivoire"), "côte d'ivoire");
        assert_eq!(normal("U.S.A. ."), "usa");
        assert_eq!(normal(". a . \u{a0} b"), "a b");
        assert_eq!(normal("ÉTÉ  I"), "été i");
    }

    #[test]
    fn the_quick_way_to_compare_gives_what_the_other_gives() {
        let long = "Long ".repeat(20);
        for text in [
            " Dr. ",
            "NEW  South\tWales",
            "Côte",
            "CÔTE D’IVOIRE",
            "U.S.A. .",
            "",
            ". .",
            ". a",
            "a . b",
            "a\u{b}B",
            "a\u{c}\u{b} b",
            "a\u{a0} B",
            "\u{1c}a\u{1c}",
            &long,
            &long[..39],
            &long[..40],
            &long[..41],
        ] {
            with_normal(text, |word| assert_eq!(word, normal(text), "{text:?}"));
        }
    }
}
