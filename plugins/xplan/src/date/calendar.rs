//! The way in which a site writes its dates, as the rules say, and reading them by it.

use serde::Deserialize;
use tidegate_sdk::RuleProblem;

use super::Date;
use super::moment;
use super::zone::{InForce, Zone};

const MINUTES_A_DAY: i16 = 24 * 60;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The way in which a site writes its dates; nothing is taken for granted that is not said here.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarRules {
    /// `day-month-year` or `month-day-year`: how dates such as `3/02/1971` are read.
    pub order: Option<String>,
    /// The site's time zone, by its name in the time zone database: `Australia/Sydney`.
    pub time_zone: Option<String>,
    /// The clocks of a time zone that is not known by its name, as `+12:00`: how far each is ahead of UTC, standard time first.
    pub clocks: Vec<String>,
}

/// The rules made ready.
#[derive(Debug, Default)]
pub struct Calendar {
    order: Option<Order>,
    zone: Option<Zone>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    DayFirst,
    MonthFirst,
}

/// A day, and how it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayRead<'c> {
    /// The day.
    pub date: Date,
    /// The way in which the day was read.
    pub how: How<'c>,
}

/// The way in which a day was read from its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How<'c> {
    /// The day stands there as `1971-02-03`, perhaps with midnight behind it.
    Plain,
    /// The day stands there in another form.
    OtherForm,
    /// Midnight of the day in the site's zone stands there in the time of another.
    SiteTime {
        /// The site's zone.
        zone: &'c str,
        /// Minutes ahead of UTC of the zone's clock that shows midnight.
        ahead: i16,
        /// Whether that clock was the one in force. Where not, the moment is near midnight only.
        in_force: InForce,
    },
}

