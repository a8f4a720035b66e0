//! The reasons for which people have or had access to households: of staff who were given it, and of those who opened one in an
//! emergency, with what was found of that. They are somebody's own words and may name a client: each is a row by itself, with a key of
//! its own in backups, and goes with the client whom it names. What it is the reason of stays.

use uuid::Uuid;

use super::StoreError;
use super::engine::{Readable, Table, Write};
use super::keys::{OwnKey, own};
use super::rows::{decode, encode};
use super::subject::Subject;
use super::subject_keys;
use super::visitor::{Visitor, Whose};

/// The reasons, by ids of theirs.
pub(super) const REASONS: Table<&OwnKey, &[u8]> = Table::new("access-reasons");

/// The words in place of a text that named an erased person.
pub(super) const ERASED: &str = "Taken away with a client who was erased.";

/// The table of reasons as it is read, within a snapshot or a write.
pub(super) trait Texts: Readable<&'static OwnKey, &'static [u8]> {}

impl<T: Readable<&'static OwnKey, &'static [u8]>> Texts for T {}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(REASONS, Whose::OfRow(Subject::access_reason))
}

/// Keeps a reason; answers its id.
pub(super) fn keep(transaction: &Write, reason: &str) -> Result<Uuid, StoreError> {
    keep_as(transaction, Uuid::new_v4(), reason)
}

/// Keeps a reason under an id; answers that.
pub(super) fn keep_as(transaction: &Write, id: Uuid, reason: &str) -> Result<Uuid, StoreError> {
    transaction.open_table(REASONS)?.put(&own(id), encode(&reason.to_owned())?.as_slice())?;
    Ok(id)
}

/// The id of what was found of an emergency, whose reason has its own.
pub(super) fn of_finding(emergency: Uuid) -> Uuid {
    Uuid::from_u128(emergency.as_u128() ^ 1)
}

/// The reason of an id. One that is not there any more was taken away.
pub(super) fn text(reasons: &impl Texts, id: Option<Uuid>) -> Result<Option<String>, StoreError> {
    let Some(id) = id else { return Ok(None) };
    let found = reasons.get(&own(id))?.map(|row| decode(row.value())).transpose()?;
    Ok(Some(found.unwrap_or_else(|| ERASED.to_owned())))
}

/// Takes reasons away.
pub(super) fn forget(transaction: &Write, ids: impl IntoIterator<Item = Uuid>) -> Result<(), StoreError> {
    let mut ids = ids.into_iter().peekable();
    if ids.peek().is_none() {
        return Ok(());
    }
    let mut reasons = transaction.open_table(REASONS)?;
    for id in ids {
        let key = own(id);
        reasons.delete(&key)?;
        // Backups of the third format have a key for each emergency, reason and finding in one.
        let former = [id, of_finding(id)].map(|id| Subject::emergency(&own(id)));
        subject_keys::forget(transaction, former.into_iter().chain([Subject::access_reason(&key)]))?;
    }
    Ok(())
}
