//! The calls that a note's delivery makes, and what their answers mean for the note and of its site.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::until_seen_to;
use crate::crm::{Connector, CrmError, FoundNote};
use crate::domain::ExternalId;
use crate::domain::breaker::Health;
use crate::domain::note::{Note, NoteState};
use crate::domain::outbox::{Call, Outcome};
use crate::notes::MARKER;
use crate::store::book::PageRequest;
use crate::store::outbox::NoteFilter;
use crate::store::{Store, StoreError};

/// The CRM dates notes by its own calendar, which may be a day behind UTC.
const CALENDARS: SignedDuration = SignedDuration::from_hours(24);

/// A marker of so many letters and digits is ours, also where the CRM cut it: it holds the moment of acceptance, to the
/// millisecond, and random digits.
const SHORTEST_MARKER: usize = 28;

/// Makes a note's call.
pub(super) async fn make(store: &Store, connector: &dyn Connector, note: &Note, call: Call) -> (Outcome, Health) {
    match call {
        Call::Create => match connector.create_note(&note.note, &note.marker).await {
            Ok(document_id) => (Outcome::There { document_id, copies: 1 }, Health::Up),
            Err(error) => failed(&error),
        },
        Call::LookUp => match known(store, note).await {
            Ok(known) => match look_up(connector, note, known.as_ref()).await {
                Ok(found) => (found.outcome(), Health::Up),
                Err(error) => failed(&error),
            },
            Err(error) => not_done(&error),
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

/// The findings of a look-up: what the CRM has of a note.
pub(in crate::notes) struct LookedUp {
    /// The CRM's ids of those that carry its marker or the id that was answered for it.
    pub(in crate::notes) copies: Vec<ExternalId>,
    /// The number of notes without a marker that may be this one.
    unmarked: usize,
    /// A note that the CRM took before and does not list.
    lacks: Option<ExternalId>,
}

impl LookedUp {
    fn outcome(self) -> Outcome {
        let copies = self.copies.len();
        match (self.copies.into_iter().next(), self.lacks, self.unmarked) {
            (Some(document_id), ..) => Outcome::There { document_id, copies },
            (None, Some(known), _) => Outcome::Lacking(known),
            (None, None, 0) => Outcome::NotThere,
            (None, None, unmarked) => Outcome::Unmarked(unmarked),
        }
    }
}

/// The last note that the CRM took for one of this note's clients, by which its lists are judged: whether they are whole,
/// and whether the CRM keeps markers. One that it was seen not to list is none.
async fn known(store: &Store, note: &Note) -> Result<Option<Note>, StoreError> {
    for client in &note.clients {
        let done = NoteFilter {
            client: Some(*client),
            connection: Some(note.connection.clone()),
            ..NoteFilter::in_state(NoteState::Done)
        };
        let last = store.notes(done, PageRequest { cursor: None, limit: 1 }).await?.items.into_iter().next();
        let is_looked_at = |entity: &ExternalId| note.note.filed_against.contains(entity);
        let is_listed = |known: &Note| known.copies.is_none() && known.note.filed_against.iter().any(is_looked_at);
        if let Some(known) = last.filter(is_listed) {
            return Ok(Some(known));
        }
    }
    Ok(None)
}

/// Looks for a note among those of every client whom it is filed against: by its marker and the CRM's id alone, because
/// all else the CRM may keep otherwise than it was sent. `known` is one that has to be among them.
///
/// # Errors
/// Returns an error if the CRM does not show the notes of one of the clients, unless the note is among those of
/// another.
pub(in crate::notes) async fn look_up(
    connector: &dyn Connector,
    note: &Note,
    known: Option<&Note>,
) -> Result<LookedUp, CrmError> {
    let (mut listed, mut failed) = (Vec::new(), None);
    for client in &note.note.filed_against {
        match connector.find_notes(client).await {
            Ok(found) => listed.extend(found),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    let ids = |is_one: &dyn Fn(&FoundNote) -> bool| -> BTreeSet<ExternalId> {
        listed.iter().filter(|found| is_one(found)).map(|found| found.document_id.clone()).collect()
    };
    let copies = ids(&|found| is_it(note, found));
    if let Some(error) = failed.filter(|_| copies.is_empty()) {
        return Err(error);
    }
    let known_as = |known: &Note| listed.iter().find(|found| known.document_id() == Some(&found.document_id));
    // Another host's marker shows as well as one of this host that the CRM keeps them as they are sent.
    let keeps_markers = known.and_then(known_as).zip(known).is_some_and(|(found, known)| is_marked(known, found))
        || listed.iter().any(|found| found.marker.as_deref().is_some_and(is_whole_marker));
    let unmarked = ids(&|found| !is_it(note, found) && may_be_it(note, found, keeps_markers));
    let lacks = known.filter(|known| known_as(known).is_none()).and_then(Note::document_id).cloned();
    Ok(LookedUp { copies: copies.into_iter().collect(), unmarked: unmarked.len(), lacks })
}

fn is_it(note: &Note, found: &FoundNote) -> bool {
    note.last_document_id() == Some(&found.document_id) || is_marked(note, found)
}

/// Whether it carries the note's marker: whole, whatever the CRM put around it, or the beginning of it.
fn is_marked(note: &Note, found: &FoundNote) -> bool {
    let (marker, kept) = (plain(&note.marker), plain(found.marker.as_deref().unwrap_or_default()));
    kept.contains(&marker) || kept.len() >= SHORTEST_MARKER && marker.starts_with(&kept)
}

/// Whether it is the marker of an event of a host, this one or another, as it was sent.
fn is_whole_marker(kept: &str) -> bool {
    kept.strip_prefix(MARKER).is_some_and(|id| uuid::Uuid::try_parse(id).is_ok())
}

/// A marker's letters and digits, in lower case: a CRM may write it in capitals, in braces, or without hyphens.
fn plain(marker: &str) -> String {
    marker.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Whether a note that carries no marker may be this one: it is not known to be older. At a CRM that is not known to keep
/// markers, any other marker is one that the CRM gave.
fn may_be_it(note: &Note, found: &FoundNote, keeps_markers: bool) -> bool {
    let first_day = note.accepted_at.saturating_sub(CALENDARS).map(|first| first.to_zoned(TimeZone::UTC).date());
    let is_older = found.made_on.zip(first_day.ok()).is_some_and(|(made_on, first_day)| made_on < first_day);
    let is_unmarked = found.marker.as_ref().is_none_or(|marker| plain(marker).is_empty());
    (is_unmarked || !keeps_markers) && !is_older
}

/// Sends the note's document at this place.
async fn attach(store: &Store, connector: &dyn Connector, note: &Note, place: usize) -> (Outcome, Health) {
    let (Some(id), Some(attachment)) = (note.document_id(), note.attachments.get(place)) else {
        return refused("the note has no such document");
    };
    let document = match store.document(attachment.document).await {
        Ok(Some(document)) => document,
        Ok(None) => return refused("the document is not kept here any more"),
        Err(error) => return not_done(&error),
    };
    match connector.attach(id, &attachment.filename, &attachment.media_type, &document.content).await {
        Ok(id) => (Outcome::Attached { id }, Health::Up),
        Err(error) => failed(&error),
    }
}

/// The outcome of a call that was not made because the store failed.
fn not_done(error: &StoreError) -> (Outcome, Health) {
    (Outcome::NotDone { message: error.to_string(), retry_after: None }, Health::Unknown)
}

fn refused(message: &str) -> (Outcome, Health) {
    (Outcome::Refused { message: message.to_owned() }, Health::Unknown)
}

/// The outcome that a failed call has for the note, and what it says of the site.
fn failed(error: &CrmError) -> (Outcome, Health) {
    let message = error.to_string();
    match error {
        CrmError::Unauthorised { .. } => (Outcome::Unauthorised { message }, Health::Unknown),
        CrmError::Held { .. } => (Outcome::Held { message: until_seen_to(&message) }, Health::Unknown),
        CrmError::Refused { .. } => (Outcome::Refused { message }, Health::Up),
        CrmError::Throttled { status, retry_after, .. } => {
            let retry_after = retry_after.and_then(|pause| SignedDuration::try_from(pause).ok());
            match *status {
                // A site that says "too many" has not begun; one that says "unavailable" may have.
                429 => (Outcome::NotDone { message, retry_after }, Health::Down(retry_after)),
                502..=504 => (Outcome::Unknown { message, retry_after }, Health::Down(retry_after)),
                // What is in the way of one note says nothing of the others.
                _ => (Outcome::Unknown { message, retry_after }, Health::Up),
            }
        }
        CrmError::Unknown { .. } => (Outcome::Unknown { message, retry_after: None }, Health::Down(None)),
        CrmError::Unreachable { .. } | CrmError::NotReady { .. } => {
            (Outcome::NotDone { message, retry_after: None }, Health::Down(None))
        }
        CrmError::Protocol { .. } | CrmError::TooLarge { .. } => {
            (Outcome::NotDone { message, retry_after: None }, Health::Up)
        }
    }
}
