//! Raw records that are kept, each with what was made of it: what another mapping can be held against without asking the
//! CRM. Serves `preview`, and `sync` where it maps the book anew.

use std::ops::Bound;

use uuid::Uuid;

use super::commit::{MappedBy, NOT_MAPPED, aside_key};
use super::connection_numbers::number_of;
use super::engine::{ReadTable, Snapshot};
use super::identity::{ContentVersion, Exclusion, Identity};
use super::keys::{
    AsideKey, ConnectionNumber, ExternalKey, ListKey, OwnKey, RecordKey, ReviewKey, list_key, own, span,
};
use super::raw::unpack;
use super::rows::{decode, listed::StoredItem};
use super::tables::{ADVISERS, CLIENTS, ClientRecord, IDENTITIES, IdentityRow, ListRecord, RAW, REVIEWS, SET_ASIDE};
use super::{Store, StoreError};
use crate::domain::listed::Listed;
use crate::domain::made::{Made, MadeState};
use crate::domain::review::{Review, ReviewState};
use crate::domain::stored::{ExcludedRecord, StoredAdviser};
use crate::domain::{Canonical, ClientId, ConnectionName, ExternalId, RecordKind, RevisionId, with_listed};

/// A raw record as it came last.
#[derive(Clone, PartialEq, Debug)]
pub struct KeptRecord {
    /// Its id in the CRM; that of the client where it is a list of one.
    pub id: ExternalId,
    /// The client in the practice whose record or list it is; none where nobody was made of it.
    pub client: Option<ClientId>,
    /// The fingerprint of its content, as the walk had it.
    pub fingerprint: u128,
    /// The revision that mapped it last.
    pub revision: RevisionId,
    /// The record, as the mapping takes it.
    pub raw: Vec<u8>,
    /// The outcome of the last mapping, where the store has it as it was and it is of the revision and day asked for.
    pub made: Option<Made>,
}

/// A part of the records of one kind.
#[derive(Clone, PartialEq, Debug)]
pub struct KeptRecords {
    /// The records.
    pub records: Vec<KeptRecord>,
    /// The number of rows that hold nothing that could be mapped, or whose id is not kept.
    pub unusable: u64,
    /// The place at which the next part begins; none after the last.
    pub next: Option<Place>,
}

/// A place among the records of one kind, by the id it stands behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place(ExternalKey);

impl KeptRecords {
    /// Takes a record in, or counts that there is none to map. Answers its size.
    fn take(&mut self, kind: RecordKind, record: Option<KeptRecord>) -> usize {
        let Some(record) = record else {
            // A list of somebody who is not in the book changes nothing.
            self.unusable += u64::from(!kind.is_listed());
            return 0;
        };
        let size = record.raw.len();
        self.records.push(record);
        size
    }
}

