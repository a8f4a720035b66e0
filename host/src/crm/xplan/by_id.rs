//! Entities asked for by their ids, through the batch endpoint: a hundred an exchange.
//!
//! Serves the end of a walk, which asks for whom it missed. What each id's own answer says counts, so that silence is
//! never taken for "no longer shown".

use bytes::Bytes;
use serde::Serialize;

use super::address::Address;
use super::answer::Answer;
use super::batch::{self, Brought, Calls, Item, Manner};
use super::site::Site;
use crate::crm::{CrmError, Source, repair};
use crate::domain::ExternalId;

/// The most ids of an exchange.
pub(super) const MOST: usize = batch::MOST;

/// The result of asking for entities by their ids.
pub(super) struct ById {
    /// The rows of those who are shown, as the answer to a list would hold them.
    pub(super) rows: Answer,
    /// The ids of those whose calls failed to the last.
    pub(super) unanswered: Vec<ExternalId>,
}

#[derive(Serialize)]
struct Batch<'a> {
    batch: Vec<ItemAsked<'a>>,
    include_subtimings: bool,
}

#[derive(Serialize)]
struct ItemAsked<'a> {
    name: String,
    method: &'a str,
    url: String,
}

struct Asked<'a> {
    source: &'a Source,
    ids: &'a [ExternalId],
}

/// Asks for entities of a source; who is not shown is in neither part of the answer.
pub(super) async fn ask(site: &Site, source: &Source, ids: &[ExternalId]) -> Result<ById, CrmError> {
    let asked = Asked { source, ids };
    let slots: Vec<usize> = (0..ids.len()).collect();
    let room = site.room(false).await;
    let (mut shown, mut unanswered) = (Vec::new(), Vec::new());
    let manner = Manner::new(false, room);
    for slots in slots.chunks(batch::size(site)) {
        for (slot, answer) in batch::ask(site, &asked, slots.to_vec(), &manner).await? {
            match answer {
                Ok(Some(row)) => shown.push(row),
                Ok(None) => {}
                Err(error @ CrmError::Unauthorised { .. }) => return Err(error),
                Err(_) => unanswered.push(ids[slot].clone()),
            }
        }
    }
    let body = [b"[".as_slice(), &shown.join(&b','), b"]"].concat();
    let rows = Answer { content_type: "application/json".to_owned(), body: Bytes::from(body), ..Answer::of(200) };
    Ok(ById { rows, unanswered })
}

impl Calls for Asked<'_> {
    /// The row; none of who is not shown.
    type Out = Option<Vec<u8>>;

    fn body(&self, slots: &[usize]) -> Result<Vec<u8>, CrmError> {
        let item = |slot: &usize| {
            let Address { path, query } = Address::entity(self.source, Some(self.ids[*slot].as_str()))?;
            let url = if query.is_empty() { path } else { format!("{path}?{query}") };
            Ok(ItemAsked { name: slot.to_string(), method: "GET", url })
        };
        let batch = slots.iter().map(item).collect::<Result<_, CrmError>>()?;
        let batch = Batch { batch, include_subtimings: false };
        serde_json::to_vec(&batch).map_err(|error| CrmError::Protocol { message: error.to_string() })
    }

    fn sorted(&self, _: usize, item: &Item<'_>, _: &Bytes) -> Brought<Self::Out> {
        let failed = || Brought::Again(CrmError::Unknown { message: "a call of a batch failed".to_owned() });
        match item.code {
            200..300 => {}
            404 => return Brought::Done(None),
            status @ 401 => {
                let message = "a call of a batch was refused".to_owned();
                return Brought::Failed(CrmError::Unauthorised { status, message });
            }
            _ => return failed(),
        }
        let text = item.body.map_or("", |body| body.get());
        // A body is JSON as a string, or the object itself.
        let row =
            if text.starts_with('"') { repair::read(text.as_bytes()).unwrap_or_default() } else { text.to_owned() };
        let row = repair::strings(row.as_bytes()).unwrap_or_else(|| row.into_bytes());
        let row = row.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&row);
        let is_object =
            serde_json::from_slice::<serde::de::IgnoredAny>(row).is_ok() && row.trim_ascii().starts_with(b"{");
        if is_object { Brought::Done(Some(row.to_vec())) } else { failed() }
    }
}
