//! How a note gets to the CRM, once: the state machine of delivery and its waiting times.
//!
//! A CRM knows no idempotency keys, and the outcome of a create may stay unknown (a cut connection, a process that
//! died). So each step is stored before and after its call, and a note whose create may have taken effect is looked
//! up by its marker: at once, and again when the site has had time to finish; only then is it created anew. Its
//! attachments follow one by one in the same manner, and at the end the CRM's list of them is compared.
//!
//! Pure: the time, and the randomness that spreads retries, are handed in.

mod attaching;
mod person;

pub use self::person::Edit;

use jiff::SignedDuration;

use crate::ids::{ConnectionName, ExternalId};
use crate::note::{Attempt, Awaits, DeliveryStep, Note, NoteState};
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
    /// How long a site is left alone that does not answer, the last one again and again.
    pub outage: Vec<SignedDuration>,
}

impl Default for Timing {
    /// 1 s, 5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h.
    fn default() -> Self {
        Self {
            retries: [1, 5, 30, 120, 600, 1800, 7200, 18_000, 36_000].map(SignedDuration::from_secs).to_vec(),
            settle: SignedDuration::from_secs(10),
            authorisation: SignedDuration::from_mins(5),
            outage: [5, 15, 30, 60, 120].map(SignedDuration::from_secs).to_vec(),
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
    /// Attach the document at this place in the note's attachments.
    Attach(usize),
    /// List the attachments that the CRM has of the note.
    ListAttachments,
}

/// An attachment that the CRM lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FoundAttachment {
    /// The CRM's id of it.
    pub id: ExternalId,
    /// What the file is called.
    pub filename: String,
    /// Bytes.
    pub size: u64,
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
    /// The document is attached.
    Attached {
        /// The CRM's id of the attachment.
        id: ExternalId,
    },
    /// What the CRM lists as the note's attachments, in its order.
    Attachments(Vec<FoundAttachment>),
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
    /// The connection may not speak to its site until a person has seen to it; the call never left.
    Held {
        /// Why the note waits, in a sentence.
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
        self.awaits = None;
        match &self.step {
            DeliveryStep::Accepted => {
                self.step = DeliveryStep::Creating { since: now };
                Call::Create
            }
            DeliveryStep::Creating { .. } => Call::LookUp,
            DeliveryStep::Created { document_id } => match self.next_attachment() {
                Some(next) => {
                    self.step = DeliveryStep::Attaching { document_id: document_id.clone(), since: now };
                    Call::Attach(next)
                }
                None => Call::ListAttachments,
            },
            DeliveryStep::Attaching { .. } => Call::ListAttachments,
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
        self.attempts.push(Attempt { at: began, took_ms, outcome: self.for_people(call, &outcome) });
        let surplus = self.attempts.len().saturating_sub(ATTEMPTS_KEPT);
        self.attempts.drain(..surplus);
        // Whatever the site is still about to do, it began before the answer failed to come.
        let is_unknown = matches!(outcome, Outcome::Unknown { .. });
        match (call, &self.step) {
            (Call::Create, _) if is_unknown => {
                self.doubted = true;
                self.step = DeliveryStep::Creating { since: now };
            }
            (Call::Create, _) => self.step = DeliveryStep::Accepted,
            (Call::Attach(_), DeliveryStep::Attaching { document_id, .. }) => {
                let document_id = document_id.clone();
                self.step = match is_unknown {
                    true => DeliveryStep::Attaching { document_id, since: now },
                    false => DeliveryStep::Created { document_id },
                };
            }
            _ => {}
        }
        match outcome {
            Outcome::There { document_id, copies } => {
                self.step = DeliveryStep::Created { document_id };
                self.saw_copies(copies);
                self.proceed(now);
            }
            Outcome::Attached { id } => self.attached(id, now),
            Outcome::Attachments(found) => self.compare(&found, began, now, jitter, timing),
            Outcome::NotThere => self.not_there(began, now, timing),
            Outcome::NotDone { words, retry_after } | Outcome::Unknown { words, retry_after } => {
                self.failed(words, retry_after.unwrap_or_default(), now, jitter, timing);
            }
            Outcome::Unauthorised { words } => {
                self.hold(after(now, timing.authorisation), &refused_sign_in(&words));
            }
            Outcome::Held { words } => self.hold(after(now, timing.authorisation), &words),
            Outcome::Refused { words } => self.die(self.refused(call, &words)),
        }
    }

    /// Waits until `until` because the connection may not speak to its site; no retry is used up. `words` say why.
    pub fn hold(&mut self, until: Timestamp, words: &str) {
        self.wait(until, Some(words.to_owned()));
        self.awaits = Some(Awaits::Authorisation);
    }

    /// Goes out now, where it waits for its connection to be authorised; answers whether it did.
    pub fn let_go(&mut self, now: Timestamp) -> bool {
        let did_wait = self.awaits == Some(Awaits::Authorisation);
        if did_wait {
            self.wait(now, None);
            self.awaits = None;
        }
        did_wait
    }

    /// Takes up a note that an earlier process was sending: its call may or may not have taken effect, and the site
    /// may still be at it.
    pub fn take_up(&mut self, now: Timestamp) {
        match &mut self.step {
            DeliveryStep::Creating { since } => {
                *since = now;
                self.doubted = true;
            }
            DeliveryStep::Attaching { since, .. } => *since = now,
            DeliveryStep::Accepted | DeliveryStep::Created { .. } => {}
        }
        self.wait(now, None);
    }

    /// Takes up a note whose sending died by a fault of this program, when `due_at` has come.
    pub fn died(&mut self, now: Timestamp, due_at: Timestamp) {
        if self.state == NoteState::Sending {
            self.take_up(now);
            let reason = "Sending it was cut short by a fault in Tidegate; the CRM is asked whether it is there.";
            self.wait(due_at, Some(reason.to_owned()));
        }
    }

    /// Waits for a client to be linked to the CRM: there is nobody yet to file it against.
    pub fn await_link(&mut self, who: &str) {
        self.state = NoteState::Waiting;
        self.due_at = None;
        self.awaits = Some(Awaits::Link);
        self.reason = Some(format!("Waits until {who} is linked to the CRM; it goes out by itself then."));
    }

    /// All its clients are linked: due now, against them. Nothing where it does not wait for that.
    pub fn linked(&mut self, filed_against: Vec<ExternalId>, connection: ConnectionName, now: Timestamp) {
        if self.awaits == Some(Awaits::Link) {
            self.note.filed_against = filed_against;
            self.connection = connection;
            self.awaits = None;
            self.reason = None;
            self.state = NoteState::Queued;
            self.due_at = Some(now);
        }
    }

    /// Keeps how many notes with its marker the CRM has, and raises more than one.
    pub fn saw_copies(&mut self, copies: usize) {
        self.copies = (copies > 1).then_some(copies);
        let keep = self.document_id().map_or("one".to_owned(), ToString::to_string);
        self.reason = (copies > 1).then(|| {
            format!("The CRM has {copies} notes with the marker {}; remove all but {keep} there.", self.marker)
        });
    }

    /// A call took effect: on to the next one, with all retries before it, or done.
    fn proceed(&mut self, now: Timestamp) {
        self.failures = 0;
        if self.attachments.is_empty() {
            self.finish(now);
        } else {
            self.state = NoteState::Sending;
            self.due_at = Some(now);
        }
    }

    fn finish(&mut self, now: Timestamp) {
        self.state = NoteState::Done;
        self.done_at = Some(now);
        self.due_at = None;
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

    /// A refusal for good, with what it leaves open.
    fn refused(&self, call: Call, words: &str) -> String {
        match (call, &self.step) {
            (Call::LookUp, _) => format!(
                "Whether the note is in the CRM is not known: its create had no answer, and the CRM refuses the search. \
                 Look there for its subject, and say here whether it is there. The CRM said: {words}"
            ),
            (Call::Attach(_) | Call::ListAttachments, DeliveryStep::Created { document_id })
            | (Call::Attach(_) | Call::ListAttachments, DeliveryStep::Attaching { document_id, .. }) => {
                format!("The note is in the CRM as {document_id}, without all of its documents. The CRM said: {words}")
            }
            _ => words.to_owned(),
        }
    }

    /// What came of a call, for people.
    fn for_people(&self, call: Call, outcome: &Outcome) -> String {
        let name = |place: usize| self.attachments.get(place).map_or("the document", |one| one.filename.as_str());
        match (outcome, call) {
            (Outcome::There { document_id, .. }, Call::Create) => format!("Created in the CRM as {document_id}."),
            (Outcome::There { document_id, .. }, _) => format!("Found in the CRM as {document_id}."),
            (Outcome::NotThere, _) => "Looked up in the CRM: not there.".to_owned(),
            (Outcome::Attached { id }, Call::Attach(place)) => format!("Attached {} as {id}.", name(place)),
            (Outcome::Attached { id }, _) => format!("Attached as {id}."),
            (Outcome::Attachments(found), _) => format!("The CRM lists {} of its documents.", found.len()),
            (Outcome::Unknown { words, .. }, Call::Create) => format!("May or may not be in the CRM: {words}"),
            (Outcome::Unknown { words, .. }, Call::Attach(place)) => {
                format!("{} may or may not be attached: {words}", name(place))
            }
            (Outcome::NotDone { words, .. } | Outcome::Unknown { words, .. }, _) => words.clone(),
            (Outcome::Unauthorised { words } | Outcome::Held { words } | Outcome::Refused { words }, _) => {
                words.clone()
            }
        }
    }
}

/// Why a note waits whose connection's sign-in is refused.
pub fn refused_sign_in(words: &str) -> String {
    format!("Waits for the connection to be authorised again; the CRM said: {words}")
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
