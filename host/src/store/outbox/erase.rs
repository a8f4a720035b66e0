//! Taking a person's notes away, with their events and documents. What others are part of stays with them.

use std::collections::BTreeSet;

use serde::Deserialize;
use uuid::Uuid;

use super::tables::{self, BY_OWNER, BY_STATE, EVENTS, Id, KEYS, LATEST, NOTES, SHARED_BEFORE};
use super::{lanes, latest};
use crate::domain::note::{Attachment, DeliveryStep, Event, Note, NoteState};
use crate::domain::privacy::ErasureCounts;
use crate::domain::{ClientId, DocumentId, HouseholdId, NoteId};
use crate::store::StoreError;
use crate::store::documents;
use crate::store::engine::{Readable as _, Write};
use crate::store::keys::{ExternalKey, PRACTICE};
use crate::store::subject::Subject;
use crate::store::subject_keys;

/// The reason why a note that was not sent never is.
const ENDED: &str = "One of the clients whom it was filed against was erased before it was sent. It is not sent.";

/// The household in which a client is, where they still are.
type HomeOf<'a> = dyn Fn(ClientId) -> Result<Option<HouseholdId>, StoreError> + 'a;

/// The documents of a note, of all that it has.
#[derive(Deserialize)]
struct Carried {
    attachments: Vec<Attachment>,
}

