//! Goals and covers in clients' lists: of a client, of a household, of the practice; and the values that the practice
//! adds to them.

use std::ops::Bound;

use crate::domain::edit::{NewValue, change_own};
use crate::domain::field::FieldError;
use crate::domain::listed::Listed;
use crate::domain::record::ListItem;
use crate::domain::stored::{StoredClient, StoredListed};
use crate::domain::{ClientId, ConnectionName, Diagnostic, HouseholdId, ItemId, RevisionId};
use crate::store::absent_items;
use crate::store::connection_numbers::number_of;
use crate::store::engine::{ReadTable, Readable as _, Snapshot};
use crate::store::household_access::Visible;
use crate::store::keys::{ConnectionNumber, ExternalKey, ListKey, PRACTICE, UnseenKey, own, record, span};
use crate::store::membership;
use crate::store::page::{Page, PageRequest, cursor_of, read_cursor};
use crate::store::reader::Reader;
use crate::store::rows::listed::StoredItem;
use crate::store::rows::{decode, encode};
use crate::store::tables::{LISTED, ListRecord, MEMBERSHIPS, UNSEEN};
use crate::store::{Store, StoreError};

/// The place of a goal or cover: its list, and its number there.
type PlaceKey = [u8; 24];

/// The owner of goals or covers: the practice, a client or a household.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Whose {
    /// The practice: everybody who is in the book.
    #[default]
    Practice,
    /// This client's lists.
    Client(ClientId),
    /// The lists of the household's people, the CFO's first, and of those who left the book from it.
    Household(HouseholdId),
}

/// The content of a client's list, for pages: with the diagnostics about the list as a whole.
#[derive(Clone, Debug)]
pub struct ClientList<T: ListItem> {
    /// The items, in the CRM's order; those that are gone come last.
    pub items: Vec<StoredListed<T>>,
    /// The diagnostics about the list as a whole.
    pub diagnostics: Vec<Diagnostic>,
}

impl Store {
    /// The items of clients' lists of one kind, those that are gone included, in the CRM's order.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn items<T: StoredItem>(
        &self,
        whose: Whose,
        page: PageRequest,
    ) -> Result<Page<StoredListed<T>>, StoreError> {
        self.items_seen(whose, Visible::Everything, page).await
    }

    /// The same, of the households that somebody sees.
    ///
    /// # Errors
    /// Fails as [`Store::items`] does.
    pub async fn items_seen<T: StoredItem>(
        &self,
        whose: Whose,
        visible: Visible,
        page: PageRequest,
    ) -> Result<Page<StoredListed<T>>, StoreError> {
        self.read(move |transaction| View::open(transaction)?.page(transaction, (whose, &visible), &page)).await
    }

    /// The clients who left the book from this household: by death, or with a record that the CRM merged into another.
    /// Their lists belong to the household still, because a couple's goals and covers stand in one list for both.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn departed(&self, id: HouseholdId) -> Result<Vec<StoredClient>, StoreError> {
        self.read(move |transaction| departed(transaction, &Reader::open(transaction)?, id)).await
    }

    /// The lists of one kind of a household's people, the CFO's first; what is gone included.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn lists_of_household<T: StoredItem>(&self, id: HouseholdId) -> Result<Vec<ClientList<T>>, StoreError> {
        self.read(move |transaction| View::open(transaction)?.of_household(transaction, id)).await
    }

    /// Some of what two complete walks in a row missed in the lists of one kind and is not marked as gone.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn missing_items<T: StoredItem>(
        &self,
        of: ConnectionName,
        limit: usize,
    ) -> Result<Vec<StoredListed<T>>, StoreError> {
        self.read(move |transaction| View::open(transaction)?.missing(transaction, &of, limit)).await
    }

    /// One record of a client's list; none where there is none of this kind.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn item<T: StoredItem>(&self, id: ItemId) -> Result<Option<StoredListed<T>>, StoreError> {
        self.read(move |transaction| View::open(transaction)?.one(transaction, id.0)).await
    }

    /// The client in whose list a record stands, of whichever kind.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn client_of_item(&self, id: ItemId) -> Result<Option<ClientId>, StoreError> {
        self.read(move |transaction| {
            let key = transaction.open_table(LISTED)?.get(&own(id.0))?;
            Ok(key.map(|key| client_in(key.value())))
        })
        .await
    }

    /// Changes what the practice adds to a record of a client's list. False where there is none of this kind.
    ///
    /// # Errors
    /// Returns an error if the store fails; inside, every field that cannot be changed so: nothing is changed then.
    pub async fn change_own<T: StoredItem>(
        &self,
        id: ItemId,
        values: Vec<(String, NewValue)>,
    ) -> Result<Result<bool, Vec<FieldError>>, StoreError> {
        self.write(move |transaction| {
            let key = transaction.open_table(LISTED)?.get(&own(id.0))?.map(|key| *key.value());
            let Some(key) = key else { return Ok(Ok(false)) };
            let mut table = transaction.open_table(T::LISTS)?;
            let record = table.get(&key)?.map(|record| decode::<ListRecord<T>>(record.value())).transpose()?;
            let Some(mut record) = record else { return Ok(Ok(false)) };
            let Some(item) = record.items.iter_mut().find(|item| item.id == id.0) else { return Ok(Ok(false)) };
            if let Err(errors) = change_own(&mut item.own, &values) {
                return Ok(Err(errors));
            }
            table.put(&key, encode(&record)?.as_slice())?;
            Ok(Ok(true))
        })
        .await
    }
}

