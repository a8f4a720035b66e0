//! Whether a password is among those that are tried first: the common and leaked ones, and what is made of them, of
//! names, dates and rows of keys.

use zxcvbn::{Score, zxcvbn};

/// The most characters that are looked at: what is behind them cannot make a password weaker.
const LOOKED_AT: usize = 100;

/// Words around which people make a password that has to be a new one: each with a year or a few digits behind it is tried
/// first, at this practice or any.
const USUAL: [&str; 38] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "spring",
    "summer",
    "autumn",
    "winter",
    "password",
    "passwort",
    "welcome",
    "letmein",
    "changeme",
    "change",
    "admin",
    "secret",
    "login",
    "qwerty",
    "adviser",
    "advisor",
    "client",
    "practice",
    "tidegate",
];

/// The letters that a password has beside such words, where it has any of them, or else it is made of the words.
const LETTERS_BESIDE: usize = 5;

/// Whether somebody who has the lists of leaked passwords, and knows these words about the person, guesses a password in
/// fewer than 10⁸ tries, or by adding a year or digits to such a word. Takes a few milliseconds.
pub fn is_common(password: &str, known: &[&str]) -> bool {
    let beginning: String = password.chars().take(LOOKED_AT).collect();
    let words: Vec<&str> = known.iter().flat_map(|text| parts(text)).collect();
    is_of_words(&beginning, &words) || zxcvbn(&beginning, &words).score() < Score::Three
}

/// Whether hardly a letter is left of a password without the words that others would try. Digits and signs do not count:
/// they are what is added.
fn is_of_words(password: &str, known: &[&str]) -> bool {
    [plain, written_by_signs].into_iter().any(|letter: fn(char) -> Option<char>| {
        let letters = |text: &str| text.chars().filter_map(letter).collect::<String>();
        let mut words: Vec<String> = known.iter().copied().chain(USUAL).map(letters).collect();
        words.retain(|word| word.chars().count() > 2);
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let whole = letters(password);
        let rest = words.iter().fold(whole.clone(), |rest, word| rest.replace(word.as_str(), " "));
        rest != whole && rest.chars().filter(|c| c.is_alphabetic()).count() < LETTERS_BESIDE
    })
}

/// A letter in lower case; none for any other sign.
fn plain(c: char) -> Option<char> {
    if c.is_alphabetic() { c.to_lowercase().next() } else { None }
}

/// The same, also where a sign stands for a letter.
fn written_by_signs(c: char) -> Option<char> {
    match c {
        '@' | '4' => Some('a'),
        '3' => Some('e'),
        '0' => Some('o'),
        '$' | '5' => Some('s'),
        '1' => Some('i'),
        c => plain(c),
    }
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
            "Summer2026!!",
            "Winter-2027-#1",
            "Tidegate20261129",
            "AcmeAdvice#2026",
            "Acme.Advice.77",
            "PatLee19840212",
            "pat.lee@acme.example1",
            "W3lcome2026!!!",
            "November292026",
        ] {
            check(common, true);
        }
        for fine in [
            "correct horse battery",
            "a tide gate lets water out",
            "wet umbrella, no 7 bus",
            "gK4vT9qLmz2w",
            "summer rain on tin roofs",
        ] {
            check(fine, false);
        }
        check(&"tide".repeat(250), true);
    }
}
