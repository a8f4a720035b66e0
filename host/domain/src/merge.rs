//! Merging what the CRM supplies into what the practice keeps.
//!
//! The CRM is master of every field of a client that it supplies, and it supplies them all: a value that is gone in
//! the CRM is gone here. What the practice masters (the status of a goal, who may see a household) is not part of
//! these records.

use crate::record::Client;

/// A client after a merge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Merged {
    /// The values to keep.
    pub client: Client,
    /// The canonical fields whose value is another than before, in the order of the record; empty for a new client.
    pub changed: Vec<&'static str>,
}

/// Merges the values that the CRM `supplied` into the `current` ones.
pub fn merge(current: Option<&Client>, supplied: Client) -> Merged {
    let changed = current.map(|current| differing(current, &supplied)).unwrap_or_default();
    Merged { client: supplied, changed }
}

macro_rules! differing_fields {
    ($before:expr, $after:expr, [$($field:ident),+ $(,)?]) => {{
        // Taken apart, so that a field that is added to the record and forgotten here does not compile.
        let Client { $($field: _),+ } = $before;
        let mut differing = Vec::new();
        $(if $before.$field != $after.$field { differing.push(stringify!($field)); })+
        differing
    }};
}

fn differing(before: &Client, after: &Client) -> Vec<&'static str> {
    differing_fields!(
        before,
        after,
        [
            external_id,
            title,
            first_name,
            middle_name,
            last_name,
            preferred_name,
            date_of_birth,
            sex,
            address_line_1,
            address_line_2,
            suburb,
            state,
            postcode,
            country_code,
            email,
            email_is_placeholder,
            mobile,
            adviser_external_id,
            partner_external_id,
            is_partner,
            status,
            extensions,
        ]
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ExternalId;
    use crate::record::ClientStatus;

    fn client() -> Client {
        Client { first_name: Some("Ayda".into()), ..Client::unnamed(ExternalId("7".into()), ClientStatus::Client) }
    }

    #[test]
    fn a_new_client_has_no_changed_fields() {
        assert_eq!(merge(None, client()), Merged { client: client(), changed: vec![] });
    }

    #[test]
    fn changed_fields_are_named_and_the_crm_wins() {
        let supplied = Client { first_name: None, suburb: Some("Newtown".into()), ..client() };
        let merged = merge(Some(&client()), supplied.clone());
        assert_eq!(merged.changed, ["first_name", "suburb"]);
        assert_eq!(merged.client, supplied);
    }

    #[test]
    fn the_same_values_change_nothing() {
        assert_eq!(merge(Some(&client()), client()).changed, [""; 0]);
    }
}
