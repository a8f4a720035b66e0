//! Telephone numbers as people type them.

use std::str::FromStr;

use super::{E164, InvalidValue};

impl FromStr for E164 {
    type Err = InvalidValue;

    /// Reads a number with its country code as a person types it: blanks, dashes, dots and brackets between the digits do
    /// not count, and neither does the zero of `+61 (0)491 …`. Letters are never read as a telephone's keys would: a
    /// slip of the finger would become a stranger's number.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let plain: String = text.chars().map(plain).collect();
        if let Some(letter) = plain.chars().find(|c| c.is_alphabetic()) {
            let wanted = format!("a telephone number, because of the letter {letter} in it; write digits behind the +");
            return Err(InvalidValue::new(text, wanted));
        }
        let number = plain.replacen("(0)", "", 1);
        let number: String = number.chars().filter(|c| !c.is_whitespace() && !"-().".contains(*c)).collect();
        if !number.starts_with('+') {
            let wanted = "a telephone number with + and its country code before it, such as +61, +64, +44 or +27";
            return Err(InvalidValue::new(text, wanted));
        }
        Self::try_from(number).map_err(|invalid| InvalidValue::new(text, invalid.wanted))
    }
}

/// The character as a keyboard has it: wide forms, and dashes of every length.
fn plain(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::E164;

    #[test]
    fn numbers_are_read_as_people_type_them() {
        for text in [
            "+61 491 570 156",
            "(+61) 491-570-156",
            "+61 (0)491.570.156",
            "＋６１\u{a0}４９１ ５７０ １５６",
            "+61‑491‑570‑156",
        ] {
            assert_eq!(text.parse::<E164>().as_ref().map(E164::as_str), Ok("+61491570156"), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |text: &str, said: &str| {
            let error = text.parse::<E164>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        };
        check("+61 491 5O0 156", "the letter O ");
        check("+61 491 CALL ME", "the letter C ");
        check("0491 570 156", "country code");
        check("61491570156", "country code");
        check("+61 491", "with its country code");
        check("+61 491 570 156 / +61 491 570 157", "with its country code");
        check("", "country code");
    }
}
