//! Linking clients of the practice to their records in a CRM, and taking a link back.
//!
//! A link is the identity itself: the CRM's id leads to the practice's client before a sync has seen it, so that the
//! walk that brings it finds the client and has nothing to compare. The client keeps its id and its household. With the
//! first of a household, the other moves to the same connection, not linked.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::identity::{ContentVersion, Identity};
use super::super::keys::{ConnectionNumber, ExternalKey, OwnKey, RecordKey, own, record};
use super::super::rows::{decode, encode};
use super::super::{Store, StoreError, holds, tombstones};
use super::entries::Entries;
use super::local_changes::{kept, open_rows, settle};
use super::practice::find;
use super::review;
use crate::domain::household::Change;
use crate::domain::practice_client::{Linking, Refusal, Target, partner_after};
use crate::domain::{ClientId, ConnectionName, ExternalId, HouseholdId, RecordKind, RevisionId, Timestamp};
use crate::store::connection_numbers::{connection_names, number_for};
use crate::store::engine::{Readable, Write, WriteTable};
use crate::store::tables::{CLIENTS, ClientRecord, HOUSEHOLDS, HouseholdRecord, IDENTITIES, IdentityRow};

impl Store {
    /// Links a client to a record of a connection's CRM. Linking to the same record again changes nothing.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn link_client(
        &self,
        client: ClientId,
        connection: ConnectionName,
        id: ExternalId,
        at: Timestamp,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let linked = self.write_unless_refused(move |transaction| {
            let connection = number_for(transaction, &connection)?;
            let mut outcomes = link_all(transaction, connection, &[(client, id)], at)?;
            Ok(outcomes.pop().unwrap_or(Ok(())))
        });
        let linked = linked.await?;
        if linked.is_ok() {
            self.linked.notify_one();
        }
        Ok(linked)
    }

    /// Takes a client's link to the CRM back. The values stay as they are; what the CRM has under that id comes at the
    /// next sync as somebody new, or waits for review where it looks like this client.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn unlink_client(&self, client: ClientId, at: Timestamp) -> Result<Result<(), Refusal>, StoreError> {
        self.write_unless_refused(move |transaction| unlink(transaction, client, at)).await
    }

    /// Waits until clients may have been linked since it last came back.
    pub async fn until_somebody_is_linked(&self) {
        self.linked.notified().await;
    }

    /// A write that may link clients: who waits for it is told once it is on disk.
    pub(in crate::store) async fn write_links<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Write) -> Result<T, StoreError> + Send + 'static,
    {
        let answer = self.write(work).await?;
        self.linked.notify_one();
        Ok(answer)
    }
}

/// Links clients, each whole or not at all; answers what became of each.
pub(in crate::store) fn link_all(
    transaction: &Write,
    connection: ConnectionNumber,
    links: &[(ClientId, ExternalId)],
    at: Timestamp,
) -> Result<Vec<Result<(), Refusal>>, StoreError> {
    let mut outcomes = Vec::with_capacity(links.len());
    let mut changes = Vec::new();
    let mut people = People::open(transaction, at)?;
    for (client, id) in links {
        let outcome = people.link(connection, *client, id)?;
        outcomes.push(outcome.map(|change| changes.extend(change)));
    }
    people.close()?;
    settle(transaction, open_rows(transaction, connection, at)?, &changes, |_| {})?;
    Ok(outcomes)
}

