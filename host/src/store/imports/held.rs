//! Rows of identity lists that a legal hold keeps: those of the people who are under it.

use super::erase::Person;
use super::tables::{IMPORT_ROWS, get, rows_of};
use crate::domain::import::ImportRow;
use crate::domain::privacy::{HeldSubject, LegalHold};
use crate::domain::{ClientId, ConnectionName, ImportId, Timestamp};
use crate::store::connection_numbers::connection_names;
use crate::store::engine::{Readable as _, Write};
use crate::store::keys::own;
use crate::store::rows::decode;
use crate::store::tables::{CLIENTS, ClientRecord, HOUSEHOLDS, HouseholdRecord};
use crate::store::{StoreError, holds};

/// A row that a legal hold keeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HeldRow {
    /// The number of the row in its list.
    pub number: u32,
    /// The hold.
    pub hold: LegalHold,
}

/// Somebody who is under a hold.
struct Held {
    hold: LegalHold,
    client: ClientId,
    record: ClientRecord,
}

/// The first row of a list that is of somebody under a hold, or may be.
pub(super) fn first_held(transaction: &Write, id: ImportId, now: Timestamp) -> Result<Option<HeldRow>, StoreError> {
    let people = people(transaction, now)?;
    let Some(import) = get(transaction, id)?.filter(|_| !people.is_empty()) else { return Ok(None) };
    let (names, practice) = (connection_names(transaction)?, ConnectionName::practice());
    for entry in rows_of(&transaction.open_table(IMPORT_ROWS)?, id, 0)? {
        let row: ImportRow = decode(&entry?.1.value()[1..])?;
        for Held { hold, client, record } in &people {
            let known = &record.client;
            let email = known.email.as_ref().filter(|_| !known.email_is_placeholder);
            let person = Person {
                client: Some(*client),
                email: email.map(|email| email.as_str()),
                name: "",
                record: (names.get(&record.connection).unwrap_or(&practice), &known.external_id),
            };
            let may_be = row.candidates.iter().any(|candidate| candidate.client_id == *client);
            if may_be || person.is_of(&row, &import.connection) {
                return Ok(Some(HeldRow { number: row.number, hold: hold.clone() }));
            }
        }
    }
    Ok(None)
}

/// Whoever is under a hold that is on.
fn people(transaction: &Write, now: Timestamp) -> Result<Vec<Held>, StoreError> {
    let (clients, households) = (transaction.open_table(CLIENTS)?, transaction.open_table(HOUSEHOLDS)?);
    let mut people = Vec::new();
    for hold in holds::all(transaction, now)? {
        let ids = match hold.subject {
            HeldSubject::Client(id) => vec![id],
            HeldSubject::Household(id) => {
                match households.get(&own(id.0))?.map(|row| decode(row.value())).transpose()? {
                    Some(HouseholdRecord::Of { members, .. }) => {
                        members.into_iter().map(|(_, id)| ClientId(id)).collect()
                    }
                    Some(HouseholdRecord::MergedInto(_)) | None => Vec::new(),
                }
            }
        };
        for client in ids {
            if let Some(row) = clients.get(&own(client.0))? {
                people.push(Held { hold: hold.clone(), client, record: decode(row.value())? });
            }
        }
    }
    Ok(people)
}
