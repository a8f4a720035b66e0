//! Xplan has one street field; the practice has two address lines.

use tidegate_sdk::{LineageRecorder, Table};
use xplan::AddressField as F;

use super::AddressRow;
use crate::mapping::AddressMapping;

/// The two address lines.
pub(super) fn map(
    form: &AddressMapping,
    row: AddressRow<'_, '_>,
    recorder: &mut LineageRecorder,
) -> (Option<String>, Option<String>) {
    let street = row.lines(F::Street, "address_line_1", recorder);
    let (line_1, line_2, rule) = split(&street, &form.unit_words);
    for field in ["address_line_1", "address_line_2"] {
        recorder.origin(field, || row.origin(F::Street, rule.map(str::to_owned)));
    }
    (line_1, line_2)
}

type Lines = (Option<String>, Option<String>, Option<&'static str>);

/// Splits at the first line's end, else behind a unit or level at the beginning; tells the rule that decided.
fn split(street: &str, unit_words: &Table<()>) -> Lines {
    let mut lines = street.lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(first) = lines.next() else {
        return (None, None, None);
    };
    let rest: Vec<&str> = lines.collect();
    if !rest.is_empty() {
        let first = first.trim_end_matches(',');
        return (some(first), some(&rest.join(", ")), Some("/client/address/fields/street at the line's end"));
    }
    match unit(first, unit_words) {
        Some((unit, rest)) => (some(unit), some(rest), Some("/client/address_form/unit_words")),
        None => (some(first), None, None),
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// A unit's word and number at the beginning of a street, and what follows: `Unit 4`, `12 High St`.
fn unit<'s>(street: &'s str, unit_words: &Table<()>) -> Option<(&'s str, &'s str)> {
    let (word, after_word) = street.split_once(' ')?;
    unit_words.get(word)?;
    let after_word = after_word.trim_start();
    let end = after_word.find([' ', ',', '/'])?;
    let (number, rest) = after_word.split_at(end);
    let is_number = number.len() == 1 || number.bytes().any(|byte| byte.is_ascii_digit());
    let rest = rest.trim_start_matches([' ', ',', '/', '-']);
    let unit_length = street.len() - after_word.len() + end;
    (is_number && !rest.is_empty()).then(|| (&street[..unit_length], rest))
}

#[cfg(test)]
mod tests {
    use tidegate_sdk::Table;

    use super::split;

    #[track_caller]
    fn check(street: &str, line_1: Option<&str>, line_2: Option<&str>) {
        let words = Table::listing(&["unit", "level", "flat"].map(str::to_owned), "/unit_words");
        let (first, second, _) = split(street, &words);
        assert_eq!((first.as_deref(), second.as_deref()), (line_1, line_2), "{street:?}");
    }

    #[test]
    fn a_street_is_split_at_the_line_s_end_or_behind_a_unit() {
        check("", None, None);
        check("12 High St", Some("12 High St"), None);
        check("Unit 4\n12 High St", Some("Unit 4"), Some("12 High St"));
        check("Care of the Trustee,\n\n12 High St\nRear", Some("Care of the Trustee"), Some("12 High St, Rear"));
        check("Unit 4, 12 High St", Some("Unit 4"), Some("12 High St"));
        check("UNIT 4 12 High St", Some("UNIT 4"), Some("12 High St"));
        check("Level 3/12 High St", Some("Level 3"), Some("12 High St"));
        check("Flat B, 7 Rātā Road", Some("Flat B"), Some("7 Rātā Road"));
        check("Unit 4", Some("Unit 4"), None);
        check("Unity Road 5", Some("Unity Road 5"), None);
        check("Level Crossing Road 5", Some("Level Crossing Road 5"), None);
        check("4/12 High St", Some("4/12 High St"), None);
        check("Flat é, 王 1", Some("Flat é, 王 1"), None);
    }
}