pub(super) fn unlink(transaction: &Write, client: ClientId, at: Timestamp) -> Result<Result<(), Refusal>, StoreError> {
    let household = find(transaction, client)?.and_then(|(_, identity)| identity.household.map(HouseholdId));
    let hold = holds::of_client(transaction, client, household, at)?;
    let mut people = People::open(transaction, at)?;
    let Some((stored, identity)) = people.find(client)? else { return Ok(Err(Refusal::Unknown(client))) };
    if let Err(refusal) = kept(&people.name_of(stored.connection), &stored, &identity).unlink() {
        return Ok(Err(refusal));
    }
    // The next sync would bring the record as somebody else's, whom no hold keeps.
    if let Some(hold) = hold {
        return Ok(Err(Refusal::IsHeld(Box::new(hold))));
    }
    let (connection, from) = (stored.connection, ExternalKey::from(&stored.client.external_id));
    let left = Identity { set_aside: identity.set_aside, ..Identity::new(ContentVersion::NEVER) };
    let change = people.rename(stored, &identity, connection, &ExternalId::unlinked(client), None)?;
    if left.set_aside.is_some() {
        // It stays on the list of what was set aside, and whatever comes next is mapped.
        people.put_identity(connection, from, &left)?;
    }
    people.close()?;
    tombstones::unlinked(transaction, client, (connection, from))?;
    review::unlinked(transaction, connection, from)?;
    settle(transaction, open_rows(transaction, connection, at)?, &[change], |_| {})?;
    Ok(Ok(()))
}

type Linked = Result<Option<Change<ExternalKey>>, Refusal>;

/// The tables in which people are known by their ids in a CRM.
struct People<'t> {
    transaction: &'t Write,
    at: Timestamp,
    names: HashMap<ConnectionNumber, ConnectionName>,
    clients: WriteTable<'t, &'static OwnKey, &'static [u8]>,
    identities: WriteTable<'t, &'static RecordKey, &'static IdentityRow>,
    households: WriteTable<'t, &'static OwnKey, &'static [u8]>,
    entries: Entries,
}

impl<'t> People<'t> {
    fn open(transaction: &'t Write, at: Timestamp) -> Result<Self, StoreError> {
        Ok(Self {
            transaction,
            at,
            names: connection_names(transaction)?,
            clients: transaction.open_table(CLIENTS)?,
            identities: transaction.open_table(IDENTITIES)?,
            households: transaction.open_table(HOUSEHOLDS)?,
            entries: Entries::default(),
        })
    }

    /// The name of a connection.
    fn name_of(&self, connection: ConnectionNumber) -> ConnectionName {
        self.names.get(&connection).cloned().unwrap_or_else(ConnectionName::practice)
    }

    /// Writes the index entries.
    fn close(self) -> Result<(), StoreError> {
        self.entries.write(self.transaction)
    }

    fn link(&mut self, connection: ConnectionNumber, client: ClientId, id: &ExternalId) -> Result<Linked, StoreError> {
        let Some((stored, identity)) = self.find(client)? else { return Ok(Err(Refusal::Unknown(client))) };
        let to = self.name_of(connection);
        let key = ExternalKey::from(id);
        if let Some(marks) = tombstones::marks(self.transaction)?
            && marks.has_record(&to, key)?
        {
            return Ok(Err(Refusal::IsErased(id.to_string())));
        }
        let there = self.identity(connection, key)?;
        let target = there.as_ref().map_or_else(Target::default, |there| Target {
            client: there.client.map(ClientId),
            awaits_review: there.is_held,
        });
        let from = self.name_of(stored.connection);
        let ends_review = match kept(&from, &stored, &identity).link(client, &to, id, target) {
            Err(refusal) => return Ok(Err(refusal)),
            Ok(Linking::None) => return Ok(Ok(None)),
            Ok(Linking::Link { ends_review }) => ends_review,
        };
        let set_aside = there.and_then(|there| there.set_aside);
        let identity = Identity { set_aside, ..identity };
        let change = self.rename(stored, &identity, connection, id, Some(RevisionId::NONE))?;
        if ends_review {
            review::linked(self.transaction, connection, ExternalKey::from(id), client, self.at)?;
        }
        Ok(Ok(Some(change)))
    }

