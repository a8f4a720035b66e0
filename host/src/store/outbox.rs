//! Events, their notes and the outbox.
//!
//! A lane is a client's open notes in the order of acceptance. A note goes out when it is the first in the lanes of all
//! whom it is filed against, so that notes about a client arrive in order, many clients side by side. Records are JSON:
//! few, and readable by later versions.

mod due;
mod erase;
mod filed_documents;
mod lanes;
pub(super) mod latest;
mod links;
mod lists;
mod restored;
mod tables;

pub use self::due::{Hold, Pick};
pub(super) use self::erase::{erase, is_sending};
pub use self::filed_documents::NoteDocument;
pub use self::lists::NoteFilter;
pub(super) use self::restored::look_for_unsent;
pub use self::tables::Raised;
use self::tables::{EVENTS, KEYS, NOTES, SHARED_BEFORE};
pub(super) use self::tables::{for_each_note, has_id, has_notes_of, know_documents, raise_known, visit};
use super::engine::{Readable as _, Write};
use crate::domain::note::{Event, Note, NoteState};
use crate::domain::{ClientId, EventId, NoteId};
use crate::store::documents::{self as kept, Document};
use crate::store::keys::{PRACTICE, own};
use crate::store::tables::CLIENTS;
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

/// The event and note that a key stands for.
#[derive(Clone, Debug)]
pub struct Keyed {
    /// BLAKE3 of the event that came with it first.
    pub digest: [u8; 32],
    /// The note of that event, as it is now.
    pub note: Note,
}

/// Somebody whom a note was written from is not there any more; nothing was kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MissingClient(pub ClientId);

/// Keeps what is new, unless its key stands for a note already: that is answered then. Nothing is kept of somebody who is gone.
fn keep_once(
    transaction: &Write,
    new: &NewNote,
    who_is_gone: impl FnOnce() -> Result<Option<MissingClient>, StoreError>,
) -> Result<Result<Option<Keyed>, MissingClient>, StoreError> {
    let known = transaction.open_table(KEYS)?.get((PRACTICE, new.key.as_str()))?.map(|known| known.value());
    if let Some(known) = known {
        return Ok(Ok(tables::keyed(known, &transaction.open_table(NOTES)?)?));
    }
    if let Some(gone) = who_is_gone()? {
        return Ok(Err(gone));
    }
    keep(transaction, new)?;
    Ok(Ok(None))
}

/// Keeps an event, its note and the note's documents.
fn keep(transaction: &Write, new: &NewNote) -> Result<(), StoreError> {
    let id = new.note.id.0.into_bytes();
    transaction.open_table(KEYS)?.put((PRACTICE, new.key.as_str()), (new.digest, id))?;
    for document in &new.documents {
        kept::put(transaction, document)?;
    }
    new.note.attachments.iter().try_for_each(|attached| kept::claim(transaction, attached.document, new.note.id))?;
    latest::note(transaction, &new.event)?;
    let event = tables::encode(&new.event)?;
    transaction.open_table(EVENTS)?.put((PRACTICE, new.note.event_id.0.into_bytes()), event.as_slice())?;
    lanes::put(transaction, None, &new.note)
}

impl Store {
    /// Keeps an event, its note and the note's documents, durably, unless its key stands for one already: that is
    /// answered then, and nothing is kept. `people` are those whom the note was written from.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn accept_note_of(
        &self,
        new: NewNote,
        people: Vec<ClientId>,
    ) -> Result<Result<Option<Keyed>, MissingClient>, StoreError> {
        self.write(move |transaction| {
            keep_once(transaction, &new, || {
                let clients = transaction.open_table(CLIENTS)?;
                for client in people.iter().chain(&new.note.clients).chain(&new.event.client_id) {
                    if clients.get(&own(client.0))?.is_none() {
                        return Ok(Some(MissingClient(*client)));
                    }
                }
                Ok(None)
            })
        })
        .await
    }

    /// The same, for tests whose clients are made up.
    #[cfg(test)]
    pub async fn accept_note(&self, new: NewNote) -> Result<Option<Keyed>, StoreError> {
        let kept = self.write(move |transaction| keep_once(transaction, &new, || Ok(None))).await?;
        Ok(kept.unwrap_or_default())
    }

    /// Whether a note was somebody else's too, who was erased since.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn was_shared_with_erased(&self, id: NoteId) -> Result<bool, StoreError> {
        self.read(move |transaction| {
            Ok(transaction.open_table(SHARED_BEFORE)?.get((PRACTICE, id.0.into_bytes()))?.is_some())
        })
        .await
    }

    /// The event and note that an idempotency key stands for.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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
    /// Returns an error if the store fails.
    pub async fn note(&self, id: NoteId) -> Result<Option<Note>, StoreError> {
        self.read(move |transaction| tables::note(&transaction.open_table(NOTES)?, id)).await
    }

    /// The event that a note renders.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.read(move |transaction| {
            let stored = transaction.open_table(EVENTS)?.get((PRACTICE, id.0.into_bytes()))?;
            stored.map(|stored| tables::decode(stored.value())).transpose()
        })
        .await
    }

    /// The number of notes in each state but done.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn open_notes(&self) -> Result<Vec<(NoteState, u64)>, StoreError> {
        self.read(|transaction| {
            let by_state = transaction.open_table(tables::BY_STATE)?;
            let open = [NoteState::Queued, NoteState::Sending, NoteState::Waiting, NoteState::Dead];
            let count = |state| {
                let key = tables::state_key(state);
                let range = by_state.scan((PRACTICE, key, [0; 16])..=(PRACTICE, key, [0xff; 16]))?;
                Ok((state, range.count() as u64))
            };
            open.into_iter().map(count).collect()
        })
        .await
    }

    /// Changes a note and answers it with what the change had to say. None where there is no such note.
    ///
    /// # Errors
    /// Returns an error if the store fails; nothing is changed then.
    pub async fn change_note<T: Send + 'static>(
        &self,
        id: NoteId,
        change: impl FnOnce(&mut Note) -> T + Send + 'static,
    ) -> Result<Option<(Note, T)>, StoreError> {
        self.write_in_any_case(move |transaction| {
            let Some(before) = tables::note(&transaction.open_table(NOTES)?, id)? else { return Ok(None) };
            let mut note = before.clone();
            let answer = change(&mut note);
            lanes::put(transaction, Some(&before), &note)?;
            Ok(Some((note, answer)))
        })
        .await
    }
}
