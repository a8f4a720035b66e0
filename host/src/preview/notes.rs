//! The file notes and documents of the last month, as another revision would write them. Nothing of it is sent or kept.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::made::FieldDifference;
use crate::domain::note::FileNote;
use crate::domain::{ConnectionName, Date, HouseholdId, NoteId, Timestamp};
use crate::pack::{Context, NoteEvent, PackError, Revision};
use crate::store::StoreError;
use crate::store::page::{Page, PageRequest};

/// The days whose notes are written once more.
pub(super) const DAYS: i64 = 31;
/// The notes that are written once more together.
pub(super) const PART: usize = 50;
/// The most documents that are made by both revisions: each takes the typesetter's time twice.
pub(super) const DOCUMENTS: u64 = 40;

/// The events of a connection that became file notes. What they are told of, their households, is as it is now.
#[async_trait]
pub trait PastEvents: Send + Sync {
    /// The events since a moment, the newest first.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    async fn page(
        &self,
        connection: &ConnectionName,
        since: Timestamp,
        page: PageRequest,
    ) -> Result<Page<PastEvent>, StoreError>;

    /// Makes the document of an event by two revisions, and holds one against the other.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    async fn compare_documents(
        &self,
        note: NoteId,
        from: &Arc<Revision>,
        to: &Arc<Revision>,
    ) -> Result<DocumentOutcome, StoreError>;
}

/// An event that became a file note.
#[derive(Clone, Debug)]
pub struct PastEvent {
    /// The note.
    pub note: NoteId,
    /// The household.
    pub household: HouseholdId,
    /// The event's type.
    pub event_type: String,
    /// The moment at which it happened.
    pub occurred_at: Timestamp,
    /// The day of it, where the practice is.
    pub day: Date,
    /// The event as a pack is told it; none where its household is not there any more, or not with the same people.
    pub told: Option<NoteEvent>,
    /// The names of its documents.
    pub documents: Vec<String>,
    /// Whether the host made its document.
    pub has_made_document: bool,
}

/// The outcome of making a document by two revisions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DocumentOutcome {
    /// Both make the same.
    Same,
    /// They make different ones.
    Other,
    /// The revision that would be cannot make it, for this reason.
    Failed(String),
    /// It could not be tried.
    NotCompared,
}

/// The difference that the change would make to one file note of the last month.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NoteDifference {
    /// The note.
    pub note: NoteId,
    /// Its household.
    pub household: HouseholdId,
    /// The type of its event.
    pub event_type: String,
    /// The moment at which that happened.
    pub occurred_at: Timestamp,
    /// The parts of the note that would be others: `note_type`, `note_subtype`, `subject`, `body`, `media_type`,
    /// `filed_against`. None where one of the revisions writes no note.
    pub fields: Vec<FieldDifference>,
    /// The reason why the revision in force would not write it any more; none where it would.
    pub was_refused: Option<String>,
    /// The reason why the other would not write it; none where it would.
    pub refused: Option<String>,
    /// Whether its document would be another.
    pub has_other_document: bool,
    /// The reason why its document could not be made; none where it could.
    pub document_failed: Option<String>,
}

/// The number of file notes of the last month that would read otherwise, and of their documents.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize, ToSchema)]
pub struct NoteChanges {
    /// The notes that were written once more by both revisions.
    pub compared: u64,
    /// Those that would read otherwise.
    pub changed: u64,
    /// Those that would not be written any more.
    pub newly_refused: u64,
    /// Those that would be written, and would not be now.
    pub newly_accepted: u64,
    /// Those whose household is not there any more, or not with the same people.
    pub not_compared: u64,
    /// The documents that were made by both: only where the templates of documents differ.
    pub documents_compared: u64,
    /// Those that would look otherwise.
    pub documents_changed: u64,
    /// Those that could not be made any more.
    pub documents_failed: u64,
    /// Those that were not tried: more than forty, or their household is not there any more.
    pub documents_not_compared: u64,
}

impl NoteChanges {
    /// The number of notes and documents that could not be made any more.
    pub fn refused(&self) -> u64 {
        self.newly_refused + self.documents_failed
    }

    /// Whether every note and document was compared, and none would be another.
    pub fn is_empty(&self) -> bool {
        let Self { compared, documents_compared, .. } = *self;
        *self == Self { compared, documents_compared, ..Self::default() }
    }

