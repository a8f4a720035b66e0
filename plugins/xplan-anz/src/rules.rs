//! The rules of advisers and clients as a pack's files write them. `rules/README.md` describes the format; the
//! manifest's `rules_schema` is its exact form.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidegate_sdk::{RecordKind, Source, Spellings};
use xplan::{AddressField, ClientField, ContactField, List, Names, UserField};

use crate::extensions::ExtensionRules;

/// The rules by which advisers are read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdviserRules {
    /// The CRM's resource.
    pub resource: String,
    /// The CRM's names of its fields.
    pub fields: Names<UserField>,
}

impl AdviserRules {
    /// The source that is read in the CRM.
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

/// The rules by which clients are read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientRules {
    /// The CRM's resource.
    pub resource: String,
    /// The CRM's names of its fields.
    pub fields: Names<ClientField>,
    /// The entity types that are people.
    pub people: Vec<String>,
    /// Titles, with their spellings.
    pub titles: Spellings,
    /// Sexes, with their spellings.
    pub sexes: Spellings,
    /// The statuses that there are, and those that are imported.
    pub status: StatusRules,
    /// The list of contacts.
    pub contact: List<ContactField>,
    /// The kinds of contact, with their spellings.
    pub contact_types: Spellings,
    /// The rules for the mobile numbers that are taken.
    pub mobile: MobileRules,
    /// The rules for the email addresses that are taken.
    pub email: EmailRules,
    /// The list of addresses.
    pub address: List<AddressField>,
    /// The rules by which an address is taken apart.
    pub address_form: AddressRules,
    /// Fields of the site's own, by the names that they get.
    #[serde(default)]
    pub extensions: BTreeMap<String, ExtensionRules>,
}

/// The statuses that there are, and those that are imported.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusRules {
    /// Statuses, with their spellings.
    pub words: Spellings,
    /// The statuses that are imported; of several that a client has, the first in this list counts.
    pub come_over: Vec<String>,
    /// The status of a client without one.
    pub when_missing: String,
}

/// The rules for the mobile numbers that are taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MobileRules {
    /// The kinds of contact that may hold a mobile number, in the order of trying.
    pub from: Vec<String>,
    /// The prefixes that people dial from here before a country code; each stands for `+`.
    pub dialling_prefixes: Vec<String>,
    /// The digits with which mobile numbers begin, by country code: other numbers of that country are not asked about.
    pub plans: BTreeMap<String, Vec<String>>,
    /// The country code of numbers that state none. They are left out; it tells the landlines among them.
    #[serde(default)]
    pub home_code: Option<String>,
    /// The words that people write beside a number to say that it is theirs: `Mobile:`. Other words may mean somebody
    /// else's.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// The rules for the email addresses that are taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailRules {
    /// The kinds of contact that hold an email address.
    pub from: Vec<String>,
    /// The pattern of made-up addresses.
    pub placeholder: String,
}

/// One pattern, or a list of several.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "it is to be a pattern such as \"9999\", or a list of patterns")]
pub(crate) enum Patterns {
    One(String),
    Several(Vec<String>),
}

impl From<Patterns> for Vec<String> {
    fn from(patterns: Patterns) -> Self {
        match patterns {
            Patterns::One(pattern) => vec![pattern],
            Patterns::Several(patterns) => patterns,
        }
    }
}

/// The rules by which an address is taken apart.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddressRules {
    /// The country whose states and postcodes follow, and that of addresses without one; ISO 3166-1 alpha-2.
    pub home_country: String,
    /// The types of address to take where none is preferred.
    pub residential: Vec<String>,
    /// Words that begin a first line of its own: unit, level.
    pub unit_words: Vec<String>,
    /// The home country's postcodes: `9` stands for a digit, `A` for a letter, a blank for one that is put there.
    pub postcode: Patterns,
    /// Whether the home country's states, such as counties, are taken as they are written.
    #[serde(default)]
    pub any_state: bool,
    /// The patterns of postcodes that begin with a zero, by country, or country and state (`AU-NT`), so that one that
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
