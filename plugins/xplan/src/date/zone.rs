//! The time zones of sites: by how much their clocks have been ahead of UTC, in any year since dates of birth matter.

use std::borrow::Cow;

use super::Date;

const NEVER: u16 = u16::MAX;

/// The zones, by their names in the time zone database.
///
/// The offset that held on a day is not asked for reading it: sites convert dates of long ago by the rules of their own
/// day as often as by today's, and either way the day that begins is the same. It is asked for what is said of it.
const ZONES: [Zone; 11] = [
    Zone {
        name: Cow::Borrowed("Australia/Adelaide"),
        offsets: Cow::Borrowed(&[570, 630]),
        standard: 570,
        summer: 630,
        settled: 1945,
        summers: 1972,
    },
    Zone {
        name: Cow::Borrowed("Australia/Brisbane"),
        offsets: Cow::Borrowed(&[600, 660]),
        standard: 600,
        summer: 660,
        settled: 1945,
        summers: NEVER,
    },
    Zone {
        name: Cow::Borrowed("Australia/Broken_Hill"),
        offsets: Cow::Borrowed(&[570, 630]),
        standard: 570,
        summer: 630,
        settled: 1945,
        summers: 1972,
    },
    Zone {
        name: Cow::Borrowed("Australia/Darwin"),
        offsets: Cow::Borrowed(&[570, 630]),
        standard: 570,
        summer: 630,
        settled: 1945,
        summers: NEVER,
    },
    Zone {
        name: Cow::Borrowed("Australia/Hobart"),
        offsets: Cow::Borrowed(&[600, 660]),
        standard: 600,
        summer: 660,
        settled: 1945,
        summers: 1968,
    },
    Zone {
        name: Cow::Borrowed("Australia/Lord_Howe"),
        offsets: Cow::Borrowed(&[600, 630, 660, 690]),
        standard: 630,
        summer: 660,
        settled: 1982,
        summers: 1982,
    },
    Zone {
        name: Cow::Borrowed("Australia/Melbourne"),
        offsets: Cow::Borrowed(&[600, 660]),
        standard: 600,
        summer: 660,
        settled: 1945,
        summers: 1972,
    },
    Zone {
        name: Cow::Borrowed("Australia/Perth"),
        offsets: Cow::Borrowed(&[480, 540]),
        standard: 480,
        summer: 540,
        settled: 1945,
        summers: NEVER,
    },
    Zone {
        name: Cow::Borrowed("Australia/Sydney"),
        offsets: Cow::Borrowed(&[600, 660]),
        standard: 600,
        summer: 660,
        settled: 1945,
        summers: 1972,
    },
    // New Zealand's time was 11:30 ahead until 1945, with half an hour of summer time from 1928 and an hour before.
    Zone {
        name: Cow::Borrowed("Pacific/Auckland"),
        offsets: Cow::Borrowed(&[690, 720, 750, 780]),
        standard: 720,
        summer: 780,
        settled: 1947,
        summers: 1975,
    },
    Zone {
        name: Cow::Borrowed("Pacific/Chatham"),
        offsets: Cow::Borrowed(&[735, 765, 825]),
        standard: 765,
        summer: 825,
        settled: 1947,
        summers: 1975,
    },
];

/// A site's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Zone {
    pub name: Cow<'static, str>,
    /// Minutes ahead of UTC: standard time, summer time, and those of earlier years.
    pub offsets: Cow<'static, [i16]>,
    /// The minutes in standard time …
    standard: i16,
    /// … and summer time, as both are now.
    summer: i16,
    /// The year from which on no other time but this and its summer time held.
    settled: u16,
    /// The year in which the first of all summers with summer time ended, where every summer since then had it.
    summers: u16,
}

/// Whether an offset was in force as a day began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InForce {
    /// The offset was in force.
    Yes,
    /// The offset may have been in force: summer time began and ended on other days from year to year.
    Perhaps,
    /// Another offset was in force.
    No,
}

impl Zone {
    /// The zone of a name.
    ///
    /// # Errors
    /// Returns which names there are, and what to write for another one.
    pub fn named(name: &str) -> Result<Self, String> {
        ZONES.into_iter().find(|zone| zone.name == name).ok_or_else(|| {
            let names: Vec<&str> = ZONES.iter().map(|zone| &*zone.name).collect();
            format!(
                "“{name}” is no time zone that this plugin knows; the choices are {}. Of another one write its clocks too: \
                 clocks = [\"+12:00\", \"+13:00\"], standard time first.",
                names.join(", ")
            )
        })
    }

    /// A zone whose clocks the rules tell, as `+12:00`: standard time, summer time, and those of earlier years. When each of
    /// them was in force is not known.
    ///
    /// # Errors
    /// Returns which clock is none.
    pub fn with_clocks(name: &str, clocks: &[String]) -> Result<Self, String> {
        let read = |text: &String| {
            clock(text).ok_or_else(|| {
                format!("“{text}” is no clock; write how far it is ahead of UTC, such as +12:00 or -03:30.")
            })
        };
        let offsets = clocks.iter().map(read).collect::<Result<Vec<i16>, String>>()?;
        let standard = offsets.first().copied().unwrap_or_default();
        let summer = offsets.get(1).copied().unwrap_or(standard);
        Ok(Self {
            name: name.to_owned().into(),
            offsets: offsets.into(),
            standard,
            summer,
            settled: NEVER,
            summers: NEVER,
        })
    }

    /// Whether an offset of the zone was in force there as a day began.
    pub fn in_force(&self, offset: i16, day: Date) -> InForce {
        let standard_held = match (day.month, day.day) {
            _ if day.year < self.settled => return InForce::Perhaps,
            _ if self.summers != NEVER && day.year + 1 < self.summers => true,
            // In the year 2000 summer time began at the end of August.
            (4, 8..) | (5..=7, _) | (8, ..=27) => true,
            (11, 5..) | (12 | 1, _) | (2, ..=20) if self.summers != NEVER => {
                day.year + u16::from(day.month > 6) < self.summers
            }
            _ => return InForce::Perhaps,
        };
        let held = if standard_held { self.standard } else { self.summer };
        if offset == held { InForce::Yes } else { InForce::No }
    }
}

/// Minutes ahead of UTC, of `+12:00`.
fn clock(text: &str) -> Option<i16> {
    let (sign, digits) = match text.strip_prefix(['-', '−']) {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (hours, minutes) = digits.split_once(':')?;
    let is_number = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let [hours, minutes] = [hours, minutes].map(|part| if is_number(part) { part.parse::<i16>().ok() } else { None });
    let (hours, minutes) = (hours.filter(|hours| *hours <= 14)?, minutes.filter(|minutes| *minutes < 60)?);
    Some(sign * (hours * 60 + minutes))
}
