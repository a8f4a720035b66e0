//! Events of the practice and the file notes they become.

use serde::{Deserialize, Serialize};

use crate::ids::{ClientId, ConnectionName, EventId, ExternalId, HouseholdId, NoteId, RevisionId};
use crate::value::Timestamp;

/// Something that happened in the practice, as a program or a page reports it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Event {
    /// `your-life-survey.completed`, `values-session.completed`, …
    #[serde(rename = "type")]
    pub event_type: String,
    /// The household it is about.
    pub household_id: HouseholdId,
    /// The one client of the household it is about, where it is about one.
    pub client_id: Option<ClientId>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The event's own data, in the shape that its type demands.
    pub data: serde_json::Value,
}

/// A file note as it is written to the CRM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FileNote {
    /// The CRM's type of note.
    pub note_type: String,
    /// The CRM's subtype: `General`.
    pub note_subtype: Option<String>,
    /// One line.
    pub subject: String,
    /// The text.
    pub body: String,
    /// `text/plain` or `text/html`.
    pub media_type: String,
    /// The CRM's ids of the clients it is filed against; at least one.
    pub filed_against: Vec<ExternalId>,
}

/// Where a note stands, as people and programs see it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteState {
    /// Accepted and durable; its turn comes next.
    Queued,
    /// A call to the CRM is under way.
    Sending,
    /// Waits for its next try, or for an authorisation.
    Waiting,
    /// In the CRM, with all its attachments.
    Done,
    /// No retry mends it; waits for a person.
    Dead,
}

/// How far delivery has come. Each step is stored before and after its call to the CRM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStep {
    /// Nothing was sent.
    Accepted,
    /// A create may have been sent at this time and its outcome is not known: look the note up before creating.
    Creating {
        /// When the create was about to be sent, or when its answer failed to come: the site may finish it later.
        since: Timestamp,
    },
    /// The note is in the CRM under this id.
    Created {
        /// The CRM's id of the note.
        document_id: ExternalId,
    },
}

/// One try to deliver.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What came of it, with the CRM's own words where it refused.
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
    /// Whose household.
    pub household_id: HouseholdId,
    /// The connection it goes out by.
    pub connection: ConnectionName,
    /// The revision that rendered it.
    pub revision: RevisionId,
    /// Derived from the event; carried by the CRM's note, so that it can be looked up.
    pub marker: String,
    /// What is written.
    pub note: FileNote,
    /// Where it stands.
    pub state: NoteState,
    /// How far delivery has come.
    pub step: DeliveryStep,
    /// When the event was accepted.
    pub accepted_at: Timestamp,
    /// When the next try is due; none when done or dead.
    pub due_at: Option<Timestamp>,
    /// When it was done.
    pub done_at: Option<Timestamp>,
    /// Failed calls since it was accepted or last retried by a person: where it stands in the schedule of retries.
    pub failures: u32,
    /// Calls so far, oldest first; the newest 50 are kept.
    pub attempts: Vec<Attempt>,
    /// Why it waits or died, for a person, with the CRM's own words.
    pub reason: Option<String>,
}
