//! What was seen and refused lately: what waits to be written, and what is not written once more. Bounded in every way, so
//! that nobody fills memory or the store by asking.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::domain::audit::{Act, ActorKind, By, Outcome, Subject, THIS_MACHINE};

/// The time within which the same that is seen again is written once.
const SEEN: Duration = Duration::from_secs(5 * 60);
/// The time within which the same that is refused again is counted.
const REFUSED: Duration = Duration::from_secs(60);
/// Acts that wait to be written at most; more are counted as lost.
const MOST_WAITING: usize = 5_000;
/// Acts that are remembered at most; what more there is, is written each time.
const MOST_REMEMBERED: usize = 20_000;
/// Different refusals of people who are not signed in, within a minute; all others are one.
const MOST_OF_NOBODY: usize = 200;

/// What was seen and refused lately.
#[derive(Default)]
pub(super) struct Recent {
    waiting: Vec<Act>,
    seen: HashMap<Act, Instant>,
    refused: HashMap<Act, Refused>,
    of_nobody: usize,
    lost: usize,
}

/// A refusal and how often it was repeated since it was written.
struct Refused {
    since: Instant,
    more: u64,
    is_of_nobody: bool,
}

impl Recent {
    /// Takes note of what was seen.
    pub fn saw(&mut self, act: Act, now: Instant) {
        if self.seen.get(&act).is_some_and(|at| now.duration_since(*at) < SEEN) {
            return;
        }
        if self.waiting.len() >= MOST_WAITING {
            self.lost += 1;
            return;
        }
        if self.seen.len() < MOST_REMEMBERED {
            self.seen.insert(act.clone(), now);
        }
        self.waiting.push(act);
    }

    /// The refusal, where it is written now; none where it is counted.
    pub fn refused(&mut self, act: Act, now: Instant) -> Option<Act> {
        let is_of_nobody = act.by.kind == ActorKind::Nobody;
        if let Some(known) = self.refused.get_mut(&act) {
            known.more += 1;
            return None;
        }
        let act = if is_of_nobody && self.of_nobody >= MOST_OF_NOBODY {
            // So many addresses or accounts are tried that their number says more than each of them.
            Act { source: "many addresses".to_owned(), subject: Subject::of_kind(act.subject.kind), ..act }
        } else {
            act
        };
        if let Some(known) = self.refused.get_mut(&act) {
            known.more += 1;
            return None;
        }
        if self.refused.len() < MOST_REMEMBERED {
            self.of_nobody += usize::from(is_of_nobody);
            self.refused.insert(act.clone(), Refused { since: now, more: 0, is_of_nobody });
        }
        Some(act)
    }

    /// Takes what is to be written: what waits, how often was refused what a minute is over of, and what was lost.
    pub fn take(&mut self, now: Instant) -> Vec<Act> {
        let mut acts = std::mem::take(&mut self.waiting);
        self.seen.retain(|_, at| now.duration_since(*at) < SEEN);
        let over = self.refused.extract_if(|_, refused| now.duration_since(refused.since) >= REFUSED);
        for (act, Refused { more, is_of_nobody, .. }) in over {
            self.of_nobody -= usize::from(is_of_nobody);
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
