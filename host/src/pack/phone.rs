//! The contract's `phone`: telephone numbers, parsed with libphonenumber's metadata.
//!
//! This and `plain` are the only places that name the `phonenumber` crate. Answers are remembered within a batch: the
//! people of a household and of an office share numbers.

mod plain;

use std::collections::HashMap;
use std::panic::catch_unwind;

use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, ParseError, Type, country};

use super::bindings::tidegate::mapping::phone::{LineType, Number, Problem};
use crate::domain::E164;

/// Longer texts are not numbers: E.164 has 15 digits, and people add spaces, brackets and an extension.
const LONGEST: usize = 64;

/// Answers given in this batch, by text and region.
#[derive(Default)]
pub(super) struct Answers(HashMap<(String, Option<String>), Result<Number, Problem>>);

impl Answers {
    /// The answer to a component, given before or found now.
    pub(super) fn answer(&mut self, text: String, region: Option<String>) -> Result<Number, Problem> {
        // Cheaper to find again than to remember.
        if let Some(answer) = soon_told(&text, region.as_deref()) {
            return answer;
        }
        let key = (text, region);
        if let Some(known) = self.0.get(&key) {
            return known.clone();
        }
        let answer = parse(&key.0, key.1.as_deref());
        self.0.insert(key, answer.clone());
        answer
    }
}

/// The answer that a component is given when it asks for the first time.
pub fn answer(text: &str, region: Option<&str>) -> Result<Number, Problem> {
    soon_told(text, region).unwrap_or_else(|| parse(text, region))
}

/// Whether a number is of a mobile line, as far as its country's numbers tell: what a mapping takes for one. With the zero
/// that is dialled at home (`+61 0491 570 156`), it is nobody's.
pub fn is_mobile(number: &E164) -> bool {
    answer(number.as_str(), None).is_ok_and(|found| {
        matches!(found.line, LineType::Mobile | LineType::FixedLineOrMobile) && found.e164 == number.as_str()
    })
}

/// The answer where the library need not be asked.
fn soon_told(text: &str, region: Option<&str>) -> Option<Result<Number, Problem>> {
    // The library reads letters as a telephone's keys do, and makes a stranger's number of a slip.
    if text.chars().any(char::is_alphabetic) {
        return Some(Err(Problem::NotANumber));
    }
    if text.len() > LONGEST || region.is_some_and(|region| region.len() > LONGEST) {
        return Some(Err(Problem::NotANumber));
    }
    if region.is_some() {
        return None;
    }
    plain::parse(text)
}

/// Loads the metadata, which takes about a tenth of a second, so that the first batch need not wait for it.
pub(super) fn load_metadata() {
    plain::load();
}

fn parse(text: &str, region: Option<&str>) -> Result<Number, Problem> {
    // The crate slices texts of strangers; should that panic, it is this one number that is lost.
    catch_unwind(|| parse_with_metadata(text, region)).unwrap_or(Err(Problem::NotANumber))
}

fn parse_with_metadata(text: &str, region: Option<&str>) -> Result<Number, Problem> {
    let region: Option<country::Id> = region.map(str::parse).transpose().map_err(|_| Problem::NoCountryCode)?;
    let number = phonenumber::parse(region, text).map_err(|error| match error {
        ParseError::InvalidCountryCode if region.is_none() => Problem::NoCountryCode,
        ParseError::NoNumber | ParseError::MalformedInteger(_) => Problem::NotANumber,
        _ => Problem::NotValid,
    })?;
    let line = match number.number_type(&DATABASE) {
        Type::Unknown => return Err(Problem::NotValid),
        Type::Mobile => LineType::Mobile,
        Type::FixedLine => LineType::FixedLine,
        Type::FixedLineOrMobile => LineType::FixedLineOrMobile,
        _ => LineType::Other,
    };
    if !number.is_valid() {
        return Err(Problem::NotValid);
    }
    let e164 = number.format().mode(Mode::E164).to_string();
    Ok(Number { e164, line, region: number.country().id().map(|id| id.as_ref().to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let check = |text: &str, region: Option<&str>, expected: Result<(&str, LineType, Option<&str>), Problem>| {
            let answer = answer(text, region);
            let seen = answer.as_ref().map(|n| (n.e164.as_str(), n.line, n.region.as_deref())).map_err(|p| *p);
            assert_eq!(seen, expected, "{text} in {region:?}");
        };
        let mobile = Ok(("+61491570156", LineType::Mobile, Some("AU")));
        check("+61 491 570 156", None, mobile);
        check("0491 570 156", Some("AU"), mobile);
        check("(0491) 570-156", Some("AU"), mobile);
        check("0011 61 491 570 156", Some("AU"), mobile);
        check("0491 570 156", None, Err(Problem::NoCountryCode));
        check("0491 570 156", Some("??"), Err(Problem::NoCountryCode));
        check("(02) 5550 4321", Some("AU"), Ok(("+61255504321", LineType::FixedLine, Some("AU"))));
        check("+61 491 570", None, Err(Problem::NotValid));
        check("+64 21 555 0123", None, Ok(("+64215550123", LineType::Mobile, Some("NZ"))));
        check("021 555 0123", Some("NZ"), Ok(("+64215550123", LineType::Mobile, Some("NZ"))));
        check("ask for Pat", Some("AU"), Err(Problem::NotANumber));
        check("+61 491 5O0 156", None, Err(Problem::NotANumber));
        check("+61 491 5О0 156", None, Err(Problem::NotANumber));
        check("0491 5O0 156", Some("AU"), Err(Problem::NotANumber));
        check("1300 FLOWER", Some("AU"), Err(Problem::NotANumber));
        check("", None, Err(Problem::NotANumber));
        check("+", None, Err(Problem::NotANumber));
    }

    #[test]
    fn a_mobile_is_told_from_a_landline() {
        let check = |text: &str, expected| assert_eq!(is_mobile(&text.parse().unwrap()), expected, "{text}");
        check("+61 491 570 156", true);
        check("+64 21 555 0123", true);
        check("+1 212 555 0123", true);
        check("+61 2 5550 4321", false);
        check("+61 1300 555 123", false);
        check("+6129999", false);
        check("+610491570156", false);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,64}", region in proptest::option::of("AU|NZ|GB|ZA|US")) {
            let _ = parse_with_metadata(&text, region.as_deref());
        }
    }
}
