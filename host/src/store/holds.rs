//! Legal holds on clients and households: while one is on, nobody under it is erased.

use crate::store::visitor::{Visitor, Whose};
use jiff::Timestamp;
use uuid::Uuid;

use super::engine::{Readable, Table, Write};
use super::household_access::resolved;
use super::keys::{OwnKey, PRACTICE, own, span};
use super::subject::Subject;
use super::subject_keys;
use super::tables::{CLIENTS, HOUSEHOLDS};
use super::{Store, StoreError};
use crate::domain::privacy::{HeldSubject, LegalHold};
use crate::domain::{ClientId, HouseholdId};

/// Holds by the client or household: [`LegalHold`] as JSON.
const HOLDS: Table<&OwnKey, &[u8]> = Table::new("legal-holds");

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(HOLDS, Whose::OfRow(Subject::hold))
}

fn read(table: &impl Readable<&'static OwnKey, &'static [u8]>, id: Uuid) -> Result<Option<LegalHold>, StoreError> {
    table.get(&own(id))?.map(|row| decode(row.value())).transpose()
}

fn encode(hold: &LegalHold) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(hold).map_err(|error| StoreError::Unwritable { what: "a legal hold", source: error.into() })
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
    // Somebody who is out of the book may have been so when the household was joined to another, which has its hold since.
    let households = transaction.open_table(HOUSEHOLDS)?;
    let now_in = household.map(|household| resolved(&households, household)).transpose()?.flatten();
    let table = transaction.open_table(HOLDS)?;
    let ids = [Some(client.0), household.map(|household| household.0), now_in.map(|household| household.0)];
    for id in ids.into_iter().flatten() {
        if let Some(hold) = read(&table, id)?.filter(|hold| hold.is_on(now)) {
            return Ok(Some(hold));
        }
    }
    Ok(None)
}

/// The holds that are on at a moment.
pub(super) fn all(transaction: &Write, now: Timestamp) -> Result<Vec<LegalHold>, StoreError> {
    let mut holds = every(&transaction.open_table(HOLDS)?)?;
    holds.retain(|hold| hold.is_on(now));
    Ok(holds)
}

/// All holds, those that are over too, in the order of their subjects' ids.
fn every(table: &impl Readable<&'static OwnKey, &'static [u8]>) -> Result<Vec<LegalHold>, StoreError> {
    let (first, last) = span::<{ size_of::<OwnKey>() }>(&PRACTICE.to_be_bytes());
    table.scan(&first..=&last)?.map(|entry| decode(entry?.1.value())).collect()
}

/// Places the hold of a household on another one, too, to which its people go; where both have one, the one that ends later
/// stays.
pub(super) fn spread(
    transaction: &Write,
    from: HouseholdId,
    to: HouseholdId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut table = transaction.open_table(HOLDS)?;
    let Some(hold) = read(&table, from.0)?.filter(|hold| hold.is_on(now) && from != to) else { return Ok(()) };
    if read(&table, to.0)?.is_some_and(|known| !known.ends_before(hold.until)) {
        return Ok(());
    }
    let hold = LegalHold { subject: HeldSubject::Household(to), ..hold };
    Ok(table.put(&own(to.0), encode(&hold)?.as_slice())?)
}

/// Moves the hold of a household that was joined to another one there.
pub(super) fn move_to(
    transaction: &Write,
    from: HouseholdId,
    to: HouseholdId,
    now: Timestamp,
) -> Result<(), StoreError> {
    spread(transaction, from, to, now)?;
    remove(transaction, from.0).map(drop)
}

/// Forgets the holds, those that are over, of a client and of households. A backup may have one that the store does not have: what
/// opens it there goes in any case.
pub(super) fn forget(
    transaction: &Write,
    of: impl IntoIterator<Item = Uuid>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for id in of {
        let is_over = read(&transaction.open_table(HOLDS)?, id)?.is_none_or(|hold| !hold.is_on(now));
        if is_over && !remove(transaction, id)? {
            subject_keys::forget(transaction, [Subject::hold(&own(id))])?;
        }
    }
    Ok(())
}

/// Removes the hold of a client or household, from backups, too; answers whether there was one.
fn remove(transaction: &Write, id: Uuid) -> Result<bool, StoreError> {
    let key = own(id);
    let was_there = transaction.open_table(HOLDS)?.delete(&key)?;
    if was_there {
        subject_keys::forget(transaction, [Subject::hold(&key)])?;
    }
    Ok(was_there)
}

impl Store {
    /// Places a hold; answers whether the client or household is there. It takes the place of `over`, as that was seen: where another
    /// one is on by now, or one at all, that is answered and nothing is changed.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn put_hold(
        &self,
        hold: LegalHold,
        over: Option<LegalHold>,
    ) -> Result<Result<bool, LegalHold>, StoreError> {
        self.write_in_any_case_unless_refused(move |transaction| {
            let is_there = match hold.subject {
                HeldSubject::Client(id) => transaction.open_table(CLIENTS)?.get(&own(id.0))?.is_some(),
                HeldSubject::Household(id) => resolved(&transaction.open_table(HOUSEHOLDS)?, id)? == Some(id),
            };
            if !is_there {
                return Ok(Ok(false));
            }
            let (mut table, key) = (transaction.open_table(HOLDS)?, own(hold.subject.id()));
            let known = read(&table, hold.subject.id())?.filter(|known| known.is_on(hold.since));
            if let Some(other) = known.filter(|known| over.as_ref() != Some(known)) {
                return Ok(Err(other));
            }
            table.put(&key, encode(&hold)?.as_slice())?;
            Ok(Ok(true))
        })
        .await
    }

    /// Releases a hold; answers whether there was one. Where `seen` names the moment since which it is on, no other one is released.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn end_hold(
        &self,
        subject: HeldSubject,
        seen: Option<Timestamp>,
    ) -> Result<Result<bool, LegalHold>, StoreError> {
        self.write_in_any_case_unless_refused(move |transaction| {
            let known = read(&transaction.open_table(HOLDS)?, subject.id())?;
            match known.filter(|known| seen.is_some_and(|seen| known.since != seen)) {
                Some(other) => Ok(Err(other)),
                None => remove(transaction, subject.id()).map(Ok),
            }
        })
        .await
    }

    /// The hold on a client or household, whether it has ended or not.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn hold(&self, subject: HeldSubject) -> Result<Option<LegalHold>, StoreError> {
        self.read(move |transaction| read(&transaction.open_table(HOLDS)?, subject.id())).await
    }

    /// All holds, in the order of their subjects' ids.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        self.read(|transaction| every(&transaction.open_table(HOLDS)?)).await
    }
}
