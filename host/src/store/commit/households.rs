//! Settling the households that a group disturbs.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::super::index::naming_span;
use super::super::rows::{decode, encode};
use super::super::tables::{BookCounts, HOUSEHOLDS, HouseholdRecord, NAMING};
use super::super::{StoreError, holds, household_access, membership};
use super::pending::Pending;
use crate::domain::HouseholdId;
use crate::domain::household::{Affected, Change, Links, Place, affected, assign as assign_groups};
use crate::store::engine::{Readable, Write, WriteTable};
use crate::store::keys::{ExternalKey, NamingKey, OwnKey, own};

/// Gives everybody whom the changes disturb the household that the links of the book ask for.
pub(super) fn settle(
    transaction: &Write,
    rows: &mut Pending<'_>,
    changes: &[Change<ExternalKey>],
    tallies: &mut BookCounts,
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut households = transaction.open_table(HOUSEHOLDS)?;
    let naming = transaction.open_table(NAMING)?;
    let book = Book { rows, naming: &naming, households: &households };
    let affected = affected(&book, changes)?;
    let lived_in = lived_in(&book, &affected, changes)?;
    let settled = assign_groups(&groups(&book, &affected)?, || HouseholdId(rows.new_id()));
    tallies.households = tallies.households + settled.households.len() as u64 - lived_in;
    let mut left: Vec<(Uuid, Uuid)> = Vec::new();
    let mut parted: Vec<(HouseholdId, HouseholdId)> = Vec::new();
    let mut went: Vec<(HouseholdId, HouseholdId)> = Vec::new();
    let mut settled_in: Vec<HouseholdId> = Vec::with_capacity(settled.households.len());
    let merged = settled.merged.clone();
    let mut came: HashSet<ExternalKey> = HashSet::new();
    for change in changes.iter().filter(|change| change.came_or_left) {
        match rows.get(change.person)? {
            Some(identity) if identity.in_book => {
                came.insert(change.person);
            }
            Some(identity) => left.extend(identity.client.zip(identity.household)),
            None => {}
        }
    }
    let mut writes: HashMap<OwnKey, HouseholdRecord> = HashMap::new();
    for (from, to) in settled.merged {
        writes.insert(own(from.0), HouseholdRecord::MergedInto(to.0));
    }
    for (household, people) in settled.households {
        let mut members = Vec::with_capacity(people.len());
        for person in people {
            let Some(mut identity) = rows.get(person)? else { continue };
            members.push((person.0, identity.client.unwrap_or_default()));
            if identity.household != Some(household.0) {
                // Who comes back has left that one long ago.
                left.extend(identity.client.zip(identity.household).filter(|_| !came.contains(&person)));
                let from = identity.household.filter(|_| !came.contains(&person));
                parted.extend(from.map(|from| (HouseholdId(from), household)));
                went.extend(identity.household.map(|from| (HouseholdId(from), household)));
                identity.household = Some(household.0);
                rows.set(person, identity);
            }
        }
        settled_in.push(household);
        writes.insert(own(household.0), HouseholdRecord::Of { connection: rows.connection, members });
    }
    membership::note(transaction, left, rows.at)?;
    let mut encoded = Vec::with_capacity(writes.len());
    for (key, record) in &writes {
        encoded.push((*key, encode(record)?));
    }
    encoded.sort_unstable_by_key(|(key, _)| *key);
    households.put_sorted(encoded.iter().map(|(key, record)| (key, record.as_slice())))?;
    drop((households, naming));
    // A hold goes with the people whom it keeps, those who come back after a while included.
    for (from, to) in went {
        holds::spread(transaction, from, to, rows.at)?;
    }
    for (from, to) in parted {
        household_access::take_over(transaction, from, to)?;
    }
    household_access::propose(transaction, settled_in)?;
    for (from, to) in merged {
        household_access::join(transaction, from, to, rows.at)?;
        holds::move_to(transaction, from, to, rows.at)?;
    }
    Ok(())
}

/// Whether somebody in the book shares a household.
pub(super) fn has_mate(transaction: &Write, rows: &Pending<'_>, person: ExternalKey) -> Result<bool, StoreError> {
    let households = transaction.open_table(HOUSEHOLDS)?;
    let naming = transaction.open_table(NAMING)?;
    Ok(Book { rows, naming: &naming, households: &households }.mate_of(person)?.is_some())
}

