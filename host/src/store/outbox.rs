//! Events, their notes and the outbox.
//!
//! A lane is a household's open notes in the order of acceptance: only the first of each is ever due, so that notes
//! about a client arrive in order, many clients side by side. Records are JSON: few, and readable by later versions.

mod lanes;
mod tables;

use std::collections::HashMap;

use redb::{ReadTransaction, ReadableTable, WriteTransaction};
use uuid::Uuid;

pub(super) use self::tables::make_tables;
use self::tables::{BY_STATE, EVENTS, KEYS, NOTES};
use crate::domain::note::{Event, Note, NoteState};
use crate::domain::outbox::Call;
use crate::domain::{ConnectionName, NoteId, Timestamp};
use crate::store::book::{Page, PageRequest};
use crate::store::documents::{self, Document};
use crate::store::keys::PRACTICE;
use crate::store::{Store, StoreError};

/// An event with the note it became, to be kept under its sender's key.
#[derive(Clone, Debug)]
pub struct NewNote {
    /// The event.
    pub event: Event,
    /// Its note.
    pub note: Note,
    /// The sender's idempotency key.
    pub key: String,
    /// BLAKE3 of the event, by which the same event is known.
    pub digest: [u8; 32],
    /// Documents of the note that are not kept yet.
    pub documents: Vec<Document>,
}

/// What a key stands for.
#[derive(Clone, Debug)]
pub struct Keyed {
    /// BLAKE3 of the event that came with it first.
    pub digest: [u8; 32],
    /// That event's note as it stands.
    pub note: Note,
}

/// Why a connection's notes are not sent, and until when.
#[derive(Clone, Debug)]
pub struct Hold {
    /// When the next may be tried.
    pub until: Timestamp,
    /// The CRM's words.
    pub words: String,
}

