//! Golden fixtures of a pack (`rules/README.md` describes the form): what goes in and all that has to come out, here
//! through the sandbox and as domain values, so that a pack which says something else than its author meant is
//! refused when it is loaded.

use std::path::{Path, PathBuf};

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

/// A fixture that was run: what its author expects, and what came out.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its file.
    pub path: PathBuf,
    /// The sentence that says what it shows.
    pub name: String,
    /// The outcome or note that is expected.
    pub expected: Value,
    /// The outcome or note that came out.
    pub found: Value,
    /// Whether its file is the pack's own, and no base's.
    pub is_own: bool,
}

impl Case {
    /// Whether what came out is what is expected, whatever the words of diagnostics are by now.
    pub fn holds(&self) -> bool {
        without_words(self.expected.clone()) == without_words(self.found.clone())
    }
}

/// The raw record or the event of a fixture's file, with what is expected, as they stand there.
#[derive(Deserialize)]
struct Expected<'a> {
    #[serde(borrow)]
    outcome: Option<&'a RawValue>,
    #[serde(borrow)]
    note: Option<&'a RawValue>,
}

/// A fixture's text with what came out in the place of what is expected. Everything else stays as its author wrote it, byte
/// for byte: numbers that JSON writes in several ways, members that stand twice.
///
/// # Errors
/// Says why the text is no fixture.
pub fn blessed(text: &str, found: &Value) -> Result<String, String> {
    let parts: Expected<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let expected = parts.outcome.or(parts.note).ok_or("it has neither `outcome` nor `note`")?.get();
    // A slice of the text itself, so that its place follows from where it begins.
    let from = expected.as_ptr() as usize - text.as_ptr() as usize;
    let pretty = serde_json::to_string_pretty(found).map_err(|error| error.to_string())?;
    let end = if text.contains("\r\n") { "\r\n  " } else { "\n  " };
    let indented = pretty.replace('\n', end);
    Ok(format!("{}{indented}{}", &text[..from], &text[from + expected.len()..]))
}

/// A raw record as fixtures have it, and files of records a line each: `{"kind": "client", "id": "7", "json": {…}}`.
///
/// # Errors
/// Says what is missing.
pub fn record_of(text: &str) -> Result<RawInput, String> {
    let raw: Raw = serde_json::from_str(text).map_err(|error| error.to_string())?;
    raw.into_input().ok_or_else(|| "a record has `json`, or `text` where it is to be no JSON".to_owned())
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
    let files = match fixtures_of(layers) {
        Err(error) => return vec![error],
        Ok(files) => files,
    };
    let run = |file: LayerFile| {
        let text = layers.text(&file)?;
        run_one(revision, &text, dialect).map_err(|error| layers.tell(error.at(&file.path)))
    };
    files.into_iter().filter_map(|file| run(file).err()).take(MOST_WRONG).collect()
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
    let Some((name, expected, found)) = run_text(revision, text, dialect)? else { return Ok(()) };
    let mut places = Vec::new();
    differences(&without_words(expected), &without_words(found), "", &mut places);
    if places.is_empty() {
        return Ok(());
    }
    let more = places.len().saturating_sub(MOST_PLACES);
    places.truncate(MOST_PLACES);
    let more = if more > 0 { format!("; and in {more} places more") } else { String::new() };
    let why = format!("the fixture \"{name}\" comes out otherwise: {}{more}", places.join("; "));
    Err(Wrong::Fixture(why))
}

/// A fixture's name, what is expected and what comes out; none where it is of another dialect.
fn run_text(revision: &Revision, text: &str, dialect: &str) -> Result<Option<(String, Value, Value)>, Wrong> {
    let fixture: Fixture = serde_json::from_str(text).map_err(|error| Wrong::Fixture(error.to_string()))?;
    if fixture.dialect() != dialect {
        return Ok(None);
    }
    let name = fixture.name.clone();
    let needs = "a fixture has `raw` (with `json` or `text`) and `outcome`, or `event` and `note`";
    let outcome = fixture.run(revision).map_err(Wrong::Elsewhere)?;
    let (found, expected) = outcome.ok_or_else(|| Wrong::Fixture(needs.to_owned()))?;
    Ok(Some((name, expected, found)))
}

/// Runs every fixture of a pack's layers that is of the dialect: each with what came out, or why it cannot be run.
pub(super) fn cases(revision: &Revision, layers: &Layers<'_>, dialect: &str) -> Vec<Result<Case, PackError>> {
    let files = match fixtures_of(layers) {
        Err(error) => return vec![Err(error)],
        Ok(files) => files,
    };
    let run = |file: &LayerFile| {
        let case = case(revision, &file.path, &layers.text(file)?, dialect).map_err(|error| layers.tell(error))?;
        Ok(case.map(|case| Case { is_own: file.layer == 0, ..case }))
    };
    files.iter().filter_map(|file| run(file).transpose()).collect()
}

