//! Notes for clients who are not linked to the CRM: kept, shown, and sent once their clients are linked.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Notes, NotesError};
use crate::domain::note::Note;
use crate::domain::stored::StoredClient;
use crate::domain::{ConnectionName, ExternalId, Timestamp};

/// The time between two looks at who is linked by now, where the store reports none.
const EVERY: Duration = Duration::from_secs(15);

/// Lets a note wait where somebody it is filed against is not linked.
pub(super) fn hold(note: &mut Note, people: &[StoredClient]) {
    if let Some(unlinked) = note.note.filed_against.iter().find(|id| id.in_crm().is_none()) {
        let person = people.iter().find(|person| person.client.external_id == *unlinked);
        let name = person.map(|person| person.client.full_name()).filter(|name| !name.is_empty());
        note.await_link(name.as_deref().unwrap_or("the client"));
    }
}

impl Notes {
    /// Looks again and again, until shut down.
    pub(super) async fn link_until(&self, shutdown: &CancellationToken) {
        loop {
            if let Err(error) = self.send_linked(Timestamp::now()).await {
                tracing::error!(%error, "notes that wait for a link were not looked at");
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.inner.store.until_somebody_is_linked() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Sends the notes all of whose clients are linked by now; answers how many.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn send_linked(&self, now: Timestamp) -> Result<usize, NotesError> {
        let mut sent = 0;
        for note in self.inner.store.notes_awaiting_link().await? {
            if let Some((filed_against, connection)) = self.linked(&note).await? {
                let change = move |note: &mut Note| note.linked(filed_against, connection, now);
                self.inner.store.change_note(note.id, change).await?;
                sent += 1;
            }
        }
        if sent > 0 {
            self.inner.delivery.wake.notify_one();
        }
        Ok(sent)
    }

    /// The clients in the CRM whom the note is filed against, and the connection; none while somebody is not linked.
    pub(super) async fn linked(&self, note: &Note) -> Result<Option<(Vec<ExternalId>, ConnectionName)>, NotesError> {
        let (mut filed_against, mut connection) = (Vec::new(), None);
        for id in &note.clients {
            let client = self.inner.store.client(*id).await?;
            let Some(client) = client.filter(|client| client.crm_id().is_some()) else { return Ok(None) };
            filed_against.push(client.client.external_id);
            connection = connection.or(Some(client.origin.connection));
        }
        Ok(connection.map(|connection| (filed_against, connection)))
    }
}
