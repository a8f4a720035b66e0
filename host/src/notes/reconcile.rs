//! Looks again for notes that are in the CRM: a site that did the work very late or twice, or a person who copied a note,
//! leaves two with one marker, which is raised until one of them is gone.
//!
//! A note whose create once had no answer, or that was there twice, is looked for in every round of a day, every other one
//! once.

use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::delivery::{Delivery, Gate, calls};
use crate::domain::Timestamp;
use crate::domain::note::{Note, NoteState};
use crate::store::StoreError;

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(3600);
/// Before the first one: a start has more urgent things to do.
const FIRST: Duration = Duration::from_secs(60);
/// How long after it was done a note is looked for: a doubted one again and again, others where the site did not answer.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// The most notes of one round, the oldest first; the others' turn is in the next.
const MOST: usize = 500;

impl Delivery {
    /// Looks round after round, until shut down.
    pub(super) async fn reconcile_until(&self, shutdown: &CancellationToken) {
        let mut pause = FIRST;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = EVERY;
            let round = tokio::select! {
                () = shutdown.cancelled() => return,
                round = self.reconcile(Timestamp::now()) => round,
            };
            match round {
                Ok(raised) if raised > 0 => tracing::warn!(raised, "file notes are in the CRM more than once"),
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "file notes were not looked for again"),
            }
        }
    }

    /// One round; answers how many notes the CRM has more than once.
    ///
    /// # Errors
    /// Where the store fails. What a CRM refuses is asked again in the next round.
    pub(super) async fn reconcile(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut raised = 0;
        for note in self.store.notes_looked_for(MOST).await? {
            // While it is on its way, delivery looks for it itself.
            let Some(done_at) = note.done_at.filter(|_| note.state == NoteState::Done) else { continue };
            let is_old = now.duration_since(done_at) > LONGEST;
            match self.look_again(&note, now).await? {
                Some(copies) if copies > 1 => raised += 1,
                Some(_) if is_old || !note.is_doubted() => self.store.note_is_settled(note.id).await?,
                // Its create was answered; a site that does not let it be looked for holds up nobody else's.
                None if is_old && !note.is_doubted() => self.store.note_is_settled(note.id).await?,
                _ => {}
            }
        }
        Ok(raised)
    }

    /// How many notes with its marker the CRM has; none where it does not say.
    async fn look_again(&self, note: &Note, now: Timestamp) -> Result<Option<usize>, StoreError> {
        let Some(connector) = self.connector(&note.connection) else { return Ok(None) };
        if !matches!(self.gate(&note.connection, now), Gate::Open) {
            return Ok(None);
        }
        let Ok(found) = calls::copies(connector.as_ref(), note).await else { return Ok(None) };
        let copies = found.len();
        if note.copies != (copies > 1).then_some(copies) {
            self.store.change_note(note.id, move |note| note.saw_copies(copies)).await?;
        }
        Ok(Some(copies))
    }
}
