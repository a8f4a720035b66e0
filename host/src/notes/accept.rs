//! The way from an event to its note: checked, rendered by the pack, and kept before the sender has its answer.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde_json::Value;
use uuid::Uuid;

use super::attachments::EventDocument;
use super::{Accepted, MARKER, Notes, NotesError, about, linking};
use crate::connection::Connection;
use crate::connection::Connections;
use crate::domain::field::FieldError;
use crate::domain::note::{Acceptance, Event, FileNote, Note};
use crate::domain::stored::{HouseholdRole, StoredClient};
use crate::domain::{DocumentId, EventId, ExternalId, HouseholdId, IdempotencyKey, NoteId, RevisionId, Timestamp};
use crate::pack::events::cleaned;
use crate::pack::{EventType, NoteEvent, NoteMember, PackError, PluginFailure, Revision};
use crate::queue;
use crate::store::StoreError;
use crate::store::audit::scope;
use crate::store::book::HouseholdRow;
use crate::store::outbox::{Keyed, MissingClient, NewNote};

/// The farthest ahead that an event may say it happened: clocks differ, and so do days around the world.
const FARTHEST_AHEAD: SignedDuration = SignedDuration::from_hours(24);

impl Notes {
    /// Checks, renders and keeps an event: when this answers, it is durable. Delivery starts at once. Documents that are hidden
    /// from its sender are not there for it.
    ///
    /// # Errors
    /// Fails as [`NotesError`] says; nothing is kept then.
    pub async fn accept(
        &self,
        mut event: Event,
        key: &IdempotencyKey,
        hidden: &[DocumentId],
    ) -> Result<Accepted, NotesError> {
        let digest = digest(&event);
        if let Some(known) = self.inner.store.keyed_note(key.to_string()).await? {
            return before(known, digest);
        }
        event.data = cleaned(event.data);
        let fitting = self.fitting(&event, hidden).await?;
        let Fitting { household, connection, revision, event_type, about, documents } = fitting;
        let documents = self.with_made(documents, &event, &event_type, &household).await?;
        let note_event = self.note_event(&event, &household, about);
        let zone = self.inner.practice.time_zone.clone();
        let rendered = render(&connection, revision, note_event, zone, &event, &documents).await?;
        let mut note = note(&event, &event_type, rendered, &connection, &household, &documents)?;
        linking::hold(&mut note, &household.people);
        let documents = documents.into_iter().filter_map(|document| document.made).collect();
        scope::about(note.id);
        let new = NewNote { event, note: note.clone(), key: key.to_string(), digest, documents };
        let fail_points = &self.inner.delivery.fail_points;
        fail_points.reach("rendered").await;
        let people = household.people.iter().map(|person| person.id).collect();
        let outcome = self.inner.store.accept_note_of(new, people).await?.map_err(|MissingClient(_)| {
            let message = "somebody of this household was erased while the note was written, and it may name them. Nothing \
                           was kept; send the event again where it is about the others";
            NotesError::at("/household_id", message.to_owned())
        })?;
        match outcome {
            Some(known) => before(known, digest),
            None => {
                fail_points.reach("accepted").await;
                self.inner.delivery.wake.notify_one();
                Ok(Accepted { note, is_new: true })
            }
        }
    }

    /// What an event names, all of which fits: its household, whose connection's pack knows its type.
    ///
    /// # Errors
    /// [`NotesError::Invalid`] with all that does not fit, [`NotesError::WrongState`] where no pack can be asked.
    async fn fitting(&self, event: &Event, hidden: &[DocumentId]) -> Result<Fitting, NotesError> {
        let mut errors = Vec::new();
        let household = self.inner.store.household(event.household_id).await?;
        let connection = household.as_ref().map(|household| self.connection_of(household)).transpose()?;
        // One revision, from the check to the note: another that comes in force meanwhile has the next event.
        let revision = connection.as_ref().map(|connection| connection.revision());
        let event_type = match &revision {
            Some(revision) => known_by(revision, &event.event_type),
            None => self.known_by_any(&event.event_type),
        };
        let event_type = event_type.map_err(|wrong| errors.push(wrong)).ok();
        errors.extend(event_type.iter().flat_map(|event_type| event_type.data_errors(&event.data)));
        let fits_its_type = errors.is_empty();
        if event.occurred_at > Timestamp::now() + FARTHEST_AHEAD {
            errors.push(FieldError::new("/occurred_at", "lies over a day ahead; give the moment it happened"));
        }
        let whose = |household: &HouseholdRow| match &event_type {
            Some(event_type) => about::whom(event, event_type, household, fits_its_type),
            None => about::client(event, household),
        };
        let unknown = || FieldError::new("/household_id", format!("there is no household {}", event.household_id));
        let about = household.as_ref().ok_or_else(unknown).and_then(whose);
        let about = about.map_err(|wrong| errors.push(wrong)).unwrap_or_default();
        let mut documents = Vec::new();
        // What an unknown type carries is not known either.
        if let Some(event_type) = &event_type {
            match self.documents(event, event_type, hidden).await? {
                Ok(known) => documents = known,
                Err(wrong) => errors.extend(wrong),
            }
        }
        match (household, connection, revision, event_type) {
            (Some(household), Some(connection), Some(revision), Some(event_type)) if errors.is_empty() => {
                Ok(Fitting { household, connection, revision, event_type, about, documents })
            }
            _ => Err(NotesError::Invalid(errors)),
        }
    }

