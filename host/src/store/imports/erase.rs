//! Blanking the rows of identity lists that are of a person who is erased.

use super::tables::{IMPORT_ROWS, get, put, put_row, row_key};
use crate::domain::import::{Applied, ImportRow};
use crate::domain::{ClientId, ConnectionName, ExternalId, ImportId};
use crate::store::StoreError;
use crate::store::engine::{Readable as _, Write};
use crate::store::keys::uuid_at_end;
use crate::store::rows::decode;
use crate::store::subject::Subject;
use crate::store::subject_keys;

/// What rows may know a person by.
#[derive(Clone, Copy)]
pub struct Person<'p> {
    /// The client; none where a record is no client here.
    pub client: Option<ClientId>,
    /// The email, where it is none that the host made up.
    pub email: Option<&'p str>,
    /// The whole name; empty where it is not known.
    pub name: &'p str,
    /// The record in a CRM.
    pub record: (&'p ConnectionName, &'p ExternalId),
}

impl Person<'_> {
    /// Whether a row of a list for a connection is of the person.
    pub fn is_of(&self, row: &ImportRow, list: &ConnectionName) -> bool {
        // Two people may have one address: whom the row is linked to says more.
        if let Some(client) = client_of(row) {
            return Some(client) == self.client;
        }
        let (connection, id) = self.record;
        let has_email =
            self.email.is_some_and(|email| !email.is_empty() && row.email.trim().eq_ignore_ascii_case(email));
        has_email || (list == connection && row.external_id == id.as_str())
    }
}

/// The client whom a row was or would be linked to.
fn client_of(row: &ImportRow) -> Option<ClientId> {
    match &row.applied {
        Some(Applied::Linked(client)) => Some(*client),
        _ => row.links(),
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
        } else if row.candidates.iter().any(|candidate| Some(candidate.client_id) == person.client) {
            let mut after = row.clone();
            after.candidates.retain(|candidate| Some(candidate.client_id) != person.client);
            after.reasons.retain(|reason| person.name.is_empty() || !reason.message.contains(person.name));
            after
        } else {
            continue;
        };
        import.counts.add(&row, -1);
        import.counts.add(&after, 1);
        subject_keys::forget(transaction, [Subject::listed_row(&row_key(id, row.number))])?;
        put_row(&mut transaction.open_table(IMPORT_ROWS)?, id, &after)?;
        put(transaction, &import)?;
    }
    Ok(blanked)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::import::{Candidate, Decision, RowStatus};

    #[test]
    fn a_row_of_another_client_is_not_the_persons_whatever_its_email_says() {
        let [ayda, bo] = [1, 2].map(|id| ClientId(Uuid::from_u128(id)));
        let main: ConnectionName = "main".parse().unwrap();
        let person = Person {
            client: Some(ayda),
            email: Some("both@example.com"),
            name: "Ayda Khan",
            record: (&main, &ExternalId("7".to_owned())),
        };
        let candidate =
            |client_id| Candidate { client_id, name: "A client".to_owned(), is_same_name: true, linked_to: None };
        let row = |status, first, decision, applied| ImportRow {
            email: "Both@example.com ".to_owned(),
            external_id: "7".to_owned(),
            status,
            candidates: vec![candidate(first)],
            decision,
            applied,
            ..ImportRow::erased(2)
        };
        let link = |client| Some(Decision::Link(client));
        for (row, expected) in [
            (row(RowStatus::Ready, ayda, None, None), true),
            (row(RowStatus::Ready, bo, None, None), false),
            (row(RowStatus::NeedsDecision, bo, None, None), true),
            (row(RowStatus::NeedsDecision, ayda, link(bo), None), false),
            (row(RowStatus::NeedsDecision, bo, link(ayda), None), true),
            (row(RowStatus::Ready, ayda, None, Some(Applied::Linked(bo))), false),
            (row(RowStatus::Ready, bo, None, Some(Applied::Linked(ayda))), true),
            (row(RowStatus::CannotBeImported, bo, None, None), true),
        ] {
            assert_eq!(person.is_of(&row, &main), expected, "{row:?}");
        }
    }
}
