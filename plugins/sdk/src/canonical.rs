//! The canonical records as lists of named fields, and the words of their choices.
//!
//! For explanations, fixtures and whoever shows a record: names and words are those of the JSON form (snake_case).

use crate::{
    Adviser, Canonical, Client, ClientStatus, Cover, CoverOwner, CoverType, Goal, GoalOwner, Money, Outlook,
    PremiumFrequency, RecordKind, Severity, Sex, Title,
};

/// The name under which an explanation speaks of the record as a whole.
pub const WHOLE: &str = "record";

/// Every field of the records with its value as text, in the contract's order. A client or adviser has its fields
/// by name; goals and covers carry their place in the list: `goals[1].name`. Extensions are named
/// `extensions.<name>`.
#[must_use]
pub fn fields_of(records: &[Canonical]) -> Vec<(String, Option<String>)> {
    let mut all = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let (prefix, fields, extensions) = match record {
            Canonical::Adviser(adviser) => (String::new(), adviser_fields(adviser), &[][..]),
            Canonical::Client(client) => (String::new(), client_fields(client), &*client.extensions),
            Canonical::Goal(goal) => (format!("goals[{index}]."), goal_fields(goal), &*goal.extensions),
            Canonical::Cover(cover) => (format!("covers[{index}]."), cover_fields(cover), &*cover.extensions),
        };
        all.extend(fields.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value)));
        all.extend(
            extensions
                .iter()
                .map(|extension| (format!("{prefix}extensions.{}", extension.name), Some(extension.value.clone()))),
        );
    }
    all
}

type Field = (&'static str, Option<String>);

fn adviser_fields(adviser: &Adviser) -> Vec<Field> {
    vec![
        ("external_id", Some(adviser.external_id.clone())),
        ("first_name", adviser.first_name.clone()),
        ("last_name", adviser.last_name.clone()),
        ("email", adviser.email.clone()),
        ("active", Some(adviser.active.to_string())),
    ]
}

fn client_fields(client: &Client) -> Vec<Field> {
    vec![
        ("external_id", Some(client.external_id.clone())),
        ("title", client.title.map(word)),
        ("first_name", client.first_name.clone()),
        ("middle_name", client.middle_name.clone()),
        ("last_name", client.last_name.clone()),
        ("preferred_name", client.preferred_name.clone()),
        ("date_of_birth", client.date_of_birth.clone()),
        ("sex", client.sex.map(word)),
        ("address_line_1", client.address_line_1.clone()),
        ("address_line_2", client.address_line_2.clone()),
        ("suburb", client.suburb.clone()),
        ("state", client.state.clone()),
        ("postcode", client.postcode.clone()),
        ("country_code", client.country_code.clone()),
        ("email", client.email.clone()),
        ("email_is_placeholder", Some(client.email_is_placeholder.to_string())),
        ("mobile", client.mobile.clone()),
        ("adviser_external_id", client.adviser_external_id.clone()),
        ("partner_external_id", client.partner_external_id.clone()),
        ("is_partner", Some(client.is_partner.to_string())),
        ("status", Some(word(client.status))),
    ]
}

fn goal_fields(goal: &Goal) -> Vec<Field> {
    vec![
        ("external_id", Some(goal.external_id.clone())),
        ("owner", Some(word(goal.owner))),
        ("category", goal.category.clone()),
        ("name", goal.name.clone()),
        ("target_date", goal.target_date.clone()),
        ("estimated_cost", goal.estimated_cost.as_ref().map(money)),
        ("outlook", goal.outlook.map(word)),
    ]
}

fn cover_fields(cover: &Cover) -> Vec<Field> {
    vec![
        ("external_id", Some(cover.external_id.clone())),
        ("policy_number", cover.policy_number.clone()),
        ("type", Some(word(cover.cover_type))),
        ("type_as_given", cover.type_as_given.clone()),
        ("insurer", cover.insurer.clone()),
        ("plan_name", cover.plan_name.clone()),
        ("sum_insured", cover.sum_insured.as_ref().map(money)),
        ("premium", cover.premium.as_ref().map(money)),
        ("premium_frequency", cover.premium_frequency.map(word)),
        ("owner", Some(word(cover.owner))),
        ("renewal_date", cover.renewal_date.clone()),
        ("end_year", cover.end_year.map(|number| number.to_string())),
        ("expired", Some(cover.expired.to_string())),
    ]
}

fn money(money: &Money) -> String {
    format!("{} {}", money.currency, money.amount)
}

fn word<C: Choice>(choice: C) -> String {
    choice.word().to_owned()
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
