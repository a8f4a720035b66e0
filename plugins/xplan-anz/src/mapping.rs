//! The rules made ready: words turned into tables and choices, once for a batch.

use std::collections::BTreeMap;

use tidegate_sdk::read::placeholder_problem;
use tidegate_sdk::{ClientStatus, RecordKind, RuleProblem, Sex, Source, Table, Title, canonical::Choice, choice};
use xplan::{AddressField, ClientField, ClientNames, ContactField, List, Names};

use crate::extensions::{Extensions, Of};
use crate::rules::{AddressRules, ClientRules, MobileRules};

/// The kind of contact that a row of the contact list is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContactType {
    Mobile,
    Phone,
    Fax,
    Email,
    Web,
}

impl Choice for ContactType {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Mobile, "mobile"),
        (Self::Phone, "phone"),
        (Self::Fax, "fax"),
        (Self::Email, "email"),
        (Self::Web, "web"),
    ];
}

/// The mapping of clients.
pub(crate) struct ClientMapping {
    pub fields: Names<ClientField>,
    pub people: Table<()>,
    pub titles: Table<Title>,
    pub sexes: Table<Sex>,
    pub statuses: Table<ClientStatus>,
    pub come_over: Vec<ClientStatus>,
    pub status_when_missing: ClientStatus,
    pub contact: List<ContactField>,
    pub contact_types: Table<ContactType>,
    pub mobile: MobileMapping,
    pub email_from: Vec<ContactType>,
    pub placeholder: String,
    pub address: List<AddressField>,
    pub address_form: AddressMapping,
    pub extensions: Extensions,
    resource: String,
}

/// The choice of mobile numbers that are taken.
pub(crate) struct MobileMapping {
    pub from: Vec<ContactType>,
    pub dialling_prefixes: Vec<String>,
    pub plans: Vec<(String, Vec<String>)>,
    /// The digits with which the mobile numbers of this country begin.
    pub home: Vec<String>,
    pub labels: Table<()>,
}

/// The mapping of an address.
pub(crate) struct AddressMapping {
    pub home_country: String,
    pub residential: Table<()>,
    pub unit_words: Table<()>,
    pub postcodes: Vec<String>,
    /// Whether states are taken as they are written.
    pub any_state: bool,
    /// The patterns of postcodes that begin with a zero, by country, or country and state (`AU-NT`).
    pub leading_zeros: BTreeMap<String, Vec<String>>,
    /// The states of the home country; none where it has none.
    pub states: Option<Table<String>>,
    pub countries: Table<String>,
}

impl ClientMapping {
    /// Makes the rules ready; what is wrong with them is added to `problems`.
    pub fn new(rules: ClientRules, problems: &mut Vec<RuleProblem>) -> Self {
        let ClientRules { status, email, mut fields, .. } = rules;
        let extensions = Extensions::new(rules.extensions, &mut fields, &Of::CLIENT, problems);
        if let Some(message) = placeholder_problem(&email.placeholder) {
            problems.push(RuleProblem { path: "/client/email/placeholder".to_owned(), message });
        }
        Self {
            people: Table::listing(&rules.people, "/client/people"),
            titles: rules.titles.choices("/client/titles", problems),
            sexes: rules.sexes.choices("/client/sexes", problems),
            statuses: status.words.choices("/client/status/words", problems),
            come_over: all(&status.come_over, "/client/status/come_over", problems),
            status_when_missing: one(&status.when_missing, "/client/status/when_missing", problems)
                .unwrap_or(ClientStatus::Other),
            contact_types: rules.contact_types.choices("/client/contact_types", problems),
            mobile: MobileMapping::new(rules.mobile, problems),
            email_from: all(&email.from, "/client/email/from", problems),
            placeholder: email.placeholder,
            address_form: AddressMapping::new(rules.address_form, problems),
            extensions,
            fields,
            contact: rules.contact,
            address: rules.address,
            resource: rules.resource,
        }
    }

