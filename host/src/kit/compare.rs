//! Two revisions of a pack, and what becomes of the same raw records in each: field by field, as a preview shows it for a
//! whole book, without a host.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::pack::{RawInput, Revision, verdict_json};

/// Records that go through a plugin at a time.
const BATCH: usize = 500;

/// A place in what a record becomes that differs.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Difference {
    /// The raw record: its kind and its id.
    pub kind: &'static str,
    /// See [`Difference::kind`].
    pub id: String,
    /// `verdict`, `diagnostics`, or a field: `mobile`, `goals[1].name`.
    pub field: String,
    /// The value in the old revision, and in the new one.
    pub from: Value,
    /// See [`Difference::from`].
    pub to: Value,
}

/// What two revisions make of the same records.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The records that were mapped by both.
    pub records: usize,
    /// Those of which something else becomes.
    pub differing: usize,
    /// The differing fields, with the number of records each.
    pub fields: BTreeMap<String, usize>,
    /// All differences, in the order of the records.
    pub differences: Vec<Difference>,
}

/// Maps records by two revisions in a dialect and compares.
pub fn compare(old: &Revision, new: &Revision, dialect: &str, records: &[RawInput]) -> Comparison {
    let (mut differences, mut differing) = (Vec::new(), 0);
    let mut fields = BTreeMap::new();
    for batch in records.chunks(BATCH) {
        let [before, after] = [old, new].map(|revision| revision.map(&revision.context(dialect), batch));
        for ((record, before), after) in batch.iter().zip(before).zip(after) {
            if before == after {
                continue;
            }
            differing += 1;
            let [before, after] = [before, after].map(|verdict| flat(&verdict_json(verdict)));
            let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for field in names {
                let [from, to] = [&before, &after].map(|side| side.get(field).cloned().unwrap_or_default());
                if from != to {
                    // By the field alone, wherever in a list it stands.
                    let name = field.rsplit_once("].").map_or(field.as_str(), |(_, name)| name);
                    *fields.entry(name.to_owned()).or_insert(0) += 1;
                    let (kind, id) = (record.kind.as_str(), record.id.as_str().to_owned());
                    differences.push(Difference { kind, id, field: field.clone(), from, to });
                }
            }
        }
    }
    Comparison { records: records.len(), differing, fields, differences }
}

/// A verdict's fields by their names; the codes of its diagnostics together.
fn flat(verdict: &Value) -> BTreeMap<String, Value> {
    let mut fields = BTreeMap::from([("verdict".to_owned(), verdict["verdict"].clone())]);
    let said = verdict["diagnostics"].as_array().into_iter().flatten();
    let said: Vec<String> = said
        .map(|one| {
            format!("{}: {}", one["code"].as_str().unwrap_or_default(), one["message"].as_str().unwrap_or_default())
        })
        .collect();
    fields.insert("diagnostics".to_owned(), said.into());
    for (index, record) in verdict["records"].as_array().into_iter().flatten().enumerate() {
        let kind = record["kind"].as_str().unwrap_or_default();
        let is_listed = !matches!(kind, "client" | "adviser");
        for (name, value) in record.as_object().into_iter().flatten().filter(|(name, _)| *name != "kind") {
            let name = if is_listed { format!("{kind}s[{index}].{name}") } else { name.clone() };
            fields.insert(name, value.clone());
        }
    }
    fields
}
