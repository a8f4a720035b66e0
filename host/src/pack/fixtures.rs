//! Golden fixtures of a pack (`rules/README.md` describes the form): what goes in and all that has to come out, here
//! through the sandbox and as domain values, so that a pack which says something else than its author meant is
//! refused when it is loaded.

use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::files::{self, read_text, refused};
use super::layers::{LayerFile, Layers};
use super::rules::PLAIN_DIALECT;
use super::{Context, NoteEvent, NoteMember, PackError, RawInput, Revision, Verdict};
use crate::domain::stored::HouseholdRole;
use crate::domain::{Canonical, Date, ExternalId, RecordKind};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    name: String,
    #[serde(default)]
    context: ContextFile,
    raw: Option<Raw>,
    outcome: Option<Value>,
    event: Option<EventFile>,
    note: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ContextFile {
    region: Option<String>,
    dialect: Option<String>,
    connection: Option<String>,
    placeholder_email_domain: Option<String>,
    as_of: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    kind: RecordKind,
    id: ExternalId,
    json: Option<Box<RawValue>>,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventFile {
    #[serde(rename = "type")]
    event_type: String,
    occurred_at: String,
    practice_name: String,
    household_name: String,
    members: Vec<MemberFile>,
    about: Option<ExternalId>,
    data: Box<RawValue>,
    #[serde(default)]
    attachments: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberFile {
    external_id: ExternalId,
    first_name: Option<String>,
    last_name: Option<String>,
    preferred_name: Option<String>,
    role: HouseholdRole,
}

/// Places of a fixture that are told; further ones are counted.
const MOST_PLACES: usize = 10;

/// Fixtures that may come out otherwise before the rest is not run: each may take a plugin's whole time.
const MOST_WRONG: usize = 20;

/// The folder of a pack's fixtures.
const FOLDER: &str = "fixtures";

/// Runs the fixtures of a pack's layers that are of the dialect. Answers what is wrong with each that comes out otherwise:
/// every place, and both values; or why they cannot be read.
pub(super) fn run(revision: &Revision, layers: &Layers<'_>, dialect: &str) -> Vec<PackError> {
    let names = match layers.listed(FOLDER) {
        Err(error) => return vec![error],
        Ok(names) => names,
    };
    let fixtures = names.into_iter().filter(|(name, _)| name.ends_with(".json"));
    let files = fixtures.filter_map(|(_, files)| files.into_iter().next());
    let run = |file: LayerFile| {
        let text = layers.text(&file)?;
        run_one(revision, &text, dialect).map_err(|error| layers.tell(error.at(&file.path)))
    };
    files.filter_map(|file| run(file).err()).take(MOST_WRONG).collect()
}

/// Runs the fixtures in a folder of `folder`, which is none of the pack's; where there is none, there are no fixtures.
/// Answers as [`run`].
pub(super) fn run_beside(revision: &Revision, folder: &Path, of: &str, dialect: &str) -> Vec<PackError> {
    let inner = folder.join(of);
    if !inner.exists() {
        return Vec::new();
    }
    let paths = match files::listed(&inner) {
        Err(error) => return vec![error],
        Ok(paths) => paths,
    };
    let fixtures = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let run = |path: &Path| {
        let text = read_text(folder, path)?;
        run_one(revision, &text, dialect).map_err(|error| error.at(path))
    };
    fixtures.filter_map(|path| run(path).err()).take(MOST_WRONG).collect()
}

/// The reason why a fixture does not hold.
enum Wrong {
    /// What is wrong with its file, or comes out otherwise.
    Fixture(String),
    /// The plugin's or the machine's own failure.
    Elsewhere(PackError),
}

impl Wrong {
    fn at(self, path: &Path) -> PackError {
        match self {
            Self::Fixture(why) => refused(path, &why),
            Self::Elsewhere(error) => error,
        }
    }
}

fn run_one(revision: &Revision, text: &str, dialect: &str) -> Result<(), Wrong> {
    let fixture: Fixture = serde_json::from_str(text).map_err(|error| Wrong::Fixture(error.to_string()))?;
    if fixture.context.dialect.as_deref().unwrap_or(PLAIN_DIALECT) != dialect {
        return Ok(());
    }
    let name = fixture.name.clone();
    let needs = "a fixture has `raw` (with `json` or `text`) and `outcome`, or `event` and `note`";
    let outcome = fixture.run(revision).map_err(Wrong::Elsewhere)?;
    let (found, expected) = outcome.ok_or_else(|| Wrong::Fixture(needs.to_owned()))?;
    let mut places = Vec::new();
    differences(&expected, &found, "", &mut places);
    if places.is_empty() {
        return Ok(());
    }
    let more = places.len().saturating_sub(MOST_PLACES);
    places.truncate(MOST_PLACES);
    let more = if more > 0 { format!("; and in {more} places more") } else { String::new() };
    let why = format!("the fixture \"{name}\" comes out otherwise: {}{more}", places.join("; "));
    Err(Wrong::Fixture(why))
}

impl Fixture {
    /// The outcome that comes out and the one that should; none where the fixture has not got both ends.
    fn run(self, revision: &Revision) -> Result<Option<(Value, Value)>, PackError> {
        let context = self.context.fill(revision.region());
        match (self.raw, self.outcome, self.event, self.note) {
            (Some(raw), Some(expected), None, None) => {
                let Some(raw) = raw.into_input() else { return Ok(None) };
                let verdict = revision.map(&context, &[raw]).into_iter().next();
                Ok(verdict.map(|verdict| (verdict_to_json(verdict), expected)))
            }
            (None, None, Some(event), Some(expected)) => {
                let attachments: Vec<_> = event.attachments.iter().map(String::as_str).collect();
                let found = match revision.render_note(&context, &event.note_event(), &attachments) {
                    Ok((note, attachments)) => {
                        let mut found = json!(note);
                        found["attachments"] = json!(attachments);
                        found
                    }
                    Err(PackError::NotRendered(diagnostics)) => json!({ "diagnostics": diagnostics }),
                    Err(error) => return Err(error),
                };
                Ok(Some((found, expected)))
            }
            _ => Ok(None),
        }
    }
}

/// The context of a fixture that is made for a dialect and a day.
pub(super) fn context_on(region: &str, dialect: &str, as_of: Date) -> Context {
    Context { as_of, ..context(region, dialect) }
}

/// The context of what a pack has to try out, where it does not say otherwise.
pub(super) fn context(region: &str, dialect: &str) -> Context {
    let file = ContextFile { dialect: Some(dialect.to_owned()), ..ContextFile::default() };
    file.fill(region)
}

impl ContextFile {
    fn fill(self, region: &str) -> Context {
        Context {
            region: self.region.unwrap_or_else(|| region.to_owned()),
            dialect: self.dialect.unwrap_or_else(|| PLAIN_DIALECT.to_owned()),
            connection: self.connection.unwrap_or_else(|| "test".to_owned()),
            placeholder_email_domain: self.placeholder_email_domain.unwrap_or_else(|| "practice.example".to_owned()),
            as_of: self.as_of.unwrap_or(Date::constant(2026, 3, 1)),
        }
    }
}

impl Raw {
    fn into_input(self) -> Option<RawInput> {
        let json = match (self.json, self.text) {
            (Some(json), None) => json.get().as_bytes().to_vec(),
            (None, Some(text)) => text.into_bytes(),
            _ => return None,
        };
        Some(RawInput { kind: self.kind, id: self.id, json })
    }
}

impl EventFile {
    fn note_event(&self) -> NoteEvent {
        let member = |member: &MemberFile| NoteMember {
            external_id: member.external_id.clone(),
            first_name: member.first_name.clone(),
            last_name: member.last_name.clone(),
            preferred_name: member.preferred_name.clone(),
            role: member.role,
        };
        NoteEvent {
            event_type: self.event_type.clone(),
            occurred_at: self.occurred_at.clone(),
            practice_name: self.practice_name.clone(),
            household_name: self.household_name.clone(),
            members: self.members.iter().map(member).collect(),
            about: self.about.clone(),
            data: self.data.get().to_owned(),
        }
    }
}

pub(super) fn verdict_to_json(verdict: Verdict) -> Value {
    match verdict {
        Verdict::Mapped { records, diagnostics } => {
            let records: Value = records.iter().map(record_to_json).collect();
            json!({ "verdict": "mapped", "records": records, "diagnostics": diagnostics })
        }
        Verdict::Skipped(diagnostics) => json!({ "verdict": "skipped", "diagnostics": diagnostics }),
        Verdict::Rejected(diagnostics) => json!({ "verdict": "rejected", "diagnostics": diagnostics }),
    }
}

/// The record's fields with its kind among them.
fn record_to_json(record: &Canonical) -> Value {
    let kind = record.kind();
    let mut fields = json!(record)[kind.as_str()].take();
    fields["kind"] = json!(kind);
    fields
}

/// The places, as JSON Pointers, where the two differ, and what stands there.
fn differences(expected: &Value, found: &Value, place: &str, places: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(wanted), Value::Object(seen)) => {
            for key in wanted.keys().chain(seen.keys().filter(|key| !wanted.contains_key(*key))) {
                differences(&expected[key], &found[key], &format!("{place}/{key}"), places);
            }
        }
        (Value::Array(wanted), Value::Array(seen)) if wanted.len() == seen.len() => {
            for (i, (wanted, seen)) in wanted.iter().zip(seen).enumerate() {
                differences(wanted, seen, &format!("{place}/{i}"), places);
            }
        }
        _ if expected == found => {}
        _ => places.push(format!("{place} is {found}, expected {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_told() {
        let check = |expected: Value, found: Value, told: &[&str]| {
            let mut places = Vec::new();
            differences(&expected, &found, "", &mut places);
            assert_eq!(places, told);
        };
        check(json!({"a": [1, {"b": null}]}), json!({"a": [1, {"b": null}]}), &[]);
        check(json!({"a": [1, 2]}), json!({"a": [1, 3]}), &["/a/1 is 3, expected 2"]);
        check(json!({"a": [1, 2]}), json!({"a": [1]}), &["/a is [1], expected [1,2]"]);
        check(json!({"b": 2}), json!({"a": 1, "b": 3}), &["/b is 3, expected 2", "/a is 1, expected null"]);
    }
}
