//! What a person may do with a note that does not go out by itself: try again, say what became of it, mend it, give
//! it up.

use super::NotNow;
use crate::ids::{ClientId, ExternalId};
use crate::note::{Awaits, DeliveryStep, Note, NoteState, Stage};
use crate::value::Timestamp;

/// What a person changes in a note before it goes out; what is none stays.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Edit {
    /// Another subject.
    pub subject: Option<String>,
    /// Another text.
    pub body: Option<String>,
    /// Other clients to file it against, by the CRM's ids and the practice's.
    pub filed_against: Option<Vec<(ExternalId, ClientId)>>,
}

impl Note {
    /// Makes it due now, with all its retries before it. Where its create may have taken effect, it is looked up first.
    ///
    /// # Errors
    /// Where it is being sent, done, or waits for a client to be linked.
    pub fn retry(&mut self, now: Timestamp) -> Result<(), NotNow> {
        self.is_at_rest("The note is being sent just now.", "The note is in the CRM already.")?;
        if self.awaits == Some(Awaits::Link) {
            return Err(NotNow("The note waits for its client to be linked to the CRM; it goes out by itself then."));
        }
        self.failures = 0;
        self.state = NoteState::Queued;
        self.due_at = Some(now);
        self.reason = None;
        self.awaits = None;
        self.discarded = false;
        Ok(())
    }

    /// Gives it up on a person's word.
    ///
    /// # Errors
    /// Where it is being sent or done.
    pub fn discard(&mut self, why: &str) -> Result<(), NotNow> {
        self.is_at_rest("The note is being sent just now; wait until it is not.", "The note is in the CRM already.")?;
        self.awaits = None;
        self.discarded = true;
        self.die(format!("Discarded: {why}"));
        Ok(())
    }

    /// Changes what it says, and makes it due now.
    ///
    /// # Errors
    /// Where it may be in the CRM already, or is being sent.
    pub fn edit(&mut self, edit: Edit, now: Timestamp) -> Result<(), NotNow> {
        self.is_at_rest("The note is being sent just now.", "The note is in the CRM already; change it there.")?;
        match self.step {
            DeliveryStep::Accepted => {}
            DeliveryStep::Creating { .. } => {
                return Err(NotNow("The note may be in the CRM already. Say first whether it is there."));
            }
            DeliveryStep::Created { .. } | DeliveryStep::Attaching { .. } => {
                return Err(NotNow("The note itself is in the CRM already; change its text there."));
            }
        }
        self.retry(now)?;
        let Edit { subject, body, filed_against } = edit;
        if let Some(subject) = subject {
            self.note.subject = subject;
        }
        if let Some(body) = body {
            self.note.body = body;
        }
        if let Some(filed_against) = filed_against {
            (self.note.filed_against, self.clients) = filed_against.into_iter().unzip();
        }
        Ok(())
    }

    /// A person looked into the CRM and found it there, under this id; none: it is not there, and is sent.
    ///
    /// # Errors
    /// Where nobody asked.
    pub fn resolve(&mut self, found: Option<ExternalId>, now: Timestamp) -> Result<(), NotNow> {
        if self.stage() != Stage::InDoubt {
            return Err(NotNow("Whether this note is in the CRM is not in question."));
        }
        self.retry(now)?;
        match found {
            Some(document_id) => {
                self.step = DeliveryStep::Created { document_id };
                self.proceed(now);
                if self.state == NoteState::Sending {
                    self.state = NoteState::Queued;
                }
            }
            None => self.step = DeliveryStep::Accepted,
        }
        Ok(())
    }

    fn is_at_rest(&self, sending: &'static str, done: &'static str) -> Result<(), NotNow> {
        match self.state {
            NoteState::Sending => Err(NotNow(sending)),
            NoteState::Done => Err(NotNow(done)),
            NoteState::Queued | NoteState::Waiting | NoteState::Dead => Ok(()),
        }
    }
}
