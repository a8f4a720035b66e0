//! Keeping clients of a CRM out of the book who look like somebody whom the practice has made, until a person decides.
//!
//! Costs a walk nothing where all clients of the practice are linked: only new clients are looked at, and only where
//! there is anybody to look like.

use super::super::StoreError;
use super::super::identity::{ContentVersion, Identity};
use super::super::index::look_spans;
use super::super::keys::{
    ConnectionNumber, ExternalKey, LookKey, OwnKey, RecordKey, ReviewKey, own, record, uuid_at_end,
};
use super::super::review::{ReviewId, find};
use super::super::rows::{decode, encode};
use super::super::tables::{ClientRecord, IDENTITIES, IdentityRow, LOOKS, REVIEWS};
use crate::domain::review::{Admission, Lookalike, Review, ReviewState, likeness};
use crate::domain::run::Run;
use crate::domain::{Client, ClientId, RecordKind, Timestamp};
use crate::store::engine::{Readable, Write, WriteTable};

type Reviews<'t> = WriteTable<'t, &'static ReviewKey, &'static [u8]>;

/// The part of a commit that keeps new clients out of the book where they look like one of the practice's.
pub(super) struct Reviewing<'t> {
    /// The entries by which those are found who can be looked like; none where nobody can.
    looks: Option<WriteTable<'t, &'static LookKey, ()>>,
    reviews: Reviews<'t>,
    connection: ConnectionNumber,
    at: Timestamp,
}

/// The verdict on a new client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// The client enters the book.
    Enters,
    /// The client is kept out of the book.
    IsHeld,
}

impl<'t> Reviewing<'t> {
    pub fn open(transaction: &'t Write, connection: ConnectionNumber, at: Timestamp) -> Result<Self, StoreError> {
        let looks = transaction.open_table(LOOKS)?;
        let looks = if looks.is_empty()? { None } else { Some(looks) };
        Ok(Self { looks, reviews: transaction.open_table(REVIEWS)?, connection, at })
    }

    /// Looks at a client whom the book does not have, or who was kept out of it before.
    pub fn look_at(
        &mut self,
        run: &Run,
        clients: &WriteTable<'_, &'static OwnKey, &'static [u8]>,
        client: &Client,
        is_held: bool,
    ) -> Result<Verdict, StoreError> {
        if self.looks.is_none() && !is_held {
            return Ok(Verdict::Enters);
        }
        let key = ExternalKey::from(&client.external_id);
        let known = if is_held { find(&self.reviews, ReviewId::new(self.connection, key))? } else { None };
        let lookalikes = self.lookalikes(clients, client)?;
        let waiting = Review {
            connection: run.connection.clone(),
            client: client.clone(),
            lookalikes,
            state: ReviewState::Waiting,
            linked_to: None,
            run: run.id,
            since: self.at,
            decided_at: None,
        };
        match waiting.admission(known) {
            Admission::Enters => Ok(Verdict::Enters),
            Admission::Leaves => {
                self.reviews.delete(&ReviewId::new(self.connection, key).key(ReviewState::Waiting))?;
                Ok(Verdict::Enters)
            }
            Admission::IsHeld(review) => {
                put(&mut self.reviews, self.connection, &review)?;
                Ok(Verdict::IsHeld)
            }
        }
    }

    fn lookalikes(
        &self,
        clients: &WriteTable<'_, &'static OwnKey, &'static [u8]>,
        client: &Client,
    ) -> Result<Vec<Lookalike>, StoreError> {
        let mut found: Vec<Lookalike> = Vec::new();
        let Some(looks) = &self.looks else { return Ok(found) };
        for (first, last) in look_spans(client) {
            for entry in looks.scan(&first..=&last)? {
                let id = uuid_at_end(entry?.0.value());
                if found.iter().any(|known| known.client_id.0 == id) {
                    continue;
                }
                let Some(stored) = clients.get(&own(id))? else { continue };
                let mut stored: ClientRecord = decode(stored.value())?;
                // The same id in another CRM is somebody else.
                stored.client.partner_external_id.take_if(|_| stored.connection != self.connection);
                let likeness = likeness(&stored.client, client);
                found.extend(likeness.map(|likeness| Lookalike { client_id: ClientId(id), likeness }));
            }
        }
        Ok(found)
    }
}

/// Keeps a client of the queue in its state, and in no other.
pub(super) fn put(reviews: &mut Reviews<'_>, connection: ConnectionNumber, review: &Review) -> Result<(), StoreError> {
    let id = ReviewId::new(connection, ExternalKey::from(review.external_id()));
    for state in ReviewState::ALL.into_iter().filter(|state| *state != review.state) {
        reviews.delete(&id.key(state))?;
    }
    reviews.put(&id.key(review.state), encode(review)?.as_slice())?;
    Ok(())
}

/// A client in the queue was linked.
pub(super) fn linked(
    transaction: &Write,
    connection: ConnectionNumber,
    key: ExternalKey,
    client: ClientId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut reviews = transaction.open_table(REVIEWS)?;
    let Some(review) = find(&reviews, ReviewId::new(connection, key))? else { return Ok(()) };
    let linked = Review { state: ReviewState::Linked, linked_to: Some(client), decided_at: Some(at), ..review };
    put(&mut reviews, connection, &linked)
}

/// A client's link was taken back: the record waits again, where it had waited before.
pub(super) fn unlinked(transaction: &Write, connection: ConnectionNumber, key: ExternalKey) -> Result<(), StoreError> {
    let mut reviews = transaction.open_table(REVIEWS)?;
    let Some(review) = find(&reviews, ReviewId::new(connection, key))? else { return Ok(()) };
    let waiting = Review { state: ReviewState::Waiting, linked_to: None, decided_at: None, ..review };
    put(&mut reviews, connection, &waiting)?;
    drop(reviews);
    let row: RecordKey = record(connection, RecordKind::Client, key);
    let mut identities: WriteTable<'_, &'static RecordKey, &'static IdentityRow> =
        transaction.open_table(IDENTITIES)?;
    let known = identities.get(&row)?.map(|row| Identity::from_row(row.value()));
    let held = Identity { is_held: true, ..known.unwrap_or_else(|| Identity::new(ContentVersion::NEVER)) };
    identities.put(&row, &held.to_row())?;
    Ok(())
}
