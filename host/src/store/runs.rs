//! Runs: their records, and where an unfinished walk goes on.

use crate::domain::run::Run;
use crate::domain::{ConnectionName, RunId};
use crate::store::book::{Page, PageRequest};
use crate::store::{Store, StoreError};

impl Store {
    /// One run.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn run(&self, _id: RunId) -> Result<Option<Run>, StoreError> {
        todo!()
    }

    /// Runs, newest first, of one connection or of all.
    ///
    /// # Errors
    /// Where the store fails or the cursor is not one of its own.
    pub async fn runs(&self, _of: Option<ConnectionName>, _page: PageRequest) -> Result<Page<Run>, StoreError> {
        todo!()
    }
}
