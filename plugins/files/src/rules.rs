//! The rules of advisers and clients as a pack's files write them. `rules/README.md` describes the format; the manifest's
//! `rules_schema` is its exact form.

use std::collections::BTreeMap;

use serde::Deserialize;
use tidegate_sdk::{RuleProblem, Spellings};

/// The columns of an export by the plugin's words for them, as the rules name them.
#[derive(Debug, Clone)]
pub(crate) struct Columns {
    /// The place in the rules, as a JSON Pointer.
    pub path: &'static str,
    names: BTreeMap<String, String>,
    /// The plugin's words, that of the id first.
    order: &'static [&'static str],
}

impl Columns {
    /// Makes the columns ready. The first of `known` holds the id and has to be named; what is not among them is a problem.
    pub fn new(
        names: BTreeMap<String, String>,
        known: &'static [&'static str],
        path: &'static str,
        problems: &mut Vec<RuleProblem>,
    ) -> Self {
        let mut problem =
            |key: &str, message: String| problems.push(RuleProblem { path: format!("{path}/{key}"), message });
        for (key, name) in &names {
            if !known.contains(&key.as_str()) {
                problem(key, format!("There is no “{key}”; the fields are {}.", known.join(", ")));
            }
            if name.trim().is_empty() {
                problem(key, "Name the column, or leave the line out where the export has none.".to_owned());
            }
        }
        if let Some(first) = known.first().filter(|first| !names.contains_key(**first)) {
            problem(first, "Name the column: without it nobody is told from others.".to_owned());
        }
        Self { path, names, order: known }
    }

    /// The export's name of a field's column; none where the rules name none.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.names.get(field).map(String::as_str)
    }

    /// The columns to ask for, each once, that of the id first.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for name in self.order.iter().filter_map(|field| self.of(field)) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }
}

/// The rules by which advisers are read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdviserRules {
    /// The export's name, without its ending.
    pub resource: String,
    fields: BTreeMap<String, String>,
}

impl AdviserRules {
    pub fn columns(self, problems: &mut Vec<RuleProblem>) -> Columns {
        Columns::new(self.fields, &["id", "first_name", "last_name", "email"], "/adviser/fields", problems)
    }
}

/// The rules by which clients are read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientRules {
    /// The export's name, without its ending.
    pub resource: String,
    /// The columns' names.
    pub fields: BTreeMap<String, String>,
    /// The types of record that are people; where the export says none, all are.
    #[serde(default)]
    pub people: Vec<String>,
    /// Titles, with their spellings.
    pub titles: Spellings,
    /// Sexes, with their spellings.
    pub sexes: Spellings,
    /// The statuses that there are, and those that are imported.
    pub status: StatusRules,
    /// The rules for the mobile numbers that are taken.
    pub mobile: MobileRules,
    /// The pattern of made-up email addresses.
    pub email: EmailRules,
    /// The rules by which addresses are read.
    pub address_form: AddressRules,
}

/// The statuses that there are, and those that are imported.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StatusRules {
    /// Statuses, with their spellings.
    pub words: Spellings,
    /// The statuses that are imported.
    pub come_over: Vec<String>,
    /// The status of a client without one.
    pub when_missing: String,
}

/// The rules for the mobile numbers that are taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MobileRules {
    /// The prefixes that people dial from here before a country code; each stands for `+`.
    pub dialling_prefixes: Vec<String>,
    /// The country code of numbers that state none, where all that do are of one country; without it they are left out.
    #[serde(default)]
    pub assume_code: Option<String>,
    /// The digits with which mobile numbers begin, by country code: other numbers of that country are no mobiles.
    pub plans: BTreeMap<String, Vec<String>>,
    /// The words that people write beside a number to say that it is theirs.
    #[serde(default)]
    pub labels: Vec<String>,
}

/// The rules for email addresses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailRules {
    /// The pattern of made-up addresses.
    pub placeholder: String,
}

/// The rules by which an address is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddressRules {
    /// The country whose states and postcodes follow, and that of addresses without one; ISO 3166-1 alpha-2.
    pub home_country: String,
    /// The home country's postcode: `9` stands for a digit, `A` for a letter.
    pub postcode: String,
    /// The home country's states: codes, with their spellings. None where its addresses have none.
    #[serde(default)]
    pub states: Spellings,
    /// Spellings of countries beyond the names of ISO 3166, by code.
    #[serde(default)]
    pub countries: Spellings,
}
