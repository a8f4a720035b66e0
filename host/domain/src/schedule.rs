//! Times at which something recurs: a crontab line, read as crontab(5) says, on a practice's clock.
//!
//! Serves the settings (can the line be used?) and the host's schedule (when next?). Reads no clock: moments are handed
//! in.

mod field;
#[cfg(test)]
mod tests;
mod ticks;

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use self::field::{Field, Set};

/// The last year that is looked at. A line without a year comes round within eight years, or never.
const LAST_YEAR: i16 = 2199;

/// The number of times of a line that are looked at for two that are too close: two days and a bit of an hourly one.
const TIMES_LOOKED_AT: usize = 200;

/// A crontab line: `minute hour day month weekday`, or six fields with seconds before them, or seven with years behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schedule {
    text: String,
    seconds: Set,
    minutes: Set,
    hours: Set,
    days: Set,
    months: Set,
    weekdays: Set,
    years: Set,
    /// Both the day and the weekday are restricted: crontab(5) then takes a day that fits either.
    fits_either_day: bool,
}

/// The reason why a text is no schedule, in a sentence that says what would be right.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSchedule(String);

impl FromStr for Schedule {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        let text = text.trim();
        let invalid = |why: String| InvalidSchedule(format!("`{text}` is no schedule: {why}"));
        let plain = field::spelled_out(text);
        let mut fields: Vec<&str> = plain.split_whitespace().collect();
        if fields.len() == 5 {
            fields.insert(0, "0");
        }
        if fields.len() == 6 {
            fields.push("*");
        }
        let [seconds, minutes, hours, days, months, weekdays, years] = fields[..] else {
            let why = "write a crontab line of five fields (minute, hour, day, month, weekday: \"0 * * * *\" is every \
                       hour), or of six with seconds before them (\"0 0 * * * *\")";
            return Err(invalid(why.to_owned()));
        };
        let read = |field: &Field, text| field.read(text).map_err(invalid);
        let is_any = |text: &str| text.starts_with(['*', '?']);
        let schedule = Self {
            seconds: read(&field::SECOND, seconds)?,
            minutes: read(&field::MINUTE, minutes)?,
            hours: read(&field::HOUR, hours)?,
            days: read(&field::DAY, days)?,
            months: read(&field::MONTH, months)?,
            weekdays: read(&field::WEEKDAY, weekdays)?,
            years: read(&field::YEAR, years)?,
            fits_either_day: !is_any(days) && !is_any(weekdays),
            text: text.to_owned(),
        };
        if schedule.first_from(Date::constant(1970, 1, 1).into()).is_none() {
            let why = format!("it never comes round, because no month in it has a day {days}");
            return Err(invalid(why));
        }
        Ok(schedule)
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Schedule {
    /// The next of its times, as many as people are shown.
    pub fn next_runs(&self, now: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
        self.upcoming(now, zone).take(3).collect()
    }

    /// Once an hour, on the hour.
    pub fn hourly() -> Self {
        "0 0 * * * *".parse().expect("a test reads it")
    }

    /// The shortest time between two of its times, on a clock that is never changed; none where it comes round once.
    pub fn shortest_gap(&self) -> Option<SignedDuration> {
        let next = |at: &DateTime| self.first_from(at.checked_add(SignedDuration::from_secs(1)).ok()?);
        let times = std::iter::successors(self.first_from(Date::constant(1970, 1, 1).into()), next);
        let times: Vec<DateTime> = times.take(TIMES_LOOKED_AT).collect();
        times.windows(2).map(|pair| pair[1].duration_since(pair[0])).min()
    }

    /// The first of its times at or after a moment on the clock.
    fn first_from(&self, moment: DateTime) -> Option<DateTime> {
        let mut day = moment.date();
        let mut from = moment.time();
        while day.year() <= LAST_YEAR {
            if let Some(time) = self.is_on(day).then(|| self.first_time_from(from)).flatten() {
                return Some(day.to_datetime(time));
            }
            day = day.tomorrow().ok()?;
            from = Time::midnight();
        }
        None
    }

    fn is_on(&self, day: Date) -> bool {
        let is_day = self.days.has(day.day());
        let is_weekday = self.weekdays.has(day.weekday().to_sunday_zero_offset());
        let fits = if self.fits_either_day { is_day || is_weekday } else { is_day && is_weekday };
        fits && self.months.has(day.month()) && self.years.has(day.year())
    }

    fn first_time_from(&self, from: Time) -> Option<Time> {
        let from = (from.hour(), from.minute(), from.second());
        let hours = self.hours.values().filter(|hour| *hour >= from.0);
        let mut minutes = hours.flat_map(|hour| self.minutes.values().map(move |minute| (hour, minute)));
        let (hour, minute) = minutes.find(|(hour, minute)| {
            let last = self.seconds.values().last().unwrap_or_default();
            (*hour, *minute, last) >= from
        })?;
        let second = self.seconds.values().find(|second| (hour, minute, *second) >= from)?;
        Time::new(hour, minute, second, 0).ok()
    }

    /// Whether it keeps to the hours that pass rather than to those that the clock shows.
    fn is_every_hour(&self) -> bool {
        self.hours.values().count() == 24
    }
}
