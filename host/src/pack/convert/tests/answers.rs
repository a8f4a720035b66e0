//! What a plugin answers to a batch, and answers that break the contract.

use super::*;

fn adviser(id: &str) -> wit::Canonical {
    let (first_name, last_name, email) = (None, None, None);
    wit::Canonical::Adviser(wit::Adviser { external_id: id.to_owned(), first_name, last_name, email, active: true })
}

fn goal(id: &str) -> wit::Canonical {
    wit::Canonical::Goal(wit::Goal {
        external_id: id.to_owned(),
        owner: wit::GoalOwner::Client,
        category: None,
        name: None,
        target_date: None,
        estimated_cost: None,
        outlook: None,
        extensions: Vec::new(),
    })
}

fn goals(count: usize) -> Vec<wit::Canonical> {
    (0..count).map(|number| goal(&format!("7/{number}"))).collect()
}

fn said(code: &str) -> wit::Diagnostic {
    let message = "It is so.".to_owned();
    wit::Diagnostic { severity: wit::Severity::Info, field: None, code: code.to_owned(), message }
}

/// What becomes of the records that were made of record 7.
fn made(kind: wit::RecordKind, records: Vec<wit::Canonical>) -> Verdict {
    let asked = wit::RawRecord { kind, id: "7", json: b"{}" };
    verdict(&context_of_test(), &asked, wit::Verdict::Mapped(wit::Mapped { records, diagnostics: Vec::new() }))
}

