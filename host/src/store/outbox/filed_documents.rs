//! Filed documents, which went with notes: those of the newest note first, each note's in their order.

use uuid::Uuid;

use super::lists::{LOOKED_AT, NoteFilter, ids};
use super::tables::{self, NOTES};
use crate::domain::NoteId;
use crate::domain::note::{Attachment, Note};
use crate::store::documents::{self, DocumentFacts};
use crate::store::engine::Snapshot;
use crate::store::page::{Page, PageRequest, cursor_of};
use crate::store::{Store, StoreError};

/// The list's name, in its cursors.
const LIST: &str = "filed documents";

/// A document with the note that it goes with.
#[derive(Clone, Debug)]
pub struct NoteDocument {
    /// The document, as the note carries it.
    pub attachment: Attachment,
    /// The facts of the document, where it is kept.
    pub facts: Option<DocumentFacts>,
    /// The note.
    pub note: Note,
}

/// The document with which a page begins: the note's, and its place there. Those of earlier notes follow.
#[derive(Clone, Copy)]
struct Begin {
    note: Uuid,
    place: u32,
}

impl Begin {
    fn read(page: &PageRequest) -> Result<Option<Self>, StoreError> {
        let Some(key) = page.key(LIST)? else { return Ok(None) };
        let (note, place) = key.split_first_chunk::<16>().ok_or(StoreError::BadCursor)?;
        let place = <[u8; 4]>::try_from(place).map_err(|_| StoreError::BadCursor)?;
        Ok(Some(Self { note: Uuid::from_bytes(*note), place: u32::from_be_bytes(place) }))
    }

    fn cursor(self) -> String {
        cursor_of(LIST, &[self.note.as_bytes().as_slice(), &self.place.to_be_bytes()].concat())
    }
}

impl Store {
    /// Documents of the filter's notes.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn note_documents(
        &self,
        filter: NoteFilter,
        page: PageRequest,
    ) -> Result<Page<NoteDocument>, StoreError> {
        let begin = Begin::read(&page)?;
        self.read(move |transaction| list(transaction, &filter, begin, page.limit())).await
    }
}

fn list(
    transaction: &Snapshot,
    filter: &NoteFilter,
    begin: Option<Begin>,
    limit: usize,
) -> Result<Page<NoteDocument>, StoreError> {
    let notes = transaction.open_table(NOTES)?;
    let mut items = Vec::new();
    let before = begin.map_or([0xff; 16], |begin| begin.note.as_u128().saturating_add(1).to_be_bytes());
    for (looked_at, id) in ids(transaction, filter, before)?.enumerate() {
        let id = Uuid::from_bytes(id?);
        if looked_at == LOOKED_AT {
            return Ok(Page { items, next: Some(Begin { note: id, place: 0 }.cursor()) });
        }
        let Some(note) = tables::note(&notes, NoteId(id))?.filter(|note| filter.admits(note)) else { continue };
        let first = begin.filter(|begin| begin.note == id).map_or(0, |begin| begin.place);
        for (place, attachment) in (0..).zip(&note.attachments).filter(|(place, _)| *place >= first) {
            if items.len() == limit {
                return Ok(Page { items, next: Some(Begin { note: id, place }.cursor()) });
            }
            let facts = documents::facts(transaction, attachment.document)?;
            items.push(NoteDocument { attachment: attachment.clone(), facts, note: note.clone() });
        }
    }
    Ok(Page { items, next: None })
}
