//! Explanations of where a client's values come from, by asking the pack anew.
//!
//! Serves `api`, `web` and `cli` alike. Lineage is computed when somebody asks, so that it costs a sync nothing.

use crate::app::App;
use crate::domain::stored::StoredClient;
use crate::domain::{ConnectionName, RecordKind, Timestamp};
use crate::pack::{FieldExplanation, PackError, RawInput};
use crate::queue::{self, NotDone};
use crate::store::StoreError;

/// The reason why values cannot be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The settings no longer have the connection that supplied the client.
    #[error("the connection `{0}` is not in the settings any more, so what came by it cannot be explained")]
    NoConnection(ConnectionName),
    /// The raw record is not kept.
    #[error("no {} record of this client came from the CRM yet: it has none, or the next sync brings it", .0.as_str())]
    NoRecord(RecordKind),
    /// The pack failed.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others wait for their answers, or the host failed.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl App {
    /// The explanation of each canonical field of a client, or of the goals or covers in its lists: by the pack in
    /// force, from the raw record as the last sync kept it, on the practice's day at `now`.
    ///
    /// # Errors
    /// Fails as [`ExplainError`] says.
    pub async fn explain(
        &self,
        client: &StoredClient,
        kind: RecordKind,
        now: Timestamp,
    ) -> Result<Vec<FieldExplanation>, ExplainError> {
        let name = &client.origin.connection;
        let connection = self.connections.get(name).ok_or_else(|| ExplainError::NoConnection(name.clone()))?;
        let json = self.store.raw_record(client.id, kind).await?.ok_or(ExplainError::NoRecord(kind))?;
        let record = RawInput { kind, id: client.client.external_id.clone(), json };
        let revision = connection.revision();
        let context = connection.context(&revision, now.to_zoned(self.config.practice.time_zone.clone()).date());
        Ok(queue::QUESTIONS.run(move || revision.explain(&context, &record)).await??)
    }
}
