//! A telephone number as people write it: digits, and what stands around and between them.

use crate::Table;

/// Marks before an extension.
const EXTENSIONS: [&str; 5] = ["x", "ext", "extn", "extension", "#"];

/// The longest extension.
const EXTENSION_DIGITS: usize = 6;

/// The number that was made of a text.
#[derive(Debug, PartialEq)]
pub struct Written {
    /// The number itself.
    pub number: Number,
    /// The digits of an extension behind the number.
    pub extension: Option<String>,
}

/// A number's digits.
#[derive(Debug, PartialEq)]
pub enum Number {
    /// Digits with the country code, which a plus sign or a dialling prefix announces.
    International(String),
    /// Digits as they are dialled within a country.
    National(String),
}

/// The reason why a text is no number.
#[derive(Debug, PartialEq)]
pub enum Problem {
    /// The text has no number in it, or more than one.
    NoDigits,
    /// Letters stand in the text, these first.
    Letters(String),
}

impl Written {
    /// Takes a number apart. `labels` may stand before or behind it; any other word may say that it is somebody else's.
    ///
    /// # Errors
    /// Returns why there is no number.
    pub fn read(text: &str, labels: &Table<()>, dialling_prefixes: &[String]) -> Result<Self, Problem> {
        if !text.contains(|c| plain(c).is_ascii_digit()) {
            return Err(Problem::NoDigits);
        }
        let text: String = text.chars().map(plain).collect();
        let unlabelled = without_label(&text, labels);
        let (bare, extension) = match with_extension(unlabelled) {
            Some((bare, extension)) => (bare, Some(extension.to_owned())),
            None => (unlabelled, None),
        };
        if let Some(start) = bare.find(char::is_alphabetic) {
            let letters = bare[start..].chars().take_while(|c| c.is_alphabetic()).take(20).collect();
            return Err(Problem::Letters(letters));
        }
        let number = Number::read(bare, dialling_prefixes).ok_or(Problem::NoDigits)?;
        Ok(Self { number, extension })
    }
}

impl Number {
    fn read(bare: &str, dialling_prefixes: &[String]) -> Option<Self> {
        let is_between = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '-' | '.' | '/');
        let start = bare.trim_start_matches(is_between);
        if let Some(written) = start.strip_prefix('+') {
            // `+61 (0)491 …` says both forms at once: with the code the zero is not dialled.
            let written = written.replacen("(0)", "", 1);
            let is_whole = written.chars().all(|c| c.is_ascii_digit() || is_between(c));
            return is_whole.then(|| Self::International(digits(&written)));
        }
        if !bare.chars().all(|c| c.is_ascii_digit() || is_between(c)) {
            return None;
        }
        let all = digits(bare);
        let dialled = dialling_prefixes.iter().find(|prefix| all.starts_with(prefix.as_str()));
        match dialled {
            Some(prefix) => Some(Self::International(digits(&bare.replacen("(0)", "", 1))[prefix.len()..].to_owned())),
            None => Some(Self::National(all)),
        }
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The character as a keyboard has it: wide forms and dashes.
fn plain(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c => c,
    }
}

/// The text without a label before or behind the number: `Mobile: +61 …`, `tel:+61…`, `+61 … (mobile)`.
fn without_label<'t>(text: &'t str, labels: &Table<()>) -> &'t str {
    let is_mark = |c: char| c.is_whitespace() || matches!(c, ':' | '.' | '-' | '=' | '(' | ')' | '[' | ']');
    let is_label = |label: &str| {
        let label = label.trim_matches(is_mark);
        !label.is_empty() && (label.eq_ignore_ascii_case("tel") || labels.get(label).is_some())
    };
    let begins = text.find(|c: char| c == '+' || c.is_ascii_digit()).unwrap_or(0);
    let text = if is_label(&text[..begins]) { &text[begins..] } else { text };
    let ends = text.rfind(|c: char| c.is_ascii_digit()).map_or(text.len(), |last| last + 1);
    if is_label(&text[ends..]) { &text[..ends] } else { text }
}

