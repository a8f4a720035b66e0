//! Changes of clients that no walk brought: people link, make and remove clients, and decide about the review queue.

use super::super::StoreError;
use super::super::identity::Identity;
use super::super::keys::{ConnectionNumber, ExternalKey, PRACTICE};
use super::super::rows::{decode, encode};
use super::super::tables::{BookCounts, ClientRecord, TALLIES};
use super::pending::Pending;
use super::{MappedBy, households};
use crate::domain::household::Change;
use crate::domain::practice_client::Kept;
use crate::domain::{ConnectionName, RecordKind, RevisionId, Timestamp};
use crate::store::engine::{Readable as _, Write};

/// The identities of one connection's clients, none of them read yet.
pub(super) fn open_rows(
    transaction: &Write,
    connection: ConnectionNumber,
    at: Timestamp,
) -> Result<Pending<'_>, StoreError> {
    let by = MappedBy { revision: RevisionId::NONE, as_of: None };
    Pending::open(transaction, connection, RecordKind::Client, (by, at), &[])
}

/// Settles households after changes that no walk brought, and keeps rows and counts.
pub(super) fn settle(
    transaction: &Write,
    mut rows: Pending<'_>,
    changes: &[Change<ExternalKey>],
    count: impl FnOnce(&mut BookCounts),
) -> Result<(), StoreError> {
    let mut tallies = transaction.open_table(TALLIES)?;
    let mut counted = tallies.get(PRACTICE)?.map(|kept| decode(kept.value())).transpose()?.unwrap_or_default();
    count(&mut counted);
    households::settle(transaction, &mut rows, changes, &mut counted)?;
    tallies.put(PRACTICE, encode(&counted)?.as_slice())?;
    rows.write_identities()
}

/// A client as the rules for links see it.
pub(super) fn kept<'k>(connection: &'k ConnectionName, stored: &'k ClientRecord, identity: &Identity) -> Kept<'k> {
    Kept { connection, external_id: &stored.client.external_id, in_book: identity.in_book }
}
