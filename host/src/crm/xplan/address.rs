//! Addresses in the Resourceful dialect: lists flattened (`fields.0=first_name`), bookmarks raw.

use std::fmt::Write as _;

use crate::crm::{CrmError, Source, is_step};
use crate::domain::text::excerpt;

/// The most rows of a page.
pub(super) const PAGE_SIZE: usize = 500;

/// A path below `/resourceful` with its query, ready to send.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// `/resourceful/…`.
    pub(super) path: String,
    /// Encoded, without the question mark; empty for none.
    pub(super) query: String,
}

impl Address {
    /// A path without a query.
    pub(super) fn of(path: &str) -> Self {
        Self { path: path.to_owned(), query: String::new() }
    }

    /// The rows of a source, or one of them, with the fields that it asks for.
    pub(super) fn entity(source: &Source, id: Option<&str>) -> Result<Self, CrmError> {
        let mut address = Self::of(&entity_path(&source.resource, id)?);
        for (at, field) in source.fields.iter().enumerate() {
            address.push(&format!("fields.{at}"), field);
        }
        // Only clients have a status; other resources may refuse a parameter that they do not know.
        if source.resource.starts_with("client") {
            address.push("include_client_status", "1");
        }
        Ok(address)
    }

    /// Adds a parameter, encoded.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.push_raw(name, "");
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    self.query.push(char::from(byte));
                }
                _ => {
                    // Writing to a string cannot fail.
                    let _ = write!(self.query, "%{byte:02X}");
                }
            }
        }
    }

    /// Adds a parameter as it is: what the dialect demands of bookmarks.
    pub(super) fn push_raw(&mut self, name: &str, value: &str) {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.push_str(name);
        self.query.push('=');
        self.query.push_str(value);
    }
}

/// The path of a resource, or of one entity in it.
pub(super) fn entity_path(resource: &str, id: Option<&str>) -> Result<String, CrmError> {
    let resource = segment(resource)?;
    match id {
        Some(id) => Ok(format!("/resourceful/entity/{resource}/{}", segment(id)?)),
        None => Ok(format!("/resourceful/entity/{resource}")),
    }
}

/// A name or number that can stand in a path and in a JSON string as it is. Names come from the pack's rules and
/// numbers from the CRM: neither may lead a call elsewhere.
pub(super) fn segment(text: &str) -> Result<&str, CrmError> {
    if is_step(text) {
        return Ok(text);
    }
    let message = format!("`{}` is no name or number that can be asked for", excerpt(text, 40));
    Err(CrmError::Protocol { message })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RecordKind;

    #[test]
    fn lists_are_flattened_and_values_encoded() {
        let source = Source {
            kind: RecordKind::Client,
            resource: "client-v4".to_owned(),
            fields: vec!["first_name".to_owned(), "a b&c".to_owned()],
            lists: Vec::new(),
            below: Vec::new(),
        };
        let mut address = Address::entity(&source, Some("7")).unwrap();
        address.push_raw("page_bookmark", "eyJ/+A==");
        assert_eq!(address.path, "/resourceful/entity/client-v4/7");
        let expected = "fields.0=first_name&fields.1=a%20b%26c&include_client_status=1&page_bookmark=eyJ/+A==";
        assert_eq!(address.query, expected);
    }

    #[test]
    fn nothing_leads_elsewhere() {
        for text in ["", "..", "a/b", "a?b", "a\"b", "é"] {
            assert!(segment(text).is_err(), "{text}");
        }
        assert_eq!(segment("insurance_group").unwrap(), "insurance_group");
    }
}
