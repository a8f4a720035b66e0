//! Looks again for notes that are in the CRM: a site that did the work very late or twice, or a person who copied a note,
//! leaves two with one marker; a site that lost one, or a person who removed it, leaves none. Either is raised until there
//! is one again, or a person settles it.
//!
//! A note whose create once had no answer, or that was raised, is looked for in every round of a day, every other one
//! once, when the CRM has had the time to list it.

use std::sync::PoisonError;
use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::delivery::{Delivery, Gate, calls};
use crate::domain::Timestamp;
use crate::domain::note::{Note, NoteState};
use crate::store::StoreError;

/// The time between two rounds.
const EVERY: Duration = Duration::from_secs(3600);
/// The time before the first round: a start has more urgent things to do.
const FIRST: Duration = Duration::from_secs(60);
/// The time for which a note is looked for after it was done: a doubted one again and again, others where the site did
/// not answer.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);
/// The time after which a doubted note is not looked for any more at a site that never lets it be.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24 * 7);
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
                Ok(raised) if raised > 0 => {
                    tracing::warn!(raised, "file notes are in the CRM more than once, or not at all");
                }
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "file notes were not looked for again"),
            }
        }
    }

    /// One round; answers how many notes the CRM has not once.
    ///
    /// # Errors
    /// Returns an error if the store fails. What a CRM refuses is asked again in the next round.
    pub(super) async fn reconcile(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut raised = 0;
        for note in self.next_to_reconcile().await? {
            // What an earlier version left there that is not done.
            let Some(done_at) = note.done_at.filter(|_| note.state == NoteState::Done) else {
                self.store.note_is_settled(note.id).await?;
                continue;
            };
            let age = now.duration_since(done_at);
            if (SignedDuration::ZERO..self.timing.lag).contains(&age) {
                continue;
            }
            let is_old = age > LONGEST;
            let is_settled = match self.look_again(&note, now).await? {
                Some(1) => is_old || !note.is_doubted(),
                Some(_) => {
                    raised += 1;
                    false
                }
                // Nobody will say more of it: its connection is gone, or its create was answered, or it is long ago.
                None if self.connector(&note.connection).is_none() => is_old,
                None => is_old && !note.is_doubted() || age > FORGOTTEN,
            };
            if is_settled {
                self.store.note_is_settled(note.id).await?;
            }
        }
        Ok(raised)
    }

    /// The next notes of the queue, from its beginning once its end was reached: those that stay in it for long keep
    /// nobody else's turn.
    async fn next_to_reconcile(&self) -> Result<Vec<Note>, StoreError> {
        let lock = || self.reconciled_to.lock().unwrap_or_else(PoisonError::into_inner);
        let after = *lock();
        let notes = self.store.notes_looked_for(after, MOST).await?;
        *lock() = notes.last().map(|note| note.id).filter(|_| notes.len() == MOST);
        Ok(notes)
    }

    /// The number of notes with its marker or id that the CRM has, which is kept with the note; none where it does not
    /// say.
    async fn look_again(&self, note: &Note, now: Timestamp) -> Result<Option<usize>, StoreError> {
        let Some(connector) = self.connector(&note.connection) else { return Ok(None) };
        if !matches!(self.gate(&note.connection, now), Gate::Open) {
            return Ok(None);
        }
        let Ok(found) = calls::look_up(connector.as_ref(), note, None).await else { return Ok(None) };
        let copies = found.copies.len();
        if note.copies != (copies != 1).then_some(copies) {
            // Somebody may have settled it meanwhile.
            let change = move |note: &mut Note| {
                if note.state == NoteState::Done {
                    note.saw_copies(copies);
                }
            };
            self.store.change_note(note.id, change).await?;
        }
        Ok(Some(copies))
    }
}
