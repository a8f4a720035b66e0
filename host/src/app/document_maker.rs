//! The maker of a household's documents: collects what they say from the book and the events, and has the pack make them.
//!
//! Serves `notes` (the document of an export), `api` and `web` (a look at it beforehand).

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

/// Makes documents from what the host knows.
#[derive(Clone)]
pub(super) struct Maker {
    pub(super) store: Store,
    pub(super) connections: Connections,
    pub(super) config: Arc<Config>,
}

impl App {
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
        let (material, config) = (maker.material(&event, household).await?, maker.config);
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
        let material = self.material(event, household).await?;
        let event_type = event.event_type.clone();
        let making = move || documents::make(&revision, &config.practice, &event_type, &material);
        let made = queue::DOCUMENTS.run(making).await??;
        if !made.replaced.is_empty() {
            let count = made.replaced.chars().count();
            tracing::warn!(household = %event.household_id, count, "no font has some characters of a document");
        }
        Ok(made)
    }

    pub(super) async fn material(&self, event: &Event, household: HouseholdRow) -> Result<Material, StoreError> {
        let primary = primary_professional(&self.store, &self.config.practice, &household.household).await?;
        let email = primary.adviser().and_then(|adviser| adviser.email.clone()).map(String::from);
        let id = household.household.id;
        let values = self.store.latest_event(id, "values-session.completed").await?;
        let preferences = self.store.latest_event(id, "investment-preferences.completed").await?;
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
            values: values.map(|event| event.data),
            preferences: preferences.map(|event| (event.occurred_at, event.data)),
            event: event.data.clone(),
        })
    }
}

#[async_trait]
impl DocumentMaker for Maker {
    async fn make(&self, event: &Event, household: &HouseholdRow, now: Timestamp) -> Result<Document, NotesError> {
        match self.made(event, household.clone()).await {
            Ok(made) => Ok(Document::new(made.file_name, MEDIA_TYPE.to_owned(), made.pdf, now).made(made.replaced)),
            Err(DocumentError::Store(error)) => Err(error.into()),
            Err(DocumentError::UnknownHousehold(id)) => Err(NotesError::UnknownHousehold(id)),
            Err(DocumentError::UnknownNote(id)) => Err(NotesError::UnknownNote(id)),
            Err(error @ (DocumentError::NoConnection(_) | DocumentError::NotMade(_))) => {
                tracing::error!(reason = telemetry::length(&error.to_string()), "a document was not made");
                Err(NotesError::WrongState(format!("The document was not made and nothing was kept: {error}.")))
            }
            Err(DocumentError::NotDone(error)) => Err(error.into()),
        }
    }
}
