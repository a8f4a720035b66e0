//! Taking notes up for delivery.

use std::ops::Bound;

use jiff::SignedDuration;
use uuid::Uuid;

use super::lanes::{self, End};
use super::links;
use super::tables::{self, AWAITING_LINK, BY_STATE, Id, LOOKED_FOR, NOTES};
use crate::domain::note::{Awaits, Note, NoteState};
use crate::domain::outbox::{Call, Timing};
use crate::domain::{ConnectionName, NoteId, Timestamp};
use crate::store::engine::{Readable as _, Write};
use crate::store::keys::PRACTICE;
use crate::store::{Store, StoreError};

/// The most notes that one transaction takes up or puts off, so that others who write need not wait long.
const AT_ONCE: usize = 256;

/// The number of a connection's notes that are to be taken up, and from which end. Both ends get their share: after an
/// outage the oldest go on in order, and those that come new need not wait for all of them.
#[derive(Clone, Debug)]
pub struct Pick {
    /// The connection.
    pub connection: ConnectionName,
    /// The number of notes to take up at most.
    pub limit: usize,
    /// Whether the first comes from the newest.
    pub newest_first: bool,
}

/// The reason why a connection's notes are not sent, and until when.
#[derive(Clone, Debug)]
pub struct Hold {
    /// The moment at which the next may be tried.
    pub until: Timestamp,
    /// The reason, in a sentence.
    pub reason: String,
}

impl Hold {
    /// A hold for so long from `now`.
    pub fn from(now: Timestamp, rest: SignedDuration, reason: String) -> Self {
        Self { until: now.saturating_add(rest).unwrap_or(Timestamp::MAX), reason }
    }
}

