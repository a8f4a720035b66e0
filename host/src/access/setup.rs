//! The set-up link: how the first practice manager comes in where there is no account yet.
//!
//! Kept in memory, as a digest: whoever can read the terminal of the first start is let in, nobody who reads the
//! store later.

use std::time::Duration;

use secrecy::SecretString;

use crate::access::token::{self, Digest};
use crate::domain::Timestamp;

const HOLDS_FOR: Duration = Duration::from_mins(30);

/// An offered link.
pub struct SetUpLink {
    digest: Digest,
    ends_at: Timestamp,
}

impl SetUpLink {
    /// Offers `token` from `now` on.
    pub fn new(token: &SecretString, now: Timestamp) -> Self {
        Self { digest: token::digest_of(token), ends_at: now + HOLDS_FOR }
    }

    /// Whether it is this link and not too old.
    pub fn is_open(&self, token: &str, now: Timestamp) -> bool {
        self.digest == token::digest(token) && now < self.ends_at
    }
}