/// The number of households that the affected people, those of them who were in the book before the changes, lived in.
fn lived_in(
    book: &Book<'_, '_>,
    affected: &Affected<ExternalKey>,
    changes: &[Change<ExternalKey>],
) -> Result<u64, StoreError> {
    let came_or_left = changes.iter().filter(|change| change.came_or_left).map(|change| change.person);
    let came_or_left: HashSet<ExternalKey> = came_or_left.collect();
    let mut households = HashSet::new();
    for person in affected.keys() {
        let Some(identity) = book.rows.get(*person)? else { continue };
        if identity.in_book != came_or_left.contains(person) {
            households.extend(identity.household);
        }
    }
    Ok(households.len() as u64)
}

/// The groups of people who are to live together, of all who are affected.
fn groups(book: &Book<'_, '_>, affected: &Affected<ExternalKey>) -> Result<Vec<Vec<Place<ExternalKey>>>, StoreError> {
    let mut groups = Vec::with_capacity(affected.len());
    for (person, partner) in affected {
        // A couple of whom both are affected is taken once.
        if partner.is_some_and(|partner| partner < *person && affected.contains_key(&partner)) {
            continue;
        }
        let mut group = Vec::with_capacity(2);
        group.extend(book.place(*person)?);
        if let Some(partner) = partner {
            group.extend(book.place(*partner)?);
        }
        if !group.is_empty() {
            groups.push(group);
        }
    }
    Ok(groups)
}

/// The links of the people in the book, as the group has them so far.
struct Book<'b, 't> {
    rows: &'b Pending<'t>,
    naming: &'b WriteTable<'t, &'static NamingKey, ()>,
    households: &'b WriteTable<'t, &'static OwnKey, &'static [u8]>,
}

impl Book<'_, '_> {
    /// The place of a person in their household; none for somebody who is not in the book.
    fn place(&self, person: ExternalKey) -> Result<Option<Place<ExternalKey>>, StoreError> {
        let Some(identity) = self.rows.get(person)?.filter(|identity| identity.in_book) else { return Ok(None) };
        let members = self.members(identity.household)?;
        let household = identity.household.filter(|_| members.contains(&person)).map(HouseholdId);
        Ok(Some(Place { person, is_partner: identity.is_partner, household }))
    }

    fn members(&self, household: Option<Uuid>) -> Result<Vec<ExternalKey>, StoreError> {
        let Some(household) = household else { return Ok(Vec::new()) };
        let Some(record) = self.households.get(&own(household))? else { return Ok(Vec::new()) };
        match decode(record.value())? {
            HouseholdRecord::Of { members, .. } => Ok(members.into_iter().map(|(id, _)| ExternalKey(id)).collect()),
            HouseholdRecord::MergedInto(_) => Ok(Vec::new()),
        }
    }

    fn naming(&self, person: ExternalKey) -> Result<impl Iterator<Item = Result<ExternalKey, StoreError>>, StoreError> {
        let (first, last) = naming_span(self.rows.connection, person);
        Ok(self.naming.scan(&first..=&last)?.map(|entry| {
            let mut id = [0; 16];
            id.copy_from_slice(&entry?.0.value()[22..]);
            Ok(ExternalKey(id))
        }))
    }
}

impl Links for Book<'_, '_> {
    type Person = ExternalKey;
    type Error = StoreError;

    fn named_by(&self, person: ExternalKey) -> Result<Option<Option<ExternalKey>>, StoreError> {
        let identity = self.rows.get(person)?;
        Ok(identity.filter(|identity| identity.in_book).map(|identity| identity.partner))
    }

    fn first_naming(&self, person: ExternalKey) -> Result<Option<ExternalKey>, StoreError> {
        self.naming(person)?.next().transpose()
    }

    fn all_naming(&self, person: ExternalKey) -> Result<Vec<ExternalKey>, StoreError> {
        self.naming(person)?.collect()
    }

    fn mate_of(&self, person: ExternalKey) -> Result<Option<ExternalKey>, StoreError> {
        let Some(identity) = self.rows.get(person)? else { return Ok(None) };
        let members = self.members(identity.household)?;
        let is_member = members.contains(&person);
        Ok(members.into_iter().find(|member| is_member && *member != person))
    }
}