/// The lists of one kind as a transaction sees them.
struct View<T> {
    reader: Reader,
    table: ReadTable<&'static ListKey, &'static [u8]>,
    unseen: ReadTable<&'static UnseenKey, &'static [u8]>,
    kind: std::marker::PhantomData<T>,
}

impl<T: StoredItem> View<T> {
    fn open(transaction: &Snapshot) -> Result<Self, StoreError> {
        let (reader, table) = (Reader::open(transaction)?, transaction.open_table(T::LISTS)?);
        let unseen = transaction.open_table(UNSEEN)?;
        Ok(Self { reader, table, unseen, kind: std::marker::PhantomData })
    }

    fn page(
        &self,
        transaction: &Snapshot,
        (whose, visible): (Whose, &Visible),
        page: &PageRequest,
    ) -> Result<Page<StoredListed<T>>, StoreError> {
        let clients = match whose {
            Whose::Practice => match visible.some() {
                None => vec![PRACTICE.to_be_bytes().to_vec()],
                Some(households) => {
                    let members = households.into_iter().map(|household| self.reader.members(household));
                    let mut members = members.collect::<Result<Vec<_>, _>>()?.concat();
                    members.sort_unstable();
                    members.iter().map(|client| own(client.0).to_vec()).collect()
                }
            },
            Whose::Client(id) => vec![own(id.0).to_vec()],
            Whose::Household(id) => {
                self.people(transaction, id)?.iter().map(|client| own(client.id.0).to_vec()).collect()
            }
        };
        let spans: Vec<(PlaceKey, PlaceKey)> = clients.iter().map(|prefix| span(prefix)).collect();
        let after = read_cursor(T::KIND.plural(), page, &spans)?;
        let mut items = Vec::new();
        let mut reached: Option<PlaceKey> = None;
        // The people of a household come in their own order, not in that of the keys: those before the cursor's.
        let mut is_reached = page.cursor.is_none();
        for (first, last) in &spans {
            let holds_cursor = after.lies_within(first, last);
            is_reached = is_reached || holds_cursor;
            if !is_reached {
                continue;
            }
            let lists = (Bound::Included(list_of(first)), Bound::Included(list_of(last)));
            for entry in self.table.scan((lists.0.as_ref(), lists.1.as_ref()))? {
                let (key, record) = entry?;
                let key = *key.value();
                if holds_cursor && after.is_past(&place(&key, u16::MAX)) {
                    continue;
                }
                let Some(client) = self.client_of(&key)? else { continue };
                if !visible.has(client.household_id) {
                    continue;
                }
                if whose == Whose::Practice && !self.reader.is_in_book(&client)? {
                    continue;
                }
                let record: ListRecord<T> = decode(record.value())?;
                for (number, listed) in (0..).zip(record.items) {
                    let place = place(&key, number);
                    if holds_cursor && after.is_past(&place) {
                        continue;
                    }
                    if items.len() == page.limit() {
                        return Ok(Page { items, next: reached.map(|place| cursor_of(T::KIND.plural(), &place)) });
                    }
                    items.push(self.stored(&key, &client, record.revision, listed)?);
                    reached = Some(place);
                }
            }
        }
        Ok(Page { items, next: None })
    }

