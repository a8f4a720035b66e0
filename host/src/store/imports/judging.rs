//! Judging the rows of a list against the book, and against each other.

use std::collections::HashMap;

use uuid::Uuid;

use super::tables::{put_row, row_key};
use crate::domain::fold::fold;
use crate::domain::import::{Applied, Candidate, Import, ImportRow, Judgement, Reason, RowStatus, judge};
use crate::domain::record::ClientStatus;
use crate::domain::{Client, ClientId, EmailAddress, ExternalId, RecordKind};
use crate::store::StoreError;
use crate::store::commit::practice::connection_names;
use crate::store::engine::{Readable, Write, WriteTable};
use crate::store::identity::{Identity, IdentityRow};
use crate::store::index::{ContactKey, ContactSlot, LookKey, contact_span, look_spans, owner_of};
use crate::store::keys::{ConnectionNumber, ExternalKey, OwnKey, RecordKey, own, record, uuid_at_end};
use crate::store::rows::decode;
use crate::store::tables::{CLIENTS, CONTACTS, ClientRecord, IDENTITIES, LOOKS};

/// Clients that are named for one row at most.
const MOST_CANDIDATES: usize = 5;

/// A row of an identity list, as the file has it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ListedPerson {
    /// Its number in the file.
    pub number: u32,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Email.
    pub email: String,
    /// The id in the CRM.
    pub id: String,
    /// Why it cannot be used, whoever is meant.
    pub fault: Option<Reason>,
    /// Why a person has to look at it, whoever is meant.
    pub doubt: Option<Reason>,
}

/// What the rows before had.
#[derive(Default)]
pub(super) struct Met {
    /// The first row with each id, and the hash of its email.
    ids: HashMap<u64, (u32, u64)>,
    /// The first row that means each client.
    clients: HashMap<Uuid, u32>,
}

/// Rows that were judged before and are in doubt now.
type Doubted = Vec<(u32, Reason)>;

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

    /// What a row becomes, and which rows before it are in doubt by it.
    pub fn judge(&self, listed: ListedPerson, met: &mut Met) -> Result<(ImportRow, Doubted), StoreError> {
        let mut doubted = Vec::new();
        let judgement = match (&listed.fault, EmailAddress::try_from(listed.email.clone())) {
            (Some(fault), _) => Judgement::because(RowStatus::CannotBeImported, fault.clone(), Vec::new()),
            (None, Err(_)) => {
                let reason = Reason::new("not-an-email", format!("`{}` is no email address.", listed.email));
                Judgement::because(RowStatus::CannotBeImported, reason, Vec::new())
            }
            (None, Ok(email)) => self.sound(&listed, &email, met, &mut doubted)?,
        };
        let Judgement { mut status, mut reasons, candidates } = judgement;
        // Who is linked already stays so.
        let linked = candidates.first().filter(|first| status == RowStatus::Ready && first.linked_to.is_some());
        let applied = linked.map(|client| Applied::Linked(client.client_id));
        if let (None, Some(doubt)) = (&applied, listed.doubt) {
            status = status.max(RowStatus::NeedsDecision);
            reasons.insert(0, doubt);
        }
        let ListedPerson { number, first_name, last_name, email, id, .. } = listed;
        let row = ImportRow {
            number,
            first_name,
            last_name,
            email,
            external_id: id,
            status,
            reasons,
            candidates,
            decision: None,
            applied,
        };
        Ok((row, doubted))
    }

    fn sound(
        &self,
        listed: &ListedPerson,
        email: &EmailAddress,
        met: &mut Met,
        doubted: &mut Doubted,
    ) -> Result<Judgement, StoreError> {
        let external_id = ExternalId(listed.id.clone());
        let holder = self.identity(self.connection, ExternalKey::from(&external_id))?;
        let holder = holder.and_then(|identity| identity.client).map(|client| self.candidate(client, listed));
        let by_email = self.with_email(email, listed)?;
        let mut failed = None;
        let by_name = || {
            self.with_name(listed).unwrap_or_else(|error| {
                failed = Some(error);
                Vec::new()
            })
        };
        let judgement = judge(&listed.id, holder.transpose()?.flatten(), by_email, by_name);
        let Judgement { mut status, mut reasons, candidates } = judgement;
        if let Some(error) = failed {
            return Err(error);
        }
        let hash = xxhash_rust::xxh3::xxh3_64(email.as_str().to_lowercase().as_bytes());
        if let Ok(id) = listed.id.parse::<u64>() {
            match met.ids.get(&id) {
                None => {
                    met.ids.insert(id, (listed.number, hash));
                }
                Some((row, same)) if *same == hash => {
                    let reason = Reason::new("repeated", format!("The row repeats row {row}."));
                    return Ok(Judgement::because(RowStatus::CannotBeImported, reason, candidates));
                }
                Some((row, _)) => {
                    status = status.max(RowStatus::NeedsDecision);
                    reasons.push(Reason::new("id-twice", format!("Row {row} has the same ID.")));
                    let message = format!("Row {} has the same ID.", listed.number);
                    doubted.push((*row, Reason::new("id-twice", message)));
                }
            }
        }
        if status == RowStatus::Ready
            && let Some(meant) = candidates.first()
            && let Some(row) = met.clients.insert(meant.client_id.0, listed.number)
        {
            status = RowStatus::NeedsDecision;
            reasons.push(Reason::new("client-twice", format!("Row {row} means {} too.", meant.name)));
            doubted
                .push((row, Reason::new("client-twice", format!("Row {} means {} too.", listed.number, meant.name))));
        }
        Ok(Judgement { status, reasons, candidates })
    }

    /// Whether a client can be linked.
    pub fn is_open(&self, client: ClientId) -> Result<bool, StoreError> {
        let Some(stored) = self.client(client.0)? else { return Ok(false) };
        let identity = self.identity(stored.connection, ExternalKey::from(&stored.client.external_id))?;
        Ok(stored.client.external_id.in_crm().is_none() && identity.is_some_and(|identity| identity.in_book))
    }

    fn with_email(&self, email: &EmailAddress, listed: &ListedPerson) -> Result<Vec<Candidate>, StoreError> {
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

fn same_email(one: &EmailAddress, other: &EmailAddress) -> bool {
    one.as_str().to_lowercase() == other.as_str().to_lowercase()
}

/// First and last name, whatever the case and accents; the name that somebody goes by counts as first name.
fn is_same_name(client: &Client, listed: &ListedPerson) -> bool {
    let same = |name: &Option<String>, given: &str| fold(name.as_deref().unwrap_or_default()) == fold(given);
    same(&client.last_name, &listed.last_name)
        && (same(&client.first_name, &listed.first_name)
            || (client.preferred_name.is_some() && same(&client.preferred_name, &listed.first_name)))
}

/// Puts a row that was ready in doubt.
pub(super) fn doubt(
    table: &mut WriteTable<'_, &'static [u8; 24], &'static [u8]>,
    import: &mut Import,
    number: u32,
    reason: Reason,
) -> Result<(), StoreError> {
    let stored = table.get(&row_key(import.id, number))?.map(|stored| decode::<ImportRow>(&stored.value()[1..]));
    let Some(mut row) = stored.transpose()? else { return Ok(()) };
    import.counts.add(&row, -1);
    row.status = row.status.max(RowStatus::NeedsDecision);
    // A long row of rows with one id would make this one ever longer.
    if row.reasons.len() < 5 {
        row.reasons.push(reason);
    }
    import.counts.add(&row, 1);
    put_row(table, import.id, &row)
}
