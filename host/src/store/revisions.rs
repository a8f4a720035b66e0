//! Pack revisions that were in force here: the whole digest that each short id in rows stands for.

use super::engine::{Readable as _, Table, Write};
use super::keys::PRACTICE;
use super::{Store, StoreError};
use crate::domain::RevisionDigest;

/// Whole digests by their short ids.
const REVISIONS: Table<(u32, &str), &[u8]> = Table::new("revisions");

pub(super) fn make_tables(transaction: &Write) -> Result<(), StoreError> {
    transaction.open_table(REVISIONS)?;
    Ok(())
}

impl Store {
    /// Keeps that a revision is in force here. False where its short id stands for another one already, so that rows could
    /// not tell the two apart.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_revision(&self, digest: RevisionDigest) -> Result<bool, StoreError> {
        // In any case: without it a host that starts on a full disk has no connection, and no accepted note goes out.
        self.write_in_any_case(move |transaction| {
            let mut revisions = transaction.open_table(REVISIONS)?;
            let short = digest.short().to_string();
            let known = revisions.get((PRACTICE, short.as_str()))?.map(|known| known.value() == digest.0);
            if known.is_none() {
                revisions.put((PRACTICE, short.as_str()), digest.0.as_slice())?;
            }
            Ok(known.unwrap_or(true))
        })
        .await
    }
}
