//! Sites that the ids of each connection are of: client 1259 of one site is not client 1259 of another.
//!
//! A connection is bound to its site by what it imported. Where it leads to another, nothing is read or written by it
//! until a person says that the two are one site under two names. Nor is it where another connection brought the site's
//! records already, until a person says that the two are apart: everybody would come a second time. Rows stay when a
//! connection is removed, so that neither its name nor its site is used again unnoticed. Records are JSON: few, and
//! readable by later versions.

use crate::store::visitor::{Visitor, Whose};
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::connection_numbers::name_of_connection;
use super::connections::{self, By, StoredConnection};
use super::engine::{Readable, Snapshot, Table, Write};
use super::keys::{ConnectionNumber, PRACTICE, RecordKey, join, span};
use super::tables::{CONNECTIONS, IDENTITIES, WALKS};
use super::{Store, StoreError, outbox, walks};
use crate::domain::ConnectionName;

/// Sites by the connection's name.
const SITES: Table<(u32, &str), &[u8]> = Table::new("connection-sites");

/// A CRM's site: where ids mean the same.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Site {
    /// The CRM's name.
    pub crm: String,
    /// Its host, as the settings checked it: in lower case, without a dot at the end.
    pub host: String,
}

/// The site of a connection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KnownSite {
    /// The site.
    pub site: Site,
    /// The site under the name that it was known by before, and who said that it is the same.
    pub same_as: Option<(Site, By)>,
    /// The person who said that it is apart from other connections that bring records of the same site.
    #[serde(default)]
    pub apart: Option<By>,
}

/// The reason why a connection may not lead to a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Conflict {
    /// The connection's ids are of another site, this one.
    Other(Site),
    /// Another connection, this one, brought records of the site already.
    Taken(ConnectionName),
}

/// Goes through the tables.
pub(super) fn visit<V: Visitor>(visitor: &mut V) -> Result<(), V::Error> {
    visitor.table(SITES, Whose::Nobodys)
}

/// Makes the table, and binds connections that a version made which did not know of sites: to the host that is kept with
/// them, of removed ones too.
pub(super) fn know_sites(transaction: &Write) -> Result<(), StoreError> {
    let mut sites = transaction.open_table(SITES)?;
    for StoredConnection { name, crm, forward_host: host, .. } in connections::all(transaction)? {
        if sites.get((PRACTICE, name.as_str()))?.is_none() {
            let known = KnownSite { site: Site { crm, host }, same_as: None, apart: None };
            sites.put((PRACTICE, name.as_str()), connections::written(&known)?.as_slice())?;
        }
    }
    Ok(())
}

impl Store {
    /// The site that a connection's ids are of; none before it was at work for the first time.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn site(&self, of: ConnectionName) -> Result<Option<KnownSite>, StoreError> {
        self.read(move |transaction| {
            let table = transaction.open_table(SITES)?;
            table.get((PRACTICE, of.as_str()))?.map(|row| connections::read(row.value())).transpose()
        })
        .await
    }

    /// Binds a connection to a site. Where that may not be, because it or another connection has brought something, nothing
    /// is changed.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn bind_site(&self, of: ConnectionName, site: Site) -> Result<Option<Conflict>, StoreError> {
        self.write_in_any_case(move |transaction| bind(transaction, &of, site)).await
    }

    /// The same as [`Store::bind_site`], on the thread that calls: for a host that is being opened.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub fn bind_site_at_opening(&self, of: &ConnectionName, site: Site) -> Result<Option<Conflict>, StoreError> {
        let transaction = self.engine.write()?;
        let conflict = bind(&transaction, of, site)?;
        transaction.commit()?;
        Ok(conflict)
    }

    /// The site that a connection's ids are of, where that is another than this one; nothing is changed.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn other_site(&self, of: ConnectionName, site: Site) -> Result<Option<Site>, StoreError> {
        self.try_out(move |transaction| other(transaction, &of, &site)).await
    }

    /// Keeps that somebody says that a connection's site has another name now.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn rename_site(&self, of: ConnectionName, site: Site, by: By) -> Result<(), StoreError> {
        self.write(move |transaction| match other(transaction, &of, &site)? {
            Some(before) => put(transaction, &of, &KnownSite { site, same_as: Some((before, by)), apart: None }),
            None => Ok(()),
        })
        .await
    }

    /// Binds a connection to a site of which others brought records, because somebody says that it is apart from them.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn keep_site_apart(&self, of: ConnectionName, site: Site, by: By) -> Result<(), StoreError> {
        self.write(move |transaction| match other(transaction, &of, &site)? {
            Some(_) => Ok(()),
            None => put(transaction, &of, &KnownSite { site, same_as: None, apart: Some(by) }),
        })
        .await
    }
}

