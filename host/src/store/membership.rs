//! Household membership: who was in which household before. After a separation, a death or a new partner, what is kept
//! with a household is still found from everybody who was in it.
//!
//! The household that somebody is in now stands in their identity; only the ones before are kept here.

use std::collections::HashSet;

use uuid::Uuid;

use super::engine::{Readable, Write};
use super::rows::decode;
use super::tables::{HOUSEHOLDS, HouseholdRecord, MEMBERSHIPS};
use super::{Store, StoreError};
use crate::domain::stored::{Household, Membership, StoredClient};
use crate::domain::{ClientId, HouseholdId, Timestamp};
use crate::store::keys::{MembershipKey, PRACTICE, join, own, span, uuid_at_end};

const BY_CLIENT: u8 = 1;
const BY_HOUSEHOLD: u8 = 2;

/// Notes that clients left households at a moment.
pub(super) fn note(
    transaction: &Write,
    left: impl IntoIterator<Item = (Uuid, Uuid)>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut left = left.into_iter().peekable();
    if left.peek().is_none() {
        return Ok(());
    }
    let mut table = transaction.open_table(MEMBERSHIPS)?;
    let until = u64::try_from(at.as_millisecond()).unwrap_or_default().to_be_bytes();
    for (client, household) in left {
        for (side, one, other) in [(BY_CLIENT, client, household), (BY_HOUSEHOLD, household, client)] {
            let key: MembershipKey = join([&PRACTICE.to_be_bytes(), &[side], one.as_bytes(), &until, other.as_bytes()]);
            table.put(&key, ())?;
        }
    }
    Ok(())
}

/// Households that a client was in before, the earliest first.
fn homes_of(
    table: &impl Readable<&'static MembershipKey, ()>,
    side: u8,
    one: Uuid,
) -> Result<Vec<(Uuid, Timestamp)>, StoreError> {
    let prefix: [u8; 21] = join([&PRACTICE.to_be_bytes(), &[side], one.as_bytes()]);
    let (first, last) = span::<{ size_of::<MembershipKey>() }>(&prefix);
    let mut found = Vec::new();
    for entry in table.scan(&first..=&last)? {
        let key = *entry?.0.value();
        let mut until = [0; 8];
        until.copy_from_slice(&key[21..29]);
        let until = i64::try_from(u64::from_be_bytes(until)).unwrap_or_default();
        found.push((uuid_at_end(&key), Timestamp::from_millisecond(until).unwrap_or(Timestamp::UNIX_EPOCH)));
    }
    Ok(found)
}

/// Forgets the households that a client was in before.
pub(super) fn forget(transaction: &Write, client: ClientId) -> Result<(), StoreError> {
    let mut table = transaction.open_table(MEMBERSHIPS)?;
    for (household, until) in homes_of(&table, BY_CLIENT, client.0)? {
        let until = u64::try_from(until.as_millisecond()).unwrap_or_default().to_be_bytes();
        for (side, one, other) in [(BY_CLIENT, client.0, household), (BY_HOUSEHOLD, household, client.0)] {
            table.delete(&join([&PRACTICE.to_be_bytes(), &[side], one.as_bytes(), &until, other.as_bytes()]))?;
        }
    }
    Ok(())
}

/// The households that a client is or was in.
pub(super) fn been_in(
    transaction: &Write,
    client: ClientId,
    now: Option<HouseholdId>,
) -> Result<HashSet<HouseholdId>, StoreError> {
    let before = homes_of(&transaction.open_table(MEMBERSHIPS)?, BY_CLIENT, client.0)?;
    Ok(before.into_iter().map(|(household, _)| HouseholdId(household)).chain(now).collect())
}

/// Those of some households that nobody is in or ever was in, as far as it is kept.
pub(super) fn without_others(
    transaction: &Write,
    households: &HashSet<HouseholdId>,
) -> Result<HashSet<HouseholdId>, StoreError> {
    let (memberships, records) = (transaction.open_table(MEMBERSHIPS)?, transaction.open_table(HOUSEHOLDS)?);
    let mut alone = HashSet::new();
    for household in households {
        let record = records.get(&own(household.0))?.map(|row| decode::<HouseholdRecord>(row.value())).transpose()?;
        let is_lived_in = matches!(record, Some(HouseholdRecord::Of { members, .. }) if !members.is_empty());
        if !is_lived_in && left(&memberships, *household)?.is_empty() {
            alone.insert(*household);
        }
    }
    Ok(alone)
}

/// Everybody who ever left a household, the earliest first.
pub(super) fn left(
    table: &impl Readable<&'static MembershipKey, ()>,
    household: HouseholdId,
) -> Result<Vec<ClientId>, StoreError> {
    Ok(homes_of(table, BY_HOUSEHOLD, household.0)?.into_iter().map(|(client, _)| ClientId(client)).collect())
}

impl Store {
    /// The households that a client has been in, the earliest first; the last is where it is now.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn stays_of(&self, client: ClientId) -> Result<Vec<Membership>, StoreError> {
        let now = self.client(client).await?.map(|stored| stored.household_id);
        self.read(move |transaction| {
            let before = homes_of(&transaction.open_table(MEMBERSHIPS)?, BY_CLIENT, client.0)?;
            let mut stays: Vec<Membership> = before
                .into_iter()
                .map(|(id, until)| Membership { client_id: client, household_id: HouseholdId(id), until: Some(until) })
                .collect();
            stays.extend(now.map(|household_id| Membership { client_id: client, household_id, until: None }));
            Ok(stays)
        })
        .await
    }

    /// The clients who were in a household before and are not now, each once with the moment until which they were, the
    /// latest to leave first.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn former_members(
        &self,
        household: &Household,
    ) -> Result<Vec<(StoredClient, Option<Timestamp>)>, StoreError> {
        let mut known: Vec<ClientId> = household.members.iter().map(|member| member.client_id).collect();
        let mut former = Vec::new();
        for stay in self.stays_in(household.id).await? {
            if !known.contains(&stay.client_id) {
                known.push(stay.client_id);
                former.extend(self.client(stay.client_id).await?.map(|client| (client, stay.until)));
            }
        }
        Ok(former)
    }

    /// The memberships of clients who were in a household before, the latest to leave first; who is in it now may be
    /// among them, having come back.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn stays_in(&self, household: HouseholdId) -> Result<Vec<Membership>, StoreError> {
        self.read(move |transaction| {
            let before = homes_of(&transaction.open_table(MEMBERSHIPS)?, BY_HOUSEHOLD, household.0)?;
            let stay =
                |(id, until)| Membership { client_id: ClientId(id), household_id: household, until: Some(until) };
            Ok(before.into_iter().rev().map(stay).collect())
        })
        .await
    }
}
