//! The records that are imported: people, and of those the ones whose status says so.

use tidegate_sdk::{ClientStatus, LineageRecorder, Origin, Severity, canonical::Choice};
use xplan::{ClientField as F, Value};

use crate::{client_row::ClientRow, mapping::ClientMapping};

/// The client's status, or none where the record stays out; the recorder says why.
pub(crate) fn status(
    rules: &ClientMapping,
    row: ClientRow<'_, '_>,
    recorder: &mut LineageRecorder,
) -> Option<ClientStatus> {
    if !is_person(rules, row, recorder) {
        return None;
    }
    let known = statuses(rules, row, recorder);
    if let Some(out) = known.iter().find(|status| !rules.come_over.contains(status)) {
        let word = out.word();
        recorder.origin("record", || row.origin(F::Status, Some(format!("/client/status/come_over without {word}"))));
        recorder.whole(
            Severity::Info,
            "status-stays-out",
            format!("The record is {word} in Xplan, and the pack's rules let no {word} records come over."),
        );
        return None;
    }
    let first = rules.come_over.iter().find(|status| known.contains(status)).copied();
    let status = first.unwrap_or(rules.status_when_missing);
    if first.is_none() {
        let word = status.word();
        recorder.info(
            "status",
            "status-assumed",
            format!("Xplan states no status that the rules know; the client counts as {word}."),
        );
    }
    recorder.origin("status", || {
        let word = status.word();
        match first {
            Some(_) => row.origin(F::Status, Some(format!("/client/status/words/{word}"))),
            None => Origin { rule: Some(format!("/client/status/when_missing {word}")), ..row.origin(F::Status, None) },
        }
    });
    Some(status)
}

fn is_person(rules: &ClientMapping, row: ClientRow<'_, '_>, recorder: &mut LineageRecorder) -> bool {
    // Where Xplan does not say what the entity is, it is taken for a person: leaving a client out is worse.
    let Some(entity_type) = row.word(F::EntityType, "record", recorder) else {
        return true;
    };
    if rules.people.get(&entity_type).is_some() {
        return true;
    }
    recorder.origin("record", || row.origin(F::EntityType, Some("/client/people".to_owned())));
    recorder.whole(
        Severity::Info,
        "not-a-person",
        format!("The record is a {entity_type} in Xplan, not a person; companies, trusts and funds do not come over."),
    );
    false
}

/// The statuses that the rules know; the others are told.
fn statuses(rules: &ClientMapping, row: ClientRow<'_, '_>, recorder: &mut LineageRecorder) -> Vec<ClientStatus> {
    let value = row.get(F::Status);
    let words = match value {
        Value::List(words) => words.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut known = Vec::with_capacity(words.len());
    for word in words {
        match word {
            Value::Text(word) => known.extend(rules.statuses.read(word, "status", recorder)),
            other => row.expect_empty(F::Status, other, "a list of texts", "status", recorder),
        }
    }
    known
}
