//! What goals and covers share: rows with a number each, days, amounts of money.

use std::collections::HashSet;

use tidegate_sdk::{Lineage, Money, Severity, Trail};
use xplan::{Date, Fields, Number, Rows, Value, View, plain_decimal};

/// The rows that can be told from one another, each with its number. What cannot is told as an error: then the host
/// does not conclude that something is gone.
pub(crate) fn numbered<'r, 'a, F: Fields, L: Lineage>(
    rows: impl Iterator<Item = View<'r, 'a, F>>,
    id: F,
    trail: &mut Trail<L>,
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
            trail.whole(Severity::Error, "row-without-number", message);
            continue;
        };
        if seen.insert(number.clone()) {
            numbered.push((number, row));
        } else {
            let message = format!(
                "Row {place} of Xplan's list {list} has the number {number}, which another row has too; it was left out."
            );
            trail.whole(Severity::Error, "row-number-twice", message);
        }
    }
    numbered
}

/// Tells that Xplan sent no list. Nothing is made of it.
pub(crate) fn is_list<F, L: Lineage>(rows: &Rows<'_, F>, list: &str, trail: &mut Trail<L>) -> bool {
    if matches!(rows, Rows::Read(_)) {
        return true;
    }
    trail.whole(Severity::Error, "no-list", format!("Xplan sent something other than rows for the list {list}."));
    false
}

/// A whole number or a short word, as text: what codes and numbers are written as.
pub(crate) fn word<F: Fields>(row: View<'_, '_, F>, field: F) -> Option<String> {
    match row.get(field) {
        Value::Number(number @ (Number::Int(_) | Number::Big(_))) => Some(number.to_string()),
        Value::Text(text) => tidegate_sdk::text::clean(text).filter(|text| text.len() <= 60).map(Into::into),
        _ => None,
    }
}

/// A day of the calendar.
pub(crate) fn day<F: Fields, L: Lineage>(
    row: View<'_, '_, F>,
    field: F,
    canonical: &'static str,
    trail: &mut Trail<L>,
) -> Option<Date> {
    trail.origin(canonical, || row.origin(field, None));
    let text = match row.get(field) {
        Value::Date(text) | Value::Text(text) if !text.trim().is_empty() => text,
        Value::Date(_) => return None,
        other => {
            row.expect_empty(field, other, "a date", canonical, trail);
            return None;
        }
    };
    match Date::read(text) {
        Ok(date) => Some(date),
        Err(why) => {
            let message = format!("The date is “{text}” in Xplan, which {why}; it was left out. Correct it in Xplan.");
            trail.warn(canonical, "impossible-date", message);
            None
        }
    }
}

/// An amount with its sign. One that states no currency is taken for one of `home`.
pub(crate) fn amount<F: Fields, L: Lineage>(
    row: View<'_, '_, F>,
    field: F,
    canonical: &'static str,
    home: &str,
    trail: &mut Trail<L>,
) -> Option<Money> {
    trail.origin(canonical, || row.origin(field, None));
    let value = row.get(field);
    let amount = match value {
        Value::Currency { code, amount } => return Some(Money { amount: amount.clone(), currency: code.to_string() }),
        Value::Decimal(amount) => Some(amount.clone()),
        Value::Number(number) => plain_decimal(&number.to_string()),
        Value::Text(text) if !text.trim().is_empty() => plain_decimal(text),
        _ => None,
    };
    if amount.is_none() {
        row.expect_empty(field, value, "an amount of money", canonical, trail);
    }
    amount.map(|amount| Money { amount, currency: home.to_owned() })
}

/// Below, at or above zero.
pub(crate) fn sign(amount: &str) -> std::cmp::Ordering {
    if amount.bytes().all(|byte| !(b'1'..=b'9').contains(&byte)) {
        std::cmp::Ordering::Equal
    } else if amount.starts_with('-') {
        std::cmp::Ordering::Less
    } else {
        std::cmp::Ordering::Greater
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