fn bind(transaction: &Write, of: &ConnectionName, site: Site) -> Result<Option<Conflict>, StoreError> {
    if let Some(other) = other(transaction, of, &site)? {
        return Ok(Some(Conflict::Other(other)));
    }
    let known = known(transaction, of)?.filter(|known| known.site == site);
    let is_settled = known.as_ref().is_some_and(|known| known.apart.is_some()) || is_in_use(transaction, of)?;
    if !is_settled && let Some(by) = taken(transaction, of, &site)? {
        return Ok(Some(Conflict::Taken(by)));
    }
    if known.is_none() {
        put(transaction, of, &KnownSite { site, same_as: None, apart: None })?;
    }
    Ok(None)
}

/// The site that the connection's ids are of, where it brought any from another than this one.
fn other(transaction: &Write, of: &ConnectionName, site: &Site) -> Result<Option<Site>, StoreError> {
    match known(transaction, of)? {
        Some(known) if known.site != *site && is_in_use(transaction, of)? => Ok(Some(known.site)),
        _ => Ok(None),
    }
}

/// Another connection that brought records of the site.
fn taken(transaction: &Write, of: &ConnectionName, site: &Site) -> Result<Option<ConnectionName>, StoreError> {
    let sites = transaction.open_table(SITES)?;
    for entry in sites.scan((PRACTICE, "")..(PRACTICE + 1, ""))? {
        let (key, known) = entry?;
        let known: KnownSite = connections::read(known.value())?;
        let Ok(name) = key.value().1.parse::<ConnectionName>() else { continue };
        if name != *of && known.site == *site && is_in_use(transaction, &name)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The sites of connections, of removed ones too: each with the name that its site was known by before.
pub(super) type Sites = HashMap<ConnectionName, Vec<Site>>;

/// All sites.
pub(super) fn all(transaction: &Write) -> Result<Sites, StoreError> {
    all_in(&transaction.open_table(SITES)?)
}

/// All sites but those that several connections bring records of: the same id is another client by each of them.
pub(super) fn not_shared(transaction: &Write) -> Result<Sites, StoreError> {
    let mut found = all(transaction)?;
    for (of, sites) in &mut found {
        let mut own = Vec::new();
        for site in std::mem::take(sites) {
            if taken(transaction, of, &site)?.is_none() {
                own.push(site);
            }
        }
        *sites = own;
    }
    Ok(found)
}

/// The same, of a snapshot.
pub(super) fn all_seen(transaction: &Snapshot) -> Result<Sites, StoreError> {
    all_in(&transaction.open_table(SITES)?)
}

fn all_in(table: &impl Readable<(u32, &'static str), &'static [u8]>) -> Result<Sites, StoreError> {
    let mut found = Sites::new();
    for entry in table.scan((PRACTICE, "")..(PRACTICE + 1, ""))? {
        let (key, row) = entry?;
        let known: KnownSite = connections::read(row.value())?;
        let sites = [Some(known.site), known.same_as.map(|(before, _)| before)];
        found.insert(name_of_connection(key.value().1)?, sites.into_iter().flatten().collect());
    }
    Ok(found)
}

fn known(transaction: &Write, of: &ConnectionName) -> Result<Option<KnownSite>, StoreError> {
    let table = transaction.open_table(SITES)?;
    let row = table.get((PRACTICE, of.as_str()))?;
    row.map(|row| connections::read(row.value())).transpose()
}

fn put(transaction: &Write, of: &ConnectionName, known: &KnownSite) -> Result<(), StoreError> {
    transaction.open_table(SITES)?.put((PRACTICE, of.as_str()), connections::written(known)?.as_slice())?;
    Ok(())
}

/// Whether ids of the connection's site are kept, or about to be: of its records, of its notes, or by a walk under way.
/// A connection that brought nothing may have had a mistyped host.
fn is_in_use(transaction: &Write, connection: &ConnectionName) -> Result<bool, StoreError> {
    let number = transaction.open_table(CONNECTIONS)?.get((PRACTICE, connection.as_str()))?.map(|row| row.value());
    if let Some(number) = number.map(ConnectionNumber) {
        let prefix: [u8; 6] = join([&PRACTICE.to_be_bytes(), &number.0.to_be_bytes()]);
        let (first, last) = span::<{ size_of::<RecordKey>() }>(&prefix);
        let identities = transaction.open_table(IDENTITIES)?;
        if identities.scan(&first..=&last)?.next().is_some()
            || walks::read_walks(&transaction.open_table(WALKS)?, number)?.is_under_way()
        {
            return Ok(true);
        }
    }
    outbox::has_notes_of(transaction, connection)
}
