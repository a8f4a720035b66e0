//! Merging what the CRM supplies into what the practice keeps.
//!
//! The CRM is master of every field of a client that it supplies, and it supplies them all: a value that is gone in
//! the CRM is gone here, and what a person changed here is overridden by the next sync that brings the record. What
//! the practice masters (the status of a goal, who may see a household) is not part of these records.

use crate::edit::{LocalEdit, Overridden};
use crate::field::Record as _;
use crate::ids::RunId;
use crate::record::Client;
use crate::value::Timestamp;

/// A client after a merge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Merged {
    /// The values to keep.
    pub client: Client,
    /// The canonical fields whose value is another than before, in the order of the record; empty for a new client.
    pub changed: Vec<&'static str>,
    /// The local edits that the CRM overrode, each with what it supplied; one that the CRM has taken up is none.
    pub overridden: Vec<(LocalEdit, Option<String>)>,
}

/// Merges the values that the CRM `supplied` into the `current` ones, some of which people edited here.
pub fn merge(current: Option<&Client>, edits: Vec<LocalEdit>, supplied: Client) -> Merged {
    let changed = current.map(|current| current.differing(&supplied)).unwrap_or_default();
    let mut overridden = Vec::new();
    for edit in edits {
        if changed.contains(&edit.field.as_str()) {
            let value = supplied.text_of(&edit.field);
            overridden.push((edit, value));
        }
    }
    Merged { client: supplied, changed, overridden }
}

/// Overridden edits that are remembered with a client.
const REMEMBERED: usize = 20;

/// Adds the edits that a run overrode to those that are remembered, the newest first, and forgets the oldest.
pub fn remember(
    remembered: &mut Vec<Overridden>,
    overridden: Vec<(LocalEdit, Option<String>)>,
    run: RunId,
    at: Timestamp,
) {
    for (LocalEdit { field, to: from, by, .. }, to) in overridden {
        remembered.insert(0, Overridden { field, from, to, by, run, at });
    }
    remembered.truncate(REMEMBERED);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::changes;
    use crate::ids::ExternalId;
    use crate::record::ClientStatus;

    fn client() -> Client {
        Client { first_name: Some("Ayda".into()), ..Client::unnamed(ExternalId("7".into()), ClientStatus::Client) }
    }

    fn edit(field: &str, value: &str) -> LocalEdit {
        LocalEdit {
            field: field.to_owned(),
            from: None,
            to: Some(value.to_owned()),
            by: "Pat Lee".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_latest_overridden_edits_are_remembered() {
        let mut remembered = Vec::new();
        for number in 0..25 {
            let overridden = vec![(edit("suburb", &format!("Place {number}")), Some("Carlton".to_owned()))];
            remember(&mut remembered, overridden, RunId(uuid::Uuid::nil()), Timestamp::UNIX_EPOCH);
        }
        let (first, last) = (&remembered[0], &remembered[19]);
        assert_eq!((first.from.as_deref(), first.to.as_deref()), (Some("Place 24"), Some("Carlton")));
        assert_eq!((last.from.as_deref(), remembered.len()), (Some("Place 5"), 20));
    }

    #[test]
    fn a_new_client_has_no_changed_fields() {
        let expected = Merged { client: client(), changed: vec![], overridden: vec![] };
        assert_eq!(merge(None, Vec::new(), client()), expected);
    }

    #[test]
    fn changed_fields_are_named_and_the_crm_wins() {
        let supplied = Client { first_name: None, suburb: Some("Newtown".into()), ..client() };
        let merged = merge(Some(&client()), Vec::new(), supplied.clone());
        assert_eq!(merged.changed, ["first_name", "suburb"]);
        let changes = changes(&client(), &supplied, &merged.changed);
        let words: Vec<_> = changes.iter().map(|c| (c.from.as_deref(), c.to.as_deref())).collect();
        assert_eq!(words, [(Some("Ayda"), None), (None, Some("Newtown"))]);
        assert_eq!(merged.client, supplied);
    }

    #[test]
    fn the_same_values_change_nothing() {
        assert_eq!(merge(Some(&client()), Vec::new(), client()).changed, [""; 0]);
    }

    #[test]
    fn an_edit_is_overridden_unless_the_crm_has_taken_it_up() {
        let edited = Client { suburb: Some("Newtown".into()), last_name: Some("Khan".into()), ..client() };
        let edits = vec![edit("suburb", "Newtown"), edit("last_name", "Khan")];
        let supplied = Client { last_name: Some("Khan".into()), suburb: Some("Carlton".into()), ..client() };
        let merged = merge(Some(&edited), edits.clone(), supplied);
        assert_eq!(merged.changed, ["suburb"]);
        assert_eq!(merged.overridden, [(edits[0].clone(), Some("Carlton".to_owned()))]);
    }
}
