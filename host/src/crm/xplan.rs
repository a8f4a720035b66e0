//! Iress Xplan, in the Resourceful dialect with basic authentication.
//!
//! Serves the connector trait. The only module that knows Xplan's protocol; what its resources, fields and lists are
//! called comes from the pack's rules, and what they mean it never learns.
//!
//! - [`site`]: exchanges over HTTP, bounded in number, size and time
//! - [`session`]: signing in, and again when a login elsewhere took the session over
//! - [`patience`]: repeats, pauses and their limits
//! - [`address`]: addresses with flattened lists and raw bookmarks
//! - [`rows`] and [`lists`]: pieces of answers, cut out without copying
//! - [`docnotes`]: file notes, and [`attachments`] their documents
//! - [`words`]: what an answer says, for people

mod address;
mod attachments;
mod docnotes;
mod lists;
mod patience;
mod rows;
mod session;
mod site;
mod words;

#[cfg(test)]
mod tests;

use std::time::Duration;

use self::address::{Address, PAGE_SIZE};
use self::lists::Wanted;
use self::patience::Limits;
use self::rows::Row;
use self::site::{Call, Site};
use super::{Bookmark, Connector, CrmError, FoundNote, RawPage, RawPart, RawRecord, RawText, Source, Traffic};
use crate::config::ConnectionConfig;
use crate::domain::note::FileNote;
use crate::domain::outbox::FoundAttachment;
use crate::domain::{ExternalId, Timestamp};

/// How long an ending process waits for the site to end its session.
const GOODBYE: Duration = Duration::from_secs(2);

/// One Xplan site.
pub struct Xplan {
    site: Site,
}

impl Xplan {
    /// Ready to call the site; nothing is sent yet.
    ///
    /// # Errors
    /// Where the settings make no usable client.
    pub fn new(settings: &ConnectionConfig) -> Result<Self, CrmError> {
        Ok(Self { site: Site::new(settings, Limits::default())? })
    }

    /// Rows with their lists.
    async fn records(
        &self,
        source: &Source,
        rows: &[Row<'_>],
        whole: &bytes::Bytes,
    ) -> Result<Vec<RawRecord>, CrmError> {
        let ids = rows.iter().map(|row| row.id).collect();
        let wanted = Wanted { resource: &source.resource, ids, lists: &source.lists };
        let mut lists = wanted.fetch(&self.site).await?.into_iter();
        let records = rows.iter().map(|row| {
            let mut parts = Vec::with_capacity(1 + source.lists.len());
            let mut digests = Vec::with_capacity(16 + 17 * source.lists.len());
            digests.extend_from_slice(&row.digest.to_le_bytes());
            parts.push(RawPart { name: "row".to_owned(), text: RawText::Plain(whole.slice_ref(row.text.as_bytes())) });
            for (name, list) in source.lists.iter().zip(lists.by_ref()) {
                digests.push(u8::from(list.is_some()));
                if let Some(text) = list {
                    digests.extend_from_slice(&text.digest().to_le_bytes());
                    parts.push(RawPart { name: name.clone(), text });
                }
            }
            let fingerprint = xxhash_rust::xxh3::xxh3_128(&digests);
            RawRecord { id: ExternalId(row.id.to_owned()), fingerprint, parts }
        });
        Ok(records.collect())
    }
}

#[async_trait::async_trait]
impl Connector for Xplan {
    async fn whoami(&self) -> Result<String, CrmError> {
        let call = Call::get(Address::of("/resourceful/session/user"));
        site::succeeded(self.site.signed(&call).await?)?;
        Ok(self.site.ticket(None).await?.user.to_string())
    }

    async fn page(&self, source: &Source, after: Option<&Bookmark>) -> Result<RawPage, CrmError> {
        let mut address = Address::entity(source, None)?;
        address.push("page_size", &PAGE_SIZE.to_string());
        if let Some(bookmark) = after {
            address.push_raw("page_bookmark", &bookmark.0);
        }
        let answer = self.site.read(&Call::get(address)).await?;
        let rows = rows::list(&answer)?;
        let next = rows::next(&rows, after, &answer)?;
        let records = self.records(source, &rows, &answer.body).await?;
        Ok(RawPage { records, next })
    }

    async fn one(&self, source: &Source, id: &ExternalId) -> Result<Option<RawRecord>, CrmError> {
        let call = Call::get(Address::entity(source, Some(id.as_str()))?);
        let answer = match self.site.read(&call).await {
            Err(CrmError::Refused { status: 404, .. }) => return Ok(None),
            answered => answered?,
        };
        let row = rows::single(&answer)?;
        if row.id != id.as_str() {
            return Err(rows::unexpected(&answer, "the entity that was asked for"));
        }
        Ok(self.records(source, &[row], &answer.body).await?.pop())
    }

    async fn find_notes(
        &self,
        entity: &ExternalId,
        subject: &str,
        since: Timestamp,
    ) -> Result<Vec<FoundNote>, CrmError> {
        docnotes::find(&self.site, entity, subject, since).await
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

    async fn sign_out(&self) {
        let _ = tokio::time::timeout(GOODBYE, self.site.sign_out()).await;
    }

    fn traffic(&self) -> &Traffic {
        &self.site.traffic
    }
}
