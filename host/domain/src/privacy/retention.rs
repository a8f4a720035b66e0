//! How long records of clients have to be kept after they left: defaults by country, each with its source. They propose
//! who is due for erasure; a person decides. They are no legal advice: a practice's lawyer confirms them.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::stored::StoredClient;
use crate::value::Timestamp;

/// The rule of a country, and where it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetentionRule {
    /// What has to be kept.
    pub what: &'static str,
    /// Years after which it may go; none where it has to be kept for good.
    pub years: Option<u8>,
    /// Where it is written.
    pub source: &'static str,
}

/// The profile of a country.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RetentionProfile {
    /// The country's code: `AU`.
    pub country: &'static str,
    /// The country's name.
    pub name: &'static str,
    /// Years after a client left the book from which they are proposed for erasure.
    pub years: u8,
    /// The rules that the years follow from, the longest first.
    pub rules: &'static [RetentionRule],
    /// What the practice's lawyer has to confirm.
    pub to_confirm: &'static str,
}

/// The profiles. Sources as read in 2026.
pub const PROFILES: [RetentionProfile; 4] = [
    RetentionProfile {
        country: "AU",
        name: "Australia",
        years: 7,
        rules: &[
            RetentionRule {
                what: "Records of personal advice to retail clients, from the day of the advice",
                years: Some(7),
                source: "Corporations Act 2001 s 912G, as inserted by ASIC Instrument 2024/508 (before: Class Order 14/923)",
            },
            RetentionRule {
                what: "Identification of customers, after the services end",
                years: Some(7),
                source: "Anti-Money Laundering and Counter-Terrorism Financing Act 2006 Part 10",
            },
            RetentionRule {
                what: "Personal information that is needed no longer is destroyed or de-identified",
                years: None,
                source: "Privacy Act 1988, Australian Privacy Principle 11.2",
            },
        ],
        to_confirm: "From which day the years run where advice was given more than once, and what the licensee asks beyond them.",
    },
    RetentionProfile {
        country: "NZ",
        name: "New Zealand",
        years: 7,
        rules: &[
            RetentionRule {
                what: "Records of the financial advice service, from the day of the record, the advice or a later record that relies on it",
                years: Some(7),
                source: "FMA, standard conditions for financial advice provider licences, condition 1 (Record keeping)",
            },
            RetentionRule {
                what: "Identification of customers, after the business relationship ends",
                years: Some(5),
                source: "Anti-Money Laundering and Countering Financing of Terrorism Act 2009 ss 49 to 54",
            },
            RetentionRule {
                what: "Personal information is kept no longer than it is needed",
                years: None,
                source: "Privacy Act 2020, information privacy principle 9",
            },
        ],
        to_confirm: "Which records the practice relies on later, so that their years begin anew.",
    },
    RetentionProfile {
        country: "GB",
        name: "United Kingdom",
        years: 6,
        rules: &[
            RetentionRule {
                what: "Suitability records of a pension transfer, conversion, opt-out or FSAVC: for good",
                years: None,
                source: "FCA Handbook COBS 9.5.2R(1)",
            },
            RetentionRule {
                what: "Actions founded on simple contract",
                years: Some(6),
                source: "Limitation Act 1980 s 5",
            },
            RetentionRule {
                what: "Suitability records of life policies and pension schemes; MiFID business",
                years: Some(5),
                source: "FCA Handbook COBS 9.5.2R(2), COBS 9A.4, SYSC 9.1",
            },
            RetentionRule {
                what: "Personal data is kept no longer than is necessary",
                years: None,
                source: "UK GDPR Art 5(1)(e)",
            },
        ],
        to_confirm: "Who was advised on a pension transfer: their records are kept for good, and a legal hold without an end keeps them.",
    },
    RetentionProfile {
        country: "ZA",
        name: "South Africa",
        years: 5,
        rules: &[
            RetentionRule {
                what: "Records of advice and of transactions, after the product or the service ends",
                years: Some(5),
                source: "FAIS Act 37 of 2002 s 18; General Code of Conduct (BN 80 of 2003) s 3(4) and s 9",
            },
            RetentionRule {
                what: "Identification of clients, after the business relationship ends",
                years: Some(5),
                source: "Financial Intelligence Centre Act 38 of 2001 s 23",
            },
            RetentionRule {
                what: "Records of personal information are kept no longer than is necessary",
                years: None,
                source: "Protection of Personal Information Act 4 of 2013 s 14",
            },
        ],
        to_confirm: "When a product ended that the practice itself no longer looks after.",
    },
];

