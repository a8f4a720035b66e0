//! The lists below rows, through the batch endpoint: a hundred an exchange, several exchanges at once.

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::address::{entity_path, segment};
use super::rows;
use super::site::{Answer, Call, Site};
use super::words;
use crate::crm::{CrmError, RawText};

/// The most calls of a batch.
const BATCH: usize = 100;

/// Which lists of which entities are asked for. Each has a slot: those of the first entity, then the second's.
pub(super) struct Wanted<'a> {
    pub(super) resource: &'a str,
    pub(super) ids: Vec<&'a str>,
    pub(super) lists: &'a [String],
    /// How many of the lists have to be shown: one that is not among them may also be refused.
    pub(super) needed: usize,
}

#[derive(Deserialize)]
struct Item<'a> {
    code: u16,
    #[serde(borrow)]
    name: &'a RawValue,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

/// What a batch brought for a slot.
enum Brought {
    List(RawText),
    Absent,
    /// The item failed in a way that another try may mend.
    Again(CrmError),
}

impl Wanted<'_> {
    /// The lists by slot; none where the CRM has not got the list.
    pub(super) async fn fetch(&self, site: &Site) -> Result<Vec<Option<RawText>>, CrmError> {
        entity_path(self.resource, None)?;
        self.lists.iter().try_for_each(|list| segment(list).map(drop))?;
        let slots = self.ids.len() * self.lists.len();
        let batches = (0..slots).step_by(BATCH).map(|from| (from..slots.min(from + BATCH)).collect::<Vec<_>>());
        let mut answered =
            stream::iter(batches.map(|batch| self.batch(site, batch))).buffer_unordered(site.limits.concurrent);
        let mut lists: Vec<Option<RawText>> = Vec::new();
        lists.resize_with(slots, || None);
        while let Some(found) = answered.try_next().await? {
            for (slot, list) in found {
                lists[slot] = Some(list);
            }
        }
        Ok(lists)
    }

    /// One batch, its failing items asked again until patience ends.
    async fn batch(&self, site: &Site, mut open: Vec<usize>) -> Result<Vec<(usize, RawText)>, CrmError> {
        let mut found = Vec::with_capacity(open.len());
        let mut pauses = site.limits.pauses();
        loop {
            let answer = site.read(&Call::post("/resourceful", self.body(&open))).await?;
            let mut last_error = None;
            for (slot, brought) in self.brought(&answer)? {
                // An answer to something that was not asked, or asked twice, must not stand for something else.
                let Some(at) = open.iter().position(|wanted| *wanted == slot) else {
                    return Err(rows::unexpected(&answer, "one answer to each call of the batch"));
                };
                match brought {
                    Brought::List(list) => found.push((slot, list)),
                    Brought::Absent => {}
                    Brought::Again(error) => {
                        last_error = Some(error);
                        continue;
                    }
                }
                open.swap_remove(at);
            }
            if open.is_empty() {
                return Ok(found);
            }
            let error = last_error.unwrap_or_else(|| rows::unexpected(&answer, "an answer to each call of the batch"));
            let Some(pause) = pauses.next() else { return Err(error) };
            site.traffic.count_retry();
            tokio::time::sleep(pause).await;
        }
    }

    /// The request. Names and numbers were checked to need no escaping.
    fn body(&self, slots: &[usize]) -> Vec<u8> {
        let mut body = Vec::with_capacity(32 + slots.len() * 110);
        body.extend_from_slice(br#"{"batch":["#);
        for (at, slot) in slots.iter().enumerate() {
            if at > 0 {
                body.push(b',');
            }
            body.extend_from_slice(br#"{"name":""#);
            body.extend_from_slice(slot.to_string().as_bytes());
            body.extend_from_slice(br#"","method":"GET","url":"/resourceful/entity/"#);
            for (separator, part) in ["", "/", "/"].iter().zip(self.parts(*slot)) {
                body.extend_from_slice(separator.as_bytes());
                body.extend_from_slice(part.as_bytes());
            }
            body.extend_from_slice(br#""}"#);
        }
        body.extend_from_slice(br#"],"include_subtimings":false}"#);
        body
    }

    /// Resource, entity and list of a slot.
    fn parts(&self, slot: usize) -> [&str; 3] {
        [self.resource, self.ids[slot / self.lists.len()], &self.lists[slot % self.lists.len()]]
    }

    fn brought(&self, answer: &Answer) -> Result<Vec<(usize, Brought)>, CrmError> {
        let items: Vec<Item<'_>> = rows::parsed(answer, "a batch's answers as a JSON array")?;
        let slots = self.ids.len() * self.lists.len();
        items
            .into_iter()
            .map(|item| {
                let slot = item.name.get().trim_matches('"').parse().ok().filter(|slot| *slot < slots);
                let slot = slot.ok_or_else(|| rows::unexpected(answer, "each answer of the batch under its name"))?;
                Ok((slot, self.sorted(slot, &item, &answer.body)?))
            })
            .collect()
    }

    fn sorted(&self, slot: usize, item: &Item<'_>, whole: &Bytes) -> Result<Brought, CrmError> {
        let status = item.code;
        let [resource, id, list] = self.parts(slot);
        if (200..300).contains(&status) {
            let words = format!("the list `{list}` of {resource} {id} is no JSON array");
            return text(item, whole).map(Brought::List).ok_or(CrmError::Protocol { words });
        }
        let said = || {
            let body = item.body.and_then(|body| serde_json::from_str::<String>(body.get()).ok());
            let said =
                body.and_then(|body| words::said_by(body.as_bytes())).unwrap_or_else(|| "no reason given".to_owned());
            format!("the list `{list}` of {resource} {id}: {said}")
        };
        match status {
            404 => Ok(Brought::Absent),
            403 if slot % self.lists.len() >= self.needed => Ok(Brought::Absent),
            429 | 503 => Ok(Brought::Again(CrmError::Throttled { status, retry_after: None, words: said() })),
            500 | 502 | 504 => Ok(Brought::Again(CrmError::Unknown { words: format!("{status}, {}", said()) })),
            401 => Err(CrmError::Unauthorised { status, words: said() }),
            _ => Err(CrmError::Refused { status, words: said() }),
        }
    }
}

/// An item's list as a piece of the whole answer; none where it is no array.
fn text(item: &Item<'_>, whole: &Bytes) -> Option<RawText> {
    let body = item.body?.get();
    let inside = body.strip_prefix('"').and_then(|body| body.strip_suffix('"'));
    // Inside a string literal, white space may itself be escaped.
    let is_array = |text: &str| text.trim_start_matches([' ', '\\', 'n', 'r', 't']).starts_with('[');
    match inside {
        Some(inside) if is_array(inside) => Some(RawText::Escaped(whole.slice_ref(inside.as_bytes()))),
        None if is_array(body) => Some(RawText::Plain(whole.slice_ref(body.as_bytes()))),
        _ => None,
    }
}
