//! Numbers that states give to people, as people type them in: invented, and right but for a few.

use serde::{Deserialize, Serialize};

use super::dice::Dice;
use super::model::Text;

/// A kind of number; the word is the field's name in the dialect Resourceful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NumberKind {
    /// New Zealand's IRD number.
    #[serde(rename = "ird_number")]
    Ird,
    /// The United Kingdom's National Insurance number.
    #[serde(rename = "national_insurance_number")]
    NationalInsurance,
    /// South Africa's identity number.
    #[serde(rename = "identity_number")]
    Identity,
}

/// A number as it was typed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateNumber {
    /// The kind.
    pub kind: NumberKind,
    /// The text.
    pub value: Text,
}

/// The number of a person; none of a few. `born` is the date of birth as written, `sex` the letter.
pub(super) fn number(dice: &mut Dice, kind: NumberKind, born: Option<&str>, sex: Option<&str>) -> Option<StateNumber> {
    let value = match kind {
        NumberKind::Ird => ird(dice),
        NumberKind::NationalInsurance => national_insurance(dice),
        NumberKind::Identity => identity(dice, born, sex),
    };
    (!dice.percent(12)).then(|| StateNumber { kind, value: value.into() })
}

fn ird(dice: &mut Dice) -> String {
    loop {
        let base = 1_000_000 + dice.below(13_000_000);
        let Some(check) = ird_check(base) else { continue };
        let plain = format!("{base:08}{check}");
        return match dice.below(10) {
            0..4 => format!("{}-{}-{}", &plain[..3], &plain[3..6], &plain[6..]),
            4 => plain.trim_start_matches('0').to_owned(),
            _ => plain,
        };
    }
}

/// The check digit of the eight before it, by the weights of Inland Revenue; none where there is none.
fn ird_check(base: u32) -> Option<u32> {
    let digits = format!("{base:08}");
    let rest = |weights: [u32; 8]| {
        let sum: u32 = digits.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        (11 - sum % 11) % 11
    };
    let first = rest([3, 2, 7, 6, 5, 4, 3, 2]);
    let check = if first == 10 { rest([7, 4, 3, 2, 5, 2, 7, 6]) } else { first };
    (check < 10).then_some(check)
}

fn national_insurance(dice: &mut Dice) -> String {
    let letter = |dice: &mut Dice, of: &str| char::from(of.as_bytes()[dice.below(of.len() as u32) as usize]);
    let (first, second) = (letter(dice, "ACEHJLMPRSTWXY"), letter(dice, "ABCEHJLMPRSWXY"));
    let (digits, suffix) = (format!("{:06}", dice.below(1_000_000)), letter(dice, "ABCD"));
    match dice.below(100) {
        0..2 => format!("QQ{digits}{suffix}"),
        2..4 => format!("TN{digits}F"),
        4..7 => format!("{first}{second}{digits}"),
        7..40 => {
            let (a, b, c) = (&digits[..2], &digits[2..4], &digits[4..]);
            format!("{first}{second} {a} {b} {c} {suffix}")
        }
        40..46 => format!("{first}{second}{digits}{suffix}").to_lowercase(),
        _ => format!("{first}{second}{digits}{suffix}"),
    }
}

fn identity(dice: &mut Dice, born: Option<&str>, sex: Option<&str>) -> String {
    let own = born.and_then(day).filter(|_| !dice.percent(3));
    let (year, month, day) = own.unwrap_or_else(|| (40 + dice.below(59), 1 + dice.below(12), 1 + dice.below(28)));
    let is_woman = sex == Some("F");
    let serial = dice.below(5_000) + if is_woman { 0 } else { 5_000 };
    let citizenship = dice.pick(&[0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    let begun = format!("{year:02}{month:02}{day:02}{serial:04}{citizenship}8");
    let check = luhn(&begun);
    match dice.below(100) {
        0..2 => format!("{begun}{}", (check + 1) % 10),
        2..12 => format!("{} {} {}{check}", &begun[..6], &begun[6..10], &begun[10..]),
        _ => format!("{begun}{check}"),
    }
}

/// Year of the century, month and day of a date that a calendar has, or may have.
fn day(born: &str) -> Option<(u32, u32, u32)> {
    let mut parts = born.split('-').map(str::parse::<u32>);
    let (Some(Ok(year)), Some(Ok(month)), Some(Ok(day)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    ((1900..2030).contains(&year) && (1..=12).contains(&month) && (1..=28).contains(&day)).then_some((
        year % 100,
        month,
        day,
    ))
}

/// The digit that makes the sum of Luhn's rule a multiple of ten.
fn luhn(digits: &str) -> u32 {
    let counted = |(at, digit): (usize, u8)| {
        let digit = u32::from(digit - b'0');
        if at % 2 == 0 { digit * 2 / 10 + digit * 2 % 10 } else { digit }
    };
    let sum: u32 = digits.bytes().rev().enumerate().map(counted).sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_are_those_of_the_states() {
        assert_eq!([4_909_185, 3_590_198, 4_909_857, 13_641_013].map(ird_check), [Some(0), Some(1), Some(6), Some(2)]);
        assert_eq!(["490712000008", "490712000028", "800101500908"].map(luhn), [0, 8, 7]);
        assert_eq!(day("1978-03-14"), Some((78, 3, 14)));
        assert_eq!(["1975-02-30", "12/07/1964", "unknown"].map(day), [None; 3]);
    }
}
