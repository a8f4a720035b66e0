//! Goals and covers as lists: rows that cannot be told apart, and what a policy says of its covers.

use serde_json::{Value, json};
use tidegate_sdk::{RawRecord, RecordKind};

use crate::support::{AU, codes, mapped};

/// What becomes of a list of rows.
fn of_rows(kind: RecordKind, list: &str, rows: &Value) -> Value {
    let json = json!({list: rows}).to_string().into_bytes();
    mapped(AU, RawRecord { kind, id: "1".to_owned(), json })
}

fn goals(rows: &Value) -> Value {
    of_rows(RecordKind::Goal, "goals", rows)
}

fn policies(rows: &Value) -> Value {
    of_rows(RecordKind::Cover, "insurance_group", rows)
}

/// One field of all records.
fn all<'v>(verdict: &'v Value, field: &str) -> Vec<&'v str> {
    verdict["records"].as_array().unwrap().iter().map(|record| record[field].as_str().unwrap_or("-")).collect()
}

fn messages(verdict: &Value) -> Vec<&str> {
    let said = verdict["diagnostics"].as_array().unwrap();
    said.iter().map(|said| said["message"].as_str().unwrap()).collect()
}

#[test]
fn rows_without_a_number_of_their_own_are_left_out() {
    let longest = "7".repeat(60);
    let rows = json!([
        {"index": 1, "owner": "client"}, {"owner": "client"}, {"index": "1", "owner": "client"},
        {"index": "a&amp;b", "owner": "client"}, {"index": 1.5}, {"index": " "}, {"index": u64::MAX, "owner": "client"},
        {"index": longest, "owner": "client"}, {"index": "7".repeat(61)}, {"index": true},
    ]);
    let verdict = goals(&rows);
    let numbers = ["1/1".to_owned(), "1/a&b".to_owned(), format!("1/{}", u64::MAX), format!("1/{longest}")];
    assert_eq!(all(&verdict, "external_id"), numbers, "{verdict:#}");
    let without = "row-without-number";
    assert_eq!(codes(&verdict), [without, "row-number-twice", without, without, without, without]);
    let said = messages(&verdict);
    assert!(said[0].starts_with("Row 2 of Xplan's list goals has no number,"), "{}", said[0]);
    assert!(
        said[1].starts_with("Row 3 of Xplan's list goals has the number 1, which another row has too"),
        "{}",
        said[1]
    );
    assert!(verdict["diagnostics"].as_array().unwrap().iter().all(|said| said["severity"] == "error"));
}

#[test]
fn what_is_no_list_is_rejected() {
    for rows in [json!({}), json!(7), Value::Null] {
        for verdict in [goals(&rows), policies(&rows)] {
            assert_eq!((verdict["verdict"].as_str(), codes(&verdict)), (Some("rejected"), vec!["no-list".to_owned()]));
        }
    }
    for verdict in [goals(&json!([])), policies(&json!([]))] {
        assert_eq!((verdict["verdict"].as_str(), &verdict["records"]), (Some("mapped"), &json!([])));
    }
    for kind in [RecordKind::Goal, RecordKind::Cover, RecordKind::Client, RecordKind::Adviser] {
        let verdict = mapped(AU, RawRecord { kind, id: "1".to_owned(), json: b"{".to_vec() });
        assert_eq!((verdict["verdict"].as_str(), codes(&verdict)), (Some("rejected"), vec!["not-json".to_owned()]));
    }
}

#[test]
fn a_category_is_named_by_the_site_by_the_rules_or_by_itself() {
    let check = |category: Value, choices: Value, name: Value, expected: &[&str]| {
        let json = json!({
            "goals": [{"index": 7, "owner": "client", "category": category}],
            "/ufield/goals/category/choice": choices,
        });
        let raw = RawRecord { kind: RecordKind::Goal, id: "1".to_owned(), json: json.to_string().into_bytes() };
        let verdict = mapped(AU, raw);
        assert_eq!(verdict["records"][0]["category"], name, "{verdict:#}");
        assert_eq!(codes(&verdict), expected, "{verdict:#}");
    };
    let choices =
        json!([{"value": 4, "text": "Travel"}, {"value": "5", "text": " Sailing "}, {"value": 6, "text": ""}]);
    check(json!(4), choices.clone(), json!("Travel"), &[]);
    check(json!("4"), choices.clone(), json!("Travel"), &[]);
    check(json!(5), choices.clone(), json!("Sailing"), &[]);
    // A choice without a text, and one that there is not: by the rules.
    check(json!(6), choices.clone(), json!("General insurance"), &[]);
    check(json!(0), choices.clone(), json!("Estate"), &[]);
    check(json!("-42"), choices.clone(), Value::Null, &["unknown-category"]);
    check(json!(42), choices.clone(), Value::Null, &["unknown-category"]);
    check(json!("Learn to sail"), choices.clone(), json!("Learn to sail"), &[]);
    check(json!("4b"), choices.clone(), json!("4b"), &[]);
    check(json!(5), Value::Null, json!("Retirement"), &[]);
    check(json!(5.5), choices.clone(), Value::Null, &["wrong-type"]);
    check(Value::Null, choices, Value::Null, &[]);
}

