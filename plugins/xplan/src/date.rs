//! A day of the calendar, read from Xplan's text of a date.
//!
//! A day has one form here, `2018-03-01`. Texts in other forms, and moments in time that mean a day, are read by what
//! the rules say of the site (`Calendar`); what the rules do not settle is not guessed at.

use std::fmt;

mod calendar;
mod moment;
mod zone;

pub use calendar::{Calendar, CalendarRules, DateProblem, DayRead, How};
pub use zone::InForce;

/// A day that exists in the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// The year, four digits.
    pub year: u16,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day, 1 to the month's last.
    pub day: u8,
}

impl Date {
    /// The day, if the calendar has it.
    fn new(year: u16, month: u16, day: u16) -> Result<Self, DateProblem<'static>> {
        let last = days_in_month(year, month).ok_or(DateProblem::NoDay("has no such month"))?;
        if day == 0 || day > last {
            return Err(DateProblem::NoDay("is a day that its month has not got"));
        }
        // Both are at most 31 here.
        #[allow(clippy::cast_possible_truncation)]
        Ok(Self { year, month: month as u8, day: day as u8 })
    }

    /// Reads `YYYY-MM-DD` and nothing else; none where the text has another form.
    fn iso(text: &str) -> Option<Result<Self, DateProblem<'static>>> {
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else { return None };
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0_u16, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u16::from(byte - b'0')))
        };
        Some(Self::new(number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?))
    }

    /// The day after.
    fn next(self) -> Self {
        let Self { year, month, day } = self;
        let last = days_in_month(year, u16::from(month)).unwrap_or(31);
        match (u16::from(day) < last, month < 12) {
            (true, _) => Self { day: day + 1, ..self },
            (false, true) => Self { month: month + 1, day: 1, year },
            (false, false) => Self { year: year + 1, month: 1, day: 1 },
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

fn days_in_month(year: u16, month: u16) -> Option<u16> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
