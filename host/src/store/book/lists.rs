//! Goals and covers: of a client, of a household, of the practice; and what the practice adds to a goal.

use std::ops::Bound;

use super::reader::Reader;
use super::{Page, PageRequest, cursor};
use crate::domain::edit::{NewValue, change_own};
use crate::domain::field::FieldError;
use crate::domain::listed::{GoalOwn, Listed};
use crate::domain::stored::{StoredClient, StoredCover, StoredGoal, StoredListed};
use crate::domain::{ClientId, ConnectionName, Cover, CoverId, Diagnostic, Goal, GoalId, HouseholdId, RevisionId};
use crate::store::engine::{ReadTable, Readable as _, Snapshot};
use crate::store::keys::{ConnectionNumber, ExternalKey, PRACTICE, own, record, span};
use crate::store::membership;
use crate::store::rows::listed::StoredItem;
use crate::store::rows::{decode, encode};
use crate::store::runs::number_of;
use crate::store::tables::{COVERS, GOALS, LISTED, ListKey, ListRecord, ListTable, MEMBERSHIPS, UNSEEN};
use crate::store::unseen::{self, UnseenKey};
use crate::store::{Store, StoreError};

/// The place of a goal or cover: its list, and its number there.
type PlaceKey = [u8; 24];

/// Whose goals or covers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Whose {
    /// Everybody's who is in the book.
    #[default]
    Practice,
    /// Those in this client's lists.
    Client(ClientId),
    /// Those in the lists of the household's people, the CFO's first, and of those who left the book from it.
    Household(HouseholdId),
}

/// What a client's list holds, for pages: with what was said about the list as a whole.
#[derive(Clone, PartialEq, Debug)]
pub struct ClientList<T, O> {
    /// What stands in it, in the CRM's order, what is gone behind.
    pub items: Vec<StoredListed<T, O>>,
    /// What was said about the list as a whole.
    pub diagnostics: Vec<Diagnostic>,
}

impl Store {
    /// Goals, those that are gone included, in the CRM's order.
    ///
    /// # Errors
    /// Where the store fails or the cursor is not one of its own.
    pub async fn goals(&self, whose: Whose, page: PageRequest) -> Result<Page<StoredGoal>, StoreError> {
        self.read(move |transaction| View::<Goal>::open(transaction, GOALS)?.page(transaction, whose, &page)).await
    }

    /// Covers, those that are gone included, in the CRM's order.
    ///
    /// # Errors
    /// Where the store fails or the cursor is not one of its own.
    pub async fn covers(&self, whose: Whose, page: PageRequest) -> Result<Page<StoredCover>, StoreError> {
        self.read(move |transaction| View::<Cover>::open(transaction, COVERS)?.page(transaction, whose, &page)).await
    }

