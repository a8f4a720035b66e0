//! The contract's calls on a plugin of a few lines.

use super::Session;
use crate::echo::{Anything, Echo};
use crate::{Canonical, Context, Event, RawRecord, RecordKind, Verdict};

fn context() -> Context {
    Context {
        region: "AU".to_owned(),
        dialect: "resourceful".to_owned(),
        connection: "test".to_owned(),
        placeholder_email_domain: "practice.example".to_owned(),
        as_of: "2026-03-01".to_owned(),
    }
}

fn session() -> Session<Echo> {
    Session::configure(r#"{"resource":"user-v2"}"#).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn raw(id: &str, text: &str) -> RawRecord {
    RawRecord { kind: RecordKind::Adviser, id: id.to_owned(), json: text.as_bytes().to_vec() }
}

#[test]
fn a_manifest_is_told_as_its_file_says_it() {
    let manifest = Session::<Echo>::describe();
    assert_eq!((manifest.name.as_str(), manifest.version.as_str(), manifest.crm.as_str()), ("echo", "1.0.0", "none"));
    assert_eq!((manifest.regions, manifest.events), (vec!["AU".to_owned()], vec!["survey.completed".to_owned()]));
    assert_eq!(manifest.kinds, [RecordKind::Adviser, RecordKind::Goal]);
    assert_eq!(manifest.kinds_reading_as_of, [RecordKind::Cover]);
    assert_eq!(manifest.fields_read, ["a.b"]);
    assert_eq!(manifest.fields_written, ["adviser.first_name"]);
    assert_eq!(manifest.rules_schema, r#"{"type":"object"}"#);
}

#[test]
fn rules_configure_the_plugin_or_are_told() {
    let sources = session().sources();
    assert_eq!((sources.len(), sources[0].resource.as_str()), (1, "user-v2"));
    let paths = |rules: &str| match Session::<Echo>::configure(rules) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| (problem.path, problem.message)).collect(),
    };
    let problem = |path: &str, message: &str| vec![(path.to_owned(), message.to_owned())];
    assert_eq!(paths(r#"{"resource":""}"#), problem("/resource", "It is empty."));
    let wrong_type = "invalid type: integer `7`, expected a string";
    assert_eq!(paths(r#"{"resource":7}"#), problem("/resource", wrong_type));
    assert_eq!(paths(r#"{"resource":"a"}"#), []);
}

#[test]
fn a_batch_has_an_outcome_for_each_record() {
    let outcomes = session().map(&Anything, &context(), vec![raw("7", "Noah"), raw("8", "")]);
    assert_eq!(outcomes.len(), 2);
    let Verdict::Mapped(mapped) = &outcomes[0].verdict else { panic!("{:?}", outcomes[0].verdict) };
    let Canonical::Adviser(adviser) = &mapped.records[0] else { panic!("{:?}", mapped.records) };
    assert_eq!((outcomes[0].id.as_str(), adviser.first_name.as_deref()), ("7", Some("Noah")));
    assert_eq!(mapped.diagnostics[0].message, "AU");
    let Verdict::Rejected(said) = &outcomes[1].verdict else { panic!("{:?}", outcomes[1].verdict) };
    assert_eq!((outcomes[1].id.as_str(), said[0].code.as_str()), ("8", "empty"));
    assert_eq!(session().map(&Anything, &context(), Vec::new()), []);
}

#[test]
fn an_explanation_is_of_what_would_be_mapped() {
    let explained = session().explain(&Anything, &context(), &raw("7", "Noah"));
    let first_name = explained.iter().find(|field| field.field == "first_name").unwrap();
    assert_eq!((first_name.value.as_deref(), first_name.source.as_deref()), (Some("Noah"), Some("/row")));
    assert_eq!(first_name.diagnostics[0].code, "echo");
}

#[test]
fn a_note_is_the_plugin_s() {
    let event = |data: &str| Event {
        event_type: "survey.completed".to_owned(),
        occurred_at: "2026-03-01T14:05:00+11:00".to_owned(),
        practice_name: "Acme".to_owned(),
        household_name: "Lee".to_owned(),
        members: Vec::new(),
        about: None,
        data: data.to_owned(),
        attachments: Vec::new(),
    };
    let note = session().render_note(&Anything, &context(), &event("1")).unwrap();
    assert_eq!(note.subject, "Lee");
    assert_eq!(session().render_note(&Anything, &context(), &event("")), Err(Vec::new()));
}
