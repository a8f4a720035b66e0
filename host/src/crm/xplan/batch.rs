//! The batch endpoint: many calls in one exchange, each with an answer of its own.
//!
//! Serves lists and entities asked for by id. A batch that is too much for the site is asked in halves, down to single
//! calls; a call that fails by itself is told as such, and ends nothing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::answer::Answer;
use super::rows;
use super::site::Site;
use super::transport::ApiCall;
use crate::crm::CrmError;
use crate::crm::budget::Allotment;

/// The most calls of a batch.
pub(super) const MOST: usize = 100;

/// The name under which the size of batches is remembered.
const NAME: &str = "batch";

/// The number of times that the rest of a batch is asked again for the sake of calls that fail while others do not.
/// What is not answered at all is asked for as long as any call.
const REPEATS_FOR_SOME: usize = 3;

/// Calls that may fail by themselves one after another before it is the site that fails.
const MOST_IN_A_ROW: usize = 8;

/// Calls that are asked in batches. Each has a number, its slot.
pub(super) trait Calls: Sync {
    /// The content that a call's answer brings.
    type Out: Send;

    /// The request for these slots.
    fn body(&self, slots: &[usize]) -> Result<Vec<u8>, CrmError>;

    /// The meaning of a call's answer; `whole` is the answer that it is of.
    fn sorted(&self, slot: usize, item: &Item<'_>, whole: &Bytes) -> Brought<Self::Out>;
}

/// The part of a batch's answer for one slot.
pub(super) enum Brought<T> {
    Done(T),
    /// The call failed; another try may help.
    Again(CrmError),
    /// The call failed for good.
    Failed(CrmError),
}

/// The calls' answers, each by its slot.
pub(super) type Answers<T> = Vec<(usize, Result<T, CrmError>)>;

/// The manner in which batches that belong together are asked.
pub(super) struct Manner {
    /// Whether somebody waits for them.
    pub(super) is_awaited: bool,
    /// The allotment of bytes that holds the answers.
    pub(super) room: Option<Arc<Allotment>>,
    /// Calls that failed by themselves since the last answer.
    in_a_row: AtomicUsize,
}

impl Manner {
    pub(super) fn new(is_awaited: bool, room: Option<Arc<Allotment>>) -> Self {
        Self { is_awaited, room, in_a_row: AtomicUsize::new(0) }
    }

    /// Whether the answers together are too many for the room that there is.
    pub(super) fn is_full(&self) -> bool {
        self.room.as_ref().is_some_and(|room| room.is_exceeded())
    }

    /// The site answered a call.
    pub(super) fn answered(&self) {
        self.in_a_row.store(0, Ordering::Relaxed);
    }

