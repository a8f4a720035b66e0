//! The calls that a note's delivery makes, and what their answers mean for the note and of its site.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::until_seen_to;
use crate::crm::{Connector, CrmError, FoundNote};
use crate::domain::ExternalId;
use crate::domain::breaker::Health;
use crate::domain::note::Note;
use crate::domain::outbox::{Call, Outcome};
use crate::store::Store;

/// The CRM dates notes by its own calendar, which may be a day behind UTC.
const CALENDARS: SignedDuration = SignedDuration::from_hours(24);

/// A marker of this length is ours, also where the CRM cut it: it holds the moment of acceptance, to the millisecond,
/// and random digits.
const SHORTEST_MARKER: usize = 32;

/// Makes a note's call.
pub(super) async fn make(store: &Store, connector: &dyn Connector, note: &Note, call: Call) -> (Outcome, Health) {
    match call {
        Call::Create => match connector.create_note(&note.note, &note.marker).await {
            Ok(document_id) => (Outcome::There { document_id, copies: 1 }, Health::Up),
            Err(error) => failed(&error),
        },
        Call::LookUp => match look_up(connector, note).await {
            Ok(found) => (found.outcome(), Health::Up),
            Err(error) => failed(&error),
        },
        Call::Attach(place) => attach(store, connector, note, place).await,
        Call::ListAttachments => match note.document_id() {
            Some(id) => match connector.attachments_of(id).await {
                Ok(found) => (Outcome::Attachments(found), Health::Up),
                Err(error) => failed(&error),
            },
            None => refused("the note is not in the CRM"),
        },
    }
}

/// What the CRM has of a note.
pub(in crate::notes) struct LookedUp {
    /// The CRM's ids of those that carry its marker or the id that was answered for it.
    pub(in crate::notes) copies: Vec<ExternalId>,
    /// How many without a marker may be it.
    unmarked: usize,
}

impl LookedUp {
    fn outcome(self) -> Outcome {
        let copies = self.copies.len();
        match (self.copies.into_iter().next(), self.unmarked) {
            (Some(document_id), _) => Outcome::There { document_id, copies },
            (None, 0) => Outcome::NotThere,
            (None, unmarked) => Outcome::Unmarked(unmarked),
        }
    }
}

/// Looks for a note among those of every client whom it is filed against: by its marker and the CRM's id alone, because
/// all else the CRM may keep otherwise than it was sent.
///
/// # Errors
/// Where the CRM does not show the notes of one of the clients, unless the note stands among those of another.
pub(in crate::notes) async fn look_up(connector: &dyn Connector, note: &Note) -> Result<LookedUp, CrmError> {
    let (mut copies, mut unmarked) = (BTreeSet::new(), BTreeSet::new());
    let mut failed = None;
    for client in &note.note.filed_against {
        match connector.find_notes(client).await {
            Ok(found) => {
                for one in found {
                    if is_it(note, &one) {
                        copies.insert(one.document_id);
                    } else if may_be_it(note, &one) {
                        unmarked.insert(one.document_id);
                    }
                }
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match failed {
        Some(error) if copies.is_empty() => Err(error),
        _ => Ok(LookedUp { copies: copies.into_iter().collect(), unmarked: unmarked.len() }),
    }
}

fn is_it(note: &Note, found: &FoundNote) -> bool {
    if note.document_id() == Some(&found.document_id) {
        return true;
    }
    let marker = found.marker.as_deref().unwrap_or_default().trim().to_ascii_lowercase();
    note.marker == marker || marker.len() >= SHORTEST_MARKER && note.marker.starts_with(&marker)
}

/// Whether a note that carries no marker may be this one: it is not known to be older.
fn may_be_it(note: &Note, found: &FoundNote) -> bool {
    let first_day = note.accepted_at.saturating_sub(CALENDARS).map(|first| first.to_zoned(TimeZone::UTC).date());
    let is_older = found.made_on.zip(first_day.ok()).is_some_and(|(made_on, first_day)| made_on < first_day);
    found.marker.as_ref().is_none_or(|marker| marker.trim().is_empty()) && !is_older
}

/// Sends the note's document at this place.
async fn attach(store: &Store, connector: &dyn Connector, note: &Note, place: usize) -> (Outcome, Health) {
    let (Some(id), Some(attachment)) = (note.document_id(), note.attachments.get(place)) else {
        return refused("the note has no such document");
    };
    let document = match store.document(attachment.document).await {
        Ok(Some(document)) => document,
        Ok(None) => return refused("the document is not kept here any more"),
        Err(error) => return (Outcome::NotDone { words: error.to_string(), retry_after: None }, Health::Unknown),
    };
    match connector.attach(id, &attachment.filename, &attachment.media_type, &document.content).await {
        Ok(id) => (Outcome::Attached { id }, Health::Up),
        Err(error) => failed(&error),
    }
}

fn refused(words: &str) -> (Outcome, Health) {
    (Outcome::Refused { words: words.to_owned() }, Health::Unknown)
}

/// What a failed call means for the note, and says of the site.
fn failed(error: &CrmError) -> (Outcome, Health) {
    let words = error.to_string();
    match error {
        CrmError::Unauthorised { .. } => (Outcome::Unauthorised { words }, Health::Unknown),
        CrmError::Held { .. } => (Outcome::Held { words: until_seen_to(&words) }, Health::Unknown),
        CrmError::Refused { .. } => (Outcome::Refused { words }, Health::Up),
        CrmError::Throttled { status, retry_after, .. } => {
            let retry_after = retry_after.and_then(|pause| SignedDuration::try_from(pause).ok());
            match *status {
                // A site that says "too many" has not begun; one that says "unavailable" may have.
                429 => (Outcome::NotDone { words, retry_after }, Health::Down(retry_after)),
                502..=504 => (Outcome::Unknown { words, retry_after }, Health::Down(retry_after)),
                // What is in the way of one note says nothing of the others.
                _ => (Outcome::Unknown { words, retry_after }, Health::Up),
            }
        }
        CrmError::Unknown { .. } => (Outcome::Unknown { words, retry_after: None }, Health::Down(None)),
        CrmError::Unreachable { .. } => (Outcome::NotDone { words, retry_after: None }, Health::Down(None)),
        CrmError::Protocol { .. } | CrmError::TooLarge { .. } => {
            (Outcome::NotDone { words, retry_after: None }, Health::Up)
        }
    }
}