impl Store {
    /// A part of the raw records of a kind that a connection brought, after a place: at most `limit` of them, and of
    /// `bytes` together unless the first is larger. `by` is the mapping of which the outcome is wanted.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn kept_records(
        &self,
        connection: ConnectionName,
        (kind, by): (RecordKind, MappedBy),
        after: Option<Place>,
        (limit, bytes): (usize, usize),
    ) -> Result<KeptRecords, StoreError> {
        self.read(move |transaction| {
            let mut found = KeptRecords { records: Vec::new(), unusable: 0, next: None };
            let Some(connection) = number_of(transaction, &connection)? else { return Ok(found) };
            let rows = Rows::open(transaction, connection, kind, Some(by))?;
            let (from, last) = rows.span_after(after);
            let (mut rest, mut held) = (bytes, 0);
            let span = (from.as_ref(), Bound::Included(&last));
            let mut reached = None;
            for entry in transaction.open_table(RAW)?.scan(span)? {
                let (key, raw) = entry?;
                let id = id_of(key.value());
                if held == limit || (held > 0 && rest == 0) {
                    found.next = reached;
                    return Ok(found);
                }
                reached = Some(Place(id));
                held += 1;
                rest = rest.saturating_sub(found.take(kind, rows.record(id, unpack(raw.value())?)?));
            }
            Ok(found)
        })
        .await
    }

    /// A part of the raw records of a kind that were mapped by another revision than `by`, after a place; see
    /// [`Store::kept_records`]. What is said of each is who it is, not what was made of it. A record that waits to be
    /// mapped anew by the next walk in any case is none of them.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn records_by_others(
        &self,
        connection: ConnectionName,
        (kind, by): (RecordKind, MappedBy),
        after: Option<Place>,
        most: (usize, usize),
    ) -> Result<KeptRecords, StoreError> {
        let is_by_another = move |identity: &Identity| {
            let version = identity.content_version;
            version != ContentVersion::NEVER && version.parts().1 != by.revision
        };
        self.records_of((connection, kind, Some(by)), after, most, is_by_another).await
    }

    /// A part of the raw records of a kind that a revision rejected, on whichever day, with what it said of them; see
    /// [`Store::kept_records`].
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn records_rejected_by(
        &self,
        connection: ConnectionName,
        (kind, revision): (RecordKind, RevisionId),
        after: Option<Place>,
        most: (usize, usize),
    ) -> Result<KeptRecords, StoreError> {
        let is_rejected_by_it = move |identity: &Identity| {
            identity.set_aside == Some(Exclusion::Quarantined) && identity.content_version.parts().1 == revision
        };
        self.records_of((connection, kind, None), after, most, is_rejected_by_it).await
    }

    /// The wanted ones of a kind's raw records, by what is known of them without reading them.
    async fn records_of(
        &self,
        (connection, kind, by): (ConnectionName, RecordKind, Option<MappedBy>),
        after: Option<Place>,
        (limit, bytes): (usize, usize),
        is_wanted: impl Fn(&Identity) -> bool + Send + 'static,
    ) -> Result<KeptRecords, StoreError> {
        self.read(move |transaction| {
            let mut found = KeptRecords { records: Vec::new(), unusable: 0, next: None };
            let Some(connection) = number_of(transaction, &connection)? else { return Ok(found) };
            let rows = Rows::open(transaction, connection, kind, by)?;
            let raw = transaction.open_table(RAW)?;
            let (from, last) = rows.span_after(after);
            let mut rest = bytes;
            for entry in rows.identities.scan((from.as_ref(), Bound::Included(&last)))? {
                let (key, identity) = entry?;
                if !is_wanted(&Identity::from_row(identity.value())) {
                    continue;
                }
                if found.records.len() == limit || rest == 0 {
                    return Ok(found);
                }
                let id = id_of(key.value());
                found.next = Some(Place(id));
                let Some(raw) = raw.get(key.value())? else { continue };
                rest = rest.saturating_sub(found.take(kind, rows.record(id, unpack(raw.value())?)?));
            }
            found.next = None;
            Ok(found)
        })
        .await
    }

    /// The raw record of a kind that a connection brought, by its id in the CRM (that of the client, where it is a list of
    /// one); none where it never came, or is not kept.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn kept_record(
        &self,
        connection: ConnectionName,
        kind: RecordKind,
        id: ExternalId,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |transaction| {
            let Some(connection) = number_of(transaction, &connection)? else { return Ok(None) };
            let key = super::keys::record(connection, kind, ExternalKey::from(&id));
            let raw = transaction.open_table(RAW)?.get(&key)?.map(|raw| unpack(raw.value())).transpose()?;
            Ok(raw.filter(|raw| !raw.is_empty()))
        })
        .await
    }

    /// About the number of raw records of a kind that a connection brought: those that are too large to be kept are
    /// counted too.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn count_kept_records(&self, connection: ConnectionName, kind: RecordKind) -> Result<u64, StoreError> {
        Ok(self.count_mapped(connection, (kind, RevisionId::NONE)).await?.0)
    }

    /// The same, and the number of those that a revision mapped, whatever came of it.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn count_mapped(
        &self,
        connection: ConnectionName,
        (kind, revision): (RecordKind, RevisionId),
    ) -> Result<(u64, u64), StoreError> {
        self.read(move |transaction| {
            let Some(connection) = number_of(transaction, &connection)? else { return Ok((0, 0)) };
            let (first, last) = span::<23>(&super::keys::record(connection, kind, ExternalKey([0; 16]))[..7]);
            let (mut all, mut by_it) = (0, 0);
            // Their raw records are many times as large.
            for entry in transaction.open_table(IDENTITIES)?.scan(&first..=&last)? {
                let version = Identity::from_row(entry?.1.value()).content_version;
                all += 1;
                by_it += u64::from(version.parts().1 == revision);
            }
            Ok((all, by_it))
        })
        .await
    }
}

