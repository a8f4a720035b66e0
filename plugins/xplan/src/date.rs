//! A day of the calendar, read from Xplan's text of a date.

use std::fmt;

/// A day that exists in the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Four digits.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to the month's last.
    pub day: u8,
}

impl Date {
    /// Reads `YYYY-MM-DD`, with or without a time of day behind a `T`.
    ///
    /// # Errors
    /// Why the text is not a day, in words that fit behind "which".
    pub fn read(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "is not written as YYYY-MM-DD with a four-digit year";
        let text = text.trim();
        let day_text = text.split_once('T').map_or(text, |(day, _)| day);
        let bytes = day_text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(FORM);
        }
        let number = |from: usize, to: usize| {
            bytes[from..to]
                .iter()
                .try_fold(0u16, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u16::from(byte - b'0')))
        };
        let (Some(year), Some(month), Some(day)) = (number(0, 4), number(5, 7), number(8, 10)) else {
            return Err(FORM);
        };
        let last = days_in_month(year, month).ok_or("has no such month")?;
        if day == 0 || day > last {
            return Err("is a day that its month has not got");
        }
        // Both are at most 31 here.
        #[allow(clippy::cast_possible_truncation)]
        Ok(Self { year, month: month as u8, day: day as u8 })
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
mod tests {
    use super::Date;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let read = Date::read(text).map(|date| date.to_string());
        match (read, expected) {
            (Ok(date), Ok(expected)) => assert_eq!(date, expected),
            (Err(why), Err(part)) => assert!(why.contains(part), "{text}: {why}"),
            (read, _) => panic!("{text}: {read:?}"),
        }
    }

    #[test]
    fn only_days_that_exist_are_dates() {
        check("2018-03-01", Ok("2018-03-01"));
        check(" 1964-02-29 ", Ok("1964-02-29"));
        check("2000-02-29", Ok("2000-02-29"));
        check("1975-06-30T00:00:00+10:00", Ok("1975-06-30"));
        check("1900-02-29", Err("day that its month has not got"));
        check("2023-02-29", Err("day that its month has not got"));
        check("1970-04-31", Err("day that its month has not got"));
        check("1970-13-01", Err("no such month"));
        check("1970-00-10", Err("no such month"));
        check("1970-01-00", Err("day that its month has not got"));
        check("64-03-01", Err("four-digit year"));
        check("01/03/1964", Err("YYYY-MM-DD"));
        check("1964-3-1", Err("YYYY-MM-DD"));
        check("1964-03-0é", Err("YYYY-MM-DD"));
        check("", Err("YYYY-MM-DD"));
    }
}
