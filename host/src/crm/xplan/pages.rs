//! Pages in the size that a site gives: one that fails is asked for in halves, down to a single row; and a row that fails
//! by itself is asked for by its name alone, so that it is known who stays out and the walk goes on behind it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::batch::is_of_size;
use super::site::Site;
use crate::crm::{CrmError, RawBelow, RawPage, RawRecord, Source};
use crate::domain::ExternalId;

/// Rows that may fail by themselves one after another before it is the site that fails.
const MOST_IN_A_ROW: usize = 8;

/// One page on its way down to the size that comes.
pub(super) struct Descent<'s> {
    site: &'s Site,
    what: &'s str,
    most: usize,
    /// The rows to ask for now.
    pub(super) size: usize,
    failed: Option<usize>,
    pauses: Box<dyn Iterator<Item = Duration> + Send>,
}

impl<'s> Descent<'s> {
    /// A descent from the size that came last; `what` is what pages are asked for of.
    pub(super) fn new(site: &'s Site, what: &'s str, most: usize) -> Self {
        let size = site.sizes.next(what, most);
        Self { site, what, most, size, failed: None, pauses: Box::new(site.transport.limits.retry.pauses()) }
    }

    /// The number of times that the page is asked for again as it is after a failure that its size may be the reason
    /// of.
    pub(super) fn repeats(&self) -> usize {
        match (self.size, self.failed) {
            (1, _) => usize::MAX,
            (_, None) => 1,
            (_, Some(_)) => 0,
        }
    }

    /// The page came.
    pub(super) fn came(self) {
        self.site.rows_failed.store(0, Ordering::Relaxed);
        self.site.sizes.came(self.what, self.size, self.failed, self.most);
    }

    /// The page failed: goes on with half of it after a pause, where that may help.
    ///
    /// # Errors
    /// The failure, where it does not: of one row, or of another kind.
    pub(super) async fn smaller(&mut self, error: CrmError) -> Result<(), CrmError> {
        let is_refused = matches!(error, CrmError::Refused { status: 400 | 422, .. });
        if self.size == 1 || !is_of_size(&error) && !is_refused {
            return Err(error);
        }
        tracing::debug!(error = error.for_log(), rows = self.size, what = self.what, "asking for half a page");
        if let (CrmError::Unknown { .. }, Some(pause)) = (&error, self.pauses.next()) {
            self.site.transport.traffic.count_retry();
            tokio::time::sleep(pause).await;
        }
        self.halve();
        Ok(())
    }

    /// The same, of a page whose rows came and cannot be read. The first time they may have been cut on their way; after
    /// that they are what the site has, which no pause changes.
    ///
    /// # Errors
    /// Fails as [`Self::smaller`] does.
    pub(super) async fn failed(&mut self, error: PageError) -> Result<(), CrmError> {
        match error {
            PageError::Damaged(error) if self.failed.is_some() && self.size > 1 && is_of_size(&error) => {
                tracing::debug!(error = error.for_log(), rows = self.size, what = self.what, "asking for half a page");
                self.halve();
                Ok(())
            }
            error => self.smaller(error.into()).await,
        }
    }

    fn halve(&mut self) {
        self.failed = Some(self.size);
        self.size /= 2;
    }

    /// Whether it may be the one row that makes the page fail, and not the site that fails.
    pub(super) fn may_be_of_row(&self, error: &CrmError) -> bool {
        self.size == 1
            && matches!(error, CrmError::TooLarge { .. } | CrmError::Unknown { .. })
            && self.site.rows_failed.fetch_add(1, Ordering::Relaxed) < MOST_IN_A_ROW
    }

    /// The one row was let go by itself.
    pub(super) fn one_failed(self) {
        self.site.sizes.one_fails(self.what, self.most);
    }
}

/// The reason why a page did not come.
pub(super) enum PageError {
    /// The page's rows did not come.
    Rows(CrmError),
    /// The page's rows came and cannot be read.
    Damaged(CrmError),
    /// The lists below them did not.
    Lists(CrmError),
}

impl From<PageError> for CrmError {
    fn from(error: PageError) -> Self {
        let (PageError::Rows(error) | PageError::Damaged(error) | PageError::Lists(error)) = error;
        error
    }
}

/// A source of which only who the rows are is asked.
pub(super) fn names_only(source: &Source) -> Source {
    Source { fields: Vec::new(), lists: Vec::new(), below: Vec::new(), ..source.clone() }
}

/// The record of a row that failed by itself.
pub(super) fn failed_record(id: &str, error: &CrmError) -> RawRecord {
    let fault = format!("the CRM does not give this record with its values: {error}");
    // The words differ from time to time; what is said stays the same.
    let fingerprint = xxhash_rust::xxh3::xxh3_128(b"a record that fails by itself");
    RawRecord { id: ExternalId(id.to_owned()), fingerprint, parts: Vec::new(), fault: Some(fault) }
}

impl RawPage {
    /// The page with the rows that are no JSON, each kept aside by itself.
    pub(super) fn with_failed(mut self, failed: &[(&str, CrmError)]) -> Self {
        self.records.extend(failed.iter().map(|(id, error)| failed_record(id, error)));
        for below in &mut self.below {
            below.withheld += failed.len() as u64;
        }
        self
    }
}

/// The lists below rows that failed by themselves: nothing is known of them.
pub(super) fn withheld(source: &Source, rows: u64) -> Vec<RawBelow> {
    source.below.iter().map(|source| RawBelow { withheld: rows, ..RawBelow::of(source) }).collect()
}
