//! Text as it may be kept: without the characters that nobody sees and that break what is made of the text. A document
//! cannot be set with some of them, a line of a table is reversed by others, a search misses a name with a third in it.
//!
//! Serves every way in: events, forms, edits, drafts, imported lists, the CRM's values, settings. What is taken out has
//! no shape and no meaning of its own, so that nothing is lost; letters of every script stay, with the joiners and the
//! marks that some are written with.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton;

/// Whether a character belongs in no text: controls, byte order marks, what turns the direction of the text around it,
/// line and paragraph separators, annotation marks, tags, by which a text hides in another, and code points that Unicode
/// keeps from ever being characters. Line feeds and tabs are among them, which texts of several lines keep.
pub fn is_unwanted(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
        || is_noncharacter(c)
}

/// Code points that are no characters: the last two of each plane, and U+FDD0 to U+FDEF.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// Whether a value of one line does without it: what is unwanted everywhere, and the marks that are pasted along with a
/// name or an address unseen. No such value is written with them.
pub fn is_unwanted_in_a_value(c: char) -> bool {
    is_unwanted(c)
        || is_filler(c)
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}'..='\u{2065}')
        || matches!(c, '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
}

/// Letters and signs that are drawn as a blank: Hangul fillers, the empty Braille pattern, a note without its head.
fn is_filler(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{1d159}')
}

/// Whether a reader sees anything of a character: neither blank nor control, nor one that only steers how others are
/// shown, nor one that fills a place with nothing.
pub fn is_visible(c: char) -> bool {
    !c.is_whitespace()
        && !is_unwanted_in_a_value(c)
        && !matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
        && !matches!(c, '\u{34f}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}')
}

/// A text by its letters alone, whichever way they were typed (NFKC): composed or with marks behind them, of full or half
/// width, as ligatures.
pub fn by_its_letters(text: &str) -> String {
    text.nfkc().collect()
}

/// What two names are compared by that are to be told apart by a reader: which letters and signs they have, whatever their
/// case, the way they were typed, and what nobody sees of them. `C++` is not `C#`, and `Café` is not `Cafe`.
pub fn as_it_reads(text: &str) -> String {
    let seen = |text: String| -> String { text.chars().filter(|c| c.is_whitespace() || is_visible(*c)).collect() };
    // A letter in its other case may be made of marks that go together anew.
    one_line(&seen(by_its_letters(&by_its_letters(text).to_lowercase())))
}

/// What names are compared by that a reader could take for one another: equal where the letters look alike, in whichever case.
/// `Adam Ab1e` looks like `Adam Able`.
pub fn as_it_looks(text: &str) -> [String; 2] {
    let text = by_its_letters(text);
    let looks = |text: &str| as_it_reads(&skeleton(text).collect::<String>());
    [looks(&text), looks(&as_it_reads(&text))]
}

/// Whether a text can stand on one line as it is, and is no longer than so many characters.
pub fn fits_on_one_line(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(is_unwanted_in_a_value)
}

/// Whether Latin letters stand beside Greek or Cyrillic ones, many of which look like them.
pub fn mixes_alphabets(text: &str) -> bool {
    let is_latin = |c: char| c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}');
    let is_alike = |c: char| matches!(c, '\u{370}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}' | '\u{1f00}'..='\u{1fff}');
    text.chars().any(is_latin) && text.chars().any(is_alike)
}

/// A text with a capital at the beginning, as a sentence has one.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A text that ends as a sentence does: with one full stop, where it has no other end.
pub fn full_stop(text: &str) -> String {
    let text = text.trim_end();
    let bare = text.trim_end_matches('.');
    match bare.chars().next_back() {
        None => String::new(),
        // What a text leaves out is no end.
        _ if text.ends_with("...") => format!("{bare}…"),
        Some('?' | '!' | ':' | '…') => bare.to_owned(),
        Some(_) => format!("{bare}."),
    }
}

