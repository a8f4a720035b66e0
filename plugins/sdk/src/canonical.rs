//! The contract's types; the canonical records as lists of named fields, and the words of their choices.
//!
//! Names and words are those of the JSON form (snake_case), for explanations, fixtures and whoever shows a record.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{
    Canonical, ClientStatus, CoverOwner, CoverType, GoalOwner, Outlook, PremiumFrequency, RecordKind, Severity, Sex,
    Title,
};

/// The contract's types and calls, generated from `wit/v1`.
///
/// Compiled for every target: natively the same types serve tests and benchmarks, while the imports and exports behind
/// them exist on `wasm32` only. Nothing here is written by hand.
#[allow(missing_docs, unsafe_code, clippy::all, unused_qualifications)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/v1",
        world: "mapping",
        pub_export_macro: true,
        export_macro_name: "export_component",
        default_bindings_module: "tidegate_sdk::bindings",
        additional_derives: [PartialEq, serde::Serialize],
        // Their words are those of the JSON form, below.
        additional_derives_ignore: [
            "record-kind", "severity", "title", "sex", "client-status", "goal-owner", "outlook", "cover-type",
            "premium-frequency", "cover-owner",
        ],
        generate_unused_types: true,
    });
}

/// The name under which an explanation speaks of the record as a whole.
pub const WHOLE: &str = "record";

/// Every field of the records with its value as text, in the contract's order. A client or adviser has its fields
/// by name; goals and covers carry their place in the list: `goals[1].name`. Extensions are named
/// `extensions.<name>`.
#[must_use]
pub fn fields_of(records: &[Canonical]) -> Vec<(String, Option<String>)> {
    let mut all = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let (kind, fields) = json_fields(record);
        let prefix = match kind {
            RecordKind::Adviser | RecordKind::Client => String::new(),
            listed => format!("{}s[{index}].", listed.word()),
        };
        for (name, value) in fields {
            match value {
                Value::Array(extensions) => all.extend(extensions.iter().map(|extension| {
                    let value = extension["value"].as_str().map(str::to_owned);
                    (format!("{prefix}{name}.{}", extension["name"].as_str().unwrap_or_default()), value)
                })),
                value => all.push((format!("{prefix}{name}"), text(&value))),
            }
        }
    }
    all
}

/// A record's kind, and its fields as JSON by their names, in the contract's order.
pub(crate) fn json_fields(record: &Canonical) -> (RecordKind, Vec<(String, Value)>) {
    match record {
        Canonical::Adviser(adviser) => (RecordKind::Adviser, fields(adviser)),
        Canonical::Client(client) => (RecordKind::Client, fields(client)),
        Canonical::Goal(goal) => (RecordKind::Goal, fields(goal)),
        Canonical::Cover(cover) => (RecordKind::Cover, fields(cover)),
    }
}

/// The fields of a record of the contract; a name that Rust keeps for itself has an underscore behind it there.
fn fields(record: &impl Serialize) -> Vec<(String, Value)> {
    // A record is texts, numbers and words, each of which is JSON.
    let json = serde_json::to_string(record).unwrap_or_default();
    let Ordered(mut fields) = serde_json::from_str(&json).unwrap_or_default();
    for (name, _) in &mut fields {
        name.truncate(name.trim_end_matches('_').len());
    }
    fields
}

/// An object whose members keep their order.
#[derive(Default)]
struct Ordered(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Ordered;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Ordered, A::Error> {
                let mut fields = Vec::new();
                while let Some(member) = members.next_entry()? {
                    fields.push(member);
                }
                Ok(Ordered(fields))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A value as text; money as its currency and amount.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Object(money) => {
            Some([&money["currency"], &money["amount"]].map(|part| part.as_str().unwrap_or_default()).join(" "))
        }
        other => Some(other.to_string()),
    }
}

/// A choice of the contract and its words in JSON.
pub trait Choice: Copy + PartialEq + 'static {
    /// Every choice with its word.
    const ALL: &'static [(Self, &'static str)];

    /// The choice's word.
    fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(choice, _)| *choice == self);
        known.map_or("", |(_, word)| word)
    }

    /// The choice that a word means.
    fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(choice, _)| *choice)
    }
}

macro_rules! choices {
    ($($kind:ident { $($choice:ident = $word:literal),+ $(,)? })+) => {
        $(impl Choice for $kind {
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$choice, $word)),+];
        }

        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        })+
    };
}

choices! {
    RecordKind { Adviser = "adviser", Client = "client", Goal = "goal", Cover = "cover" }
    Severity { Info = "info", Warning = "warning", Error = "error" }
    Title { Mr = "Mr", Mrs = "Mrs", Ms = "Ms", Miss = "Miss", Dr = "Dr", Prof = "Prof" }
    Sex { Female = "female", Male = "male", Other = "other" }
    ClientStatus {
        Client = "client", Prospect = "prospect", Contact = "contact",
        GroupPlanMember = "group_plan_member", Archived = "archived", Deceased = "deceased",
        Other = "other",
    }
    GoalOwner { Client = "client", Partner = "partner", Joint = "joint" }
    Outlook {
        WillHaveLessMoney = "will_have_less_money", WillHaveMoreMoney = "will_have_more_money",
        NonFinancial = "non_financial",
    }
    CoverType {
        Life = "life", TotalAndPermanentDisability = "total_and_permanent_disability",
        IncomeProtection = "income_protection", Trauma = "trauma", General = "general",
        Other = "other",
    }
    PremiumFrequency {
        Weekly = "weekly", Fortnightly = "fortnightly", Monthly = "monthly",
        Quarterly = "quarterly", HalfYearly = "half_yearly", Yearly = "yearly",
    }
    CoverOwner { Client = "client", Partner = "partner", Joint = "joint", Other = "other" }
}

#[cfg(test)]
mod tests;
