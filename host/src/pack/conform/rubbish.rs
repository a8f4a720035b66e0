//! Demands on what is answered to records and events as no CRM should send them.

use serde_json::{Value, json};

use super::{Subject, made_up, named};
use crate::domain::{ExternalId, RecordKind, stored::HouseholdRole};
use crate::pack::{NoteEvent, NoteMember, PackError, RawInput, Verdict};

/// The bytes of a text that is too long for any field.
const LONG: usize = 64 << 10;

/// The depth of what is nested too deeply.
const DEEP: usize = 20_000;

impl Subject<'_> {
    /// The failure of the plugin on a record, and what is wrong with a verdict that has no reason.
    fn falls_over(&self, what: &str, record: &RawInput) -> Option<String> {
        match self.map_one(record) {
            Err(why) => Some(format!("{} of {what}: {why}", record.kind.as_str())),
            Ok(Verdict::Rejected(said)) if said.iter().any(|one| one.code == "no-reason") => {
                Some(format!("{} of {what}: it is rejected without a reason", record.kind.as_str()))
            }
            Ok(_) => None,
        }
    }
}

/// Bytes that are no text, or no JSON.
pub(super) fn no_json(subject: &Subject<'_>) -> Vec<String> {
    let deep = [vec![b'['; DEEP], vec![b']'; DEEP]].concat();
    let texts: [(&str, &[u8]); 5] = [
        ("no bytes", b""),
        ("bytes that are no UTF-8", b"{\"row\":{\"first_name\":\"\xff\xfe\"}}"),
        ("JSON that is cut", b"{\"row\":{\"first_name\":\"A"),
        ("two texts", b"{} {}"),
        ("a page of HTML", b"<!doctype html><title>Sign in</title>"),
    ];
    let mut problems = Vec::new();
    for kind in subject.kinds() {
        for (what, json) in texts {
            match subject.map_one(&made_up(*kind, json)) {
                Err(why) => problems.push(format!("{} of {what}: {why}", kind.as_str())),
                Ok(Verdict::Rejected(said)) if said.iter().all(|one| one.code != "no-reason") => {}
                Ok(Verdict::Rejected(_)) => problems.push(format!("{} of {what}: no reason is told", kind.as_str())),
                Ok(_) => problems.push(format!("{} of {what}: it is not rejected", kind.as_str())),
            }
        }
        // Whether these are JSON is for its parser to say.
        let half: &[u8] = br#"{"row":{"first_name":"\ud800","\udc00":"x"}}"#;
        for (what, json) in [("lists 20,000 deep", deep.as_slice()), ("half a surrogate", half)] {
            problems.extend(subject.falls_over(what, &made_up(*kind, json)));
        }
    }
    problems
}

/// Records without what they should have.
pub(super) fn empty(subject: &Subject<'_>) -> Vec<String> {
    let texts = [
        "{}",
        "null",
        "[]",
        "7",
        "{\"row\":{}}",
        "{\"row\":null}",
        "{\"row\":[]}",
        "{\"row\":\"x\"}",
        "{\"row\":[[],{}]}",
    ];
    let mut problems = Vec::new();
    for kind in subject.kinds() {
        for text in texts {
            problems.extend(subject.falls_over(&format!("`{text}`"), &made_up(*kind, text.as_bytes())));
        }
    }
    problems
}

/// The fixtures' records with every value replaced by another.
pub(super) fn other_values(subject: &Subject<'_>) -> Vec<String> {
    let long = ["x", "漢", "\u{0}", "<", "9"]
        .map(|letter| (format!("{LONG} bytes of {letter:?}"), letter.repeat(LONG / letter.len())));
    let long = long.into_iter().map(|(what, text)| (what, json!(text)));
    let others =
        [json!(null), json!(true), json!([]), json!({}), json!(1e308), json!(-0.0), json!(u64::MAX), json!("")];
    let others = others.into_iter().map(|value| (format!("`{value}`"), value));
    let values: Vec<(String, Value)> = long.chain(others).collect();
    let mut problems = Vec::new();
    for record in &subject.records {
        let Ok(json) = serde_json::from_slice::<Value>(&record.json) else { continue };
        for (what, value) in &values {
            let mut changed = json.clone();
            replace(&mut changed, value);
            let other = RawInput { json: changed.to_string().into_bytes(), ..record.clone() };
            let problem = subject.falls_over(&format!("{what} everywhere"), &other);
            problems.extend(problem.map(|problem| format!("{}: {problem}", named(record))));
        }
    }
    problems
}

/// Puts a value in the place of every one that holds no others.
fn replace(json: &mut Value, value: &Value) {
    match json {
        Value::Object(members) => members.values_mut().for_each(|member| replace(member, value)),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, value)),
        one => one.clone_from(value),
    }
}

/// Records of kinds that the manifest does not name.
pub(super) fn other_kinds(subject: &Subject<'_>) -> Vec<String> {
    let others = RecordKind::ALL.iter().filter(|kind| !subject.kinds().contains(kind));
    let problem = |kind: &RecordKind| match subject.map_one(&made_up(*kind, b"{\"row\":{}}")) {
        Err(why) => Some(format!("{}: {why}", kind.as_str())),
        Ok(Verdict::Rejected(said)) if said.iter().all(|one| one.code != "no-reason") => None,
        Ok(_) => Some(format!("{}: it is not rejected with a reason", kind.as_str())),
    };
    others.filter_map(problem).collect()
}

/// An event of a type that nobody has.
pub(super) fn unknown_event(subject: &Subject<'_>) -> Vec<String> {
    let event = NoteEvent {
        event_type: "conformance.unknown".to_owned(),
        occurred_at: "2026-03-01T14:05:00+11:00".to_owned(),
        practice_name: "Example Practice".to_owned(),
        household_name: "Example household".to_owned(),
        members: vec![NoteMember {
            external_id: ExternalId("conformance-1".to_owned()),
            first_name: Some("Ada".to_owned()),
            last_name: None,
            preferred_name: None,
            role: HouseholdRole::Cfo,
        }],
        about: None,
        data: "{}".to_owned(),
    };
    match subject.revision.render_note(&subject.context, &event, &[]) {
        Err(PackError::NotRendered(said)) if !said.is_empty() => Vec::new(),
        Err(PackError::NotRendered(_)) => vec!["it is refused without a reason".to_owned()],
        Err(error) => vec![error.to_string()],
        Ok(_) => vec!["a note is written of it".to_owned()],
    }
}
