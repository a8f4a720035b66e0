//! The outbox's tables, and how their records are written.

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::Keyed;
use crate::domain::note::{Awaits, Note, NoteState};
use crate::domain::{ConnectionName, NoteId};
use crate::store::engine::{self, Readable, Snapshot, Table, Write};
use crate::store::keys::PRACTICE;
use crate::store::visitor::{At, Visitor, Whose};
use crate::store::{StoreError, documents};

/// A record's own id.
pub(super) type Id = [u8; 16];

/// Events by id.
pub(super) const EVENTS: Table<(u32, Id), &[u8]> = Table::new("events");
/// Notes by id, which is by the time of acceptance.
pub(super) const NOTES: Table<(u32, Id), &[u8]> = Table::new("notes");
/// Idempotency keys: the event's digest and its note.
pub(super) const KEYS: Table<(u32, &str), ([u8; 32], Id)> = Table::new("event-keys");
/// Notes by state.
pub(super) const BY_STATE: Table<(u32, u8, Id), ()> = Table::new("notes-by-state");
/// Notes by household and by client: whose history they are in.
pub(super) const BY_OWNER: Table<(u32, Id, Id), ()> = Table::new("notes-by-owner");
/// Notes by the CRM's id of them.
pub(super) const BY_DOCUMENT: Table<(u32, &str, Id), ()> = Table::new("notes-by-document");
/// Notes that are done and looked for in the CRM again.
pub(super) const LOOKED_FOR: Table<(u32, Id), ()> = Table::new("notes-looked-for");
/// Notes that are raised for a person, by [`Raised`].
pub(super) const RAISED: Table<(u32, u8, Id), ()> = Table::new("notes-raised");
/// Notes that wait for a client to be linked to the CRM.
pub(super) const AWAITING_LINK: Table<(u32, Id), ()> = Table::new("notes-awaiting-link");
/// Open notes by lane: when each is due, in milliseconds since 1970.
pub(super) const LANES: Table<(u32, Id, Id), i64> = Table::new("note-lanes");
/// Notes that are the first of all their lanes, by connection and when they are due.
pub(super) const DUE: Table<(u32, &str, i64, Id), ()> = Table::new("notes-due");

/// Notes that were an erased client's, too.
pub(super) const SHARED_BEFORE: Table<(u32, Id), ()> = Table::new("notes-shared-before");
/// The latest event, by household and type.
pub(super) const LATEST: Table<(u32, Id, &str), &[u8]> = Table::new("latest-events");

/// Goes through all notes.
pub(in crate::store) fn for_each_note(snapshot: &Snapshot, mut take: impl FnMut(Note)) -> Result<(), StoreError> {
    for entry in snapshot.open_table(NOTES)?.scan(..)? {
        take(decode(entry?.1.value())?);
    }
    Ok(())
}

/// Whether an event or a note has the id.
pub(in crate::store) fn has_id(transaction: &Write, id: Uuid) -> Result<bool, StoreError> {
    let key = (PRACTICE, id.into_bytes());
    Ok(transaction.open_table(EVENTS)?.get(key)?.is_some() || transaction.open_table(NOTES)?.get(key)?.is_some())
}

/// Goes through the tables.
pub(in crate::store) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(EVENTS, Whose::OfEvent(At::Key(4)))?;
    visitor.table(NOTES, Whose::OfNote(At::Key(4)))?;
    visitor.table(KEYS, Whose::OfNote(At::Value(32)))?;
    visitor.table(BY_STATE, Whose::OfNote(At::Key(5)))?;
    visitor.table(BY_OWNER, Whose::OfNote(At::Key(20)))?;
    visitor.table(BY_DOCUMENT, Whose::OfNote(At::KeyEnd))?;
    visitor.table(LOOKED_FOR, Whose::OfNote(At::Key(4)))?;
    visitor.table(RAISED, Whose::OfNote(At::Key(5)))?;
    visitor.table(AWAITING_LINK, Whose::OfNote(At::Key(4)))?;
    visitor.table(LANES, Whose::OfNote(At::Key(20)))?;
    visitor.table(DUE, Whose::OfNote(At::KeyEnd))?;
    // Made anew of the events: a row of one person's event may be of another's when they are erased.
    visitor.table(LATEST, Whose::NotCopied)?;
    visitor.table(SHARED_BEFORE, Whose::OfNote(At::Key(4)))
}

