//! Recovery codes: ten, each good for one sign-in in place of the app. Of digits alone, so that the keyboard of a telephone
//! that the app's codes are typed with has them; 66 random bits each, so that a digest that is not slow keeps them.

use secrecy::{ExposeSecret as _, SecretString};

use crate::access::token;
use crate::domain::text;

/// The number of codes.
pub(super) const CODES: usize = 10;
/// The digits of a code.
const LENGTH: usize = 20;
/// The characters between two hyphens.
const GROUP: usize = 4;
/// The longest text that is looked at.
const LONGEST: usize = 200;

/// New codes, as they are shown: `0123-4567-8901-2345-6789`.
pub(super) fn new_codes() -> Vec<SecretString> {
    let code = |_| {
        let numbers: [u64; LENGTH] = rand::random();
        let digits = numbers.map(|number| (number % 10).to_string());
        let groups: Vec<String> = digits.chunks(GROUP).map(<[String]>::concat).collect();
        groups.join("-").into()
    };
    (0..CODES).map(code).collect()
}

/// The digests of codes, as they are kept.
pub(super) fn digests(codes: &[SecretString]) -> Vec<[u8; 32]> {
    codes.iter().filter_map(|code| digest_of(&plain(code.expose_secret()))).collect()
}

/// A code of either kind as somebody typed it: without blanks and hyphens, whichever keyboard it is from.
pub(super) fn plain(code: &str) -> String {
    let code = code.get(..LONGEST).unwrap_or(if code.len() < LONGEST { code } else { "" });
    let is_between = |c: char| c.is_whitespace() || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    let letters = text::by_its_letters(code);
    letters.chars().filter(|c| !is_between(*c)).collect()
}

/// The digest of what may be a recovery code; none of what is something else.
pub(super) fn digest_of(plain: &str) -> Option<[u8; 32]> {
    (plain.len() == LENGTH && plain.bytes().all(|byte| byte.is_ascii_digit())).then(|| *token::digest(plain).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_differ_and_are_known_however_they_are_typed() {
        let codes = new_codes();
        let kept = digests(&codes);
        let different: std::collections::BTreeSet<_> = kept.iter().collect();
        assert_eq!((codes.len(), different.len()), (CODES, CODES));
        let code = codes[0].expose_secret();
        assert_eq!((code.len(), code.matches('-').count()), (24, 4), "{code}");
        for typed in [
            code.to_owned(),
            code.replace('-', ""),
            code.replace('-', " "),
            format!(" {}\n", code.replace('-', "\u{2013}")),
        ] {
            assert_eq!(digest_of(&plain(&typed)), Some(kept[0]), "{typed:?}");
        }
        for other in ["", "123456", "0123-4567-8901", "0123-4567-8901-2345-678x", "0123-4567-8901-2345-67890"] {
            assert_eq!(digest_of(&plain(other)), None, "{other}");
        }
    }

    #[test]
    fn the_code_of_an_app_is_the_same_with_blanks_and_from_any_keyboard() {
        for typed in ["123456", "123 456", " 12 34 56 ", "123-456", "１２３４５６", "123\u{a0}456"] {
            assert_eq!(plain(typed), "123456", "{typed:?}");
        }
        assert_eq!(plain(&"1".repeat(100_000)).len(), 200);
        assert_eq!(plain(&"é".repeat(100_000)).chars().count(), 100);
    }
}
