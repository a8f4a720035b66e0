//! The goals and covers that a practice in Australia has to show of a book, by the rules' own words and by nothing of
//! the product's code.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Value, json};
use xplan_sandbox::Client;
use xplan_sandbox::book::{Goal, Money, Policy};

use super::expected::{Fields, word};
use super::written::{self, amount, clean, without_remark};

/// By the CRM's ids: the client's, the row's, and of covers what tells them apart.
pub type Listed = BTreeMap<String, Fields>;

const TYPES: [(&str, &[&str]); 5] = [
    ("life", &["life", "term life"]),
    ("total_and_permanent_disability", &["tpd", "total & permanent disablement"]),
    ("income_protection", &["income protection", "salary continuance"]),
    ("trauma", &["trauma", "critical illness"]),
    ("general", &["home & contents", "motor", "landlord", "boat"]),
];

/// Goals of those who come over.
pub fn goals(people: &[Client]) -> Listed {
    let of = |client: &Client| {
        let id = client.id;
        client.goals.iter().map(move |row| (format!("{id}/{}", row.index), goal(row))).collect::<Vec<_>>()
    };
    people.iter().flat_map(of).collect()
}

fn goal(row: &Goal) -> Fields {
    let cost = row.target_amount.as_ref().map(|cost| amount(&cost.value));
    let outlook = match cost {
        // What stands there and cannot be read says nothing of the goal.
        Some(None) => None,
        Some(Some(cost)) if cost < 0.0 => Some("will_have_less_money"),
        Some(Some(cost)) if cost > 0.0 => Some("will_have_more_money"),
        _ => Some("non_financial"),
    };
    let code = row.target_amount.as_ref().map(|cost| &cost.code);
    let owner = match word(&row.owner).as_str() {
        "partner" | "spouse" => "partner",
        "joint" | "both" => "joint",
        _ => "client",
    };
    BTreeMap::from([
        ("owner", json!(owner)),
        ("category", json!(row.category.and_then(category))),
        ("name", json!(clean(row.description.as_deref()))),
        ("target_date", json!(day(row.target_date.as_deref()))),
        ("estimated_cost", json!(cost.flatten().map(|cost| (cost.abs(), code)))),
        ("outlook", json!(outlook)),
    ])
}

/// The site's own word for a category.
fn category(code: u32) -> Option<&'static str> {
    Some(match code {
        0 => "Estate planning",
        1 => "Mortgage",
        2 => "Protection",
        3 => "Investment",
        5 => "Retirement",
        6 => "General insurance",
        7 => "Medical insurance",
        9 => "Long-term care",
        10 => "Client-initiated",
        9999 => "Uncategorised",
        _ => return None,
    })
}

/// Covers of those who come over.
pub fn covers(people: &[Client], today: Date) -> Listed {
    let mut covers = Listed::new();
    for client in people {
        for policy in &client.policies {
            let mut counted: BTreeMap<String, u32> = BTreeMap::new();
            for (at, cover) in policy.covers.iter().enumerate() {
                let plain = |letter: char| if letter.is_alphanumeric() { letter } else { '-' };
                let key: String = word(&cover.cover_type).chars().map(plain).collect();
                let count = counted.entry(key.clone()).or_default();
                *count += 1;
                let key = if *count == 1 { key } else { format!("{key}-{count}") };
                covers.insert(format!("{}/{}/{key}", client.id, policy.index), self::cover(policy, at, today));
            }
        }
    }
    covers
}

fn cover(policy: &Policy, at: usize, today: Date) -> Fields {
    let cover = &policy.covers[at];
    let kind = without_remark(&word(&cover.cover_type)).to_owned();
    let known = TYPES.iter().find(|(_, words)| words.contains(&kind.as_str())).map_or("other", |(known, _)| known);
    let insurer = clean(Some(&policy.underwriter_description)).or_else(|| clean(Some(&policy.underwriter)));
    let frequency = policy.frequency_display.as_deref().and_then(|text| match word(text).as_str() {
        "annually" | "yearly" => Some("yearly".to_owned()),
        known @ ("weekly" | "fortnightly" | "monthly" | "quarterly") => Some(known.to_owned()),
        "half-yearly" => Some("half_yearly".to_owned()),
        _ => None,
    });
    let above_zero = |sum: &Option<Money>| sum.as_ref().and_then(money).filter(|(amount, _)| *amount >= 0.0);
    let ends: Option<Date> = day(policy.policy_to.as_deref()).and_then(|day| day.parse().ok());
    let mut fields = BTreeMap::from([
        ("policy_number", json!(clean(policy.policy_number.as_deref()))),
        ("type", json!(known)),
        ("type_as_given", json!(clean(Some(&cover.cover_type)))),
        ("insurer", json!(insurer)),
        ("plan_name", json!(clean(policy.plan_name.as_deref()))),
        ("sum_insured", json!(above_zero(&cover.sum_insured))),
        ("premium", json!(above_zero(&policy.installment_premium))),
        ("premium_frequency", json!(frequency)),
        ("owner", json!(owner(policy))),
        ("renewal_date", json!(day(policy.renewal_date.as_deref()))),
        ("end_year", json!(ends.map(Date::year))),
        ("extensions", json!([{"name": "benefit_status", "value": cover.benefit_status, "sensitive": false}])),
    ]);
    // What day it is depends on the zone: around the last day, either is right.
    let days = ends.map_or(9, |ends| (ends - today).get_days());
    if days.abs() > 1 {
        fields.insert("expired", json!(days < 0));
    }
    fields
}

fn owner(policy: &Policy) -> &'static str {
    let owners: Vec<String> = policy.policy_owners.iter().map(|owner| word(owner)).collect();
    let has = |owner: &str| owners.iter().any(|known| known == owner);
    let is_known = |owner: &String| ["client", "partner", "joint"].contains(&owner.as_str());
    match owners.iter().all(is_known) {
        false => "other",
        true if has("joint") || has("client") && has("partner") => "joint",
        true if has("partner") => "partner",
        true => "client",
    }
}

fn day(text: Option<&str>) -> Option<String> {
    Some(written::day(text?)?.to_string())
}

fn money(money: &Money) -> Option<(f64, String)> {
    Some((amount(&money.value)?, money.code.to_string()))
}

/// A goal or cover as the API answers it, with its amounts as numbers: `-1.5E+5` and `150000` are the same.
pub fn with_numbers(mut row: Value) -> Value {
    for field in ["estimated_cost", "sum_insured", "premium"] {
        let money = row[field].take();
        let number = money["amount"].as_str().and_then(|amount| amount.parse::<f64>().ok());
        row[field] = number.map_or(Value::Null, |number| json!([number, money["currency"]]));
    }
    row
}
