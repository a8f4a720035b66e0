//! Events of the practice and the file notes they become.

use serde::{Deserialize, Serialize};

use crate::ids::{ClientId, ConnectionName, DocumentId, EventId, ExternalId, HouseholdId, NoteId, RevisionId};
use crate::value::Timestamp;

/// Something that happened in the practice, as a program or a page reports it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// The type, as the pack declares it: `annual-review.completed`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The household it is about.
    pub household_id: HouseholdId,
    /// The one client of the household it is about, where it is about one.
    pub client_id: Option<ClientId>,
    /// The moment at which the event happened.
    pub occurred_at: Timestamp,
    /// The event's own data, in the shape that its type demands.
    pub data: serde_json::Value,
    /// Documents that go with its note, in order; each is kept here already.
    pub attachments: Vec<DocumentId>,
}

/// A file note as it is written to the CRM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileNote {
    /// The CRM's type of note.
    pub note_type: String,
    /// The CRM's subtype: `General`.
    pub note_subtype: Option<String>,
    /// The subject, one line.
    pub subject: String,
    /// The text.
    pub body: String,
    /// `text/plain` or `text/html`.
    pub media_type: String,
    /// The CRM's ids of the clients it is filed against; at least one.
    pub filed_against: Vec<ExternalId>,
}

/// A document on its way to the CRM with its note.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attachment {
    /// The document.
    pub document: DocumentId,
    /// The name of the file in the CRM: `Best Life Plan.pdf`.
    pub filename: String,
    /// `application/pdf`.
    pub media_type: String,
    /// The size in bytes.
    pub size: u64,
    /// Characters that no font has and that stand in it as U+FFFD.
    pub replaced: String,
    /// The CRM's id of it, once it is there.
    pub attached_as: Option<ExternalId>,
}

/// The state of a note, as people and programs see it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteState {
    /// The note is accepted and durable; its turn comes next.
    Queued,
    /// A call to the CRM is under way.
    Sending,
    /// The note waits for its next try, or for an authorisation.
    Waiting,
    /// The note is in the CRM, with all its attachments.
    Done,
    /// No retry fixes the note; it waits for a person.
    Dead,
}

/// The step that delivery has reached. Each step is stored before and after its call to the CRM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStep {
    /// No call was sent.
    Accepted,
    /// A create may have been sent at this time and its outcome is not known: look the note up before creating.
    Creating {
        /// The moment at which the create was about to be sent, or its answer failed to come: the site may finish it
        /// later.
        since: Timestamp,
    },
    /// The note is in the CRM under this id, with the attachments that have an id there.
    Created {
        /// The CRM's id of the note.
        document_id: ExternalId,
    },
    /// The note is in the CRM, and its next attachment may have been sent at this time with an outcome that is not
    /// known: look it up before attaching.
    Attaching {
        /// The CRM's id of the note.
        document_id: ExternalId,
        /// The moment at which the document was about to be sent, or its answer failed to come.
        since: Timestamp,
    },
}

/// One try to deliver.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// The moment at which the attempt began.
    pub at: Timestamp,
    /// The time that it took, in milliseconds.
    pub took_ms: u64,
    /// The outcome, with the CRM's own words where it refused.
    pub outcome: String,
}

