//! Entities asked for by their ids, through the batch endpoint: a hundred an exchange.
//!
//! Serves the end of a walk, which asks for whom it missed. What each id's own answer says counts, so that silence is
//! never taken for "no longer shown".

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;

use super::address::Address;
use super::lists::{BATCH, Item};
use super::rows;
use super::site::{Answer, Call, Site};
use crate::crm::{CrmError, Source};
use crate::domain::ExternalId;

/// The most ids of an exchange.
pub(super) const MOST: usize = BATCH;

/// How often ids are asked for again whose calls failed while the exchange did not.
const REPEATS: usize = 3;

/// What came of it.
pub(super) struct ById {
    /// The rows of those who are shown, as the answer to a list would hold them.
    pub(super) rows: Answer,
    /// Whose calls failed to the last.
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

/// What an item says of its entity.
enum Said {
    Shown(Vec<u8>),
    NotShown,
    Failed,
}

/// Asks for entities of a source; who is not shown is in neither part of the answer.
pub(super) async fn ask(site: &Site, source: &Source, ids: &[ExternalId]) -> Result<ById, CrmError> {
    let mut open: BTreeMap<usize, &ExternalId> = ids.iter().enumerate().collect();
    let mut shown = Vec::new();
    let mut pauses = site.limits.pauses().take(REPEATS);
    loop {
        let call = Call::post("/resourceful", body(source, &open)?).of_many();
        let answer = site.read(&call).await?;
        for (at, said) in said(&answer)? {
            let Some(id) = open.remove(&at) else {
                return Err(rows::unexpected(&answer, "one answer to each call of the batch"));
            };
            match said {
                Said::Shown(row) => shown.push(row),
                Said::NotShown => {}
                Said::Failed => drop(open.insert(at, id)),
            }
        }
        if open.is_empty() {
            break;
        }
        let Some(pause) = pauses.next() else { break };
        site.traffic.count_retry();
        tokio::time::sleep(pause).await;
    }
    let body = [b"[".as_slice(), &shown.join(&b','), b"]"].concat();
    let rows = Answer { content_type: "application/json".to_owned(), body: Bytes::from(body), ..Answer::of(200) };
    Ok(ById { rows, unanswered: open.into_values().cloned().collect() })
}

fn body(source: &Source, open: &BTreeMap<usize, &ExternalId>) -> Result<Vec<u8>, CrmError> {
    let item = |(at, id): (&usize, &&ExternalId)| {
        let Address { path, query } = Address::entity(source, Some(id.as_str()))?;
        let url = if query.is_empty() { path } else { format!("{path}?{query}") };
        Ok(ItemAsked { name: at.to_string(), method: "GET", url })
    };
    let batch = Batch { batch: open.iter().map(item).collect::<Result<_, CrmError>>()?, include_subtimings: false };
    serde_json::to_vec(&batch).map_err(|error| CrmError::Protocol { words: error.to_string() })
}

/// The answers by the places that the calls had.
fn said(answer: &Answer) -> Result<Vec<(usize, Said)>, CrmError> {
    let items: Vec<Item<'_>> = rows::parsed(answer, "a batch's answers as a JSON array")?;
    let mut said = Vec::with_capacity(items.len());
    for item in items {
        let at = item.name.get().trim_matches('"').parse().ok();
        let at = at.ok_or_else(|| rows::unexpected(answer, "each answer of the batch under its name"))?;
        said.push((at, sorted(&item)?));
    }
    Ok(said)
}

fn sorted(item: &Item<'_>) -> Result<Said, CrmError> {
    match item.code {
        200..300 => {}
        404 => return Ok(Said::NotShown),
        status @ 401 => {
            return Err(CrmError::Unauthorised { status, words: "a call of a batch was refused".to_owned() });
        }
        _ => return Ok(Said::Failed),
    }
    let text = item.body.map_or("", |body| body.get());
    // A body is JSON as a string, or the object itself.
    let row = if text.starts_with('"') { serde_json::from_str(text).unwrap_or_default() } else { text.to_owned() };
    let is_object = serde_json::from_str::<serde::de::IgnoredAny>(&row).is_ok() && row.trim_start().starts_with('{');
    Ok(if is_object { Said::Shown(row.into_bytes()) } else { Said::Failed })
}
