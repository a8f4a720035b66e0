//! Checks of numbers that states give to people: their form, their check digits, and what they tell of the person.
//!
//! A rule names the check, so that a region stays tables. A reason never holds a digit of the number.

mod au;
mod gb;
mod nz;
mod za;

use tidegate_sdk::Sex;

use crate::refusal::Refusal;

/// A check of a number.
pub(crate) struct Check {
    /// The digits that a number has which the CRM may keep without the zeros before it.
    pub length: Option<usize>,
    /// The number in its one form, or why it is none.
    pub pass: fn(&str) -> Result<Checked, Refusal>,
    /// Whether it holds the date of birth.
    pub holds_birth: bool,
}

/// A number that has passed.
pub(crate) struct Checked {
    /// The one form in which it is kept.
    pub value: String,
    /// The date of birth that it holds.
    pub birth: Option<Birth>,
    /// The sex that it holds.
    pub sex: Option<Sex>,
}

/// A date of birth without its century.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Birth {
    /// The last two digits of the year.
    pub year: u16,
    pub month: u16,
    pub day: u16,
}

/// The checks by the names that rules give.
const CHECKS: &[(&str, Check)] = &[
    ("au-tax-file-number", Check { length: None, pass: au::tax_file_number, holds_birth: false }),
    ("gb-national-insurance-number", Check { length: None, pass: gb::national_insurance_number, holds_birth: false }),
    ("nz-ird-number", Check { length: None, pass: nz::ird_number, holds_birth: false }),
    ("za-identity-number", Check { length: Some(13), pass: za::identity_number, holds_birth: true }),
];

/// The check of this name; that there is none is told to `wrong`.
pub(crate) fn named(name: &str, wrong: &mut dyn FnMut(String)) -> Option<(&'static str, &'static Check)> {
    let found = CHECKS.iter().find(|(known, _)| *known == name);
    if found.is_none() {
        let names: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
        wrong(format!("There is no check “{name}”; the choices are {}.", names.join(", ")));
    }
    found.map(|(name, check)| (*name, check))
}

/// Whether a check's numbers hold the date of birth.
pub(crate) fn holds_birth(name: &str) -> bool {
    CHECKS.iter().any(|(known, check)| *known == name && check.holds_birth)
}

impl Checked {
    fn plain(value: String) -> Self {
        Self { value, birth: None, sex: None }
    }
}

/// The text without what people put between a number's parts, in capitals.
fn joined(text: &str) -> String {
    let is_between = |c: char| c.is_whitespace() || matches!(c, '-' | '‐' | '‑' | '–' | '—' | '.' | '/');
    text.chars().filter(|c| !is_between(*c)).flat_map(char::to_uppercase).collect()
}

/// The digits of a number, of one of these lengths.
fn digits(text: &str, lengths: &[usize], wanted: &'static str) -> Result<Vec<u32>, Refusal> {
    let joined = joined(text);
    let digits: Option<Vec<u32>> = joined.chars().map(|c| c.to_digit(10).filter(|_| c.is_ascii_digit())).collect();
    digits.filter(|digits| lengths.contains(&digits.len())).ok_or(Refusal { code: "bad-number", reason: wanted.into() })
}

fn bad_check_digit() -> Refusal {
    Refusal {
        code: "bad-check-digit",
        reason: "is no such number: a digit is wrong, or two stand the wrong way round".into(),
    }
}

/// The sum of the digits, each times its weight.
fn weighed(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

fn written(digits: &[u32]) -> String {
    digits.iter().filter_map(|digit| char::from_digit(*digit, 10)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Check, named};

    /// Whatever is refused is refused with a reason that has no digit of it.
    #[track_caller]
    pub(super) fn check(name: &str, text: &str, expected: Result<&str, &str>) {
        let (_, Check { pass, .. }) = named(name, &mut |message| panic!("{message}")).unwrap();
        match (pass(text), expected) {
            (Ok(found), Ok(value)) => assert_eq!(found.value, value, "{text}"),
            (Err(refusal), Err(code)) => {
                assert_eq!(refusal.code, code, "{text}");
                assert!(!refusal.reason.contains(|c: char| c.is_ascii_digit()), "{}", refusal.reason);
            }
            (Ok(found), Err(code)) => panic!("{text} is {}, not {code}", found.value),
            (Err(refusal), Ok(_)) => panic!("{text}: {} {}", refusal.code, refusal.reason),
        }
    }

    #[test]
    fn a_check_that_there_is_not_is_told_with_those_there_are() {
        let mut said = String::new();
        assert!(named("gb-nino", &mut |message| said = message).is_none());
        assert!(said.contains("gb-national-insurance-number") && said.contains("za-identity-number"), "{said}");
    }
}
