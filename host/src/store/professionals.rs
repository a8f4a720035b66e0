//! Professionals who answer for a household where a person has said so. Serves `app`, which knows who does where nobody
//! has.

use super::engine::{Table, Write};
use crate::domain::{ExternalId, HouseholdId, Timestamp};
use crate::store::keys::PRACTICE;
use crate::store::rows::{decode, encode};
use crate::store::{Store, StoreError};

/// A professional whom a person chose, by household.
const PROFESSIONALS: Table<(u32, [u8; 16]), &[u8]> = Table::new("professionals");

/// A person's choice of the professional who answers for a household.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChosenProfessional {
    /// The professional's id in the CRM of the household's connection.
    pub external_id: ExternalId,
    /// The person who chose.
    pub chosen_by: String,
    /// The moment of the choice.
    pub chosen_at: Timestamp,
}

super::rows::rows! { ChosenProfessional { 0: external_id, 1: chosen_by, 2: chosen_at } }

/// Makes the table.
pub(super) fn make_tables(transaction: &Write) -> Result<(), StoreError> {
    transaction.open_table(PROFESSIONALS)?;
    Ok(())
}

impl Store {
    /// The professional whom a person chose for a household; none where nobody has.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn chosen_professional(&self, id: HouseholdId) -> Result<Option<ChosenProfessional>, StoreError> {
        self.read(move |transaction| {
            let chosen = transaction.open_table(PROFESSIONALS)?.get((PRACTICE, id.0.into_bytes()))?;
            chosen.map(|chosen| decode(chosen.value())).transpose()
        })
        .await
    }

    /// Keeps a choice; with none, the household has the CRM's adviser again.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn choose_professional(
        &self,
        id: HouseholdId,
        chosen: Option<ChosenProfessional>,
    ) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let mut professionals = transaction.open_table(PROFESSIONALS)?;
            let key = (PRACTICE, id.0.into_bytes());
            match chosen {
                Some(chosen) => professionals.put(key, encode(&chosen)?.as_slice())?,
                None => drop(professionals.delete(key)?),
            }
            Ok(())
        })
        .await
    }
}
