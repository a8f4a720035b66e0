//! The maker of a household's documents: collects what they say from the book and the events, and has the pack make them.
//!
//! Serves `notes` (the document of an export), `api` and `web` (a look at it beforehand).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;

use super::professional::primary_professional;
use crate::app::App;
use crate::config::Config;
use crate::connection::Connections;
use crate::documents::{self, ClientGoal, Made, Material, NotMade, Professional};
use crate::domain::note::Event;
use crate::domain::record::{Cover, Goal};
use crate::domain::stored::StoredListed;
use crate::domain::{ConnectionName, HouseholdId, NoteId, Timestamp};
use crate::notes::{DocumentMaker, NotesError};
use crate::pack::Revision;
use crate::queue::{self, NotDone};
use crate::store::book::HouseholdRow;
use crate::store::documents::Document;
use crate::store::{Store, StoreError};
use crate::telemetry;

/// The media type of documents.
const MEDIA_TYPE: &str = "application/pdf";

/// The reason why an event has no document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// There is no such household.
    #[error("there is no household {0}")]
    UnknownHousehold(HouseholdId),
    /// There is no such note.
    #[error("there is no note {0}")]
    UnknownNote(NoteId),
    /// The settings no longer have the household's connection.
    #[error("{}", Connections::not_at_work(.0))]
    NoConnection(ConnectionName),
    /// The household's pack makes no document of this name.
    #[error("there is no document `{name}`; {}", known_as(.known))]
    UnknownDocument {
        /// The name.
        name: String,
        /// The names of those that it makes.
        known: Vec<String>,
    },
    /// The document's event has data of its own, which nobody gave.
    #[error("what stands in it is asked for where `{0}` is recorded; record that")]
    NeedsData(String),
    /// The pack cannot make it.
    #[error(transparent)]
    NotMade(#[from] NotMade),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others wait for theirs, or the host failed.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

fn known_as(names: &[String]) -> String {
    match names {
        [] => "the pack makes none".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    }
}

/// Makes documents from what the host knows.
#[derive(Clone)]
pub(super) struct Maker {
    pub(super) store: Store,
    pub(super) connections: Connections,
    pub(super) config: Arc<Config>,
}

impl App {
    /// The event that exports a household's document of this name now, with the document made here.
    ///
    /// # Errors
    /// Fails as [`DocumentError`] says.
    pub async fn document_event(&self, id: HouseholdId, name: &str, now: Timestamp) -> Result<Event, DocumentError> {
        let household = self.store.household(id).await?.ok_or(DocumentError::UnknownHousehold(id))?;
        let connection = &household.household.connection;
        let serving = self.connections.serving(connection, household.is_anybody_linked());
        let revision = serving.ok_or_else(|| DocumentError::NoConnection(connection.clone()))?.revision();
        let Some((event_type, _)) = revision.documents().find(|(_, document)| document.name == name) else {
            let known = revision.documents().map(|(_, document)| document.name.clone()).collect();
            let name = name.chars().take(100).collect();
            return Err(DocumentError::UnknownDocument { name, known });
        };
        if !event_type.needs_no_data() {
            return Err(DocumentError::NeedsData(event_type.label.clone()));
        }
        Ok(Event {
            event_type: event_type.name.clone(),
            household_id: id,
            client_id: None,
            occurred_at: now,
            data: serde_json::json!({}),
            attachments: Vec::new(),
        })
    }

    /// Makes the document of an event as it would be exported; keeps nothing.
    ///
    /// # Errors
    /// Fails as [`DocumentError`] says.
    pub async fn make_document(&self, event: &Event) -> Result<Made, DocumentError> {
        let id = event.household_id;
        let household = self.store.household(id).await?.ok_or(DocumentError::UnknownHousehold(id))?;
        self.maker().made(event, household).await
    }

    /// Makes the document of a note as another revision of its connection's pack would, of what the host knows today; keeps
    /// nothing.
    ///
    /// # Errors
    /// Fails as [`DocumentError`] says.
    pub async fn make_document_by(&self, note: NoteId, revision: Arc<Revision>) -> Result<Made, DocumentError> {
        let note = self.store.note(note).await?.ok_or(DocumentError::UnknownNote(note))?;
        let event = self.store.event(note.event_id).await?.ok_or(DocumentError::UnknownNote(note.id))?;
        let id = event.household_id;
        let household = self.store.household(id).await?.ok_or(DocumentError::UnknownHousehold(id))?;
        let maker = self.maker();
        let (material, config) = (maker.material(&event, household, &[&revision]).await?, maker.config);
        let making = move || documents::make(&revision, &config.practice, &event.event_type, &material);
        Ok(queue::DOCUMENTS.run(making).await??)
    }

    fn maker(&self) -> Maker {
        let (store, connections, config) = (self.store.clone(), self.connections.clone(), Arc::clone(&self.config));
        Maker { store, connections, config }
    }
}

impl Maker {
    async fn made(&self, event: &Event, household: HouseholdRow) -> Result<Made, DocumentError> {
        let name = &household.household.connection;
        let connection = self.connections.serving(name, household.is_anybody_linked());
        let connection = connection.ok_or_else(|| DocumentError::NoConnection(name.clone()))?;
        let (revision, config) = (connection.revision(), Arc::clone(&self.config));
        let material = self.material(event, household, &[&revision]).await?;
        let event_type = event.event_type.clone();
        let making = move || documents::make(&revision, &config.practice, &event_type, &material);
        let made = queue::DOCUMENTS.run(making).await??;
        if !made.replaced.is_empty() {
            let count = made.replaced.chars().count();
            tracing::warn!(household = %event.household_id, count, "no font has some characters of a document");
        }
        Ok(made)
    }

    /// All that the document of an event is made of by any of these revisions.
    pub(super) async fn material(
        &self,
        event: &Event,
        household: HouseholdRow,
        by: &[&Revision],
    ) -> Result<Material, StoreError> {
        let primary = primary_professional(&self.store, &self.config.practice, &household.household).await?;
        let email = primary.email().map(|email| email.as_str().to_owned());
        let id = household.household.id;
        let mut latest = BTreeMap::new();
        let told = by.iter().filter_map(|revision| revision.document_of(&event.event_type));
        let told: BTreeSet<&String> =
            told.flat_map(|document| document.data.values().map(|data| &data.event)).collect();
        for event_type in told {
            if let Some(found) = self.store.latest_event(id, event_type).await? {
                latest.insert(event_type.clone(), (found.occurred_at, found.data));
            }
        }
        // What is gone from the CRM's lists is history, not part of a plan.
        let goals = self.store.lists_of_household::<Goal>(id).await?.into_iter().flat_map(|list| list.items);
        let goals = goals.filter(|goal| goal.listed.gone_since.is_none());
        let of_client = |stored: StoredListed<Goal>| ClientGoal {
            client: stored.client_id,
            status: stored.listed.own.status,
            goal: stored.listed.value,
        };
        let goals = goals.map(of_client).collect();
        let covers = self.store.lists_of_household::<Cover>(id).await?.into_iter().flat_map(|list| list.items);
        let covers = covers.filter(|cover| cover.listed.gone_since.is_none());
        let covers = covers.map(|cover| (cover.client_id, cover.listed.value)).collect();
        Ok(Material {
            professional: Professional { name: primary.name(), email },
            household,
            made_at: event.occurred_at,
            goals,
            covers,
            latest,
            event: event.data.clone(),
        })
    }
}

#[async_trait]
impl DocumentMaker for Maker {
    async fn make(&self, event: &Event, household: &HouseholdRow, now: Timestamp) -> Result<Document, NotesError> {
        match self.made(event, household.clone()).await {
            Ok(made) => Ok(Document::new(made.file_name, MEDIA_TYPE.to_owned(), made.pdf, now).made(made.replaced)),
            Err(error) => {
                if let DocumentError::NoConnection(_) | DocumentError::NotMade(_) = error {
                    tracing::error!(reason = telemetry::length(&error.to_string()), "a document was not made");
                }
                Err(error.into())
            }
        }
    }
}

impl From<DocumentError> for NotesError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Store(error) => error.into(),
            DocumentError::NotDone(error) => error.into(),
            DocumentError::UnknownHousehold(id) => Self::UnknownHousehold(id),
            DocumentError::UnknownNote(id) => Self::UnknownNote(id),
            error => Self::WrongState(format!("The document was not made and nothing was kept: {error}.")),
        }
    }
}
