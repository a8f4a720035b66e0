//! The outbox of a store that was put back from a backup: what it takes for unsent may be in the CRM by now.

use super::lanes;
use super::tables::{self, NOTES};
use crate::domain::Timestamp;
use crate::domain::note::{DeliveryStep, Note, NoteState};
use crate::store::StoreError;
use crate::store::engine::{Readable as _, Write};

/// Has each note that is not done looked for in the CRM, by its marker, before anything of it is sent: one that a person gave up,
/// or that no retry helped, once somebody tries it again. Answers how many.
pub(in crate::store) fn look_for_unsent(transaction: &Write, now: Timestamp) -> Result<usize, StoreError> {
    let mut unsent = Vec::new();
    for entry in transaction.open_table(NOTES)?.scan(..)? {
        let note: Note = tables::decode(entry?.1.value())?;
        if note.state != NoteState::Done {
            unsent.push(note);
        }
    }
    for note in &unsent {
        let step = match note.step.clone() {
            DeliveryStep::Accepted | DeliveryStep::Creating { .. } => DeliveryStep::Creating { since: now },
            DeliveryStep::Created { document_id } | DeliveryStep::Attaching { document_id, .. } => {
                DeliveryStep::Attaching { document_id, since: now }
            }
        };
        // What was not due yet then is looked for now: it may have gone out long since.
        let due_at = note.due_at.map(|due| due.min(now));
        lanes::put(transaction, Some(note), &Note { step, due_at, ..note.clone() })?;
    }
    Ok(unsent.len())
}