/// Whether a note of a client is being sent at this moment.
pub(in crate::store) fn is_sending(transaction: &Write, client: ClientId) -> Result<bool, StoreError> {
    let notes = transaction.open_table(NOTES)?;
    for id in of_owner(transaction, client.0)? {
        if tables::note(&notes, id)?.is_some_and(|note| note.state == NoteState::Sending) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Takes the notes of a client away, and those of a household that nobody is left in. A note that is somebody else's too
/// stays with that one, in the household in which that one is; where it was not sent, it is ended.
pub(in crate::store) fn erase(
    transaction: &Write,
    (client, crm_id): (ClientId, ExternalKey),
    (emptied, home_of): (&[HouseholdId], &HomeOf<'_>),
    counts: &mut ErasureCounts,
) -> Result<(), StoreError> {
    let mut ids = of_owner(transaction, client.0)?;
    for household in emptied {
        ids.extend(of_owner(transaction, household.0)?);
    }
    let (mut removed, mut events, mut carried, mut shared) =
        (BTreeSet::new(), Vec::new(), BTreeSet::new(), BTreeSet::new());
    for id in ids {
        let Some(note) = tables::note(&transaction.open_table(NOTES)?, id)? else { continue };
        if note.clients.iter().any(|other| *other != client) {
            if note.clients.contains(&client) {
                leave(transaction, &note, (client, crm_id), counts)?;
                shared.extend(note.attachments.iter().map(|attached| attached.document));
            }
            if emptied.contains(&note.household_id) {
                move_home(transaction, note.id, home_of)?;
            }
            continue;
        }
        count(&note, counts);
        carried.extend(note.attachments.iter().map(|attached| attached.document));
        let event = transaction
            .open_table(EVENTS)?
            .get((PRACTICE, note.event_id.0.into_bytes()))?
            .map(|row| tables::decode(row.value()));
        if let Some(event) = event.transpose()? {
            let event: Event = event;
            carried.extend(event.attachments.iter().copied());
            events.push(event);
        }
        remove(transaction, &note)?;
        removed.insert(note.id.0.into_bytes());
    }
    forget_keys(transaction, &removed)?;
    forget_latest(transaction, client, emptied, &events)?;
    shared.extend(carried.iter().copied());
    let removed = remove_documents(transaction, carried)?;
    counts.documents += removed;
    counts.shared_documents += (shared.len() as u64).saturating_sub(removed);
    Ok(())
}

/// The notes of a client or household.
fn of_owner(transaction: &Write, owner: Uuid) -> Result<BTreeSet<NoteId>, StoreError> {
    let owner = owner.into_bytes();
    let table = transaction.open_table(BY_OWNER)?;
    let range = table.scan((PRACTICE, owner, [0; 16])..=(PRACTICE, owner, [0xff; 16]))?;
    range.map(|entry| Ok(NoteId(Uuid::from_bytes(entry?.0.value().2)))).collect()
}

fn count(note: &Note, counts: &mut ErasureCounts) {
    counts.notes += 1;
    match note.step {
        DeliveryStep::Created { .. } | DeliveryStep::Attaching { .. } => counts.notes_in_crm += 1,
        DeliveryStep::Creating { .. } => counts.notes_in_doubt += 1,
        DeliveryStep::Accepted => counts.notes_not_sent += 1,
    }
}

/// A note without the CRM's next steps: nothing of it is due any more, and nothing finds it by the CRM's id.
fn ended(note: &Note) -> Note {
    Note { state: NoteState::Dead, discarded: true, due_at: None, awaits: None, said_absent: None, ..note.clone() }
}

/// Takes a client out of a note that is somebody else's too.
fn leave(
    transaction: &Write,
    before: &Note,
    (client, crm_id): (ClientId, ExternalKey),
    counts: &mut ErasureCounts,
) -> Result<(), StoreError> {
    counts.shared_notes += 1;
    let mut note = before.clone();
    if !matches!(note.state, NoteState::Done | NoteState::Dead) {
        counts.shared_notes_ended += 1;
        note = Note { reason: Some(ENDED.to_owned()), ..ended(&note) };
    }
    note.clients.retain(|other| *other != client);
    note.note.filed_against.retain(|other| ExternalKey::from(other) != crm_id);
    // It may name the one who was erased for as long as it is kept.
    transaction.open_table(SHARED_BEFORE)?.put((PRACTICE, note.id.0.into_bytes()), ())?;
    lanes::put(transaction, Some(before), &note)
}

/// Keeps a note of a household that nobody is left in with the household of those whose note it is still.
fn move_home(transaction: &Write, id: NoteId, home_of: &HomeOf<'_>) -> Result<(), StoreError> {
    let Some(before) = tables::note(&transaction.open_table(NOTES)?, id)? else { return Ok(()) };
    for client in &before.clients {
        if let Some(household_id) = home_of(*client)? {
            return lanes::put(transaction, Some(&before), &Note { household_id, ..before.clone() });
        }
    }
    Ok(())
}

/// Removes a note from its table, its lanes and its indexes, with its event.
fn remove(transaction: &Write, before: &Note) -> Result<(), StoreError> {
    let id = before.id.0.into_bytes();
    let last = Note { clients: Vec::new(), step: DeliveryStep::Accepted, ..ended(before) };
    lanes::put(transaction, Some(before), &last)?;
    transaction.open_table(BY_STATE)?.delete((PRACTICE, tables::state_key(last.state), id))?;
    transaction.open_table(BY_OWNER)?.delete((PRACTICE, last.household_id.0.into_bytes(), id))?;
    transaction.open_table(NOTES)?.delete((PRACTICE, id))?;
    transaction.open_table(SHARED_BEFORE)?.delete((PRACTICE, id))?;
    transaction.open_table(EVENTS)?.delete((PRACTICE, before.event_id.0.into_bytes()))?;
    for attached in &before.attachments {
        documents::forget_note(transaction, attached.document, before.id)?;
    }
    subject_keys::forget(transaction, [Subject::note(id)])
}

/// Forgets the senders' keys of notes. They are few enough to be looked through.
fn forget_keys(transaction: &Write, removed: &BTreeSet<Id>) -> Result<(), StoreError> {
    if removed.is_empty() {
        return Ok(());
    }
    let mut keys = transaction.open_table(KEYS)?;
    let mut of_them = Vec::with_capacity(removed.len());
    for entry in keys.scan((PRACTICE, "")..(PRACTICE + 1, ""))? {
        let (key, value) = entry?;
        if removed.contains(&value.value().1) {
            of_them.push(key.value().1.to_owned());
        }
    }
    for key in of_them {
        keys.delete((PRACTICE, key.as_str()))?;
    }
    Ok(())
}

/// Forgets the latest events of households where they are of the client, or of a household that nobody is left in. Those before
/// them, of others, are the latest then.
fn forget_latest(
    transaction: &Write,
    client: ClientId,
    emptied: &[HouseholdId],
    events: &[Event],
) -> Result<(), StoreError> {
    let mut latest = transaction.open_table(LATEST)?;
    let mut theirs = Vec::new();
    for entry in latest.scan((PRACTICE, [0; 16], "")..(PRACTICE + 1, [0; 16], ""))? {
        let (key, row) = entry?;
        let (_, household, event_type) = key.value();
        let event: Event = tables::decode(row.value())?;
        let is_theirs = event.client_id == Some(client)
            || emptied.iter().any(|emptied| emptied.0.into_bytes() == household)
            || events.contains(&event);
        if is_theirs {
            theirs.push((household, event_type.to_owned()));
        }
    }
    for (household, event_type) in &theirs {
        latest.delete((PRACTICE, *household, event_type.as_str()))?;
    }
    drop(latest);
    theirs.retain(|(household, _)| emptied.iter().all(|emptied| emptied.0.into_bytes() != *household));
    if theirs.is_empty() {
        return Ok(());
    }
    let is_of = |event: &Event, (household, event_type): &(Id, String)| {
        event.household_id.0.into_bytes() == *household && event.event_type == *event_type
    };
    latest::make_anew(transaction, |event| theirs.iter().any(|of| is_of(event, of)))
}

/// Removes those documents that no note names any more; answers how many.
fn remove_documents(transaction: &Write, mut carried: BTreeSet<DocumentId>) -> Result<u64, StoreError> {
    if carried.is_empty() {
        return Ok(0);
    }
    for entry in transaction.open_table(NOTES)?.scan((PRACTICE, [0; 16])..=(PRACTICE, [0xff; 16]))? {
        let note: Carried = tables::decode(entry?.1.value())?;
        carried.retain(|document| note.attachments.iter().all(|attached| attached.document != *document));
    }
    let mut removed = 0;
    for document in carried {
        removed += u64::from(documents::remove(transaction, document)?);
    }
    Ok(removed)
}
