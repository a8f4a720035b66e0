//! The lists below rows, through the batch endpoint: a hundred an exchange, several exchanges at once.

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::address::{entity_path, segment};
use super::batch::{self, Answers, Brought, Calls, Item, Manner};
use super::messages;
use super::site::Site;
use super::status::is_passing;
use crate::crm::{CrmError, RawPart, RawRecord, RawText, repair};

/// The lists that are asked for, and the entities whose they are. Each has a slot: those of the first entity, then the
/// second's.
pub(super) struct Wanted<'a> {
    pub(super) resource: &'a str,
    pub(super) ids: Vec<&'a str>,
    pub(super) lists: &'a [String],
    /// The number of lists, from the first on, that have to be shown: one that is not among them may also be refused.
    pub(super) needed: usize,
    /// The manner in which they are asked for.
    pub(super) manner: Manner,
}

/// The answer to a call for one list of an entity.
#[derive(Debug)]
pub(super) enum ListAnswer {
    /// The list as it came.
    Text(RawText),
    /// The CRM has not got it.
    Absent,
    /// The reason why it cannot be used, while others can.
    Faulty(String),
}

impl ListAnswer {
    /// Makes it a part of its entity's record, and of what the record's fingerprint is made of.
    pub(super) fn join(self, name: &str, record: &mut RawRecord, digests: &mut Vec<u8>) {
        match self {
            Self::Absent => digests.push(0),
            Self::Text(text) => {
                digests.push(1);
                digests.extend_from_slice(&text.digest().to_le_bytes());
                record.parts.push(RawPart { name: name.to_owned(), text });
            }
            Self::Faulty(message) => {
                digests.push(2);
                record.fault.get_or_insert(message);
            }
        }
    }
}

impl Wanted<'_> {
    /// The lists by slot.
    pub(super) async fn fetch(&self, site: &Site) -> Result<Vec<ListAnswer>, CrmError> {
        entity_path(self.resource, None)?;
        self.lists.iter().try_for_each(|list| segment(list).map(drop))?;
        let slots = self.ids.len() * self.lists.len();
        let size = batch::size(site);
        let batches = (0..slots).step_by(size).map(|from| (from..slots.min(from + size)).collect());
        let asked = batches.map(|slots| batch::ask(site, self, slots, &self.manner));
        let mut answered = stream::iter(asked).buffer_unordered(site.transport.limiter.most());
        let mut all = Vec::with_capacity(slots);
        while let Some(answers) = answered.try_next().await? {
            all.extend(answers);
        }
        self.blamed(site, all)
    }

    /// Sorts out whose fault it is where a list did not come. One that fails where it comes for others is the fault of its
    /// entity; one that fails for all is the fault of the call.
    fn blamed(&self, site: &Site, answers: Answers<ListAnswer>) -> Result<Vec<ListAnswer>, CrmError> {
        let mut lists = Vec::new();
        lists.resize_with(answers.len(), || ListAnswer::Absent);
        let list_of = |slot: usize| slot % self.lists.len();
        let mut comes = vec![false; self.lists.len()];
        let mut failed = Vec::new();
        for (slot, answer) in answers {
            match answer {
                Ok(listed) => {
                    comes[list_of(slot)] = true;
                    lists[slot] = listed;
                }
                Err(error) => failed.push((slot, error)),
            }
        }
        let mut known = site.lists_that_come();
        for (name, _) in self.lists.iter().zip(&comes).filter(|(_, comes)| **comes) {
            if !known.contains(name) {
                known.insert(name.clone());
            }
        }
        for (slot, error) in failed {
            // Of a single entity it cannot be seen whose fault it is, but by what came for others before.
            let comes_elsewhere = comes[list_of(slot)]
                || self.ids.len() == 1 && !self.manner.is_awaited && known.contains(&self.lists[list_of(slot)]);
            let is_of_entity = matches!(error, CrmError::TooLarge { .. }) || comes_elsewhere;
            if matches!(error, CrmError::Unauthorised { .. }) || !is_of_entity {
                return Err(error);
            }
            let [resource, id, list] = self.parts(slot);
            let message = match error {
                CrmError::TooLarge { message } => format!("the list `{list}` of {resource} {id}: {message}"),
                error => error.to_string(),
            };
            lists[slot] = ListAnswer::Faulty(message);
        }
        Ok(lists)
    }

    /// Resource, entity and list of a slot.
    fn parts(&self, slot: usize) -> [&str; 3] {
        [self.resource, self.ids[slot / self.lists.len()], &self.lists[slot % self.lists.len()]]
    }
}

impl Calls for Wanted<'_> {
    type Out = ListAnswer;

    /// The request. Names and numbers were checked to need no escaping.
    fn body(&self, slots: &[usize]) -> Result<Vec<u8>, CrmError> {
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
        Ok(body)
    }

    fn sorted(&self, slot: usize, item: &Item<'_>, whole: &Bytes) -> Brought<ListAnswer> {
        let status = item.code;
        let [resource, id, list] = self.parts(slot);
        if (200..300).contains(&status) {
            let message = format!("the list `{list}` of {resource} {id} is no JSON array");
            return match text(item, whole) {
                Some(text) => Brought::Done(ListAnswer::Text(text)),
                None => Brought::Failed(CrmError::Protocol { message }),
            };
        }
        let said = || {
            let body = item.body.and_then(|body| repair::read::<String>(body.get().as_bytes()).ok());
            let said = body
                .and_then(|body| messages::said_by(body.as_bytes()))
                .unwrap_or_else(|| "no reason given".to_owned());
            format!("the list `{list}` of {resource} {id}: {said}")
        };
        match status {
            404 => Brought::Done(ListAnswer::Absent),
            403 if slot % self.lists.len() >= self.needed => Brought::Done(ListAnswer::Absent),
            status if matches!(status, 429 | 503) || is_passing(status) => {
                Brought::Again(CrmError::Throttled { status, retry_after: None, message: said() })
            }
            // An answer without a status is none.
            0 | 500 | 502 | 504 => Brought::Again(CrmError::Unknown { message: format!("{status}, {}", said()) }),
            401 => Brought::Failed(CrmError::Unauthorised { status, message: said() }),
            _ => Brought::Failed(CrmError::Refused { status, message: said() }),
        }
    }
}

const MARKS: [&str; 3] = ["\u{feff}", r"\ufeff", r"\uFEFF"];

/// An item's list as a piece of the whole answer; none where it is no array.
fn text(item: &Item<'_>, whole: &Bytes) -> Option<RawText> {
    let body = item.body?.get();
    let inside = body.strip_prefix('"').and_then(|body| body.strip_suffix('"'));
    // A byte order mark inside, as it is or escaped.
    let inside = inside.map(|text| MARKS.iter().find_map(|mark| text.strip_prefix(mark)).unwrap_or(text));
    // Inside a string literal, white space may itself be escaped.
    let is_array = |text: &str| text.trim_start_matches([' ', '\\', 'n', 'r', 't']).starts_with('[');
    match inside {
        Some(inside) if is_array(inside) => Some(RawText::Escaped(whole.slice_ref(inside.as_bytes()))),
        None if is_array(body) => Some(RawText::Plain(whole.slice_ref(body.as_bytes()))),
        _ => None,
    }
}
