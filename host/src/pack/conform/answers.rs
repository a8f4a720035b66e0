//! Demands on what is answered to records as the fixtures have them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Subject, named};
use crate::domain::{Canonical, Date, ExternalId};
use crate::pack::{Context, RawInput, Verdict, convert, fixtures};

/// Records of the batch that is to stay within a host's limits.
const BATCH: usize = 500;

/// The days between which a kind that reads none may not differ.
const DAYS: [Date; 3] = [Date::constant(1990, 1, 1), Date::constant(2026, 12, 31), Date::constant(2099, 2, 28)];

/// Every record by itself and all together.
pub(super) fn each(subject: &Subject<'_>) -> Vec<String> {
    if subject.records.is_empty() && !subject.is_tried_in_another {
        return vec!["there is no fixture of a record in this dialect, and little can be tried without one".to_owned()];
    }
    let of_one = subject.records.iter().zip(subject.alone());
    let mut problems: Vec<String> = of_one
        .filter_map(|(record, verdict)| Some(format!("{}: {}", named(record), verdict.as_ref().err()?)))
        .collect();
    if problems.is_empty() {
        problems
            .extend(subject.map(&subject.context, &subject.records).err().map(|why| format!("all together: {why}")));
    }
    problems
}

/// A batch of nothing.
pub(super) fn none(subject: &Subject<'_>) -> Vec<String> {
    subject.map(&subject.context, &[]).err().into_iter().collect()
}

/// Twice, in another order, and beside others.
pub(super) fn alike(subject: &Subject<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut backwards: Vec<RawInput> = subject.records.clone();
    backwards.reverse();
    for (how, records) in [("in a batch", &subject.records), ("in another order", &backwards)] {
        let Ok(verdicts) = subject.map(&subject.context, records) else { continue };
        for (record, verdict) in records.iter().zip(verdicts) {
            let own = subject.records.iter().zip(subject.alone()).find(|(other, _)| same(other, record));
            if own.is_some_and(|(_, alone)| alone.as_ref() != Ok(&verdict)) {
                problems.push(format!("{}: another outcome {how} than by itself", named(record)));
            }
        }
    }
    for (record, before) in subject.records.iter().zip(subject.alone()) {
        if before.is_ok() && subject.map_one(record) != *before {
            problems.push(format!("{}: another outcome the second time", named(record)));
        }
    }
    problems
}

fn same(one: &RawInput, other: &RawInput) -> bool {
    (one.kind, &one.id, &one.json) == (other.kind, &other.id, &other.json)
}

/// Calls one after the other in one instance.
pub(super) fn nothing_kept(subject: &Subject<'_>) -> Vec<String> {
    let context = &subject.context;
    let as_of = context.as_of.to_string();
    let mut problems = Vec::new();
    let mut call = || -> Result<(), String> {
        let mut instance = subject.revision.ready().map_err(|failure| failure.to_string())?;
        for (record, alone) in subject.records.iter().zip(subject.alone()) {
            let Ok(alone) = alone else { continue };
            let piece = [convert::raw_record(record, &record.json)];
            for _ in 0..2 {
                let answered =
                    instance.map(convert::context(context, &as_of), &piece).map_err(|failure| failure.to_string())?;
                let verdicts = convert::verdicts(context, &piece, answered)?;
                if verdicts.first() != Some(alone) {
                    problems.push(format!("{}: another outcome behind other calls", named(record)));
                    break;
                }
            }
            let raw = convert::raw_record(record, &record.json);
            instance.explain(convert::context(context, &as_of), raw).map_err(|failure| failure.to_string())?;
        }
        Ok(())
    };
    let failed = call().err();
    problems.extend(failed.map(|why| format!("many calls one after the other: {why}")));
    problems
}

/// The same records on other days.
pub(super) fn day(subject: &Subject<'_>) -> Vec<String> {
    let reading = &subject.revision.manifest.kinds_reading_as_of;
    let records: Vec<RawInput> =
        subject.records.iter().filter(|record| !reading.contains(&record.kind)).cloned().collect();
    let on = |day: Date| subject.map(&Context { as_of: day, ..subject.context.clone() }, &records);
    let answers: Vec<_> = DAYS.into_iter().filter_map(|day| on(day).ok()).collect();
    let Some(first) = answers.first() else { return Vec::new() };
    let differs = |place: &usize| answers.iter().any(|answer| answer[*place] != first[*place]);
    let told = |place: usize| {
        let record = &records[place];
        let kind = record.kind.as_str();
        format!(
            "{}: another outcome on another day; `kinds_reading_as_of` of the manifest lacks `{kind}`",
            named(record)
        )
    };
    (0..records.len()).filter(differs).map(told).collect()
}