/// A note in the outbox.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The note's id.
    pub id: NoteId,
    /// The event it renders.
    pub event_id: EventId,
    /// The event's type.
    pub event_type: String,
    /// What the pack called that type when the event was accepted; empty for notes of before.
    #[serde(default)]
    pub event_label: String,
    /// The household that the note is about.
    pub household_id: HouseholdId,
    /// The connection it goes out by.
    pub connection: ConnectionName,
    /// The revision that rendered it.
    pub revision: RevisionId,
    /// The marker, derived from the event; carried by the CRM's note, so that it can be looked up.
    pub marker: String,
    /// The text and other content that is written.
    pub note: FileNote,
    /// The documents that go with it, in order.
    pub attachments: Vec<Attachment>,
    /// The practice's clients whom it is filed against: its lanes, and whose history it is in.
    pub clients: Vec<ClientId>,
    /// The state that the note is in.
    pub state: NoteState,
    /// The step that delivery has reached.
    pub step: DeliveryStep,
    /// The moment at which the event was accepted.
    pub accepted_at: Timestamp,
    /// The moment at which the next attempt is due; none when done or dead.
    pub due_at: Option<Timestamp>,
    /// The moment at which the note was done.
    pub done_at: Option<Timestamp>,
    /// Failed calls since it was accepted or last retried by a person: where it stands in the schedule of retries.
    pub failures: u32,
    /// Calls so far, oldest first; the newest 50 are kept.
    pub attempts: Vec<Attempt>,
    /// The reason why it waits or died, for a person, with the CRM's own words.
    pub reason: Option<String>,
    /// Whether a create once had an unknown outcome, so that the CRM may have the note twice.
    pub doubted: bool,
    /// Whether a person gave it up.
    pub discarded: bool,
    /// The condition that it waits for, where that is not its next attempt.
    pub awaits: Option<Awaits>,
    /// The number of notes with its marker that the CRM was last seen to have, where that is not one.
    pub copies: Option<usize>,
    /// A person's word that what is in question is not in the CRM: it is looked for once more, and sent where that does not
    /// find it either.
    #[serde(default)]
    pub said_absent: Option<SaidAbsent>,
}

/// A person's word that a note, or its next document, is not in the CRM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SaidAbsent {
    /// The CRM's id of the note, where the CRM took it before and does not list it.
    pub document_id: Option<ExternalId>,
}

/// The facts of a note when its event is accepted.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the note")]
pub struct Acceptance {
    pub id: NoteId,
    pub event_id: EventId,
    pub event_type: String,
    pub event_label: String,
    pub household_id: HouseholdId,
    pub connection: ConnectionName,
    pub revision: RevisionId,
    pub marker: String,
    pub note: FileNote,
    pub attachments: Vec<Attachment>,
    pub clients: Vec<ClientId>,
    pub accepted_at: Timestamp,
}

impl From<Acceptance> for Note {
    /// A note that is due at once and of which nothing has been tried.
    fn from(accepted: Acceptance) -> Self {
        Self {
            id: accepted.id,
            event_id: accepted.event_id,
            event_type: accepted.event_type,
            event_label: accepted.event_label,
            household_id: accepted.household_id,
            connection: accepted.connection,
            revision: accepted.revision,
            marker: accepted.marker,
            note: accepted.note,
            attachments: accepted.attachments,
            clients: accepted.clients,
            state: NoteState::Queued,
            step: DeliveryStep::Accepted,
            accepted_at: accepted.accepted_at,
            due_at: Some(accepted.accepted_at),
            done_at: None,
            failures: 0,
            attempts: Vec::new(),
            reason: None,
            doubted: false,
            discarded: false,
            awaits: None,
            copies: None,
            said_absent: None,
        }
    }
}

/// The stage that a note has reached, finer than its state.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The note is accepted; nothing was sent.
    Queued,
    /// The note's create is under way.
    Sending,
    /// A create may have taken effect; it is looked up.
    LookingUp,
    /// The note is in the CRM, some of its attachments not yet.
    NoteMade,
    /// The note is in the CRM with all its attachments, which are being checked there.
    AttachmentsSent,
    /// The note is in the CRM, complete.
    Done,
    /// The note waits for the connection to be authorised again.
    WaitingForAuthorisation,
    /// The note waits for a client to be linked to the CRM.
    WaitingForLink,
    /// A client is linked to somebody else in the CRM than before: a person has to say whom it is filed against.
    WaitingForRefiling,
    /// Whether it, or one of its documents, is in the CRM is not known and cannot be looked up: a person has to say.
    InDoubt,
    /// No retry fixes the note; it waits for a person.
    Dead,
    /// The note was given up on a person's word.
    Discarded,
}

