//! Fixtures, packs and numbers as the harness reads them.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{
    Fixture, Given, NativeHost, Pack, check_pack, context, event_from_json, fixture::write, note_to_json, pack::files,
    verdict_to_json,
};
use crate::echo::Echo;
use crate::{
    Adviser, Canonical, Diagnostic, FileNote, Host, HouseholdRole, LineType, Mapped, PhoneProblem, RecordKind,
    Severity, Verdict,
};

const AU: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rules/xplan-au");

fn diagnostic() -> Diagnostic {
    Diagnostic { severity: Severity::Info, field: None, code: "a".to_owned(), message: "one".to_owned() }
}

#[test]
fn verdicts_and_notes_have_a_form_in_json() {
    let adviser = Canonical::Adviser(Adviser {
        external_id: "7".to_owned(),
        first_name: None,
        last_name: None,
        email: None,
        active: true,
    });
    let said = json!([{"severity": "info", "field": null, "code": "a", "message": "one"}]);
    let mapped = Verdict::Mapped(Mapped { records: vec![adviser], diagnostics: vec![diagnostic()] });
    let record = json!({
        "kind": "adviser", "external_id": "7", "first_name": null, "last_name": null, "email": null, "active": true,
    });
    assert_eq!(verdict_to_json(&mapped), json!({"verdict": "mapped", "records": [record], "diagnostics": said}));
    let skipped = verdict_to_json(&Verdict::Skipped(vec![diagnostic()]));
    assert_eq!(skipped, json!({"verdict": "skipped", "diagnostics": said}));
    let rejected = verdict_to_json(&Verdict::Rejected(Vec::new()));
    assert_eq!(rejected, json!({"verdict": "rejected", "diagnostics": []}));
    let note = FileNote {
        note_type: "Client".to_owned(),
        note_subtype: None,
        subject: "S".to_owned(),
        body: "B".to_owned(),
        media_type: "text/plain".to_owned(),
        filed_against: vec!["7".to_owned()],
        attachments: Vec::new(),
    };
    assert_eq!(note_to_json(&Ok(note))["filed_against"], json!(["7"]));
    assert_eq!(note_to_json(&Err(vec![diagnostic()])), json!({"diagnostics": said}));
}

