//! The calls that a note's delivery makes, and what their answers mean for the note and of its site.

use jiff::SignedDuration;

use super::until_seen_to;
use crate::crm::{Connector, CrmError, FoundNote};
use crate::domain::breaker::Health;
use crate::domain::note::Note;
use crate::domain::outbox::{Call, Outcome};
use crate::store::Store;

/// Makes a note's call.
pub(super) async fn make(store: &Store, connector: &dyn Connector, note: &Note, call: Call) -> (Outcome, Health) {
    match call {
        Call::Create => match connector.create_note(&note.note, &note.marker).await {
            Ok(document_id) => (Outcome::There { document_id, copies: 1 }, Health::Up),
            Err(error) => failed(&error),
        },
        Call::LookUp => match copies(connector, note).await {
            Ok(found) => (looked_up(found), Health::Up),
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

/// The notes in the CRM that carry the note's marker.
///
/// # Errors
/// As the CRM answers.
pub(in crate::notes) async fn copies(connector: &dyn Connector, note: &Note) -> Result<Vec<FoundNote>, CrmError> {
    let Some(entity) = note.note.filed_against.first() else { return Ok(Vec::new()) };
    let mut found = connector.find_notes(entity, &note.note.subject, note.accepted_at).await?;
    found.retain(|found| found.marker.as_ref() == Some(&note.marker));
    Ok(found)
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

/// What a look-up found.
fn looked_up(found: Vec<FoundNote>) -> Outcome {
    let copies = found.len();
    match found.into_iter().next() {
        Some(first) => Outcome::There { document_id: first.document_id, copies },
        None => Outcome::NotThere,
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
            let outcome = match *status {
                // A site that says "too many" has not begun; one that says "unavailable" may have.
                429 => Outcome::NotDone { words, retry_after },
                _ => Outcome::Unknown { words, retry_after },
            };
            (outcome, Health::Down(retry_after))
        }
        CrmError::Unknown { .. } => (Outcome::Unknown { words, retry_after: None }, Health::Down(None)),
        CrmError::Unreachable { .. } => (Outcome::NotDone { words, retry_after: None }, Health::Down(None)),
        CrmError::Protocol { .. } | CrmError::TooLarge { .. } => {
            (Outcome::NotDone { words, retry_after: None }, Health::Up)
        }
    }
}
