//! The store's knowledge of somebody in a CRM, whether they are in the book or not: for the question why somebody is
//! not here.

use super::engine::Snapshot;
use super::identity::{Exclusion, Identity};
use super::keys::{AsideKey, ExternalKey, PRACTICE, RecordKey, ReviewKey, join, record, span};
use super::raw::unpack;
use super::reader::Reader;
use super::review::{self, ReviewId};
use super::rows::decode;
use super::seen::lookup;
use super::tables::{IDENTITIES, RAW, REVIEWS, SEEN, SET_ASIDE, WALKS};
use super::{Store, StoreError};
use crate::domain::field::Record as _;
use crate::domain::fold::fold;
use crate::domain::review::{Review, ReviewState};
use crate::domain::stored::{ExcludedRecord, StoredClient};
use crate::domain::{Client, ClientId, ConnectionName, ExternalId, RecordKind};
use crate::store::connection_numbers::number_of;
use crate::store::walks::{chunks_of, read_walks};

/// Records that are searched for a name, of those that were set aside.
const SEARCHED: usize = 5_000;

/// Whether the last complete walk of a connection saw somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Visibility {
    /// No walk has been complete yet.
    NoWalk,
    /// It did.
    Seen,
    /// It did not.
    NotSeen,
}

/// The facts that the store knows of somebody in a CRM.
#[derive(Clone, PartialEq, Debug)]
pub struct ClientLookup {
    /// Whether the last complete walk saw them.
    pub sight: Visibility,
    /// The client, if it was ever in the book.
    pub client: Option<StoredClient>,
    /// Whether it is in the book now.
    pub is_in_book: bool,
    /// The reason why it was set aside, if it was.
    pub set_aside: Option<ExcludedRecord>,
    /// The lists below it that could not be read: what they brought before stays.
    pub lists_aside: Vec<ExcludedRecord>,
    /// The client's place in the review queue, while that keeps it out of the book.
    pub review: Option<Review>,
}

/// The words that somebody looks for.
struct Words(String);

impl Words {
    fn new(words: &str) -> Self {
        Self(fold(words))
    }

    /// Whether all of them stand in a text, in whatever case and with whatever accents; no words stand nowhere.
    fn stand_in(&self, text: &str) -> bool {
        let text = fold(text);
        let mut words = self.0.split(' ').filter(|word| !word.is_empty()).peekable();
        words.peek().is_some() && words.all(|word| text.contains(word))
    }
}

/// The facts that are known of a record, and why it was set aside, if it was.
fn known(transaction: &Snapshot, key: &RecordKey) -> Result<(Option<Identity>, Option<ExcludedRecord>), StoreError> {
    let row = transaction.open_table(IDENTITIES)?.get(key)?;
    let Some(identity) = row.map(|row| Identity::from_row(row.value())) else { return Ok((None, None)) };
    let Some(aside) = identity.set_aside else { return Ok((Some(identity), None)) };
    let aside: AsideKey = join([&PRACTICE.to_be_bytes(), &[u8::from(aside == Exclusion::Quarantined)], &key[4..]]);
    let set_aside = transaction.open_table(SET_ASIDE)?.get(&aside)?;
    Ok((Some(identity), set_aside.map(|aside| decode(aside.value())).transpose()?))
}

impl Store {
    /// The facts that are known of the client with this id in a connection's CRM.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn client_lookup(&self, connection: ConnectionName, id: ExternalId) -> Result<ClientLookup, StoreError> {
        self.read(move |transaction| {
            let nobody = ClientLookup {
                sight: Visibility::NoWalk,
                client: None,
                is_in_book: false,
                set_aside: None,
                lists_aside: Vec::new(),
                review: None,
            };
            let Some(connection) = number_of(transaction, &connection)? else { return Ok(nobody) };
            let external = ExternalKey::from(&id);
            let key = record(connection, RecordKind::Client, external);
            let walks = read_walks(&transaction.open_table(WALKS)?, connection)?;
            let sight = match walks.newest() {
                None => Visibility::NoWalk,
                Some(walk) => {
                    let chunks = chunks_of(&transaction.open_table(SEEN)?, walk, RecordKind::Client)?;
                    let is_seen = lookup(&chunks).holds(u128::from_be_bytes(external.0));
                    if is_seen { Visibility::Seen } else { Visibility::NotSeen }
                }
            };
            let (identity, set_aside) = known(transaction, &key)?;
            let Some(identity) = identity else { return Ok(ClientLookup { sight, ..nobody }) };
            let mut lists_aside = Vec::new();
            for kind in RecordKind::LISTED {
                lists_aside.extend(known(transaction, &record(connection, *kind, external))?.1);
            }
            let client = match identity.client {
                Some(client) => Reader::open(transaction)?.client(ClientId(client))?,
                None => None,
            };
            let review = if identity.is_held {
                review::find(&transaction.open_table(REVIEWS)?, ReviewId::new(connection, external))?
            } else {
                None
            };
            Ok(ClientLookup { sight, client, is_in_book: identity.in_book, set_aside, lists_aside, review })
        })
        .await
    }

    /// Clients whom the review queue keeps out of the book and in whose names, email, mobile or id all these words
    /// stand.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn held_with(
        &self,
        words: String,
        limit: usize,
    ) -> Result<Vec<(ConnectionName, ExternalId)>, StoreError> {
        self.read(move |transaction| {
            let words = Words::new(&words);
            let mut found = Vec::new();
            let reviews = transaction.open_table(REVIEWS)?;
            for state in [ReviewState::Waiting, ReviewState::Ignored] {
                let prefix: [u8; 5] = join([&PRACTICE.to_be_bytes(), &[state as u8]]);
                let (first, last) = span::<{ size_of::<ReviewKey>() }>(&prefix);
                for entry in reviews.scan(&first..=&last)?.take(SEARCHED) {
                    let review: Review = decode(entry?.1.value())?;
                    let client = &review.client;
                    let fields = Client::FIELDS.iter().filter_map(|field| client.text_of(field.name));
                    if words.stand_in(&fields.collect::<Vec<_>>().join(" ")) {
                        found.push((review.connection, review.client.external_id));
                    }
                    if found.len() == limit {
                        return Ok(found);
                    }
                }
            }
            Ok(found)
        })
        .await
    }

    /// Clients that were set aside and in whose raw records all these words stand, whatever the fields are called.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn set_aside_with(
        &self,
        words: String,
        limit: usize,
    ) -> Result<Vec<(ConnectionName, ExternalId)>, StoreError> {
        self.read(move |transaction| {
            let words = Words::new(&words);
            let mut found = Vec::new();
            let (first, last) = span::<{ size_of::<AsideKey>() }>(&PRACTICE.to_be_bytes());
            let (aside, raw) = (transaction.open_table(SET_ASIDE)?, transaction.open_table(RAW)?);
            for entry in aside.scan(&first..=&last)?.take(SEARCHED) {
                let (key, value) = entry?;
                let key = join([&PRACTICE.to_be_bytes(), &key.value()[5..]]);
                let Some(raw) = raw.get(&key)? else { continue };
                let text = unpack(raw.value())?;
                if words.stand_in(&String::from_utf8_lossy(&text)) {
                    let stored: ExcludedRecord = decode(value.value())?;
                    if stored.kind == RecordKind::Client {
                        found.push((stored.connection, stored.external_id));
                    }
                }
                if found.len() == limit {
                    break;
                }
            }
            Ok(found)
        })
        .await
    }
}
