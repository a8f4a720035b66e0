//! Lists of notes, newest first, each filter read in an index.

use std::collections::BTreeSet;
use std::iter;

use uuid::Uuid;

use super::lanes;
use super::tables::{self, BY_DOCUMENT, BY_OWNER, BY_STATE, Id, NOTES, RAISED, Raised};
use crate::domain::note::{Note, NoteState, Stage};
use crate::domain::{ClientId, ConnectionName, DocumentId, ExternalId, HouseholdId, NoteId};
use crate::store::engine::Snapshot;
use crate::store::household_access::{Visible, resolved};
use crate::store::keys::PRACTICE;
use crate::store::page::{Page, PageRequest, cursor_of};
use crate::store::reader::Reader;
use crate::store::tables::HOUSEHOLDS;
use crate::store::{Store, StoreError, documents};

/// The list's name, in its cursors.
const LIST: &str = "notes";

/// The most records that a filter without an index of its own looks at for one page.
pub(super) const LOOKED_AT: usize = 5_000;

/// The number of raised notes up to which they are counted; more are as many for whoever has to see to them.
const MOST_COUNTED: usize = 100;

/// The choice of notes in a list; what is none filters nothing.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct NoteFilter {
    /// The state of the notes.
    pub state: Option<NoteState>,
    /// The stage of the notes.
    pub stage: Option<Stage>,
    /// The connection of the notes.
    pub connection: Option<ConnectionName>,
    /// The type of event that the notes are of.
    pub event_type: Option<String>,
    /// The household that the notes are about.
    pub household: Option<HouseholdId>,
    /// The client whom the notes are filed against.
    pub client: Option<ClientId>,
    /// The id of the note in the CRM.
    pub document: Option<ExternalId>,
    /// The reason for which the notes are raised.
    pub raised: Option<Raised>,
    /// The households that whoever asks sees.
    pub visible: Visible,
}

impl NoteFilter {
    /// Notes in a state.
    pub fn in_state(state: NoteState) -> Self {
        Self { state: Some(state), ..Self::default() }
    }

    pub(super) fn admits(&self, note: &Note) -> bool {
        self.state.is_none_or(|state| note.state == state)
            && self.stage.is_none_or(|stage| note.stage() == stage)
            && self.connection.as_ref().is_none_or(|connection| note.connection == *connection)
            && self.event_type.as_ref().is_none_or(|event_type| note.event_type == *event_type)
            && self.document.as_ref().is_none_or(|document| note.document_id() == Some(document))
            && self.household.is_none_or(|household| note.household_id == household)
            && self.client.is_none_or(|client| note.clients.contains(&client))
            && self.raised.is_none_or(|raised| Raised::of(note) == Some(raised))
    }

    /// The states that the notes of the filter can have; none: any.
    fn one_state(&self) -> Option<NoteState> {
        self.state.or(match self.stage? {
            Stage::Done => Some(NoteState::Done),
            Stage::Dead | Stage::InDoubt | Stage::Discarded => Some(NoteState::Dead),
            _ => None,
        })
    }
}

impl Store {
    /// Notes, newest first.
    ///
    /// # Errors
    /// Returns an error if the store fails or the cursor is not one of its own.
    pub async fn notes(&self, filter: NoteFilter, page: PageRequest) -> Result<Page<Note>, StoreError> {
        let before = page.text::<Uuid>(LIST)?.map_or([0xff; 16], Uuid::into_bytes);
        self.read(move |transaction| list(transaction, &filter, before, page.limit())).await
    }

    /// Whether a document went, or goes, with a note about one of the households that somebody sees.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn has_note_with(&self, visible: Visible, document: DocumentId) -> Result<bool, StoreError> {
        self.read(move |transaction| {
            let (notes, households) = (transaction.open_table(NOTES)?, transaction.open_table(HOUSEHOLDS)?);
            for id in documents::notes_with(transaction, document)? {
                let Some(note) = tables::note(&notes, id?)? else { continue };
                if resolved(&households, note.household_id)?.is_some_and(|now| visible.has(now)) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }

    /// The households whose document it is, each once: those of all notes which it went with. None of one that went with no note.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn households_of_document(&self, document: DocumentId) -> Result<Vec<HouseholdId>, StoreError> {
        self.read(move |transaction| {
            let (notes, mut found) = (transaction.open_table(NOTES)?, BTreeSet::new());
            for id in documents::notes_with(transaction, document)? {
                found.extend(tables::note(&notes, id?)?.map(|note| note.household_id));
            }
            Ok(found.into_iter().collect())
        })
        .await
    }

    /// The number of notes that are raised for something, up to a hundred, and whether there are more.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn raised_notes(&self, raised: Raised) -> Result<(usize, bool), StoreError> {
        self.read(move |transaction| {
            let raised = raised as u8;
            let range = transaction.open_table(RAISED)?;
            let range = range.scan((PRACTICE, raised, [0; 16])..=(PRACTICE, raised, [0xff; 16]))?;
            let count = range.take(MOST_COUNTED + 1).count();
            Ok((count.min(MOST_COUNTED), count > MOST_COUNTED))
        })
        .await
    }

