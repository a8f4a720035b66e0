//! Days and amounts of money, as exports write them.

use std::ops::RangeInclusive;

use tidegate_sdk::{
    LineageRecorder, Money, RuleProblem,
    read::{Amount, Date, DateProblem, How},
};

use crate::forms::Forms;
use crate::row::Row;

/// Nobody alive was born before, and nothing is planned for after.
const YEARS: RangeInclusive<u16> = 1900..=2200;

/// The day in a field's column. What stands for "unknown" and what is no day is left out, and told.
pub(crate) fn day(
    row: Row<'_, '_>,
    field: &str,
    canonical: &'static str,
    recorder: &mut LineageRecorder,
) -> Option<Date> {
    recorder.origin(canonical, || row.origin(field, None));
    let text = row.read(field, canonical, recorder)?;
    let Forms { calendar, unknown } = row.forms;
    let read = calendar.read(text);
    if unknown.is_date(text, read.ok().map(|day| day.date)) || unknown.is_word(text) {
        let message = format!("“{text}” stands for “unknown” by the pack's rules (/unknown); it was left out.");
        recorder.warn(canonical, "stands-for-unknown", message);
        return None;
    }
    let why = match read {
        Ok(day) if YEARS.contains(&day.date.year) => {
            if day.how != How::Plain {
                let message = format!("“{text}” was read as {} (/dates in the rules).", day.date);
                recorder.info(canonical, "date-in-other-form", message);
            }
            if unknown.is_doubtful(day.date) {
                let message = format!(
                    "“{text}” was taken, and some systems write it where they do not know the date \
                     (/unknown/doubtful_dates in the rules). Check it in the CRM."
                );
                recorder.info(canonical, "may-stand-for-unknown", message);
            }
            return Some(day.date);
        }
        Ok(_) => format!("is not of the years {} to {}", YEARS.start(), YEARS.end()),
        Err(DateProblem::NoDay(why)) => why.to_owned(),
        Err(DateProblem::Moment(_)) => "is a time of day that no day follows from".to_owned(),
    };
    let message = format!("“{text}” {why}; it was left out. Correct it in the CRM, or see /dates in the pack's rules.");
    recorder.warn(canonical, "unreadable-date", message);
    None
}

/// The amount in a field's column. One that states no currency is of `home`.
pub(crate) fn amount(
    row: Row<'_, '_>,
    field: &str,
    canonical: &'static str,
    home: &str,
    recorder: &mut LineageRecorder,
) -> Option<Money> {
    recorder.origin(canonical, || row.origin(field, None));
    let text = row.read(field, canonical, recorder)?;
    let code = if row.forms.unknown.is_word(text) { "stands-for-unknown" } else { "unreadable-amount" };
    let Some(Amount { number, currency }) = Amount::read(text) else {
        let message = format!("“{text}” cannot be read as an amount; it was left out. Correct it in the CRM.");
        recorder.warn(canonical, code, message);
        return None;
    };
    if may_part_thousands(text, &number) {
        let message = format!(
            "“{text}” was read as {number}, and its point may part thousands. Check it in the CRM, and export amounts with two \
             decimals."
        );
        recorder.warn(canonical, "ambiguous-amount", message);
    }
    Some(Money { amount: number, currency: currency.unwrap_or_else(|| home.to_owned()) })
}

/// Whether the point of an amount may be one that parts thousands: `1.250`, in which elsewhere a comma parts decimals.
fn may_part_thousands(text: &str, number: &str) -> bool {
    let Some((whole, decimals)) = number.trim_start_matches('-').split_once('.') else { return false };
    let is_group = text.split_once('.').is_some_and(|(_, rest)| rest.bytes().filter(u8::is_ascii_digit).count() == 3);
    is_group && decimals.len() <= 3 && whole.len() <= 3 && !whole.starts_with('0') && !text.contains([',', '\'', '’'])
}

/// An amount that says nothing where it is below zero.
pub(crate) fn not_below_zero(
    money: Option<Money>,
    canonical: &'static str,
    recorder: &mut LineageRecorder,
) -> Option<Money> {
    let Money { amount, currency } = money?;
    if amount.starts_with('-') {
        let message = format!("{currency} {amount} is below zero; it was left out. Correct it in the CRM.");
        recorder.warn(canonical, "below-zero", message);
        return None;
    }
    Some(Money { amount, currency })
}

/// Refuses a currency that is no code.
pub(crate) fn check_currency(code: &str, path: &str, problems: &mut Vec<RuleProblem>) {
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let message = format!("“{code}” is no code of ISO 4217; write three capital letters, as in AUD.");
        problems.push(RuleProblem { path: path.to_owned(), message });
    }
}
