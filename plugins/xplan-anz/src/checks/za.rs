//! South Africa's identity number: six digits of the date of birth, four of which the first tells the sex, one of the
//! citizenship, one without a meaning today, and a check digit by Luhn's rule.

use tidegate_sdk::Sex;

use super::{Birth, Checked, bad_check_digit, digits, written};
use crate::refusal::Refusal;

pub(super) fn identity_number(text: &str) -> Result<Checked, Refusal> {
    let digits = digits(text, &[13], "is no identity number: that has thirteen digits")?;
    if !is_luhn(&digits) {
        return Err(bad_check_digit());
    }
    // Citizens, people with a right to stay, and refugees.
    if digits[10] > 2 {
        let reason = "has a digit of citizenship that is not in use".into();
        return Err(Refusal { code: "bad-number", reason });
    }
    let pair = |at: usize| u16::try_from(digits[at] * 10 + digits[at + 1]).unwrap_or_default();
    let sex = if digits[6] < 5 { Sex::Female } else { Sex::Male };
    let birth = Birth { year: pair(0), month: pair(2), day: pair(4) };
    Ok(Checked { value: written(&digits), birth: Some(birth), sex: Some(sex) })
}

/// Every second digit from the right counts twice, the digits of its double added up.
fn is_luhn(digits: &[u32]) -> bool {
    let counted = |(at, digit): (usize, &u32)| match at % 2 {
        0 => *digit,
        _ => digit * 2 / 10 + digit * 2 % 10,
    };
    let sum: u32 = digits.iter().rev().enumerate().map(counted).sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::super::tests;
    use super::{Birth, Sex, identity_number};

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        tests::check("za-identity-number", text, expected);
    }

    #[test]
    fn numbers_of_citizens_residents_and_refugees_are_taken() {
        check("4907120000080", Ok("4907120000080"));
        check("490712 0000 08 0", Ok("4907120000080"));
        check("4907120000288", Ok("4907120000288"));
        check("1907040000080", Ok("1907040000080"));
    }

    #[test]
    fn a_digit_that_is_wrong_is_found() {
        check("4907120000081", Err("bad-check-digit"));
        check("4907210000080", Err("bad-check-digit"));
        check("490712000008", Err("bad-number"));
        check("49071200000800", Err("bad-number"));
        check("49O7120000080", Err("bad-number"));
        check("4907120000387", Err("bad-number"));
    }

    #[test]
    fn it_tells_of_birth_and_sex() {
        let told =
            |text: &str| identity_number(text).map(|checked| (checked.birth.unwrap(), checked.sex.unwrap())).ok();
        assert_eq!(told("4907120000080"), Some((Birth { year: 49, month: 7, day: 12 }, Sex::Female)));
        assert_eq!(told("8001015009087"), Some((Birth { year: 80, month: 1, day: 1 }, Sex::Male)));
    }
}
