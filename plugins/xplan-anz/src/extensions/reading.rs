//! The value of an extension by its type, in the one form that the type has.

use std::cmp::Ordering;

use tidegate_sdk::{LineageRecorder, Severity};
use xplan::{Added, Amount, Number, Value, View};

use super::{ExtensionMapping, Form};
use crate::{dates, listed};

/// A value as it was read.
pub(super) struct Read {
    pub text: String,
    /// Whether the CRM keeps it as a number, which has no zeros before it.
    pub is_number: bool,
}

/// The sentence that stands for one about a sensitive value: what shared readers say quotes it.
pub(super) fn without_the_value(label: &str, severity: Severity) -> String {
    match severity {
        Severity::Info => format!("{label}: the value was read from another form than the usual one."),
        Severity::Warning | Severity::Error => format!(
            "{label}: what Xplan has cannot be used; it was left out. Correct it in Xplan. It is sensitive, so that it is \
             not shown here."
        ),
    }
}

impl ExtensionMapping {
    /// The value; what cannot be used is left out and told.
    pub(super) fn read(&self, row: View<'_, '_, Added>, recorder: &mut LineageRecorder) -> Option<Read> {
        let (field, canonical) = (self.field, self.canonical.as_str());
        let text = match &self.form {
            Form::Text => return text(row, field, canonical, recorder),
            Form::Date => dates::day(row, field, canonical, recorder)?.to_string(),
            Form::Number => number(row, field, canonical, recorder)?,
            Form::Money(home) => {
                let money = listed::amount(row, field, canonical, home, recorder).known()?;
                format!("{} {}", shortest(&money.amount), money.currency)
            }
            Form::Flag => row.flag(field, canonical, recorder)?.to_string(),
            Form::Choice(words) => {
                let word = text(row, field, canonical, recorder)?.text;
                let Some(meaning) = words.get(&word) else {
                    let message = format!(
                        "{}: “{word}” is no word the rules know; it was left out. Add it to {}/{}/words in the pack's \
                         rules, or correct it in Xplan.",
                        self.label, row.rules, self.name
                    );
                    recorder.warn(canonical, &self.unknown_word(), message);
                    return None;
                };
                meaning.clone()
            }
        };
        Some(Read { text, is_number: false })
    }
}

/// A text, or a number as it is written.
fn text(row: View<'_, '_, Added>, field: Added, canonical: &str, recorder: &mut LineageRecorder) -> Option<Read> {
    match row.get(field) {
        Value::Number(number) => Some(Read { text: number.to_string(), is_number: true }),
        Value::Decimal(number) if !number.trim().is_empty() => {
            Some(Read { text: number.trim().to_owned(), is_number: true })
        }
        _ => Some(Read { text: row.text(field, canonical, recorder)?.into_owned(), is_number: false }),
    }
}

/// A number without a currency.
fn number(row: View<'_, '_, Added>, field: Added, canonical: &str, recorder: &mut LineageRecorder) -> Option<String> {
    let written = match row.get(field) {
        Value::Number(Number::Int(number)) => return Some(number.to_string()),
        Value::Number(number) => number.to_string(),
        Value::Decimal(text) => text.to_string(),
        _ => row.text(field, canonical, recorder)?.into_owned(),
    };
    if written.trim().is_empty() {
        return None;
    }
    match Amount::read(&written) {
        Some(Amount { number, currency: None }) => Some(shortest(&number)),
        _ => {
            let message = format!("“{written}” is no number; it was left out. Correct it in Xplan.");
            recorder.warn(canonical, "not-a-number", message);
            None
        }
    }
}

/// A decimal number without the zeros that say nothing: `1250.50` is `1250.5`.
fn shortest(number: &str) -> String {
    if listed::sign(number) == Ordering::Equal {
        return "0".to_owned();
    }
    match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => number.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::shortest;

    #[test]
    fn a_number_has_one_form() {
        for (written, one) in [
            ("1250.50", "1250.5"),
            ("1250.00", "1250"),
            ("100", "100"),
            ("-0.00", "0"),
            ("0.05", "0.05"),
            ("-2.0", "-2"),
        ] {
            assert_eq!(shortest(written), one, "{written}");
        }
    }
}
