//! Iress Xplan, in the Resourceful and the Open dialect, with basic authentication or OAuth.
//!
//! Serves the connector trait. The only module that knows Xplan's protocol; what its resources, fields and lists are
//! called comes from the pack's rules, and what they mean it never learns.
//!
//! - [`transport`]: exchanges over HTTP, bounded in number, size and time; [`answer`] and [`status`]: what came of one
//! - [`session`]: what calls are signed with: a session, had again when a login elsewhere took it over, or tokens
//! - [`site`]: exchanges that are signed, and reads
//! - [`limits`]: times and sizes that hold for a site, and [`retry`]: repeats and pauses of reads
//! - [`address`]: addresses with flattened lists and raw bookmarks
//! - [`batch`]: many calls in one exchange, and [`pages`]: rows, both in the size that the site gives
//! - [`by_id`]: entities asked for by their ids, many at once
//! - [`choices`]: lists of the site itself
//! - [`rows`] and [`lists`]: pieces of answers, cut out without copying, by [`pieces`] where they are damaged
//! - [`docnotes`]: file notes, and [`attachments`] their documents
//! - [`open`]: the Open dialect, through a gateway
//! - [`kind`]: what the host is told of Xplan, [`driver`]: what is made for a site, and [`mod@oauth`]: where it is authorised
//! - [`messages`]: what an answer says, for people

mod address;
mod answer;
mod attachments;
mod batch;
mod by_id;
mod choices;
mod docnotes;
mod driver;
mod kind;
mod limits;
mod lists;
mod messages;
mod oauth;
mod open;
mod pages;
mod pieces;
mod retry;
mod rows;
mod session;
mod site;
mod status;
#[cfg(test)]
mod tests;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use self::address::{Address, PAGE_SIZE};
use self::answer::Answer;
use self::batch::Manner;
use self::choices::{SiteLists, is_of_site};
pub use self::driver::DRIVER;
pub use self::kind::KIND;
use self::limits::Limits;
use self::lists::{ListAnswer, Wanted};
use self::open::Open;
use self::pages::{Descent, PageError};
use self::rows::Row;
use self::site::Site;
use self::transport::ApiCall;
use super::budget::Allotment;
use super::{
    Bookmark, ById, Connector, CrmError, FoundNote, RawBelow, RawPage, RawPart, RawRecord, RawText, SiteUnusable,
    Source, Tokens, Traffic,
};
use crate::crm::spec::SiteAccess;
use crate::domain::note::FileNote;
use crate::domain::outbox::FoundAttachment;
use crate::domain::site_list::{KnownList, ListInForce};
use crate::domain::{ExternalId, Timestamp};

/// The stand-in site, for the demo and for tests.
pub use xplan_sandbox as stand_in;

/// The time for which an ending process waits for the site to end its session.
const GOODBYE: Duration = Duration::from_secs(2);

/// One Xplan site.
pub struct Xplan {
    site: Site,
    site_lists: SiteLists,
}

impl Xplan {
    /// A connector that is ready to call the site; nothing is sent yet. `tokens` sign the calls where the settings say
    /// OAuth.
    ///
    /// # Errors
    /// Returns an error if the settings make no usable client.
    pub fn new(access: &SiteAccess, tokens: Option<Arc<dyn Tokens>>) -> Result<Self, SiteUnusable> {
        Self::within(access, tokens, Limits::default())
    }

    fn within(access: &SiteAccess, tokens: Option<Arc<dyn Tokens>>, limits: Limits) -> Result<Self, SiteUnusable> {
        Ok(Self { site: Site::new(access, tokens, limits)?, site_lists: SiteLists::default() })
    }

    /// Rows of a source, at most `size`.
    async fn rows(
        &self,
        source: &Source,
        after: Option<&Bookmark>,
        (size, repeats): (usize, usize),
        room: Option<Arc<Allotment>>,
    ) -> Result<Answer, CrmError> {
        let mut address = Address::entity(source, None)?;
        address.push("page_size", &size.to_string());
        if let Some(bookmark) = after {
            address.push_raw("page_bookmark", &bookmark.0);
        }
        self.site.read_within(&ApiCall::get(address).of_many().held_by(room), repeats).await
    }

    /// A page of at most `size` rows.
    async fn page_of(
        &self,
        source: &Source,
        after: Option<&Bookmark>,
        size: (usize, usize),
    ) -> Result<RawPage, PageError> {
        let room = self.site.room(false).await;
        let answer = self.rows(source, after, size, room.clone()).await.map_err(PageError::Rows)?;
        let list = rows::list(&answer).map_err(PageError::Damaged)?;
        let next = rows::next(&list, after, &answer).map_err(PageError::Damaged)?;
        let page = self.records(source, &list.rows, &answer.body, Manner::new(false, room)).await?;
        Ok(RawPage { unreadable: list.unreadable, next, ..page }.with_failed(&list.failed))
    }

