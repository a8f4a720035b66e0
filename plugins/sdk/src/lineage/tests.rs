//! What is told beside a record, and what an explanation makes of it.

use super::{LineageRecorder, Origin};
use crate::{Adviser, Canonical, Diagnostic, Goal, GoalOwner, MapResult, Severity, Verdict};

fn adviser() -> Canonical {
    Canonical::Adviser(Adviser {
        external_id: "7".to_owned(),
        first_name: Some("Noah".to_owned()),
        last_name: None,
        email: None,
        active: true,
    })
}

fn goal() -> Canonical {
    Canonical::Goal(Goal {
        external_id: "7/1".to_owned(),
        owner: GoalOwner::Client,
        category: None,
        name: Some("Sail".to_owned()),
        target_date: None,
        estimated_cost: None,
        outlook: None,
        extensions: Vec::new(),
    })
}

fn origin(source: &str) -> Origin {
    Origin { source: Some(source.to_owned()), source_value: Some("x".to_owned()), rule: Some("/rule".to_owned()) }
}

fn diagnostics(recorder: LineageRecorder, fate: MapResult) -> Vec<Diagnostic> {
    match recorder.end(fate) {
        Verdict::Mapped(mapped) => mapped.diagnostics,
        Verdict::Skipped(said) | Verdict::Rejected(said) => said,
    }
}

#[test]
fn what_is_said_keeps_its_severity_and_place() {
    let mut recorder = LineageRecorder::new();
    recorder.info("name", "a", "one");
    recorder.enter("goals", 1);
    recorder.warn("name", "b", "two");
    recorder.field(Severity::Error, "owner", "c", "three".to_owned());
    recorder.whole(Severity::Error, "d", "four");
    recorder.leave();
    recorder.warn("name", "e", "five");
    assert_eq!(recorder.diagnostics().len(), 5);
    let said = diagnostics(recorder, MapResult::Skipped);
    let said: Vec<_> =
        said.iter().map(|d| (d.severity, d.field.as_deref(), d.code.as_str(), d.message.as_str())).collect();
    let expected = [
        (Severity::Info, Some("name"), "a", "one"),
        (Severity::Warning, Some("goals[1].name"), "b", "two"),
        (Severity::Error, Some("goals[1].owner"), "c", "three"),
        (Severity::Error, None, "d", "four"),
        (Severity::Warning, Some("name"), "e", "five"),
    ];
    assert_eq!(said, expected);
}

#[test]
fn each_fate_is_a_verdict_of_its_own() {
    let verdict = |fate| {
        let mut recorder = LineageRecorder::new();
        recorder.info("name", "a", "one");
        recorder.end(fate)
    };
    let Verdict::Mapped(mapped) = verdict(MapResult::Mapped(vec![adviser()])) else { panic!("it is mapped") };
    assert_eq!((mapped.records, mapped.diagnostics.len()), (vec![adviser()], 1));
    assert!(matches!(verdict(MapResult::Skipped), Verdict::Skipped(said) if said.len() == 1));
    assert!(matches!(verdict(MapResult::Rejected), Verdict::Rejected(said) if said.len() == 1));
}

#[test]
fn origins_are_made_only_where_they_are_wanted() {
    let mut recorder = LineageRecorder::new();
    recorder.origin("name", || panic!("nobody wants it"));
    let mut recorder = LineageRecorder::recording();
    recorder.origin("first_name", || origin("/first"));
    recorder.origin("first_name", || origin("/second"));
    let explained = recorder.explain(MapResult::Mapped(vec![adviser()]));
    let fields: Vec<_> = explained.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(fields, ["external_id", "first_name", "last_name", "email", "active"]);
    let first_name = &explained[1];
    assert_eq!((first_name.value.as_deref(), first_name.source.as_deref()), (Some("Noah"), Some("/second")));
    assert_eq!((first_name.source_value.as_deref(), first_name.rule.as_deref()), (Some("x"), Some("/rule")));
    assert_eq!((&explained[0].source, explained[0].value.as_deref()), (&None, Some("7")));
}

#[test]
fn what_is_said_stands_with_its_field_or_with_the_whole() {
    let mut recorder = LineageRecorder::recording();
    recorder.enter("goals", 0);
    recorder.origin("name", || origin("/goals/0/name"));
    recorder.warn("name", "of-name", "one");
    recorder.warn("colour", "of-no-field", "two");
    recorder.leave();
    recorder.whole(Severity::Info, "of-all", "three");
    let explained = recorder.explain(MapResult::Mapped(vec![goal()]));
    let said: Vec<(&str, Vec<&str>)> = explained
        .iter()
        .map(|field| (field.field.as_str(), field.diagnostics.iter().map(|d| d.code.as_str()).collect()))
        .filter(|(_, codes): &(_, Vec<&str>)| !codes.is_empty())
        .collect();
    assert_eq!(said, [("goals[0].name", vec!["of-name"]), ("record", vec!["of-no-field", "of-all"])]);
    let name = explained.iter().find(|field| field.field == "goals[0].name").unwrap();
    assert_eq!(name.source.as_deref(), Some("/goals/0/name"));
}

#[test]
fn a_record_that_stays_out_is_explained_as_a_whole() {
    for fate in [MapResult::Skipped, MapResult::Rejected] {
        let mut recorder = LineageRecorder::recording();
        recorder.origin("record", || origin("/row/status"));
        recorder.warn("name", "of-name", "one");
        let explained = recorder.explain(fate);
        assert_eq!((explained.len(), explained[0].field.as_str()), (1, "record"));
        assert_eq!((explained[0].diagnostics.len(), explained[0].source.as_deref()), (1, Some("/row/status")));
    }
    // With its place alone it is worth a line, and with a word alone; without either it is not.
    let explained = |tell: &dyn Fn(&mut LineageRecorder)| {
        let mut recorder = LineageRecorder::recording();
        tell(&mut recorder);
        recorder.explain(MapResult::Skipped).len()
    };
    assert_eq!(explained(&|recorder| recorder.origin("record", || origin("/row/status"))), 1);
    assert_eq!(explained(&|recorder| recorder.whole(Severity::Info, "a", "one")), 1);
    assert_eq!(explained(&|_| {}), 0);
}
