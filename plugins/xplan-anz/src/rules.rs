//! The rules of advisers and clients as a pack's files write them. `rules/README.md` describes the format; the
//! manifest's `rules_schema` is its exact form.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidegate_sdk::{RecordKind, Source, Spellings};
use xplan::{AddressField, ClientField, ContactField, List, Names, UserField};

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
    /// What is read in the CRM.
    pub fn source(&self) -> Source {
        let asked = self.fields.iter().skip(UserField::MEMBERS);
        Source {
            kind: RecordKind::Adviser,
            resource: self.resource.clone(),
            fields: asked.map(str::to_owned).collect(),
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
    /// The entity types that are people.
    pub people: Vec<String>,
    /// Titles, with their spellings.
    pub titles: Spellings,
    /// Sexes, with their spellings.
    pub sexes: Spellings,
    /// Which statuses there are and which come over.
    pub status: StatusRules,
    /// The list of contacts.
    pub contact: List<ContactField>,
    /// The kinds of contact, with their spellings.
    pub contact_types: Spellings,
    /// Which numbers are taken.
    pub mobile: MobileRules,
    /// Which email addresses are taken.
    pub email: EmailRules,
    /// The list of addresses.
    pub address: List<AddressField>,
    /// How an address is taken apart.
    pub address_form: AddressRules,
}

/// Which statuses there are and which come over.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusRules {
    /// Statuses, with their spellings.
    pub words: Spellings,
    /// The statuses that come over; of several that a client has, the first in this list counts.
    pub come_over: Vec<String>,
    /// The status of a client without one.
    pub when_missing: String,
}

/// Which numbers are taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MobileRules {
    /// The kinds of contact that may hold a mobile number, in the order of trying.
    pub from: Vec<String>,
    /// What people dial from here before a country code; it stands for `+`.
    pub dialling_prefixes: Vec<String>,
    /// By country code, the digits with which mobile numbers begin: other numbers of that country are not asked
    /// about.
    pub plans: BTreeMap<String, Vec<String>>,
    /// The country code of numbers that state none. They are left out; it tells the landlines among them.
    #[serde(default)]
    pub home_code: Option<String>,
    /// What people write beside a number to say that it is theirs: `Mobile:`. Other words may mean somebody else's.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// Which email addresses are taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailRules {
    /// The kinds of contact that hold an email address.
    pub from: Vec<String>,
    /// The pattern of made-up addresses.
    pub placeholder: String,
}

/// How an address is taken apart.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddressRules {
    /// ISO 3166-1 alpha-2: the country whose states and postcodes follow, and that of addresses without one.
    pub home_country: String,
    /// The types of address to take where none is preferred.
    pub residential: Vec<String>,
    /// Words that begin a first line of its own: unit, level.
    pub unit_words: Vec<String>,
    /// The home country's postcode: `9` stands for a digit, `A` for a letter.
    pub postcode: String,
    /// By country, or country and state (`AU-NT`): the patterns of postcodes that begin with a zero, so that one that
    /// has lost it is known.
    #[serde(default)]
    pub leading_zeros: BTreeMap<String, Vec<String>>,
    /// The home country's states: codes, with their spellings.
    #[serde(default)]
    pub states: Spellings,
    /// Spellings of countries beyond the names of ISO 3166, by code.
    #[serde(default)]
    pub countries: Spellings,
}