#[track_caller]
fn refused(kind: wit::RecordKind, records: Vec<wit::Canonical>, part: &str) {
    match made(kind, records) {
        Verdict::Rejected(said) => {
            assert_eq!((said.len(), said[0].code.as_str()), (1, "plugin-answer-unusable"));
            assert!(said[0].message.contains(part), "{}", said[0].message);
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn taken(kind: wit::RecordKind, records: Vec<wit::Canonical>, count: usize) {
    match made(kind, records) {
        Verdict::Mapped { records, diagnostics } => assert_eq!((records.len(), diagnostics), (count, Vec::new())),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_batch_is_told_as_it_is() {
    let context = context_of_test();
    let told = super::super::context(&context, "2026-03-01");
    assert_eq!((told.region, told.dialect, told.connection), ("AU", "resourceful", "test"));
    assert_eq!((told.placeholder_email_domain, told.as_of), ("acme.example", "2026-03-01"));
    let raw = RawInput { kind: RecordKind::Goal, id: ExternalId("7".to_owned()), json: Vec::new() };
    let asked = raw_record(&raw, b"{}");
    assert_eq!((asked.kind, asked.id, asked.json), (wit::RecordKind::Goal, "7", &b"{}"[..]));
}

#[test]
fn one_verdict_answers_each_record_in_the_order_asked() {
    let context = context_of_test();
    let asked = ["7", "8"].map(|id| wit::RawRecord { kind: wit::RecordKind::Adviser, id, json: b"{}" });
    let outcome = |id: &str| {
        let records = vec![adviser(id)];
        let mapped = wit::Mapped { records, diagnostics: vec![said("so")] };
        wit::Outcome { id: id.to_owned(), verdict: wit::Verdict::Mapped(mapped) }
    };
    let answered = verdicts(&context, &asked, vec![outcome("7"), outcome("8")]).unwrap();
    let ids: Vec<_> = answered
        .iter()
        .map(|verdict| match verdict {
            Verdict::Mapped { records, diagnostics } => match &records[..] {
                [Canonical::Adviser(adviser)] => (adviser.external_id.as_str(), diagnostics[0].code.as_str()),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, [("7", "so"), ("8", "so")]);
    assert_eq!(verdicts(&context, &[], Vec::new()), Ok(Vec::new()));
    let wrong = |outcomes: Vec<wit::Outcome>| verdicts(&context, &asked, outcomes).unwrap_err();
    assert!(wrong(vec![outcome("7")]).contains("1 outcomes to 2 records"));
    assert!(wrong(vec![outcome("7"), outcome("8"), outcome("9")]).contains("3 outcomes to 2 records"));
    assert!(wrong(vec![outcome("8"), outcome("7")]).contains("in another order"));
    assert!(wrong(vec![outcome("7"), outcome("9")]).contains("ids that it was not asked for"));
}

#[test]
fn a_record_that_stays_out_keeps_its_reasons() {
    let context = context_of_test();
    let asked = wit::RawRecord { kind: wit::RecordKind::Client, id: "7", json: b"{}" };
    let codes = |answer: wit::Verdict| match verdict(&context, &asked, answer) {
        Verdict::Skipped(said) => ("skipped", said.into_iter().map(|said| said.code).collect::<Vec<_>>()),
        Verdict::Rejected(said) => ("rejected", said.into_iter().map(|said| said.code).collect()),
        other => panic!("{other:?}"),
    };
    assert_eq!(codes(wit::Verdict::Skipped(Vec::new())), ("skipped", Vec::new()));
    assert_eq!(codes(wit::Verdict::Skipped(vec![said("no-name")])), ("skipped", vec!["no-name".to_owned()]));
    assert_eq!(codes(wit::Verdict::Rejected(vec![said("not-json")])), ("rejected", vec!["not-json".to_owned()]));
    assert_eq!(codes(wit::Verdict::Rejected(Vec::new())), ("rejected", vec!["no-reason".to_owned()]));
}

#[test]
fn one_record_is_made_of_a_person_and_any_number_of_a_list() {
    use wit::RecordKind::{Adviser, Goal};
    taken(Adviser, vec![adviser("7")], 1);
    refused(Adviser, Vec::new(), "made 0 records of one");
    refused(Adviser, vec![adviser("7"), adviser("7")], "made 2 records of one");
    taken(Goal, Vec::new(), 0);
    taken(Goal, goals(2), 2);
    taken(Goal, goals(MOST), MOST);
    refused(Goal, goals(MOST + 1), "made 1001 records of one client");
}

#[test]
fn a_plugin_writes_into_the_record_it_was_asked_for_only() {
    use wit::RecordKind::{Adviser, Client, Cover, Goal};
    refused(Adviser, vec![adviser("8")], "another id than the CRM's");
    refused(Client, vec![adviser("7")], "another kind");
    refused(Cover, vec![goal("7/1")], "another kind");
    refused(Adviser, vec![goal("7")], "another kind");
    refused(Goal, vec![goal("7/1"), goal("7/2"), goal("7/1")], "two records the id `7/1`");
    refused(Goal, vec![goal("")], "unprintable id");
    refused(Goal, vec![goal("7/\u{7}")], "unprintable id");
    refused(Goal, vec![goal(&"7".repeat(201))], "overlong");
    taken(Goal, vec![goal(&"7".repeat(200))], 1);
}

#[test]
fn what_is_said_is_bounded_and_in_its_form() {
    let one = |code: &str, field: Option<&str>, severity| {
        let field = field.map(str::to_owned);
        diagnostic(wit::Diagnostic { severity, field, code: code.to_owned(), message: "So it\u{7} is".to_owned() })
    };
    let expected = |severity, field: Option<&str>, code: &str| Diagnostic {
        severity,
        field: field.map(str::to_owned),
        code: code.to_owned(),
        message: "So it is".to_owned(),
    };
    assert_eq!(
        one("not-a-mobile", Some("goals[0].name"), wit::Severity::Warning),
        expected(Severity::Warning, Some("goals[0].name"), "not-a-mobile")
    );
    assert_eq!(one("No Code", Some("<b>"), wit::Severity::Info), expected(Severity::Info, None, "unnamed"));
    assert_eq!(one("no-row", None, wit::Severity::Error), expected(Severity::Error, None, "no-row"));
    let many = |count: usize| diagnostics((0..count).map(|_| said("so")).collect());
    assert_eq!((many(0).len(), many(MOST_DIAGNOSTICS).len()), (0, MOST_DIAGNOSTICS));
    assert_eq!(many(MOST_DIAGNOSTICS).last().unwrap().code, "so");
    let too_many = many(MOST_DIAGNOSTICS + 1);
    assert_eq!(too_many.len(), MOST_DIAGNOSTICS + 1);
    let last = too_many.last().unwrap();
    assert_eq!((last.severity, last.code.as_str()), (Severity::Error, "too-many-diagnostics"));
    assert!(last.message.contains("1001 things"), "{}", last.message);
}

#[test]
fn explanations_come_over_field_by_field() {
    let explanation = |field: &str| wit::FieldExplanation {
        field: field.to_owned(),
        value: Some("Mr".to_owned()),
        source: Some("/row/title".to_owned()),
        source_value: Some("Mister".to_owned()),
        rule: Some("/client/titles/Mr".to_owned()),
        diagnostics: vec![said("so")],
    };
    let explained = explanations(vec![explanation("title"), explanation("sex")]);
    assert_eq!((explained.len(), explained[1].field.as_str()), (2, "sex"));
    let first = &explained[0];
    assert_eq!((first.field.as_str(), first.value.as_deref()), ("title", Some("Mr")));
    assert_eq!((first.source.as_deref(), first.source_value.as_deref()), (Some("/row/title"), Some("Mister")));
    assert_eq!((first.rule.as_deref(), first.diagnostics[0].code.as_str()), (Some("/client/titles/Mr"), "so"));
    assert_eq!(explanations((0..=MOST).map(|_| explanation("title")).collect()).len(), MOST);
}

#[test]
fn what_a_plugin_says_of_itself_comes_over() {
    let described = |rules_schema: &str| {
        manifest(wit::Manifest {
            name: "test".to_owned(),
            version: "1.0.0".to_owned(),
            crm: "xplan".to_owned(),
            regions: vec!["AU".to_owned()],
            kinds: vec![wit::RecordKind::Client, wit::RecordKind::Goal],
            kinds_reading_as_of: vec![wit::RecordKind::Cover],
            fields_read: vec!["client.first_name".to_owned()],
            fields_written: vec!["client.mobile".to_owned()],
            events: vec!["survey.completed".to_owned()],
            rules_schema: rules_schema.to_owned(),
        })
    };
    let expected = Manifest {
        name: "test".to_owned(),
        version: "1.0.0".to_owned(),
        crm: "xplan".to_owned(),
        regions: vec!["AU".to_owned()],
        kinds: vec![RecordKind::Client, RecordKind::Goal],
        kinds_reading_as_of: vec![RecordKind::Cover],
        fields_read: vec!["client.first_name".to_owned()],
        fields_written: vec!["client.mobile".to_owned()],
        events: vec!["survey.completed".to_owned()],
        rules_schema: serde_json::json!({"type": "object"}),
    };
    assert_eq!(described(r#"{"type":"object"}"#), expected);
    assert_eq!(described("{"), Manifest { rules_schema: serde_json::Value::Null, ..expected });
}

#[test]
fn sources_come_over_in_their_order() {
    let source = |kind, lists: &[&str]| wit::Source {
        kind,
        resource: "client-v4".to_owned(),
        fields: vec!["first_name".to_owned()],
        lists: lists.iter().map(|list| (*list).to_owned()).collect(),
    };
    let found = sources(vec![source(wit::RecordKind::Client, &["contact"]), source(wit::RecordKind::Goal, &[])]);
    let kinds: Vec<_> = found.iter().map(|source| source.kind).collect();
    assert_eq!(kinds, [RecordKind::Client, RecordKind::Goal]);
    let first = &found[0];
    assert_eq!((first.resource.as_str(), &first.fields[..]), ("client-v4", &["first_name".to_owned()][..]));
    assert_eq!((&first.lists[..], first.below.len()), (&["contact".to_owned()][..], 0));
}

#[test]
fn problems_of_the_rules_are_a_line_each() {
    let problem = |path: &str| wit::RuleProblem { path: path.to_owned(), message: "It is no\u{7} title.".to_owned() };
    let lines = rule_problems(vec![problem("/client/titles/Sir"), problem("")]);
    assert_eq!(lines, ["/client/titles/Sir: It is no title.", "/: It is no title."]);
    assert_eq!(rule_problems((0..=MOST_DIAGNOSTICS).map(|_| problem("/a")).collect()).len(), MOST_DIAGNOSTICS);
}
