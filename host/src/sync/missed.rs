//! Clients whom a walk missed: a CRM whose pages are cut by position gives nobody's row twice, and somebody's never,
//! where rows are taken out while it is read. Who is in the book and was not seen is therefore asked for by id, before
//! anything follows from the silence.

use std::time::Instant;

use super::gathered::Gathered;
use super::map;
use super::walk::{Walk, WalkError};
use crate::crm::{CrmError, RawPage, Source};
use crate::domain::{ExternalId, RecordKind};
use crate::store::runs::WalkPosition;
use crate::store::seen::Seen;

/// So many are asked for at the end of a walk. More are no rows that moved: two walks in a row have to agree on them,
/// and a person is asked.
const MOST_ASKED: usize = 500;

/// Failures in a row after which the CRM is asked no more.
const MOST_FAILURES: u32 = 5;

/// Clients read by themselves for one commit.
const GROUP: usize = 50;

impl Walk {
    /// Brings over who is in the book, was not seen by this walk, and is shown when asked for by id.
    ///
    /// # Errors
    /// Where the store fails, the sign-in is refused, or somebody ends the run.
    pub async fn look_for_missed(&mut self, sources: &[Source]) -> Result<(), WalkError> {
        // A first walk has nobody to miss, and a rehearsal keeps nothing of what it saw.
        if self.is_rehearsal || self.run.expected.is_none() {
            return Ok(());
        }
        let absent = self.store.absent(self.run.connection.clone(), self.run.id, MOST_ASKED + 1).await?;
        if absent.len() > MOST_ASKED {
            return Ok(());
        }
        let mut failures = 0;
        let mut found = Vec::new();
        for id in absent {
            if self.stop.is_cancelled() {
                return Err(WalkError::Stopped);
            }
            if failures == MOST_FAILURES {
                self.run.counts.unconfirmed += 1;
                continue;
            }
            let asked = Instant::now();
            match self.ask_for(sources, &id).await {
                Ok(None) => failures = 0,
                Ok(Some((source, page))) => {
                    failures = 0;
                    found.push((source, asked, page));
                }
                Err(error @ CrmError::Unauthorised { .. }) => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(run = %self.run.id, %error, "a client whom the walk did not see could not be asked for");
                    self.run.counts.unconfirmed += 1;
                    failures += 1;
                }
            }
            if found.len() == GROUP {
                self.take_in(std::mem::take(&mut found)).await?;
            }
        }
        self.take_in(found).await
    }

    async fn ask_for(&self, sources: &[Source], id: &ExternalId) -> Result<Option<(Source, RawPage)>, CrmError> {
        for source in sources.iter().filter(|source| source.kind == RecordKind::Client) {
            if let Some(page) = self.connector.one(source, id).await? {
                return Ok(Some((source.clone(), page)));
            }
        }
        Ok(None)
    }

    /// Commits clients as a walk's page that came late: they are seen.
    async fn take_in(&mut self, pages: Vec<(Source, Instant, RawPage)>) -> Result<(), WalkError> {
        let Some((source, ..)) = pages.last() else { return Ok(()) };
        let (kind, resource) = (source.kind, source.resource.clone());
        let mut position = WalkPosition { kind, resource, after: None, chunks: self.chunks, is_over: true };
        let (mut seen, mut gathered) = (Seen::default(), Gathered::new(self.run.clone()));
        gathered.run.counts.missed += pages.len() as u64;
        for (source, asked, raw) in pages {
            let page = map::page(&self.store, &self.mapper, &self.run, &source, asked, raw).await?;
            gathered.take(page, &mut seen, kind);
        }
        self.commit(&mut position, &mut seen, gathered).await
    }
}