/// The reason why a note is raised; the numbers stand in keys, never to be renumbered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Raised {
    /// The note is done, and the CRM does not list it.
    Missing = 1,
    /// The note is done, and the CRM has it more than once.
    Twice = 2,
    /// The note waits for a person to say whom it is filed against.
    Refiling = 3,
    /// The note is dead, and nobody gave it up.
    Undelivered = 4,
}

impl Raised {
    /// The reason why a note is raised, if it is.
    pub(super) fn of(note: &Note) -> Option<Self> {
        match (note.state, note.awaits) {
            (NoteState::Dead, _) => (!note.discarded).then_some(Self::Undelivered),
            (NoteState::Done, _) if note.is_missing() => Some(Self::Missing),
            (NoteState::Done, _) => note.is_raised().then_some(Self::Twice),
            (_, Some(Awaits::Refiling)) => Some(Self::Refiling),
            _ => None,
        }
    }
}

/// Fills the list of raised notes where a store of an earlier version has none.
pub(in crate::store) fn raise_known(transaction: &Write) -> Result<(), StoreError> {
    let is_there = transaction.has_table(RAISED)?;
    let mut raised = transaction.open_table(RAISED)?;
    if is_there {
        return Ok(());
    }
    let notes = transaction.open_table(NOTES)?;
    let (looked_for, by_state) = (transaction.open_table(LOOKED_FOR)?, transaction.open_table(BY_STATE)?);
    let looked_for = looked_for.scan((PRACTICE, [0; 16])..=(PRACTICE, [0xff; 16]))?;
    let dead = state_key(NoteState::Dead);
    let dead = by_state.scan((PRACTICE, dead, [0; 16])..=(PRACTICE, dead, [0xff; 16]))?;
    let dead = dead.map(|entry| Ok::<Id, engine::Error>(entry?.0.value().2));
    for id in looked_for.map(|entry| Ok(entry?.0.value().1)).chain(dead) {
        let id = id?;
        if let Some(why) = note(&notes, NoteId(Uuid::from_bytes(id)))?.as_ref().and_then(Raised::of) {
            raised.put((PRACTICE, why as u8, id), ())?;
        }
    }
    Ok(())
}

/// A state as it stands in keys; never to be renumbered.
pub(super) fn state_key(state: NoteState) -> u8 {
    match state {
        NoteState::Queued => 1,
        NoteState::Sending => 2,
        NoteState::Waiting => 3,
        NoteState::Done => 4,
        NoteState::Dead => 5,
    }
}

/// A record's bytes.
pub(super) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(record).map_err(|error| StoreError::Unwritable { what: "a note", source: error.into() })
}

/// A note by its id.
pub(super) fn note(notes: &impl Readable<(u32, Id), &'static [u8]>, id: NoteId) -> Result<Option<Note>, StoreError> {
    notes.get((PRACTICE, id.0.into_bytes()))?.map(|bytes| decode(bytes.value())).transpose()
}

/// Keeps of all notes which documents went with them.
pub(in crate::store) fn know_documents(transaction: &Write) -> Result<(), StoreError> {
    let notes = transaction.open_table(NOTES)?;
    for entry in notes.scan((PRACTICE, [0; 16])..=(PRACTICE, [0xff; 16]))? {
        let note: Note = decode(entry?.1.value())?;
        note.attachments
            .iter()
            .try_for_each(|attached| documents::went_with(transaction, attached.document, note.id))?;
    }
    Ok(())
}

/// Whether there is a note of a connection. Notes are read one by one until there is: for what seldom happens.
pub(in crate::store) fn has_notes_of(transaction: &Write, connection: &ConnectionName) -> Result<bool, StoreError> {
    for entry in transaction.open_table(NOTES)?.scan((PRACTICE, [0; 16])..=(PRACTICE, [0xff; 16]))? {
        if decode::<Note>(entry?.1.value())?.connection == *connection {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The event and note that a key stands for.
pub(super) fn keyed(
    (digest, id): ([u8; 32], Id),
    notes: &impl Readable<(u32, Id), &'static [u8]>,
) -> Result<Option<Keyed>, StoreError> {
    Ok(note(notes, NoteId(Uuid::from_bytes(id)))?.map(|note| Keyed { digest, note }))
}

/// A record from its bytes.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| StoreError::unreadable_json("a note", &error))
}
