//! The order of delivery: a lane for each client a note is filed against, and the notes that stand first in all their
//! lanes by when they are due. Notes of one client arrive in order, also where a note is filed against both people of a
//! household; clients side by side.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::tables::{
    self, AWAITING_LINK, BY_DOCUMENT, BY_OWNER, BY_STATE, DUE, Id, LANES, LOOKED_FOR, NOTES, RAISED, Raised,
};
use crate::domain::note::{Awaits, Note, NoteState};
use crate::domain::{ConnectionName, NoteId, Timestamp};
use crate::store::StoreError;
use crate::store::connection_numbers::name_of_connection;
use crate::store::engine::{Readable, Snapshot, Write, WriteTable};
use crate::store::keys::PRACTICE;

/// The due time in a lane of a note that is being sent, or waits for somebody.
const NOT_DUE: i64 = i64::MAX;

type Lanes<'t> = WriteTable<'t, (u32, Id, Id), i64>;
type Due<'t> = WriteTable<'t, (u32, &'static str, i64, Id), ()>;

/// Writes a note that stood as `before`, and keeps its lanes and indexes.
pub(super) fn put(transaction: &Write, before: Option<&Note>, note: &Note) -> Result<(), StoreError> {
    let id = note.id.0.into_bytes();
    transaction.open_table(NOTES)?.put((PRACTICE, id), tables::encode(note)?.as_slice())?;
    index(transaction, before, note)?;

    let lanes_of_both: BTreeSet<Id> = before.into_iter().chain([note]).flat_map(lanes_of).collect();
    let mut lanes = transaction.open_table(LANES)?;
    let mut due = transaction.open_table(DUE)?;
    let notes = transaction.open_table(NOTES)?;
    // Those who stood first may stand behind this one now, and those behind it may be first.
    let mut concerned = BTreeSet::from([id]);
    for lane in &lanes_of_both {
        concerned.extend(first_of(&lanes, *lane)?);
    }
    for one in &concerned {
        let stored = if *one == id { before.cloned() } else { tables::note(&notes, NoteId(Uuid::from_bytes(*one)))? };
        if let Some(stored) = stored
            && let Some(at) = due_key(&stored)
        {
            due.delete((PRACTICE, stored.connection.as_str(), at, *one))?;
        }
    }
    for lane in &lanes_of_both {
        lanes.delete((PRACTICE, *lane, id))?;
    }
    if is_open(note) {
        for lane in lanes_of(note) {
            lanes.put((PRACTICE, lane, id), due_key(note).unwrap_or(NOT_DUE))?;
        }
    }
    for lane in &lanes_of_both {
        concerned.extend(first_of(&lanes, *lane)?);
    }
    for one in concerned {
        if one == id {
            make_due(&lanes, &mut due, note)?;
        } else if let Some(other) = tables::note(&notes, NoteId(Uuid::from_bytes(one)))? {
            make_due(&lanes, &mut due, &other)?;
        }
    }
    Ok(())
}

/// Lists the note among the due ones where it is open, has a time, and stands first in all its lanes.
fn make_due(lanes: &Lanes<'_>, due: &mut Due<'_>, note: &Note) -> Result<(), StoreError> {
    let id = note.id.0.into_bytes();
    let Some(at) = due_key(note).filter(|_| is_open(note)) else { return Ok(()) };
    for lane in lanes_of(note) {
        if first_of(lanes, lane)? != Some(id) {
            return Ok(());
        }
    }
    due.put((PRACTICE, note.connection.as_str(), at, id), ())?;
    Ok(())
}

/// Finds the note again by its state, its people, the CRM's id, and what it is in want of.
fn index(transaction: &Write, before: Option<&Note>, note: &Note) -> Result<(), StoreError> {
    let id = note.id.0.into_bytes();
    let mut by_state = transaction.open_table(BY_STATE)?;
    if let Some(before) = before {
        by_state.delete((PRACTICE, tables::state_key(before.state), id))?;
    }
    by_state.put((PRACTICE, tables::state_key(note.state), id), ())?;

    let owners = |note: &Note| -> BTreeSet<Id> {
        note.clients.iter().map(|client| client.0).chain([note.household_id.0]).map(Uuid::into_bytes).collect()
    };
    let owned_before = before.map(owners).unwrap_or_default();
    let owned = owners(note);
    if owned != owned_before {
        let mut by_owner = transaction.open_table(BY_OWNER)?;
        for gone in owned_before.difference(&owned) {
            by_owner.delete((PRACTICE, *gone, id))?;
        }
        for new in owned.difference(&owned_before) {
            by_owner.put((PRACTICE, *new, id), ())?;
        }
    }
    let document = note.document_id();
    let document_before = before.and_then(Note::document_id);
    if document != document_before {
        let mut by_document = transaction.open_table(BY_DOCUMENT)?;
        if let Some(gone) = document_before {
            by_document.delete((PRACTICE, gone.as_str(), id))?;
        }
        if let Some(new) = document {
            by_document.put((PRACTICE, new.as_str(), id), ())?;
        }
    }
    let is_done = |note: &Note| note.state == NoteState::Done;
    match (before.is_some_and(is_done), is_done(note)) {
        (false, true) => transaction.open_table(LOOKED_FOR)?.put((PRACTICE, id), ())?,
        (true, false) => drop(transaction.open_table(LOOKED_FOR)?.delete((PRACTICE, id))?),
        _ => {}
    }
    let (raised_before, raised_now) = (before.and_then(Raised::of), Raised::of(note));
    if raised_before != raised_now {
        let mut raised = transaction.open_table(RAISED)?;
        if let Some(before) = raised_before {
            raised.delete((PRACTICE, before as u8, id))?;
        }
        if let Some(now) = raised_now {
            raised.put((PRACTICE, now as u8, id), ())?;
        }
    }
    let awaits_link = |note: &Note| note.awaits == Some(Awaits::Link);
    match (before.is_some_and(awaits_link), awaits_link(note)) {
        (false, true) => transaction.open_table(AWAITING_LINK)?.put((PRACTICE, id), ())?,
        (true, false) => drop(transaction.open_table(AWAITING_LINK)?.delete((PRACTICE, id))?),
        _ => {}
    }
    Ok(())
}

/// Each connection that has due notes, with when its first one is.
pub(super) fn next_due(transaction: &Snapshot) -> Result<Vec<(ConnectionName, Timestamp)>, StoreError> {
    let due = transaction.open_table(DUE)?;
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let range = due.scan((PRACTICE, after.as_str(), i64::MIN, [0; 16])..(PRACTICE + 1, "", i64::MIN, [0; 16]))?;
        let Some(entry) = { range }.next() else { return Ok(found) };
        let key = entry?.0;
        let (_, connection, at, _) = key.value();
        let name = name_of_connection(connection)?;
        // Rounding up may have left the end of time.
        let end = if at < 0 { Timestamp::MIN } else { Timestamp::MAX };
        found.push((name, Timestamp::from_millisecond(at).unwrap_or(end)));
        // The next name behind this one.
        after = format!("{connection}\0");
    }
}

