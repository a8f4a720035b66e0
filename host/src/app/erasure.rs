//! What an erasure leaves to do, with the names of others whose records name the one who is erased.

use crate::app::App;
use crate::domain::privacy::ErasureCounts;
use crate::domain::stored::StoredClient;

impl App {
    /// The sentences about what the erasure of a client, which takes this away, leaves to do elsewhere. They name people, for
    /// whoever asked and for no log.
    pub async fn left_to_do(&self, client: &StoredClient, counts: &ErasureCounts) -> String {
        let mut others = Vec::with_capacity(counts.named_by.len());
        for naming in &counts.named_by {
            match self.store.client(naming.client).await {
                Ok(other) => others.extend(other),
                // The erasure may be done already: what is left to do is said without the name.
                Err(error) => tracing::warn!(%error, "a client was not found who names another one"),
            }
        }
        client.left_to_do(counts, &others)
    }
}
