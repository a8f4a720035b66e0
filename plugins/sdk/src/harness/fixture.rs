//! Golden fixtures: raw records and events with all that becomes of them.

use std::{env, fs, path::Path};

use serde_json::{Value, json};

use super::{
    NativeHost, Pack,
    form::{context_from_json, event_from_json, note_to_json, raw_from_json, verdict_to_json},
};
use crate::{Context, Event, Plugin, RawRecord, Session};

/// A fixture of a pack.
pub struct Fixture {
    /// A sentence that says what the fixture shows.
    pub name: String,
    /// The context of the batch.
    pub context: Context,
    /// The input of the plugin.
    pub given: Given,
    /// The output that is expected.
    pub expected: Expected,
}

/// The input of a plugin.
pub enum Given {
    /// A raw record to map.
    Raw(RawRecord),
    /// An event to write a note of.
    Event(Box<Event>),
}

/// The output that is expected, in the JSON form: an outcome or a note.
pub type Expected = Value;

impl Fixture {
    /// Reads one fixture.
    ///
    /// # Errors
    /// Returns what the fixture lacks.
    pub fn read(text: &str, region: &str) -> Result<Self, String> {
        let whole: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let given = match (&whole["raw"], &whole["event"]) {
            (Value::Null, Value::Null) => return Err("a fixture has `raw` or `event`".to_owned()),
            (Value::Null, event) => Given::Event(Box::new(event_from_json(event)?)),
            (raw, _) => Given::Raw(raw_from_json(raw)?),
        };
        let result = if matches!(given, Given::Raw(_)) { "outcome" } else { "note" };
        Ok(Self {
            name: whole["name"].as_str().ok_or("a fixture has a name")?.to_owned(),
            context: context_from_json(&whole["context"], region),
            given,
            expected: whole[result].clone(),
        })
    }

    /// The output that the plugin makes of the fixture, in the JSON form.
    #[must_use]
    pub fn run<P: Plugin>(&self, session: &Session<P>) -> Value {
        match &self.given {
            Given::Raw(raw) => {
                let outcomes = session.map(&NativeHost, &self.context, vec![raw.clone()]);
                outcomes.iter().map(|outcome| verdict_to_json(&outcome.verdict)).next().unwrap_or(Value::Null)
            }
            Given::Event(event) => note_to_json(&session.render_note(&NativeHost, &self.context, event)),
        }
    }
}

/// Configures the plugin with the pack's rules and runs every fixture in its folder `fixtures`. With the
/// environment variable `BLESS=1` the fixtures are rewritten to what the plugin says instead: look at the difference
/// before you commit it.
///
/// # Panics
/// Panics if the pack cannot be read or configured, if there is no fixture, or if one comes out differently.
pub fn check_pack<P: Plugin>(folder: impl AsRef<Path>) {
    let pack = Pack::load(folder).unwrap_or_else(|error| panic!("{error}"));
    let fixtures = pack.files("fixtures", "json").unwrap_or_else(|error| panic!("{error}"));
    assert!(!fixtures.is_empty(), "the pack {} has no fixtures", pack.name);
    let bless = env::var_os("BLESS").is_some();
    let mut failed = Vec::new();
    for file in fixtures {
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let fixture = Fixture::read(&text, &pack.region).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let of_dialect =
            Pack::load_for(&pack.folder, &fixture.context.dialect).unwrap_or_else(|error| panic!("{error}"));
        let session = Session::<P>::configure(&of_dialect.rules).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let found = fixture.run(&session);
        if found == fixture.expected {
            continue;
        }
        if bless {
            write(&file, &text, &fixture, &found);
        } else {
            failed.push(format!("{}: expected {:#}, found {found:#}", file.display(), fixture.expected));
        }
    }
    assert!(failed.is_empty(), "{}\nIf this is meant, run the test with BLESS=1.", failed.join("\n"));
}

/// Puts what the plugin says in the place of what the fixture expects.
pub(super) fn write(file: &Path, text: &str, fixture: &Fixture, found: &Value) {
    let mut whole: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    let result = if matches!(fixture.given, Given::Raw(_)) { "outcome" } else { "note" };
    whole[result] = json!(found);
    fs::write(file, format!("{whole:#}\n")).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
