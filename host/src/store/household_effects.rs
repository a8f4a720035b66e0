//! The households that would join or part if people of a connection named other partners, or came into the book or left
//! it. Nothing is written. Serves `preview`.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::connection_numbers::number_of;
use super::engine::{ReadTable, Snapshot};
use super::identity::Identity;
use super::index::naming_span;
use super::keys::{ConnectionNumber, ExternalKey, NamingKey, OwnKey, RecordKey, own, record};
use super::rows::decode;
use super::tables::{HOUSEHOLDS, HouseholdRecord, IDENTITIES, IdentityRow, NAMING};
use super::{Store, StoreError};
use crate::domain::household::{Change, Links, affected};
use crate::domain::{ClientId, ConnectionName, ExternalId, RecordKind};

/// The most couples that are named.
const NAMED: usize = 50;

/// A person who would name another partner, or would come into the book or leave it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkChange {
    /// The person's id in the CRM.
    pub person: ExternalId,
    /// The partner whom the person names now.
    pub names: Option<ExternalId>,
    /// The partner whom the person would name.
    pub would_name: Option<ExternalId>,
    /// Whether the person is in the book.
    pub is_in_book: bool,
    /// Whether the person would be.
    pub would_be_in_book: bool,
}

/// The households that would join or part.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct HouseholdEffects {
    /// The number of couples who would come to share a household.
    pub joining: u64,
    /// The number of couples who would no longer share one.
    pub parting: u64,
    /// The first of those who would join.
    pub joining_couples: Vec<Couple>,
    /// The first of those who would part.
    pub parting_couples: Vec<Couple>,
}

/// Two people, by their ids in the practice; none for somebody who is not in the book yet.
pub type Couple = [Option<ClientId>; 2];

impl Store {
    /// The households that would join or part if all these people of a connection changed at once.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn household_effects(
        &self,
        connection: ConnectionName,
        changes: Vec<LinkChange>,
    ) -> Result<HouseholdEffects, StoreError> {
        self.read(move |transaction| {
            let Some(connection) = number_of(transaction, &connection)? else { return Ok(HouseholdEffects::default()) };
            let book = Book::open(transaction, connection, &changes)?;
            let changes: Vec<Change<ExternalKey>> = changes.iter().map(change).collect();
            book.effects(&changes)
        })
        .await
    }
}

fn change(change: &LinkChange) -> Change<ExternalKey> {
    let key = |id: &Option<ExternalId>| id.as_ref().map(ExternalKey::from);
    Change {
        person: ExternalKey::from(&change.person),
        named_before: key(&change.names),
        names_now: key(&change.would_name),
        came_or_left: change.is_in_book != change.would_be_in_book,
    }
}

/// The links of the people in the book as they would be.
struct Book {
    connection: ConnectionNumber,
    identities: ReadTable<&'static RecordKey, &'static IdentityRow>,
    naming: ReadTable<&'static NamingKey, ()>,
    households: ReadTable<&'static OwnKey, &'static [u8]>,
    /// What those who change would name; none for those who would not be in the book.
    changed: HashMap<ExternalKey, Option<Option<ExternalKey>>>,
    /// Those who change, by whom they would name.
    naming_anew: HashMap<ExternalKey, BTreeSet<ExternalKey>>,
}

impl Book {
    fn open(transaction: &Snapshot, connection: ConnectionNumber, changes: &[LinkChange]) -> Result<Self, StoreError> {
        let mut changed = HashMap::with_capacity(changes.len());
        let mut naming_anew: HashMap<_, BTreeSet<_>> = HashMap::new();
        for change in changes {
            let person = ExternalKey::from(&change.person);
            let named = change.would_name.as_ref().map(ExternalKey::from);
            changed.insert(person, change.would_be_in_book.then_some(named));
            if let Some(named) = named.filter(|named| change.would_be_in_book && *named != person) {
                naming_anew.entry(named).or_default().insert(person);
            }
        }
        Ok(Self {
            connection,
            identities: transaction.open_table(IDENTITIES)?,
            naming: transaction.open_table(NAMING)?,
            households: transaction.open_table(HOUSEHOLDS)?,
            changed,
            naming_anew,
        })
    }

    fn effects(&self, changes: &[Change<ExternalKey>]) -> Result<HouseholdEffects, StoreError> {
        let mut effects = HouseholdEffects::default();
        for (person, partner) in affected(self, changes)? {
            let mate = self.mate_of(person)?;
            if mate == partner {
                continue;
            }
            // Both of a couple are affected, and it counts once.
            if let Some(partner) = partner.filter(|partner| person < *partner) {
                effects.joining += 1;
                if effects.joining_couples.len() < NAMED {
                    effects.joining_couples.push([self.client(person)?, self.client(partner)?]);
                }
            }
            if let Some(mate) = mate.filter(|mate| person < *mate) {
                // Two who both leave the book leave it together.
                if self.named_by(person)?.is_none() && self.named_by(mate)?.is_none() {
                    continue;
                }
                effects.parting += 1;
                if effects.parting_couples.len() < NAMED {
                    effects.parting_couples.push([self.client(person)?, self.client(mate)?]);
                }
            }
        }
        Ok(effects)
    }

    fn identity(&self, person: ExternalKey) -> Result<Option<Identity>, StoreError> {
        let row = self.identities.get(&record(self.connection, RecordKind::Client, person))?;
        Ok(row.map(|row| Identity::from_row(row.value())))
    }

    fn client(&self, person: ExternalKey) -> Result<Option<ClientId>, StoreError> {
        Ok(self.identity(person)?.and_then(|identity| identity.client).map(ClientId))
    }

    fn members(&self, household: Option<Uuid>) -> Result<Vec<ExternalKey>, StoreError> {
        let Some(household) = household else { return Ok(Vec::new()) };
        let Some(stored) = self.households.get(&own(household))? else { return Ok(Vec::new()) };
        match decode(stored.value())? {
            HouseholdRecord::Of { members, .. } => Ok(members.into_iter().map(|(id, _)| ExternalKey(id)).collect()),
            HouseholdRecord::MergedInto(_) => Ok(Vec::new()),
        }
    }
}

impl Links for Book {
    type Person = ExternalKey;
    type Error = StoreError;

    fn named_by(&self, person: ExternalKey) -> Result<Option<Option<ExternalKey>>, StoreError> {
        if let Some(changed) = self.changed.get(&person) {
            return Ok(*changed);
        }
        let identity = self.identity(person)?;
        Ok(identity.filter(|identity| identity.in_book).map(|identity| identity.partner))
    }

    fn first_naming(&self, person: ExternalKey) -> Result<Option<ExternalKey>, StoreError> {
        Ok(self.all_naming(person)?.into_iter().next())
    }

    fn all_naming(&self, person: ExternalKey) -> Result<Vec<ExternalKey>, StoreError> {
        let mut naming = self.naming_anew.get(&person).cloned().unwrap_or_default();
        let (first, last) = naming_span(self.connection, person);
        for entry in self.naming.scan(&first..=&last)? {
            let mut id = [0; 16];
            id.copy_from_slice(&entry?.0.value()[22..]);
            if !self.changed.contains_key(&ExternalKey(id)) {
                naming.insert(ExternalKey(id));
            }
        }
        Ok(naming.into_iter().collect())
    }

    fn mate_of(&self, person: ExternalKey) -> Result<Option<ExternalKey>, StoreError> {
        let Some(identity) = self.identity(person)? else { return Ok(None) };
        let members = self.members(identity.household)?;
        let is_member = members.contains(&person);
        Ok(members.into_iter().find(|member| is_member && *member != person))
    }
}
