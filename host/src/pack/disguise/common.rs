//! Values that many records have at the same place: the CRM's own marks and choices (`"_type": "Date"`), and nobody's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::domain::field::pointer_to;

/// The fewest other records that tell what is common.
const FEWEST: usize = 20;
/// The share of the records with something at a place that have the same there, in percent.
const SHARE: usize = 25;

/// The values of a record that stand, wherever they stand in it, where many of `others` have the same.
pub(super) fn values(record: &Value, others: &[Vec<u8>]) -> BTreeSet<String> {
    let mut own = Places::new();
    collect(record, "", &mut own);
    let mut counts: BTreeMap<&str, (usize, BTreeMap<&str, usize>)> = own
        .iter()
        .map(|(place, values)| (place.as_str(), (0, values.iter().map(|v| (v.as_str(), 0)).collect())))
        .collect();
    for other in others {
        let Ok(other) = serde_json::from_slice::<Value>(other) else { continue };
        let mut places = Places::new();
        collect(&other, "", &mut places);
        for (place, values) in &places {
            let Some((filled, counted)) = counts.get_mut(place.as_str()) else { continue };
            *filled += 1;
            for value in values {
                if let Some(count) = counted.get_mut(value.as_str()) {
                    *count += 1;
                }
            }
        }
    }
    let is_common = |filled: usize, count: usize| filled >= FEWEST && count * 100 >= filled * SHARE;
    let (mut common, mut rare) = (BTreeSet::new(), BTreeSet::new());
    for (filled, counted) in counts.into_values() {
        for (value, count) in counted {
            if is_common(filled, count) {
                common.insert(value.to_owned())
            } else {
                rare.insert(value.to_owned())
            };
        }
    }
    &common - &rare
}

/// The texts and numbers at each place. The entries of a list have one place together.
type Places = BTreeMap<String, BTreeSet<String>>;

fn collect(value: &Value, place: &str, found: &mut Places) {
    let mut take = |value: String| found.entry(place.to_owned()).or_default().insert(value);
    match value {
        Value::String(text) => {
            take(text.clone());
        }
        Value::Number(number) => {
            take(number.to_string());
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, &format!("{place}/*"), found)),
        Value::Object(members) => {
            for (name, member) in members {
                collect(member, &format!("{place}{}", pointer_to(name)), found);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn person(name: &str, kind: &str) -> Value {
        json!({ "row": { "name": name, "born": { "_type": "Date", "_val": "1971-03-04" } }, "contact": [{ "type": kind }, { "type": "Web" }] })
    }

    #[test]
    fn what_many_have_at_the_same_place_is_nobodys() {
        let others = |count: usize| -> Vec<Vec<u8>> {
            let other = |at: usize| person(&format!("N{at}"), if at.is_multiple_of(2) { "Mobile" } else { "Fax" });
            (0..count).map(|at| other(at).to_string().into_bytes()).collect()
        };
        let found = |record: &Value, count| values(record, &others(count)).into_iter().collect::<Vec<_>>();
        assert_eq!(found(&person("Siân", "Mobile"), 40), ["1971-03-04", "Date", "Mobile", "Web"]);
        // Somebody's name that is a mark elsewhere stays somebody's.
        assert_eq!(found(&person("Date", "Pager"), 40), ["1971-03-04", "Web"]);
        assert_eq!(found(&person("N7", "Mobile"), 19), Vec::<String>::new(), "too few tell nothing");
    }
}
