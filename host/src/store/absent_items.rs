//! Goals and covers that the CRM's lists no longer show, until two complete walks in a row have missed them.
//!
//! Only what is missing has a row here, so that a walk looks at nothing for lists that are whole. A list that is what it
//! was and showed not all is not mapped again: that the walk read it is noted.

use uuid::Uuid;

use super::StoreError;
use super::engine::{Readable, Snapshot, Write, WriteTable};
use super::identity::Identity;
use super::report::{ChangeSubject, Rows};
use super::rows::listed::StoredItem;
use super::rows::{decode, encode};
use super::tables::{BookCounts, IDENTITIES, ListRecord, TALLIES, UNSEEN};
use crate::domain::absence::{Conclusion, Threshold};
use crate::domain::listed::AbsenceEvidence;
use crate::domain::run::{ChangeKind, Run};
use crate::domain::{ExternalId, RecordKind, RunId, Timestamp, with_listed};
use crate::store::absence_questions::decide;
use crate::store::keys::{
    ConnectionNumber, ExternalKey, PRACTICE, RecordKey, UnseenKey, join, list_key, record, span, uuid_at_end,
};

/// The rows of lists that a group merges, by its walk or by none.
pub(super) struct AbsenceRows<'t> {
    table: WriteTable<'t, &'static UnseenKey, &'static [u8]>,
    walk: Option<RunId>,
}

impl<'t> AbsenceRows<'t> {
    /// Rows of which nothing is noted yet.
    pub fn open(transaction: &'t Write, walk: Option<RunId>) -> Result<Self, StoreError> {
        Ok(Self { table: transaction.open_table(UNSEEN)?, walk })
    }

    /// Notes what a list does not show as it was read now, and takes away the note of what it shows. Answers whether the
    /// list proves that something is missing; one that was not understood as a whole proves nothing.
    pub fn note(&mut self, list: &RecordKey, missing: &[Uuid], is_whole: bool) -> Result<bool, StoreError> {
        let before = of_list(&self.table, list)?;
        for (key, _) in before.iter().filter(|(key, _)| !missing.contains(&uuid_at_end(key))) {
            self.table.delete(key)?;
        }
        if !is_whole {
            return Ok(false);
        }
        for id in missing {
            let key = key(list, *id);
            let known = before.iter().find(|(known, _)| *known == key).map(|(_, unseen)| *unseen);
            let now = known.unwrap_or_default().again(self.walk);
            if known != Some(now) {
                self.table.put(&key, encode(&now)?.as_slice())?;
            }
        }
        Ok(!missing.is_empty())
    }
}

/// Notes that a walk read these clients' lists, and that they are what they were: what they did not show is missed again.
pub(super) fn miss_again(
    transaction: &Write,
    connection: ConnectionNumber,
    kind: RecordKind,
    lists: &[ExternalId],
    walk: RunId,
) -> Result<(), StoreError> {
    if lists.is_empty() {
        return Ok(());
    }
    let mut keys: Vec<RecordKey> = lists.iter().map(|id| record(connection, kind, ExternalKey::from(id))).collect();
    keys.sort_unstable();
    let mut table = transaction.open_table(UNSEEN)?;
    for list in keys {
        for (key, unseen) in of_list(&table, &list)? {
            let again = unseen.again(Some(walk));
            if again != unseen {
                table.put(&key, encode(&again)?.as_slice())?;
            }
        }
    }
    Ok(())
}

/// Counts what of these kinds a walk missed that came to its end, and concludes what is gone: marks it, or asks a person where it is too
/// much at once.
pub(super) fn conclude(
    transaction: &Write,
    connection: ConnectionNumber,
    run: &mut Run,
    kinds: &[RecordKind],
    threshold: Threshold,
    at: Timestamp,
) -> Result<(), StoreError> {
    for kind in kinds.iter().copied() {
        let missed_once = count(transaction, connection, kind, run.id)?;
        run.counts.set_missed_once(kind, missed_once);
        let gone = proven(&transaction.open_table(UNSEEN)?, connection, kind, usize::MAX)?;
        let missing = gone.len() as u64;
        // So few are marked however large the book is.
        let of = if missing > threshold.at_least { listed(transaction, connection, kind)? } else { 0 };
        if decide(transaction, (connection, kind), run, (missing, of), threshold, at)? == Conclusion::Mark {
            mark(transaction, connection, kind, run, at)?;
        }
    }
    Ok(())
}

/// Marks all that two complete walks missed as gone.
pub(super) fn mark(
    transaction: &Write,
    connection: ConnectionNumber,
    kind: RecordKind,
    run: &mut Run,
    at: Timestamp,
) -> Result<(), StoreError> {
    with_listed!(kind, Item => mark_in::<Item>(transaction, connection, run, at)).unwrap_or(Ok(()))
}

