//! Fields that come twice, as a site that joins two tables sends them.

use serde_json::{Value, json};
use tidegate_sdk::RawRecord;

use crate::support::{AU, client, codes, mapped};

/// A client whose JSON holds `more` behind the first name.
fn with(more: &str) -> Value {
    let fields = json!({"first_name": "Jo", "last_name": "Ray", "preferred_email": "jo@example.com"});
    let RawRecord { json, .. } = client(&fields, &Value::Null, &Value::Null);
    let first = r#""first_name":"Jo""#;
    let text = String::from_utf8(json).unwrap().replace(first, &format!("{first}{more}"));
    mapped(AU, RawRecord { json: text.into_bytes(), ..client(&fields, &Value::Null, &Value::Null) })
}

#[test]
fn the_last_of_two_values_counts_and_a_difference_is_told() {
    let check = |more: &str, first: &str, expected: &[&str]| {
        let verdict = with(more);
        assert_eq!(
            (&verdict["records"][0]["first_name"], codes(&verdict)),
            (&json!(first), owned(expected)),
            "{verdict:#}"
        );
    };
    check("", "Jo", &[]);
    check(r#","first_name":"Jo""#, "Jo", &[]);
    check(r#","first_name":"Joan""#, "Joan", &["repeated-field"]);
    check(r#","first_name":null,"first_name":"Joan""#, "Joan", &["repeated-field"]);
}

fn owned(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}
