//! Data-quality warnings about the whole book, counted once at the end of a walk: links of couples that do not agree,
//! and addresses that several clients share. Each is told with the household or client it is about when that is read.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

use super::StoreError;
use super::engine::{Readable, Write};
use super::identity::Identity;
use super::index::{ContactSlot, contact_slot, naming_all, naming_pair, owner_of};
use crate::domain::RecordKind;
use crate::domain::household::{CONTESTED, NO_PRIMARY, ONE_SIDED, TWO_PRIMARY};
use crate::store::keys::{ConnectionNumber, ContactKey, ExternalKey, NamingKey, RecordKey, clients_of, record};
use crate::store::tables::{CONTACTS, IDENTITIES, IdentityRow, NAMING};

/// Somebody of the same household has the address too.
pub const SHARED_AT_HOME: &str = "shared-email";
/// Somebody of another household has the address too.
pub const SHARED_ELSEWHERE: &str = "shared-email-across-households";

type Counts = BTreeMap<String, u64>;

/// Households by the doubts about a connection's links, and clients by those about addresses.
pub(super) fn count(transaction: &Write, connection: ConnectionNumber) -> Result<Counts, StoreError> {
    let identities = transaction.open_table(IDENTITIES)?;
    let mut counts = Counts::new();
    count_links(&identities, &transaction.open_table(NAMING)?, connection, &mut counts)?;
    count_addresses(&identities, &transaction.open_table(CONTACTS)?, &mut counts)?;
    Ok(counts)
}

fn add(counts: &mut Counts, code: &str, n: u64) {
    if n > 0 {
        *counts.entry(code.to_owned()).or_default() += n;
    }
}

/// Goes through links and people side by side, both in the order of who is named.
fn count_links(
    identities: &impl Readable<&'static RecordKey, &'static IdentityRow>,
    naming: &impl Readable<&'static NamingKey, ()>,
    connection: ConnectionNumber,
    counts: &mut Counts,
) -> Result<(), StoreError> {
    let get = |id: ExternalKey| -> Result<Option<Identity>, StoreError> {
        let row = identities.get(&record(connection, RecordKind::Client, id))?;
        Ok(row.map(|row| Identity::from_row(row.value())).filter(|identity| identity.in_book))
    };
    let (first, last) = clients_of(connection);
    let mut people = identities.scan(&first..=&last)?;
    let mut reached: Option<(RecordKey, Identity)> = None;
    let mut named_before = None;
    let (first, last) = naming_all(connection);
    for link in naming.scan(&first..=&last)? {
        let (named, from) = naming_pair(link?.0.value());
        let is_first = named_before.replace(named) != Some(named);
        let wanted = record(connection, RecordKind::Client, named);
        while reached.as_ref().is_none_or(|(key, _)| *key < wanted) {
            let Some(entry) = people.next() else { break };
            let (key, row) = entry?;
            if *key.value() >= wanted {
                reached = Some((*key.value(), Identity::from_row(row.value())));
            }
        }
        let Some((_, person)) = reached.as_ref().filter(|(key, person)| *key == wanted && person.in_book) else {
            continue;
        };
        let other = match person.partner {
            Some(partner) if partner == from && from < named => continue,
            Some(partner) if partner == from => get(from)?,
            Some(partner) if partner != named && get(partner)?.is_some() => {
                add(counts, CONTESTED, 1);
                continue;
            }
            _ if !is_first => {
                add(counts, CONTESTED, 1);
                continue;
            }
            _ => {
                add(counts, ONE_SIDED, 1);
                get(from)?
            }
        };
        match other.map(|other| (person.is_partner, other.is_partner)) {
            Some((false, false)) => add(counts, TWO_PRIMARY, 1),
            Some((true, true)) => add(counts, NO_PRIMARY, 1),
            _ => {}
        }
    }
    Ok(())
}

/// Goes through the addresses that the CRM supplied; those of one address stand side by side.
fn count_addresses(
    identities: &impl Readable<&'static RecordKey, &'static IdentityRow>,
    contacts: &impl Readable<&'static ContactKey, ()>,
    counts: &mut Counts,
) -> Result<(), StoreError> {
    let (first, last) = contact_slot(ContactSlot::Email);
    let mut sharing: Vec<ContactKey> = Vec::new();
    let mut settle = |sharing: &mut Vec<ContactKey>| -> Result<(), StoreError> {
        if sharing.len() > 1 {
            let mut households: HashSet<Option<Uuid>> = HashSet::new();
            for key in sharing.iter() {
                let (connection, id) = owner_of(key);
                let row = identities.get(&record(connection, RecordKind::Client, id))?;
                households.insert(row.and_then(|row| Identity::from_row(row.value()).household));
            }
            let code = if households.len() == 1 { SHARED_AT_HOME } else { SHARED_ELSEWHERE };
            add(counts, code, sharing.len() as u64);
        }
        sharing.clear();
        Ok(())
    };
    for entry in contacts.scan(&first..=&last)? {
        let key = *entry?.0.value();
        if sharing.first().is_some_and(|known| known[..13] != key[..13]) {
            settle(&mut sharing)?;
        }
        sharing.push(key);
    }
    settle(&mut sharing)
}
