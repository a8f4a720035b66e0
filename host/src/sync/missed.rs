//! Clients whom a walk missed: a CRM whose pages are cut by position gives nobody's row twice, and somebody's never,
//! where rows are taken out while it is read. Who is in the book and was not seen is therefore asked for by id, before
//! anything follows from the silence.

use std::time::Instant;

use super::batch::CommitBatch;
use super::map;
use super::walk::Walk;
use super::walk_error::WalkError;
use crate::crm::{ById, CrmError, RawPage, RawRecord, Source};
use crate::domain::{ExternalId, RecordKind};
use crate::store::seen::Seen;
use crate::store::walks::WalkPosition;

/// The most records for which the CRM is asked at the end of a walk, in as many calls. More are no rows that moved: two
/// walks in a row have to agree on them, and a person is asked.
const MOST_ASKED: usize = 10_000;
const MOST_CALLS: usize = 500;

/// Failures in a row after which the CRM is asked no more.
const MOST_FAILURES: u32 = 5;

/// Clients read by themselves for one commit …
const GROUP: usize = 50;
/// … and their bytes, which are held until then.
const GROUP_BYTES: usize = 8 << 20;

impl Walk {
    /// Imports whoever is in the book, was not seen by this walk, and is shown when asked for by id.
    ///
    /// # Errors
    /// Returns an error if the store fails, the sign-in is refused, or somebody ends the run.
    pub async fn look_for_missed(&mut self, sources: &[Source]) -> Result<(), WalkError> {
        // A first walk has nobody to miss, and a rehearsal keeps nothing of what it saw.
        if self.is_rehearsal || self.run.expected.is_none() {
            return Ok(());
        }
        let at_once = self.connector.by_id_at_once();
        let most = MOST_ASKED.min(MOST_CALLS * at_once);
        let absent = self.store.absent(self.run.connection.clone(), self.run.id, most + 1).await?;
        if absent.len() > most {
            return Ok(());
        }
        let mut failures = 0;
        let mut found: Vec<(Source, Instant, RawPage)> = Vec::new();
        for ids in absent.chunks(at_once) {
            if self.stop.is_cancelled() {
                return Err(WalkError::Stopped);
            }
            if failures == MOST_FAILURES {
                self.run.counts.unconfirmed += ids.len() as u64;
                continue;
            }
            match self.ask_for(sources, ids, &mut found).await {
                Ok(unanswered) => {
                    failures = 0;
                    self.run.counts.unconfirmed += unanswered;
                }
                Err(error @ CrmError::Unauthorised { .. }) => return Err(error.into()),
                Err(error) => {
                    tracing::warn!(run = %self.run.id, error = error.for_log(), "clients whom the walk did not see could not be asked for");
                    self.run.counts.unconfirmed += ids.len() as u64;
                    failures += 1;
                }
            }
            let records = || found.iter().flat_map(|(_, _, page)| &page.records);
            if records().count() >= GROUP || records().map(RawRecord::len).sum::<usize>() >= GROUP_BYTES {
                self.take_in(std::mem::take(&mut found)).await?;
            }
        }
        self.take_in(found).await
    }

    /// Adds who is shown to `found`, by the first of the sources that shows them; answers of how many nothing is known.
    async fn ask_for(
        &self,
        sources: &[Source],
        ids: &[ExternalId],
        found: &mut Vec<(Source, Instant, RawPage)>,
    ) -> Result<u64, CrmError> {
        let (mut open, mut unanswered, mut pages) = (ids.to_vec(), 0, Vec::new());
        for source in sources.iter().filter(|source| source.kind == RecordKind::Client) {
            if open.is_empty() {
                break;
            }
            let asked = Instant::now();
            let ById { page, unanswered: failed } = self.connector.by_id(source, &open).await?;
            open.retain(|id| !failed.contains(id) && !page.records.iter().any(|record| record.id == *id));
            unanswered += failed.len() as u64;
            if !page.records.is_empty() {
                pages.push((source.clone(), asked, page));
            }
        }
        found.append(&mut pages);
        Ok(unanswered)
    }

    /// Commits clients as a walk's page that came late: they are seen.
    async fn take_in(&mut self, pages: Vec<(Source, Instant, RawPage)>) -> Result<(), WalkError> {
        let Some((source, ..)) = pages.last() else { return Ok(()) };
        let (kind, resource) = (source.kind, source.resource.clone());
        let mut position = WalkPosition { kind, resource, after: None, chunks: self.chunks, is_over: true };
        let (mut seen, mut gathered) = (Seen::default(), CommitBatch::new(self.run.clone()));
        gathered.run.counts.missed += pages.iter().map(|(_, _, page)| page.records.len() as u64).sum::<u64>();
        for (source, asked, raw) in pages {
            let page = map::page(&self.store, &self.mapper, &self.run, &source, asked, raw).await?;
            gathered.take(page, &mut seen, kind);
        }
        self.commit(&mut position, &mut seen, gathered).await
    }
}
