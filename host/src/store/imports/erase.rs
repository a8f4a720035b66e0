//! Blanking the rows of identity lists that are of a person who is erased.

use super::tables::{IMPORT_ROWS, get, put, put_row};
use crate::domain::import::{Applied, ImportRow};
use crate::domain::{ClientId, ConnectionName, ExternalId, ImportId};
use crate::store::StoreError;
use crate::store::engine::{Readable as _, Write};
use crate::store::keys::uuid_at_end;
use crate::store::rows::decode;

/// What rows may know a person by.
pub(in crate::store) struct Person<'p> {
    pub client: ClientId,
    pub email: Option<&'p str>,
    pub name: &'p str,
    pub record: (&'p ConnectionName, &'p ExternalId),
}

impl Person<'_> {
    fn is_of(&self, row: &ImportRow, list: &ConnectionName) -> bool {
        let is_linked = matches!(&row.applied, Some(Applied::Linked(client)) if *client == self.client);
        let has_email =
            self.email.is_some_and(|email| !email.is_empty() && row.email.trim().eq_ignore_ascii_case(email));
        let (connection, id) = self.record;
        is_linked
            || has_email
            || row.links() == Some(self.client)
            || (list == connection && row.external_id == id.as_str())
    }
}

/// Blanks the person's rows, and takes the person out of those of others; answers how many were blanked.
pub(in crate::store) fn blank(transaction: &Write, person: &Person<'_>) -> Result<u64, StoreError> {
    let mut rows: Vec<(ImportId, ImportRow)> = Vec::new();
    for entry in transaction.open_table(IMPORT_ROWS)?.scan(..)? {
        let (key, value) = entry?;
        rows.push((ImportId(uuid_at_end(&key.value()[..20])), decode(&value.value()[1..])?));
    }
    let mut blanked = 0;
    for (id, row) in rows {
        let Some(mut import) = get(transaction, id)? else { continue };
        let after = if person.is_of(&row, &import.connection) {
            blanked += 1;
            ImportRow::erased(row.number)
        } else if row.candidates.iter().any(|candidate| candidate.client_id == person.client) {
            let mut after = row.clone();
            after.candidates.retain(|candidate| candidate.client_id != person.client);
            after.reasons.retain(|reason| person.name.is_empty() || !reason.message.contains(person.name));
            after
        } else {
            continue;
        };
        import.counts.add(&row, -1);
        import.counts.add(&after, 1);
        put_row(&mut transaction.open_table(IMPORT_ROWS)?, id, &after)?;
        put(transaction, &import)?;
    }
    Ok(blanked)
}