/// The tables that say what was made of the records of one kind.
struct Rows {
    connection: ConnectionNumber,
    kind: RecordKind,
    /// The mapping of which the outcome is wanted; the last one, whichever it was, where none.
    by: Option<MappedBy>,
    identities: ReadTable<&'static RecordKey, &'static IdentityRow>,
    clients: ReadTable<&'static OwnKey, &'static [u8]>,
    set_aside: ReadTable<&'static AsideKey, &'static [u8]>,
    advisers: ReadTable<&'static RecordKey, &'static [u8]>,
    reviews: ReadTable<&'static ReviewKey, &'static [u8]>,
    /// The lists of the kind, where it is one of those.
    lists: Option<ReadTable<&'static ListKey, &'static [u8]>>,
}

impl Rows {
    fn open(
        transaction: &Snapshot,
        connection: ConnectionNumber,
        kind: RecordKind,
        by: Option<MappedBy>,
    ) -> Result<Self, StoreError> {
        Ok(Self {
            connection,
            kind,
            by,
            identities: transaction.open_table(IDENTITIES)?,
            clients: transaction.open_table(CLIENTS)?,
            set_aside: transaction.open_table(SET_ASIDE)?,
            advisers: transaction.open_table(ADVISERS)?,
            reviews: transaction.open_table(REVIEWS)?,
            lists: with_listed!(kind, Item => transaction.open_table(Item::LISTS)?),
        })
    }

    fn key(&self, id: ExternalKey) -> RecordKey {
        super::keys::record(self.connection, self.kind, id)
    }

    /// Where the records of the kind begin behind a place, and the last key that one can have.
    fn span_after(&self, after: Option<Place>) -> (Bound<RecordKey>, RecordKey) {
        let (first, last) = span::<23>(&self.key(ExternalKey([0; 16]))[..7]);
        (after.map_or(Bound::Included(first), |Place(id)| Bound::Excluded(self.key(id))), last)
    }

    /// A record with what was made of it; none where there is nothing to map, or nobody knows its id.
    fn record(&self, key: ExternalKey, raw: Vec<u8>) -> Result<Option<KeptRecord>, StoreError> {
        let identity = self.identities.get(&self.key(key))?.map(|row| Identity::from_row(row.value()));
        let Some(identity) = identity.filter(|_| !raw.is_empty()) else { return Ok(None) };
        if self.kind.is_listed() && !self.is_in_book(key)? {
            return Ok(None);
        }
        let (fingerprint, revision) = identity.content_version.parts();
        let is_asked_for = self.by.is_none_or(|by| identity.content_version.is_by(by.revision, by.as_of));
        let client = identity.client.map(ClientId);
        let (id, made) = self.made(key, &identity, is_asked_for)?;
        Ok(id.map(|id| KeptRecord { id, client, fingerprint, revision, raw, made }))
    }

    /// Whether the client whose list it is stands in the book: lists of others change nothing.
    fn is_in_book(&self, key: ExternalKey) -> Result<bool, StoreError> {
        let client = super::keys::record(self.connection, RecordKind::Client, key);
        Ok(self.identities.get(&client)?.is_some_and(|row| Identity::is_in_book(row.value())))
    }

