//! Numbers that are written out: a plus sign, then digits with nothing but spaces between.
//!
//! The library finds a number's region four times over, each time trying every kind of line, a pattern after the other,
//! and compiles a pattern anew when a hundred others came between; here the region is found once, and one pass tells all
//! of the region's patterns, the library's own, that match. Whatever is not of this plainest form (an extension, a trunk
//! prefix, a zero too many, a country code of no region) is left to the library; a test holds the two against each other.
//!
//! `cargo xtask bench -- --only shortcuts`: a number takes the library 11 µs of CPU, and this path a twenty-fifth of that. That
//! is a second of a first walk over 100,000 clients.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use phonenumber::Metadata;
use phonenumber::country;
use phonenumber::metadata::{DATABASE, Descriptor};
use regex::{RegexSet, RegexSetBuilder, SetMatches};

use super::{LineType, Number, Problem};

/// The longest country code, in digits.
const LONGEST_CODE: usize = 3;

/// Country code and national number of E.164, together.
const LONGEST: usize = 15;

/// Regions by country code, each code's main region first, as the library tries them.
static PLANS: LazyLock<HashMap<u16, Vec<Plan>>> = LazyLock::new(|| {
    let codes = DATABASE.iter().map(Metadata::country_code);
    let plans = |regions: Vec<&'static Metadata>| regions.into_iter().map(Plan::new).collect();
    codes.filter_map(|code| Some((code, plans(DATABASE.by_code(&code)?)))).collect()
});

/// The answer to a number that is written out; none where the library has to say.
pub(super) fn parse(text: &str) -> Option<Result<Number, Problem>> {
    let mut digits = [0; LONGEST];
    let digits = digits_of(text, &mut digits)?;
    let (code, plans) = (1..=LONGEST_CODE).find_map(|length| {
        let code: u16 = digits.get(..length)?.parse().ok()?;
        Some((length, PLANS.get(&code)?))
    })?;
    let national = &digits[code..];
    if national.len() < 3 || national.starts_with('0') {
        return None;
    }
    let alone = plans.len() == 1;
    let (plan, matches, line) = plans.iter().find_map(|plan| {
        let matches = plan.matches(national);
        let line = plan.line(&matches, national);
        (alone || plan.claims(&matches, line)).then_some((plan, matches, line))
    })?;
    let id: country::Id = plan.region.id().parse().ok()?;
    if plan.begins_with_a_prefix(&matches, national) {
        return None;
    }
    let number = line.map(|line| Number { e164: format!("+{digits}"), line, region: Some(id.as_ref().to_owned()) });
    Some(number.ok_or(Problem::NotValid))
}

/// Loads the metadata, which takes about a tenth of a second.
pub(super) fn load() {
    LazyLock::force(&PLANS);
}

fn digits_of<'d>(text: &str, digits: &'d mut [u8; LONGEST]) -> Option<&'d str> {
    let mut count = 0;
    for byte in text.strip_prefix('+')?.bytes() {
        match byte {
            b'0'..=b'9' => {
                *digits.get_mut(count)? = byte;
                count += 1;
            }
            b' ' => {}
            _ => return None,
        }
    }
    // The library takes no code that begins with a zero, and cuts what stands behind the last digit.
    let ends_well = text.ends_with(|last: char| last.is_ascii_digit());
    let digits = str::from_utf8(&digits[..count]).ok()?;
    (ends_well && !digits.starts_with('0')).then_some(digits)
}

/// The numbers of one region.
struct Plan {
    region: &'static Metadata,
    /// The patterns of its numbers, in the order of [`Plan::kinds`], then those of its leading digits, and of a
    /// national prefix or a carrier's. Made when first asked for: few regions ever are.
    patterns: OnceLock<RegexSet>,
}

/// Places among a plan's patterns.
const GENERAL: usize = 0;
const FIXED_LINE: usize = 1;
const MOBILE: usize = 2;
const OTHERS: std::ops::Range<usize> = 3..11;
const LEADING_DIGITS: usize = 11;
const PREFIX: usize = 12;

/// Matches no digits.
const NOTHING: &str = "x";

impl Plan {
    fn new(region: &'static Metadata) -> Self {
        Self { region, patterns: OnceLock::new() }
    }

    fn kinds(&self) -> [Option<&'static Descriptor>; OTHERS.end] {
        let kinds = self.region.descriptors();
        [
            Some(kinds.general()),
            kinds.fixed_line(),
            kinds.mobile(),
            kinds.premium_rate(),
            kinds.toll_free(),
            kinds.shared_cost(),
            kinds.voip(),
            kinds.personal_number(),
            kinds.pager(),
            kinds.uan(),
            kinds.voicemail(),
        ]
    }