/// An end of the notes that are due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// The notes that have been due the longest.
    Oldest,
    /// The notes that are due only just now.
    Newest,
}

/// Notes of a connection that are due after `now` only because it has to be authorised.
pub(super) fn held(
    transaction: &Write,
    connection: &ConnectionName,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Note>, StoreError> {
    let due = transaction.open_table(DUE)?;
    let notes = transaction.open_table(NOTES)?;
    let (name, now) = (connection.as_str(), now.as_millisecond());
    let mut held = Vec::new();
    for entry in due.scan((PRACTICE, name, now, [0xff; 16])..=(PRACTICE, name, i64::MAX, [0xff; 16]))? {
        if held.len() == limit {
            break;
        }
        let note = tables::note(&notes, NoteId(Uuid::from_bytes(entry?.0.value().3)))?;
        held.extend(note.filter(|note| note.awaits == Some(Awaits::Authorisation)));
    }
    Ok(held)
}

/// A note of a connection that is due by `now`, from one end of those.
pub(super) fn due_note(
    transaction: &Write,
    connection: &ConnectionName,
    now: Timestamp,
    end: End,
) -> Result<Option<Note>, StoreError> {
    let due = transaction.open_table(DUE)?;
    let name = connection.as_str();
    let range = (PRACTICE, name, i64::MIN, [0; 16])..=(PRACTICE, name, now.as_millisecond(), [0xff; 16]);
    let mut from_end = match end {
        End::Oldest => due.scan(range)?,
        End::Newest => due.scan_back(range)?,
    };
    let Some(entry) = from_end.next() else { return Ok(None) };
    tables::note(&transaction.open_table(NOTES)?, NoteId(Uuid::from_bytes(entry?.0.value().3)))
}

/// The number of open notes that stand behind this one in its lanes.
pub(super) fn behind(transaction: &Snapshot, note: &Note) -> Result<usize, StoreError> {
    let lanes = transaction.open_table(LANES)?;
    let id = note.id.0.into_bytes();
    let mut found = BTreeSet::new();
    for lane in lanes_of(note) {
        for entry in lanes.scan((PRACTICE, lane, id)..=(PRACTICE, lane, [0xff; 16]))? {
            found.insert(entry?.0.value().2);
        }
    }
    found.remove(&id);
    Ok(found.len())
}

/// The note that this one waits for in one of its lanes.
pub(super) fn ahead(transaction: &Snapshot, note: &Note) -> Result<Option<NoteId>, StoreError> {
    let lanes = transaction.open_table(LANES)?;
    let id = note.id.0.into_bytes();
    for lane in lanes_of(note) {
        if let Some(first) = first_of(&lanes, lane)?.filter(|first| *first < id) {
            return Ok(Some(NoteId(Uuid::from_bytes(first))));
        }
    }
    Ok(None)
}

/// The first note of a lane.
fn first_of(lanes: &impl Readable<(u32, Id, Id), i64>, lane: Id) -> Result<Option<Id>, StoreError> {
    let mut range = lanes.scan((PRACTICE, lane, [0; 16])..=(PRACTICE, lane, [0xff; 16]))?;
    Ok(range.next().transpose()?.map(|(key, _)| key.value().2))
}

/// The clients whose order the note keeps.
fn lanes_of(note: &Note) -> BTreeSet<Id> {
    note.clients.iter().map(|client| client.0.into_bytes()).collect()
}

/// Whether it stands in its lanes. One that waits for a client to be linked may wait for weeks, and lets others pass.
fn is_open(note: &Note) -> bool {
    !matches!(note.state, NoteState::Done | NoteState::Dead) && !note.awaits_link()
}

/// The moment at which it is due, in milliseconds since 1970: rounded up, so that no note is taken up before its time.
fn due_key(note: &Note) -> Option<i64> {
    note.due_at.map(|time| time.as_millisecond() + i64::from(time.subsec_nanosecond() % 1_000_000 > 0))
}
