//! Who is due for erasure: people whom the CRM has not shown for as long as records have to be kept.

use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::privacy::retention;
use crate::domain::stored::StoredClient;
use crate::store::StoreError;
use crate::store::book::{ClientFilter, PageRequest};

/// The rows of one page that is read.
const PAGE: usize = 500;

/// Somebody who is due.
#[derive(Debug)]
pub struct Due {
    /// The client.
    pub client: StoredClient,
    /// Whether a legal hold keeps the client.
    pub is_held: bool,
}

impl App {
    /// The clients whom the CRM has not shown for so many years, in the order of their ids there.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn due_for_erasure(&self, years: u8, now: Timestamp) -> Result<Vec<Due>, StoreError> {
        let zone = &self.config.practice.time_zone;
        let today = now.to_zoned(zone.clone()).date();
        let holds = self.store.holds().await?;
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let filter = ClientFilter { not_visible: true, ..ClientFilter::default() };
            let page = self.store.clients(filter, PageRequest { cursor, limit: PAGE }).await?;
            for client in page.items {
                let is_due = client.not_visible_since.is_some_and(|left| retention::is_due(left, zone, today, years));
                if is_due {
                    let is_held = holds.iter().any(|hold| client.is_under(hold) && hold.is_on(now));
                    found.push(Due { client, is_held });
                }
            }
            let Some(next) = page.next else { return Ok(found) };
            cursor = Some(next);
        }
    }
}
