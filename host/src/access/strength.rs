//! Whether a password is among those that are tried first: the common and leaked ones, and what is made of them, of
//! names, dates and rows of keys.

use zxcvbn::{Score, zxcvbn};

/// The most characters that are looked at: what is behind them cannot make a password weaker.
const LOOKED_AT: usize = 100;

/// Whether somebody who has the lists of leaked passwords, and knows these words about the person, guesses a password in
/// fewer than 10⁸ tries. Takes a few milliseconds.
pub fn is_common(password: &str, known: &[&str]) -> bool {
    let beginning: String = password.chars().take(LOOKED_AT).collect();
    let words: Vec<&str> = known.iter().flat_map(|text| parts(text)).collect();
    zxcvbn(&beginning, &words).score() < Score::Three
}

/// A text as a whole, and its words.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 2);
    std::iter::once(text).chain(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_and_what_is_made_of_them_are_known() {
        let check = |password: &str, expected| {
            let known = ["pat.lee@acme.example", "Pat Lee", "Acme Advice"];
            assert_eq!(is_common(password, &known), expected, "{password}");
        };
        for common in [
            "password1234",
            "Password1234!",
            "P@ssw0rd12345",
            "qwertyuiop123",
            "123456789012",
            "aaaaaaaaaaaaaaaa",
            "iloveyou12345",
            "abcdefghijklm",
            "Acme Advice 1",
            "letmeinletmein",
            "1qaz2wsx3edc",
        ] {
            check(common, true);
        }
        for fine in ["correct horse battery", "a tide gate lets water out", "wet umbrella, no 7 bus", "gK4vT9qLmz2w"] {
            check(fine, false);
        }
        check(&"tide".repeat(250), true);
    }
}
