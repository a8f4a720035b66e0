//! The reason why nothing can be made that speaks to a site. Nothing was sent.

use std::error::Error;

/// The reason why nothing can be made that speaks to a site.
#[derive(Debug, thiserror::Error)]
pub enum SiteUnusable {
    /// The host makes no address.
    #[error("the host `{host}` makes no address")]
    Address {
        /// The host.
        host: String,
        /// The error of the address.
        source: Box<dyn Error + Send + Sync>,
    },
    /// There is no HTTP client for it.
    #[error("no client can be made for the site")]
    Client(#[source] reqwest::Error),
    /// A value cannot be sent.
    #[error("{what} holds characters that no header can")]
    Header {
        /// The value's name, as the first words of a sentence.
        what: &'static str,
    },
    /// The site is authorised by a person, and nobody keeps what the person brings.
    #[error("nothing keeps tokens for it")]
    NoTokens,
}

impl From<reqwest::Error> for SiteUnusable {
    fn from(error: reqwest::Error) -> Self {
        Self::Client(error.without_url())
    }
}
