//! The fields of each kind of record, and what becomes of a value that cannot be kept.

use serde_json::{Value, json};

use super::super::records::wit_kind;
use super::*;

fn goal() -> wit::Goal {
    wit::Goal {
        external_id: "7/1".to_owned(),
        owner: wit::GoalOwner::Joint,
        category: None,
        name: None,
        target_date: None,
        estimated_cost: None,
        outlook: None,
        extensions: Vec::new(),
    }
}

fn cover() -> wit::Cover {
    wit::Cover {
        external_id: "7/3/1".to_owned(),
        policy_number: None,
        type_: wit::CoverType::Trauma,
        type_as_given: None,
        insurer: None,
        plan_name: None,
        sum_insured: None,
        premium: None,
        premium_frequency: None,
        owner: wit::CoverOwner::Other,
        renewal_date: None,
        end_year: None,
        expired: false,
        extensions: Vec::new(),
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn money(amount: &str) -> Option<wit::Money> {
    Some(wit::Money { amount: amount.to_owned(), currency: "NZD".to_owned() })
}

/// The record in JSON, and field and code of each diagnostic.
fn told(kind: wit::RecordKind, record: wit::Canonical) -> (Value, Vec<(String, String)>) {
    let (record, diagnostics) = converted(kind, record);
    let told = diagnostics.into_iter().map(|said| (said.field.unwrap_or_default(), said.code)).collect();
    (serde_json::to_value(record).unwrap(), told)
}

fn told_of_client(client: wit::Client) -> (Value, Vec<(String, String)>) {
    let (record, told) = told(wit::RecordKind::Client, wit::Canonical::Client(client));
    (record["client"].clone(), told)
}

fn pairs(told: &[(String, String)]) -> Vec<(&str, &str)> {
    told.iter().map(|(field, code)| (field.as_str(), code.as_str())).collect()
}

#[test]
fn every_kind_has_its_word_in_the_contract() {
    for known in RecordKind::ALL {
        assert_eq!(kind(wit_kind(*known)), *known);
    }
    assert_eq!(kind(wit::RecordKind::Adviser), RecordKind::Adviser);
    assert_eq!(kind(wit::RecordKind::Cover), RecordKind::Cover);
}

#[test]
fn every_field_of_an_adviser_comes_over() {
    let adviser = |active| wit::Adviser {
        external_id: "7".to_owned(),
        first_name: some("Noah"),
        last_name: some(" Reid\u{200b} "),
        email: some("noah@example.com"),
        active,
    };
    let (record, said) = told(wit::RecordKind::Adviser, wit::Canonical::Adviser(adviser(true)));
    let expected = json!({"adviser": {
        "external_id": "7", "first_name": "Noah", "last_name": "Reid", "email": "noah@example.com", "active": true,
    }});
    assert_eq!(record, expected);
    assert_eq!(pairs(&said), [("last_name", "unseen-characters")]);
    let (record, _) = told(wit::RecordKind::Adviser, wit::Canonical::Adviser(adviser(false)));
    assert_eq!(record["adviser"]["active"], false);
}

#[test]
fn every_field_of_a_client_comes_over() {
    let (record, said) = told_of_client(wit::Client {
        title: Some(wit::Title::Dr),
        middle_name: some("Jo"),
        preferred_name: some("Lexi"),
        date_of_birth: some("1964-02-29"),
        sex: Some(wit::Sex::Female),
        address_line_1: some("Unit 4"),
        address_line_2: some("12 High St"),
        suburb: some("Carlton"),
        state: some("VIC"),
        postcode: some("3053"),
        country_code: some("AU"),
        email_is_placeholder: true,
        mobile: some("+61491570156"),
        adviser_external_id: some("30"),
        secondary_adviser_external_id: some("0031"),
        partner_external_id: some("8"),
        is_partner: true,
        status: wit::ClientStatus::Prospect,
        extensions: vec![wit::Extension { name: "colour".to_owned(), value: "green".to_owned() }],
        ..client(Some("alex@example.com"))
    });
    let expected = json!({
        "external_id": "7", "title": "Dr", "first_name": "Alex", "middle_name": "Jo", "last_name": "Lee",
        "preferred_name": "Lexi", "date_of_birth": "1964-02-29", "sex": "female", "address_line_1": "Unit 4",
        "address_line_2": "12 High St", "suburb": "Carlton", "state": "VIC", "postcode": "3053", "country_code": "AU",
        "email": "alex@example.com", "email_is_placeholder": true, "mobile": "+61491570156",
        "adviser_external_id": "30", "secondary_adviser_external_id": "31", "partner_external_id": "8",
        "is_partner": true, "status": "prospect", "extensions": [{"name": "colour", "value": "green"}],
    });
    assert_eq!(record, expected);
    assert_eq!(said, []);
}

#[test]
fn an_address_is_a_placeholder_only_where_there_is_one() {
    let (record, said) = told_of_client(wit::Client { email_is_placeholder: true, ..client(None) });
    assert_eq!((&record["email"], &record["email_is_placeholder"]), (&Value::Null, &json!(false)));
    assert_eq!(said, []);
}

#[test]
fn every_field_of_a_goal_comes_over() {
    let full = wit::Goal {
        category: some("Travel"),
        name: some("Sail round the world"),
        target_date: some("2031-06-30"),
        estimated_cost: money("1250.50"),
        outlook: Some(wit::Outlook::WillHaveLessMoney),
        extensions: vec![wit::Extension { name: "colour".to_owned(), value: "green".to_owned() }],
        ..goal()
    };
    let (record, said) = told(wit::RecordKind::Goal, wit::Canonical::Goal(full));
    let expected = json!({"goal": {
        "external_id": "7/1", "owner": "joint", "category": "Travel", "name": "Sail round the world",
        "target_date": "2031-06-30", "estimated_cost": {"amount": "1250.50", "currency": "NZD"},
        "outlook": "will_have_less_money", "extensions": [{"name": "colour", "value": "green"}],
    }});
    assert_eq!(record, expected);
    assert_eq!(said, []);
}

#[test]
fn every_field_of_a_cover_comes_over() {
    let full = wit::Cover {
        policy_number: some("P-1"),
        type_as_given: some("Critical illness"),
        insurer: some("Mutual"),
        plan_name: some("Gold"),
        sum_insured: money("500000"),
        premium: money("12.50"),
        premium_frequency: Some(wit::PremiumFrequency::HalfYearly),
        renewal_date: some("2026-07-01"),
        end_year: Some(2040),
        expired: true,
        ..cover()
    };
    let (record, said) = told(wit::RecordKind::Cover, wit::Canonical::Cover(full));
    let expected = json!({"cover": {
        "external_id": "7/3/1", "policy_number": "P-1", "type": "trauma", "type_as_given": "Critical illness",
        "insurer": "Mutual", "plan_name": "Gold", "sum_insured": {"amount": "500000", "currency": "NZD"},
        "premium": {"amount": "12.50", "currency": "NZD"}, "premium_frequency": "half_yearly", "owner": "other",
        "renewal_date": "2026-07-01", "end_year": 2040, "expired": true, "extensions": [],
    }});
    assert_eq!(record, expected);
    assert_eq!(said, []);
}

#[test]
fn values_that_their_types_do_not_read_are_left_out_and_told() {
    let (record, said) = told_of_client(wit::Client {
        date_of_birth: some("1963-02-29"),
        country_code: some("Atlantis"),
        mobile: some("0491 570 156"),
        suburb: some(" \u{200b}"),
        ..client(None)
    });
    for field in ["date_of_birth", "country_code", "mobile", "suburb"] {
        assert_eq!(record[field], Value::Null, "{field}");
    }
    let unusable = ["date_of_birth", "country_code", "mobile"];
    let found: Vec<&str> =
        said.iter().filter(|(_, code)| code == "not-usable").map(|(field, _)| field.as_str()).collect();
    assert_eq!(found, unusable);
    let without = wit::Cover { sum_insured: money("much"), premium: money("-"), end_year: Some(3), ..cover() };
    let (record, said) = told(wit::RecordKind::Cover, wit::Canonical::Cover(without));
    assert_eq!((&record["cover"]["sum_insured"], &record["cover"]["premium"]), (&Value::Null, &Value::Null));
    // In a list, the place stands before the field's name.
    assert_eq!(pairs(&said)[..2], [("covers[0].sum_insured", "not-usable"), ("covers[0].premium", "not-usable")]);
}

#[test]
fn a_value_that_is_too_long_is_cut_and_told() {
    let (record, said) = told_of_client(wit::Client { suburb: Some("ī".repeat(1_001)), ..client(None) });
    assert_eq!(record["suburb"], "ī".repeat(1_000));
    assert_eq!(pairs(&said), [("suburb", "too-long")]);
}

#[test]
fn added_fields_have_names_of_their_own_and_are_not_too_many() {
    let of = |names: Vec<String>| {
        let extensions = names.into_iter().map(|name| wit::Extension { name, value: "x".to_owned() }).collect();
        let (record, said) = told_of_client(wit::Client { extensions, ..client(None) });
        let kept = record["extensions"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
        (kept.collect::<Vec<_>>(), said)
    };
    let (kept, said) = of(["colour", "colour", "Colour", "", "size"].map(str::to_owned).to_vec());
    assert_eq!(kept, ["colour", "size"]);
    assert_eq!(pairs(&said), [("extensions", "unusable-extension"); 3]);
    let names = |count: usize| (0..count).map(|number| format!("n{number}")).collect::<Vec<_>>();
    assert_eq!(of(names(50)), (names(50), Vec::new()));
    let (kept, said) = of(names(51));
    assert_eq!((kept, pairs(&said)), (names(50), vec![("extensions", "unusable-extension")]));
    // One without a value is none.
    let extensions = vec![wit::Extension { name: "colour".to_owned(), value: " ".to_owned() }];
    let (record, said) = told_of_client(wit::Client { extensions, ..client(None) });
    assert_eq!((&record["extensions"], said), (&json!([]), Vec::new()));
}

#[test]
fn words_of_the_contract_are_the_domain_s() {
    use wit::{ClientStatus, CoverType, GoalOwner, Outlook, PremiumFrequency, Sex, Title};
    let of_client = |field: &str, client: wit::Client| told_of_client(client).0[field].clone();
    for (title, word) in [
        (Title::Mr, "Mr"),
        (Title::Mrs, "Mrs"),
        (Title::Ms, "Ms"),
        (Title::Miss, "Miss"),
        (Title::Dr, "Dr"),
        (Title::Prof, "Prof"),
    ] {
        assert_eq!(of_client("title", wit::Client { title: Some(title), ..client(None) }), word);
    }
    for (sex, word) in [(Sex::Female, "female"), (Sex::Male, "male"), (Sex::Other, "other")] {
        assert_eq!(of_client("sex", wit::Client { sex: Some(sex), ..client(None) }), word);
    }
    for (status, word) in [
        (ClientStatus::Client, "client"),
        (ClientStatus::Prospect, "prospect"),
        (ClientStatus::Contact, "contact"),
        (ClientStatus::GroupPlanMember, "group_plan_member"),
        (ClientStatus::Archived, "archived"),
        (ClientStatus::Deceased, "deceased"),
        (ClientStatus::Other, "other"),
    ] {
        assert_eq!(of_client("status", wit::Client { status, ..client(None) }), word);
    }
    let of_goal =
        |field: &str, goal: wit::Goal| told(wit::RecordKind::Goal, wit::Canonical::Goal(goal)).0["goal"][field].clone();
    for (owner, word) in [(GoalOwner::Client, "client"), (GoalOwner::Partner, "partner"), (GoalOwner::Joint, "joint")] {
        assert_eq!(of_goal("owner", wit::Goal { owner, ..goal() }), word);
    }
    for (outlook, word) in [
        (Outlook::WillHaveLessMoney, "will_have_less_money"),
        (Outlook::WillHaveMoreMoney, "will_have_more_money"),
        (Outlook::NonFinancial, "non_financial"),
    ] {
        assert_eq!(of_goal("outlook", wit::Goal { outlook: Some(outlook), ..goal() }), word);
    }
    let of_cover = |field: &str, cover: wit::Cover| {
        told(wit::RecordKind::Cover, wit::Canonical::Cover(cover)).0["cover"][field].clone()
    };
    for (type_, word) in [
        (CoverType::Life, "life"),
        (CoverType::TotalAndPermanentDisability, "total_and_permanent_disability"),
        (CoverType::IncomeProtection, "income_protection"),
        (CoverType::Trauma, "trauma"),
        (CoverType::General, "general"),
        (CoverType::Other, "other"),
    ] {
        assert_eq!(of_cover("type", wit::Cover { type_, ..cover() }), word);
    }
    for (frequency, word) in [
        (PremiumFrequency::Weekly, "weekly"),
        (PremiumFrequency::Fortnightly, "fortnightly"),
        (PremiumFrequency::Monthly, "monthly"),
        (PremiumFrequency::Quarterly, "quarterly"),
        (PremiumFrequency::HalfYearly, "half_yearly"),
        (PremiumFrequency::Yearly, "yearly"),
    ] {
        let cover = wit::Cover { premium_frequency: Some(frequency), ..cover() };
        assert_eq!(of_cover("premium_frequency", cover), word);
    }
    for (owner, word) in [
        (wit::CoverOwner::Client, "client"),
        (wit::CoverOwner::Partner, "partner"),
        (wit::CoverOwner::Joint, "joint"),
        (wit::CoverOwner::Other, "other"),
    ] {
        assert_eq!(of_cover("owner", wit::Cover { owner, ..cover() }), word);
    }
}
