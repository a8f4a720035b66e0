//! Lists of clients that came empty once: what stood in them stays for one walk more, and of who came like that first,
//! nothing is known before the next one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::expected::Fields;

/// What comes from a client's lists.
const FROM_LISTS: [&str; 9] = [
    "email",
    "email_is_placeholder",
    "mobile",
    "address_line_1",
    "address_line_2",
    "suburb",
    "state",
    "postcode",
    "country_code",
];

/// Whether a rule makes lists of clients' own records come empty.
pub fn strikes(rule: &str) -> bool {
    rule.starts_with("empty_list")
}

/// The clients of whom it is told that a list was kept.
pub fn told(clients: &[Value]) -> BTreeSet<String> {
    let is_told = |client: &&Value| {
        let mut said = client["diagnostics"].as_array().into_iter().flatten();
        said.any(|one| one["code"] == "list-empty-once")
    };
    clients.iter().filter(is_told).filter_map(|client| Some(client["external_id"].as_str()?.to_owned())).collect()
}

/// The records left aside because a list came empty, truly or not, right after a record that could not be read.
pub fn aside(quarantine: &[Value]) -> BTreeSet<String> {
    let is_such = |record: &&Value| {
        let mut said = record["diagnostics"].as_array().into_iter().flatten();
        said.any(|one| one["message"].as_str().is_some_and(|words| words.contains("now nothing stands in its lists")))
    };
    let ids = quarantine.iter().filter(is_such).filter_map(|record| Some(record["external_id"].as_str()?.to_owned()));
    ids.collect()
}

/// Takes out what cannot be expected of these clients. What is proposed in place of an address depends on everybody's.
pub fn leave_open(clients: &BTreeSet<String>, expected: &mut BTreeMap<String, Fields>) {
    if clients.is_empty() {
        return;
    }
    for (id, fields) in expected {
        if clients.contains(id) {
            fields.retain(|field, _| !FROM_LISTS.contains(field));
        } else if fields["email_is_placeholder"] == true {
            fields.remove("email");
        }
    }
}
