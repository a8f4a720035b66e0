//! The order of delivery: a lane for each household, and the first note of each lane by when it is due.

use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use uuid::Uuid;

use super::tables::{self, BY_STATE, DUE, Id, LANES, NOTES};
use crate::domain::note::{Note, NoteState};
use crate::domain::{HouseholdId, NoteId, Timestamp};
use crate::store::StoreError;
use crate::store::keys::PRACTICE;

/// Stands in a lane for a note that is being sent.
const NOT_DUE: i64 = i64::MAX;

/// Writes a note that stood as `before`, and keeps its lane.
pub(super) fn put(transaction: &WriteTransaction, before: Option<&Note>, note: &Note) -> Result<(), StoreError> {
    let id = note.id.0.into_bytes();
    transaction.open_table(NOTES)?.insert((PRACTICE, id), tables::encode(note)?.as_slice())?;
    let mut by_state = transaction.open_table(BY_STATE)?;
    if let Some(before) = before {
        by_state.remove((PRACTICE, tables::state_key(before.state), id))?;
    }
    by_state.insert((PRACTICE, tables::state_key(note.state), id), ())?;

    let mut lanes = transaction.open_table(LANES)?;
    let mut due = transaction.open_table(DUE)?;
    let household = note.household_id.0.into_bytes();
    if let Some((first, at)) = first_of(&lanes, note.household_id)? {
        due.remove((PRACTICE, at, household, first))?;
    }
    if matches!(note.state, NoteState::Done | NoteState::Dead) {
        lanes.remove((PRACTICE, household, id))?;
    } else {
        lanes.insert((PRACTICE, household, id), note.due_at.map_or(NOT_DUE, rounded_up))?;
    }
    if let Some((first, at)) = first_of(&lanes, note.household_id)?
        && at != NOT_DUE
    {
        due.insert((PRACTICE, at, household, first), ())?;
    }
    Ok(())
}

/// When the next note is due.
pub(super) fn next_due(transaction: &ReadTransaction) -> Result<Option<Timestamp>, StoreError> {
    let due = transaction.open_table(DUE)?;
    let Some(entry) = due.range(all())?.next() else { return Ok(None) };
    Ok(Some(Timestamp::from_millisecond(entry?.0.value().1).unwrap_or(Timestamp::MIN)))
}

/// The note that is due the longest, of those due by `now`.
pub(super) fn first_due(transaction: &WriteTransaction, now: Timestamp) -> Result<Option<Note>, StoreError> {
    let due = transaction.open_table(DUE)?;
    let Some(entry) = due.range(all())?.next() else { return Ok(None) };
    let (_, at, _, id) = entry?.0.value();
    if at > now.as_millisecond() {
        return Ok(None);
    }
    tables::note(&transaction.open_table(NOTES)?, NoteId(Uuid::from_bytes(id)))
}

/// The first note of a household's lane, with when it is due.
fn first_of(
    lanes: &impl ReadableTable<(u32, Id, Id), i64>,
    household: HouseholdId,
) -> Result<Option<(Id, i64)>, StoreError> {
    let household = household.0.into_bytes();
    let mut lane = lanes.range((PRACTICE, household, [0; 16])..=(PRACTICE, household, [0xff; 16]))?;
    let Some(entry) = lane.next() else { return Ok(None) };
    let (key, at) = entry?;
    Ok(Some((key.value().2, at.value())))
}

/// Milliseconds since 1970, so that no note is taken up before its time.
fn rounded_up(time: Timestamp) -> i64 {
    time.as_millisecond() + i64::from(time.subsec_nanosecond() % 1_000_000 > 0)
}

fn all() -> std::ops::RangeInclusive<(u32, i64, Id, Id)> {
    (PRACTICE, i64::MIN, [0; 16], [0; 16])..=(PRACTICE, i64::MAX, [0xff; 16], [0xff; 16])
}