    /// The page of a single row that fails for the reason `error`: who it is, and what follows.
    async fn page_of_name(
        &self,
        source: &Source,
        after: Option<&Bookmark>,
        error: &CrmError,
    ) -> Result<RawPage, CrmError> {
        let answer = self.rows(&pages::names_only(source), after, (1, 1), None).await?;
        let list = rows::names(&answer)?;
        let next = rows::next(&list, after, &answer)?;
        let ids = list.rows.iter().map(|row| row.id).chain(list.failed.iter().map(|(id, _)| *id));
        let records: Vec<_> = ids.map(|id| pages::failed_record(id, error)).collect();
        let below = pages::withheld(source, records.len() as u64);
        Ok(RawPage { records, below, unreadable: list.unreadable, told: Vec::new(), next })
    }

    /// Rows with their lists and what is below, all lists through the same batches.
    async fn records(
        &self,
        source: &Source,
        rows: &[Row<'_>],
        whole: &bytes::Bytes,
        manner: Manner,
    ) -> Result<RawPage, PageError> {
        let ids = rows.iter().map(|row| row.id).collect();
        let of_row = |list: &&String| !is_of_site(list);
        let names = |source: &Source| source.lists.iter().filter(of_row).cloned().collect::<Vec<_>>();
        let lists: Vec<String> = source.lists.iter().cloned().chain(source.below.iter().flat_map(names)).collect();
        let needed = source.lists.len();
        let wanted = Wanted { resource: &source.resource, ids, lists: &lists, needed, manner };
        let mut lists = wanted.fetch(&self.site).await.map_err(PageError::Lists)?.into_iter();
        let mut below: Vec<RawBelow> = source.below.iter().map(RawBelow::of).collect();
        let records = rows.iter().map(|row| {
            let record = row.record(source, whole, lists.by_ref());
            for (source, below) in source.below.iter().zip(&mut below) {
                below.take(source, &record.id, &mut lists, |list| self.site_lists.get(list));
            }
            record
        });
        let records = records.collect();
        Ok(RawPage { records, below, unreadable: 0, told: Vec::new(), next: None })
    }
}

impl Row<'_> {
    /// The row with its source's lists, which are the next of `lists`; `whole` is the answer that the row is of.
    fn record(&self, source: &Source, whole: &bytes::Bytes, lists: &mut impl Iterator<Item = ListAnswer>) -> RawRecord {
        let mut digests = Vec::with_capacity(16 + 17 * source.lists.len());
        digests.extend_from_slice(&self.digest.to_le_bytes());
        let mut record = RawRecord {
            id: ExternalId(self.id.to_owned()),
            fingerprint: 0,
            parts: Vec::with_capacity(1 + source.lists.len()),
            fault: None,
        };
        let text = RawText::Plain(whole.slice_ref(self.text.as_bytes()));
        record.parts.push(RawPart { name: "row".to_owned(), text });
        for (name, list) in source.lists.iter().zip(lists) {
            list.join(name, &mut record, &mut digests);
        }
        record.fingerprint = xxhash_rust::xxh3::xxh3_128(&digests);
        record
    }
}

impl RawBelow {
    fn of(source: &Source) -> Self {
        Self { kind: source.kind, records: Vec::new(), withheld: 0, unowned: 0 }
    }

    /// Takes the lists of one row from those that were fetched.
    fn take(
        &mut self,
        source: &Source,
        id: &ExternalId,
        lists: &mut impl Iterator<Item = ListAnswer>,
        of_site: impl Fn(&str) -> Option<RawText>,
    ) {
        let parts = Vec::with_capacity(source.lists.len());
        let mut record = RawRecord { id: id.clone(), fingerprint: 0, parts, fault: None };
        let mut digests = Vec::with_capacity(17 * source.lists.len());
        let mut is_whole = true;
        for name in &source.lists {
            let list = match is_of_site(name) {
                true => of_site(name).map_or(ListAnswer::Absent, ListAnswer::Text),
                false => lists.next().unwrap_or(ListAnswer::Absent),
            };
            is_whole &= is_of_site(name) || !matches!(list, ListAnswer::Absent);
            list.join(name, &mut record, &mut digests);
        }
        // A record that lacks one of its lists would look as if what stands there were gone.
        if !is_whole {
            self.withheld += 1;
            return;
        }
        record.fingerprint = xxhash_rust::xxh3::xxh3_128(&digests);
        self.records.push(record);
    }
}

