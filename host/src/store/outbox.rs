//! Events, notes and their delivery.

use crate::domain::NoteId;
use crate::domain::note::{Note, NoteState};
use crate::store::book::{Page, PageRequest};
use crate::store::{Store, StoreError};

impl Store {
    /// One note.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn note(&self, _id: NoteId) -> Result<Option<Note>, StoreError> {
        todo!()
    }

    /// Notes, newest first, in one state or in any.
    ///
    /// # Errors
    /// Where the store fails or the cursor is not one of its own.
    pub async fn notes(&self, _state: Option<NoteState>, _page: PageRequest) -> Result<Page<Note>, StoreError> {
        todo!()
    }
}