impl Stage {
    /// Every stage.
    pub const ALL: &[Self] = &[
        Self::Queued,
        Self::Sending,
        Self::LookingUp,
        Self::NoteMade,
        Self::AttachmentsSent,
        Self::Done,
        Self::WaitingForAuthorisation,
        Self::WaitingForLink,
        Self::WaitingForRefiling,
        Self::InDoubt,
        Self::Dead,
        Self::Discarded,
    ];

    /// The word it goes by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::LookingUp => "looking_up",
            Self::NoteMade => "note_made",
            Self::AttachmentsSent => "attachments_sent",
            Self::Done => "done",
            Self::WaitingForAuthorisation => "waiting_for_authorisation",
            Self::WaitingForLink => "waiting_for_link",
            Self::WaitingForRefiling => "waiting_for_refiling",
            Self::InDoubt => "in_doubt",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
        }
    }
}

/// The condition that a note waits for, where that is not its next attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaits {
    /// The connection to be authorised again.
    Authorisation,
    /// A client to be linked to the CRM.
    Link,
    /// A person to say whom it is filed against: a client is linked to somebody else in the CRM than before.
    Refiling,
}

impl Note {
    /// The CRM's id of the note, once it is there.
    pub fn document_id(&self) -> Option<&ExternalId> {
        match &self.step {
            DeliveryStep::Created { document_id } | DeliveryStep::Attaching { document_id, .. } => Some(document_id),
            DeliveryStep::Accepted | DeliveryStep::Creating { .. } => None,
        }
    }

    /// The CRM's id under which the note is there, or was before a person said that it is not.
    pub fn last_document_id(&self) -> Option<&ExternalId> {
        self.document_id().or(self.said_absent.as_ref().and_then(|said| said.document_id.as_ref()))
    }

    /// Whether the CRM may have it twice: its create once had no answer, or it was seen to.
    pub fn is_doubted(&self) -> bool {
        self.doubted || self.copies.is_some()
    }

    /// Whether it waits for a client's link: it stands in nobody's way then, because that may take weeks.
    pub fn awaits_link(&self) -> bool {
        matches!(self.awaits, Some(Awaits::Link | Awaits::Refiling))
    }

    /// Whether the CRM did not list it when it was looked for again.
    pub fn is_missing(&self) -> bool {
        self.copies == Some(0)
    }

    /// Whether it is done and the CRM lists it not once.
    pub fn is_raised(&self) -> bool {
        self.state == NoteState::Done && self.copies.is_some()
    }

    /// The stage that the note has reached.
    pub fn stage(&self) -> Stage {
        match (self.state, self.awaits, &self.step) {
            (NoteState::Done, ..) => Stage::Done,
            (NoteState::Dead, ..) if self.discarded => Stage::Discarded,
            (NoteState::Dead, _, DeliveryStep::Creating { .. } | DeliveryStep::Attaching { .. }) => Stage::InDoubt,
            (NoteState::Dead, ..) => Stage::Dead,
            (_, Some(Awaits::Authorisation), _) => Stage::WaitingForAuthorisation,
            (_, Some(Awaits::Link), _) => Stage::WaitingForLink,
            (_, Some(Awaits::Refiling), _) => Stage::WaitingForRefiling,
            (_, None, DeliveryStep::Accepted) => Stage::Queued,
            (NoteState::Sending, None, DeliveryStep::Creating { .. }) if !self.doubted => Stage::Sending,
            (_, None, DeliveryStep::Creating { .. }) => Stage::LookingUp,
            (_, None, DeliveryStep::Created { .. } | DeliveryStep::Attaching { .. }) => {
                let all = self.attachments.iter().all(|attachment| attachment.attached_as.is_some());
                if all { Stage::AttachmentsSent } else { Stage::NoteMade }
            }
        }
    }
}
