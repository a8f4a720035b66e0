//! The lists below rows, through the batch endpoint: a hundred an exchange, several exchanges at once.

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::address::{entity_path, segment};
use super::rows;
use super::site::{Answer, Call, Site, is_passing};
use super::words;
use crate::crm::{CrmError, RawPart, RawRecord, RawText};

/// The most calls of a batch.
pub(super) const BATCH: usize = 100;

/// Which lists of which entities are asked for. Each has a slot: those of the first entity, then the second's.
pub(super) struct Wanted<'a> {
    pub(super) resource: &'a str,
    pub(super) ids: Vec<&'a str>,
    pub(super) lists: &'a [String],
    /// How many of the lists have to be shown: one that is not among them may also be refused.
    pub(super) needed: usize,
    /// Somebody waits for them.
    pub(super) is_awaited: bool,
}

/// The answer to a call of a batch.
#[derive(Deserialize)]
pub(super) struct Item<'a> {
    pub(super) code: u16,
    #[serde(borrow)]
    pub(super) name: &'a RawValue,
    #[serde(borrow)]
    pub(super) body: Option<&'a RawValue>,
}

/// A list of an entity.
#[derive(Debug)]
pub(super) enum Listed {
    /// As it came.
    Text(RawText),
    /// The CRM has not got it.
    Absent,
    /// Why it cannot be used, while others can.
    Faulty(String),
}

impl Listed {
    /// Makes it a part of its entity's record, and of what the record's fingerprint is made of.
    pub(super) fn join(self, name: &str, record: &mut RawRecord, digests: &mut Vec<u8>) {
        match self {
            Self::Absent => digests.push(0),
            Self::Text(text) => {
                digests.push(1);
                digests.extend_from_slice(&text.digest().to_le_bytes());
                record.parts.push(RawPart { name: name.to_owned(), text });
            }
            Self::Faulty(words) => {
                digests.push(2);
                record.fault.get_or_insert(words);
            }
        }
    }
}

/// What a batch brought for a slot.
enum Brought {
    Listed(Listed),
    /// The item failed; another try may mend that.
    Again(CrmError),
    /// The item failed for good.
    Failed(CrmError),
}

/// How often the rest of a batch is asked again for the sake of items that fail while others do not. What is not
/// answered at all is asked for as long as any call.
const REPEATS_FOR_SOME: usize = 3;

