//! The events of a connection that became file notes, for previews: what another revision of its pack would write of them.

use std::sync::Arc;

use async_trait::async_trait;

use super::document_maker::Maker;
use crate::documents::{self, Difference, NotMade};
use crate::domain::note::{Event, Note};
use crate::domain::{ConnectionName, NoteId, Timestamp};
use crate::notes::Notes;
use crate::pack::Revision;
use crate::preview::{DocumentOutcome, PastEvent, PastEvents};
use crate::queue;
use crate::store::StoreError;
use crate::store::outbox::NoteFilter;
use crate::store::page::{Page, PageRequest};

/// Events that are told once more from what the host knows.
pub(super) struct EventHistory {
    pub(super) notes: Notes,
    pub(super) maker: Maker,
}

#[async_trait]
impl PastEvents for EventHistory {
    async fn page(
        &self,
        connection: &ConnectionName,
        since: Timestamp,
        page: PageRequest,
    ) -> Result<Page<PastEvent>, StoreError> {
        let filter = NoteFilter { connection: Some(connection.clone()), ..NoteFilter::default() };
        let Page { items, mut next } = self.maker.store.notes(filter, page).await?;
        let mut events = Vec::with_capacity(items.len());
        for note in items {
            if note.accepted_at < since {
                next = None;
                break;
            }
            if let Some(event) = self.maker.store.event(note.event_id).await? {
                events.push(self.past(note, event).await?);
            }
        }
        Ok(Page { items: events, next })
    }

    async fn compare_documents(
        &self,
        note: NoteId,
        from: &Arc<Revision>,
        to: &Arc<Revision>,
    ) -> Result<DocumentOutcome, StoreError> {
        let store = &self.maker.store;
        let Some(note) = store.note(note).await? else { return Ok(DocumentOutcome::NotCompared) };
        let Some(event) = store.event(note.event_id).await? else { return Ok(DocumentOutcome::NotCompared) };
        let Some(household) = store.household(event.household_id).await? else {
            return Ok(DocumentOutcome::NotCompared);
        };
        let material = self.maker.material(&event, household, &[from, to]).await?;
        let (from, to, config) = (Arc::clone(from), Arc::clone(to), Arc::clone(&self.maker.config));
        let event_type = event.event_type;
        let work = move || documents::difference((&from, &to), &config.practice, &event_type, &material);
        // People's own documents come before: where they wait, this one is not tried.
        Ok(match queue::DOCUMENTS.run(work).await {
            Ok(Ok(Difference::None)) => DocumentOutcome::Same,
            Ok(Ok(Difference::Other)) => DocumentOutcome::Other,
            Ok(Err(error @ (NotMade::NoTemplate { .. } | NotMade::Typesetting(_)))) => {
                DocumentOutcome::Failed(error.to_string())
            }
            Ok(Err(NotMade::Logo(_))) | Ok(Ok(Difference::Unknown)) | Err(_) => DocumentOutcome::NotCompared,
        })
    }
}

impl EventHistory {
    async fn past(&self, note: Note, event: Event) -> Result<PastEvent, StoreError> {
        let told = self.notes.retold(&event).await?;
        let zone = self.maker.config.practice.time_zone.clone();
        Ok(PastEvent {
            note: note.id,
            household: event.household_id,
            occurred_at: event.occurred_at,
            day: event.occurred_at.to_zoned(zone).date(),
            told,
            documents: note.attachments.iter().map(|attached| attached.document.to_string()).collect(),
            has_made_document: event.attachments.is_empty() && !note.attachments.is_empty(),
            event_type: event.event_type,
        })
    }
}