    /// All that does not fit in an event's type and data, of a household whose id may not be one.
    ///
    /// # Errors
    /// Returns an error if the store fails, or no pack can be asked.
    pub async fn data_errors(
        &self,
        household: Option<HouseholdId>,
        event_type: &str,
        data: &Value,
    ) -> Result<Vec<FieldError>, NotesError> {
        let household = match household {
            Some(id) => self.inner.store.household(id).await?,
            None => None,
        };
        let known = match household {
            Some(household) => known_by(&self.connection_of(&household)?.revision(), event_type),
            None => self.known_by_any(event_type),
        };
        Ok(match known {
            Ok(event_type) => event_type.data_errors(data),
            Err(unknown) => vec![unknown],
        })
    }

    /// The type of this name, of whichever pack in force has it first: for an event of nobody.
    fn known_by_any(&self, name: &str) -> Result<Arc<EventType>, FieldError> {
        let all = self.inner.connections.event_types();
        let found = all.iter().find(|(_, event_type)| event_type.name == name);
        let mut names: Vec<&str> = all.iter().map(|(_, event_type)| event_type.name.as_str()).collect();
        names.dedup();
        found
            .map(|(_, event_type)| Arc::clone(event_type))
            .ok_or_else(|| unknown_type(name, &names, "the packs in force"))
    }

    /// The connection whose pack writes the household's notes.
    fn connection_of(&self, household: &HouseholdRow) -> Result<Arc<Connection>, NotesError> {
        let name = &household.household.connection;
        self.inner.connections.serving(name, household.is_anybody_linked()).ok_or_else(|| {
            let message = format!("{}. Nothing was kept", Connections::not_at_work(name));
            NotesError::WrongState(message)
        })
    }

    /// An event that became a note, as a pack would be told it today; none where its household is not there any more, or
    /// not with the people whom it is about.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn retold(&self, event: &Event) -> Result<Option<NoteEvent>, StoreError> {
        let Some(household) = self.inner.store.household(event.household_id).await? else { return Ok(None) };
        let connection = self.connection_of(&household).ok();
        let event_type = connection.and_then(|one| one.revision().events().get(&event.event_type).cloned());
        let about = match event_type {
            Some(event_type) => about::whom(event, &event_type, &household, true),
            None => about::client(event, &household),
        };
        Ok(about.ok().map(|about| self.note_event(event, &household, about)))
    }

    /// The event as the pack is told it.
    fn note_event(&self, event: &Event, household: &HouseholdRow, about: Option<ExternalId>) -> NoteEvent {
        let practice = &self.inner.practice;
        NoteEvent {
            event_type: event.event_type.clone(),
            occurred_at: event
                .occurred_at
                .to_zoned(practice.time_zone.clone())
                .strftime("%Y-%m-%dT%H:%M:%S%:z")
                .to_string(),
            practice_name: practice.name.clone(),
            household_name: household.household.name.clone(),
            members: household.people.iter().map(|person| member(person, household)).collect(),
            about,
            data: event.data.to_string(),
        }
    }
}

/// The household, client and documents that an event names, all of which fit.
struct Fitting {
    household: HouseholdRow,
    connection: Arc<Connection>,
    /// The revision that is in force.
    revision: Arc<Revision>,
    event_type: Arc<EventType>,
    /// The CRM's id of the client that it is about.
    about: Option<ExternalId>,
    /// The documents that were uploaded.
    documents: Vec<EventDocument>,
}

/// The answer to an event whose key is known.
fn before(known: Keyed, digest: [u8; 32]) -> Result<Accepted, NotesError> {
    if known.digest == digest {
        scope::about(known.note.id);
        scope::detail("accepted before");
        Ok(Accepted { note: known.note, is_new: false })
    } else {
        let Note { id: note, event_type, household_id: household, .. } = known.note;
        Err(NotesError::KeyReused { note, event_type, household })
    }
}

