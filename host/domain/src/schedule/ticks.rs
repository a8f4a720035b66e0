//! A schedule on a clock that people change twice a year.
//!
//! A time that the clock shows twice counts once, and one that it jumps over counts when it has jumped. A line of every
//! hour keeps to the hours that pass instead: what it names twice comes twice, and nothing is made up for.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::Schedule;

/// A stretch of time in which the clock is not changed.
struct Span {
    offset: Offset,
    /// The moment at which it began, and what the clock showed then if nobody had changed it.
    began: Option<(Timestamp, DateTime)>,
    end: Option<Timestamp>,
}

impl Span {
    fn around(zone: &TimeZone, at: Timestamp) -> Option<Self> {
        let second = SignedDuration::from_secs(1);
        let began = zone.preceding(at.checked_add(second).ok()?).next().map(|transition| transition.timestamp());
        let unchanged = |at: Timestamp| Some((at, zone.to_offset(at.checked_sub(second).ok()?).to_datetime(at)));
        Some(Self {
            offset: zone.to_offset(at),
            began: began.and_then(unchanged),
            end: zone.following(at).next().map(|transition| transition.timestamp()),
        })
    }
}

impl Schedule {
    /// The first of its times after a moment, on the clock of a zone; none where it does not come round any more.
    pub fn next_after(&self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut start = Timestamp::from_second(moment.as_second().checked_add(1)?).ok()?;
        loop {
            let span = Span::around(zone, start)?;
            let shown = span.offset.to_datetime(start);
            let mut from = shown;
            if let Some((began, unchanged)) = span.began {
                let shown_then = span.offset.to_datetime(began);
                if began == start && self.has_jumped_over(unchanged, shown_then) {
                    return Some(began);
                }
                if !self.comes_again(unchanged, shown_then) {
                    from = from.max(unchanged);
                }
            }
            let time = span.offset.to_timestamp(self.first_from(from)?).ok()?;
            match span.end.filter(|end| time >= *end) {
                Some(end) => start = end,
                None => return Some(time),
            }
        }
    }

    /// Its times after a moment, one after the other.
    pub fn upcoming(&self, moment: Timestamp, zone: &TimeZone) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next_after(moment, zone), |time| self.next_after(*time, zone))
    }

    /// Whether one of its times lies in what the clock jumps over.
    fn has_jumped_over(&self, from: DateTime, to: DateTime) -> bool {
        from < to && !self.is_every_hour() && self.first_from(from).is_some_and(|time| time < to)
    }

    /// Whether what the clock shows a second time counts again: the hours of every hour, where a whole one comes again.
    fn comes_again(&self, until: DateTime, from: DateTime) -> bool {
        self.is_every_hour() && until.duration_since(from) >= SignedDuration::from_hours(1)
    }
}
