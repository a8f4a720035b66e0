//! Fields of a site's own that the rules add to a record: which CRM field, by which type and check, under which name.
//!
//! Whatever is sensitive stands in no message and no explanation: only in the record.

mod agreement;
mod reading;
mod rules;

use tidegate_sdk::{Ctx, Extension, LineageRecorder, Origin, Sex, Table, text};
use xplan::{Added, Date, Fields, View};

use crate::checks::{Check, Checked};
use agreement::Person;
pub(crate) use rules::{ExtensionRules, Of};

/// The extensions of one kind of record.
pub(crate) struct Extensions {
    /// The place in the rules: `/client/extensions`.
    path: &'static str,
    each: Vec<ExtensionMapping>,
}

/// One extension, made ready.
struct ExtensionMapping {
    name: String,
    /// The name in diagnostics and explanations: `extensions.risk_profile`.
    canonical: String,
    label: String,
    field: Added,
    form: Form,
    /// The check that a number has to pass, with its name in the rules.
    check: Option<(&'static str, &'static Check)>,
    is_sensitive: bool,
    fills_date_of_birth: bool,
}

/// The type of an extension's values, each of which has one written form.
enum Form {
    Text,
    /// `2026-03-01`.
    Date,
    /// `1250.5`.
    Number,
    /// `1250.5 GBP`; of amounts that state no currency, this one.
    Money(String),
    /// `true` or `false`.
    Flag,
    /// The key of the word's row.
    Choice(Table<String>),
}

/// The person in whose record a client's extensions stand, as the other fields tell of them.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub date_of_birth: Option<Date>,
    pub sex: Option<Sex>,
}

/// The values of a client's extensions, and what follows from them.
pub(crate) struct OfClient {
    pub extensions: Vec<Extension>,
    /// The date of birth that a number holds, of a client of whom the CRM has none.
    pub date_of_birth: Option<Date>,
}

impl Extensions {
    /// A client's extensions.
    pub fn of_client<F: Fields>(
        &self,
        row: View<'_, '_, F>,
        known: Known,
        ctx: &Ctx<'_>,
        recorder: &mut LineageRecorder,
    ) -> OfClient {
        let mut person = Person { known, as_of: &ctx.context.as_of, date_of_birth: None };
        let row = row.added(self.path);
        let one = |mapping: &ExtensionMapping| mapping.map(row, self.path, Some(&mut person), recorder);
        let extensions = self.each.iter().filter_map(one).collect();
        OfClient { extensions, date_of_birth: person.date_of_birth }
    }

    /// The extensions of a goal or a cover.
    pub fn of_item<F: Fields>(&self, row: View<'_, '_, F>, recorder: &mut LineageRecorder) -> Vec<Extension> {
        let row = row.added(self.path);
        self.each.iter().filter_map(|mapping| mapping.map(row, self.path, None, recorder)).collect()
    }
}

impl ExtensionMapping {
    fn map(
        &self,
        row: View<'_, '_, Added>,
        path: &str,
        person: Option<&mut Person<'_>>,
        recorder: &mut LineageRecorder,
    ) -> Option<Extension> {
        let read = if self.is_sensitive {
            let mut heard = LineageRecorder::new();
            let read = self.read(row, &mut heard);
            for said in heard.diagnostics() {
                let message = reading::without_the_value(&self.label, said.severity);
                recorder.field(said.severity, &self.canonical, &said.code, message);
            }
            read
        } else {
            self.read(row, recorder)
        };
        let value = read.and_then(|read| match self.check {
            Some((_, check)) => self.checked(check, &read, person, row, recorder),
            None => Some(read.text),
        });
        recorder.origin(&self.canonical, || Origin { rule: Some(self.rule(path)), ..self.source(row) });
        Some(Extension { name: self.name.clone(), value: value? })
    }

    /// The value in the form that its check gives it. What does not pass is left out and told, without a digit of it.
    fn checked(
        &self,
        check: &Check,
        read: &reading::Read,
        person: Option<&mut Person<'_>>,
        row: View<'_, '_, Added>,
        recorder: &mut LineageRecorder,
    ) -> Option<String> {
        let Self { label, canonical, .. } = self;
        let is_short = |length: usize| read.is_number && read.text.len() < length;
        let restored = check.length.filter(|length| is_short(*length)).map(|length| format!("{:0>length$}", read.text));
        let passed = (check.pass)(restored.as_deref().unwrap_or(&read.text)).and_then(|checked: Checked| {
            if let Some(person) = person {
                let source = || Origin { rule: None, ..self.source(row) };
                person.agree(self, &checked, source, recorder)?;
            }
            Ok(checked.value)
        });
        match passed {
            Ok(value) => {
                if restored.is_some() {
                    let message =
                        format!("{label}: the number has lost its leading zeros in Xplan; they were put back.");
                    recorder.info(canonical, "leading-zero-restored", message);
                }
                Some(value)
            }
            Err(refusal) => {
                let message =
                    format!("{label}: what Xplan has {}; it was left out. Correct it in Xplan.", refusal.reason);
                recorder.warn(canonical, refusal.code, message);
                None
            }
        }
    }

    fn source(&self, row: View<'_, '_, Added>) -> Origin {
        let shown = |value: &String| !self.is_sensitive && !value.is_empty();
        Origin {
            source: Some(row.pointer(self.field)),
            source_value: row.get(self.field).display().filter(shown),
            rule: None,
        }
    }

    /// The rule's place, and what it says.
    fn rule(&self, path: &str) -> String {
        let kind = self.form.word();
        let check = self.check.map(|(name, _)| format!(", checked as {name}")).unwrap_or_default();
        format!("{path}/{} {}, {kind}{check}", self.name, self.label)
    }

    /// The code of a word that the table of this extension has not got.
    fn unknown_word(&self) -> String {
        format!("unknown-{}", self.name.replace('_', "-"))
    }
}

impl Form {
    const WORDS: [&'static str; 6] = ["text", "date", "number", "money", "flag", "choice"];

    fn word(&self) -> &'static str {
        let at = match self {
            Self::Text => 0,
            Self::Date => 1,
            Self::Number => 2,
            Self::Money(_) => 3,
            Self::Flag => 4,
            Self::Choice(_) => 5,
        };
        Self::WORDS[at]
    }
}

/// Whether two labels read the same.
fn is_same_label(one: &str, other: &str) -> bool {
    text::normal(one) == text::normal(other)
}
