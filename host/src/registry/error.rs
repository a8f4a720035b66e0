//! What goes wrong with a registry, for the person who named it: what was expected, what came, from where.

use std::io;
use std::time::Duration;

use crate::crm::http::chain;

/// The reason why a pack was not pulled or pushed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The text is no reference.
    #[error(
        "`{text}` is no reference to a pack: {why}. One is oci://registry.acme.example/team/acme-au:1.2, or better with its \
         digest: oci://registry.acme.example/team/acme-au@sha256:…"
    )]
    NotAReference {
        /// The text.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The settings ask for a digest.
    #[error(
        "`{0}` names a tag, and the settings (packs.digest-only) take packs by their digest only: \
         oci://host/repository@sha256:…"
    )]
    NotPinned(String),
    /// A pack is pushed under a tag.
    #[error("`{0}` names no tag alone; a pack is pushed under one: oci://host/repository:1.2")]
    NoTag(String),
    /// The archive cannot be compressed.
    #[error("the pack's archive cannot be compressed")]
    NotPacked(#[source] io::Error),
    /// No client can be made.
    #[error("the registry cannot be asked: {}", chain(.0))]
    NoClient(reqwest::Error),
    /// Nobody answers, or not to the end.
    #[error("{host} does not answer, or not to the end: {}{hint}", chain(.error))]
    Unreachable {
        /// The host.
        host: String,
        /// The error of the client.
        error: reqwest::Error,
        /// What may help.
        hint: &'static str,
    },
    /// The registry says no.
    #[error("{host} refuses {what} with {status}{said}")]
    Refused {
        /// The host.
        host: String,
        /// What was asked for.
        what: String,
        /// The status of its answer.
        status: u16,
        /// Its words, with what stands before them.
        said: String,
    },
    /// It cannot be said who asks.
    #[error("{host} asks who it is: {why}")]
    SignIn {
        /// The host.
        host: String,
        /// The reason, and what to do.
        why: String,
    },
    /// Something else came.
    #[error("{what} from {host} is not what was asked for: expected {expected}, got {got}")]
    Other {
        /// What was asked for.
        what: String,
        /// The host that answered.
        host: String,
        /// What should have come.
        expected: String,
        /// What came, with its media type where that says more.
        got: String,
    },
    /// More came than is taken.
    #[error("{what} from {host} is larger than {most} bytes, and was not read further")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// The host that answered.
        host: String,
        /// The most bytes that are taken.
        most: u64,
    },
    /// The registry asks to come again later.
    #[error("{host} takes no more requests for now; come again {}", again(.wait))]
    Busy {
        /// The host.
        host: String,
        /// The time after which to come again.
        wait: Option<Duration>,
    },
    /// It leads elsewhere, where nobody is followed.
    #[error("{host} sends on to {to}, where nobody is followed: {why}")]
    LeadsAway {
        /// The host.
        host: String,
        /// Where it leads.
        to: String,
        /// The reason.
        why: &'static str,
    },
    /// What the manifest describes is no pack.
    #[error("what {host} has there is no pack: {why}")]
    NoPack {
        /// The host.
        host: String,
        /// The reason.
        why: String,
    },
}

fn again(wait: &Option<Duration>) -> String {
    wait.map_or_else(|| "later".to_owned(), |wait| format!("in {} seconds", wait.as_secs()))
}
