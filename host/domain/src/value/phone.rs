//! Telephone numbers as people type them.

use super::E164;

impl E164 {
    /// Reads a number with its country code as a person types it: blanks, dashes, dots and brackets between the digits do
    /// not count, and neither does the zero of `+61 (0)491 …`. Letters are never read as a telephone's keys would: a
    /// slip of the finger would become a stranger's number.
    ///
    /// # Errors
    /// What would be right, as a sentence.
    pub fn typed(text: &str) -> Result<Self, String> {
        let plain: String = text.chars().map(plain).collect();
        if let Some(letter) = plain.chars().find(|c| c.is_alphabetic()) {
            return Err(format!("There is the letter {letter} in this number. Write digits alone behind the +."));
        }
        let number = plain.replacen("(0)", "", 1);
        let number: String = number.chars().filter(|c| !c.is_whitespace() && !"-().".contains(*c)).collect();
        if !number.starts_with('+') {
            return Err("Start with + and the country code, for example +61 491 570 156.".to_owned());
        }
        Self::try_from(number).map_err(|error| format!("{error}."))
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
            assert_eq!(E164::typed(text).as_ref().map(E164::as_str), Ok("+61491570156"), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |text: &str, said: &str| {
            let error = E164::typed(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        };
        check("+61 491 5O0 156", "the letter O ");
        check("+61 491 CALL ME", "the letter C ");
        check("0491 570 156", "country code");
        check("61491570156", "country code");
        check("+61 491", "E.164");
        check("+61 491 570 156 / +61 491 570 157", "E.164");
        check("", "country code");
    }
}