impl Wanted<'_> {
    /// The lists by slot.
    pub(super) async fn fetch(&self, site: &Site) -> Result<Vec<Listed>, CrmError> {
        entity_path(self.resource, None)?;
        self.lists.iter().try_for_each(|list| segment(list).map(drop))?;
        let slots = self.ids.len() * self.lists.len();
        let batches = (0..slots).step_by(BATCH).map(|from| (from..slots.min(from + BATCH)).collect::<Vec<_>>());
        let mut answered =
            stream::iter(batches.map(|batch| self.batch(site, batch))).buffer_unordered(site.pace.most());
        let mut lists = Vec::new();
        lists.resize_with(slots, || Listed::Absent);
        while let Some(found) = answered.try_next().await? {
            for (slot, list) in found {
                lists[slot] = list;
            }
        }
        Ok(lists)
    }

    /// One batch, its failing items asked again until patience ends. An item that fails where others do not is the
    /// fault of its entity; a list that fails for all is the fault of the call.
    async fn batch(&self, site: &Site, mut open: Vec<usize>) -> Result<Vec<(usize, Listed)>, CrmError> {
        let mut found = Vec::with_capacity(open.len());
        let mut failed: Vec<(usize, CrmError)> = Vec::new();
        let mut pauses = site.limits.pauses().enumerate();
        loop {
            let call = Call::post("/resourceful", self.body(&open)).of_many().awaited(self.is_awaited);
            let answer = match site.read(&call).await {
                Err(CrmError::TooLarge { .. }) if open.len() > 1 => {
                    tracing::debug!("asking for the lists in two halves");
                    let rest = open.split_off(open.len() / 2);
                    for half in [open, rest] {
                        found.extend(Box::pin(self.batch(site, half)).await?);
                    }
                    return Ok(found);
                }
                Err(CrmError::TooLarge { words }) => {
                    let [resource, id, list] = self.parts(open[0]);
                    let words = format!("the list `{list}` of {resource} {id}: {words}");
                    found.push((open[0], Listed::Faulty(words)));
                    return Ok(found);
                }
                answered => answered?,
            };
            let mut again: Vec<(usize, CrmError)> = Vec::new();
            for (slot, brought) in self.brought(&answer)? {
                // An answer to something that was not asked, or asked twice, must not stand for something else.
                let Some(at) = open.iter().position(|wanted| *wanted == slot) else {
                    return Err(rows::unexpected(&answer, "one answer to each call of the batch"));
                };
                match brought {
                    Brought::Listed(list) => found.push((slot, list)),
                    Brought::Failed(error) => failed.push((slot, error)),
                    Brought::Again(error) => {
                        again.push((slot, error));
                        continue;
                    }
                }
                open.swap_remove(at);
            }
            let repeat =
                pauses.next().filter(|(at, _)| found.is_empty() || again.len() < open.len() || *at < REPEATS_FOR_SOME);
            let Some((_, pause)) = repeat.filter(|_| !open.is_empty()) else {
                if again.len() < open.len() {
                    return Err(rows::unexpected(&answer, "an answer to each call of the batch"));
                }
                failed.append(&mut again);
                return self.blamed(found, failed);
            };
            site.traffic.count_retry();
            tokio::time::sleep(pause).await;
        }
    }

    /// Sorts out whose fault it is.
    fn blamed(
        &self,
        mut found: Vec<(usize, Listed)>,
        failed: Vec<(usize, CrmError)>,
    ) -> Result<Vec<(usize, Listed)>, CrmError> {
        let list_of = |slot: usize| slot % self.lists.len();
        let came: Vec<usize> = found.iter().map(|(slot, _)| list_of(*slot)).collect();
        for (slot, error) in failed {
            if matches!(error, CrmError::Unauthorised { .. }) || !came.contains(&list_of(slot)) {
                return Err(error);
            }
            found.push((slot, Listed::Faulty(error.to_string())));
        }
        Ok(found)
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
                Ok((slot, self.sorted(slot, &item, &answer.body)))
            })
            .collect()
    }

    fn sorted(&self, slot: usize, item: &Item<'_>, whole: &Bytes) -> Brought {
        let status = item.code;
        let [resource, id, list] = self.parts(slot);
        if (200..300).contains(&status) {
            let words = format!("the list `{list}` of {resource} {id} is no JSON array");
            return match text(item, whole) {
                Some(text) => Brought::Listed(Listed::Text(text)),
                None => Brought::Failed(CrmError::Protocol { words }),
            };
        }
        let said = || {
            let body = item.body.and_then(|body| serde_json::from_str::<String>(body.get()).ok());
            let said =
                body.and_then(|body| words::said_by(body.as_bytes())).unwrap_or_else(|| "no reason given".to_owned());
            format!("the list `{list}` of {resource} {id}: {said}")
        };
        match status {
            404 => Brought::Listed(Listed::Absent),
            403 if slot % self.lists.len() >= self.needed => Brought::Listed(Listed::Absent),
            status if matches!(status, 429 | 503) || is_passing(status) => {
                Brought::Again(CrmError::Throttled { status, retry_after: None, words: said() })
            }
            500 | 502 | 504 => Brought::Again(CrmError::Unknown { words: format!("{status}, {}", said()) }),
            401 => Brought::Failed(CrmError::Unauthorised { status, words: said() }),
            _ => Brought::Failed(CrmError::Refused { status, words: said() }),
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
