//! Reading the book: households, clients, advisers, what was set aside. Lists are paged by an opaque cursor and
//! filtered in the index; what was set aside by one run is looked for among the little that is.

mod findings;
mod lists;
mod search;

use super::keys::{AsideKey, ExternalKey, PRACTICE, RecordKey, join, record, span};
pub use super::page::{Page, PageRequest};
use super::raw::unpack;
pub use super::reader::HouseholdRow;
use super::rows::decode;
pub use super::tables::BookCounts;
use super::tables::{ADVISERS, RAW, SET_ASIDE, TALLIES};
use super::tombstones;
use crate::domain::stored::{ExcludedRecord, StoredAdviser, StoredClient};
use crate::domain::{ClientId, ConnectionName, ExternalId, HouseholdId, RecordKind, RunId};
use crate::store::connection_numbers::number_of;
use crate::store::household_access::Visible;
use crate::store::page::{cursor_of, read_cursor};
use crate::store::reader::Reader;
use crate::store::{Store, StoreError};
pub use findings::{ClientFindings, RecordFinding};
pub use lists::{ClientList, Whose};

/// A record of a CRM to which a client was linked once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FormerRecord {
    /// Its connection.
    pub connection: ConnectionName,
    /// What the CRM gave, by kind.
    pub raw: Vec<(RecordKind, Vec<u8>)>,
}

/// The choice and order of households in a list.
#[derive(Clone, Default, Debug)]
pub struct HouseholdFilter {
    /// Words that begin names of its people, or the whole email, mobile or CRM id of one of them.
    pub search: Option<String>,
    /// The order, by the primary client's name.
    pub order: NameOrder,
    /// The households that whoever asks sees.
    pub visible: Visible,
}

impl HouseholdFilter {
    /// The households of a search.
    pub fn search(search: String) -> Self {
        Self { search: Some(search), ..Self::default() }
    }
}

/// The order of a list by last name, then first name.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum NameOrder {
    /// The order from A on.
    #[default]
    Ascending,
    /// The order from Z on.
    Descending,
}

/// The choice of clients in a list.
#[derive(Clone, Default, Debug)]
pub struct ClientFilter {
    /// The connection and the id in its CRM of the client that is listed; all if none.
    pub external_id: Option<(ConnectionName, ExternalId)>,
    /// The household whose clients are listed; all if none.
    pub household: Option<HouseholdId>,
    /// Words that begin names of the person, or the whole email or mobile.
    pub search: Option<String>,
    /// Whether only those are listed whom the CRM no longer shows.
    pub not_visible: bool,
    /// The code of a diagnostic: only clients are listed of whom, or of whose goals and covers, it is said.
    pub diagnostic: Option<String>,
    /// The households that whoever asks sees.
    pub visible: Visible,
}

