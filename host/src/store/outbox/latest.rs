//! A household's latest event of each type: what its documents tell of.

use super::tables::{self, EVENTS, LATEST};
use crate::domain::HouseholdId;
use crate::domain::note::Event;
use crate::store::engine::{Readable, Write};
use crate::store::keys::{PRACTICE, own};
use crate::store::tables::CLIENTS;
use crate::store::{Store, StoreError};

/// Keeps the event as the latest of its type, unless a later one is known.
pub(super) fn note(transaction: &Write, event: &Event) -> Result<(), StoreError> {
    let mut latest = transaction.open_table(LATEST)?;
    let key = (PRACTICE, event.household_id.0.into_bytes(), event.event_type.as_str());
    let known: Option<Event> = latest.get(key)?.map(|known| tables::decode(known.value())).transpose()?;
    if known.is_none_or(|known| known.occurred_at <= event.occurred_at) {
        latest.put(key, tables::encode(event)?.as_slice())?;
    }
    Ok(())
}

/// Makes the latest events anew of those events for which `is_of` holds, such as of all in a store that was put back from a backup.
/// Those of clients who are gone are none.
pub(in crate::store) fn make_anew(transaction: &Write, is_of: impl Fn(&Event) -> bool) -> Result<(), StoreError> {
    let clients = transaction.open_table(CLIENTS)?;
    for entry in transaction.open_table(EVENTS)?.scan(..)? {
        let event: Event = tables::decode(entry?.1.value())?;
        if !is_of(&event) {
            continue;
        }
        let is_gone = match event.client_id {
            Some(client) => clients.get(&own(client.0))?.is_none(),
            None => false,
        };
        if !is_gone {
            note(transaction, &event)?;
        }
    }
    Ok(())
}

impl Store {
    /// The latest event of a type that happened in a household.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn latest_event(&self, household: HouseholdId, event_type: &str) -> Result<Option<Event>, StoreError> {
        let event_type = event_type.to_owned();
        self.read(move |transaction| {
            let key = (PRACTICE, household.0.into_bytes(), event_type.as_str());
            let found = transaction.open_table(LATEST)?.get(key)?;
            found.map(|found| tables::decode(found.value())).transpose()
        })
        .await
    }
}
