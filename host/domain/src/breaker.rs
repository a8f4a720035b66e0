//! A breaker for a CRM site: when several notes in a row met a site that does not answer, it is left alone for a while,
//! then tried with one note, and opened again with the first that gets through. So an outage uses up the retries of a
//! few notes, not of all, and a site that comes back is not met by all at once.
//!
//! Pure: the time is handed in.

use jiff::SignedDuration;

use crate::ids::NoteId;
use crate::value::Timestamp;

/// The number of different notes in a row that close a site by meeting no answer.
const NOTES: usize = 3;
/// The longest that a site is left alone at a time, whatever it asks for: then one note is tried. Some pauses are slips,
/// and a note behind them should not wait for a day.
pub const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// The health of a site by one call: whether the site answered it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    /// The site answered, if only to refuse.
    Up,
    /// The site did not answer, or asked to be left alone for so long.
    Down(Option<SignedDuration>),
    /// The call says nothing of it.
    Unknown,
}

/// The state of a site's health, from the outcomes of its calls.
#[derive(Clone, Default, Debug)]
pub struct Breaker {
    /// Notes that failed since the last success, each once.
    failed: Vec<NoteId>,
    /// The number of times that the site was closed since the last success.
    closings: usize,
    until: Option<Timestamp>,
}

impl Breaker {
    /// Draws the conclusion from a note's call. `pauses` are the times for which the site is left alone, the last one
    /// again and again.
    pub fn heard(&mut self, note: NoteId, health: Health, now: Timestamp, pauses: &[SignedDuration]) {
        match health {
            Health::Unknown => {}
            Health::Up => *self = Self::default(),
            Health::Down(asked) => {
                if !self.failed.contains(&note) && self.failed.len() < NOTES {
                    self.failed.push(note);
                }
                let is_open = self.until.is_none_or(|until| until <= now);
                let pause = pauses.get(self.closings).or(pauses.last()).copied().unwrap_or_default();
                if self.failed.len() >= NOTES && is_open {
                    self.closings += 1;
                    self.close(now, pause);
                }
                if let Some(asked) = asked.filter(|asked| asked.is_positive()) {
                    self.close(now, asked);
                }
            }
        }
    }

    /// The moment until which the site is left alone.
    pub fn closed_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.until.filter(|until| *until > now)
    }

    /// Whether the next note is to find out whether the site is back, alone.
    pub fn is_probing(&self) -> bool {
        self.until.is_some()
    }

    fn close(&mut self, now: Timestamp, pause: SignedDuration) {
        let until = now.saturating_add(pause.min(LONGEST_PAUSE)).unwrap_or(Timestamp::MAX);
        self.until = Some(self.until.map_or(until, |known| known.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn hear(breaker: &mut Breaker, note: u128, health: Health, second: i64) -> Option<i64> {
        let pauses = [5, 30].map(SignedDuration::from_secs);
        breaker.heard(NoteId(Uuid::from_u128(note)), health, at(second), &pauses);
        breaker.closed_until(at(second)).map(|until| until.as_second() - at(0).as_second())
    }

    #[test]
    fn three_notes_in_a_row_close_it_and_one_that_gets_through_opens_it() {
        let down = Health::Down(None);
        let mut breaker = Breaker::default();
        assert_eq!(hear(&mut breaker, 1, down, 0), None);
        assert_eq!(hear(&mut breaker, 2, down, 0), None);
        assert_eq!(hear(&mut breaker, 3, down, 0), Some(5));
        assert!(breaker.is_probing());
        assert_eq!(breaker.closed_until(at(5)), None, "at that moment it is asked again");
        assert_eq!(hear(&mut breaker, 4, down, 2), Some(5), "calls that were under way change nothing");
        assert_eq!(hear(&mut breaker, 5, down, 5), Some(35));
        assert_eq!(hear(&mut breaker, 6, down, 35), Some(65));
        assert_eq!(hear(&mut breaker, 7, Health::Up, 65), None);
        assert!(!breaker.is_probing());
    }

    #[test]
    fn one_note_alone_closes_nothing() {
        let mut breaker = Breaker::default();
        for second in 0..20 {
            assert_eq!(hear(&mut breaker, 1, Health::Down(None), second), None);
        }
        hear(&mut breaker, 2, Health::Down(None), 20);
        assert_eq!(hear(&mut breaker, 3, Health::Up, 20), None);
        assert_eq!(hear(&mut breaker, 1, Health::Down(None), 21), None);
    }

    #[test]
    fn nobody_is_left_alone_for_longer_than_an_hour() {
        for asked in [1_893_456_000, 260_000_000_000, i64::MAX] {
            let asked = Health::Down(Some(SignedDuration::from_secs(asked)));
            assert_eq!(hear(&mut Breaker::default(), 1, asked, 0), Some(3_600));
        }
    }

    #[test]
    fn what_the_site_asks_for_is_waited_in_full() {
        let mut breaker = Breaker::default();
        let asked = Health::Down(Some(SignedDuration::from_secs(900)));
        assert_eq!(hear(&mut breaker, 1, asked, 0), Some(900));
        assert_eq!(hear(&mut breaker, 1, Health::Unknown, 1), Some(900));
    }
}