    /// The number of open notes that wait behind this one, and the one that it waits for itself.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn note_lanes(&self, note: Note) -> Result<(usize, Option<NoteId>), StoreError> {
        self.read(move |transaction| Ok((lanes::behind(transaction, &note)?, lanes::ahead(transaction, &note)?))).await
    }
}

fn list(transaction: &Snapshot, filter: &NoteFilter, before: Id, limit: usize) -> Result<Page<Note>, StoreError> {
    let notes = transaction.open_table(NOTES)?;
    let (mut items, mut last) = (Vec::new(), None);
    for (looked_at, id) in ids(transaction, filter, before)?.enumerate() {
        let id = id?;
        if items.len() == limit || looked_at == LOOKED_AT {
            return Ok(Page { items, next: last.map(|id: Uuid| cursor_of(LIST, id.to_string().as_bytes())) });
        }
        let id = Uuid::from_bytes(id);
        items.extend(tables::note(&notes, NoteId(id))?.filter(|note| filter.admits(note)));
        last = Some(id);
    }
    Ok(Page { items, next: None })
}

type Ids = Box<dyn Iterator<Item = Result<Id, StoreError>>>;

/// The ids below `before` that an index has for the filter, the newest first. For those who see some households only, they
/// are ids of notes about these, so that no cursor names another one.
pub(super) fn ids(transaction: &Snapshot, filter: &NoteFilter, before: Id) -> Result<Ids, StoreError> {
    if let Some(households) = filter.visible.some() {
        let seen = seen_ids(transaction, &filter.visible, &households, before)?;
        return Ok(Box::new(seen.into_iter().rev().map(Ok)));
    }
    if let Some(document) = &filter.document {
        let table = transaction.open_table(BY_DOCUMENT)?;
        let range = table.scan_back((PRACTICE, document.as_str(), [0; 16])..(PRACTICE, document.as_str(), before))?;
        return Ok(Box::new(range.map(|entry| Ok(entry?.0.value().2))));
    }
    let refiling = (filter.stage == Some(Stage::WaitingForRefiling)).then_some(Raised::Refiling);
    if let Some(raised) = filter.raised.or(refiling).map(|raised| raised as u8) {
        let range =
            transaction.open_table(RAISED)?.scan_back((PRACTICE, raised, [0; 16])..(PRACTICE, raised, before))?;
        return Ok(Box::new(range.map(|entry| Ok(entry?.0.value().2))));
    }
    let owner = filter.client.map(|client| client.0).or(filter.household.map(|household| household.0));
    if let Some(owner) = owner.map(Uuid::into_bytes) {
        let table = transaction.open_table(BY_OWNER)?;
        let range = table.scan_back((PRACTICE, owner, [0; 16])..(PRACTICE, owner, before))?;
        return Ok(Box::new(range.map(|entry| Ok(entry?.0.value().2))));
    }
    if let Some(state) = filter.one_state().map(tables::state_key) {
        let table = transaction.open_table(BY_STATE)?;
        let range = table.scan_back((PRACTICE, state, [0; 16])..(PRACTICE, state, before))?;
        return Ok(Box::new(range.map(|entry| Ok(entry?.0.value().2))));
    }
    let table = transaction.open_table(NOTES)?;
    let range = table.scan_back((PRACTICE, [0; 16])..(PRACTICE, before))?;
    Ok(Box::new(range.map(|entry| Ok(entry?.0.value().1))))
}

/// The ids below `before` of the notes about some households, and about those that were merged into them.
fn seen_ids(
    transaction: &Snapshot,
    visible: &Visible,
    households: &[HouseholdId],
    before: Id,
) -> Result<BTreeSet<Id>, StoreError> {
    let reader = Reader::open(transaction)?;
    let (by_owner, notes) = (transaction.open_table(BY_OWNER)?, transaction.open_table(NOTES)?);
    let mut ids = BTreeSet::new();
    for household in households {
        // A household that was merged into this one is found by its people.
        let members = reader.members(*household)?;
        for (owner, is_client) in iter::once((household.0, false)).chain(members.iter().map(|client| (client.0, true)))
        {
            let owner = owner.into_bytes();
            for entry in by_owner.scan((PRACTICE, owner, [0; 16])..(PRACTICE, owner, before))? {
                let id = entry?.0.value().2;
                if !is_client || ids.contains(&id) {
                    ids.insert(id);
                    continue;
                }
                let Some(note) = tables::note(&notes, NoteId(Uuid::from_bytes(id)))? else { continue };
                if resolved(&reader.households, note.household_id)?.is_some_and(|now| visible.has(now)) {
                    ids.insert(id);
                }
            }
        }
    }
    Ok(ids)
}
