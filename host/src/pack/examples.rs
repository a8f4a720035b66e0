//! The examples in a pack's rules: small raw records with what has to become of them, written by whoever edits the tables.
//! A pack whose examples come out otherwise is refused when it is loaded, and so is one with an example that says nothing.

mod form;

use serde_json::{Map, Value, json};

use super::{Context, PackError, RawInput, Revision, Verdict};
use crate::domain::extension::PREFIX;
use crate::domain::{ExternalId, RecordKind};

/// The member of the rules that holds the examples.
pub(super) const EXAMPLES: &str = "examples";

/// The examples that may come out otherwise before the rest is only counted.
const MOST_WRONG: usize = 20;

/// One example.
struct Example {
    name: String,
    kind: RecordKind,
    becomes: Becomes,
    /// Canonical fields of the first record with their values as text; an empty text stands for no value.
    expect: Map<String, Value>,
    /// The codes of all diagnostics, in their order; none where they do not matter.
    codes: Option<Vec<String>>,
    /// The raw record: `row`, and the lists by the CRM's names.
    raw: Map<String, Value>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Becomes {
    #[default]
    Mapped,
    Skipped,
    Rejected,
}

impl Becomes {
    const ALL: [Self; 3] = [Self::Mapped, Self::Skipped, Self::Rejected];

    fn as_str(self) -> &'static str {
        match self {
            Self::Mapped => "mapped",
            Self::Skipped => "skipped",
            Self::Rejected => "rejected",
        }
    }
}

/// The number of a revision's examples, and a line for each that comes out otherwise.
pub(super) fn told(revision: &Revision, context: &Context) -> (usize, Vec<String>) {
    let rules: Value = serde_json::from_str(&revision.rules).unwrap_or_default();
    let number = rules[EXAMPLES].as_array().map_or(0, Vec::len);
    let lines = run(revision, context).into_iter().flat_map(|error| match error {
        PackError::Examples(lines) => lines,
        other => vec![other.to_string()],
    });
    (number, lines.collect())
}

/// Runs the examples of a revision's rules in its sandbox. Answers a line for each that comes out otherwise, and for each
/// that is no example.
pub(super) fn run(revision: &Revision, context: &Context) -> Vec<PackError> {
    let rules: Value = serde_json::from_str(&revision.rules).unwrap_or_default();
    let examples = match &rules[EXAMPLES] {
        Value::Null => &[],
        Value::Array(examples) => examples.as_slice(),
        _ => return vec![PackError::Examples(vec![format!("/{EXAMPLES}: examples are written as [[{EXAMPLES}]]")])],
    };
    let (sound, mut wrong) = form::read(examples, revision.sources());
    let records: Vec<RawInput> = sound.iter().map(|(_, example)| example.record()).collect();
    for ((place, example), verdict) in sound.iter().zip(revision.map(context, &records)) {
        let otherwise = example.compare(verdict);
        if !otherwise.is_empty() {
            let name = &example.name;
            wrong.push(format!(
                "/{EXAMPLES}/{place}: the example \"{name}\" comes out otherwise: {}",
                otherwise.join("; ")
            ));
        }
    }
    let more = wrong.len().saturating_sub(MOST_WRONG);
    wrong.truncate(MOST_WRONG);
    if more > 0 {
        wrong.push(format!("{more} more things are wrong with the examples"));
    }
    if wrong.is_empty() { Vec::new() } else { vec![PackError::Examples(wrong)] }
}

impl Example {
    fn record(&self) -> RawInput {
        let json = Value::Object(self.raw.clone()).to_string().into_bytes();
        RawInput { kind: self.kind, id: ExternalId("1".to_owned()), json }
    }

    /// What comes out otherwise, a part of a sentence each.
    fn compare(&self, verdict: Verdict) -> Vec<String> {
        let (becomes, record, diagnostics) = match verdict {
            Verdict::Mapped { records, diagnostics } => {
                let record = records.into_iter().next();
                let fields = record.map(|record| json!(record)[record.kind().as_str()].take());
                (Becomes::Mapped, fields.unwrap_or_default(), diagnostics)
            }
            Verdict::Skipped(diagnostics) => (Becomes::Skipped, Value::Null, diagnostics),
            Verdict::Rejected(diagnostics) => (Becomes::Rejected, Value::Null, diagnostics),
        };
        let mut otherwise = Vec::new();
        if becomes != self.becomes {
            otherwise.push(format!("it is {}, expected {}", becomes.as_str(), self.becomes.as_str()));
        }
        for (field, expected) in &self.expect {
            let found = match field.strip_prefix(PREFIX) {
                Some(name) => added(&record, name),
                None => text(&record[field]),
            };
            let expected = text(expected);
            if found != expected {
                otherwise.push(format!("{field} is {}, expected {}", or_nothing(&found), or_nothing(&expected)));
            }
        }
        let found: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect();
        if let Some(expected) = self.codes.as_ref().filter(|expected| **expected != found) {
            otherwise.push(format!("its codes are [{}], expected [{}]", found.join(", "), expected.join(", ")));
        }
        otherwise
    }
}

/// The value of a field that the pack adds.
fn added(record: &Value, name: &str) -> String {
    let all = record["extensions"].as_array();
    let found = all.into_iter().flatten().find(|one| one["name"] == name);
    found.map(|one| text(&one["value"])).unwrap_or_default()
}

/// A canonical value as examples write it: an amount as `1234.50 AUD`.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(money) => format!("{} {}", text(&money["amount"]), text(&money["currency"])),
        other => other.to_string(),
    }
}

fn or_nothing(text: &str) -> String {
    if text.is_empty() { "empty".to_owned() } else { format!("`{text}`") }
}
