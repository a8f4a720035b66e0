//! The practice's clients, as the rows of an identity list are compared with them.

use std::collections::HashMap;

use uuid::Uuid;

use crate::domain::import::{Candidate, KnownClients, ListedPerson, is_same_name};
use crate::domain::record::ClientStatus;
use crate::domain::{Client, ClientId, EmailAddress, ExternalId, RecordKind};
use crate::store::StoreError;
use crate::store::connection_numbers::connection_names;
use crate::store::engine::{Readable, Write, WriteTable};
use crate::store::identity::Identity;
use crate::store::index::{ContactSlot, contact_span, look_spans, owner_of};
use crate::store::keys::{
    ConnectionNumber, ContactKey, ExternalKey, LookKey, OwnKey, RecordKey, own, record, uuid_at_end,
};
use crate::store::rows::decode;
use crate::store::tables::{CLIENTS, CONTACTS, ClientRecord, IDENTITIES, IdentityRow, LOOKS};

/// Clients that are named for one row at most.
const MOST_CANDIDATES: usize = 5;

/// The book as rows are compared with it.
pub(super) struct Book<'t> {
    connection: ConnectionNumber,
    names: HashMap<ConnectionNumber, crate::domain::ConnectionName>,
    clients: WriteTable<'t, &'static OwnKey, &'static [u8]>,
    identities: WriteTable<'t, &'static RecordKey, &'static IdentityRow>,
    contacts: WriteTable<'t, &'static ContactKey, ()>,
    looks: WriteTable<'t, &'static LookKey, ()>,
}

impl<'t> Book<'t> {
    pub fn open(transaction: &'t Write, connection: ConnectionNumber) -> Result<Self, StoreError> {
        Ok(Self {
            connection,
            names: connection_names(transaction)?,
            clients: transaction.open_table(CLIENTS)?,
            identities: transaction.open_table(IDENTITIES)?,
            contacts: transaction.open_table(CONTACTS)?,
            looks: transaction.open_table(LOOKS)?,
        })
    }

    /// Whether a client can be linked.
    pub fn is_open(&self, client: ClientId) -> Result<bool, StoreError> {
        let Some(stored) = self.client(client.0)? else { return Ok(false) };
        let identity = self.identity(stored.connection, ExternalKey::from(&stored.client.external_id))?;
        Ok(stored.client.external_id.in_crm().is_none() && identity.is_some_and(|identity| identity.in_book))
    }

    fn candidate(&self, client: Uuid, listed: &ListedPerson) -> Result<Option<Candidate>, StoreError> {
        let Some(stored) = self.client(client)? else { return Ok(None) };
        let linked_to = stored.client.external_id.in_crm().map(|id| {
            let name = self.names.get(&stored.connection).cloned();
            (name.unwrap_or_else(crate::domain::ConnectionName::practice), id.clone())
        });
        Ok(Some(Candidate {
            client_id: ClientId(client),
            name: stored.client.full_name(),
            is_same_name: is_same_name(&stored.client, listed),
            linked_to,
        }))
    }

    fn client(&self, id: Uuid) -> Result<Option<ClientRecord>, StoreError> {
        self.clients.get(&own(id))?.map(|stored| decode(stored.value())).transpose()
    }

    fn identity(&self, connection: ConnectionNumber, id: ExternalKey) -> Result<Option<Identity>, StoreError> {
        let row = self.identities.get(&record(connection, RecordKind::Client, id))?;
        Ok(row.map(|row| Identity::from_row(row.value())))
    }
}

impl KnownClients for Book<'_> {
    type Error = StoreError;

    fn holder(&self, listed: &ListedPerson) -> Result<Option<Candidate>, StoreError> {
        let id = ExternalKey::from(&ExternalId(listed.id.clone()));
        let holder = self.identity(self.connection, id)?.and_then(|identity| identity.client);
        Ok(holder.map(|client| self.candidate(client, listed)).transpose()?.flatten())
    }

    fn with_email(&self, listed: &ListedPerson, email: &EmailAddress) -> Result<Vec<Candidate>, StoreError> {
        let (first, last) = contact_span(ContactSlot::Email, email.as_str());
        let mut found = Vec::new();
        for entry in self.contacts.scan(&first..=&last)? {
            let (connection, id) = owner_of(entry?.0.value());
            let client = self.identity(connection, id)?.and_then(|identity| identity.client);
            let Some(client) = client else { continue };
            // Two addresses may have one hash.
            let is_his = |client: &Client| client.email.as_ref().is_some_and(|his| same_email(his, email));
            if self.client(client)?.is_some_and(|stored| is_his(&stored.client)) {
                found.extend(self.candidate(client, listed)?);
            }
            if found.len() == MOST_CANDIDATES {
                break;
            }
        }
        Ok(found)
    }

    fn with_name(&self, listed: &ListedPerson) -> Result<Vec<Candidate>, StoreError> {
        let named = Client {
            first_name: Some(listed.first_name.clone()).filter(|name| !name.is_empty()),
            last_name: Some(listed.last_name.clone()).filter(|name| !name.is_empty()),
            ..Client::unnamed(ExternalId(String::new()), ClientStatus::Client)
        };
        let mut found = Vec::new();
        for (first, last) in look_spans(&named) {
            for entry in self.looks.scan(&first..=&last)?.take(MOST_CANDIDATES) {
                let candidate = self.candidate(uuid_at_end(entry?.0.value()), listed)?;
                found.extend(candidate.filter(|candidate| candidate.is_same_name));
            }
        }
        Ok(found)
    }
}

fn same_email(one: &EmailAddress, other: &EmailAddress) -> bool {
    one.as_str().to_lowercase() == other.as_str().to_lowercase()
}
