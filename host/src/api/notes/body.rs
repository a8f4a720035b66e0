//! A file note as it is answered.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::schema;
use crate::domain::note::{Attachment, Attempt, FileNote, Note, NoteState, Stage};
use crate::domain::{
    ClientId, ConnectionName, DocumentId, EventId, ExternalId, HouseholdId, NoteId, RevisionId, Timestamp,
};

/// A file note on its way to the CRM.
#[derive(Serialize, ToSchema)]
#[schema(as = Note)]
pub struct NoteBody {
    /// The note's id.
    #[schema(value_type = String, format = Uuid)]
    id: NoteId,
    /// The state of the note: `dead` waits for a person, `waiting` for its next try.
    #[schema(schema_with = schema::note_state)]
    state: NoteState,
    /// The stage that the note has reached, finer than the state.
    #[schema(schema_with = schema::note_stage)]
    stage: Stage,
    /// The event it renders.
    #[schema(value_type = String, format = Uuid)]
    event_id: EventId,
    /// The event's type.
    event_type: String,
    /// What the pack called that type when the event was accepted; null for notes of before packs declared their events.
    #[schema(required, example = "Annual review completed")]
    event_label: Option<String>,
    /// The household that the note is about.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The connection it goes out by.
    #[schema(value_type = String)]
    connection: ConnectionName,
    /// The pack's revision that wrote it.
    #[schema(value_type = String)]
    revision: RevisionId,
    /// The CRM's type of note.
    note_type: String,
    /// The CRM's subtype.
    #[schema(required)]
    note_subtype: Option<String>,
    /// The subject, one line.
    subject: String,
    /// The text.
    body: String,
    /// `text/plain` or `text/html`.
    media_type: String,
    /// The CRM's ids of the clients it is filed against; those who are not linked to the CRM yet are not among them.
    #[schema(value_type = Vec<String>)]
    filed_against: Vec<ExternalId>,
    /// The documents that go with it, in order.
    attachments: Vec<AttachmentBody>,
    /// The marker that the CRM's note carries.
    marker: String,
    /// The CRM's id of the note, once it is there.
    #[schema(required, value_type = Option<String>)]
    document_id: Option<ExternalId>,
    /// The moment at which the event was accepted.
    #[schema(value_type = String, format = DateTime)]
    accepted_at: Timestamp,
    /// The moment at which the next try is due; null when done or dead.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    /// The moment at which the note was done.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    done_at: Option<Timestamp>,
    /// The reason why it waits or died, with the CRM's own words.
    #[schema(required)]
    reason: Option<String>,
    /// The number of notes with its marker that the CRM was last seen to have, where that is not one: of several,
    /// somebody has to remove all but one there; of 0, somebody has to say what became of it.
    #[schema(required)]
    copies: Option<usize>,
    /// The practice's clients whom it is filed against.
    #[schema(value_type = Vec<String>)]
    client_ids: Vec<ClientId>,
    /// Tries so far, oldest first; the newest 50 are kept.
    attempts: Vec<AttemptBody>,
}

/// A document on its way to the CRM with its note.
#[derive(Serialize, ToSchema)]
#[schema(as = Attachment)]
pub struct AttachmentBody {
    /// The document.
    #[schema(value_type = String)]
    document: DocumentId,
    /// The name of the file in the CRM.
    filename: String,
    /// `application/pdf`.
    media_type: String,
    /// The size in bytes.
    size: u64,
    /// Characters that no font here has, each of which stands in it as U+FFFD; empty where all is well.
    replaced_characters: String,
    /// The CRM's id of it, once it is there.
    #[schema(required, value_type = Option<String>)]
    attached_as: Option<ExternalId>,
}

impl From<Attachment> for AttachmentBody {
    fn from(Attachment { document, filename, media_type, size, replaced, attached_as }: Attachment) -> Self {
        Self { document, filename, media_type, size, replaced_characters: replaced, attached_as }
    }
}

/// One try to deliver.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptBody {
    /// The moment at which the attempt began.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The time that it took, in milliseconds.
    took_ms: u64,
    /// The outcome of the attempt.
    outcome: String,
}

impl From<Attempt> for AttemptBody {
    fn from(Attempt { at, took_ms, outcome }: Attempt) -> Self {
        Self { at, took_ms, outcome }
    }
}

impl From<Note> for NoteBody {
    fn from(note: Note) -> Self {
        let (stage, document_id) = (note.stage(), note.document_id().cloned());
        let FileNote { note_type, note_subtype, subject, body, media_type, filed_against } = note.note;
        Self {
            id: note.id,
            state: note.state,
            stage,
            event_id: note.event_id,
            event_type: note.event_type,
            event_label: Some(note.event_label).filter(|label| !label.is_empty()),
            household_id: note.household_id,
            connection: note.connection,
            revision: note.revision,
            note_type,
            note_subtype,
            subject,
            body,
            media_type,
            filed_against: filed_against.into_iter().filter(|id| id.in_crm().is_some()).collect(),
            attachments: note.attachments.into_iter().map(AttachmentBody::from).collect(),
            marker: note.marker,
            document_id,
            accepted_at: note.accepted_at,
            due_at: note.due_at,
            done_at: note.done_at,
            reason: note.reason,
            copies: note.copies,
            client_ids: note.clients,
            attempts: note.attempts.into_iter().map(AttemptBody::from).collect(),
        }
    }
}