impl Store {
    /// Keeps an event, its note and the note's documents, durably, unless its key stands for one already: that is answered then, and
    /// nothing is kept.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn accept_note(&self, new: NewNote) -> Result<Option<Keyed>, StoreError> {
        self.write(move |transaction| {
            let mut keys = transaction.open_table(KEYS)?;
            if let Some(known) = keys.get((PRACTICE, new.key.as_str()))?.map(|known| known.value()) {
                let notes = transaction.open_table(NOTES)?;
                return tables::keyed(known, &notes);
            }
            let id = new.note.id.0.into_bytes();
            keys.insert((PRACTICE, new.key.as_str()), (new.digest, id))?;
            new.documents.iter().try_for_each(|document| documents::put(transaction, document))?;
            let event = tables::encode(&new.event)?;
            transaction.open_table(EVENTS)?.insert((PRACTICE, new.note.event_id.0.into_bytes()), event.as_slice())?;
            lanes::put(transaction, None, &new.note)?;
            Ok(None)
        })
        .await
    }

    /// What an idempotency key stands for.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn keyed_note(&self, key: String) -> Result<Option<Keyed>, StoreError> {
        self.read(move |transaction| {
            let known = transaction.open_table(KEYS)?.get((PRACTICE, key.as_str()))?.map(|known| known.value());
            let notes = transaction.open_table(NOTES)?;
            known.map_or(Ok(None), |known| tables::keyed(known, &notes))
        })
        .await
    }

    /// One note.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn note(&self, id: NoteId) -> Result<Option<Note>, StoreError> {
        self.read(move |transaction| tables::note(&transaction.open_table(NOTES)?, id)).await
    }

    /// Notes, newest first, in one state or in any.
    ///
    /// # Errors
    /// Where the store fails or the cursor is not one of its own.
    pub async fn notes(&self, state: Option<NoteState>, page: PageRequest) -> Result<Page<Note>, StoreError> {
        let before = match &page.cursor {
            Some(cursor) => Uuid::try_parse(cursor).map_err(|_| StoreError::BadCursor)?.into_bytes(),
            None => [0xff; 16],
        };
        self.read(move |transaction| {
            let mut ids = newest_first(transaction, state, before, page.limit + 1)?;
            let next = (ids.len() > page.limit).then(|| ids.truncate(page.limit)).and(ids.last());
            let next = next.map(|id| id.0.simple().to_string());
            let notes = transaction.open_table(NOTES)?;
            let found = ids.into_iter().filter_map(|id| tables::note(&notes, id).transpose());
            Ok(Page { items: found.collect::<Result<_, _>>()?, next })
        })
        .await
    }

    /// Changes a note and answers it with what the change had to say. None where there is no such note.
    ///
    /// # Errors
    /// Where the store fails; nothing is changed then.
    pub async fn change_note<T: Send + 'static>(
        &self,
        id: NoteId,
        change: impl FnOnce(&mut Note) -> T + Send + 'static,
    ) -> Result<Option<(Note, T)>, StoreError> {
        self.write(move |transaction| {
            let Some(before) = tables::note(&transaction.open_table(NOTES)?, id)? else { return Ok(None) };
            let mut note = before.clone();
            let answer = change(&mut note);
            lanes::put(transaction, Some(&before), &note)?;
            Ok(Some((note, answer)))
        })
        .await
    }

    /// When the next note is due.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn next_note_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(lanes::next_due).await
    }

    /// Takes up at most `limit` notes that are due, the longest due first, each with the call it needs: stored as
    /// being sent before this answers. Those of a connection on hold are put off instead.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn take_due_notes(
        &self,
        now: Timestamp,
        limit: usize,
        holds: HashMap<ConnectionName, Hold>,
    ) -> Result<Vec<(Note, Call)>, StoreError> {
        self.write(move |transaction| {
            let mut taken = Vec::new();
            while taken.len() < limit
                && let Some(before) = lanes::first_due(transaction, now)?
            {
                let mut note = before.clone();
                if let Some(hold) = holds.get(&note.connection).filter(|hold| hold.until > now) {
                    note.hold(hold.until, &hold.words);
                    lanes::put(transaction, Some(&before), &note)?;
                } else {
                    let call = note.begin(now);
                    lanes::put(transaction, Some(&before), &note)?;
                    taken.push((note, call));
                }
            }
            Ok(taken)
        })
        .await
    }

    /// Takes up the notes that an earlier process was sending when it ended; answers how many.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn take_up_notes(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.write(move |transaction| {
            let sent = in_state(transaction, NoteState::Sending)?;
            for id in &sent {
                let Some(before) = tables::note(&transaction.open_table(NOTES)?, *id)? else { continue };
                let mut note = before.clone();
                note.take_up(now);
                lanes::put(transaction, Some(&before), &note)?;
            }
            Ok(sent.len())
        })
        .await
    }
}

fn newest_first(
    transaction: &ReadTransaction,
    state: Option<NoteState>,
    before: [u8; 16],
    limit: usize,
) -> Result<Vec<NoteId>, StoreError> {
    let id = |bytes| NoteId(Uuid::from_bytes(bytes));
    let Some(state) = state.map(tables::state_key) else {
        let notes = transaction.open_table(NOTES)?;
        let range = notes.range((PRACTICE, [0; 16])..(PRACTICE, before))?.rev().take(limit);
        return range.map(|entry| Ok(id(entry?.0.value().1))).collect();
    };
    let by_state = transaction.open_table(BY_STATE)?;
    let range = by_state.range((PRACTICE, state, [0; 16])..(PRACTICE, state, before))?.rev().take(limit);
    range.map(|entry| Ok(id(entry?.0.value().2))).collect()
}

fn in_state(transaction: &WriteTransaction, state: NoteState) -> Result<Vec<NoteId>, StoreError> {
    let (by_state, state) = (transaction.open_table(BY_STATE)?, tables::state_key(state));
    let range = by_state.range((PRACTICE, state, [0; 16])..=(PRACTICE, state, [0xff; 16]))?;
    range.map(|entry| Ok(NoteId(Uuid::from_bytes(entry?.0.value().2)))).collect()
}

#[cfg(test)]
mod tests;