    fn of_household(&self, transaction: &Snapshot, id: HouseholdId) -> Result<Vec<ClientList<T>>, StoreError> {
        let mut lists = Vec::new();
        for client in self.people(transaction, id)? {
            let (first, last) = span::<{ size_of::<ListKey>() }>(&own(client.id.0));
            for entry in self.table.scan(&first..=&last)? {
                let (key, record) = entry?;
                let ListRecord { revision, items, diagnostics } = decode::<ListRecord<T>>(record.value())?;
                let stored = |listed| self.stored(key.value(), &client, revision, listed);
                lists.push(ClientList { items: items.into_iter().map(stored).collect::<Result<_, _>>()?, diagnostics });
            }
        }
        Ok(lists)
    }

    fn one(&self, transaction: &Snapshot, id: uuid::Uuid) -> Result<Option<StoredListed<T>>, StoreError> {
        let Some(key) = transaction.open_table(LISTED)?.get(&own(id))? else { return Ok(None) };
        let Some(client) = self.client_of(key.value())? else { return Ok(None) };
        let Some(record) = self.table.get(key.value())? else { return Ok(None) };
        let ListRecord { revision, items, .. } = decode::<ListRecord<T>>(record.value())?;
        let listed = items.into_iter().find(|listed| listed.id == id);
        listed.map(|listed| self.stored(key.value(), &client, revision, listed)).transpose()
    }

    fn missing(
        &self,
        transaction: &Snapshot,
        of: &ConnectionName,
        limit: usize,
    ) -> Result<Vec<StoredListed<T>>, StoreError> {
        let Some(connection) = number_of(transaction, of)? else { return Ok(Vec::new()) };
        let mut missing = Vec::new();
        for id in absent_items::proven_ids(transaction, connection, T::KIND, limit)? {
            missing.extend(self.one(transaction, id)?);
        }
        Ok(missing)
    }

    fn people(&self, transaction: &Snapshot, household: HouseholdId) -> Result<Vec<StoredClient>, StoreError> {
        let mut people = self.reader.household(household)?.map(|row| row.people).unwrap_or_default();
        people.extend(departed(transaction, &self.reader, household)?);
        Ok(people)
    }

    fn client_of(&self, key: &ListKey) -> Result<Option<StoredClient>, StoreError> {
        self.reader.client(client_in(key))
    }

    fn stored(
        &self,
        key: &ListKey,
        client: &StoredClient,
        revision: [u8; 6],
        listed: Listed<T>,
    ) -> Result<StoredListed<T>, StoreError> {
        let number = ConnectionNumber(u16::from_be_bytes([key[20], key[21]]));
        let connection = self.reader.name_of(number)?;
        let (client_id, household_id) = (client.id, client.household_id);
        let list = record(number, T::KIND, ExternalKey::from(&client.client.external_id));
        let is_missed = self.unseen.get(&absent_items::key(&list, listed.id))?.is_some();
        Ok(StoredListed { client_id, household_id, connection, revision: RevisionId(revision), listed, is_missed })
    }
}

/// The clients who left the book from a household, the latest first.
fn departed(transaction: &Snapshot, reader: &Reader, household: HouseholdId) -> Result<Vec<StoredClient>, StoreError> {
    let Some(row) = reader.household(household)? else { return Ok(Vec::new()) };
    let mut departed: Vec<StoredClient> = Vec::new();
    for client in membership::left(&transaction.open_table(MEMBERSHIPS)?, row.household.id)?.into_iter().rev() {
        if departed.iter().any(|known| known.id == client) {
            continue;
        }
        let Some(client) = reader.client(client)? else { continue };
        if !reader.is_in_book(&client)? && client.household_id == row.household.id {
            departed.push(client);
        }
    }
    Ok(departed)
}

fn place(list: &ListKey, number: u16) -> PlaceKey {
    crate::store::keys::join([list, &number.to_be_bytes()])
}

fn list_of(place: &PlaceKey) -> ListKey {
    let mut list = [0; size_of::<ListKey>()];
    list.copy_from_slice(&place[..size_of::<ListKey>()]);
    list
}

/// The client in whose list a key stands.
fn client_in(key: &ListKey) -> ClientId {
    let mut client = [0; 16];
    client.copy_from_slice(&key[4..20]);
    ClientId(uuid::Uuid::from_bytes(client))
}