impl Store {
    /// Households by the last name of their primary client; with `search`, those in which every word begins a name of
    /// one of the people (case and accents do not matter), or which have the email, mobile or CRM id.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn households(
        &self,
        filter: HouseholdFilter,
        page: PageRequest,
    ) -> Result<Page<HouseholdRow>, StoreError> {
        self.read(move |transaction| search::households(&Reader::open(transaction)?, &filter, &page)).await
    }

    /// One household with its people. Where it was merged into another, that one.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn household(&self, id: HouseholdId) -> Result<Option<HouseholdRow>, StoreError> {
        self.read(move |transaction| Reader::open(transaction)?.household(id)).await
    }

    /// Clients by last name, then first name; those of whom something is said, in the order in which they came.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn clients(&self, filter: ClientFilter, page: PageRequest) -> Result<Page<StoredClient>, StoreError> {
        self.read(move |transaction| search::clients(transaction, &filter, &page)).await
    }

    /// One client, also one that a rule has left out since.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn client(&self, id: ClientId) -> Result<Option<StoredClient>, StoreError> {
        self.read(move |transaction| Reader::open(transaction)?.client(id)).await
    }

    /// The raw record of a kind that a client was mapped from, as the mapping takes it.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn raw_record(&self, id: ClientId, kind: RecordKind) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |transaction| Reader::open(transaction)?.raw_record(transaction, id, kind)).await
    }

    /// The raw records of each record of a CRM that a client was linked to before, and that is no other client's by now.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn former_raw_records(&self, id: ClientId) -> Result<Vec<FormerRecord>, StoreError> {
        self.read(move |transaction| {
            let reader = Reader::open(transaction)?;
            let stored = transaction.open_table(RAW)?;
            let mut found = Vec::new();
            for (connection, key) in tombstones::unlinked_seen(transaction, id)? {
                if reader.identity(connection, key)?.is_some_and(|identity| identity.client.is_some()) {
                    continue;
                }
                let mut raw = Vec::new();
                for kind in RecordKind::of_clients() {
                    if let Some(row) = stored.get(&record(connection, kind, key))? {
                        raw.push((kind, unpack(row.value())?));
                    }
                }
                if !raw.is_empty() {
                    found.push(FormerRecord { connection: reader.name_of(connection)?, raw });
                }
            }
            Ok(found)
        })
        .await
    }

    /// The adviser with this id in the CRM of a connection.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn adviser(
        &self,
        connection: ConnectionName,
        id: ExternalId,
    ) -> Result<Option<StoredAdviser>, StoreError> {
        self.read(move |transaction| {
            let Some(connection) = number_of(transaction, &connection)? else { return Ok(None) };
            let key = record(connection, RecordKind::Adviser, ExternalKey::from(&id));
            let adviser = transaction.open_table(ADVISERS)?.get(&key)?;
            adviser.map(|adviser| decode(adviser.value())).transpose()
        })
        .await
    }

    /// The active adviser of a connection with the lowest id in the CRM (numbers by size, before all other ids); none
    /// where it has no active adviser.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn first_adviser(&self, connection: ConnectionName) -> Result<Option<StoredAdviser>, StoreError> {
        Ok(self.active_advisers(connection, 1).await?.pop())
    }

    /// The active advisers of a connection, `most` at most, in the order of [`Store::first_adviser`].
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn active_advisers(
        &self,
        connection: ConnectionName,
        most: usize,
    ) -> Result<Vec<StoredAdviser>, StoreError> {
        self.read(move |transaction| {
            let Some(connection) = number_of(transaction, &connection)? else { return Ok(Vec::new()) };
            let all = record(connection, RecordKind::Adviser, ExternalKey([0; 16]));
            let (first, last) = span::<{ size_of::<RecordKey>() }>(&all[..7]);
            let mut active = Vec::new();
            for entry in transaction.open_table(ADVISERS)?.scan(&first..=&last)? {
                let stored: StoredAdviser = decode(entry?.1.value())?;
                if stored.adviser.active {
                    active.push(stored);
                }
                if active.len() == most {
                    break;
                }
            }
            Ok(active)
        })
        .await
    }

    /// Records in quarantine (`quarantined`) or left out by a rule, by connection and CRM id; of all, or those that one
    /// run found.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn set_aside(
        &self,
        quarantined: bool,
        found_by: Option<RunId>,
        page: PageRequest,
    ) -> Result<Page<ExcludedRecord>, StoreError> {
        self.read(move |transaction| {
            let list = if quarantined { "quarantine" } else { "skipped" };
            let prefix: [u8; 5] = join([&PRACTICE.to_be_bytes(), &[u8::from(quarantined)]]);
            let (first, last) = span::<{ size_of::<AsideKey>() }>(&prefix);
            let after = read_cursor(list, &page, &[(first, last)])?;
            let table = transaction.open_table(SET_ASIDE)?;
            let mut items = Vec::new();
            let mut reached = first;
            for entry in table.scan((after.bound(&first), std::ops::Bound::Included(&last)))? {
                let (key, value) = entry?;
                if items.len() == page.limit() {
                    return Ok(Page { items, next: Some(cursor_of(list, &reached)) });
                }
                let record: ExcludedRecord = decode(value.value())?;
                if found_by.is_none_or(|run| run == record.run) {
                    reached = *key.value();
                    items.push(record);
                }
            }
            Ok(Page { items, next: None })
        })
        .await
    }

    /// The numbers of records that the book holds.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn book_counts(&self) -> Result<BookCounts, StoreError> {
        self.read(move |transaction| {
            let counts = transaction.open_table(TALLIES)?.get(PRACTICE)?;
            Ok(counts.map(|counts| decode(counts.value())).transpose()?.unwrap_or_default())
        })
        .await
    }
}
