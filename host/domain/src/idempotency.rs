//! The keys by which a repeated event is known.

use std::fmt;
use std::str::FromStr;

/// Chosen by the sender for an event, and sent with it each time: a repetition is the same event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdempotencyKey(String);

/// The reason why a text is no key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a key has 1 to {longest} visible ASCII characters without spaces, such as a UUID",
    longest = IdempotencyKey::LONGEST
)]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The most characters.
    pub const LONGEST: usize = 255;

    /// Its characters as a regular expression.
    pub const PATTERN: &str = "^[!-~]+$";

    /// The key as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_ascii() {
        let check =
            |text: &str, expected: bool| assert_eq!(text.parse::<IdempotencyKey>().is_ok(), expected, "{text:?}");
        check("k", true);
        check("0192f0c4-7d1e-7000-8000-000000000001", true);
        check("!~", true);
        for text in ["k", "0192f0c4-7d1e-7000-8000-000000000001"] {
            let key: IdempotencyKey = text.parse().unwrap();
            assert_eq!((key.as_str(), key.to_string().as_str()), (text, text), "it is sent back as it came");
        }
        check(&"k".repeat(255), true);
        check(&"k".repeat(256), false);
        for none in ["", " ", "a key", "a\tkey", "k\u{7f}", "schlüssel", "k\0"] {
            check(none, false);
        }
    }
}
