//! The parts that goals and covers share: rows with a number each, amounts of money.

use std::{borrow::Cow, collections::HashSet};

use tidegate_sdk::{LineageRecorder, Money, RuleProblem, Severity};
use xplan::{Amount, Fields, Number, Rows, Value, View, currency_code};

/// The rows that can be told from one another, each with its number. What cannot is told as an error: then the host
/// does not conclude that something is gone.
pub(crate) fn numbered<'r, 'a, F: Fields>(
    rows: impl Iterator<Item = View<'r, 'a, F>>,
    id: F,
    recorder: &mut LineageRecorder,
) -> Vec<(String, View<'r, 'a, F>)> {
    let mut seen = HashSet::new();
    let mut numbered = Vec::new();
    for row in rows {
        let place = row.place.map_or(0, |(_, index)| index + 1);
        let list = row.place.map_or("", |(list, _)| list);
        let Some(number) = word(row, id) else {
            let message = format!(
                "Row {place} of Xplan's list {list} has no number, so it cannot be told from others; it was left out."
            );
            recorder.whole(Severity::Error, "row-without-number", message);
            continue;
        };
        row.tell_repeated(recorder);
        if seen.insert(number.clone()) {
            numbered.push((number, row));
        } else {
            let message = format!(
                "Row {place} of Xplan's list {list} has the number {number}, which another row has too; it was left out."
            );
            recorder.whole(Severity::Error, "row-number-twice", message);
        }
    }
    numbered
}

/// Tells that Xplan sent no list. Nothing is made of it.
pub(crate) fn is_list<F>(rows: &Rows<'_, F>, list: &str, recorder: &mut LineageRecorder) -> bool {
    if matches!(rows, Rows::Read(_)) {
        return true;
    }
    recorder.whole(Severity::Error, "no-list", format!("Xplan sent something other than rows for the list {list}."));
    false
}

/// A whole number or a short word, as text: what codes and numbers are written as.
pub(crate) fn word<F: Fields>(row: View<'_, '_, F>, field: F) -> Option<String> {
    match row.get(field) {
        Value::Number(number @ (Number::Int(_) | Number::Big(_))) => Some(number.to_string()),
        Value::Text(text) => {
            let text = tidegate_sdk::text::decode_entities(text);
            tidegate_sdk::text::clean(&text).filter(|text| text.len() <= 60).map(Cow::into_owned)
        }
        _ => None,
    }
}

/// An amount of money: what stands under a field that should hold one.
pub(crate) enum Sum {
    /// No amount is there.
    Empty,
    /// The field holds something that is no amount, which was reported.
    Unreadable,
    /// An amount with its sign.
    Known(Money),
}

impl Sum {
    /// The amount, if it is known.
    pub fn known(self) -> Option<Money> {
        match self {
            Self::Known(money) => Some(money),
            Self::Empty | Self::Unreadable => None,
        }
    }
}

/// The amount under a field. One that states no currency is taken for one of `home`.
pub(crate) fn amount<F: Fields>(
    row: View<'_, '_, F>,
    field: F,
    canonical: &str,
    home: &str,
    recorder: &mut LineageRecorder,
) -> Sum {
    recorder.origin(canonical, || row.origin(field, None));
    let value = row.get(field);
    let number;
    let (code, text) = match value {
        _ if value.is_empty() => return Sum::Empty,
        Value::Currency { code, amount } => (code.trim(), &**amount),
        Value::Decimal(text) | Value::Text(text) => ("", &**text),
        Value::Number(written) => {
            number = written.to_string();
            ("", number.as_str())
        }
        other => {
            row.expect_empty(field, other, "an amount of money", canonical, recorder);
            return Sum::Unreadable;
        }
    };
    match read(code, text, home) {
        Ok(money) => Sum::Known(money),
        Err(_) if row.forms.unknown.is_word(text.trim()) => {
            let message =
                format!("“{text}” stands for “unknown” by the pack's rules (/unknown/words); it was left out.");
            recorder.warn(canonical, "stands-for-unknown", message);
            Sum::Unreadable
        }
        Err(why) => {
            let shown = value.display().unwrap_or_default();
            let message = format!("The amount is “{shown}” in Xplan, {why}; it was left out. Correct it in Xplan.");
            recorder.warn(canonical, "unreadable-amount", message);
            Sum::Unreadable
        }
    }
}

/// The amount that a text and the code beside it state.
fn read(code: &str, text: &str, home: &str) -> Result<Money, &'static str> {
    let Amount { number, currency } = Amount::read(text).ok_or("which cannot be read as a number")?;
    let beside = match code {
        "" => None,
        code => Some(currency_code(code).ok_or("whose currency is not known")?),
    };
    match (beside, currency) {
        (Some(one), Some(other)) if one != other => Err("which names two currencies"),
        (one, other) => Ok(Money { amount: number, currency: one.or(other).unwrap_or_else(|| home.to_owned()) }),
    }
}

/// The sign of an amount: below, at or above zero.
pub(crate) fn sign(amount: &str) -> std::cmp::Ordering {
    if amount.bytes().all(|byte| !(b'1'..=b'9').contains(&byte)) {
        std::cmp::Ordering::Equal
    } else if amount.starts_with('-') {
        std::cmp::Ordering::Less
    } else {
        std::cmp::Ordering::Greater
    }
}

/// Refuses a currency that is no code.
pub(crate) fn check_currency(code: &str, path: &str, problems: &mut Vec<RuleProblem>) {
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let message = format!("“{code}” is no code of ISO 4217; write three capital letters, as in AUD.");
        problems.push(RuleProblem { path: path.to_owned(), message });
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::sign;

    #[test]
    fn the_sign_of_an_amount() {
        assert_eq!(sign("-0.00"), Ordering::Equal);
        assert_eq!(sign("0"), Ordering::Equal);
        assert_eq!(sign("-0.01"), Ordering::Less);
        assert_eq!(sign("100000"), Ordering::Greater);
    }
}
