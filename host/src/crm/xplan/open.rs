//! Xplan in the Open dialect: through a gateway that is told by a header for which site a call is.
//!
//! Serves the connector trait. Little is published of this dialect. Known are the gateway's headers, `/client` and
//! `/client/{id}/<list>`; inferred, and the same in the stand-in site, are paging (`PageSize`, `PageBookmark`, a
//! `Bookmark` in each row), the users' list, and where a client's notes are written. Resources and lists come from the
//! pack's rules, the notes' list and the version from the settings.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Limits;
use super::address::{Address, PAGE_SIZE, segment};
use super::answer::Answer;
use super::batch::Manner;
use super::choices::is_of_site;
use super::docnotes::{FoundNotes, Marked};
use super::kind::Gateway;
use super::lists::ListAnswer;
use super::pages::{Descent, PageError};
use super::rows::{self, Row};
use super::site::Site;
use super::status::{is_passing, succeeded};
use super::transport::ApiCall;
use crate::crm::spec::SiteAccess;
use crate::crm::{
    Bookmark, Connector, CrmError, FoundNote, RawBelow, RawPage, RawText, SiteUnusable, Source, Tokens, Traffic,
};
use crate::domain::note::FileNote;
use crate::domain::outbox::FoundAttachment;
use crate::domain::{ExternalId, Timestamp};

/// One Xplan site behind its gateway.
pub struct Open {
    site: Site,
    /// The list below a client to which notes are added.
    notes: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewNote<'a> {
    subject: &'a str,
    body: &'a str,
    media_type: &'a str,
    note_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note_subtype: Option<&'a str>,
    /// All clients whom it is about; the first one's is the address.
    client_ids: Vec<&'a str>,
    external_reference: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeptNote {
    external_reference: Option<Value>,
    created_date: Option<Value>,
}

impl From<KeptNote> for Marked {
    fn from(note: KeptNote) -> Self {
        Self { guid: note.external_reference, created_date: note.created_date }
    }
}

impl Open {
    /// A connector that is ready to call the gateway; nothing is sent yet. `tokens` sign the calls where the settings
    /// say OAuth.
    ///
    /// # Errors
    /// Returns an error if the settings make no usable client.
    pub(super) fn new(
        access: &SiteAccess,
        gateway: &Gateway,
        tokens: Option<Arc<dyn Tokens>>,
        limits: Limits,
    ) -> Result<Self, SiteUnusable> {
        Ok(Self { site: Site::new(access, tokens, limits)?, notes: gateway.notes_list.clone() })
    }

