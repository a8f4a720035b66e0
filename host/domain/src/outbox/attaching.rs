//! The documents of a note that is in the CRM: one after the other, each once, and compared at the end.
//!
//! A document whose upload was answered is known by the CRM's id of it, whatever the CRM calls it. One whose upload was
//! not is looked for among those that no id accounts for, by what a server is unlikely to change; where something stands
//! there that may be it or not, a person is asked.

use super::{FoundAttachment, SignedDuration, Timing};
use crate::ids::ExternalId;
use crate::note::{Attachment, DeliveryStep, Note};
use crate::value::Timestamp;

/// The reason for which a note waits whose document may have been taken.
const UPLOAD_IN_DOUBT: &str = "A document's upload had no clear answer; waits to see whether the CRM has it.";

impl Attachment {
    /// Whether a listed one is of its size, or of its name with other punctuation, blanks or case.
    fn resembles(&self, found: &FoundAttachment) -> bool {
        found.size == Some(self.size) || plain(&found.filename) == plain(&self.filename)
    }

    /// Whether a listed one is of its size and name; of its name, where no size is listed.
    fn is_like(&self, found: &FoundAttachment) -> bool {
        found.size.is_none_or(|size| size == self.size) && found.filename == self.filename
    }
}

impl Note {
    /// The place of the first attachment that the CRM is not known to have.
    pub(super) fn next_attachment(&self) -> Option<usize> {
        self.attachments.iter().position(|attachment| attachment.attached_as.is_none())
    }

    /// The next attachment is in the CRM.
    pub(super) fn attached(&mut self, id: ExternalId, now: Timestamp) {
        self.said_absent = None;
        if let Some(next) = self.next_attachment() {
            self.attachments[next].attached_as = Some(id);
        }
        if let Some(document_id) = self.document_id().cloned() {
            self.step = DeliveryStep::Created { document_id };
        }
        self.proceed(now);
    }

    /// Draws the conclusion from the CRM's list of the note's attachments, asked for `quiet` after the last upload.
    pub(super) fn compare(
        &mut self,
        found: &[FoundAttachment],
        quiet: SignedDuration,
        now: Timestamp,
        timing: &Timing,
    ) {
        match (self.step.clone(), self.next_attachment()) {
            (DeliveryStep::Attaching { document_id, .. }, Some(next)) => {
                let strangers = self.strangers(found);
                if let Some(id) = newly_found(&self.attachments[next], &strangers) {
                    return self.attached(id, now);
                }
                if self.said_absent.is_some() {
                    return self.send_as_said(now);
                }
                if self.wait_in_doubt(UPLOAD_IN_DOUBT, quiet, now, timing) {
                    return;
                }
                if strangers.is_empty() {
                    self.step = DeliveryStep::Created { document_id };
                    self.wait(now, None);
                } else {
                    let reason = which_is_it(&self.attachments[next], &strangers);
                    self.die(reason);
                }
            }
            _ => self.confirm(found, quiet, now, timing),
        }
    }

    /// The listed attachments that no attachment of the note is known as.
    fn strangers<'a>(&self, found: &'a [FoundAttachment]) -> Vec<&'a FoundAttachment> {
        let is_known = |id: &ExternalId| self.attachments.iter().any(|one| one.attached_as.as_ref() == Some(id));
        found.iter().filter(|one| !is_known(&one.id)).collect()
    }

    /// A remark about a document for which the CRM answered the id of another one, as a CRM does that keeps a file of a
    /// name once.
    fn under_one_id(&self) -> Option<String> {
        let (one, other) = self.attachments.iter().enumerate().find_map(|(place, one)| {
            let before = self.attachments[..place].iter().find(|before| before.attached_as == one.attached_as)?;
            Some((before, one))
        })?;
        let id = one.attached_as.as_ref()?;
        Some(format!(
            "The CRM has the documents {} and {} both as {id}, and may have kept one of them only; look there.",
            one.filename, other.filename
        ))
    }

    /// All attachments were answered for. What the CRM's own list says otherwise is told, and nothing is sent again.
    fn confirm(&mut self, found: &[FoundAttachment], quiet: SignedDuration, now: Timestamp, timing: &Timing) {
        let mut strangers = self.strangers(found);
        let (mut unlisted, mut told) = (Vec::new(), Vec::new());
        for one in &self.attachments {
            let listed = found.iter().find(|listed| one.attached_as.as_ref() == Some(&listed.id));
            match (listed, strangers.iter().position(|stranger| one.is_like(stranger))) {
                (Some(listed), _) => told.extend(difference(one, listed)),
                // A list that has ids of its own.
                (None, Some(place)) => drop(strangers.remove(place)),
                (None, None) => unlisted.push(one.filename.as_str()),
            }
        }
        told.extend(self.under_one_id());
        if !unlisted.is_empty() {
            let names = unlisted.join(", ");
            let reason = format!("The CRM took {names} and does not list it yet; waits to see whether it does.");
            if self.wait_in_doubt(&reason, quiet, now, timing) {
                return;
            }
            told.push(format!("The CRM took {names} and does not list it; look for it there."));
        }
        let twice = self.attachments.iter().find(|one| strangers.iter().any(|stranger| one.resembles(stranger)));
        told.extend(
            twice.map(|one| format!("The CRM has the document {} more than once; remove one there.", one.filename)),
        );
        if self.copies.is_none() {
            self.reason = Some(told.join(" ")).filter(|told| !told.is_empty());
        }
        self.finish(now);
    }
}

/// The stranger that is this attachment: the one like it, or the only one that resembles it.
fn newly_found(attachment: &Attachment, strangers: &[&FoundAttachment]) -> Option<ExternalId> {
    let like = strangers.iter().find(|one| attachment.is_like(one));
    let mut alike = strangers.iter().filter(|one| attachment.resembles(one));
    let only = alike.next().filter(|_| alike.next().is_none());
    like.or(only).map(|one| one.id.clone())
}

/// The difference between a document as it was sent and as the CRM shows it.
fn difference(sent: &Attachment, listed: &FoundAttachment) -> Option<String> {
    let listed_size = listed.size.unwrap_or(sent.size);
    let size = match (listed_size.checked_sub(sent.size), sent.size.checked_sub(listed_size)) {
        (Some(0), _) => None,
        (Some(more), _) => Some(format!("{more} bytes larger")),
        (None, less) => Some(format!("{} bytes smaller", less.unwrap_or_default())),
    };
    let name = (listed.filename != sent.filename).then(|| format!("as {}", listed.filename));
    let how: Vec<String> = name.into_iter().chain(size).collect();
    (!how.is_empty()).then(|| format!("The CRM keeps the document {} {}.", sent.filename, how.join(", ")))
}

/// The question to a person about an upload without an answer.
fn which_is_it(sent: &Attachment, strangers: &[&FoundAttachment]) -> String {
    let listed: Vec<String> = strangers.iter().map(|one| format!("{} as {}", one.filename, one.id)).collect();
    format!(
        "Whether the document {} is in the CRM is not known: its upload had no clear answer, and the CRM lists {}, which may be \
         it. Look there, and say here under which id it is there, or that it is not.",
        sent.filename,
        listed.join(", ")
    )
}

/// A file's name without what servers rewrite: letters and digits, in lower case.
fn plain(filename: &str) -> String {
    filename.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
