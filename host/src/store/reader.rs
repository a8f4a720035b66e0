//! Putting clients and households together from what is stored.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use uuid::Uuid;

use crate::domain::birth::leave_out_future;
use crate::domain::household::summary;
use crate::domain::placeholder::told_apart;
use crate::domain::stored::{Household, HouseholdRole, Member, Origin, StoredClient};
use crate::domain::{
    Client, ClientId, ConnectionName, Date, Diagnostic, EmailAddress, ExternalId, HouseholdId, RecordKind,
};
use crate::store::StoreError;
use crate::store::connection_numbers::name_of_connection;
use crate::store::data_quality::{SHARED_AT_HOME, SHARED_ELSEWHERE};
use crate::store::engine::{ReadTable, Readable, Snapshot};
use crate::store::identity::Identity;
use crate::store::index::{ContactSlot, contact_key, contact_span, owner_of};
use crate::store::keys::{
    ConnectionNumber, ContactKey, ExternalKey, NameKey, OwnKey, PRACTICE, RecordKey, own, record,
};
use crate::store::raw::unpack;
use crate::store::rows::decode;
use crate::store::tables::{
    CLIENTS, CONNECTIONS, CONTACTS, ClientRecord, GONE, GoneRecord, HOUSEHOLDS, HouseholdRecord, IDENTITIES,
    IdentityRow, NAMES, RAW,
};

/// A household with what a list shows of its people.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct HouseholdRow {
    /// The household.
    #[serde(flatten)]
    pub household: Household,
    /// Its members, the CFO first.
    #[serde(skip)]
    pub people: Vec<StoredClient>,
}

impl HouseholdRow {
    /// Whether the CRM has anybody of it.
    pub fn is_anybody_linked(&self) -> bool {
        self.people.iter().any(|person| person.crm_id().is_some())
    }
}

/// One consistent view of the book.
pub(super) struct Reader {
    identities: ReadTable<&'static RecordKey, &'static IdentityRow>,
    pub clients: ReadTable<&'static OwnKey, &'static [u8]>,
    pub households: ReadTable<&'static OwnKey, &'static [u8]>,
    contacts: ReadTable<&'static ContactKey, ()>,
    pub gone: ReadTable<&'static RecordKey, &'static [u8]>,
    pub names: ReadTable<&'static NameKey, ()>,
    pub connections: BTreeMap<ConnectionNumber, ConnectionName>,
    /// The latest day that it is anywhere on Earth.
    today: Date,
}

impl Reader {
    /// The book as this transaction sees it.
    pub fn open(transaction: &Snapshot) -> Result<Self, StoreError> {
        let mut connections = BTreeMap::from([(ConnectionNumber::PRACTICE, ConnectionName::practice())]);
        for entry in transaction.open_table(CONNECTIONS)?.scan((PRACTICE, "")..(PRACTICE + 1, ""))? {
            let (key, number) = entry?;
            connections.insert(ConnectionNumber(number.value()), name_of_connection(key.value().1)?);
        }
        Ok(Self {
            identities: transaction.open_table(IDENTITIES)?,
            clients: transaction.open_table(CLIENTS)?,
            households: transaction.open_table(HOUSEHOLDS)?,
            contacts: transaction.open_table(CONTACTS)?,
            gone: transaction.open_table(GONE)?,
            names: transaction.open_table(NAMES)?,
            connections,
            today: (Timestamp::now() + SignedDuration::from_hours(14)).to_zoned(TimeZone::UTC).date(),
        })
    }

    /// One client.
    pub fn client(&self, id: ClientId) -> Result<Option<StoredClient>, StoreError> {
        let Some(stored) = self.record(id)? else { return Ok(None) };
        let key = ExternalKey::from(&stored.client.external_id);
        let identity = self.identity(stored.connection, key)?;
        let Some(household_id) = identity.and_then(|identity| identity.household) else { return Ok(None) };
        let (changed_at, revision) = (stored.changed_at(), stored.revision());
        let ClientRecord { connection, mut client, mut diagnostics, edits, overridden, last_changes, former, .. } =
            stored;
        diagnostics.extend(self.settle_email(&mut client, connection, (key, household_id))?);
        diagnostics.extend(leave_out_future(&mut client, self.today));
        Ok(Some(StoredClient {
            id,
            household_id: HouseholdId(household_id),
            client,
            origin: Origin { connection: self.name_of(connection)?, revision, changed_at },
            diagnostics,
            not_visible_since: since(&self.gone, &record(connection, RecordKind::Client, key))?,
            edits,
            overridden,
            last_changes,
            former,
        }))
    }