#[test]
fn a_cover_has_a_key_of_its_own() {
    let keys = |covers: Value| {
        let verdict = policies(&json!([{"index": 3, "policy_owners": ["client"], "covers": covers}]));
        all(&verdict, "external_id").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(keys(json!([{"index": 9, "cover_type": "Life"}, {"cover_type": "Life"}])), ["1/3/9", "1/3/life"]);
    let same =
        json!([{"cover_type": "Life"}, {"cover_type": "TPD (own)"}, {"cover_type": "LIFE."}, {"cover_type": "life"}]);
    assert_eq!(keys(same), ["1/3/life", "1/3/tpd--own-", "1/3/life-2", "1/3/life-3"]);
    assert_eq!(keys(json!([{}, {"cover_type": "N/A"}])), ["1/3/cover", "1/3/cover-2"]);
    let long = keys(json!([{"cover_type": "ä".repeat(61)}]));
    assert_eq!(long, [format!("1/3/{}", "ä".repeat(60))]);
}

#[test]
fn a_policy_without_covers_is_told() {
    let check = |covers: Value, made: usize, expected: &[(&str, &str)]| {
        let mut policy = json!({"index": 3, "policy_owners": ["client"]});
        policy["covers"] = covers;
        let verdict = policies(&json!([policy]));
        assert_eq!(verdict["records"].as_array().unwrap().len(), made, "{verdict:#}");
        let said = verdict["diagnostics"].as_array().unwrap().iter();
        let said: Vec<_> =
            said.map(|said| (said["severity"].as_str().unwrap(), said["code"].as_str().unwrap())).collect();
        assert_eq!(said, expected, "{verdict:#}");
    };
    let without = [("info", "policy-without-covers")];
    check(json!([]), 0, &without);
    check(Value::Null, 0, &without);
    check(json!(" "), 0, &without);
    check(json!(7), 0, &[("error", "covers-unreadable")]);
    check(json!({"index": 1}), 0, &[("error", "covers-unreadable")]);
    check(json!([{"cover_type": "Life"}, 7]), 1, &[("error", "cover-unreadable")]);
    let verdict = policies(&json!([{"index": 3}]));
    assert_eq!((&verdict["records"], codes(&verdict)), (&json!([]), vec!["policy-without-covers".to_owned()]));
    // The covers of the policy behind it are its own.
    let verdict =
        policies(&json!([{"index": 3}, {"index": 4, "policy_owners": ["client"], "covers": [{"cover_type": "Life"}]}]));
    assert_eq!(all(&verdict, "external_id"), ["1/4/life"]);
}

#[test]
fn a_policy_s_values_are_those_of_its_covers() {
    let check = |more: Value, covers: Value, field: &str, expected: Value, expected_codes: &[&str]| {
        let mut policy = json!({"index": 3, "policy_owners": ["client"], "covers": covers});
        policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let verdict = policies(&json!([policy]));
        assert_eq!(verdict["records"][0][field], expected, "{verdict:#}");
        assert_eq!(codes(&verdict), expected_codes, "{verdict:#}");
    };
    let one = || json!([{"cover_type": "Life"}]);
    let two = || json!([{"cover_type": "Life", "benefit_premium": 7}, {"cover_type": "Trauma", "benefit_premium": 8}]);
    let money = |amount: &str| json!({"amount": amount, "currency": "AUD"});
    check(json!({"policy_number": "L-1"}), one(), "policy_number", json!("L-1"), &[]);
    check(json!({"policy_number": 12}), one(), "policy_number", json!("12"), &[]);
    check(json!({"policy_number": true}), one(), "policy_number", Value::Null, &["wrong-type"]);
    check(json!({"plan_name": "Gold"}), one(), "plan_name", json!("Gold"), &[]);
    check(json!({"underwriter_description": "Mutual", "underwriter": "M"}), one(), "insurer", json!("Mutual"), &[]);
    check(json!({"underwriter": "M"}), one(), "insurer", json!("M"), &[]);
    check(json!({}), one(), "insurer", Value::Null, &[]);
    check(json!({"renewal_date": "2026-07-01"}), one(), "renewal_date", json!("2026-07-01"), &[]);
    // Premiums: the cover's own, else the policy's, which is told where several covers share it.
    check(json!({"installment_premium": "5"}), one(), "premium", money("5"), &[]);
    check(json!({"installment_premium": "5"}), two(), "premium", money("7"), &[]);
    let without = || json!([{"cover_type": "Life"}, {"cover_type": "Trauma", "benefit_premium": 8}]);
    check(json!({"installment_premium": "5"}), without(), "premium", money("5"), &["premium-of-policy"]);
    check(json!({"installment_premium": "-5"}), one(), "premium", Value::Null, &["premium-below-zero"]);
    check(json!({"installment_premium": "0"}), one(), "premium", money("0"), &[]);
    check(json!({}), one(), "premium", Value::Null, &[]);
    let zero = json!([{"cover_type": "Life", "sum_insured": "0"}]);
    check(json!({}), zero, "sum_insured", money("0"), &[]);
    // The policy's last day is a day of it: as of 1 March 2026.
    for (day, is_expired) in [("2026-02-28", true), ("2026-03-01", false), ("2026-03-02", false)] {
        check(json!({"policy_to": day}), one(), "expired", json!(is_expired), &[]);
        check(json!({"policy_to": day}), one(), "end_year", json!(2026), &[]);
    }
    check(json!({}), one(), "expired", json!(false), &[]);
    let frequency = |word: &str, expected: Value, codes: &[&str]| {
        check(json!({"frequency_display": word}), one(), "premium_frequency", expected, codes);
    };
    frequency("Half-Yearly", json!("half_yearly"), &[]);
    frequency("monthly - in advance", json!("monthly"), &["read-without-remark"]);
    frequency("now and then", Value::Null, &["unknown-premium-frequency"]);
}

#[test]
fn a_policy_is_owned_by_whom_it_names() {
    let check = |owners: Value, owner: &str, expected: &[&str]| {
        let verdict = policies(&json!([{"index": 3, "policy_owners": owners, "covers": [{"cover_type": "Life"}]}]));
        assert_eq!(verdict["records"][0]["owner"], owner, "{verdict:#}");
        assert_eq!(codes(&verdict), expected, "{verdict:#}");
    };
    check(json!(["Client"]), "client", &[]);
    check(json!("Spouse"), "partner", &[]);
    check(json!(["Both"]), "joint", &[]);
    check(json!(["Partner", "Client"]), "joint", &[]);
    check(json!(["Partner", "Partner"]), "partner", &[]);
    check(json!(["Joint", "Client"]), "joint", &[]);
    check(json!(["Client", " Khan Family Trust "]), "other", &["other-owner"]);
    check(json!(["Client", " ", null]), "client", &[]);
    check(json!(["Client", 7]), "client", &["wrong-type"]);
    check(json!([]), "client", &["owner-assumed"]);
    check(json!(" "), "client", &["owner-assumed"]);
    check(Value::Null, "client", &["owner-assumed"]);
    check(json!([7]), "client", &["wrong-type", "owner-assumed"]);
}

#[test]
fn a_goal_says_whose_it_is() {
    let check = |owner: Value, expected: &str, expected_codes: &[&str]| {
        let verdict = goals(&json!([{"index": 7, "owner": owner, "category": 5, "description": "Sail"}]));
        assert_eq!(verdict["records"][0]["owner"], expected, "{verdict:#}");
        assert_eq!(codes(&verdict), expected_codes, "{verdict:#}");
    };
    check(json!("Joint"), "joint", &[]);
    check(json!("spouse"), "partner", &[]);
    check(json!("client"), "client", &[]);
    check(json!("the dog"), "client", &["owner-assumed"]);
    check(Value::Null, "client", &["owner-assumed"]);
    check(json!(7), "client", &["wrong-type", "owner-assumed"]);
}