    /// The record's id, where it is kept anywhere, and what was made of it, where that is wanted and kept.
    fn made(
        &self,
        key: ExternalKey,
        identity: &Identity,
        is_asked_for: bool,
    ) -> Result<(Option<ExternalId>, Option<Made>), StoreError> {
        if let Some(aside) = identity.set_aside {
            let Some(kept) = self.set_aside.get(&aside_key(aside, &self.key(key)))? else {
                return Ok((number(key), None));
            };
            let kept = decode::<ExcludedRecord>(kept.value())?;
            if kept.diagnostics.iter().any(|diagnostic| NOT_MAPPED.contains(&diagnostic.code.as_str())) {
                return Ok((None, None));
            }
            let state = if kept.quarantined { MadeState::Rejected } else { MadeState::Skipped };
            let made = Made { state, records: Vec::new(), diagnostics: kept.diagnostics };
            return Ok((Some(kept.external_id), is_asked_for.then_some(made)));
        }
        match self.kind {
            RecordKind::Client => self.client(key, identity, is_asked_for),
            RecordKind::Adviser => {
                let row = self.advisers.get(&self.key(key))?;
                let Some(adviser) = row.map(|row| decode::<StoredAdviser>(row.value())).transpose()? else {
                    return Ok((number(key), None));
                };
                let StoredAdviser { adviser, diagnostics, .. } = adviser;
                let id = adviser.external_id.clone();
                let made = Made { state: MadeState::Mapped, records: vec![Canonical::Adviser(adviser)], diagnostics };
                Ok((Some(id), is_asked_for.then_some(made)))
            }
            kind => {
                let id = match (number(key), identity.client) {
                    (Some(id), _) => Some(id),
                    (None, Some(client)) => self.stored(client)?.map(|stored| stored.client.external_id),
                    (None, None) => None,
                };
                // What a list once showed and does not show any more stands in the row, and came of an earlier record.
                let is_whole = is_asked_for && !identity.has_unseen;
                let made = match identity.client.filter(|_| is_whole) {
                    Some(client) => with_listed!(kind, Item => self.list::<Item>(client)?).flatten(),
                    None => None,
                };
                Ok((id, made))
            }
        }
    }

    fn client(
        &self,
        key: ExternalKey,
        identity: &Identity,
        is_asked_for: bool,
    ) -> Result<(Option<ExternalId>, Option<Made>), StoreError> {
        if let Some(stored) = identity.client.map(|client| self.stored(client)).transpose()?.flatten() {
            let ClientRecord { client, diagnostics, edits, .. } = stored;
            let id = client.external_id.clone();
            // What people changed here stands in the row in place of what was mapped.
            let is_as_mapped = is_asked_for && !identity.is_held && edits.is_empty();
            let made = Made { state: MadeState::Mapped, records: vec![Canonical::Client(client)], diagnostics };
            return Ok((Some(id), is_as_mapped.then_some(made)));
        }
        // Who waits in the review queue is nowhere else.
        for state in ReviewState::ALL {
            let review = self.reviews.get(&super::review::ReviewId::new(self.connection, key).key(state))?;
            if let Some(review) = review {
                let review: Review = decode(review.value())?;
                return Ok((Some(review.client.external_id), None));
            }
        }
        Ok((number(key), None))
    }

    fn list<T: StoredItem>(&self, client: Uuid) -> Result<Option<Made>, StoreError> {
        let Some(lists) = &self.lists else { return Ok(None) };
        let row = lists.get(&list_key(client, self.connection))?;
        let Some(list) = row.map(|row| decode::<ListRecord<T>>(row.value())).transpose()? else { return Ok(None) };
        let mut made = Made { state: MadeState::Mapped, records: Vec::new(), diagnostics: list.diagnostics };
        for Listed { value, diagnostics, .. } in list.items.into_iter().filter(|item| item.gone_since.is_none()) {
            made.records.push(value.into_canonical());
            made.diagnostics.extend(diagnostics);
        }
        Ok(Some(made))
    }

    fn stored(&self, client: Uuid) -> Result<Option<ClientRecord>, StoreError> {
        self.clients.get(&own(client))?.map(|row| decode(row.value())).transpose()
    }
}

/// The id at the end of a key.
fn id_of(key: &RecordKey) -> ExternalKey {
    let mut id = [0; 16];
    id.copy_from_slice(&key[7..]);
    ExternalKey(id)
}

/// The id that a key stands for, where it is a plain number; other ids cannot be read back from their keys.
fn number(key: ExternalKey) -> Option<ExternalId> {
    key.as_number().map(|number| ExternalId(number.to_string()))
}
