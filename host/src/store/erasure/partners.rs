//! The others whose records name a person. What they have is theirs, and an erasure of the person leaves it.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::domain::privacy::Naming;
use crate::domain::{ClientId, HouseholdId, RecordKind, with_listed};
use crate::store::StoreError;
use crate::store::commit::practice::find;
use crate::store::engine::{Readable as _, Write};
use crate::store::identity::Identity;
use crate::store::index::{naming_pair, naming_span};
use crate::store::keys::{ConnectionNumber, ExternalKey, ListKey, own, record, span};
use crate::store::rows::decode;
use crate::store::rows::listed::StoredItem;
use crate::store::tables::{HOUSEHOLDS, HouseholdRecord, IDENTITIES, ListRecord, NAMING};

/// Those who name a client as partner, or share the household, as long as the client is in the book; in the order of their ids.
/// `place` is the client's record in the CRM.
pub(super) fn naming(
    transaction: &Write,
    client: ClientId,
    household: Option<HouseholdId>,
    place: (ConnectionNumber, ExternalKey),
) -> Result<Vec<Naming>, StoreError> {
    let mut others: BTreeMap<Uuid, bool> = BTreeMap::new();
    if let Some(household) = household {
        others.extend(members(transaction, household)?.into_iter().map(|member| (member, false)));
    }
    for other in naming_as_partner(transaction, place)? {
        others.insert(other, true);
    }
    others.remove(&client.0);
    let mut naming = Vec::with_capacity(others.len());
    for (other, as_partner) in others {
        let mut items = 0;
        for kind in RecordKind::LISTED {
            with_listed!(*kind, Item => { items += of_partner::<Item>(transaction, other)?; });
        }
        if as_partner || items > 0 {
            naming.push(Naming { client: ClientId(other), as_partner, items });
        }
    }
    Ok(naming)
}

fn naming_as_partner(
    transaction: &Write,
    (connection, id): (ConnectionNumber, ExternalKey),
) -> Result<Vec<Uuid>, StoreError> {
    let (first, last) = naming_span(connection, id);
    let (table, identities) = (transaction.open_table(NAMING)?, transaction.open_table(IDENTITIES)?);
    let mut found = Vec::new();
    for entry in table.scan(&first..=&last)? {
        let (_, from) = naming_pair(entry?.0.value());
        let identity = identities.get(&record(connection, RecordKind::Client, from))?;
        found.extend(identity.and_then(|row| Identity::from_row(row.value()).client));
    }
    Ok(found)
}

/// Those who are in the household now; its row still names those who went elsewhere last.
fn members(transaction: &Write, household: HouseholdId) -> Result<Vec<Uuid>, StoreError> {
    let row = transaction.open_table(HOUSEHOLDS)?.get(&own(household.0))?.map(|row| decode(row.value())).transpose()?;
    let Some(HouseholdRecord::Of { members, .. }) = row else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for (_, member) in members {
        let identity = find(transaction, ClientId(member))?.map(|(_, identity)| identity);
        if identity.is_some_and(|identity| identity.in_book && identity.household == Some(household.0)) {
            found.push(member);
        }
    }
    Ok(found)
}

/// The number of a client's goals or covers that the partner owns, alone or jointly.
fn of_partner<T: StoredItem>(transaction: &Write, client: Uuid) -> Result<u64, StoreError> {
    let (first, last) = span::<{ size_of::<ListKey>() }>(&own(client));
    let mut count = 0;
    for entry in transaction.open_table(T::LISTS)?.scan(&first..=&last)? {
        let list: ListRecord<T> = decode(entry?.1.value())?;
        count += list.items.iter().filter(|item| item.value.is_of_partner()).count() as u64;
    }
    Ok(count)
}
