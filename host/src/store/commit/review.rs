//! Keeping clients of a CRM out of the book who look like somebody whom the practice has made, until a person decides.
//!
//! Costs a walk nothing where all clients of the practice are linked: only new clients are looked at, and only where
//! there is anybody to look like.

use super::super::identity::{ContentVersion, Identity, IdentityRow};
use super::super::index::{LookKey, look_spans};
use super::super::keys::{ConnectionNumber, ExternalKey, OwnKey, RecordKey, own, record, uuid_at_end};
use super::super::review::{ReviewId, ReviewKey, find};
use super::super::rows::{decode, encode};
use super::super::tables::{CLIENTS, ClientRecord, IDENTITIES, LOOKS, REVIEWS};
use super::super::{Store, StoreError};
use super::clients::Entries;
use super::linking::{link_all, unlink};
use super::practice::{open_rows, settle};
use crate::domain::household::Change;
use crate::domain::practice_client::Refusal;
use crate::domain::review::{Admission, Decided, Lookalike, Review, ReviewDecision, ReviewState, likeness};
use crate::domain::run::Run;
use crate::domain::{Client, ClientId, RecordKind, Timestamp};
use crate::store::engine::{Readable, Write, WriteTable};

type Reviews<'t> = WriteTable<'t, &'static ReviewKey, &'static [u8]>;

/// What keeps new clients out of the book during a group.
pub(super) struct Reviewing<'t> {
    /// None where nobody can be looked like.
    looks: Option<WriteTable<'t, &'static LookKey, ()>>,
    reviews: Reviews<'t>,
    connection: ConnectionNumber,
    at: Timestamp,
}

/// What becomes of a new client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Comes into the book.
    Enters,
    /// Is kept out of it.
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

/// Why a decision was not kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Undecided {
    /// Nobody with this id is in the queue.
    Unknown,
    /// The client is linked: the link has to be taken back first.
    IsLinked,
    /// The link cannot be made.
    Refused(Refusal),
}

impl Store {
    /// Keeps what a person decided about a client of a CRM, and answers how it stands then.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn decide_review(
        &self,
        id: ReviewId,
        decision: ReviewDecision,
        at: Timestamp,
    ) -> Result<Result<Review, Undecided>, StoreError> {
        self.write_links(move |transaction| decide(transaction, id, decision, at)).await
    }
}

fn decide(
    transaction: &Write,
    id: ReviewId,
    decision: ReviewDecision,
    at: Timestamp,
) -> Result<Result<Review, Undecided>, StoreError> {
    let Some(known) = find(&transaction.open_table(REVIEWS)?, id)? else { return Ok(Err(Undecided::Unknown)) };
    let external_id = known.external_id().clone();
    let refused = match known.clone().decide(decision, at) {
        Decided::Already => return Ok(Ok(known)),
        Decided::IsLinked(client) if decision == ReviewDecision::Wait => unlink(transaction, client, at)?.err(),
        Decided::IsLinked(_) => return Ok(Err(Undecided::IsLinked)),
        Decided::Links(client) => {
            hold(transaction, id, at)?;
            let mut outcomes = link_all(transaction, id.connection, &[(client, external_id)], at)?;
            outcomes.pop().and_then(Result::err)
        }
        Decided::Stands(review) => {
            hold(transaction, id, at)?;
            put(&mut transaction.open_table(REVIEWS)?, id.connection, &review)?;
            return Ok(Ok(*review));
        }
    };
    if let Some(refusal) = refused {
        return Ok(Err(Undecided::Refused(refusal)));
    }
    let review = find(&transaction.open_table(REVIEWS)?, id)?;
    Ok(review.ok_or(Undecided::Unknown))
}

/// Takes a client who was imported out of the book again, and sees to it that the next sync maps the record anew.
fn hold(transaction: &Write, id: ReviewId, at: Timestamp) -> Result<(), StoreError> {
    let mut rows = open_rows(transaction, id.connection, at)?;
    let Some(identity) = rows.get(id.external)? else { return Ok(()) };
    let (was_in_book, named_before) = (identity.in_book, identity.partner);
    let held =
        Identity { in_book: false, is_held: true, partner: None, content_version: ContentVersion::NEVER, ..identity };
    if let Some(client) = held.client.filter(|_| was_in_book)
        && let Some(stored) = transaction.open_table(CLIENTS)?.get(&own(client))?
    {
        let stored: ClientRecord = decode(stored.value())?;
        let mut entries = Entries::default();
        entries.replace((id.connection, id.external, client), Some(&stored.client), None);
        entries.write(transaction)?;
    }
    rows.set(id.external, held);
    if !was_in_book {
        return rows.write_identities();
    }
    let change = Change { person: id.external, named_before, names_now: None, came_or_left: true };
    settle(transaction, rows, &[change], |tallies| tallies.clients -= 1)
}

fn put(reviews: &mut Reviews<'_>, connection: ConnectionNumber, review: &Review) -> Result<(), StoreError> {
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
