//! Reading the book: households, clients, advisers, what was set aside. Lists are paged by an opaque cursor and
//! filtered in the index, never in memory.

use crate::domain::stored::{Household, SetAside, StoredAdviser, StoredClient};
use crate::domain::{ClientId, ConnectionName, ExternalId, HouseholdId, RecordKind};
use crate::store::{Store, StoreError};

/// One page of a list.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; none after the last.
    pub next: Option<String>,
}

/// Where a page begins and how long it may be.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// `next` of the page before; none for the first.
    pub cursor: Option<String>,
    /// 1 to 500.
    pub limit: usize,
}

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

/// How much the book holds.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, serde::Serialize)]
pub struct BookCounts {
    /// Clients.
    pub clients: u64,
    /// Households.
    pub households: u64,
    /// Advisers.
    pub advisers: u64,
    /// Records in quarantine.
    pub quarantined: u64,
    /// Records left out by a rule.
    pub skipped: u64,
}

/// Which clients a list shows.
#[derive(Clone, Default, Debug)]
pub struct ClientFilter {
    /// Of this connection and with this id in the CRM.
    pub external_id: Option<(ConnectionName, ExternalId)>,
    /// Of this household.
    pub household: Option<HouseholdId>,
    /// Words that begin names of the person, or the whole email or mobile.
    pub search: Option<String>,
}

impl Store {
    /// Households by name; with `search`, those in which every word begins a name of one of the people (case and
    /// accents do not matter), or which have the email, mobile or CRM id.
    ///
    /// # Errors
    /// Where the store fails or the cursor is not one of its own.
    pub async fn households(
        &self,
        _search: Option<String>,
        _page: PageRequest,
    ) -> Result<Page<HouseholdRow>, StoreError> {
        todo!()
    }

    /// One household with its people.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn household(&self, _id: HouseholdId) -> Result<Option<HouseholdRow>, StoreError> {
        todo!()
    }

    /// Clients by name.
    ///
    /// # Errors
    /// Where the store fails or the cursor is not one of its own.
    pub async fn clients(&self, _filter: ClientFilter, _page: PageRequest) -> Result<Page<StoredClient>, StoreError> {
        todo!()
    }

    /// One client.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn client(&self, _id: ClientId) -> Result<Option<StoredClient>, StoreError> {
        todo!()
    }

    /// The raw record of a kind that a client was mapped from, as the mapping takes it.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn raw_record(&self, _id: ClientId, _kind: RecordKind) -> Result<Option<Vec<u8>>, StoreError> {
        todo!()
    }

    /// The adviser with this id in the CRM of a connection.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn adviser(
        &self,
        _connection: ConnectionName,
        _id: ExternalId,
    ) -> Result<Option<StoredAdviser>, StoreError> {
        todo!()
    }

    /// The active adviser of a connection with the lowest id in the CRM (as text); none where it has no adviser.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn first_adviser(&self, _connection: ConnectionName) -> Result<Option<StoredAdviser>, StoreError> {
        todo!()
    }

    /// Records in quarantine (`quarantined`) or left out by a rule, by connection and CRM id.
    ///
    /// # Errors
    /// Where the store fails or the cursor is not one of its own.
    pub async fn set_aside(&self, _quarantined: bool, _page: PageRequest) -> Result<Page<SetAside>, StoreError> {
        todo!()
    }

    /// How much the book holds.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn book_counts(&self) -> Result<BookCounts, StoreError> {
        todo!()
    }
}
