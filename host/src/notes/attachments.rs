//! The attachments of an event: documents that its sender uploaded beforehand, or the one that the host makes. An upload
//! that no event names is removed after a week.

use std::time::Duration;

use super::{Notes, NotesError};
use crate::domain::field::FieldError;
use crate::domain::note::{Attachment, Event};
use crate::domain::{DocumentId, Timestamp};
use crate::pack::{DocumentRule, EventType};
use crate::store::StoreError;
use crate::store::book::HouseholdRow;
use crate::store::documents::{Document, DocumentFacts};

/// The time between two looks for documents that nobody named.
const EVERY: Duration = Duration::from_secs(3600);
/// The most documents of one note.
pub const MOST_DOCUMENTS: usize = 10;

/// Makes the document of an event whose sender brought none.
#[async_trait::async_trait]
pub trait DocumentMaker: Send + Sync {
    /// The document, of the household as it is now.
    ///
    /// # Errors
    /// [`NotesError::Invalid`] where the event lacks what the document tells of, or as the making fails.
    async fn make(&self, event: &Event, household: &HouseholdRow, now: Timestamp) -> Result<Document, NotesError>;
}

/// A document that goes with an event's note.
pub(super) struct EventDocument {
    pub(super) id: DocumentId,
    filename: String,
    media_type: String,
    size: u64,
    replaced: String,
    /// The document with its bytes, where it is not kept yet.
    pub(super) made: Option<Document>,
}

impl EventDocument {
    pub(super) fn attachment(&self) -> Attachment {
        Attachment {
            document: self.id,
            filename: self.filename.clone(),
            media_type: self.media_type.clone(),
            size: self.size,
            replaced: self.replaced.clone(),
            attached_as: None,
        }
    }

    fn made(document: Document) -> Self {
        Self {
            id: document.id,
            filename: document.filename.clone(),
            media_type: document.media_type.clone(),
            size: document.content.len() as u64,
            replaced: document.replaced.clone(),
            made: Some(document),
        }
    }
}

impl Notes {
    /// Removes uploads that no event named in time, now and then, for ever.
    pub(super) async fn forget_unclaimed_documents(&self) {
        let mut rounds = tokio::time::interval(EVERY);
        loop {
            rounds.tick().await;
            match self.inner.store.forget_unclaimed_documents(Timestamp::now()).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "uploads that no event named in time were removed"),
                Err(error) => tracing::error!(%error, "uploads that no event named were not looked for"),
            }
        }
    }

    /// The documents that an event names, each known to be there, or all that is wrong with them.
    pub(super) async fn documents(
        &self,
        event: &Event,
        event_type: &EventType,
        hidden: &[DocumentId],
    ) -> Result<Result<Vec<EventDocument>, Vec<FieldError>>, StoreError> {
        let rule = event_type.documents;
        let can_be_made = self.inner.documents.is_some() && event_type.document.is_some();
        let refused = |message: String| Ok(Err(vec![FieldError::new("/attachments", message)]));
        if event.attachments.len() > MOST_DOCUMENTS {
            return refused(format!("must have at most {MOST_DOCUMENTS} documents"));
        }
        if rule == DocumentRule::None && !event.attachments.is_empty() {
            return refused(format!("the file note of `{}` carries no documents; send it without", event.event_type));
        }
        if rule == DocumentRule::Required && event.attachments.is_empty() && !can_be_made {
            return refused("needs the document: upload it first and give its id here".to_owned());
        }
        let (mut documents, mut errors) = (Vec::with_capacity(event.attachments.len()), Vec::new());
        for (place, id) in event.attachments.iter().enumerate() {
            let at = format!("/attachments/{place}");
            if event.attachments[..place].contains(id) {
                errors.push(FieldError::new(&at, "is there twice; a note carries each document once"));
                continue;
            }
            let facts = self.inner.store.document_facts(*id).await?;
            match facts.filter(|_| !hidden.contains(id)) {
                Some(DocumentFacts { filename, media_type, size, replaced, .. }) => {
                    documents.push(EventDocument { id: *id, filename, media_type, size, replaced, made: None });
                }
                None => {
                    let message = format!("there is no document {id}; upload it (again, if that was over a week ago)");
                    errors.push(FieldError::new(&at, message));
                }
            }
        }
        Ok(if errors.is_empty() { Ok(documents) } else { Err(errors) })
    }

    /// The documents with the one that is made here, where the event needs one and brought none.
    pub(super) async fn with_made(
        &self,
        documents: Vec<EventDocument>,
        event: &Event,
        event_type: &EventType,
        household: &HouseholdRow,
    ) -> Result<Vec<EventDocument>, NotesError> {
        let is_needed = event_type.documents == DocumentRule::Required && documents.is_empty();
        match &self.inner.documents {
            Some(maker) if is_needed => {
                Ok(vec![EventDocument::made(maker.make(event, household, Timestamp::now()).await?)])
            }
            _ => Ok(documents),
        }
    }
}