    /// The client whose identity has this key.
    pub fn at(&self, key: &RecordKey) -> Result<Option<StoredClient>, StoreError> {
        let identity = self.identities.get(key)?.map(|row| Identity::from_row(row.value()));
        let client = identity.and_then(|identity| identity.client);
        client.map(|id| self.client(ClientId(id))).transpose().map(Option::flatten)
    }

    /// One household with its people, or the one that it was merged into.
    pub fn household(&self, mut id: HouseholdId) -> Result<Option<HouseholdRow>, StoreError> {
        let (connection, members) = loop {
            let Some(stored) = self.households.get(&own(id.0))? else { return Ok(None) };
            match decode(stored.value())? {
                HouseholdRecord::Of { connection, members } => break (connection, members),
                // No household that was merged into another takes part in a later merge, so that this ends.
                HouseholdRecord::MergedInto(other) => id = HouseholdId(other),
            }
        };
        let mut people = Vec::with_capacity(members.len());
        for (_, client) in members {
            people.extend(self.client(ClientId(client))?);
        }
        let mut seen = Vec::with_capacity(people.len());
        for person in &people {
            seen.push((&person.client, self.is_partner_in_book(connection, &person.client)?));
        }
        let summary = summary(&seen);
        if summary.primary > 0 {
            people.swap(0, summary.primary);
        }
        let role = |index| if index == 0 { HouseholdRole::Cfo } else { HouseholdRole::NonCfo };
        let member = |(index, person): (usize, &StoredClient)| Member {
            client_id: person.id,
            external_id: person.client.external_id.clone(),
            role: role(index),
        };
        let household = Household {
            id,
            name: summary.name,
            members: people.iter().enumerate().map(member).collect(),
            adviser_external_id: summary.adviser_external_id,
            connection: self.name_of(connection)?,
            diagnostics: summary.diagnostics,
        };
        Ok(Some(HouseholdRow { household, people }))
    }

    /// The clients in a household; none of one that was merged into another.
    pub fn members(&self, id: HouseholdId) -> Result<Vec<ClientId>, StoreError> {
        let Some(stored) = self.households.get(&own(id.0))? else { return Ok(Vec::new()) };
        Ok(match decode(stored.value())? {
            HouseholdRecord::Of { members, .. } => members.into_iter().map(|(_, client)| ClientId(client)).collect(),
            HouseholdRecord::MergedInto(_) => Vec::new(),
        })
    }

    /// The client of this id in a CRM, if it is in the book.
    pub fn client_of(&self, connection: ConnectionNumber, id: &ExternalId) -> Result<Option<ClientId>, StoreError> {
        let identity = self.identity(connection, ExternalKey::from(id))?;
        Ok(identity.filter(|identity| identity.in_book).and_then(|identity| identity.client).map(ClientId))
    }

    /// The raw record of a kind with the same id in the CRM as the client.
    pub fn raw_record(
        &self,
        transaction: &Snapshot,
        id: ClientId,
        kind: RecordKind,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(stored) = self.record(id)? else { return Ok(None) };
        let key = record(stored.connection, kind, ExternalKey::from(&stored.client.external_id));
        let Some(raw) = transaction.open_table(RAW)?.get(&key)? else { return Ok(None) };
        unpack(raw.value()).map(Some)
    }

    /// The number of a connection.
    pub fn number_of(&self, name: &ConnectionName) -> Option<ConnectionNumber> {
        self.connections.iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
    }

    fn record(&self, id: ClientId) -> Result<Option<ClientRecord>, StoreError> {
        self.clients.get(&own(id.0))?.map(|stored| decode(stored.value())).transpose()
    }

    pub fn identity(&self, connection: ConnectionNumber, id: ExternalKey) -> Result<Option<Identity>, StoreError> {
        let row = self.identities.get(&record(connection, RecordKind::Client, id))?;
        Ok(row.map(|row| Identity::from_row(row.value())))
    }

    fn is_partner_in_book(&self, connection: ConnectionNumber, client: &Client) -> Result<bool, StoreError> {
        match &client.partner_external_id {
            Some(partner) => Ok(self.client_of(connection, partner)?.is_some()),
            None => Ok(false),
        }
    }

