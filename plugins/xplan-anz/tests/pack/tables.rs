//! The hard cases of single fields, a line each.

use serde_json::{Value, json};

use crate::support::{AU, NZ, client, codes, mapped};

/// Maps a client with a name, an email and `more`; compares one field and the diagnostics' codes.
#[track_caller]
fn check(folder: &str, more: Value, field: &str, expected: Value, expected_codes: &[&str]) {
    let mut fields = json!({"first_name": "Jo", "last_name": "Ray", "preferred_email": "jo@example.com"});
    let Value::Object(more) = more else { panic!("the fields are an object") };
    fields.as_object_mut().unwrap().extend(more);
    let verdict = mapped(folder, client(&fields, &Value::Null, &Value::Null));
    assert_eq!(verdict["records"][0][field], expected, "{verdict:#}");
    assert_eq!(codes(&verdict), expected_codes, "{verdict:#}");
}

#[test]
fn titles() {
    let check = |text: &str, title: Value, codes: &[&str]| check(AU, json!({"title": text}), "title", title, codes);
    check("Mr", json!("Mr"), &[]);
    check(" mister ", json!("Mr"), &[]);
    check("MRS.", json!("Mrs"), &[]);
    check("ms", json!("Ms"), &[]);
    check("Miss", json!("Miss"), &[]);
    check("Dr.", json!("Dr"), &[]);
    check("Professor", json!("Prof"), &[]);
    check("", Value::Null, &[]);
    check("Sir", Value::Null, &["unknown-title"]);
    check("Mr & Mrs", Value::Null, &["unknown-title"]);
}

#[test]
fn sexes() {
    let check = |text: &str, sex: Value, codes: &[&str]| check(AU, json!({"sex": text}), "sex", sex, codes);
    check("M", json!("male"), &[]);
    check("female", json!("female"), &[]);
    check("x", json!("other"), &[]);
    check("1", Value::Null, &["unknown-sex"]);
}

#[test]
fn dates_of_birth() {
    let check = |dob: Value, date: Value, codes: &[&str]| check(AU, json!({"dob": dob}), "date_of_birth", date, codes);
    let wrapped = |text: &str| json!({"_type": "Date", "_val": text});
    check(wrapped("1964-02-29"), json!("1964-02-29"), &[]);
    check(json!({"_val": "1964-02-29", "_type": "Date"}), json!("1964-02-29"), &[]);
    check(json!("1964-02-29"), json!("1964-02-29"), &[]);
    check(json!({"_type": "Date", "_val": null}), Value::Null, &[]);
    check(Value::Null, Value::Null, &[]);
    check(wrapped("1963-02-29"), Value::Null, &["impossible-date"]);
    check(wrapped("64-03-01"), Value::Null, &["impossible-date"]);
    check(wrapped("1899-12-31"), Value::Null, &["impossible-date"]);
    check(wrapped("0001-01-01"), Value::Null, &["impossible-date"]);
    check(json!("1/3/1964"), Value::Null, &["impossible-date"]);
    check(json!(19640301), Value::Null, &["wrong-type"]);
    check(json!({"_type": "Time", "_val": "10:15Z"}), Value::Null, &["wrong-type"]);
}

#[test]
fn mobiles() {
    let check_in = |folder: &str, text: &str, mobile: Value, codes: &[&str]| {
        check(folder, json!({"preferred_phone": text}), "mobile", mobile, codes);
    };
    let check = |text: &str, mobile: Value, codes: &[&str]| check_in(AU, text, mobile, codes);
    check("+61 491 570 156", json!("+61491570156"), &[]);
    check(" +61491570156 ", json!("+61491570156"), &[]);
    check("+61 (0)491 570 156", json!("+61491570156"), &[]);
    check("tel:+61-491-570-156", json!("+61491570156"), &[]);
    check("0011 61 491 570 156", json!("+61491570156"), &[]);
    check("+64 21 555 0123", json!("+64215550123"), &[]);
    check("+44 7400 123456", json!("+447400123456"), &[]);
    check("+1 212 555 2368", json!("+12125552368"), &["may-be-a-landline"]);
    check("0491 570 156", Value::Null, &["no-country-code"]);
    check("61491570156", Value::Null, &["no-country-code"]);
    check("(02) 5550 1234", Value::Null, &["no-country-code"]);
    check("+61 2 5550 1234", Value::Null, &["not-a-mobile"]);
    check("+61 (0)2 5550 1234", Value::Null, &["not-a-mobile"]);
    check("+44 20 7946 0018", Value::Null, &["not-a-mobile"]);
    check("+61 491 570", Value::Null, &["not-valid"]);
    check("+", Value::Null, &["not-a-number"]);
    check("+ask Noah", Value::Null, &["not-a-number"]);
    check("", Value::Null, &[]);
    check_in(NZ, "0061 491 570 156", json!("+61491570156"), &[]);
    check_in(NZ, "+64 4 555 0123", Value::Null, &["not-a-mobile"]);
    check_in(NZ, "021 555 0123", Value::Null, &["no-country-code"]);
}

