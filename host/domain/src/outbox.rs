//! Delivery of a note to the CRM, exactly once: the state machine and its waiting times.
//!
//! A CRM knows no idempotency keys, and the outcome of a create may stay unknown (a cut connection, a process that
//! died). So each step is stored before and after its call, and a note whose create may have taken effect is looked
//! up by its marker: at once, a few times more, and for the last time when no request can be alive any more and the
//! CRM's list has caught up; only then is it created anew. Its attachments follow one by one in the same manner, and at
//! the end the CRM's list of them is compared. What no look-up can rule out is put to a person; where the person says that it
//! is not there, one more look-up comes before it is sent.
//!
//! Pure: the time, and the randomness that spreads retries, are handed in.

mod attaching;
mod filing;
mod operator_actions;

pub use self::filing::ClientLink;
pub use self::operator_actions::Edit;

use jiff::SignedDuration;

use crate::ids::ExternalId;
use crate::note::{Attempt, Awaits, DeliveryStep, Note, NoteState};
use crate::value::Timestamp;

/// The number of attempts that a note remembers.
const ATTEMPTS_KEPT: usize = 50;

/// The longest that a note, or a site's notes, wait at a time, whatever the CRM asks for: then one is tried again.
pub const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(24);

/// The longest life of a request where the settings say nothing else: the connector gives up on it then.
pub const REQUEST_LIFE: SignedDuration = SignedDuration::from_secs(60);

/// The time by which a CRM's lists may lag behind what it has taken, where the settings say nothing else.
pub const SITE_LAG: SignedDuration = SignedDuration::from_secs(60);

/// The reason for which a note waits whose create may have taken effect.
const CREATE_IN_DOUBT: &str = "Its create had no clear answer; waits to see whether the CRM has it.";

/// The waiting times of delivery.
#[derive(Clone, Debug)]
pub struct Timing {
    /// The pauses before each retry; a note whose last one fails is dead.
    pub retries: Vec<SignedDuration>,
    /// The time after the last request that may have made something during which the CRM's "not there" is not believed:
    /// the longest life of a request, and how far the CRM's lists lag behind.
    pub doubt: SignedDuration,
    /// The time after a note was taken during which the CRM may not list it yet.
    pub lag: SignedDuration,
    /// The time for which a connection rests whose sign-in is refused.
    pub authorisation: SignedDuration,
    /// The times for which a site is left alone that does not answer; the last one is used again and again.
    pub outage: Vec<SignedDuration>,
}

impl Default for Timing {
    /// 1 s, 5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h.
    fn default() -> Self {
        Self {
            retries: [1, 5, 30, 120, 600, 1800, 7200, 18_000, 36_000].map(SignedDuration::from_secs).to_vec(),
            doubt: REQUEST_LIFE + SITE_LAG,
            lag: SITE_LAG,
            authorisation: SignedDuration::from_mins(5),
            outage: [5, 15, 30, 60, 120].map(SignedDuration::from_secs).to_vec(),
        }
    }
}

impl Timing {
    /// The usual times, for requests that live so long at most and CRMs whose lists lag behind so far.
    pub fn of(request_life: SignedDuration, site_lag: SignedDuration) -> Self {
        Self { doubt: request_life + site_lag, lag: site_lag, ..Self::default() }
    }

    /// The pause before the next look for what may still appear, `quiet` after the last request that may have made it:
    /// as long again as it was waited for already, and never beyond the end of the doubt. None where that is over.
    fn pause_in_doubt(&self, quiet: SignedDuration) -> Option<SignedDuration> {
        let left = self.doubt.checked_sub(quiet).filter(SignedDuration::is_positive)?;
        Some(quiet.max(self.doubt / 64).min(left))
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
    /// The name of the file.
    pub filename: String,
    /// The size in bytes, where the CRM says it.
    pub size: Option<u64>,
}

/// A call that was made.
#[derive(Clone, Copy, Debug)]
pub struct MadeCall {
    /// The call.
    pub call: Call,
    /// The moment at which the call began.
    pub began: Timestamp,
    /// The time for which, by then, no request had been alive that may have made something of the note, by a clock that
    /// never steps; zero where nobody has counted, as after a start.
    pub quiet: SignedDuration,
}

/// The outcome of a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The note is in the CRM: made, or found.
    There {
        /// The CRM's id of it.
        document_id: ExternalId,
        /// The number of notes that carry the marker; more than one is a fault to be raised.
        copies: usize,
    },
    /// The note was looked up, and is not there.
    NotThere,
    /// The note was looked up and not found, among so many notes without a marker that may be it.
    Unmarked(usize),
    /// The note was looked up and not found in a list that lacks this one too, which the CRM took before: what is in it
    /// and what is not says nothing.
    Lacking(ExternalId),
    /// The document is attached.
    Attached {
        /// The CRM's id of the attachment.
        id: ExternalId,
    },
    /// The attachments that the CRM lists for the note, in its order.
    Attachments(Vec<FoundAttachment>),
    /// The call cannot have taken effect, and another may.
    NotDone {
        /// The message: what happened.
        message: String,
        /// The time that the CRM asked to wait.
        retry_after: Option<SignedDuration>,
    },
    /// The call may have taken effect.
    Unknown {
        /// The message: what happened.
        message: String,
        /// The time that the CRM asked to wait.
        retry_after: Option<SignedDuration>,
    },
    /// The sign-in is refused; nothing took effect.
    Unauthorised {
        /// The CRM's words.
        message: String,
    },
    /// The connection may not speak to its site until a person has seen to it; the call never left.
    Held {
        /// A sentence that says why the note waits.
        message: String,
    },
    /// The CRM refused for good; nothing took effect.
    Refused {
        /// The CRM's words.
        message: String,
    },
}