/// The reason why a text is not a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateProblem<'c> {
    /// The text is no day, in words that fit behind "which".
    NoDay(&'static str),
    /// It is a moment in time that is not midnight in the site's zone, so that the day cannot be told; with the zone's
    /// name, where the rules have one.
    Moment(Option<&'c str>),
}

impl Calendar {
    /// Makes the rules ready; what is wrong with them is added to `problems`.
    pub fn new(rules: &CalendarRules, path: &str, problems: &mut Vec<RuleProblem>) -> Self {
        let mut wrong = |key: &str, message: String| {
            problems.push(RuleProblem { path: format!("{path}/{key}"), message });
        };
        let order = rules.order.as_deref().and_then(|order| match order {
            "day-month-year" => Some(Order::DayFirst),
            "month-day-year" => Some(Order::MonthFirst),
            other => {
                wrong("order", format!("There is no “{other}”; the choices are day-month-year, month-day-year."));
                None
            }
        });
        let zone = match (rules.time_zone.as_deref(), rules.clocks.as_slice()) {
            (None, []) => None,
            (None, _) => {
                wrong("clocks", "These are the clocks of no time zone; write its name as time_zone.".to_owned());
                None
            }
            (Some(name), []) => Zone::named(name).map_err(|message| wrong("time_zone", message)).ok(),
            (Some(name), clocks) => Zone::with_clocks(name, clocks).map_err(|message| wrong("clocks", message)).ok(),
        };
        Self { order, zone }
    }

    /// Reads a day.
    ///
    /// # Errors
    /// Returns why the text is not a day.
    pub fn read(&self, text: &str) -> Result<DayRead<'_>, DateProblem<'_>> {
        let text = text.trim();
        if let Some(date) = Date::iso(text) {
            return Ok(DayRead { date: date?, how: How::Plain });
        }
        let moment = moment::read(text).ok_or(DateProblem::NoDay("is not a date that can be read"))?;
        let (date, form) = match Date::iso(moment.day) {
            Some(date) => (date?, How::Plain),
            None => (self.other_form(moment.day)?, How::OtherForm),
        };
        match (moment.minute, moment.offset) {
            (Some(0), _) => Ok(DayRead { date, how: form }),
            (minute, None) => self.without_zone(date, minute),
            (minute, Some(offset)) => self.at_site(date, minute, offset),
        }
    }

    /// The day of a time of day that says nothing of its zone: it may be the site's or UTC's. Where both name the same
    /// day, it is that.
    fn without_zone(&self, date: Date, minute: Option<u16>) -> Result<DayRead<'_>, DateProblem<'_>> {
        let zone = self.zone.as_ref().ok_or(DateProblem::Moment(None))?;
        let is_same = |minute: i16| zone.offsets.iter().all(|ahead| (0..MINUTES_A_DAY).contains(&(minute + ahead)));
        match minute.and_then(|minute| i16::try_from(minute).ok()) {
            Some(minute) if is_same(minute) => Ok(DayRead { date, how: How::OtherForm }),
            _ => Err(DateProblem::Moment(Some(&zone.name))),
        }
    }

    /// The day whose midnight by any of the zone's clocks is the moment. A moment in the site's own time is of the day it names.
    fn at_site(&self, date: Date, minute: Option<u16>, offset: i32) -> Result<DayRead<'_>, DateProblem<'_>> {
        let zone = self.zone.as_ref().ok_or(DateProblem::Moment(None))?;
        if zone.offsets.iter().any(|known| i32::from(*known) == offset) {
            return Ok(DayRead { date, how: How::OtherForm });
        }
        let minute = minute.ok_or(DateProblem::Moment(Some(&zone.name)))?;
        for &ahead in zone.offsets.iter() {
            let date = match i32::from(minute) - offset + i32::from(ahead) {
                0 => date,
                1440 => date.next(),
                _ => continue,
            };
            let how = How::SiteTime { zone: &zone.name, ahead, in_force: zone.in_force(ahead, date) };
            return Ok(DayRead { date, how });
        }
        Err(DateProblem::Moment(Some(&zone.name)))
    }

    /// `1971-2-3`, `19710203`, `3/02/1971`, `3 Feb 1971`.
    fn other_form(&self, text: &str) -> Result<Date, DateProblem<'static>> {
        const FORM: DateProblem<'static> = DateProblem::NoDay("is not written as YYYY-MM-DD with a four-digit year");
        let is_number = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        if let (true, Ok(number)) = (is_number, text.parse::<u32>()) {
            // At most eight digits: each part fits.
            #[allow(clippy::cast_possible_truncation)]
            return Date::new((number / 10_000) as u16, (number / 100 % 100) as u16, (number % 100) as u16);
        }
        let mut parts = text.split(['-', '/', '.', ' ', ',']).filter(|part| !part.is_empty());
        let (Some(first), Some(second), Some(third), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(FORM);
        };
        let (year, month, day) = match (Part::of(first), Part::of(second), Part::of(third)) {
            (Part::Year(year), Part::Small(month) | Part::Month(month), Part::Small(day)) => (year, month, day),
            (Part::Small(day), Part::Month(month), Part::Year(year))
            | (Part::Month(month), Part::Small(day), Part::Year(year)) => (year, month, day),
            (Part::Small(first), Part::Small(second), Part::Year(year)) => match self.order {
                Some(Order::DayFirst) => (year, second, first),
                Some(Order::MonthFirst) => (year, first, second),
                None => return Err(DateProblem::NoDay("may have its day or its month first")),
            },
            _ => return Err(FORM),
        };
        Date::new(year, month, day)
    }
}

/// A part of a date.
enum Part {
    /// Four digits.
    Year(u16),
    /// One or two digits: a day or a month.
    Small(u16),
    /// A month's name.
    Month(u16),
    Other,
}

impl Part {
    fn of(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let digits = ["st", "nd", "rd", "th"].into_iter().find_map(|ending| lower.strip_suffix(ending));
        let digits = digits.filter(|digits| digits.len() <= 2).unwrap_or(&lower);
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return match (digits.len(), digits.parse()) {
                (4, Ok(year)) => Self::Year(year),
                (1 | 2, Ok(small)) => Self::Small(small),
                _ => Self::Other,
            };
        }
        let month = MONTHS.iter().zip(1..).find(|(name, _)| lower.len() >= 3 && name.starts_with(&lower));
        month.map_or(Self::Other, |(_, month)| Self::Month(month))
    }
}
