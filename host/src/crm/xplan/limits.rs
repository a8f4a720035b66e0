//! Times and sizes that hold for a site. Guesses for want of published limits; the same for every site until one asks for
//! others.

use std::time::Duration;

use super::retry::RetryPolicy;
use crate::domain::outbox::REQUEST_LIFE;

/// The times and sizes that hold for a site.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// The longest that reaching the site may take.
    pub(super) connect: Duration,
    /// The longest that one whole exchange may take.
    pub(super) exchange: Duration,
    /// The largest answer that is read where no page holds it, in bytes; and what one record that somebody waits for
    /// holds with its lists.
    pub(super) largest_alone: u32,
    /// The number of bytes that the answers of a page hold together: ten times the usual.
    pub(super) page_bytes: u32,
    /// The number of pages of that size that there is room for: one is read, one waits, one is mapped.
    pub(super) pages_held: u32,
    /// The policy by which reads that fail are asked again.
    pub(super) retry: RetryPolicy,
    /// The time for which a refused sign-in is not tried again: sites lock accounts out.
    pub(super) after_refusal: Duration,
    /// The least time between two sign-ins that follow each other because somebody else uses the same account.
    pub(super) between_sign_ins: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            exchange: REQUEST_LIFE.unsigned_abs(),
            largest_alone: 8 << 20,
            page_bytes: 32 << 20,
            pages_held: 3,
            retry: RetryPolicy::default(),
            after_refusal: Duration::from_secs(30),
            between_sign_ins: Duration::from_secs(5),
        }
    }
}
