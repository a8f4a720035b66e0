//! New Zealand's IRD number: eight or nine digits, the last of which checks the others, by one set of weights, and where
//! that gives ten, by a second.

use super::{Checked, bad_check_digit, digits, weighed, written};
use crate::refusal::Refusal;

const WEIGHTS: [u32; 8] = [3, 2, 7, 6, 5, 4, 3, 2];

/// Tried where the first set gives ten.
const SECOND_WEIGHTS: [u32; 8] = [7, 4, 3, 2, 5, 2, 7, 6];

/// The numbers that Inland Revenue gives out lie between.
const GIVEN_OUT: std::ops::Range<u32> = 10_000_000..150_000_000;

pub(super) fn ird_number(text: &str) -> Result<Checked, Refusal> {
    let mut digits = digits(text, &[8, 9], "is no IRD number: that has eight or nine digits")?;
    if digits.len() == 8 {
        digits.insert(0, 0);
    }
    let number = digits.iter().fold(0, |number, digit| number * 10 + digit);
    if !GIVEN_OUT.contains(&number) {
        return Err(Refusal {
            code: "bad-number",
            reason: "is not among the numbers that Inland Revenue gives out".into(),
        });
    }
    let check = |weights| match weighed(&digits[..8], weights) % 11 {
        0 => 0,
        rest => 11 - rest,
    };
    let expected = match check(&WEIGHTS) {
        10 => check(&SECOND_WEIGHTS),
        digit => digit,
    };
    if digits[8] == expected { Ok(Checked::plain(written(&digits))) } else { Err(bad_check_digit()) }
}

#[cfg(test)]
mod tests {
    use super::super::tests;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        tests::check("nz-ird-number", text, expected);
    }

    /// The examples of Inland Revenue's own description of the check.
    #[test]
    fn both_sets_of_weights_count() {
        check("49091850", Ok("049091850"));
        check("049-091-850", Ok("049091850"));
        check("35901981", Ok("035901981"));
        check("49098576", Ok("049098576"));
        check("136 410 132", Ok("136410132"));
    }

    #[test]
    fn other_numbers_are_refused() {
        check("136410133", Err("bad-check-digit"));
        check("9125568", Err("bad-number"));
        check("09125568", Err("bad-number"));
        check("999999999", Err("bad-number"));
        check("1364101325", Err("bad-number"));
        check("49 O91 850", Err("bad-number"));
    }
}