#[async_trait::async_trait]
impl Connector for Xplan {
    async fn whoami(&self) -> Result<String, CrmError> {
        let call = ApiCall::get(Address::of("/resourceful/session/user")).awaited(true);
        session::user(&status::succeeded(self.site.signed(&call).await?)?)
    }

    async fn page(&self, source: &Source, after: Option<&Bookmark>) -> Result<RawPage, CrmError> {
        self.site_lists.prepare(&self.site, source, after.is_none()).await?;
        let mut descent = Descent::new(&self.site, &source.resource, PAGE_SIZE);
        loop {
            let error = match self.page_of(source, after, (descent.size, descent.repeats())).await {
                Ok(page) => {
                    descent.came();
                    return Ok(page);
                }
                // Of what lists say, only that there is no room for them all is a matter of rows.
                Err(PageError::Lists(error)) if !matches!(error, CrmError::TooLarge { .. }) => return Err(error),
                Err(error) => error,
            };
            let Err(error) = descent.failed(error).await else { continue };
            if !descent.may_be_of_row(&error) {
                return Err(error);
            }
            let page = self.page_of_name(source, after, &error).await;
            return match page {
                Ok(page) => {
                    descent.one_failed();
                    Ok(page)
                }
                Err(_) => Err(error),
            };
        }
    }

    async fn one(&self, source: &Source, id: &ExternalId) -> Result<Option<RawPage>, CrmError> {
        let call = ApiCall::get(Address::entity(source, Some(id.as_str()))?).awaited(true);
        let room = self.site.room(true).await;
        let answer = match self.site.read(&call.held_by(room.clone())).await {
            Err(CrmError::Refused { status: 404, .. }) => return Ok(None),
            answered => answered?,
        };
        self.site_lists.prepare(&self.site, source, false).await?;
        let row = rows::single(&answer)?;
        if row.id != id.as_str() {
            return Err(rows::unexpected(&answer, "the entity that was asked for"));
        }
        Ok(Some(self.records(source, &[row], &answer.body, Manner::new(true, room)).await?))
    }

    fn by_id_at_once(&self) -> usize {
        by_id::MOST
    }

    async fn by_id(&self, source: &Source, ids: &[ExternalId]) -> Result<ById, CrmError> {
        self.site_lists.prepare(&self.site, source, false).await?;
        let found = by_id::ask(&self.site, source, ids).await?;
        let list = rows::list(&found.rows)?;
        if list.rows.iter().any(|row| !ids.iter().any(|id| id.as_str() == row.id)) {
            return Err(rows::unexpected(&found.rows, "the entities that were asked for"));
        }
        let manner = Manner::new(false, self.site.room(false).await);
        let page = self.records(source, &list.rows, &found.rows.body, manner).await?;
        let page = RawPage { unreadable: list.unreadable, ..page }.with_failed(&list.failed);
        Ok(ById { page, unanswered: found.unanswered })
    }

    async fn find_notes(&self, entity: &ExternalId) -> Result<Vec<FoundNote>, CrmError> {
        docnotes::find(&self.site, entity).await
    }

    async fn filed_against(&self, document_id: &ExternalId) -> Result<Option<Vec<ExternalId>>, CrmError> {
        docnotes::filed_against(&self.site, document_id).await
    }

    async fn create_note(&self, note: &FileNote, marker: &str) -> Result<ExternalId, CrmError> {
        docnotes::create(&self.site, note, marker).await
    }

    async fn attach(
        &self,
        document_id: &ExternalId,
        filename: &str,
        media_type: &str,
        content: &[u8],
    ) -> Result<ExternalId, CrmError> {
        attachments::attach(&self.site, document_id, filename, media_type, content).await
    }

    async fn attachments_of(&self, document_id: &ExternalId) -> Result<Vec<FoundAttachment>, CrmError> {
        attachments::list(&self.site, document_id).await
    }

    fn left_alone_until(&self) -> Option<Timestamp> {
        self.site.transport.left_alone_until()
    }

    fn leave_alone_until(&self, until: Timestamp) {
        self.site.transport.leave_alone_until(until);
    }

    fn release(&self) {
        self.site.transport.release();
    }

    async fn sign_out(&self) {
        let _ = tokio::time::timeout(GOODBYE, self.site.sign_out()).await;
    }

    fn traffic(&self) -> &Traffic {
        &self.site.transport.traffic
    }

    fn memory(&self) -> Vec<u8> {
        self.site.sizes.memory()
    }

    fn recall(&self, memory: &[u8]) {
        self.site.sizes.recall(memory);
    }

    fn site_lists(&self) -> Vec<ListInForce> {
        self.site_lists.all()
    }

    fn recall_site_lists(&self, known: Vec<KnownList>) {
        self.site_lists.recall(known);
    }
}
