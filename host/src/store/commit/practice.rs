//! Clients who are made in the practice and are not linked to a CRM.
//!
//! They live in the tables of all clients. In place of a CRM's id stands one that is made of their own
//! (`ExternalId::unlinked`). Their connection is the practice itself, or, for somebody who is added to a synced
//! household, that household's: so that who lives with whom follows from partner links, as for everybody else.

use super::super::identity::{ContentVersion, Identity};
use super::super::keys::{ConnectionNumber, ExternalKey, own, record};
use super::super::rows::{decode, encode};
use super::super::{Store, StoreError, outbox, tombstones};
use super::entries::Entries;
use super::households;
use super::local_changes::{kept, open_rows, settle};
use crate::domain::household::Change;
use crate::domain::practice_client::{NewClient, Refusal};
use crate::domain::{ClientId, HouseholdId, RecordKind, RevisionId, Timestamp};
use crate::store::connection_numbers::name_of;
use crate::store::engine::{Readable, Write};
use crate::store::household_access::{self, Maker};
use crate::store::tables::{BookCounts, CLIENTS, ClientRecord, HOUSEHOLDS, IDENTITIES, IMPORTS, LISTED, MADE_OF, RUNS};

impl Store {
    /// Makes a client who is not linked to a CRM, in a household of their own or as somebody's partner.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn make_client(
        &self,
        new: NewClient,
        by: Option<Maker>,
        at: Timestamp,
    ) -> Result<Result<(), Refusal>, StoreError> {
        self.write_unless_refused(move |transaction| make(transaction, new, by, at)).await
    }

    /// Takes a client who is not linked to a CRM out of lists, search and household. The record is kept.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn remove_client(&self, id: ClientId, at: Timestamp) -> Result<Result<(), Refusal>, StoreError> {
        self.write_unless_refused(move |transaction| set_in_book(transaction, id, false, at)).await
    }

    /// Takes back [`Store::remove_client`].
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn restore_client(&self, id: ClientId, at: Timestamp) -> Result<Result<(), Refusal>, StoreError> {
        self.write_unless_refused(move |transaction| set_in_book(transaction, id, true, at)).await
    }
}

fn make(
    transaction: &Write,
    new: NewClient,
    by: Option<Maker>,
    at: Timestamp,
) -> Result<Result<(), Refusal>, StoreError> {
    let NewClient { id, partner_of, digest, .. } = new;
    if find(transaction, id)?.is_some() {
        let digest = transaction.open_table(MADE_OF)?.get(&own(id.0))?.map(|digest| *digest.value());
        return Ok(Err(Refusal::IsMade { id, digest }));
    }
    if let Some(marks) = tombstones::marks(transaction)?
        && marks.has_client(id)?
    {
        return Ok(Err(Refusal::IsErased(id.to_string())));
    }
    if is_taken_id(transaction, id)? {
        return Ok(Err(Refusal::IsTakenId(id)));
    }
    let partner = match partner_of {
        None => None,
        Some(partner) => match find(transaction, partner)? {
            Some((stored, identity)) if identity.in_book => Some((partner, stored)),
            _ => return Ok(Err(Refusal::Unknown(partner))),
        },
    };
    let connection = partner.as_ref().map_or(ConnectionNumber::PRACTICE, |(_, stored)| stored.connection);
    let mut rows = open_rows(transaction, connection, at)?;
    if let Some((partner, stored)) = &partner
        && households::has_mate(transaction, &rows, ExternalKey::from(&stored.client.external_id))?
    {
        return Ok(Err(Refusal::HasPartner(*partner)));
    }
    let partner_id = partner.map(|(_, stored)| stored.client.external_id);
    let key = ExternalKey::unlinked(id.0);
    let client = new.with_ids(partner_id);
    let partner = client.partner_external_id.as_ref().map(ExternalKey::from);
    let mut entries = Entries::default();
    entries.replace((connection, key, id.0), None, Some(&client));
    let identity = Identity {
        in_book: true,
        is_partner: client.is_partner,
        client: Some(id.0),
        partner,
        ..Identity::new(ContentVersion::NEVER)
    };
    let record = ClientRecord {
        connection,
        client,
        revision: RevisionId::NONE.0,
        changed_at: at.as_millisecond(),
        diagnostics: Vec::new(),
        edits: Vec::new(),
        overridden: Vec::new(),
        last_changes: Vec::new(),
        former: Vec::new(),
    };
    transaction.open_table(CLIENTS)?.put(&own(id.0), encode(&record)?.as_slice())?;
    transaction.open_table(MADE_OF)?.put(&own(id.0), &digest)?;
    entries.write(transaction)?;
    rows.set(key, identity);
    let change = Change { person: key, named_before: None, names_now: partner, came_or_left: true };
    settle(transaction, rows, &[change], |tallies| tallies.clients += 1)?;
    if let (Some(by), None) = (by, partner_of) {
        let household = find(transaction, id)?.and_then(|(_, identity)| identity.household);
        household_access::made_by(transaction, household.map(HouseholdId), by, at)?;
    }
    Ok(Ok(()))
}

