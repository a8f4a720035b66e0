//! The rules of a pack, as the plugin reads them.

use serde::Deserialize;
use tidegate_sdk::{RecordKind, Source};
use xplan::{AddressField, ClientField, ClientNames, ContactField, List, Names, UserField};

/// A pack's rules; `rules/README.md` describes the format.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// How advisers are read.
    pub(crate) adviser: AdviserRules,
    /// How clients are read.
    pub(crate) client: ClientRules,
}

/// How advisers are read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdviserRules {
    /// The CRM's resource.
    pub resource: String,
    /// What the CRM calls its fields.
    pub fields: Names<UserField>,
}

impl AdviserRules {
    pub(crate) fn source(&self) -> Source {
        Source {
            kind: RecordKind::Adviser,
            resource: self.resource.clone(),
            fields: self.fields.iter().skip(UserField::MEMBERS).map(str::to_owned).collect(),
            lists: Vec::new(),
        }
    }
}

/// How clients are read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientRules {
    /// The CRM's resource.
    pub resource: String,
    /// What the CRM calls its fields.
    pub fields: Names<ClientField>,
    /// The list of contacts.
    pub contact: List<ContactField>,
    /// The list of addresses.
    pub address: List<AddressField>,
}

impl ClientRules {
    pub(crate) fn source(&self) -> Source {
        Source {
            kind: RecordKind::Client,
            resource: self.resource.clone(),
            fields: self.fields.iter().skip(ClientField::MEMBERS).map(str::to_owned).collect(),
            lists: vec![self.contact.list.clone(), self.address.list.clone()],
        }
    }

    pub(crate) fn names(&self) -> ClientNames<'_> {
        ClientNames { fields: &self.fields, contact: &self.contact, address: &self.address }
    }
}
