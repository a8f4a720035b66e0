//! The documents of a note that is in the CRM: one after the other, each once, and compared at the end.

use super::{FoundAttachment, SignedDuration, Timing, after};
use crate::ids::ExternalId;
use crate::note::{DeliveryStep, Note};
use crate::value::Timestamp;

impl Note {
    /// The place of the first attachment that the CRM is not known to have.
    pub(super) fn next_attachment(&self) -> Option<usize> {
        self.attachments.iter().position(|attachment| attachment.attached_as.is_none())
    }

    /// The next attachment is in the CRM.
    pub(super) fn attached(&mut self, id: ExternalId, now: Timestamp) {
        if let Some(next) = self.next_attachment() {
            self.attachments[next].attached_as = Some(id);
        }
        if let Some(document_id) = self.document_id().cloned() {
            self.step = DeliveryStep::Created { document_id };
        }
        self.proceed(now);
    }

    /// Draws the conclusion from the CRM's list of the note's attachments, asked for at `began`.
    pub(super) fn compare(
        &mut self,
        found: &[FoundAttachment],
        began: Timestamp,
        now: Timestamp,
        jitter: f64,
        timing: &Timing,
    ) {
        match self.step.clone() {
            DeliveryStep::Attaching { document_id, since } => match self.newly_found(found) {
                Some(id) => self.attached(id, now),
                None if began < after(since, timing.settle) => {
                    let reason = "A document's upload had no answer; waits to see whether the CRM has it.".to_owned();
                    self.wait(after(since, timing.settle), Some(reason));
                }
                None => {
                    self.step = DeliveryStep::Created { document_id };
                    self.wait(now, None);
                }
            },
            _ => self.confirm(found, now, jitter, timing),
        }
    }

    /// The listed attachment that is the next one of the note: of its name and size, and not one of those before.
    fn newly_found(&self, found: &[FoundAttachment]) -> Option<ExternalId> {
        let next = &self.attachments[self.next_attachment()?];
        let is_known = |id: &ExternalId| self.attachments.iter().any(|one| one.attached_as.as_ref() == Some(id));
        let is_next =
            |one: &&FoundAttachment| one.filename == next.filename && one.size == next.size && !is_known(&one.id);
        found.iter().find(is_next).map(|one| one.id.clone())
    }

    /// All attachments were answered for; here the CRM's own list has the last word.
    fn confirm(&mut self, found: &[FoundAttachment], now: Timestamp, jitter: f64, timing: &Timing) {
        let listed =
            |filename: &str, size: u64| found.iter().filter(|one| one.filename == filename && one.size == size).count();
        let wanted = |filename: &str, size: u64| {
            self.attachments.iter().filter(|one| one.filename == filename && one.size == size).count()
        };
        let lost =
            self.attachments.iter().find(|one| listed(&one.filename, one.size) < wanted(&one.filename, one.size));
        if let Some(lost) = lost {
            let words = format!("the CRM took the document {} and does not list it", lost.filename);
            return self.failed(words, SignedDuration::ZERO, now, jitter, timing);
        }
        let twice =
            self.attachments.iter().find(|one| listed(&one.filename, one.size) > wanted(&one.filename, one.size));
        let reason =
            twice.map(|one| format!("The CRM has the document {} more than once; remove one there.", one.filename));
        if self.copies.is_none() {
            self.reason = reason;
        }
        self.finish(now);
    }
}