/// The same with the fixtures in a folder that is none of the pack's.
pub(super) fn cases_beside(revision: &Revision, folder: &Path, dialect: &str) -> Vec<Result<Case, PackError>> {
    let paths = match files::listed(folder) {
        Err(error) => return vec![Err(error)],
        Ok(paths) => paths,
    };
    let fixtures = paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let run = |path: &PathBuf| case(revision, path, &read_text(folder, path)?, dialect);
    fixtures.filter_map(|path| run(path).transpose()).collect()
}

fn case(revision: &Revision, path: &Path, text: &str, dialect: &str) -> Result<Option<Case>, PackError> {
    let ran = run_text(revision, text, dialect).map_err(|error| error.at(path))?;
    Ok(ran.map(|(name, expected, found)| Case { path: path.to_owned(), name, expected, found, is_own: true }))
}

/// The raw records of the fixtures of a pack's layers that are of a dialect.
///
/// # Errors
/// Names the fixture that cannot be read.
pub(super) fn records(pack: &Path, dialect: &str) -> Result<Vec<RawInput>, PackError> {
    let layers = Layers::of(pack)?;
    let mut records = Vec::new();
    for file in fixtures_of(&layers)? {
        let text = layers.text(&file)?;
        let fixture: Fixture = serde_json::from_str(&text).map_err(|error| refused(&file.path, &error.to_string()))?;
        if fixture.dialect() == dialect {
            records.extend(fixture.raw.and_then(Raw::into_input));
        }
    }
    Ok(records)
}

/// The files of a pack's fixtures: of each name the pack's own, or else the nearest base's.
fn fixtures_of(layers: &Layers<'_>) -> Result<Vec<LayerFile>, PackError> {
    let fixtures = layers.listed(FOLDER)?.into_iter().filter(|(name, _)| name.ends_with(".json"));
    Ok(fixtures.filter_map(|(_, files)| files.into_iter().next()).collect())
}

impl Fixture {
    fn dialect(&self) -> &str {
        self.context.dialect.as_deref().unwrap_or(PLAIN_DIALECT)
    }

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
pub(super) fn record_to_json(record: &Canonical) -> Value {
    let kind = record.kind();
    let mut fields = json!(record)[kind.as_str()].take();
    fields["kind"] = json!(kind);
    fields
}

/// An outcome without the words of its diagnostics, which name what the tables have: a word more there is no other outcome.
fn without_words(mut outcome: Value) -> Value {
    let diagnostics = outcome.get_mut("diagnostics").and_then(Value::as_array_mut);
    for diagnostic in diagnostics.into_iter().flatten() {
        diagnostic.as_object_mut().map(|members| members.remove("message"));
    }
    outcome
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
    fn the_words_of_diagnostics_are_no_difference() {
        let outcome = |code: &str, message: &str| {
            without_words(json!({ "verdict": "mapped", "diagnostics": [{ "code": code, "message": message }] }))
        };
        assert_eq!(outcome("a", "Known are 1, 2."), outcome("a", "Known are 1, 2, 3."));
        assert_ne!(outcome("a", "Known are 1, 2."), outcome("b", "Known are 1, 2."));
        assert_eq!(without_words(json!({ "subject": "S", "body": "B" })), json!({ "subject": "S", "body": "B" }));
    }

    #[test]
    fn blessing_changes_what_is_expected_and_nothing_else() {
        let text = "{\n  \"name\": \"x\",\n  \"raw\": {\"json\": {\"a\": 1.50, \"a\": 1e3}},\n  \"outcome\": {\"verdict\": \"skipped\"}\n}\n";
        let blessed = blessed(text, &json!({"verdict": "mapped", "records": []})).unwrap();
        assert!(blessed.starts_with("{\n  \"name\": \"x\",\n  \"raw\": {\"json\": {\"a\": 1.50, \"a\": 1e3}},\n"));
        assert!(blessed.ends_with("\"verdict\": \"mapped\"\n  }\n}\n"), "{blessed}");
        let windows = super::blessed(&text.replace('\n', "\r\n"), &json!({"a": 1})).unwrap();
        assert_eq!(windows.matches('\n').count(), windows.matches("\r\n").count(), "{windows:?}");
        assert_eq!(super::blessed(&blessed, &json!(null)).unwrap().matches("mapped").count(), 0);
        assert!(super::blessed("{\"name\": \"x\"}", &json!(1)).is_err());
    }

    #[test]
    fn a_record_is_read_with_its_own_bytes() {
        let record = record_of(r#"{"kind": "client", "id": "7", "json": {"row": {"a": 1.50, "a": 2}}}"#).unwrap();
        assert_eq!(record.json, br#"{"row": {"a": 1.50, "a": 2}}"#);
        assert!(record_of(r#"{"kind": "client", "id": "7"}"#).unwrap_err().contains("`json`"));
    }

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