    /// The source that is read in the CRM.
    pub fn source(&self) -> Source {
        let asked = self.fields.iter().skip(ClientField::MEMBERS);
        Source {
            kind: RecordKind::Client,
            resource: self.resource.clone(),
            fields: asked.map(str::to_owned).collect(),
            lists: vec![self.contact.list.clone(), self.address.list.clone()],
        }
    }

    /// The source that is read in a list below the clients, into raw records of its own.
    pub fn below(&self, kind: RecordKind, lists: &[&str]) -> Source {
        let lists = lists.iter().map(|list| (*list).to_owned()).collect();
        Source { kind, resource: self.resource.clone(), fields: Vec::new(), lists }
    }

    /// The CRM's names of everything about a client.
    pub fn names(&self) -> ClientNames<'_> {
        ClientNames { fields: &self.fields, contact: &self.contact, address: &self.address }
    }
}

impl MobileMapping {
    fn new(rules: MobileRules, problems: &mut Vec<RuleProblem>) -> Self {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let mut check = |text: &str, path: String| {
            if !digits(text) {
                let message = format!("“{text}” should be digits only.");
                problems.push(RuleProblem { path, message });
            }
        };
        for (index, prefix) in rules.dialling_prefixes.iter().enumerate() {
            check(prefix, format!("/client/mobile/dialling_prefixes/{index}"));
        }
        for (code, prefixes) in &rules.plans {
            for text in prefixes.iter().chain([code]) {
                check(text, format!("/client/mobile/plans/{code}"));
            }
        }
        let home = rules.home_code.and_then(|code| {
            let plan = rules.plans.get(&code).cloned();
            if plan.is_none() {
                let message = format!("“{code}” has no plan in /client/mobile/plans.");
                problems.push(RuleProblem { path: "/client/mobile/home_code".to_owned(), message });
            }
            plan
        });
        Self {
            from: all(&rules.from, "/client/mobile/from", problems),
            dialling_prefixes: rules.dialling_prefixes,
            plans: rules.plans.into_iter().collect(),
            home: home.unwrap_or_default(),
            labels: Table::listing(&rules.labels, "/client/mobile/labels"),
        }
    }
}

impl AddressMapping {
    fn new(rules: AddressRules, problems: &mut Vec<RuleProblem>) -> Self {
        if country(&rules.home_country).is_err() {
            let message = format!("“{}” is no code of ISO 3166-1.", rules.home_country);
            problems.push(RuleProblem { path: "/client/address_form/home_country".to_owned(), message });
        }
        if rules.any_state && !rules.states.is_empty() {
            let message = "Any state is taken as it is written, and a table says which there are; keep one of the two.";
            let path = "/client/address_form/any_state".to_owned();
            problems.push(RuleProblem { path, message: message.to_owned() });
        }
        let state = |code: &str| Ok(code.to_owned());
        let states = rules.states.table("/client/address_form/states", problems, state);
        Self {
            home_country: rules.home_country,
            residential: Table::listing(&rules.residential, "/client/address_form/residential"),
            unit_words: Table::listing(&rules.unit_words, "/client/address_form/unit_words"),
            postcodes: rules.postcode.into(),
            any_state: rules.any_state,
            leading_zeros: rules.leading_zeros,
            states: (!states.is_empty()).then_some(states),
            countries: rules.countries.table("/client/address_form/countries", problems, country),
        }
    }
}

fn country(code: &str) -> Result<String, String> {
    match tidegate_sdk::countries::code(code) {
        Some(known) if known == code => Ok(code.to_owned()),
        _ => Err(format!("“{code}” is no code of ISO 3166-1; write two capital letters, as in AU.")),
    }
}

fn one<T: Choice>(word: &str, path: &str, problems: &mut Vec<RuleProblem>) -> Option<T> {
    match choice(word) {
        Ok(choice) => Some(choice),
        Err(message) => {
            problems.push(RuleProblem { path: path.to_owned(), message });
            None
        }
    }
}

fn all<T: Choice>(words: &[String], path: &str, problems: &mut Vec<RuleProblem>) -> Vec<T> {
    let one = |(index, word): (usize, &String)| one(word, &format!("{path}/{index}"), problems);
    words.iter().enumerate().filter_map(one).collect()
}
