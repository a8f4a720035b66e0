//! Who is due for erasure: people whom the CRM has not shown for as long as records have to be kept.

use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::privacy::retention::Retention;
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
    /// How long a client is kept yet by the practice's retention profile.
    pub fn retention_of(&self, client: &StoredClient, now: Timestamp) -> Retention {
        let practice = &self.config.practice;
        let today = now.to_zoned(practice.time_zone.clone()).date();
        client.retention(&practice.time_zone, today, practice.retention_years())
    }

    /// The sentences about how long the practice keeps clients, and how long this one yet.
    pub fn retention_in_words(&self, retention: Retention) -> String {
        let practice = &self.config.practice;
        let profile = match practice.retention {
            Some(profile) => format!("the retention profile {}", profile.name),
            None => "the longest of the retention profiles".to_owned(),
        };
        let period = format!(
            "The practice keeps clients for {} years after they leave the CRM ({profile}).",
            practice.retention_years()
        );
        let day = |day: jiff::civil::Date| day.strftime("%-d %b %Y").to_string();
        let this = match retention {
            Retention::Unlinked => {
                "This one isn’t linked to a CRM, so nothing says when they left, and the years don’t begin.".to_owned()
            }
            Retention::InCrm => "The CRM still shows this one, so the years haven’t begun.".to_owned(),
            Retention::NoClient => {
                "This record is no client here, so nothing says when it left, and the years don’t begin.".to_owned()
            }
            Retention::Left { on, over_from, is_over } => {
                let verb = if is_over { "ended" } else { "end" };
                let end = over_from.map(|from| format!(", so the years {verb} on {}", day(from))).unwrap_or_default();
                format!("The CRM has not shown this one since {}{end}.", day(on))
            }
        };
        format!("{period} {this}")
    }

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
                if client.retention(zone, today, years).is_over() {
                    let is_held = holds.iter().any(|hold| client.is_under(hold) && hold.is_on(now));
                    found.push(Due { client, is_held });
                }
            }
            let Some(next) = page.next else { return Ok(found) };
            cursor = Some(next);
        }
    }
}