    /// Counts what was found of one note.
    pub(super) fn add(&mut self, one: &NoteDifference) {
        match (&one.was_refused, &one.refused) {
            (None, Some(_)) => self.newly_refused += 1,
            (Some(_), None) => self.newly_accepted += 1,
            _ => self.changed += u64::from(!one.fields.is_empty()),
        }
    }

    /// Counts what was found of one document, and notes it.
    pub(super) fn add_document(&mut self, outcome: DocumentOutcome, one: &mut NoteDifference) {
        match outcome {
            DocumentOutcome::NotCompared => return self.documents_not_compared += 1,
            DocumentOutcome::Same => {}
            DocumentOutcome::Other => {
                self.documents_changed += 1;
                one.has_other_document = true;
            }
            DocumentOutcome::Failed(reason) => {
                self.documents_failed += 1;
                one.document_failed = Some(reason);
            }
        }
        self.documents_compared += 1;
    }
}

impl NoteDifference {
    /// Nothing differs yet.
    pub(super) fn of(event: &PastEvent) -> Self {
        Self {
            note: event.note,
            household: event.household,
            event_type: event.event_type.clone(),
            occurred_at: event.occurred_at,
            fields: Vec::new(),
            was_refused: None,
            refused: None,
            has_other_document: false,
            document_failed: None,
        }
    }

    /// Whether anything differs.
    pub(super) fn is_one(&self) -> bool {
        !self.fields.is_empty()
            || self.was_refused.is_some() != self.refused.is_some()
            || self.has_other_document
            || self.document_failed.is_some()
    }
}

/// A revision, and what holds for its mapping.
pub(super) type Side = (Arc<Revision>, Context);

/// Writes the note of an event by both revisions, and holds one against the other. Blocks the thread.
pub(super) fn compare((from, to): (&Side, &Side), event: &PastEvent, told: &NoteEvent) -> NoteDifference {
    let mut difference = NoteDifference::of(event);
    match (written(from, event, told), written(to, event, told)) {
        (Ok(before), Ok(after)) => difference.fields = differing(&before, &after),
        (before, after) => {
            difference.was_refused = before.err();
            difference.refused = after.err();
        }
    }
    difference
}

/// The note, or the reason why there is none.
fn written((revision, context): &Side, event: &PastEvent, told: &NoteEvent) -> Result<FileNote, String> {
    let Some(event_type) = revision.events().get(&event.event_type) else {
        return Err(format!("the pack `{}` has no event `{}`", revision.pack(), event.event_type));
    };
    let data = serde_json::from_str(&told.data).map_err(|error| format!("its data are not JSON: {error}"))?;
    let misfits = event_type.data_errors(&data);
    if !misfits.is_empty() {
        let misfits: Vec<String> = misfits.iter().map(|one| format!("{} {}", one.field, one.message)).collect();
        return Err(format!("its data would not be taken: {}", misfits.join("; ")));
    }
    let context = Context { as_of: event.day, ..context.clone() };
    let names: Vec<&str> = event.documents.iter().map(String::as_str).collect();
    let (note, attached) = revision.render_note(&context, told, &names).map_err(|error| match error {
        PackError::NotRendered(reasons) => reasons.into_iter().map(|one| one.message).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    })?;
    match names.iter().find(|name| !attached.iter().any(|attached| attached == *name)) {
        Some(_) => Err("its document would not go with it".to_owned()),
        None => Ok(note),
    }
}

fn differing(before: &FileNote, after: &FileNote) -> Vec<FieldDifference> {
    let against = |note: &FileNote| note.filed_against.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(", ");
    let text = |text: &str| Some(text.to_owned());
    let parts = [
        ("note_type", text(&before.note_type), text(&after.note_type)),
        ("note_subtype", before.note_subtype.clone(), after.note_subtype.clone()),
        ("subject", text(&before.subject), text(&after.subject)),
        ("body", text(&before.body), text(&after.body)),
        ("media_type", text(&before.media_type), text(&after.media_type)),
        ("filed_against", Some(against(before)), Some(against(after))),
    ];
    let others = parts.into_iter().filter(|(_, from, to)| from != to);
    others.map(|(field, from, to)| FieldDifference { field: field.to_owned(), item: None, from, to }).collect()
}