fn mark_in<T: StoredItem>(
    transaction: &Write,
    connection: ConnectionNumber,
    run: &mut Run,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut unseen = transaction.open_table(UNSEEN)?;
    let gone = proven(&unseen, connection, T::KIND, usize::MAX)?;
    let mut lists = transaction.open_table(T::LISTS)?;
    let mut identities = transaction.open_table(IDENTITIES)?;
    let mut rows = Rows::default();
    let mut marked = 0;
    for of_list in gone.chunk_by(|one, other| list_of(one) == list_of(other)) {
        let list = list_of(&of_list[0]);
        let identity = identities.get(&list)?.map(|row| Identity::from_row(row.value()));
        for key in of_list {
            unseen.delete(key)?;
        }
        let Some((identity, client)) = identity.and_then(|identity| Some((identity.clone(), identity.client?))) else {
            continue;
        };
        let key = list_key(client, connection);
        let record = lists.get(&key)?.map(|record| decode::<ListRecord<T>>(record.value())).transpose()?;
        let Some(mut record) = record else { continue };
        let is_gone = |id: Uuid| of_list.iter().any(|key| uuid_at_end(key) == id);
        for item in record.items.iter_mut().filter(|item| item.gone_since.is_none() && is_gone(item.id)) {
            item.gone_since = Some(at);
            marked += 1;
            let told = ChangeSubject::listed(client, T::KIND, item.id, item.value.label());
            rows.note(run, ChangeKind::Gone, told, &[])?;
        }
        let listed = record.items.iter().filter(|item| item.gone_since.is_none()).count() as u32;
        let has_unseen = identity.has_unseen && !self::of_list(&unseen, &list)?.is_empty();
        lists.put(&key, encode(&record)?.as_slice())?;
        identities.put(&list, &Identity { has_unseen, ..identity.with_listed(listed) }.to_row())?;
    }
    rows.write(transaction)?;
    run.counts.list_mut(T::KIND).gone += marked;
    let mut table = transaction.open_table(TALLIES)?;
    let tallies = table.get(PRACTICE)?.map(|tallies| decode::<BookCounts>(tallies.value())).transpose()?;
    let mut tallies = tallies.unwrap_or_default();
    let tally = tallies.lists.entry(T::KIND).or_default();
    *tally = tally.saturating_sub(marked);
    table.put(PRACTICE, encode(&tallies)?.as_slice())?;
    Ok(())
}

/// Counts a walk's end for all of a kind that it missed. Answers how much one complete walk has missed by now.
fn count(transaction: &Write, connection: ConnectionNumber, kind: RecordKind, walk: RunId) -> Result<u64, StoreError> {
    let mut table = transaction.open_table(UNSEEN)?;
    let (first, last) = all_of(connection, kind);
    let (mut counted, mut missed_once) = (Vec::new(), 0);
    for entry in table.scan(&first..=&last)? {
        let (key, before) = entry?;
        let before: AbsenceEvidence = decode(before.value())?;
        let now = before.counted(walk);
        missed_once += u64::from(now.walks > 0 && !now.is_proven());
        if now != before {
            counted.push((*key.value(), now));
        }
    }
    for (key, now) in counted {
        table.put(&key, encode(&now)?.as_slice())?;
    }
    Ok(missed_once)
}

/// The goals or covers that two complete walks in a row missed; `limit` at most.
fn proven(
    table: &impl Readable<&'static UnseenKey, &'static [u8]>,
    connection: ConnectionNumber,
    kind: RecordKind,
    limit: usize,
) -> Result<Vec<UnseenKey>, StoreError> {
    let (first, last) = all_of(connection, kind);
    let mut found = Vec::new();
    for entry in table.scan(&first..=&last)? {
        let (key, unseen) = entry?;
        if found.len() < limit && decode::<AbsenceEvidence>(unseen.value())?.is_proven() {
            found.push(*key.value());
        }
    }
    Ok(found)
}

/// The ids of goals or covers that two complete walks in a row missed and that are not marked; `limit` at most.
pub(super) fn proven_ids(
    transaction: &Snapshot,
    connection: ConnectionNumber,
    kind: RecordKind,
    limit: usize,
) -> Result<Vec<Uuid>, StoreError> {
    let found = proven(&transaction.open_table(UNSEEN)?, connection, kind, limit)?;
    Ok(found.iter().map(|key| uuid_at_end(key)).collect())
}

/// The number of goals or covers that stand in a connection's lists.
fn listed(transaction: &Write, connection: ConnectionNumber, kind: RecordKind) -> Result<u64, StoreError> {
    let identities = transaction.open_table(IDENTITIES)?;
    let (first, last) = span::<{ size_of::<RecordKey>() }>(&prefix(connection, kind));
    let mut listed = 0;
    for entry in identities.scan(&first..=&last)? {
        listed += u64::from(Identity::from_row(entry?.1.value()).listed());
    }
    Ok(listed)
}

/// The goals or covers that are missing from a list.
pub(super) fn of_list(
    table: &impl Readable<&'static UnseenKey, &'static [u8]>,
    list: &RecordKey,
) -> Result<Vec<(UnseenKey, AbsenceEvidence)>, StoreError> {
    let (first, last) = span::<{ size_of::<UnseenKey>() }>(list);
    let mut found = Vec::new();
    for entry in table.scan(&first..=&last)? {
        let (key, unseen) = entry?;
        found.push((*key.value(), decode(unseen.value())?));
    }
    Ok(found)
}

/// The key of what is missing from a list.
pub(super) fn key(list: &RecordKey, id: Uuid) -> UnseenKey {
    join([list, id.as_bytes()])
}

fn list_of(key: &UnseenKey) -> RecordKey {
    let mut list = [0; size_of::<RecordKey>()];
    list.copy_from_slice(&key[..size_of::<RecordKey>()]);
    list
}

fn all_of(connection: ConnectionNumber, kind: RecordKind) -> (UnseenKey, UnseenKey) {
    span(&prefix(connection, kind))
}

/// The beginning of the keys of a kind's records.
fn prefix(connection: ConnectionNumber, kind: RecordKind) -> Vec<u8> {
    record(connection, kind, ExternalKey([0; 16]))[..7].to_vec()
}
