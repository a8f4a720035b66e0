//! Operator actions: what a person may do with a note that does not go out by itself, which is to try it again, to say
//! what became of it, to correct it, or to give it up.

use super::NotNow;
use crate::ids::{ClientId, ExternalId};
use crate::note::{Awaits, DeliveryStep, Note, NoteState, SaidAbsent, Stage};
use crate::value::Timestamp;

/// A person's changes to a note before it goes out; what is none stays.
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
    /// Returns an error if it is being sent, done, or waits for a client to be linked.
    pub fn retry(&mut self, now: Timestamp) -> Result<(), NotNow> {
        self.is_at_rest("The note is being sent just now.", "The note is in the CRM already.")?;
        if self.awaits == Some(Awaits::Link) {
            return Err(NotNow("The note waits for its client to be linked to the CRM; it goes out by itself then."));
        }
        if self.awaits == Some(Awaits::Refiling) {
            return Err(NotNow("The client is linked to somebody else in the CRM now. Say whom it is filed against."));
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
    /// Returns an error if it is being sent, or done and listed by the CRM.
    pub fn discard(&mut self, why: &str) -> Result<(), NotNow> {
        if !self.is_missing() {
            let sending = "The note is being sent just now; wait until it is not.";
            self.is_at_rest(sending, "The note is in the CRM already.")?;
        }
        self.copies = None;
        self.awaits = None;
        self.said_absent = None;
        self.discarded = true;
        self.die(format!("Discarded: {why}"));
        Ok(())
    }

    /// Changes what it says, and makes it due now.
    ///
    /// # Errors
    /// Returns an error if it may be in the CRM already, or is being sent.
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

    /// A person looked into the CRM and found what is in question there, under this id; none: it is not there, and is
    /// sent once the CRM does not show it to a last look either, since people err. In question is a note in doubt, its next document where the note itself is there, or one that is done and
    /// that the CRM does not list as it should.
    ///
    /// # Errors
    /// Returns an error if nobody asked.
    pub fn resolve(&mut self, found: Option<ExternalId>, now: Timestamp) -> Result<(), NotNow> {
        if self.is_raised() {
            return self.resolve_raised(found, now);
        }
        if self.stage() != Stage::InDoubt {
            return Err(NotNow("Whether this note is in the CRM is not in question."));
        }
        self.retry(now)?;
        match (&self.step, found) {
            (DeliveryStep::Attaching { .. }, Some(id)) => self.attached(id, now),
            (_, Some(document_id)) => {
                self.step = DeliveryStep::Created { document_id };
                self.said_absent = None;
                self.proceed(now);
            }
            (_, None) => {
                let _ = self.said_absent.get_or_insert(SaidAbsent { document_id: None });
            }
        }
        if self.state == NoteState::Sending {
            self.state = NoteState::Queued;
        }
        Ok(())
    }

    /// Records what a person found of a note that is done and that the CRM does not list exactly once.
    fn resolve_raised(&mut self, found: Option<ExternalId>, now: Timestamp) -> Result<(), NotNow> {
        match (found, self.copies) {
            (Some(document_id), _) => self.step = DeliveryStep::Created { document_id },
            (None, Some(0)) => {
                self.said_absent = Some(SaidAbsent { document_id: self.document_id().cloned() });
                self.step = DeliveryStep::Creating { since: now };
                self.done_at = None;
                self.state = NoteState::Queued;
                self.retry(now)?;
            }
            (None, _) => return Err(NotNow("The CRM lists this note; say which of them is to stay.")),
        }
        self.copies = None;
        self.reason = None;
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