/// A value of one line: line breaks, tabs and what is drawn as a blank become blanks, what is unwanted goes, and so do blanks around it. Empty
/// where a reader would see nothing of it.
pub fn value(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_visible) {
        return Cow::Borrowed("");
    }
    if !text.chars().any(is_unwanted_in_a_value) {
        return Cow::Borrowed(text.trim());
    }
    let kept = text.chars().filter_map(|c| match c {
        '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if is_filler(c) => Some(' '),
        c if is_unwanted_in_a_value(c) => None,
        c => Some(c),
    });
    Cow::Owned(kept.collect::<String>().trim().to_owned())
}

/// A value as a person types it: single blanks, and nothing that nobody sees but control characters, which are no slip and
/// are left for the field to refuse.
pub fn one_line(given: &str) -> String {
    let blanks = given.trim().chars().map(|c| if is_filler(c) { ' ' } else { c });
    let kept: String = blanks.filter(|c| c.is_control() || !is_unwanted_in_a_value(*c)).collect();
    if !kept.chars().any(|c| c.is_control() || is_visible(c)) {
        return String::new();
    }
    let words = kept.split(|c: char| c.is_whitespace() && !c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// The beginning of a text that is told back and may be long: so many characters of it, with `…` where there are more.
pub fn excerpt(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// A text of several lines: each line ends with a line feed, tabs stay, and what is unwanted goes.
pub fn lines(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_unwanted(c) && !matches!(c, '\n' | '\t')) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut after_return = false;
    for c in text.chars() {
        match c {
            '\n' if after_return => {}
            '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => kept.push('\n'),
            c if is_unwanted(c) && !matches!(c, '\n' | '\t') => {}
            c => kept.push(c),
        }
        after_return = c == '\r';
    }
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_begin_with_a_capital() {
        let check = |given: &str, expected: &str| assert_eq!(sentence(given), expected);
        check("the note is done", "The note is done");
        check("`main` is", "`main` is");
        check("élan", "Élan");
        check("", "");
    }

    #[test]
    fn an_excerpt_shows_where_it_was_cut() {
        let check = |given: &str, expected: &str| assert_eq!(excerpt(given, 3), expected, "{given}");
        check("", "");
        check("Māi", "Māi");
        check("Māia", "Māi…");
    }

    #[test]
    fn values_are_one_line_of_what_can_be_seen() {
        let check = |text: &str, expected: &str| assert_eq!(value(text), expected, "{text:?}");
        check("Māia O'Brien-Łódź 王小明", "Māia O'Brien-Łódź 王小明");
        check(" \u{feff}Ayda\u{a0}", "Ayda");
        check("Ay\0da\u{7} Kh\u{202e}an\u{2066}\u{e0041}", "Ayda Khan");
        check("12 High St\r\nSydney\u{2028}NSW", "12 High St  Sydney NSW");
        check("pat\u{ad}.lee\u{200b}@example.com\u{fffe}", "pat.lee@example.com");
        check("\u{fdd0}\u{1fffe}\u{10ffff}\u{fff9}\u{206a}\u{e0001}\u{200f}", "");
        check("\u{200d}\u{fe0f} \u{a0}", "");
        check("Ayda\u{3164}Khan\u{115f}", "Ayda Khan");
        // Joiners, variation selectors, private letters and marks that are written stay.
        check("क्\u{200d}ष می\u{200c}خواهم 葛\u{e0100} \u{e000}", "क्\u{200d}ष می\u{200c}خواهم 葛\u{e0100} \u{e000}");
    }

    #[test]
    fn what_a_person_types_keeps_its_controls_to_be_refused() {
        let check = |text: &str, expected: &str| assert_eq!(one_line(text), expected, "{text:?}");
        check(" \u{feff}Mary \u{a0} Jane\u{202e}\u{fffe}", "Mary Jane");
        check("Kh\0an", "Kh\0an");
        check("\u{200d} \u{200b}", "");
        check("Mary\u{3164}Jane\u{ffa0}\u{1d159}", "Mary Jane");
    }

    #[test]
    fn names_are_one_where_they_read_alike() {
        let check = |one: &str, other: &str, alike| {
            assert_eq!(as_it_reads(one) == as_it_reads(other), alike, "{one:?} {other:?}");
        };
        check("North", "ＮＯＲＴＨ", true);
        check("North  Shore", " north\u{a0}shore", true);
        check("Café", "CAFE\u{301}", true);
        check("North", "Nor\u{200d}th\u{fe0f}", true);
        check("North", "North\u{3164}", true);
        check("C++", "C#", false);
        check("Café", "Cafe", false);
        check("王", "芳", false);
        check("A-1", "A1", false);
    }

    #[test]
    fn a_line_has_no_controls_and_nothing_that_nobody_sees() {
        let check = |text: &str, expected| assert_eq!(fits_on_one_line(text, 5), expected, "{text:?}");
        check("Māia…", true);
        check("Māia…!", false);
        for unseen in ["a\nb", "a\0b", "a\u{202e}b", "a\u{200b}b", "a\u{3164}b", "a\u{61c}b"] {
            check(unseen, false);
        }
    }

    #[test]
    fn texts_keep_their_lines() {
        let check = |text: &str, expected: &str| assert_eq!(lines(text), expected, "{text:?}");
        check("one\n\ttwo ", "one\n\ttwo ");
        check("one\r\ntwo\rthree\u{2029}four\r\n\r\n", "one\ntwo\nthree\nfour\n\n");
        check("\u{feff}a\0b\u{202e}c\u{ffff}", "abc");
        check("\u{feff}one\n\ntwo\n\tthree", "one\n\ntwo\n\tthree");
        assert!(matches!(lines("one\n\ttwo"), Cow::Borrowed(_)), "what needs nothing taken out is not copied");
        check("a\u{200e}b\u{200b}c", "a\u{200e}b\u{200b}c");
    }

    #[test]
    fn letters_are_the_same_however_they_were_typed() {
        let check = |given: &str, expected: &str| assert_eq!(by_its_letters(given), expected, "{given:?}");
        check("Ma\u{304}ia", "Māia");
        check("ｐａｔ＠ｅｘａｍｐｌｅ．ｃｏｍ", "pat@example.com");
        check("ﬁeld", "field");
        check("王小明", "王小明");
    }

    #[test]
    fn names_that_look_alike_are_told() {
        let check = |one: &str, other: &str, expected| {
            let other = as_it_looks(other);
            assert_eq!(as_it_looks(one).iter().any(|looks| other.contains(looks)), expected, "{one:?}");
        };
        check("Adam Able", "adam  ABLE", true);
        check("Adam Able", "\u{410}dam Able", true);
        check("Adam Able", "Adam Ab1e", true);
        check("Adam Able", "Adam AbIe", true);
        check("Bob O'Hara", "B0b O'Hara", true);
        check("Adam Able", "Adam Abel", false);
        check("José", "Jose", false);
    }

    #[test]
    fn letters_that_look_alike_are_not_mixed() {
        let check = |text: &str, expected| assert_eq!(mixes_alphabets(text), expected, "{text:?}");
        check("pat.lee", false);
        check("p\u{430}t.lee", true);
        check("p\u{3b1}t.lee", true);
        check("\u{43f}\u{430}\u{442}", false);
        check("Māia王", false);
    }

    #[test]
    fn what_cannot_be_seen_is_no_text() {
        for c in "\u{115f}\u{1160}\u{ffa0}\u{17b5}\u{1d159}\u{61c}\u{1d173}\u{3164}\u{2800}\u{180e}\u{200b}\u{202e}\u{feff}\0 \t\u{a0}\u{ad}\u{200d}\u{fe0f}\u{e0061}".chars() {
            assert!(!is_visible(c), "{c:?}");
        }
        assert!("aā王\u{e000}\u{fffd}".chars().all(is_visible));
    }
}