impl Store {
    /// Each connection with notes that go out, and when the first of them is due.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn next_notes_due(&self) -> Result<Vec<(ConnectionName, Timestamp)>, StoreError> {
        self.read(lanes::next_due).await
    }

    /// Takes up notes that are due, each with the call it needs: stored as being sent before this answers.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn take_due_notes(&self, now: Timestamp, picks: Vec<Pick>) -> Result<Vec<(Note, Call)>, StoreError> {
        self.write_in_any_case(move |transaction| {
            let mut taken = Vec::new();
            for pick in picks {
                let mut is_newest = pick.newest_first;
                for _ in 0..pick.limit.min(AT_ONCE) {
                    let end = if is_newest { End::Newest } else { End::Oldest };
                    let Some(before) = lanes::due_note(transaction, &pick.connection, now, end)? else { break };
                    let mut note = before.clone();
                    let call = note.keep_to_links(&links::of(transaction, &note)?).then(|| note.begin(now));
                    lanes::put(transaction, Some(&before), &note)?;
                    taken.extend(call.map(|call| (note, call)));
                    is_newest = !is_newest;
                }
            }
            Ok(taken)
        })
        .await
    }

    /// Puts off a connection's due notes for want of authorisation, the newest first, up to one that waits for it
    /// already; answers whether there may be more.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn hold_due_notes(
        &self,
        now: Timestamp,
        connection: ConnectionName,
        hold: Hold,
    ) -> Result<bool, StoreError> {
        self.write_in_any_case(move |transaction| {
            for _ in 0..AT_ONCE {
                let found = lanes::due_note(transaction, &connection, now, End::Newest)?;
                let Some(before) = found.filter(|note| note.awaits != Some(Awaits::Authorisation)) else {
                    return Ok(false);
                };
                let mut note = before.clone();
                note.hold(hold.until, &hold.reason);
                lanes::put(transaction, Some(&before), &note)?;
            }
            Ok(true)
        })
        .await
    }

    /// Lets a connection's notes go that wait for its authorisation; answers whether there may be more.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn let_held_notes_go(&self, now: Timestamp, connection: ConnectionName) -> Result<bool, StoreError> {
        self.write_in_any_case(move |transaction| {
            let held = lanes::held(transaction, &connection, now, AT_ONCE)?;
            for before in &held {
                let mut note = before.clone();
                note.let_go(now);
                lanes::put(transaction, Some(before), &note)?;
            }
            Ok(held.len() == AT_ONCE)
        })
        .await
    }

    /// Lets open notes be due `back` earlier and at `latest` at the latest: after a step of the clock, or where an
    /// earlier process let them wait for longer than a note may.
    ///
    /// # Errors
    /// Returns an error if the store fails; those before it are due earlier.
    pub async fn pull_notes_forward(&self, back: SignedDuration, latest: Timestamp) -> Result<usize, StoreError> {
        let pull = move |note: &mut Note| note.pull_forward(back, latest);
        Ok(self.pull(NoteState::Queued, pull).await? + self.pull(NoteState::Waiting, pull).await?)
    }

    /// Lets a connection's notes be due now that wait for a pause that the site asked for.
    ///
    /// # Errors
    /// Returns an error if the store fails; those before it are due.
    pub async fn end_pauses(
        &self,
        now: Timestamp,
        connection: ConnectionName,
        timing: Timing,
    ) -> Result<usize, StoreError> {
        let end = move |note: &mut Note| note.connection == connection && note.end_pause(now, &timing);
        self.pull(NoteState::Waiting, end).await
    }

    /// Changes when the notes in a state are due; answers how many that changed.
    async fn pull(
        &self,
        state: NoteState,
        change: impl Fn(&mut Note) -> bool + Clone + Send + 'static,
    ) -> Result<usize, StoreError> {
        let mut pulled = 0;
        let mut after = Some([0; 16]);
        while let Some(behind) = after {
            let change = change.clone();
            let pull = move |transaction: &_| pull_some(transaction, (state, behind), &change);
            let (some, last) = self.write_in_any_case(pull).await?;
            pulled += some;
            after = last;
        }
        Ok(pulled)
    }

    /// Takes up the notes that an earlier process was sending when it ended; answers how many.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn take_up_notes(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.write_in_any_case(move |transaction| {
            let sending = tables::state_key(NoteState::Sending);
            let by_state = transaction.open_table(BY_STATE)?;
            let range = by_state.scan((PRACTICE, sending, [0; 16])..=(PRACTICE, sending, [0xff; 16]))?;
            let sent = range.map(|entry| Ok(id(entry?.0.value().2))).collect::<Result<Vec<_>, StoreError>>()?;
            drop(by_state);
            for id in &sent {
                let Some(before) = tables::note(&transaction.open_table(NOTES)?, *id)? else { continue };
                let mut note = before.clone();
                note.take_up(now);
                lanes::put(transaction, Some(&before), &note)?;
            }
            Ok(sent.len())
        })
        .await
    }

    /// Notes that are to be looked for in the CRM again, oldest first, those behind `after`.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn notes_looked_for(&self, after: Option<NoteId>, limit: usize) -> Result<Vec<Note>, StoreError> {
        self.read(move |transaction| {
            let looked_for = transaction.open_table(LOOKED_FOR)?;
            let notes = transaction.open_table(NOTES)?;
            let after = after.map_or(Bound::Unbounded, |after| Bound::Excluded((PRACTICE, after.0.into_bytes())));
            let range = looked_for.scan((after, Bound::Included((PRACTICE, [0xff; 16]))))?.take(limit);
            let found = range.filter_map(|entry| match entry {
                Ok((key, _)) => tables::note(&notes, id(key.value().1)).transpose(),
                Err(error) => Some(Err(error.into())),
            });
            found.collect()
        })
        .await
    }

    /// Takes a note off the list of those that are looked for again.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn note_is_settled(&self, note: NoteId) -> Result<(), StoreError> {
        self.write_in_any_case(move |transaction| {
            transaction.open_table(LOOKED_FOR)?.delete((PRACTICE, note.0.into_bytes()))?;
            Ok(())
        })
        .await
    }

    /// Notes that wait for a client to be linked to the CRM, oldest first.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn notes_awaiting_link(&self) -> Result<Vec<Note>, StoreError> {
        self.read(move |transaction| {
            let notes = transaction.open_table(NOTES)?;
            let range = transaction.open_table(AWAITING_LINK)?.scan((PRACTICE, [0; 16])..=(PRACTICE, [0xff; 16]))?;
            let found = range.filter_map(|entry| match entry {
                Ok((key, _)) => tables::note(&notes, id(key.value().1)).transpose(),
                Err(error) => Some(Err(error.into())),
            });
            found.collect()
        })
        .await
    }
}

/// Changes when some of the notes in a state, behind one, are due; answers how many, and the last that was looked at where
/// there may be more.
fn pull_some(
    transaction: &Write,
    (state, behind): (NoteState, Id),
    change: &impl Fn(&mut Note) -> bool,
) -> Result<(usize, Option<Id>), StoreError> {
    let state = tables::state_key(state);
    let by_state = transaction.open_table(BY_STATE)?;
    let behind = Bound::Excluded((PRACTICE, state, behind));
    let range = by_state.scan((behind, Bound::Included((PRACTICE, state, [0xff; 16]))))?.take(AT_ONCE);
    let found = range.map(|entry| Ok(entry?.0.value().2)).collect::<Result<Vec<Id>, StoreError>>()?;
    drop(by_state);
    let mut pulled = 0;
    for one in &found {
        let Some(before) = tables::note(&transaction.open_table(NOTES)?, id(*one))? else { continue };
        let mut note = before.clone();
        if change(&mut note) {
            lanes::put(transaction, Some(&before), &note)?;
            pulled += 1;
        }
    }
    Ok((pulled, found.last().copied().filter(|_| found.len() == AT_ONCE)))
}

fn id(bytes: Id) -> NoteId {
    NoteId(Uuid::from_bytes(bytes))
}