/// The fields that have a value in what a record became, by their names in the manifest: `client.mobile`.
pub(super) fn fields_written(subject: &Subject<'_>) -> Vec<String> {
    let known: BTreeSet<&str> = subject.revision.manifest.fields_written.iter().map(String::as_str).collect();
    let mut unknown = BTreeMap::new();
    for (record, verdict) in subject.records.iter().zip(subject.alone()) {
        let Ok(Verdict::Mapped { records, .. }) = verdict else { continue };
        for canonical in records {
            let kind = canonical.kind().as_str();
            for (field, value) in fields(canonical) {
                let name = format!("{kind}.{field}");
                // What identifies a record is no field that is chosen, what is added to it is the rules', and a flag or a list
                // that is empty is not filled.
                let is_filled = !(value.is_null() || value == Value::Bool(false) || value == serde_json::json!([]));
                let is_chosen = !["external_id", "extensions"].contains(&field.as_str());
                if is_filled && is_chosen && !known.contains(name.as_str()) {
                    unknown.entry(name).or_insert_with(|| named(record));
                }
            }
        }
    }
    let told = |(name, record): (String, String)| {
        format!("{record}: `{name}` is filled, and `fields_written` of the manifest lacks it")
    };
    unknown.into_iter().map(told).collect()
}

/// The fields of a canonical record as JSON.
fn fields(canonical: &Canonical) -> serde_json::Map<String, Value> {
    match fixtures::record_to_json(canonical) {
        Value::Object(mut fields) => {
            fields.remove("kind");
            fields
        }
        _ => serde_json::Map::new(),
    }
}

/// The explanation of each record beside its outcome.
pub(super) fn explains(subject: &Subject<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    for (record, verdict) in subject.records.iter().zip(subject.alone()) {
        let Ok(verdict) = verdict else { continue };
        let explained = match subject.revision.explain(&subject.context, record) {
            Ok(explained) => explained,
            Err(error) => {
                problems.push(format!("{}: {error}", named(record)));
                continue;
            }
        };
        let told: BTreeMap<&str, Option<&str>> =
            explained.iter().map(|field| (field.field.as_str(), field.value.as_deref())).collect();
        let Verdict::Mapped { records, diagnostics } = verdict else {
            let valued = told.iter().find(|(_, value)| value.is_some());
            problems.extend(
                valued.map(|(field, _)| format!("{}: it is left out, and `{field}` has a value", named(record))),
            );
            continue;
        };
        // What the host itself leaves out or writes otherwise, it says.
        let is_said = |field: &str| diagnostics.iter().any(|diagnostic| diagnostic.field.as_deref() == Some(field));
        for (index, canonical) in records.iter().enumerate() {
            let kind = canonical.kind();
            let prefix = if kind.is_listed() { format!("{}[{index}].", kind.plural()) } else { String::new() };
            for (field, value) in fields(canonical) {
                let name = format!("{prefix}{field}");
                if is_said(&name) || value.is_array() {
                    continue;
                }
                match (told.get(name.as_str()).copied().flatten(), &value) {
                    (None, Value::Null | Value::Bool(false)) => {}
                    (None, _) => problems.push(format!("{}: `{name}` has a value, and no explanation", named(record))),
                    (Some(_), Value::Null) => {
                        problems.push(format!("{}: `{name}` is explained with a value, and has none", named(record)));
                    }
                    (Some(told), Value::String(value)) if !told.eq_ignore_ascii_case(value) => {
                        problems.push(format!("{}: `{name}` is explained with another value", named(record)));
                    }
                    _ => {}
                }
            }
        }
    }
    problems
}

/// A batch as large as a host's.
pub(super) fn whole_batch(subject: &Subject<'_>) -> Vec<String> {
    let usable = subject.records.iter().zip(subject.alone()).filter(|(_, verdict)| verdict.is_ok());
    let usable: Vec<&RawInput> = usable.map(|(record, _)| record).collect();
    if usable.is_empty() {
        return Vec::new();
    }
    let number = |(place, record): (usize, &&RawInput)| RawInput {
        id: ExternalId(format!("conformance-{place}")),
        ..(*record).clone()
    };
    // Of one kind a batch, as a host sends them, and with ids of their own.
    let mut problems = Vec::new();
    for kind in subject.kinds() {
        let of_kind: Vec<&RawInput> = usable.iter().copied().filter(|record| record.kind == *kind).collect();
        let batch: Vec<RawInput> = of_kind.iter().cycle().take(BATCH).enumerate().map(number).collect();
        if !of_kind.is_empty()
            && let Err(why) = subject.map(&subject.context, &batch)
        {
            problems.push(format!("{BATCH} {}: {why}", kind.plural()));
        }
    }
    problems
}