    /// Whether the client is in the book; one that a rule left out is kept but not shown.
    pub fn is_in_book(&self, client: &StoredClient) -> Result<bool, StoreError> {
        match self.number_of(&client.origin.connection) {
            Some(connection) => Ok(self.client_of(connection, &client.client.external_id)?.is_some()),
            None => Ok(false),
        }
    }

    /// The name of a connection.
    pub fn name_of(&self, connection: ConnectionNumber) -> Result<ConnectionName, StoreError> {
        let name = self.connections.get(&connection).cloned();
        name.ok_or_else(|| StoreError::Fault(format!("connection number {} has no name", connection.0).into()))
    }

    /// Makes a proposed address unique, and says where others have the same real one. Both depend on everybody else,
    /// so that they are found when a client is read: no walk has to write those who did not change.
    fn settle_email(
        &self,
        client: &mut Client,
        connection: ConnectionNumber,
        (id, household): (ExternalKey, Uuid),
    ) -> Result<Option<Diagnostic>, StoreError> {
        let Some(email) = &client.email else { return Ok(None) };
        let real = self.who_has(ContactSlot::Email, email.as_str())?;
        if !client.email_is_placeholder {
            let (mut at_home, mut elsewhere) = (0_u64, 0_u64);
            for key in real {
                let (of, other) = owner_of(&key?);
                if (of, other) != (connection, id) {
                    let theirs = self.identity(of, other)?.and_then(|identity| identity.household);
                    *(if theirs == Some(household) { &mut at_home } else { &mut elsewhere }) += 1;
                }
            }
            return Ok(shared(email, at_home, elsewhere));
        }
        let mine = contact_key(ContactSlot::Proposed, email.as_str(), connection, id);
        let first = self.who_has(ContactSlot::Proposed, email.as_str())?.next().transpose()?;
        if real.count() > 0 || first != Some(mine) {
            let elsewhere = (connection != ConnectionNumber(1)).then(|| self.name_of(connection)).transpose()?;
            let elsewhere = elsewhere.as_ref().map(ConnectionName::as_str);
            client.email = Some(told_apart(email, &client.external_id, elsewhere));
        }
        Ok(None)
    }

    /// The clients in the book who have this address or number.
    pub fn with_contact(&self, slot: ContactSlot, text: &str) -> Result<Vec<ClientId>, StoreError> {
        let mut clients = Vec::new();
        for key in self.who_has(slot, text)? {
            let (connection, id) = owner_of(&key?);
            clients.extend(self.identity(connection, id)?.and_then(|identity| identity.client).map(ClientId));
        }
        Ok(clients)
    }

    fn who_has(
        &self,
        slot: ContactSlot,
        text: &str,
    ) -> Result<impl Iterator<Item = Result<ContactKey, StoreError>>, StoreError> {
        let (first, last) = contact_span(slot, text);
        Ok(self.contacts.scan(&first..=&last)?.map(|entry| Ok(*entry?.0.value())))
    }
}

/// The diagnostic about an address that others have too: within a household that is usual, beyond it a sign of a
/// mistake, and of mail that reaches the wrong people.
fn shared(email: &EmailAddress, at_home: u64, elsewhere: u64) -> Option<Diagnostic> {
    let clients = |n: u64| if n == 1 { "another client".to_owned() } else { format!("{n} other clients") };
    if elsewhere > 0 {
        let have = if elsewhere == 1 { "has" } else { "have" };
        let message = format!(
            "{} outside this household {have} the address {email} too; mend it in the CRM if it belongs to one of \
             them only",
            clients(elsewhere)
        );
        return Some(Diagnostic::warning("email", SHARED_ELSEWHERE, message));
    }
    let message = |n| format!("{} of this household has the address {email} too", clients(n));
    (at_home > 0).then(|| Diagnostic::info("email", SHARED_AT_HOME, message(at_home)))
}

/// The moment since which a client is not visible.
fn since(
    table: &impl Readable<&'static RecordKey, &'static [u8]>,
    key: &RecordKey,
) -> Result<Option<Timestamp>, StoreError> {
    let record = table.get(key)?.map(|record| decode::<GoneRecord>(record.value())).transpose()?;
    Ok(record.map(|record| record.since()))
}
