//! How a note gets to the CRM, once: the state machine of delivery and its waiting times.
//!
//! A CRM knows no idempotency keys, and the outcome of a create may stay unknown (a cut connection, a process that
//! died). So each step is stored before and after its call, and a note whose create may have taken effect is looked
//! up by its marker: at once, and again when the site has had time to finish; only then is it created anew.
//!
//! Pure: the time, and the randomness that spreads retries, are handed in.

use jiff::SignedDuration;

use crate::ids::ExternalId;
use crate::note::{Attempt, DeliveryStep, Note, NoteState};
use crate::value::Timestamp;

/// How many tries a note remembers.
const ATTEMPTS_KEPT: usize = 50;

/// The waiting times of delivery.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Before each retry; a note whose last one fails is dead.
    pub retries: Vec<SignedDuration>,
    /// How long after a create of unknown outcome the site may still be about to finish it.
    pub settle: SignedDuration,
    /// How long a connection rests whose sign-in is refused.
    pub authorisation: SignedDuration,
}

impl Default for Timing {
    /// 1 s, 5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h.
    fn default() -> Self {
        Self {
            retries: [1, 5, 30, 120, 600, 1800, 7200, 18_000, 36_000].map(SignedDuration::from_secs).to_vec(),
            settle: SignedDuration::from_secs(10),
            authorisation: SignedDuration::from_mins(5),
        }
    }
}

/// The call to the CRM that a note needs next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// Create the note.
    Create,
    /// Look for a note with its marker.
    LookUp,
}

/// What came of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The note is in the CRM: made, or found.
    There {
        /// The CRM's id of it.
        document_id: ExternalId,
        /// How many notes carry the marker; more than one is a fault to be raised.
        copies: usize,
    },
    /// Looked up, and not there.
    NotThere,
    /// The call cannot have taken effect, and another may.
    NotDone {
        /// What happened.
        words: String,
        /// How long the CRM asked to wait.
        retry_after: Option<SignedDuration>,
    },
    /// The call may have taken effect.
    Unknown {
        /// What happened.
        words: String,
        /// How long the CRM asked to wait.
        retry_after: Option<SignedDuration>,
    },
    /// The sign-in is refused; nothing took effect.
    Unauthorised {
        /// The CRM's words.
        words: String,
    },
    /// Refused for good; nothing took effect.
    Refused {
        /// The CRM's words.
        words: String,
    },
}

/// Why a note is not changed: its state does not allow it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotNow(pub &'static str);

impl Note {
    /// Takes the note up for its next call. To be stored before the call is made.
    pub fn begin(&mut self, now: Timestamp) -> Call {
        self.state = NoteState::Sending;
        self.due_at = None;
        match self.step {
            DeliveryStep::Accepted => {
                self.step = DeliveryStep::Creating { since: now };
                Call::Create
            }
            DeliveryStep::Creating { .. } | DeliveryStep::Created { .. } => Call::LookUp,
        }
    }

    /// Draws the conclusion from a call that began at `began`. `jitter`, 0 to 1, spreads retries.
    pub fn conclude(
        &mut self,
        (call, began): (Call, Timestamp),
        outcome: Outcome,
        now: Timestamp,
        jitter: f64,
        timing: &Timing,
    ) {
        let took_ms = u64::try_from(now.duration_since(began).as_millis()).unwrap_or_default();
        self.attempts.push(Attempt { at: began, took_ms, outcome: outcome.for_people(call) });
        let surplus = self.attempts.len().saturating_sub(ATTEMPTS_KEPT);
        self.attempts.drain(..surplus);
        if call == Call::Create {
            // Whatever the site is still about to do, it began before the answer failed to come.
            self.step = match outcome {
                Outcome::Unknown { .. } => DeliveryStep::Creating { since: now },
                _ => DeliveryStep::Accepted,
            };
        }
        match outcome {
            Outcome::There { document_id, copies } => {
                self.step = DeliveryStep::Created { document_id };
                self.state = NoteState::Done;
                self.done_at = Some(now);
                self.due_at = None;
                self.reason = (copies > 1).then(|| {
                    format!("The CRM has {copies} notes with the marker {}; remove all but one there.", self.marker)
                });
            }
            Outcome::NotThere => self.not_there(began, now, timing),
            Outcome::NotDone { words, retry_after } | Outcome::Unknown { words, retry_after } => {
                self.failed(words, retry_after.unwrap_or_default(), now, jitter, timing);
            }
            Outcome::Unauthorised { words } => self.hold(after(now, timing.authorisation), &words),
            Outcome::Refused { words } => self.die(words),
        }
    }

