//! The records of the book, as an operator of the site would see them.
//!
//! For tests, which compute from these what must come over, and for the admin endpoint, which reads and edits them as
//! JSON with these names. What the API answers is written from them in `site/rows.rs`; no other source exists.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::numbers::{NumberKind, StateNumber};

/// Text that is mostly one of a fixed pool.
pub type Text = Cow<'static, str>;

/// A client record: a person, or another kind of entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// The site's number for this record.
    pub id: u32,
    /// `Client`, `Prospect`, `Archived`, `Deceased`, `Contact`, …: as `client_status` answers.
    pub status: Text,
    /// `individual`, or a kind that is no person (`company`, `trust`, …).
    pub entity_type: Text,
    /// The user who is the primary adviser.
    pub client_adviser: Option<u32>,
    /// The user who stands beside that one.
    #[serde(default)]
    pub client_adviser_secondary: Option<u32>,
    /// The group whose members see this client.
    pub group: u32,
    /// True when nobody sees the client through the API, as after a change of groups.
    pub hidden: bool,
    /// The other half of a couple, as far as *this* record says.
    pub partner_entity_id: Option<u32>,
    /// True on the partner's record, false on the primary's.
    pub is_partner: bool,
    /// Free text: `Mr`, `mrs`, `Rev.`, `Sir`.
    pub title: Option<Text>,
    /// Given name.
    pub first_name: Option<Text>,
    /// Further given names.
    pub middle_name: Option<Text>,
    /// Family name; for a company or trust, its name.
    pub last_name: Option<Text>,
    /// What the person goes by.
    pub preferred_name: Option<Text>,
    /// Date of birth as written, not always a real date.
    pub dob: Option<Text>,
    /// `M`, `F` or `X`.
    pub sex: Option<Text>,
    /// The value of the preferred email contact.
    pub preferred_email: Option<Text>,
    /// The value of the preferred telephone contact, often a landline.
    pub preferred_phone: Option<Text>,
    /// The date since when this is a client.
    pub client_active_date: Option<Text>,
    /// A number from another system.
    pub external_id: Option<Text>,
    /// The number that the state gave to the person.
    #[serde(default)]
    pub state_number: Option<StateNumber>,
    /// The list `contact`.
    pub contacts: Vec<Contact>,
    /// The list `address`.
    pub addresses: Vec<Address>,
    /// The list `goals`.
    pub goals: Vec<Goal>,
    /// The list `insurance_group`.
    pub policies: Vec<Policy>,
}

impl Client {
    /// The person's number of a kind.
    pub fn number(&self, kind: NumberKind) -> Option<&str> {
        self.state_number.as_ref().filter(|number| number.kind == kind).map(|number| &*number.value)
    }
}

/// A row of the list `contact`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    /// The row's number within the client.
    pub index: u32,
    /// `phone`, `mobile`, `fax`, `email`, `web`, in any case.
    #[serde(rename = "type")]
    pub kind: Text,
    /// As typed in by somebody.
    pub value: Text,
    /// Whether the row is marked as preferred.
    pub preferred: bool,
}

/// A row of the list `address`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Address {
    /// The row's number within the client.
    pub index: u32,
    /// `residential`, `postal`, `business`, …
    #[serde(rename = "type")]
    pub kind: Text,
    /// One field, with the lines divided by a newline, if at all.
    pub street: Text,
    /// Suburb or town.
    pub suburb: Text,
    /// A state's code; empty in New Zealand.
    pub state: Text,
    /// As text, for its leading zeros.
    pub postcode: Text,
    /// A code, a name, or nothing.
    pub country: Option<Text>,
    /// Whether the row is marked as preferred.
    pub preferred: bool,
}

/// An amount of money as the API wraps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Money {
    /// ISO 4217.
    pub code: Text,
    /// A decimal, at times with an exponent: `100`, `-1500.50`, `1.25e5`.
    pub value: Text,
}

/// A row of the list `goals`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// The row's number.
    pub index: u32,
    /// `1` fulfilled, `2` unfulfilled, `3` partially, `4` cancelled.
    pub status: Text,
    /// A picklist code, not always a known one.
    pub category: Option<u32>,
    /// What the goal is.
    pub description: Option<Text>,
    /// `client`, `partner` or `joint`.
    pub owner: Text,
    /// Payments a year.
    pub frequency: Option<u32>,
    /// When it is to be reached.
    pub target_date: Option<Text>,
    /// When it was written down.
    pub capture_date: Option<Text>,
    /// Below zero costs, above zero brings in, zero is not about money.
    pub target_amount: Option<Money>,
    /// A number from another system.
    pub xpt_external_id: Option<Text>,
}

/// A row of the list `insurance_group`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// The row's number.
    pub index: u32,
    /// The insurer's number.
    pub policy_number: Option<Text>,
    /// The insurer in short.
    pub underwriter: Text,
    /// The insurer in full.
    pub underwriter_description: Text,
    /// The product.
    pub plan_name: Option<Text>,
    /// Any of `client`, `partner`, `joint`, or another owner's name.
    pub policy_owners: Vec<Text>,
    /// One premium.
    pub installment_premium: Option<Money>,
    /// How often it is paid, in words.
    pub frequency_display: Option<Text>,
    /// Start of cover.
    pub inception_date: Option<Text>,
    /// Next renewal.
    pub renewal_date: Option<Text>,
    /// End of cover.
    pub policy_to: Option<Text>,
    /// What is covered.
    pub covers: Vec<Cover>,
}

/// One cover of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cover {
    /// The site's word for it: `Life`, `Term Life`, `TPD`, `Home & Contents`, …
    pub cover_type: Text,
    /// What is paid when it happens.
    pub sum_insured: Option<Money>,
    /// `Active`, `Lapsed`, …
    pub benefit_status: Text,
}

/// A user of the site; most are advisers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The site's number.
    pub id: u32,
    /// Given name.
    pub first_name: Text,
    /// Family name.
    pub last_name: Text,
    /// Not every user has one.
    pub email: Option<Text>,
    /// The group that the user belongs to.
    pub group: u32,
}
