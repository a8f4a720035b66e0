//! What was seen and refused lately: what waits to be written, and what is not written once more. Bounded in every way, so
//! that nobody fills memory or the store by asking.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::domain::audit::{Act, ActorKind, By, Outcome, Subject, THIS_MACHINE};

/// The time within which the same that is seen again is written once.
const SEEN: Duration = Duration::from_secs(5 * 60);
/// The time within which the same that is refused again is counted.
const REFUSED: Duration = Duration::from_secs(60);
/// Acts that wait to be written at most; more are counted as lost.
const MOST_WAITING: usize = 5_000;
/// Acts that are remembered at most; what more there is, is written each time.
const MOST_REMEMBERED: usize = 20_000;
/// Different refusals of people who are not signed in, within a minute; all others are one of their verb.
const MOST_OF_NOBODY: usize = 200;
/// The same of each account and token.
const MOST_OF_ONE: usize = 100;

/// The source of what is refused beyond those, where it did not come from one address.
const MANY_ADDRESSES: &str = "many addresses";
/// The reason of what is refused beyond those.
const AS_MANY_OTHERS: &str = "It was refused, as many others of the same account within the minute.";

/// What was seen and refused lately.
#[derive(Default)]
pub(super) struct Recent {
    waiting: Vec<Act>,
    seen: HashMap<Act, Instant>,
    refused: HashMap<Act, Refused>,
    /// The refusals that are remembered, by the actor.
    refused_of: HashMap<(ActorKind, Option<Uuid>), Remembered>,
    lost: usize,
}

/// How many refusals of an actor are remembered, and from where they came.
#[derive(Default)]
struct Remembered {
    count: usize,
    /// How many of them came from each address.
    sources: HashMap<String, usize>,
}

impl Remembered {
    fn add(&mut self, source: &str) {
        self.count += 1;
        *self.sources.entry(source.to_owned()).or_default() += 1;
    }

    fn remove(&mut self, source: &str) {
        self.count -= 1;
        if let Some(of_it) = self.sources.get_mut(source) {
            *of_it -= 1;
            if *of_it == 0 {
                self.sources.remove(source);
            }
        }
    }

    fn is_all_from(&self, source: &str) -> bool {
        self.sources.keys().all(|known| known == source)
    }
}

/// A refusal and how often it was repeated since it was written.
struct Refused {
    since: Instant,
    more: u64,
}

impl Refused {
    /// Counts it once more. What it has come to is written at each power of ten, so that a host that dies takes no more than the
    /// last digits of it along.
    fn once_more(&mut self, act: Act) -> Option<Act> {
        self.more += 1;
        let is_told = self.more >= 10 && self.more == 10_u64.pow(self.more.ilog10());
        is_told.then(|| Act { detail: format!("{} times more so far", self.more), ..act })
    }
}

impl Recent {
    /// Takes note of what was seen. Answers whether it is to be written, and not remembered as written.
    pub fn saw(&mut self, act: Act, now: Instant) -> bool {
        if self.seen.get(&act).is_some_and(|at| now.duration_since(*at) < SEEN) {
            return false;
        }
        if self.waiting.len() >= MOST_WAITING {
            self.lost += 1;
            return false;
        }
        self.waiting.push(act);
        true
    }

    /// Remembers what was written.
    pub fn written(&mut self, acts: Vec<Act>, now: Instant) {
        let room = MOST_REMEMBERED.saturating_sub(self.seen.len());
        let seen = acts.into_iter().filter(|act| act.outcome == Outcome::Done);
        self.seen.extend(seen.take(room).map(|act| (act, now)));
    }

    /// The refusal, where it is written now; none where it is counted.
    pub fn refused(&mut self, act: Act, now: Instant) -> Option<Act> {
        let (of, is_of_nobody) = ((act.by.kind, act.by.id), act.by.kind == ActorKind::Nobody);
        if let Some(known) = self.refused.get_mut(&act) {
            return known.once_more(act);
        }
        let is_refusal = matches!(act.outcome, Outcome::Refused(_));
        let (known_of, most) = (self.refused_of.get(&of), if is_of_nobody { MOST_OF_NOBODY } else { MOST_OF_ONE });
        // So many addresses, accounts or households are tried that their number says more than each of them.
        let beyond = known_of.filter(|known| is_refusal && known.count >= most);
        let act = if let Some(known) = beyond {
            let is_of_one = known.is_all_from(&act.source);
            let act = Act {
                source: if is_of_one { act.source } else { MANY_ADDRESSES.to_owned() },
                subject: Subject::of_kind(act.subject.kind),
                household: None,
                ..act
            };
            if is_of_nobody {
                act
            } else {
                Act { outcome: Outcome::Refused(AS_MANY_OTHERS.to_owned()), detail: String::new(), ..act }
            }
        } else {
            act
        };
        if let Some(known) = self.refused.get_mut(&act) {
            return known.once_more(act);
        }
        if self.refused.len() < MOST_REMEMBERED {
            if is_refusal {
                self.refused_of.entry(of).or_default().add(&act.source);
            }
            self.refused.insert(act.clone(), Refused { since: now, more: 0 });
        }
        Some(act)
    }

    /// Takes all that is to be written, at the end of the host: a minute that is not over, too.
    pub fn take_all(&mut self, now: Instant) -> Vec<Act> {
        self.take(now + REFUSED)
    }

    /// Takes what is to be written: what waits, how often was refused what a minute is over of, and what was lost.
    pub fn take(&mut self, now: Instant) -> Vec<Act> {
        self.seen.retain(|_, at| now.duration_since(*at) < SEEN);
        // Two who saw the same at one time wait for one entry.
        let mut told = HashSet::new();
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        let mut acts: Vec<Act> =
            waiting.filter(|act| !self.seen.contains_key(act) && told.insert(act.clone())).collect();
        let over = self.refused.extract_if(|_, refused| now.duration_since(refused.since) >= REFUSED);
        for (act, Refused { more, .. }) in over {
            let is_refusal = matches!(act.outcome, Outcome::Refused(_));
            if let (true, Entry::Occupied(mut of)) = (is_refusal, self.refused_of.entry((act.by.kind, act.by.id))) {
                of.get_mut().remove(&act.source);
                if of.get().count == 0 {
                    of.remove();
                }
            }
            if more > 0 {
                let times = if more == 1 { "once".to_owned() } else { format!("{more} times") };
                acts.push(Act { detail: format!("{times} more within a minute"), ..act });
            }
        }
        if let lost @ 1.. = std::mem::take(&mut self.lost) {
            let failed = Outcome::Failed(format!("{lost} entries could not be kept; the host’s log says why."));
            let by = By::host("audit log");
            acts.push(Act { outcome: failed, ..Act::done(by, THIS_MACHINE, "audit.lost", Subject::of_kind("audit")) });
        }
        acts
    }

    /// Counts entries that could not be kept.
    pub fn lost(&mut self, count: usize) {
        self.lost += count;
    }
}
