//! Opaque tokens: 256 random bits that only their holder knows. What is kept of one is its digest.

use secrecy::{ExposeSecret as _, SecretString};

use crate::secrets;

/// The digest of a token, which is all that is kept of it. Compared in constant time, which `blake3::Hash` does by
/// itself. A slow hash would add nothing: nobody guesses 256 random bits.
pub type Digest = blake3::Hash;

/// A new token, 43 characters that may stand in a URL.
pub fn new() -> SecretString {
    secrets::random()
}

/// The beginning of API tokens, by which scanners of repositories and logs know one.
pub const API_PREFIX: &str = "tg_";
/// The beginning of the tokens of sessions that programs open.
pub const SESSION_PREFIX: &str = "tgs_";

/// A new token that begins so.
pub fn with_prefix(prefix: &str) -> SecretString {
    format!("{prefix}{}", new().expose_secret()).into()
}

/// The digest of a token as somebody shows it.
pub fn digest(token: &str) -> Digest {
    blake3::hash(token.as_bytes())
}

/// The digest of a token that this process holds.
pub fn digest_of(token: &SecretString) -> Digest {
    digest(token.expose_secret())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_fit_into_a_url() {
        let (one, other) = (new(), new());
        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_eq!(one.expose_secret().len(), 43);
        assert!(one.expose_secret().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        assert_eq!(digest_of(&one), digest(one.expose_secret()));
    }
}