    /// Gives a client another id in a CRM, with all that refers to it: the household and who lives there.
    fn rename(
        &mut self,
        stored: ClientRecord,
        identity: &Identity,
        to: ConnectionNumber,
        id: &ExternalId,
        revision: Option<RevisionId>,
    ) -> Result<Change<ExternalKey>, StoreError> {
        let (from, before_id, client) = (stored.connection, stored.client.external_id.clone(), identity.client);
        let key = ExternalKey::from(id);
        let mut members = self.members(identity.household)?;
        for (member, mate) in &mut members {
            if Some(*mate) == client {
                *member = key.0;
                continue;
            }
            let Some((mut theirs, mut identity)) = self.find(ClientId(*mate))? else { continue };
            let before = theirs.client.clone();
            if let Some(partner) = partner_after(&theirs.client, &before_id, id) {
                theirs.client.partner_external_id = Some(partner);
                identity.partner = identity.partner.map(|_| key);
            }
            theirs.connection = to;
            let place = ExternalKey(*member);
            self.put(*mate, (from, place), &before, (to, place), &theirs, &identity)?;
        }
        let moved = members.len() > 1;
        if let Some(household) = identity.household.filter(|_| !members.is_empty()) {
            self.put_members(household, to, members)?;
        }
        let names = identity.partner;
        let before = stored.client.clone();
        let mut after = ClientRecord { connection: to, changed_at: self.at.as_millisecond(), ..stored };
        after.client.external_id = id.clone();
        after.revision = revision.map_or(after.revision, |revision| revision.0);
        let identity = Identity { content_version: ContentVersion::NEVER, ..*identity };
        if let Some(client) = client {
            self.put(client, (from, ExternalKey::from(&before_id)), &before, (to, key), &after, &identity)?;
        }
        if moved {
            // One who was moved with another may be next, and the order of entries matters then.
            std::mem::take(&mut self.entries).write(self.transaction)?;
        }
        Ok(Change { person: key, named_before: names, names_now: names, came_or_left: false })
    }

    /// Writes a client in another place than before.
    fn put(
        &mut self,
        client: Uuid,
        before: (ConnectionNumber, ExternalKey),
        shown_before: &crate::domain::Client,
        after: (ConnectionNumber, ExternalKey),
        stored: &ClientRecord,
        identity: &Identity,
    ) -> Result<(), StoreError> {
        if identity.in_book {
            self.entries.replace((before.0, before.1, client), Some(shown_before), None);
            self.entries.replace((after.0, after.1, client), None, Some(&stored.client));
        }
        self.clients.put(&own(client), encode(stored)?.as_slice())?;
        if before != after {
            self.identities.delete(&record(before.0, RecordKind::Client, before.1))?;
        }
        self.put_identity(after.0, after.1, identity)
    }

    fn find(&self, client: ClientId) -> Result<Option<(ClientRecord, Identity)>, StoreError> {
        let Some(stored) = self.clients.get(&own(client.0))? else { return Ok(None) };
        let stored: ClientRecord = decode(stored.value())?;
        let identity = self.identity(stored.connection, ExternalKey::from(&stored.client.external_id))?;
        Ok(identity.filter(|identity| identity.client == Some(client.0)).map(|identity| (stored, identity)))
    }

    fn identity(&self, connection: ConnectionNumber, id: ExternalKey) -> Result<Option<Identity>, StoreError> {
        let row = self.identities.get(&record(connection, RecordKind::Client, id))?;
        Ok(row.map(|row| Identity::from_row(row.value())))
    }

    fn put_identity(
        &mut self,
        connection: ConnectionNumber,
        id: ExternalKey,
        identity: &Identity,
    ) -> Result<(), StoreError> {
        self.identities.put(&record(connection, RecordKind::Client, id), &identity.to_row())?;
        Ok(())
    }

    fn members(&self, household: Option<Uuid>) -> Result<Vec<([u8; 16], Uuid)>, StoreError> {
        let Some(household) = household else { return Ok(Vec::new()) };
        let Some(stored) = self.households.get(&own(household))? else { return Ok(Vec::new()) };
        match decode(stored.value())? {
            HouseholdRecord::Of { members, .. } => Ok(members),
            HouseholdRecord::MergedInto(_) => Ok(Vec::new()),
        }
    }

    fn put_members(
        &mut self,
        household: Uuid,
        connection: ConnectionNumber,
        mut members: Vec<([u8; 16], Uuid)>,
    ) -> Result<(), StoreError> {
        members.sort_unstable();
        let stored = HouseholdRecord::Of { connection, members };
        self.households.put(&own(household), encode(&stored)?.as_slice())?;
        Ok(())
    }
}