    /// A call failed by itself. False where so many did that it is the site that fails.
    pub(super) fn may_fail(&self) -> bool {
        self.in_a_row.fetch_add(1, Ordering::Relaxed) < MOST_IN_A_ROW
    }
}

/// The number of calls to ask at once.
pub(super) fn size(site: &Site) -> usize {
    site.sizes.next(NAME, MOST)
}

/// Asks what is in `slots`, at most as many as [`size`] says.
///
/// # Errors
/// Returns an error if the site fails, not some calls; [`CrmError::TooLarge`] where the answers are too many for the
/// room that there is.
pub(super) async fn ask<C: Calls>(
    site: &Site,
    calls: &C,
    slots: Vec<usize>,
    manner: &Manner,
) -> Result<Answers<C::Out>, CrmError> {
    let size = size(site);
    let mut answers = Vec::with_capacity(slots.len());
    let mut pieces = vec![slots];
    let mut pauses = site.transport.limits.retry.pauses();
    let mut failed = None;
    while let Some(mut piece) = pieces.pop() {
        let repeats = match piece.len() {
            1 if manner.in_a_row.load(Ordering::Relaxed) == 0 => usize::MAX,
            _ => usize::from(failed.is_none()),
        };
        match ask_piece(site, calls, piece.clone(), manner, repeats).await {
            Ok(more) => {
                if failed.is_some() || piece.len() == size {
                    site.sizes.came(NAME, piece.len(), failed.take(), MOST);
                }
                manner.answered();
                answers.extend(more);
            }
            Err(error) if !is_of_size(&error) => return Err(error),
            // The answers are too many, not one of them too large: smaller batches would be as many.
            Err(error) if manner.is_full() => return Err(error),
            Err(error) if piece.len() > 1 => {
                tracing::debug!(error = error.for_log(), calls = piece.len(), "asking for a batch in two halves");
                if let (CrmError::Unknown { .. }, Some(pause)) = (&error, pauses.next()) {
                    tokio::time::sleep(pause).await;
                }
                failed = Some(piece.len());
                let rest = piece.split_off(piece.len() / 2);
                pieces.extend([rest, piece]);
            }
            Err(error) => {
                if !matches!(error, CrmError::TooLarge { .. }) && !manner.may_fail() {
                    return Err(error);
                }
                site.sizes.one_fails(NAME, MOST);
                failed = None;
                answers.push((piece[0], Err(error)));
            }
        }
    }
    Ok(answers)
}

/// Whether less at once may help.
pub(super) fn is_of_size(error: &CrmError) -> bool {
    matches!(error, CrmError::TooLarge { .. } | CrmError::Unknown { .. } | CrmError::Refused { status: 413, .. })
}

/// One batch, its failing calls asked again as the retry policy says.
async fn ask_piece<C: Calls>(
    site: &Site,
    calls: &C,
    mut open: Vec<usize>,
    manner: &Manner,
    repeats: usize,
) -> Result<Answers<C::Out>, CrmError> {
    let asked = open.clone();
    let mut answers: Answers<C::Out> = Vec::with_capacity(open.len());
    let mut pauses = site.transport.limits.retry.pauses().enumerate();
    loop {
        let call = ApiCall::post("/resourceful", calls.body(&open)?).of_many().awaited(manner.is_awaited);
        let answer = site.read_within(&call.held_by(manner.room.clone()), repeats).await?;
        let mut again: Vec<(usize, CrmError)> = Vec::new();
        for (slot, item) in items(&answer)? {
            let place = open.iter().position(|wanted| *wanted == slot);
            // An answer to something that was not asked, or asked twice, must not stand for something else.
            let Some(place) = place.filter(|_| asked.contains(&slot)) else {
                return Err(rows::unexpected(&answer, "one answer to each call of the batch"));
            };
            match calls.sorted(slot, &item, &answer.body) {
                Brought::Done(out) => answers.push((slot, Ok(out))),
                Brought::Failed(error) => answers.push((slot, Err(error))),
                Brought::Again(error) => {
                    again.push((slot, error));
                    continue;
                }
            }
            open.swap_remove(place);
        }
        let is_any_done = answers.iter().any(|(_, answer)| answer.is_ok());
        let repeat = pauses.next().filter(|(at, _)| !is_any_done || again.len() < open.len() || *at < REPEATS_FOR_SOME);
        let Some((_, pause)) = repeat.filter(|_| !open.is_empty()) else {
            open.retain(|slot| !again.iter().any(|(failed, _)| failed == slot));
            answers.extend(again.into_iter().map(|(slot, error)| (slot, Err(error))));
            let silent = |slot| (slot, Err(rows::unexpected(&answer, "an answer to each call of the batch")));
            answers.extend(open.into_iter().map(silent));
            return Ok(answers);
        };
        site.transport.traffic.count_retry();
        tokio::time::sleep(pause).await;
    }
}

/// The answers by the slots of their calls. One that names no slot is nobody's answer, and the call is asked again.
fn items(answer: &Answer) -> Result<Vec<(usize, Item<'_>)>, CrmError> {
    let items: Vec<Option<Item<'_>>> = rows::parsed(answer, "a batch's answers as a JSON array")?;
    let named = items.into_iter().flatten().filter_map(|item| Some((item.slot?, item)));
    Ok(named.collect())
}

/// The answer to a call of a batch. Of members that come twice the last counts.
pub(super) struct Item<'a> {
    /// The status; 0 where there is none.
    pub(super) code: u16,
    slot: Option<usize>,
    pub(super) body: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Item<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemVisitor;
        impl<'de> Visitor<'de> for ItemVisitor {
            type Value = Item<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an answer of a batch")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Item<'de>, A::Error> {
                let mut item = Item { code: 0, slot: None, body: None };
                let number = |value: &RawValue| value.get().trim_matches('"').trim().parse::<usize>().ok();
                while let Some(key) = map.next_key::<&RawValue>()? {
                    match key.get() {
                        "\"code\"" => {
                            let code = number(map.next_value()?).and_then(|code| u16::try_from(code).ok());
                            item.code = code.unwrap_or_default();
                        }
                        "\"name\"" => item.slot = number(map.next_value()?),
                        "\"body\"" => item.body = map.next_value()?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(item)
            }
        }
        deserializer.deserialize_map(ItemVisitor)
    }
}