    /// Waits until `until` because the connection's sign-in is refused; no retry is used up.
    pub fn hold(&mut self, until: Timestamp, words: &str) {
        let reason = format!("Waits for the connection to be authorised again; the CRM said: {words}");
        self.wait(until, Some(reason));
    }

    /// Takes up a note that an earlier process was sending: its call may or may not have taken effect, and the site
    /// may still be at it.
    pub fn take_up(&mut self, now: Timestamp) {
        if let DeliveryStep::Creating { since } = &mut self.step {
            *since = now;
        }
        self.wait(now, None);
    }

    /// Makes it due now, with all its retries before it.
    ///
    /// # Errors
    /// Where it is being sent or done.
    pub fn retry(&mut self, now: Timestamp) -> Result<(), NotNow> {
        self.is_at_rest("The note is being sent just now.", "The note is in the CRM already.")?;
        self.failures = 0;
        self.state = NoteState::Queued;
        self.due_at = Some(now);
        self.reason = None;
        Ok(())
    }

    /// Gives it up on a person's word.
    ///
    /// # Errors
    /// Where it is being sent or done.
    pub fn discard(&mut self, why: &str) -> Result<(), NotNow> {
        self.is_at_rest("The note is being sent just now; wait until it is not.", "The note is in the CRM already.")?;
        self.die(format!("Discarded: {why}"));
        Ok(())
    }

    fn is_at_rest(&self, sending: &'static str, done: &'static str) -> Result<(), NotNow> {
        match self.state {
            NoteState::Sending => Err(NotNow(sending)),
            NoteState::Done => Err(NotNow(done)),
            NoteState::Queued | NoteState::Waiting | NoteState::Dead => Ok(()),
        }
    }

    /// Looked up at `began`, and not there.
    fn not_there(&mut self, began: Timestamp, now: Timestamp, timing: &Timing) {
        match self.step {
            DeliveryStep::Creating { since } if began < after(since, timing.settle) => {
                let reason = "Its create had no answer; waits to see whether the CRM has it.".to_owned();
                self.wait(after(since, timing.settle), Some(reason));
            }
            _ => {
                self.step = DeliveryStep::Accepted;
                self.wait(now, None);
            }
        }
    }

    fn failed(&mut self, words: String, asked: SignedDuration, now: Timestamp, jitter: f64, timing: &Timing) {
        let delay = timing.retries.get(self.failures as usize);
        self.failures += 1;
        match delay {
            Some(delay) => self.wait(after(now, spread(*delay, jitter).max(asked)), Some(words)),
            None => self.die(format!("Given up after {} tries; the last one: {words}", self.failures)),
        }
    }

    fn wait(&mut self, until: Timestamp, reason: Option<String>) {
        self.state = NoteState::Waiting;
        self.due_at = Some(until);
        self.reason = reason;
    }

    fn die(&mut self, reason: String) {
        self.state = NoteState::Dead;
        self.due_at = None;
        self.reason = Some(reason);
    }
}

impl Outcome {
    fn for_people(&self, call: Call) -> String {
        match self {
            Self::There { document_id, .. } if call == Call::Create => format!("Created in the CRM as {document_id}."),
            Self::There { document_id, .. } => format!("Found in the CRM as {document_id}."),
            Self::NotThere => "Looked up in the CRM: not there.".to_owned(),
            Self::Unknown { words, .. } if call == Call::Create => format!("May or may not be in the CRM: {words}"),
            Self::NotDone { words, .. } | Self::Unknown { words, .. } => words.clone(),
            Self::Unauthorised { words } | Self::Refused { words } => words.clone(),
        }
    }
}

/// 80 to 120 % of a delay.
fn spread(delay: SignedDuration, jitter: f64) -> SignedDuration {
    delay.mul_f64(0.4f64.mul_add(jitter.clamp(0.0, 1.0), 0.8))
}

/// A time so much later; the end of time where there is none.
fn after(time: Timestamp, delay: SignedDuration) -> Timestamp {
    time.saturating_add(delay).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