    /// Rows with their lists and what is below, each list a call of its own: no batches are known of the gateway,
    /// nor lists of the site itself.
    async fn records(
        &self,
        source: &Source,
        rows: &[Row<'_>],
        whole: &bytes::Bytes,
        manner: &Manner,
    ) -> Result<RawPage, CrmError> {
        let below = source.below.iter().flat_map(|below| &below.lists).filter(|list| !is_of_site(list));
        let names: Vec<&String> = source.lists.iter().chain(below).collect();
        let mut calls = Vec::with_capacity(rows.len() * names.len());
        for row in rows {
            for list in &names {
                calls.push(ApiCall::get(path(&[&source.resource, row.id, list])?).awaited(manner.is_awaited));
            }
        }
        let asked = stream::iter(calls.into_iter().map(|call| self.list(call, manner)))
            .buffered(self.site.transport.limiter.most());
        let lists: Vec<ListAnswer> = asked.try_collect().await?;
        if rows.len() > 1 {
            blame(&lists, &names, source)?;
        }
        let mut lists = lists.into_iter();
        let mut below: Vec<RawBelow> = source.below.iter().map(RawBelow::of).collect();
        let records = rows.iter().map(|row| {
            let record = row.record(source, whole, lists.by_ref());
            for (source, below) in source.below.iter().zip(&mut below) {
                below.take(source, &record.id, &mut lists, |_| None);
            }
            record
        });
        let records = records.collect();
        Ok(RawPage { records, below, unreadable: 0, told: Vec::new(), next: None })
    }

    async fn list(&self, call: ApiCall, manner: &Manner) -> Result<ListAnswer, CrmError> {
        let answer = match self.site.read(&call.held_by(manner.room.clone())).await {
            Ok(answer) => answer,
            Err(CrmError::Refused { status: 404, .. }) => {
                manner.answered();
                return Ok(ListAnswer::Absent);
            }
            Err(error @ CrmError::TooLarge { .. }) if manner.is_full() => return Err(error),
            Err(error @ (CrmError::Refused { .. } | CrmError::TooLarge { .. })) => {
                manner.answered();
                return Ok(ListAnswer::Faulty(error.to_string()));
            }
            Err(error @ CrmError::Unknown { .. }) if !manner.is_awaited && manner.may_fail() => {
                return Ok(ListAnswer::Faulty(error.to_string()));
            }
            Err(error @ CrmError::Throttled { status, .. }) if is_passing(status) => {
                return Ok(ListAnswer::Faulty(error.to_string()));
            }
            Err(error) => return Err(error),
        };
        manner.answered();
        match rows::parsed::<Vec<&serde_json::value::RawValue>>(&answer, "a list as a JSON array") {
            Ok(_) => Ok(ListAnswer::Text(RawText::Plain(answer.body))),
            Err(error) => Ok(ListAnswer::Faulty(error.to_string())),
        }
    }

    /// A page of notes, in the size that the gateway gives, with that size.
    async fn notes(&self, address: Address, after: Option<&Bookmark>) -> Result<(Answer, usize), CrmError> {
        let mut descent = Descent::new(&self.site, &self.notes, PAGE_SIZE);
        loop {
            let call = rows_of(address.clone(), after, descent.size).awaited(true).or_nothing();
            match self.site.read_within(&call, descent.repeats()).await {
                Ok(answer) => {
                    let asked = descent.size;
                    descent.came();
                    return Ok((answer, asked));
                }
                Err(error) => descent.smaller(error).await?,
            }
        }
    }

    async fn page_of(
        &self,
        source: &Source,
        after: Option<&Bookmark>,
        (size, repeats): (usize, usize),
    ) -> Result<RawPage, PageError> {
        let manner = Manner::new(false, self.site.room(false).await);
        let address = path(&[&source.resource]).map_err(PageError::Rows)?;
        let call = rows_of(address, after, size).held_by(manner.room.clone());
        let answer = self.site.read_within(&call, repeats).await.map_err(PageError::Rows)?;
        let list = rows::list(&answer).map_err(PageError::Damaged)?;
        let next = rows::next(&list, after, &answer).map_err(PageError::Damaged)?;
        let page = self.records(source, &list.rows, &answer.body, &manner).await.map_err(PageError::Lists)?;
        Ok(RawPage { unreadable: list.unreadable, next, ..page }.with_failed(&list.failed))
    }
}

/// Asks for rows, at most `size`.
fn rows_of(mut address: Address, after: Option<&Bookmark>, size: usize) -> ApiCall {
    address.push("PageSize", &size.to_string());
    if let Some(bookmark) = after {
        address.push("PageBookmark", &bookmark.0);
    }
    ApiCall::get(address).of_many()
}

/// A list that is faulty for everybody is no fault of theirs.
fn blame(lists: &[ListAnswer], names: &[&String], source: &Source) -> Result<(), CrmError> {
    for (at, name) in names.iter().enumerate() {
        let of_list = || lists.iter().skip(at).step_by(names.len());
        if let Some(ListAnswer::Faulty(message)) = of_list().next()
            && of_list().all(|list| matches!(list, ListAnswer::Faulty(_)))
        {
            let message = format!("the list `{name}` of every {}: {message}", source.resource);
            return Err(CrmError::Protocol { message });
        }
    }
    Ok(())
}

/// `/client/1259/contact`.
fn path(parts: &[&str]) -> Result<Address, CrmError> {
    let mut path = String::new();
    for part in parts {
        path.push('/');
        path.push_str(segment(part)?);
    }
    Ok(Address::of(&path))
}

#[async_trait::async_trait]
impl Connector for Open {
    async fn whoami(&self) -> Result<String, CrmError> {
        // Whoever asks for one row and gets it is let in; the gateway tells no names.
        let mut address = path(&["user"])?;
        address.push("PageSize", "1");
        succeeded(self.site.signed(&ApiCall::get(address).awaited(true)).await?)?;
        Ok("the integration's user".to_owned())
    }