#[test]
fn an_event_is_read_as_the_api_takes_it() {
    let whole = json!({
        "type": "survey.completed", "occurred_at": "2026-03-01T14:05:00+11:00", "practice_name": "Acme",
        "household_name": "Lee", "about": "8", "data": {"a": 1}, "attachments": ["Plan.pdf"],
        "members": [
            {"external_id": "7", "first_name": "Alex", "last_name": "Lee", "preferred_name": "Lexi", "role": "cfo"},
            {"external_id": "8", "role": "non_cfo"},
        ],
    });
    let event = event_from_json(&whole).unwrap();
    assert_eq!((event.event_type.as_str(), event.practice_name.as_str()), ("survey.completed", "Acme"));
    assert_eq!((event.about.as_deref(), event.data.as_str()), (Some("8"), r#"{"a":1}"#));
    assert_eq!((event.household_name.as_str(), event.attachments), ("Lee", vec!["Plan.pdf".to_owned()]));
    let roles: Vec<_> = event.members.iter().map(|member| member.role).collect();
    assert_eq!(roles, [HouseholdRole::Cfo, HouseholdRole::NonCfo]);
    assert_eq!(event.members[0].preferred_name.as_deref(), Some("Lexi"));
    let without = |key: &str| {
        let mut event = whole.clone();
        event.as_object_mut().unwrap().remove(key);
        event_from_json(&event)
    };
    assert_eq!(without("household_name").unwrap_err(), "the event has no household_name");
    let bare = without("data").unwrap();
    assert_eq!((bare.data.as_str(), bare.members.len()), ("{}", 2));
    assert_eq!(without("members").unwrap().members, []);
    let mut odd = whole.clone();
    odd["members"][0]["role"] = json!("child");
    assert_eq!(event_from_json(&odd).unwrap_err(), "a member's role is cfo or non_cfo");
}

#[test]
fn a_fixture_says_what_goes_in_and_comes_out() {
    let read = |fixture: Value| Fixture::read(&fixture.to_string(), "NZ");
    let raw = json!({"kind": "client", "id": "7", "json": {"row": 1}});
    let fixture = read(json!({"name": "N", "raw": raw, "outcome": {"verdict": "x"}, "note": 1})).unwrap();
    assert_eq!((fixture.name.as_str(), &fixture.expected), ("N", &json!({"verdict": "x"})));
    assert_eq!(fixture.context, context("NZ"));
    let Given::Raw(raw) = fixture.given else { panic!("it has a raw record") };
    assert_eq!((raw.kind, raw.id.as_str(), raw.json), (RecordKind::Client, "7", br#"{"row":1}"#.to_vec()));
    let text = json!({"kind": "client", "id": "7", "text": "{"});
    let given = json!({"region": "AU", "dialect": "open", "as_of": "2027-01-01"});
    let fixture = read(json!({"name": "N", "raw": text, "context": given})).unwrap();
    let Given::Raw(raw) = fixture.given else { panic!("it has a raw record") };
    assert_eq!(raw.json, b"{");
    let found = fixture.context;
    assert_eq!((found.region.as_str(), found.dialect.as_str(), found.as_of.as_str()), ("AU", "open", "2027-01-01"));
    assert_eq!((found.connection, found.placeholder_email_domain), ("test".to_owned(), "practice.example".to_owned()));
    let event = json!({"type": "t", "occurred_at": "o", "practice_name": "p", "household_name": "h"});
    let fixture = read(json!({"name": "N", "event": event, "note": {"subject": "S"}, "outcome": 1})).unwrap();
    assert!(matches!(fixture.given, Given::Event(_)) && fixture.expected == json!({"subject": "S"}));
    let wrong = |fixture: Value| read(fixture).err().unwrap();
    assert_eq!(wrong(json!({"name": "N"})), "a fixture has `raw` or `event`");
    assert_eq!(wrong(json!({"raw": {"kind": "client", "id": "7"}})), "a fixture has a name");
    assert_eq!(wrong(json!({"name": "N", "raw": {"kind": "dog", "id": "7"}})), "the raw record has no kind");
    assert_eq!(wrong(json!({"name": "N", "raw": {"kind": "client"}})), "the raw record has no id");
    assert!(Fixture::read("{", "NZ").is_err());
}

/// A folder of a test's own, which goes with it, however the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("tidegate-{name}-{}", std::process::id())))
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder with a pack for [`Echo`] and one fixture: a record whose text is `Noah`, and what is expected of it.
fn folder_of_fixture(name: &str, expected: &Value) -> Folder {
    let folder = Folder::new(name);
    fs::create_dir_all(folder.join("fixtures")).unwrap();
    fs::write(folder.join("pack.toml"), "name = \"a\"\nregion = \"AU\"").unwrap();
    fs::write(folder.join("rules.toml"), "resource = \"user-v2\"").unwrap();
    let raw = json!({"kind": "adviser", "id": "7", "text": "Noah"});
    let fixture = json!({"name": "N", "raw": raw, "outcome": expected});
    fs::write(folder.join("fixtures/noah.json"), fixture.to_string()).unwrap();
    folder
}

fn outcome(first_name: &str) -> Value {
    json!({
        "verdict": "mapped",
        "records": [{
            "kind": "adviser", "external_id": "7", "first_name": first_name, "last_name": null, "email": null,
            "active": true,
        }],
        "diagnostics": [{"severity": "info", "field": "first_name", "code": "echo", "message": "AU"}],
    })
}

#[test]
fn a_fixture_that_comes_out_as_it_should_passes() {
    let folder = folder_of_fixture("same", &outcome("Noah"));
    check_pack::<Echo>(&folder.0);
}

#[test]
#[should_panic(expected = "If this is meant, run the test with BLESS=1.")]
fn a_fixture_that_comes_out_otherwise_fails() {
    let folder = folder_of_fixture("other", &outcome("Alex"));
    check_pack::<Echo>(&folder.0);
}

#[test]
#[should_panic(expected = "the pack a has no fixtures")]
fn a_pack_without_fixtures_fails() {
    let folder = folder_of_fixture("none", &Value::Null);
    fs::remove_file(folder.join("fixtures/noah.json")).unwrap();
    check_pack::<Echo>(&folder.0);
}

#[test]
fn a_fixture_that_is_blessed_expects_what_the_plugin_says() {
    let folder = folder_of_fixture("blessed", &Value::Null);
    let file = folder.join("fixtures/noah.json");
    let text = fs::read_to_string(&file).unwrap();
    write(&file, &text, &Fixture::read(&text, "AU").unwrap(), &outcome("Noah"));
    let blessed = Fixture::read(&fs::read_to_string(&file).unwrap(), "AU").unwrap();
    assert_eq!((blessed.name.as_str(), blessed.expected), ("N", outcome("Noah")));
    check_pack::<Echo>(&folder.0);
}

#[test]
fn a_pack_is_read_with_its_notes_and_dialects() {
    let pack = Pack::load(AU).unwrap();
    assert_eq!((pack.name.as_str(), pack.region.as_str()), ("xplan-au", "AU"));
    assert!(pack.rules_json()["notes"].as_object().unwrap().len() > 1);
    let folder = Folder::new("harness");
    fs::create_dir_all(folder.join("dialects")).unwrap();
    let write = |file: &str, text: &str| fs::write(folder.join(file), text).unwrap();
    write("pack.toml", "name = \"a\"\nregion = \"NZ\"");
    write("rules.toml", "one = 1\ntwo = 2\n[table]\na = 1\nb = 2");
    write("dialects/open.toml", "two = 3\n[table]\nb = 4\nc = 5");
    let rules = |dialect: &str| Pack::load_for(&folder.0, dialect).unwrap().rules_json();
    let plain = json!({"one": 1, "two": 2, "table": {"a": 1, "b": 2}});
    assert_eq!((rules("resourceful"), Pack::load(&folder.0).unwrap().rules_json()), (plain.clone(), plain));
    let differing = json!({"one": 1, "two": 3, "table": {"a": 1, "b": 4, "c": 5}});
    assert_eq!(rules("open"), differing);
    let names = |extension: &str| {
        let found = files(&folder.0, extension).unwrap();
        found.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    assert_eq!((names("toml"), names("json")), (vec!["pack.toml".to_owned(), "rules.toml".to_owned()], Vec::new()));
    assert_eq!(files(&folder.join("none"), "toml").unwrap().len(), 0);
    // What it extends lies in it or beside it, and is joined as the host joins it.
    fs::create_dir_all(folder.join("base/fixtures")).unwrap();
    fs::create_dir_all(folder.join("base/dialects")).unwrap();
    fs::create_dir_all(folder.join("fixtures")).unwrap();
    write("base/pack.toml", "name = \"b\"");
    write("base/rules.toml", "three = 3\n[table]\na = 0\nz = 0");
    write("base/dialects/open.toml", "[table]\nz = 1");
    write("pack.toml", "name = \"a\"\nregion = \"NZ\"\nextends = \"b\"\nwithout = [\"fixtures/y.json\"]");
    write("rules.toml", "remove = [\"/three\"]\none = 1\n[table]\na = 1");
    for fixture in ["base/fixtures/x.json", "base/fixtures/y.json", "base/fixtures/z.json", "fixtures/x.json"] {
        write(fixture, "{}");
    }
    assert_eq!(rules("resourceful"), json!({"one": 1, "table": {"a": 1, "z": 0}}));
    assert_eq!(rules("open"), json!({"one": 1, "two": 3, "table": {"a": 1, "b": 4, "c": 5, "z": 1}}));
    let found = Pack::load(&folder.0).unwrap().files("fixtures", "json").unwrap();
    assert_eq!(found, [folder.join("fixtures/x.json"), folder.join("base/fixtures/z.json")]);
    write("rules.toml", "remove = [\"/four\"]");
    assert!(Pack::load(&folder.0).err().unwrap().contains("takes `/four` away"));
    write("pack.toml", "name = \"a\"");
    assert_eq!(Pack::load(&folder.0).err().unwrap(), "pack.toml has no region");
    write("pack.toml", "name =");
    assert!(Pack::load(&folder.0).err().unwrap().contains("pack.toml"));
}

#[test]
fn numbers_are_told_as_the_host_tells_them() {
    let line = |text: &str, region: Option<&str>| NativeHost.parse_phone(text, region).map(|number| number.line);
    let number = NativeHost.parse_phone("0491 570 156", Some("AU")).unwrap();
    assert_eq!((number.e164.as_str(), number.line), ("+61491570156", LineType::Mobile));
    assert_eq!(number.region.as_deref(), Some("AU"));
    assert_eq!(line(" +61 2 5550 1234", None), Ok(LineType::FixedLine));
    assert_eq!(line("+1 212 555 2368", None), Ok(LineType::FixedLineOrMobile));
    assert_eq!(line("1300 555 123", Some("AU")), Ok(LineType::Other));
    assert_eq!(line("0491 570 156", None), Err(PhoneProblem::NoCountryCode));
    assert_eq!(line("0491 570 156", Some("Mars")), Err(PhoneProblem::NoCountryCode));
    assert_eq!(line("+61 491 CALL ME", None), Err(PhoneProblem::NotANumber));
    assert_eq!(line("+", Some("AU")), Err(PhoneProblem::NotANumber));
    assert_eq!(line("+61 491 570", None), Err(PhoneProblem::NotValid));
}