/// The longest time of the profiles, in years: a practice that says nothing is shown nobody too early.
pub const LONGEST: u8 = {
    let (mut longest, mut place) = (0, 0);
    while place < PROFILES.len() {
        if PROFILES[place].years > longest {
            longest = PROFILES[place].years;
        }
        place += 1;
    }
    longest
};

/// The profile of a country; none where there is none for it.
pub fn profile(country: &str) -> Option<&'static RetentionProfile> {
    PROFILES.iter().find(|profile| profile.country == country)
}

/// The day by which somebody has to have left to be due today; none where it is before all time.
pub fn due_before(today: Date, years: u8) -> Option<Date> {
    today.checked_sub(jiff::Span::new().years(i64::from(years))).ok()
}

/// Whether somebody who left at a moment is due, in the practice's zone.
pub fn is_due(left: Timestamp, zone: &TimeZone, today: Date, years: u8) -> bool {
    due_before(today, years).is_some_and(|before| left.to_zoned(zone.clone()).date() <= before)
}

/// The first day on which somebody who left on this one is due; none where it is after all time.
pub fn due_from(left: Date, years: u8) -> Option<Date> {
    let day = left.checked_add(jiff::Span::new().years(i64::from(years))).ok()?;
    // A leap day has no anniversary: the day after stands for it.
    if day.day() < left.day() { day.tomorrow().ok() } else { Some(day) }
}

/// How long somebody is kept yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retention {
    /// A client of the practice who is linked to no CRM: nothing says when they left, and the years do not begin.
    Unlinked,
    /// A client whom the CRM shows: the years have not begun.
    InCrm,
    /// A client whom the CRM no longer shows.
    Left {
        /// The day on which they left.
        on: Date,
        /// The first day on which the years are over; none where it is after all time.
        over_from: Option<Date>,
        /// Whether that is today, or was before.
        is_over: bool,
    },
    /// A record of a CRM that is no client: nothing says when it left.
    NoClient,
}

impl Retention {
    /// Whether the years are over, so that somebody is proposed for erasure.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Left { is_over: true, .. })
    }
}

impl StoredClient {
    /// How long the client is kept yet where that is so many years, in the practice's zone.
    pub fn retention(&self, zone: &TimeZone, today: Date, years: u8) -> Retention {
        match self.not_visible_since {
            Some(left) => {
                let on = left.to_zoned(zone.clone()).date();
                Retention::Left { on, over_from: due_from(on, years), is_over: is_due(left, zone, today, years) }
            }
            None if self.crm_id().is_some() => Retention::InCrm,
            None => Retention::Unlinked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_rule_that_ends_sets_the_years() {
        for profile in PROFILES {
            let longest = profile.rules.iter().filter_map(|rule| rule.years).max();
            assert_eq!(longest, Some(profile.years), "{}", profile.country);
            assert!(profile.rules.iter().all(|rule| !rule.source.is_empty()), "{}", profile.country);
        }
    }

    #[test]
    fn somebody_is_due_from_the_day_of_the_year_on_which_they_left() {
        let zone = TimeZone::UTC;
        let day = |text: &str| text.parse::<Date>().unwrap();
        let check = |left: &str, today: &str, years, expected: bool| {
            let left = day(left).to_zoned(zone.clone()).unwrap().timestamp();
            assert_eq!(is_due(left, &zone, day(today), years), expected, "{left} {today} {years}");
            let from = due_from(left.to_zoned(zone.clone()).date(), years);
            assert_eq!(from.is_some_and(|from| from <= day(today)), expected, "{left} {today} {years}: from {from:?}");
        };
        check("2019-03-01", "2026-02-28", 7, false);
        check("2019-03-01", "2026-03-01", 7, true);
        // A leap day has no anniversary: the day after stands for it.
        check("2020-02-29", "2027-02-28", 7, false);
        check("2020-02-29", "2027-03-01", 7, true);
        check("2020-02-28", "2027-02-28", 7, true);
    }
}