    async fn page(&self, source: &Source, after: Option<&Bookmark>) -> Result<RawPage, CrmError> {
        let mut descent = Descent::new(&self.site, &source.resource, PAGE_SIZE);
        loop {
            match self.page_of(source, after, (descent.size, descent.repeats())).await {
                Ok(page) => {
                    descent.came();
                    return Ok(page);
                }
                Err(error) => descent.failed(error).await?,
            }
        }
    }

    async fn one(&self, source: &Source, id: &ExternalId) -> Result<Option<RawPage>, CrmError> {
        let call = ApiCall::get(path(&[&source.resource, id.as_str()])?).awaited(true);
        let manner = Manner::new(true, self.site.room(true).await);
        let answer = match self.site.read(&call.held_by(manner.room.clone())).await {
            Err(CrmError::Refused { status: 404, .. }) => return Ok(None),
            answered => answered?,
        };
        let row = rows::single(&answer)?;
        if row.id != id.as_str() {
            return Err(rows::unexpected(&answer, "the entity that was asked for"));
        }
        self.records(source, &[row], &answer.body, &manner).await.map(Some)
    }

    async fn find_notes(&self, entity: &ExternalId) -> Result<Vec<FoundNote>, CrmError> {
        let mut notes = FoundNotes::default();
        let mut after: Option<Bookmark> = None;
        loop {
            let address = path(&["client", entity.as_str(), &self.notes])?;
            let (answer, asked) = self.notes(address, after.as_ref()).await?;
            let wanted = "each note as a JSON object with its `ExternalReference`";
            after = notes.take::<KeptNote>(&answer, asked, after.as_ref(), wanted)?;
            if after.is_none() {
                return Ok(notes.found);
            }
        }
    }

    async fn create_note(&self, note: &FileNote, marker: &str) -> Result<ExternalId, CrmError> {
        let first = note.filed_against.first();
        let message = || "a note has to be about a client".to_owned();
        let first = first.ok_or_else(|| CrmError::Protocol { message: message() })?;
        let body = NewNote {
            subject: &note.subject,
            body: &note.body,
            media_type: &note.media_type,
            note_type: &note.note_type,
            note_subtype: note.note_subtype.as_deref(),
            client_ids: note.filed_against.iter().map(ExternalId::as_str).collect(),
            external_reference: marker,
        };
        let body = serde_json::to_vec(&body).map_err(|error| CrmError::Protocol { message: error.to_string() })?;
        let address = path(&["client", first.as_str(), &self.notes])?;
        super::docnotes::made(&self.site, &ApiCall::post(&address.path, body).awaited(true), "the new note's `Id`")
            .await
    }

    async fn attach(
        &self,
        _document_id: &ExternalId,
        _filename: &str,
        _media_type: &str,
        _bytes: &[u8],
    ) -> Result<ExternalId, CrmError> {
        let message = "how documents are attached in the Open dialect is not known; attach it by hand".to_owned();
        Err(CrmError::Refused { status: 0, message })
    }

    async fn attachments_of(&self, _document_id: &ExternalId) -> Result<Vec<FoundAttachment>, CrmError> {
        Ok(Vec::new())
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

    async fn sign_out(&self) {}

    fn traffic(&self) -> &Traffic {
        &self.site.transport.traffic
    }

    fn memory(&self) -> Vec<u8> {
        self.site.sizes.memory()
    }

    fn recall(&self, memory: &[u8]) {
        self.site.sizes.recall(memory);
    }
}