/// Whether a household, a goal, a cover, a run, a file note or a list has the id.
fn is_taken_id(transaction: &Write, id: ClientId) -> Result<bool, StoreError> {
    let key = own(id.0);
    Ok(transaction.open_table(HOUSEHOLDS)?.get(&key)?.is_some()
        || transaction.open_table(LISTED)?.get(&key)?.is_some()
        || transaction.open_table(RUNS)?.get(&key)?.is_some()
        || outbox::has_id(transaction, id.0)?
        || transaction.open_table(IMPORTS)?.get(&key)?.is_some())
}

fn set_in_book(
    transaction: &Write,
    id: ClientId,
    in_book: bool,
    at: Timestamp,
) -> Result<Result<(), Refusal>, StoreError> {
    let Some((stored, identity)) = find(transaction, id)? else { return Ok(Err(Refusal::Unknown(id))) };
    let connection = name_of(transaction, stored.connection)?;
    match kept(&connection, &stored, &identity).set_in_book(in_book) {
        Err(refusal) => return Ok(Err(refusal)),
        Ok(false) => return Ok(Ok(())),
        Ok(true) => {}
    }
    put_in_book(transaction, id, (&stored, identity), in_book, at)?;
    Ok(Ok(()))
}

/// Takes a client out of lists, search and household, linked to a CRM or not. One who is not in the book stays so.
pub(in crate::store) fn leave_book(transaction: &Write, id: ClientId, at: Timestamp) -> Result<(), StoreError> {
    match find(transaction, id)? {
        Some((stored, identity)) if identity.in_book => put_in_book(transaction, id, (&stored, identity), false, at),
        _ => Ok(()),
    }
}

fn put_in_book(
    transaction: &Write,
    id: ClientId,
    (stored, mut identity): (&ClientRecord, Identity),
    in_book: bool,
    at: Timestamp,
) -> Result<(), StoreError> {
    let key = ExternalKey::from(&stored.client.external_id);
    let named = stored.client.partner_external_id.as_ref().map(ExternalKey::from);
    let mut entries = Entries::default();
    let (before, after) = if in_book { (None, Some(&stored.client)) } else { (Some(&stored.client), None) };
    entries.replace((stored.connection, key, id.0), before, after);
    entries.write(transaction)?;
    let named_before = identity.partner;
    identity.in_book = in_book;
    identity.partner = named.filter(|_| in_book);
    let mut rows = open_rows(transaction, stored.connection, at)?;
    let change = Change { person: key, named_before, names_now: identity.partner, came_or_left: true };
    rows.set(key, identity);
    let count = |tallies: &mut BookCounts| {
        if in_book { tallies.clients += 1 } else { tallies.clients -= 1 }
    };
    settle(transaction, rows, &[change], count)
}

/// A client's record and identity.
pub(in crate::store) fn find(
    transaction: &Write,
    id: ClientId,
) -> Result<Option<(ClientRecord, Identity)>, StoreError> {
    let clients = transaction.open_table(CLIENTS)?;
    let Some(stored) = clients.get(&own(id.0))? else { return Ok(None) };
    let stored: ClientRecord = decode(stored.value())?;
    let key = record(stored.connection, RecordKind::Client, ExternalKey::from(&stored.client.external_id));
    let identities = transaction.open_table(IDENTITIES)?;
    let identity = identities.get(&key)?.map(|row| Identity::from_row(row.value()));
    Ok(identity.filter(|identity| identity.client == Some(id.0)).map(|identity| (stored, identity)))
}
