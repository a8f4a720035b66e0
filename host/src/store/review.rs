//! The queue of clients of a CRM who look like somebody whom the practice has made. Serves `api` and `web`.

use std::fmt;
use std::str::FromStr;

use super::engine::Readable;
use super::rows::decode;
use super::tables::REVIEWS;
use super::{Store, StoreError};
use crate::domain::practice_client::Refusal;
use crate::domain::review::{Review, ReviewState};
use crate::store::keys::{ConnectionNumber, ExternalKey, PRACTICE, ReviewKey, join, span};
use crate::store::page::{Page, PageRequest, cursor_of};

/// The reason why a decision was not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Undecided {
    /// No client with this id is in the queue.
    Unknown,
    /// The client is linked: the link has to be taken back first.
    IsLinked,
    /// The link cannot be made.
    Refused(Refusal),
}

/// The id of a client in the queue: its connection and its id there, as 36 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReviewId {
    pub(super) connection: ConnectionNumber,
    pub(super) external: ExternalKey,
}

impl ReviewId {
    pub(super) fn new(connection: ConnectionNumber, external: ExternalKey) -> Self {
        Self { connection, external }
    }

    pub(super) fn key(self, state: ReviewState) -> ReviewKey {
        join([&PRACTICE.to_be_bytes(), &[state as u8], &self.connection.0.to_be_bytes(), &self.external.0])
    }

    fn of_key(key: &ReviewKey) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&key[7..]);
        Self { connection: ConnectionNumber(u16::from_be_bytes([key[5], key[6]])), external: ExternalKey(id) }
    }
}

impl fmt::Display for ReviewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.connection.0.to_be_bytes().into_iter().chain(self.external.0);
        bytes.try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is no id of the queue.
#[derive(Debug, thiserror::Error)]
#[error("no id of the review queue")]
pub struct NoReviewId;

impl FromStr for ReviewId {
    type Err = NoReviewId;
    fn from_str(text: &str) -> Result<Self, NoReviewId> {
        let mut bytes = [0; 18];
        if text.len() != 36 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoReviewId);
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| NoReviewId)?;
        }
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[2..]);
        Ok(Self::new(ConnectionNumber(u16::from_be_bytes([bytes[0], bytes[1]])), ExternalKey(id)))
    }
}

impl Store {
    /// The queue: clients of a state, by connection and CRM id.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn reviews(&self, state: ReviewState, page: PageRequest) -> Result<Page<(ReviewId, Review)>, StoreError> {
        let list = format!("review queue {}", state as u8);
        let after = page.text::<ReviewId>(&list)?;
        self.read(move |transaction| {
            let begin: [u8; 5] = join([&PRACTICE.to_be_bytes(), &[state as u8]]);
            let (first, last) = span::<23>(&begin);
            let from = match after.map(|after| after.key(state)) {
                Some(after) => std::ops::Bound::Excluded(after),
                None => std::ops::Bound::Included(first),
            };
            let mut items: Vec<(ReviewId, Review)> = Vec::new();
            let range = (from.as_ref(), std::ops::Bound::Included(&last));
            for entry in transaction.open_table(REVIEWS)?.scan(range)? {
                if items.len() == page.limit() {
                    let next = items.last().map(|(id, _)| cursor_of(&list, id.to_string().as_bytes()));
                    return Ok(Page { items, next });
                }
                let (key, review) = entry?;
                items.push((ReviewId::of_key(key.value()), decode(review.value())?));
            }
            Ok(Page { items, next: None })
        })
        .await
    }

    /// One client of the queue, whatever was decided.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn review(&self, id: ReviewId) -> Result<Option<Review>, StoreError> {
        self.read(move |transaction| find(&transaction.open_table(REVIEWS)?, id)).await
    }

    /// The number of clients who wait, counted up to 1,000.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn waiting_reviews(&self) -> Result<usize, StoreError> {
        self.read(move |transaction| {
            let begin: [u8; 5] = join([&PRACTICE.to_be_bytes(), &[ReviewState::Waiting as u8]]);
            let (first, last) = span::<23>(&begin);
            Ok(transaction.open_table(REVIEWS)?.scan(&first..=&last)?.take(1_000).count())
        })
        .await
    }
}

/// One client of the queue, whatever was decided.
pub(super) fn find(
    reviews: &impl Readable<&'static ReviewKey, &'static [u8]>,
    id: ReviewId,
) -> Result<Option<Review>, StoreError> {
    for state in ReviewState::ALL {
        if let Some(review) = reviews.get(&id.key(state))? {
            return decode(review.value()).map(Some);
        }
    }
    Ok(None)
}
