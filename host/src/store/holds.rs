//! Legal holds on clients and households: while one is on, nobody under it is erased.

use jiff::Timestamp;
use uuid::Uuid;

use super::engine::{Readable, Table, Write};
use super::keys::{OwnKey, PRACTICE, own, span};
use super::{Store, StoreError};
use crate::domain::privacy::{HeldSubject, LegalHold};
use crate::domain::{ClientId, HouseholdId};

/// Holds by the client or household: [`LegalHold`] as JSON.
const HOLDS: Table<&OwnKey, &[u8]> = Table::new("legal-holds");

/// Makes the table.
pub(super) fn make_tables(transaction: &Write) -> Result<(), StoreError> {
    transaction.open_table(HOLDS)?;
    Ok(())
}

fn id_of(subject: HeldSubject) -> Uuid {
    match subject {
        HeldSubject::Client(ClientId(id)) | HeldSubject::Household(HouseholdId(id)) => id,
    }
}

fn read(table: &impl Readable<&'static OwnKey, &'static [u8]>, id: Uuid) -> Result<Option<LegalHold>, StoreError> {
    table.get(&own(id))?.map(|row| decode(row.value())).transpose()
}

fn decode(row: &[u8]) -> Result<LegalHold, StoreError> {
    serde_json::from_slice(row).map_err(|error| StoreError::unreadable_json("a legal hold", &error))
}

/// The hold that keeps a client from being erased at a moment: the client's own, or that of the household.
pub(super) fn of_client(
    transaction: &Write,
    client: ClientId,
    household: Option<HouseholdId>,
    now: Timestamp,
) -> Result<Option<LegalHold>, StoreError> {
    let table = transaction.open_table(HOLDS)?;
    for id in [Some(client.0), household.map(|household| household.0)].into_iter().flatten() {
        if let Some(hold) = read(&table, id)?.filter(|hold| hold.is_on(now)) {
            return Ok(Some(hold));
        }
    }
    Ok(None)
}

/// Forgets the holds, which are over, of a client and of households.
pub(super) fn forget(transaction: &Write, of: impl IntoIterator<Item = Uuid>) -> Result<(), StoreError> {
    let mut table = transaction.open_table(HOLDS)?;
    for id in of {
        table.delete(&own(id))?;
    }
    Ok(())
}

impl Store {
    /// Puts a hold on, in place of one that is on its subject already.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn put_hold(&self, hold: LegalHold) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let row = serde_json::to_vec(&hold)
                .map_err(|error| StoreError::Unwritable { what: "a legal hold", source: error.into() })?;
            Ok(transaction.open_table(HOLDS)?.put(&own(id_of(hold.subject)), row.as_slice())?)
        })
        .await
    }

    /// Takes a hold off; answers whether there was one.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn end_hold(&self, subject: HeldSubject) -> Result<bool, StoreError> {
        self.write_in_any_case(move |transaction| Ok(transaction.open_table(HOLDS)?.delete(&own(id_of(subject)))?))
            .await
    }

    /// The hold on a client or household, whether it has ended or not.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn hold(&self, subject: HeldSubject) -> Result<Option<LegalHold>, StoreError> {
        self.read(move |transaction| read(&transaction.open_table(HOLDS)?, id_of(subject))).await
    }

    /// All holds, in the order of their subjects' ids.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        self.read(|transaction| {
            let (first, last) = span::<{ size_of::<OwnKey>() }>(&PRACTICE.to_be_bytes());
            let range = transaction.open_table(HOLDS)?.scan(&first..=&last)?;
            range.map(|entry| decode(entry?.1.value())).collect()
        })
        .await
    }
}
