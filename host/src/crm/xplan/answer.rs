//! An answer of the site, as it came.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderValue;

/// An answer of the site.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) retry_after: Option<Duration>,
    pub(super) cookies: Vec<HeaderValue>,
    pub(super) body: Bytes,
}

impl Answer {
    /// An empty answer with this status.
    pub(super) fn of(status: u16) -> Self {
        Self { status, content_type: String::new(), retry_after: None, cookies: Vec::new(), body: Bytes::new() }
    }
}
