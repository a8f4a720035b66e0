//! Reading pages ahead of the mapping.

use std::collections::HashSet;
use std::time::Instant;

use tokio::sync::mpsc::Sender;

use super::walk_error::WalkError;
use crate::crm::{Bookmark, Connector, RawPage, Source};

/// Reads a source's pages from `after` on and hands them over with the time when each was asked for, waiting while the other side is behind.
///
/// # Errors
/// Returns an error if the CRM fails, or gives a bookmark a second time.
pub(super) async fn pages(
    connector: &dyn Connector,
    source: &Source,
    mut after: Option<Bookmark>,
    to: Sender<(Instant, RawPage)>,
) -> Result<(), WalkError> {
    let mut given = HashSet::new();
    loop {
        let asked = Instant::now();
        let page = connector.page(source, after.as_ref()).await?;
        after.clone_from(&page.next);
        if let Some(next) = &after
            && !given.insert(xxhash_rust::xxh3::xxh3_64(next.0.as_bytes()))
        {
            return Err(WalkError::Circle("gave the same bookmark a second time".to_owned()));
        }
        // The other side is gone only where it failed, and then it says why.
        if to.send((asked, page)).await.is_err() || after.is_none() {
            return Ok(());
        }
    }
}
