//! What has a key of its own in backups: a client, a record of a CRM, which may be no client's yet, a file note, a document, a row of
//! a list.

use uuid::Uuid;

use super::keys::{ConnectionNumber, ExternalKey};

/// One of them, by a hash of its id. The hash has no key, so that ids of a CRM can be found by trial; that is why the file of keys is
/// encrypted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Subject(pub [u8; 16]);

impl Subject {
    /// A client.
    pub fn client(id: Uuid) -> Self {
        Self::of("client", id.as_bytes())
    }

    /// A record of a CRM, with the lists that go with it.
    pub fn record(connection: ConnectionNumber, id: ExternalKey) -> Self {
        Self::of("record", &[connection.0.to_be_bytes().as_slice(), &id.0].concat())
    }

    /// A file note, with its event.
    pub fn note(id: [u8; 16]) -> Self {
        Self::of("note", &id)
    }

    /// A document.
    pub fn document(digest: &[u8; 32]) -> Self {
        Self::of("document", digest)
    }

    /// A row of the identity lists.
    pub fn listed_row(key: &[u8]) -> Self {
        Self::of("row of a list", key)
    }

    /// A household that was opened in an emergency, in backups of the third format.
    pub fn emergency(key: &[u8]) -> Self {
        Self::of("emergency", key)
    }

    /// A reason for which somebody had access to a household.
    pub fn access_reason(key: &[u8]) -> Self {
        Self::of("reason of access", key)
    }

    /// A legal hold.
    pub fn hold(key: &[u8]) -> Self {
        Self::of("legal hold", key)
    }

    fn of(kind: &str, bytes: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("tidegate 2026-11 what has a key in backups");
        hasher.update(&(kind.len() as u64).to_be_bytes());
        hasher.update(kind.as_bytes());
        hasher.update(bytes);
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        Self(id)
    }
}
