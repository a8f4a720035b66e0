//! What a person decides about a client of the review queue.

use super::super::identity::{ContentVersion, Identity};
use super::super::keys::own;
use super::super::review::{ReviewId, Undecided, find};
use super::super::rows::decode;
use super::super::tables::{CLIENTS, ClientRecord, REVIEWS};
use super::super::{Store, StoreError};
use super::entries::Entries;
use super::linking::{link_all, unlink};
use super::local_changes::{open_rows, settle};
use super::review::put;
use crate::domain::Timestamp;
use crate::domain::household::Change;
use crate::domain::review::{Decided, Review, ReviewDecision};
use crate::store::engine::{Readable as _, Write};

impl Store {
    /// Keeps what a person decided about a client of a CRM, and answers how it stands then.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn decide_review(
        &self,
        id: ReviewId,
        decision: ReviewDecision,
        at: Timestamp,
    ) -> Result<Result<Review, Undecided>, StoreError> {
        let decided = self.write_unless_refused(move |transaction| decide(transaction, id, decision, at)).await?;
        if decided.is_ok() {
            self.linked.notify_one();
        }
        Ok(decided)
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