    /// The patterns that the number begins with; lengths are looked at by [`Plan::line`].
    fn matches(&self, national: &str) -> SetMatches {
        let patterns = self.patterns.get_or_init(|| {
            let kinds = self.kinds().map(|kind| kind.map(Descriptor::national_number));
            let others = [self.region.leading_digits(), self.region.national_prefix_for_parsing()];
            let patterns = kinds.into_iter().chain(others);
            let patterns = patterns.map(|pattern| pattern.map_or(NOTHING, |pattern| pattern.as_str()));
            let anchored = patterns.map(|pattern| format!("^(?:{pattern})"));
            let built = RegexSetBuilder::new(anchored).ignore_whitespace(true).unicode(false).build();
            built.expect("the library's patterns are regular expressions")
        });
        patterns.matches(national)
    }

    /// The kind of line that the number is of, none where the region has no such number; asked in the library's order.
    fn line(&self, matches: &SetMatches, national: &str) -> Option<LineType> {
        let kinds = self.kinds();
        let has_length = |kind: &Descriptor| {
            let lengths = kind.possible_length();
            lengths.is_empty() || lengths.iter().any(|length| usize::from(*length) == national.len())
        };
        let is = |place: usize| matches.matched(place) && kinds[place].is_some_and(has_length);
        if !is(GENERAL) {
            return None;
        }
        if OTHERS.into_iter().any(is) {
            return Some(LineType::Other);
        }
        if is(FIXED_LINE) {
            let pattern = |place: usize| kinds[place].map(|kind| kind.national_number().as_str());
            let is_either = is(MOBILE) || pattern(FIXED_LINE) == pattern(MOBILE);
            return Some(if is_either { LineType::FixedLineOrMobile } else { LineType::FixedLine });
        }
        is(MOBILE).then_some(LineType::Mobile)
    }

    /// Whether a number of a code that several regions share is this one's.
    fn claims(&self, matches: &SetMatches, line: Option<LineType>) -> bool {
        match self.region.leading_digits() {
            Some(_) => matches.matched(LEADING_DIGITS),
            None => line.is_some(),
        }
    }

    /// The library would cut a national prefix off, or a carrier's.
    fn begins_with_a_prefix(&self, matches: &SetMatches, national: &str) -> bool {
        let prefix = self.region.national_prefix();
        prefix.is_some_and(|prefix| national.starts_with(prefix)) || matches.matched(PREFIX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse_with_metadata;
    use super::*;

    fn same_as_the_library(text: &str) -> bool {
        let Some(answer) = parse(text) else { return false };
        let expected = parse_with_metadata(text, None);
        let plain = |answer: &Result<Number, Problem>| {
            let number = answer.as_ref().map_err(|problem| *problem);
            number.map(|number| (number.e164.clone(), number.line, number.region.clone()))
        };
        assert_eq!(plain(&answer), plain(&expected), "{text}");
        true
    }

    #[test]
    fn mobiles_of_most_countries_are_answered_here() {
        let mut answered = 0;
        let mut asked = 0;
        for region in DATABASE.iter() {
            for kind in [region.descriptors().mobile(), region.descriptors().fixed_line()].into_iter().flatten() {
                let Some(example) = kind.example() else { continue };
                asked += 1;
                answered += usize::from(same_as_the_library(&format!("+{} {example}", region.country_code())));
            }
        }
        assert!(asked > 400 && answered * 10 > asked * 9, "{answered} of {asked}");
        for text in ["+61 491 570 156", "+64 21 555 0123", "+27 71 123 4567"] {
            assert!(same_as_the_library(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

        #[test]
        fn every_answer_is_as_by_the_library(
            code in "61|64|44|27|1|39|[1-9][0-9]{0,2}",
            national in "[0-9]{1,4} {0,2}[0-9]{2,5} ?[0-9]{0,4}",
            gap in " {0,2}",
        ) {
            same_as_the_library(&format!("+{code}{gap}{national}"));
        }

        #[test]
        fn every_mobile_answer_is_as_by_the_library(plan in 0..4_usize, tail in 0..100_000_000_u32) {
            let (code, first) = [("61", "4"), ("64", "2"), ("44", "7"), ("27", "")][plan];
            same_as_the_library(&format!("+{code}{first}{tail:08}"));
        }
    }
}