/// The reason why a note is not changed: its state does not allow it.
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

    /// Draws the conclusion from a call. `jitter`, 0 to 1, spreads retries.
    pub fn conclude(&mut self, made: MadeCall, outcome: Outcome, now: Timestamp, jitter: f64, timing: &Timing) {
        let MadeCall { call, began, quiet } = made;
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
                self.said_absent = None;
                self.reason = None;
                self.saw_copies(copies);
                self.proceed(now);
            }
            Outcome::Attached { id } => self.attached(id, now),
            Outcome::Attachments(found) => self.compare(&found, quiet, now, timing),
            Outcome::NotThere | Outcome::Unmarked(_) | Outcome::Lacking(_) | Outcome::Refused { .. }
                if self.said_absent.is_some() =>
            {
                self.send_as_said(now);
            }
            Outcome::NotThere | Outcome::Unmarked(_) | Outcome::Lacking(_)
                if self.wait_in_doubt(CREATE_IN_DOUBT, quiet, now, timing) => {}
            Outcome::NotThere => {
                self.step = DeliveryStep::Accepted;
                self.wait(now, None);
            }
            Outcome::Unmarked(notes) => self.die(format!(
                "Whether the note is in the CRM is not known: its create had no clear answer, and the CRM lists {notes} of its \
                 clients' notes without the reference by which it would be known. Look there for it, and say here \
                 whether it is there."
            )),
            Outcome::Lacking(known) => self.die(format!(
                "Whether the note is in the CRM is not known: its create had no clear answer, and the CRM does not list {known} \
                 either, which it took before. Look there for both, and say here whether this one is there; or try again \
                 when the CRM lists {known}."
            )),
            Outcome::NotDone { message, retry_after } | Outcome::Unknown { message, retry_after } => {
                self.failed(message, retry_after.unwrap_or_default(), now, jitter, timing);
            }
            Outcome::Unauthorised { message } => {
                self.hold(after(now, timing.authorisation), &refused_sign_in(&message));
            }
            Outcome::Held { message } => self.hold(after(now, timing.authorisation), &message),
            Outcome::Refused { message } => self.die(self.refused(call, &message)),
        }
    }

    /// Waits until `until` because the connection may not speak to its site; no retry is used up. `words` say why.
    pub fn hold(&mut self, until: Timestamp, message: &str) {
        self.wait(until, Some(message.to_owned()));
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

    /// Keeps how many notes with its marker or id the CRM has, and raises any number but one. What else there is to say
    /// of it stays.
    pub fn saw_copies(&mut self, copies: usize) {
        let before = self.copies;
        self.copies = (copies != 1).then_some(copies);
        let document = self.document_id().map_or("one".to_owned(), ToString::to_string);
        match copies {
            0 => {
                self.reason = Some(format!(
                    "The CRM took it as {document} and does not list it any more. Look there among the file notes of its \
                     clients, and say here whether it is there."
                ));
            }
            1 if before.is_some() => self.reason = None,
            1 => {}
            _ => {
                self.reason = Some(format!(
                    "The CRM has {copies} notes with the marker {}; remove all but {document} there.",
                    self.marker
                ));
            }
        }
    }

    /// A last look did not find in the CRM what a person said is not there, or the CRM refuses to look: it is sent.
    fn send_as_said(&mut self, now: Timestamp) {
        self.said_absent = None;
        self.step = match self.step.clone() {
            DeliveryStep::Attaching { document_id, .. } => DeliveryStep::Created { document_id },
            _ => {
                self.attachments.iter_mut().for_each(|attachment| attachment.attached_as = None);
                DeliveryStep::Accepted
            }
        };
        self.wait(now, None);
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

    /// Waits for the next look at what may still appear; answers whether it does, or the doubt is over.
    fn wait_in_doubt(&mut self, reason: &str, quiet: SignedDuration, now: Timestamp, timing: &Timing) -> bool {
        let pause = timing.pause_in_doubt(quiet);
        if let Some(pause) = pause {
            self.wait(after(now, pause), Some(reason.to_owned()));
        }
        pause.is_some()
    }

    fn failed(&mut self, message: String, asked: SignedDuration, now: Timestamp, jitter: f64, timing: &Timing) {
        let delay = timing.retries.get(self.failures as usize);
        self.failures += 1;
        let message = match asked > LONGEST_WAIT {
            true => format!("{message} It asked for a pause of over a day; it is asked again after one."),
            false => message,
        };
        match delay {
            Some(delay) => self.wait(after(now, spread(*delay, jitter).max(asked)), Some(message)),
            None => self.die(format!("Given up after {} tries; the last one: {message}", self.failures)),
        }
    }

    /// Makes the note due `back` earlier, and at `latest` at the latest; answers whether that changes anything.
    pub fn pull_forward(&mut self, back: SignedDuration, latest: Timestamp) -> bool {
        let Some(due) = self.due_at else { return false };
        self.due_at = Some(due.saturating_sub(back).unwrap_or(Timestamp::MIN).min(latest));
        self.due_at != Some(due)
    }

    /// Makes the note due now where it waits for longer than its own retries would: for a pause that the CRM asked for.
    /// Answers whether it does.
    pub fn end_pause(&mut self, now: Timestamp, timing: &Timing) -> bool {
        let (Some(due), Some(last)) = (self.due_at, self.attempts.last()) else { return false };
        let before = (self.failures as usize).checked_sub(1).and_then(|failed| timing.retries.get(failed));
        let Some(own) = before.filter(|_| self.state == NoteState::Waiting && self.awaits.is_none()) else {
            return false;
        };
        let took = SignedDuration::from_millis(i64::try_from(last.took_ms).unwrap_or(i64::MAX));
        let is_pause = due > now && due > after(after(last.at, took), spread(*own, 1.0));
        if is_pause {
            self.due_at = Some(now);
        }
        is_pause
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
    fn refused(&self, call: Call, message: &str) -> String {
        match (call, &self.step) {
            (Call::LookUp, _) => format!(
                "Whether the note is in the CRM is not known: its create had no clear answer, and the CRM refuses the search. \
                 Look there for its subject, and say here whether it is there. The CRM said: {message}"
            ),
            (Call::Attach(_) | Call::ListAttachments, DeliveryStep::Created { document_id })
            | (Call::Attach(_) | Call::ListAttachments, DeliveryStep::Attaching { document_id, .. }) => {
                format!(
                    "The note is in the CRM as {document_id}, without all of its documents. The CRM said: {message}"
                )
            }
            _ => message.to_owned(),
        }
    }

    /// A sentence for people about a call's outcome.
    fn for_people(&self, call: Call, outcome: &Outcome) -> String {
        let name = |place: usize| self.attachments.get(place).map_or("the document", |one| one.filename.as_str());
        match (outcome, call) {
            (Outcome::There { document_id, .. }, Call::Create) => format!("Created in the CRM as {document_id}."),
            (Outcome::There { document_id, .. }, _) => format!("Found in the CRM as {document_id}."),
            (Outcome::NotThere, _) => "Looked up in the CRM: not there.".to_owned(),
            (Outcome::Unmarked(notes), _) => {
                format!("Looked up in the CRM: not found, and {notes} notes without a reference may be it.")
            }
            (Outcome::Lacking(known), _) => {
                format!("Looked up in the CRM: not found, and {known} neither, which it took before.")
            }
            (Outcome::Attached { id }, Call::Attach(place)) => format!("Attached {} as {id}.", name(place)),
            (Outcome::Attached { id }, _) => format!("Attached as {id}."),
            (Outcome::Attachments(found), _) => format!("The CRM lists {} of its documents.", found.len()),
            (Outcome::Unknown { message, .. }, Call::Create) => format!("May or may not be in the CRM: {message}"),
            (Outcome::Unknown { message, .. }, Call::Attach(place)) => {
                format!("{} may or may not be attached: {message}", name(place))
            }
            (Outcome::NotDone { message, .. } | Outcome::Unknown { message, .. }, _) => message.clone(),
            (Outcome::Unauthorised { message } | Outcome::Held { message } | Outcome::Refused { message }, _) => {
                message.clone()
            }
        }
    }
}

/// The reason for which a note waits whose connection's sign-in is refused.
pub fn refused_sign_in(message: &str) -> String {
    format!("Waits for the connection to be authorised again; the CRM said: {message}")
}

/// 80 to 120 % of a delay.
fn spread(delay: SignedDuration, jitter: f64) -> SignedDuration {
    delay.mul_f64(0.4f64.mul_add(jitter.clamp(0.0, 1.0), 0.8))
}

/// A time so much later, a day at most.
fn after(time: Timestamp, delay: SignedDuration) -> Timestamp {
    time.saturating_add(delay.min(LONGEST_WAIT)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
