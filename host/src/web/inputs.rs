//! Inputs for the fields of a record, as the record's table in the domain has them.

use askama::Template;
use askama::filters::HtmlSafe;

use jiff::civil::{Date, DateTime};

use crate::domain::field::{Choice, Field, FieldError, ValueType};

/// What is wrong with the field of this name, where anything is.
pub(super) fn problem_of<'p>(problems: &'p [FieldError], field: &str) -> Option<&'p str> {
    problems.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
}

/// The type of the input that shows a day, and the day as it stands there. What is no day stands in an input for text: browsers show
/// nothing of it in one for dates.
pub(super) fn day(text: &str) -> (&'static str, String) {
    match text.trim().parse::<Date>() {
        Ok(day) if day.year() > 0 => ("date", day.to_string()),
        _ if text.trim().is_empty() => ("date", String::new()),
        _ => ("text", text.to_owned()),
    }
}

/// The same of a moment on somebody's clock. A day alone is none, and neither is what such an input could not show in full.
pub(super) fn moment(text: &str) -> (&'static str, String) {
    let time = text.trim().split_once(['T', 't', ' ']).map(|(_, time)| time);
    let is_plain = time.is_some_and(|time| !time.contains(['+', '-', '[']));
    match text.trim().parse::<DateTime>() {
        Ok(moment) if is_plain && moment.year() > 0 && moment.subsec_nanosecond() == 0 => {
            let form = if moment.second() == 0 { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%dT%H:%M:%S" };
            ("datetime-local", moment.strftime(form).to_string())
        }
        _ if text.trim().is_empty() => ("datetime-local", String::new()),
        _ => ("text", text.to_owned()),
    }
}

/// One field of a form.
#[derive(Template)]
#[template(path = "components/input.html")]
pub(super) struct Input {
    name: &'static str,
    label: &'static str,
    /// The input's type in HTML.
    kind: &'static str,
    value: String,
    /// The most characters that may stand in it.
    longest: Option<usize>,
    hint: Option<&'static str>,
    /// The words that it may be; empty where any text may stand there.
    choices: &'static [Choice],
    problem: Option<String>,
}

impl HtmlSafe for Input {}

impl Input {
    /// The input of `field` with what stands in it, and with what is wrong with that.
    pub(super) fn new(field: &'static Field, value: String, errors: &[FieldError]) -> Self {
        let (day, value) = if field.value == ValueType::Date { day(&value) } else { ("date", value) };
        let (kind, hint) = match field.value {
            ValueType::Date => (day, None),
            ValueType::Email => ("email", None),
            ValueType::Phone => ("tel", Some("With + and the country code, such as +61, +64, +44 or +27.")),
            ValueType::Country => ("text", Some("Two letters, such as AU, NZ, GB or ZA.")),
            _ => ("text", None),
        };
        let choices = if let ValueType::Choice(choices) = field.value { choices } else { &[] };
        let problem = problem_of(errors, field.name).map(str::to_owned);
        Self {
            name: field.name,
            label: field.label,
            kind,
            value,
            longest: field.value.longest(),
            hint,
            choices,
            problem,
        }
    }

    /// The input with a hint about its content.
    pub(super) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

/// An input that is no field of a record: of a form about accounts.
#[derive(Template, Clone, Debug)]
#[template(path = "components/plain-input.html")]
pub(super) struct PlainInput {
    id: &'static str,
    name: &'static str,
    label: &'static str,
    /// The input's type in HTML.
    kind: &'static str,
    value: String,
    /// What a browser may fill in.
    autocomplete: &'static str,
    /// The keyboard that a telephone shows; its usual one where empty.
    inputmode: &'static str,
    hint: Option<&'static str>,
    is_required: bool,
    problem: Option<String>,
}

impl HtmlSafe for PlainInput {}

impl PlainInput {
    /// An input of this name for a text.
    pub(super) fn text(name: &'static str, label: &'static str, value: &str) -> Self {
        Self {
            id: name,
            name,
            label,
            kind: "text",
            value: value.to_owned(),
            autocomplete: "off",
            inputmode: "",
            hint: None,
            is_required: true,
            problem: None,
        }
    }

    /// An input for an email.
    pub(super) fn email(value: &str) -> Self {
        Self { kind: "email", ..Self::text("email", "Email", value) }
    }

    /// An input for a password that somebody chooses.
    pub(super) fn new_password(label: &'static str) -> Self {
        let hint = "At least 12 characters. A few words in a row are easy to remember.";
        let input = Self { kind: "password", autocomplete: "new-password", ..Self::text("password", label, "") };
        input.hint(hint)
    }

    /// An input for the password that somebody has.
    pub(super) fn current_password(id: &'static str) -> Self {
        let input = Self::text("current_password", "Your password", "");
        Self { id, kind: "password", autocomplete: "current-password", ..input }
    }

    /// An input for a code of somebody's app, or a recovery code.
    pub(super) fn code() -> Self {
        let input = Self { autocomplete: "one-time-code", inputmode: "numeric", ..Self::text("code", "Code", "") };
        input.hint("The six digits that your app shows, or one of your recovery codes.")
    }

    /// The input with another id, where a page has several of the name.
    pub(super) fn id(self, id: &'static str) -> Self {
        Self { id, ..self }
    }

    /// An input for a day, which may be left out.
    pub(super) fn day(name: &'static str, label: &'static str, value: &str) -> Self {
        let (kind, value) = day(value);
        Self { kind, is_required: false, ..Self::text(name, label, &value) }
    }

    /// The input with a hint about its content.
    pub(super) fn hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// The input with what is wrong with its content.
    pub(super) fn problems(self, errors: &[FieldError]) -> Self {
        let problem = problem_of(errors, self.id).map(str::to_owned);
        Self { problem, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_the_browsers_input_and_what_is_none_stays_to_be_read() {
        let check = |text: &str, kind: &str, value: &str| assert_eq!(day(text), (kind, value.to_owned()), "{text}");
        check("", "date", "");
        check(" ", "date", "");
        check(" 2026-11-30 ", "date", "2026-11-30");
        check("0021-11-30", "date", "0021-11-30");
        check("soon", "text", "soon");
        check("30/11/2026", "text", "30/11/2026");
        check("20261-11-30", "text", "20261-11-30");
        check("-002026-11-30", "text", "-002026-11-30");
    }

    #[test]
    fn a_moment_has_the_browsers_input_as_that_writes_it() {
        let check = |text: &str, kind: &str, value: &str| assert_eq!(moment(text), (kind, value.to_owned()), "{text}");
        check(" ", "datetime-local", "");
        check("2026-11-30T10:26", "datetime-local", "2026-11-30T10:26");
        check(" 2026-11-30 10:26:05 ", "datetime-local", "2026-11-30T10:26:05");
        check("0021-11-30T10:26", "datetime-local", "0021-11-30T10:26");
        check("2026-11-30T10", "datetime-local", "2026-11-30T10:00");
        check("20261130T1026", "datetime-local", "2026-11-30T10:26");
        check("2026-11-30", "text", "2026-11-30");
        check("2026-11-30T10:26:05.25", "text", "2026-11-30T10:26:05.25");
        check("2026-11-30T10:26+10:00", "text", "2026-11-30T10:26+10:00");
        check("yesterday", "text", "yesterday");
    }
}