/// BLAKE3 of an event: equal for the same event, however its JSON was spaced.
fn digest(event: &Event) -> [u8; 32] {
    let parts = [
        event.event_type.clone(),
        event.household_id.to_string(),
        event.client_id.map(|id| id.to_string()).unwrap_or_default(),
        event.occurred_at.to_string(),
        event.data.to_string(),
        event.attachments.iter().map(DocumentId::to_string).collect(),
    ];
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

/// The type of this name in a pack's revision.
fn known_by(revision: &Revision, name: &str) -> Result<Arc<EventType>, FieldError> {
    let types = revision.events();
    let unknown = || {
        let names: Vec<&str> = types.all().iter().map(|one| one.name.as_str()).collect();
        unknown_type(name, &names, &format!("the pack `{}` of this household's connection", revision.pack()))
    };
    types.get(name).cloned().ok_or_else(unknown)
}

/// An event whose type is not known, told those that are.
fn unknown_type(name: &str, known: &[&str], whose: &str) -> FieldError {
    let name: String = name.chars().take(100).collect();
    let known = match known {
        [] => format!("{whose} declares none"),
        known => format!("there are: {}", known.join(", ")),
    };
    FieldError::new("/type", format!("`{name}` is no event of {whose}; {known}"))
}

fn member(person: &StoredClient, household: &HouseholdRow) -> NoteMember {
    let placed = household.household.members.iter().find(|member| member.client_id == person.id);
    NoteMember {
        external_id: person.client.external_id.clone(),
        first_name: person.client.first_name.clone(),
        last_name: person.client.last_name.clone(),
        preferred_name: person.client.preferred_name.clone(),
        role: placed.map_or(HouseholdRole::NonCfo, |member| member.role),
    }
}

/// Lets the connection's pack write the note.
async fn render(
    connection: &Connection,
    revision: Arc<Revision>,
    note_event: NoteEvent,
    time_zone: TimeZone,
    event: &Event,
    documents: &[EventDocument],
) -> Result<Rendered, NotesError> {
    let context = connection.context(&revision, event.occurred_at.to_zoned(time_zone).date());
    let id = revision.id();
    let members: Vec<ExternalId> = note_event.members.iter().map(|member| member.external_id.clone()).collect();
    let names: Vec<String> = documents.iter().map(|document| document.id.to_string()).collect();
    // Plugins run off the async threads.
    let rendering = move || {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        revision.render_note(&context, &note_event, &names)
    };
    let (note, attachments) = queue::EVENTS.run(rendering).await?.map_err(|error| match error {
        PackError::NotRendered(diagnostics) => NotesError::NotRendered(diagnostics),
        other => NotesError::Plugin(other),
    })?;
    if note.filed_against.is_empty() || !note.filed_against.iter().all(|id| members.contains(id)) {
        let why = "it files the note against somebody outside the household".to_owned();
        return Err(NotesError::Plugin(PluginFailure::BrokeContract(why).into()));
    }
    Ok(Rendered { note, attachments, revision: id })
}

/// The note that the pack made of an event.
struct Rendered {
    note: FileNote,
    /// The documents that go with it, by their ids.
    attachments: Vec<String>,
    revision: RevisionId,
}

fn note(
    event: &Event,
    event_type: &EventType,
    rendered: Rendered,
    connection: &Connection,
    household: &HouseholdRow,
    documents: &[EventDocument],
) -> Result<Note, NotesError> {
    let event_id = Uuid::now_v7();
    let accepted_at = Timestamp::now();
    let Rendered { note, attachments, revision } = rendered;
    if let Some(place) = documents.iter().position(|document| !attachments.contains(&document.id.to_string())) {
        let message = format!("the file note of `{}` carries no documents; send it without", event.event_type);
        return Err(NotesError::at(&format!("/attachments/{place}"), message));
    }
    let members = &household.household.members;
    let clients = note.filed_against.iter().filter_map(|id| members.iter().find(|member| member.external_id == *id));
    let clients = clients.map(|member| member.client_id).collect();
    Ok(Note::from(Acceptance {
        id: NoteId(Uuid::now_v7()),
        event_id: EventId(event_id),
        event_type: event.event_type.clone(),
        event_label: event_type.label.clone(),
        household_id: household.household.id,
        connection: connection.name.clone(),
        revision,
        marker: format!("{MARKER}{event_id}"),
        note,
        attachments: documents.iter().map(EventDocument::attachment).collect(),
        clients,
        accepted_at,
    }))
}
