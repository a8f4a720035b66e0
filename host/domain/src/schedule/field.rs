//! One field of a crontab line: which values it may have, and which a text names.

use std::collections::BTreeSet;

/// A field of a crontab line, and what may stand in it.
pub(super) struct Field {
    /// The field's name, as people call it.
    name: &'static str,
    from: i16,
    to: i16,
    /// Words for values, beginning with that of `from`.
    names: &'static [&'static str],
    /// Whether `?` may stand for "any".
    takes_question_mark: bool,
}

pub(super) const SECOND: Field = Field { name: "second", from: 0, to: 59, names: &[], takes_question_mark: false };
pub(super) const MINUTE: Field = Field { name: "minute", ..SECOND };
pub(super) const HOUR: Field = Field { name: "hour", to: 23, ..SECOND };
pub(super) const DAY: Field = Field { name: "day", from: 1, to: 31, names: &[], takes_question_mark: true };
pub(super) const MONTH: Field = Field { name: "month", from: 1, to: 12, names: &MONTHS, takes_question_mark: false };
/// Sunday is 0, and 7 too.
pub(super) const WEEKDAY: Field =
    Field { name: "weekday", from: 0, to: 7, names: &WEEKDAYS, takes_question_mark: true };
pub(super) const YEAR: Field = Field { name: "year", from: 1970, to: super::LAST_YEAR, ..SECOND };

const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// The values that a field names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Set(BTreeSet<i16>);

impl Set {
    pub(super) fn has(&self, value: impl Into<i16>) -> bool {
        self.0.contains(&value.into())
    }

    /// The values in order; those of a clock fit into eight bits.
    pub(super) fn values(&self) -> impl Iterator<Item = i8> {
        self.0.iter().filter_map(|value| i8::try_from(*value).ok())
    }
}

/// The line that one of crontab's words stands for; any other text as it is.
pub(super) fn spelled_out(text: &str) -> &str {
    match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        other => other,
    }
}

impl Field {
    /// The values that a text names: `*`, `5`, `1-5`, `*/2`, `8-18/2`, and lists of these with commas.
    pub(super) fn read(&self, text: &str) -> Result<Set, String> {
        let mut values = BTreeSet::new();
        for item in text.split(',') {
            let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
            let (from, to) = self.range(range, step.is_some())?;
            let step = step.map_or(Ok(1), |step| self.step(step, to - from))?;
            values.extend((from..=to).step_by(step));
        }
        // Sunday at the end of the week.
        if self.names.len() == 7 && values.remove(&7) {
            values.insert(0);
        }
        Ok(Set(values))
    }

    fn range(&self, text: &str, has_step: bool) -> Result<(i16, i16), String> {
        if text == "*" || (text == "?" && self.takes_question_mark) {
            return Ok((self.from, self.last()));
        }
        let Some((from, to)) = text.split_once('-') else {
            let value = self.value(text)?;
            return Ok((value, if has_step { self.last() } else { value }));
        };
        let (from, to) = (self.value(from)?, self.value(to)?);
        // Friday to Sunday ends with the week.
        let to = if to == 0 && from > 0 && self.names.len() == 7 { 7 } else { to };
        if from > to {
            let (first, last) = (self.from, self.last());
            return Err(format!(
                "the {} `{text}` ends before it begins; write `{from}-{last},{first}-{to}`",
                self.name
            ));
        }
        Ok((from, to))
    }

    /// The last value that `*` stands for: Saturday of a week, whose Sunday is the first.
    fn last(&self) -> i16 {
        if self.names.len() == 7 { 6 } else { self.to }
    }

    /// A step that leads to a second value at least: `*/90` of minutes would come round every hour.
    fn step(&self, text: &str, span: i16) -> Result<usize, String> {
        let step = text.parse::<i16>().ok().filter(|step| (1..=span).contains(step));
        step.and_then(|step| usize::try_from(step).ok()).ok_or_else(|| match span {
            0 => format!("a step needs a range before it, and `/{text}` of the {} has one value", self.name),
            _ => format!("a step of the {} is a number from 1 to {span} here, and not `{text}`", self.name),
        })
    }

    fn value(&self, text: &str) -> Result<i16, String> {
        let lower = text.to_ascii_lowercase();
        let by_name = self.names.iter().position(|name| lower.len() >= 3 && name.starts_with(&lower));
        let by_name = by_name.and_then(|place| i16::try_from(place).ok()).map(|place| place + self.from);
        let number = if text.bytes().all(|b| b.is_ascii_digit()) { text.parse().ok() } else { None };
        let value = by_name.or(number).filter(|value| (self.from..=self.to).contains(value));
        value.ok_or_else(|| {
            let (name, from, to) = (self.name, self.from, self.to);
            let message = match self.names {
                [first, .., last] => format!(", or a name ({} to {})", capital(first), capital(last)),
                _ => String::new(),
            };
            format!("`{text}` is no {name}: write a number from {from} to {to}{message}")
        })
    }
}

/// The first three letters of a name, as crontabs have them.
fn capital(name: &str) -> String {
    format!("{}{}", name[..1].to_ascii_uppercase(), &name[1..3])
}
