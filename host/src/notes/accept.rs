//! The way from an event to its note: checked, rendered by the pack, and kept before the sender has its answer.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::attachments::EventDocument;
use super::schema::invalid;
use super::{Accepted, MARKER, Notes, NotesError, linking, schema};
use crate::connection::Connection;
use crate::connection::Connections;
use crate::domain::field::FieldError;
use crate::domain::fold::fold;
use crate::domain::note::{Acceptance, Event, FileNote, Note};
use crate::domain::stored::{HouseholdRole, StoredClient};
use crate::domain::{DocumentId, EventId, ExternalId, IdempotencyKey, NoteId, RevisionId, Timestamp};
use crate::pack::{NoteEvent, NoteMember, PackError, PluginFailure};
use crate::queue;
use crate::store::StoreError;
use crate::store::book::HouseholdRow;
use crate::store::outbox::{Keyed, NewNote};

/// The farthest ahead that an event may say it happened: clocks differ, and so do days around the world.
const FARTHEST_AHEAD: SignedDuration = SignedDuration::from_hours(24);

impl Notes {
    /// Checks, renders and keeps an event: when this answers, it is durable. Delivery starts at once.
    ///
    /// # Errors
    /// Fails as [`NotesError`] says; nothing is kept then.
    pub async fn accept(&self, mut event: Event, key: &IdempotencyKey) -> Result<Accepted, NotesError> {
        let digest = digest(&event);
        if let Some(known) = self.inner.store.keyed_note(key.to_string()).await? {
            return before(known, digest);
        }
        event.data = schema::cleaned(event.data);
        let Fitting { household, about, documents } = self.fitting(&event).await?.map_err(NotesError::Invalid)?;
        let connection = &self.connection_of(&household)?;
        let documents = self.with_made(documents, &event, &household).await?;
        let note_event = self.note_event(&event, &household, about);
        let zone = self.inner.practice.time_zone.clone();
        let rendered = render(connection, note_event, zone, &event, &documents).await?;
        let mut note = note(&event, rendered, connection, &household, &documents)?;
        linking::hold(&mut note, &household.people);
        let documents = documents.into_iter().filter_map(|document| document.made).collect();
        let new = NewNote { event, note: note.clone(), key: key.to_string(), digest, documents };
        let fail_points = &self.inner.delivery.fail_points;
        fail_points.reach("rendered").await;
        match self.inner.store.accept_note(new).await? {
            Some(known) => before(known, digest),
            None => {
                fail_points.reach("accepted").await;
                self.inner.delivery.wake.notify_one();
                Ok(Accepted { note, is_new: true })
            }
        }
    }

    /// The household, client and documents that an event names, or all that does not fit in it.
    async fn fitting(&self, event: &Event) -> Result<Result<Fitting, Vec<FieldError>>, StoreError> {
        let mut errors = schema::data_errors(&event.event_type, &event.data);
        let fits_its_type = errors.is_empty();
        if event.occurred_at > Timestamp::now() + FARTHEST_AHEAD {
            errors.push(FieldError::new("/occurred_at", "lies over a day ahead; give the moment it happened"));
        }
        let household = self.inner.store.household(event.household_id).await?;
        let whose = |household: &HouseholdRow| match about(event, household)? {
            None if fits_its_type => whose_session(event, household),
            about => Ok(about),
        };
        let unknown = || FieldError::new("/household_id", format!("there is no household {}", event.household_id));
        let about = household.as_ref().ok_or_else(unknown).and_then(whose);
        let about = about.map_err(|wrong| errors.push(wrong)).unwrap_or_default();
        let mut documents = Vec::new();
        // What an unknown type carries is not known either.
        if schema::event_schemas().contains_key(&event.event_type) {
            match self.documents(event).await? {
                Ok(known) => documents = known,
                Err(wrong) => errors.extend(wrong),
            }
        }
        Ok(match household {
            Some(household) if errors.is_empty() => Ok(Fitting { household, about, documents }),
            _ => Err(errors),
        })
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
        let about = match about(event, &household) {
            Ok(None) => whose_session(event, &household),
            about => about,
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
    /// The CRM's id of the client that it is about.
    about: Option<ExternalId>,
    /// The documents that were uploaded.
    documents: Vec<EventDocument>,
}

/// The answer to an event whose key is known.
fn before(known: Keyed, digest: [u8; 32]) -> Result<Accepted, NotesError> {
    if known.digest == digest {
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

/// The CRM's id of the client that the event is about; none where it is about the household.
fn about(event: &Event, household: &HouseholdRow) -> Result<Option<ExternalId>, FieldError> {
    let Some(client_id) = event.client_id else { return Ok(None) };
    let member = household.household.members.iter().find(|member| member.client_id == client_id);
    let member = member.ok_or_else(|| {
        FieldError::new("/client_id", format!("{client_id} is no client of the household {}", event.household_id))
    })?;
    if event.data["clients"].as_array().is_some_and(|clients| clients.len() > 1) {
        return Err(FieldError::new("/client_id", "must be left out: a session with both is about the household"));
    }
    Ok(Some(member.external_id.clone()))
}

/// A values session has to have the people of its household: both, or the one that it was with, who is answered.
fn whose_session(event: &Event, household: &HouseholdRow) -> Result<Option<ExternalId>, FieldError> {
    let Some(clients) = event.data["clients"].as_array() else { return Ok(None) };
    match (clients.as_slice(), household.people.as_slice()) {
        ([_, _, ..], [_]) => Err(FieldError::new("/data/clients/1", "must be left out: the household has no partner")),
        ([client], [_, _, ..]) => {
            let name = fold(client["name"].as_str().unwrap_or_default().trim());
            let named = household.people.iter().find(|person| fold(&person.client.full_name()) == name);
            let message = "has one client and the household has two: add the partner, or say in `client_id` with whom the \
                           session was";
            let named = named.ok_or_else(|| FieldError::new("/data/clients", message))?;
            Ok(Some(named.client.external_id.clone()))
        }
        _ => Ok(None),
    }
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
    note_event: NoteEvent,
    time_zone: TimeZone,
    event: &Event,
    documents: &[EventDocument],
) -> Result<Rendered, NotesError> {
    let revision = connection.revision();
    if !revision.events().contains(&event.event_type) {
        let message = format!("the pack `{}` writes no file note for `{}`", revision.pack(), event.event_type);
        return Err(invalid("/type", message));
    }
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
        return Err(invalid(&format!("/attachments/{place}"), message));
    }
    let members = &household.household.members;
    let clients = note.filed_against.iter().filter_map(|id| members.iter().find(|member| member.external_id == *id));
    let clients = clients.map(|member| member.client_id).collect();
    Ok(Note::from(Acceptance {
        id: NoteId(Uuid::now_v7()),
        event_id: EventId(event_id),
        event_type: event.event_type.clone(),
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