#[test]
fn a_mobile_is_chosen_among_several() {
    let check = |contact: Value, mobile: Value, expected: &[&str]| {
        let fields = json!({"first_name": "Jo", "preferred_email": "jo@example.com"});
        let verdict = mapped(AU, client(&fields, &contact, &Value::Null));
        assert_eq!(verdict["records"][0]["mobile"], mobile, "{verdict:#}");
        assert_eq!(codes(&verdict), expected, "{verdict:#}");
    };
    let row = |kind: &str, value: &str, preferred: bool| json!({"type": kind, "value": value, "preferred": preferred});
    let (first, second) = ("+61 491 570 156", "+61 491 570 157");
    // One that is preferred needs no word.
    check(json!([row("mobile", first, false), row("mobile", second, true)]), json!("+61491570157"), &[]);
    // A phone row may hold a mobile.
    check(json!([row("phone", first, true)]), json!("+61491570156"), &[]);
    // Mobile rows come before phone rows, and only rows of these kinds count.
    check(json!([row("phone", first, false), row("MOBILE", second, false)]), json!("+61491570157"), &["no-preference"]);
    check(json!([row("fax", first, true)]), Value::Null, &[]);
    check(json!([row("pager", first, true)]), Value::Null, &[]);
    // What was passed over is told.
    check(
        json!([row("mobile", "0491 570 158", true), row("mobile", second, false)]),
        json!("+61491570157"),
        &["no-country-code", "not-the-preferred"],
    );
    check(
        json!([row("phone", "+61 2 5550 1234", true), row("mobile", "0491 570 158", false)]),
        Value::Null,
        &["not-a-mobile", "no-country-code"],
    );
}

#[test]
fn placeholder_emails() {
    let check = |first: Value, last: Value, email: &str| {
        let fields = json!({"first_name": first, "last_name": last, "preferred_name": "Őszi"});
        let verdict = mapped(AU, client(&fields, &Value::Null, &Value::Null));
        assert_eq!(verdict["records"][0]["email"], email, "{verdict:#}");
        assert_eq!(verdict["records"][0]["email_is_placeholder"], true);
        assert_eq!(codes(&verdict), ["placeholder-email"]);
    };
    check(json!("Ayda"), json!("Khan"), "Ayda.Khan@practice.example");
    check(json!("Mārama Kay"), json!("Tūhoe-O’Neill"), "MaramaKay.Tuhoe-ONeill@practice.example");
    check(json!("José"), json!("Nguyễn"), "Jose.Nguyen@practice.example");
    check(Value::Null, json!("Khan"), "Oszi.Khan@practice.example");
    check(json!("Ayda"), json!("王"), "Ayda@practice.example");
}

#[test]
fn emails() {
    let check = |text: &str, email: &str, codes: &[&str]| {
        check(AU, json!({"preferred_email": text}), "email", json!(email), codes);
    };
    let placeholder = "Jo.Ray@practice.example";
    check("jo.ray+crm@example.org", "jo.ray+crm@example.org", &[]);
    check("mailto:jo@example.org", "jo@example.org", &[]);
    check("none", placeholder, &["not-an-email", "placeholder-email"]);
    check("jo@example", placeholder, &["not-an-email", "placeholder-email"]);
    check("jo@example.org; jo@example.net", placeholder, &["not-an-email", "placeholder-email"]);
    check("Jo <jo@example.org>", placeholder, &["not-an-email", "placeholder-email"]);
    check("@example.org", placeholder, &["not-an-email", "placeholder-email"]);
    check("jo@.org", placeholder, &["not-an-email", "placeholder-email"]);
}
