//! The index of access: by whom a household is seen, in the order of households.

use std::collections::BTreeSet;

use super::{AccessRow, Party};
use crate::domain::{HouseholdId, Timestamp};
use crate::store::StoreError;
use crate::store::engine::{Readable, Table, Write};
use crate::store::keys::{ExternalKey, PRACTICE, join, span, uuid_at_end};
use crate::store::visitor::{Visitor, Whose};

/// `practice · kind of party · party · household`: the moment at which it ends, in milliseconds since 1970, or 0, or
/// [`PROFESSIONAL`].
pub(super) const ACCESS_OF: Table<&AccessKey, u64> = Table::new("household-access-of");

/// The key of one entry.
pub(super) type AccessKey = [u8; 4 + PARTY + 16];
/// The bytes of a party: its kind, and a connection and an id there, or an account and nothing.
const PARTY: usize = 1 + 2 + 16;

/// The value of a professional's entry, which ends with the role by which the person can answer for a household.
pub(super) const PROFESSIONAL: u64 = u64::MAX;

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(ACCESS_OF, Whose::Nobodys)
}

/// Replaces the entries of what was in force by those of what is.
pub(super) fn replace(
    transaction: &Write,
    household: HouseholdId,
    before: Option<&AccessRow>,
    after: Option<&AccessRow>,
) -> Result<(), StoreError> {
    let entries = |row: Option<&AccessRow>| row.map(|row| entries(household, row)).unwrap_or_default();
    let (before, after) = (entries(before), entries(after));
    let mut table = transaction.open_table(ACCESS_OF)?;
    for (key, _) in before.iter().filter(|(key, _)| after.iter().all(|(kept, _)| kept != key)) {
        table.delete(key)?;
    }
    for (key, ends) in after.iter().filter(|entry| !before.contains(entry)) {
        table.put(key, *ends)?;
    }
    Ok(())
}

/// The households in which one of these is named, as a professional or as staff.
pub(super) fn named_in(
    access_of: &impl Readable<&'static AccessKey, u64>,
    parties: &[Party],
) -> Result<BTreeSet<HouseholdId>, StoreError> {
    let mut households = BTreeSet::new();
    for party in parties {
        for_each_of(access_of, party, |household, _| {
            households.insert(household);
        })?;
    }
    Ok(households)
}

/// The households that one of these is a professional of.
pub(super) fn answered_for<'p>(
    access_of: &impl Readable<&'static AccessKey, u64>,
    parties: impl IntoIterator<Item = &'p Party>,
) -> Result<BTreeSet<HouseholdId>, StoreError> {
    let mut households = BTreeSet::new();
    for party in parties {
        for_each_of(access_of, party, |household, ends| {
            if ends == PROFESSIONAL {
                households.insert(household);
            }
        })?;
    }
    Ok(households)
}

/// Takes each household in which one is named, with the value of its entry.
pub(super) fn for_each_of(
    access_of: &impl Readable<&'static AccessKey, u64>,
    party: &Party,
    mut take: impl FnMut(HouseholdId, u64),
) -> Result<(), StoreError> {
    let prefix: [u8; 4 + PARTY] = join([&PRACTICE.to_be_bytes(), &bytes(party)]);
    let (first, last) = span::<{ size_of::<AccessKey>() }>(&prefix);
    for entry in access_of.scan(&first..=&last)? {
        let (key, ends) = entry?;
        take(HouseholdId(uuid_at_end(key.value())), ends.value());
    }
    Ok(())
}

/// The entries of a row, one a party: where one has access twice, the one that ends last.
fn entries(household: HouseholdId, row: &AccessRow) -> Vec<(AccessKey, u64)> {
    let professionals = [Some(&row.primary), row.secondary.as_ref()].into_iter().flatten();
    let professionals = professionals.map(|party| (party.clone(), PROFESSIONAL));
    let staff = row.staff.iter().map(|staff| (Party::Account(staff.user), staff.expires_at.map_or(0, millis)));
    let mut entries: Vec<(AccessKey, u64)> = Vec::with_capacity(2 + row.staff.len());
    for (party, ends) in professionals.chain(staff) {
        let key = join([&PRACTICE.to_be_bytes(), &bytes(&party), household.0.as_bytes()]);
        match entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) if *known == 0 || ends == 0 => *known = 0,
            Some((_, known)) => *known = ends.max(*known),
            None => entries.push((key, ends)),
        }
    }
    entries
}

fn bytes(party: &Party) -> [u8; PARTY] {
    match party {
        Party::Account(user) => join([&[1], user.0.as_bytes(), &[0, 0]]),
        Party::OfCrm(connection, id) => join([&[2], &connection.0.to_be_bytes(), &ExternalKey::from(id).0]),
        Party::FirstAdviser => join([&[3], &[0; 18]]),
    }
}

/// Milliseconds since 1970, at least 1: 0 is no end.
pub(super) fn millis(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_millisecond()).unwrap_or_default().max(1)
}