    /// Who left the book from this household: by death, or with a record that the CRM merged into another. What stands
    /// in their lists belongs to the household still, because a couple's goals and covers stand in one list for both.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn departed(&self, id: HouseholdId) -> Result<Vec<StoredClient>, StoreError> {
        self.read(move |transaction| departed(transaction, &Reader::open(transaction)?, id)).await
    }

    /// All goals of a household by client, the CFO's first; those that are gone included.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn goals_of_household(&self, id: HouseholdId) -> Result<Vec<ClientList<Goal, GoalOwn>>, StoreError> {
        self.read(move |transaction| View::<Goal>::open(transaction, GOALS)?.of_household(transaction, id)).await
    }

    /// All covers of a household by client, the CFO's first; those that are gone included.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn covers_of_household(&self, id: HouseholdId) -> Result<Vec<ClientList<Cover, ()>>, StoreError> {
        self.read(move |transaction| View::<Cover>::open(transaction, COVERS)?.of_household(transaction, id)).await
    }

    /// Some of the goals that two complete walks in a row missed and that are not marked as gone.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn missing_goals(&self, of: ConnectionName, limit: usize) -> Result<Vec<StoredGoal>, StoreError> {
        self.read(move |transaction| View::<Goal>::open(transaction, GOALS)?.missing(transaction, &of, limit)).await
    }

    /// Some of the covers that two complete walks in a row missed and that are not marked as gone.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn missing_covers(&self, of: ConnectionName, limit: usize) -> Result<Vec<StoredCover>, StoreError> {
        self.read(move |transaction| View::<Cover>::open(transaction, COVERS)?.missing(transaction, &of, limit)).await
    }

    /// One goal.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn goal(&self, id: GoalId) -> Result<Option<StoredGoal>, StoreError> {
        self.read(move |transaction| View::<Goal>::open(transaction, GOALS)?.one(transaction, id.0)).await
    }

    /// One cover.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn cover(&self, id: CoverId) -> Result<Option<StoredCover>, StoreError> {
        self.read(move |transaction| View::<Cover>::open(transaction, COVERS)?.one(transaction, id.0)).await
    }

    /// Changes what the practice adds to a goal. False where there is no such goal.
    ///
    /// # Errors
    /// Where the store fails; inside, every field that cannot be changed so: nothing is changed then.
    pub async fn change_goal(
        &self,
        id: GoalId,
        values: Vec<(String, NewValue)>,
    ) -> Result<Result<bool, Vec<FieldError>>, StoreError> {
        self.write(move |transaction| {
            let key = transaction.open_table(LISTED)?.get(&own(id.0))?.map(|key| *key.value());
            let Some(key) = key else { return Ok(Ok(false)) };
            let mut table = transaction.open_table(GOALS)?;
            let record = table.get(&key)?.map(|record| decode::<ListRecord<Goal>>(record.value())).transpose()?;
            let Some(mut record) = record else { return Ok(Ok(false)) };
            let Some(goal) = record.items.iter_mut().find(|goal| goal.id == id.0) else { return Ok(Ok(false)) };
            if let Err(errors) = change_own(&mut goal.own, &values) {
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
    fn open(transaction: &Snapshot, table: ListTable) -> Result<Self, StoreError> {
        let (reader, table) = (Reader::open(transaction)?, transaction.open_table(table)?);
        let unseen = transaction.open_table(UNSEEN)?;
        Ok(Self { reader, table, unseen, kind: std::marker::PhantomData })
    }

    fn page(
        &self,
        transaction: &Snapshot,
        whose: Whose,
        page: &PageRequest,
    ) -> Result<Page<StoredListed<T, T::Own>>, StoreError> {
        let clients = match whose {
            Whose::Practice => vec![PRACTICE.to_be_bytes().to_vec()],
            Whose::Client(id) => vec![own(id.0).to_vec()],
            Whose::Household(id) => {
                self.people(transaction, id)?.iter().map(|client| own(client.id.0).to_vec()).collect()
            }
        };
        let spans: Vec<(PlaceKey, PlaceKey)> = clients.iter().map(|prefix| span(prefix)).collect();
        let after = cursor::after(page, &spans)?;
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
                        return Ok(Page { items, next: reached.map(|place| cursor::write(&place)) });
                    }
                    items.push(self.stored(&key, &client, record.revision, listed)?);
                    reached = Some(place);
                }
            }
        }
        Ok(Page { items, next: None })
    }

    fn of_household(&self, transaction: &Snapshot, id: HouseholdId) -> Result<Vec<ClientList<T, T::Own>>, StoreError> {
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

    fn one(&self, transaction: &Snapshot, id: uuid::Uuid) -> Result<Option<StoredListed<T, T::Own>>, StoreError> {
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
    ) -> Result<Vec<StoredListed<T, T::Own>>, StoreError> {
        let Some(connection) = number_of(transaction, of)? else { return Ok(Vec::new()) };
        let mut missing = Vec::new();
        for id in unseen::proven_ids(transaction, connection, T::KIND, limit)? {
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
        let mut client = [0; 16];
        client.copy_from_slice(&key[4..20]);
        self.reader.client(ClientId(uuid::Uuid::from_bytes(client)))
    }

    fn stored(
        &self,
        key: &ListKey,
        client: &StoredClient,
        revision: [u8; 6],
        listed: Listed<T, T::Own>,
    ) -> Result<StoredListed<T, T::Own>, StoreError> {
        let number = ConnectionNumber(u16::from_be_bytes([key[20], key[21]]));
        let connection = self.reader.name_of(number)?;
        let (client_id, household_id) = (client.id, client.household_id);
        let list = record(number, T::KIND, ExternalKey::from(&client.client.external_id));
        let is_missed = self.unseen.get(&unseen::key(&list, listed.id))?.is_some();
        Ok(StoredListed { client_id, household_id, connection, revision: RevisionId(revision), listed, is_missed })
    }
}

/// Who left the book from a household, the latest first.
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
