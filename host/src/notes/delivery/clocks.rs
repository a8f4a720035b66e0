//! Two clocks: the wall's, by which people are told when a note is due and which somebody may set, and the machine's,
//! which only runs. What must not be cut short is counted by the second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::SignedDuration;

use crate::domain::{NoteId, Timestamp};

/// A difference between the clocks that is no step: they are read one after the other, on a busy machine.
const UNNOTICED: SignedDuration = SignedDuration::from_secs(2);

/// The moment since which no request is alive that may make something of a note. A process that starts knows of none,
/// and counts from its first look.
#[derive(Default)]
pub(super) struct Quiet(Mutex<HashMap<NoteId, Instant>>);

impl Quiet {
    /// A request goes out: nothing is quiet, also where nobody comes back to say how it ended.
    pub(super) fn broken_by(&self, note: NoteId) -> SignedDuration {
        self.forget(note);
        SignedDuration::ZERO
    }

    /// A request has ended.
    pub(super) fn begins(&self, note: NoteId) {
        self.with(|notes| notes.insert(note, Instant::now()));
    }

    /// The time for which it has been quiet.
    pub(super) fn since(&self, note: NoteId) -> SignedDuration {
        let since = self.with(|notes| *notes.entry(note).or_insert_with(Instant::now));
        SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    /// Forgets the note: nothing of it is in question any more.
    pub(super) fn forget(&self, note: NoteId) {
        self.with(|notes| notes.remove(&note));
    }

    fn with<T>(&self, work: impl FnOnce(&mut HashMap<NoteId, Instant>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The wall's clock as it was read last, beside the machine's.
pub(super) struct Wall {
    wall: Timestamp,
    machine: Instant,
}

impl Wall {
    pub(super) fn new() -> Self {
        Self { wall: Timestamp::now(), machine: Instant::now() }
    }

    /// The time by which the wall's clock was set back since it was read last, if it was.
    pub(super) fn was_set_back(&mut self) -> Option<SignedDuration> {
        self.read(Timestamp::now(), Instant::now())
    }

    fn read(&mut self, wall: Timestamp, machine: Instant) -> Option<SignedDuration> {
        let ran = SignedDuration::try_from(machine.saturating_duration_since(self.machine)).ok()?;
        let back = ran - wall.duration_since(self.wall);
        *self = Self { wall, machine };
        Some(back).filter(|back| *back > UNNOTICED)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_step_back_is_noticed_and_nothing_else() {
        let (wall, machine) = (Timestamp::from_second(1_800_000_000).unwrap(), Instant::now());
        let check = |ran: u64, moved: i64, expected: Option<i64>| {
            let mut clock = Wall { wall, machine };
            let moved = wall + SignedDuration::from_secs(moved);
            let back = clock.read(moved, machine + Duration::from_secs(ran));
            assert_eq!(back, expected.map(SignedDuration::from_secs), "{ran} {moved}");
            assert_eq!(clock.read(moved, machine + Duration::from_secs(ran)), None, "told once");
        };
        check(60, 60, None);
        check(60, 59, None);
        check(60, 3660, None);
        check(60, -3540, Some(3600));
        check(0, -86_400, Some(86_400));
    }
}