/// The text before an extension, and the extension's digits.
fn with_extension(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_end_matches([' ', ')', ']']);
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let extension = &text[before.len()..];
    let before = before.trim_end_matches([' ', '.', ':', '=']);
    let marked = before.trim_end_matches(|c: char| c.is_alphabetic() || c == '#');
    let mark = before[marked.len()..].to_ascii_lowercase();
    let bare = marked.trim_end_matches([' ', ',', ';', '(', '[']);
    let is_extension = (1..=EXTENSION_DIGITS).contains(&extension.len()) && EXTENSIONS.contains(&mark.as_str());
    (is_extension && bare.contains(|c: char| c.is_ascii_digit())).then_some((bare, extension))
}

#[cfg(test)]
mod tests {
    use crate::Table;

    use super::{Number, Problem, Written};

    fn read(text: &str) -> Result<Written, Problem> {
        let labels = Table::listing(&["Mobile", "Mob", "M", "Mobile Phone"].map(str::to_owned), "/labels");
        Written::read(text, &labels, &["0011".to_owned()])
    }

    #[track_caller]
    fn check(text: &str, number: Number, extension: Option<&str>) {
        assert_eq!(read(text), Ok(Written { number, extension: extension.map(str::to_owned) }), "{text}");
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let international = |text: &str| check(text, Number::International("61491570156".to_owned()), None);
        for text in [
            "+61 491 570 156",
            "(+61) 491 570 156",
            "(+61 491 570 156)",
            "+61 (0)491 570 156",
            "+61(0) 491-570-156",
            "＋６１ ４９１ ５７０ １５６",
            "Mobile: +61 491 570 156",
            "Mob. +61491570156",
            "M +61 491 570 156",
            "tel:+61491570156",
            "TEL: +61.491.570.156",
            "+61 491 570 156 (mobile)",
            "+61 491 570 156 - M",
            "0011 61 491 570 156",
            "0011 61 (0)491 570 156",
            "+61‑491‑570‑156",
            "mobile phone +61/491/570156",
            "[+61] 491570156",
        ] {
            international(text);
        }
        check("0491 570 156", Number::National("0491570156".to_owned()), None);
        check("(02) 5550 1234", Number::National("0255501234".to_owned()), None);
        check("(0)491 570 156", Number::National("0491570156".to_owned()), None);
    }

    #[test]
    fn extensions_stand_apart() {
        for (text, extension) in [
            ("+61 491 570 156 ext 12", "12"),
            ("+61 491 570 156 Ext. 12", "12"),
            ("+61 491 570 156x12", "12"),
            ("+61 491 570 156 (extn 12)", "12"),
            ("+61 491 570 156;ext=12", "12"),
            ("+61 491 570 156 #12", "12"),
        ] {
            check(text, Number::International("61491570156".to_owned()), Some(extension));
        }
    }

    #[test]
    fn letters_are_told_and_never_read_as_digits() {
        let letters =
            |text: &str, letters: &str| assert_eq!(read(text), Err(Problem::Letters(letters.to_owned())), "{text}");
        letters("+61 491 5O0 156", "O");
        letters("+61 491 5О0 156", "О");
        letters("+6l 491 570 156", "l");
        letters("1300 FLOWER", "FLOWER");
        letters("Wife: +61 491 570 156", "Wife");
        letters("+61 491 570 156 (Pat’s)", "Pat");
        letters("+61 491 570 156 ext", "ext");
        letters("ext 12", "ext");
        letters("+61 491 570 156 or 0491 570 157", "or");
        letters("+61 491 570 156 ext 1234567", "ext");
    }

    #[test]
    fn what_has_no_number_or_two_is_none() {
        for text in ["", "+", "ask Noah", "Mobile:", "+61 491 570 156 & 157", "+61 491 570 156, +61 491 570 157", "4+4"]
        {
            assert_eq!(read(text), Err(Problem::NoDigits), "{text}");
        }
    }
}
