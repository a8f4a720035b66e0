//! Fields that the rules add: read by their types, held to their checks, and silent where they are sensitive.

use serde_json::{Value, json};
use tidegate_sdk::{
    Context, RawRecord, RecordKind, RuleProblem, Session,
    harness::{NativeHost, context, verdict_to_json},
};
use xplan_anz::XplanAnz;

use crate::support::{AU, client, codes, list, pack};

/// Declarations beside the shipped rules; the site's field is called `field`.
fn with(place: &str, extensions: &Value) -> Value {
    let mut rules = pack(AU).rules_json();
    rules[place]["extensions"] = extensions.clone();
    rules
}

fn session(rules: &Value) -> Session<XplanAnz> {
    Session::configure(&rules.to_string()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn of(form: &str, more: Value) -> Value {
    let mut of = json!({"field": "own", "label": "Own", "type": form, "sensitive": false});
    of.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"own": of})
}

fn record(more: Value) -> RawRecord {
    let mut fields = json!({"first_name": "Jo", "last_name": "Ray", "preferred_email": "jo@example.com"});
    fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    client(&fields, &Value::Null, &Value::Null)
}

/// What becomes of a client with these fields.
fn mapped(extensions: &Value, fields: Value) -> Value {
    let outcome = session(&with("client", extensions)).map(&NativeHost, &context("AU"), vec![record(fields)]).remove(0);
    verdict_to_json(&outcome.verdict)
}

#[track_caller]
fn check(extensions: &Value, own: Value, expected: Option<&str>, expected_codes: &[&str]) {
    let verdict = mapped(extensions, json!({"own": own}));
    let extensions = &verdict["records"][0]["extensions"];
    assert_eq!(extensions[0]["value"].as_str(), expected, "{verdict:#}");
    assert_eq!(codes(&verdict), expected_codes, "{verdict:#}");
    let fields = verdict["diagnostics"].as_array().unwrap().iter().map(|said| said["field"].as_str());
    assert!(fields.into_iter().all(|field| field == Some("extensions.own")), "{verdict:#}");
}

#[test]
fn each_type_has_one_written_form() {
    let text = of("text", json!({}));
    check(&text, json!("  Gold  tier "), Some("Gold tier"), &[]);
    check(&text, json!(42), Some("42"), &[]);
    check(&text, Value::Null, None, &[]);
    check(&text, json!(""), None, &[]);
    check(&text, json!("N/A"), None, &["stands-for-unknown"]);
    check(&text, json!(true), None, &["wrong-type"]);

    let date = of("date", json!({}));
    check(&date, json!({"_type": "Date", "_val": "2026-03-01"}), Some("2026-03-01"), &[]);
    check(&date, json!("1/3/2026"), Some("2026-03-01"), &["date-in-other-form"]);
    check(&date, json!("2026-02-30"), None, &["impossible-date"]);

    let number = of("number", json!({}));
    check(&number, json!("1,250.50"), Some("1250.5"), &[]);
    check(&number, json!({"_type": "BigDecimal", "_val": "1.25e3"}), Some("1250"), &[]);
    check(&number, json!(-0.5), Some("-0.5"), &[]);
    check(&number, json!("$5"), Some("5"), &[]);
    check(&number, json!("5 EUR"), None, &["not-a-number"]);
    check(&number, json!("many"), None, &["not-a-number"]);

    let money = of("money", json!({"currency": "GBP"}));
    check(&money, json!("1,250.50"), Some("1250.5 GBP"), &[]);
    check(&money, json!({"_type": "Currency", "_val": {"code": "AUD", "value": "100.00"}}), Some("100 AUD"), &[]);
    check(&money, json!("lots"), None, &["unreadable-amount"]);

    let flag = of("flag", json!({}));
    check(&flag, json!("Yes"), Some("true"), &[]);
    check(&flag, json!(0), Some("false"), &[]);
    check(&flag, json!("perhaps"), None, &["wrong-type"]);

    let choice = of("choice", json!({"words": {"growth": ["Growth", "2"], "balanced": ["Balanced"]}}));
    check(&choice, json!("GROWTH"), Some("growth"), &[]);
    check(&choice, json!(2), Some("growth"), &[]);
    check(&choice, json!("Wild"), None, &["unknown-own"]);
}

#[test]
fn a_field_inside_another_is_read_and_asked_for_and_one_that_is_known_is_asked_for_once() {
    let extensions = json!({
        "inner": {"field": "Details.Number", "label": "Inner", "type": "text", "sensitive": false},
        "again": {"field": "title", "label": "Title as given", "type": "text", "sensitive": false},
    });
    let session = session(&with("client", &extensions));
    let source = session.sources().into_iter().find(|source| source.kind == RecordKind::Client).unwrap();
    let asked = |name: &str| source.fields.iter().filter(|field| *field == name).count();
    assert_eq!((asked("Details.Number"), asked("title")), (1, 1), "{:?}", source.fields);
    let raw = RawRecord {
        kind: RecordKind::Client,
        id: "1".to_owned(),
        json: json!({"row": {"id": 1, "client_status": ["Client"], "first_name": "Jo", "preferred_email": "jo@example.com",
                             "title": "Mr", "Details": {"Number": "7"}}}).to_string().into_bytes(),
    };
    let outcome = session.map(&NativeHost, &context("AU"), vec![raw.clone()]).remove(0);
    let record = verdict_to_json(&outcome.verdict)["records"][0].clone();
    assert_eq!(record["extensions"], json!([{"name": "again", "value": "Mr"}, {"name": "inner", "value": "7"}]));
    assert_eq!(record["title"], "Mr");
    let explained = session.explain(&NativeHost, &context("AU"), &raw);
    let inner = explained.iter().find(|field| field.field == "extensions.inner").unwrap();
    assert_eq!(inner.source.as_deref(), Some("/row/Details/Number"));
    assert_eq!(inner.source_value.as_deref(), Some("7"));
    assert_eq!(inner.rule.as_deref(), Some("/client/extensions/inner Inner, text"));
}

#[test]
fn goals_and_covers_have_extensions_too() {
    let loan = json!({"loan": {"field": "loan_no", "label": "Loan", "type": "text", "sensitive": false}});
    let one = |place: &str, kind, name: &str, row: Value| {
        let outcome =
            session(&with(place, &loan)).map(&NativeHost, &context("AU"), vec![list(kind, name, &row)]).remove(0);
        verdict_to_json(&outcome.verdict)["records"][0]["extensions"].clone()
    };
    let goal = json!({"description": "Sail", "owner": "client", "loan_no": 7});
    assert_eq!(one("goal", RecordKind::Goal, "goals", goal), json!([{"name": "loan", "value": "7"}]));
    let cover = json!({"covers": [{"cover_type": "Life", "benefit_status": "Active", "loan_no": "L7"}]});
    let both = json!([{"name": "benefit_status", "value": "Active"}, {"name": "loan", "value": "L7"}]);
    assert_eq!(one("cover", RecordKind::Cover, "insurance_group", cover), both);
}

/// Everything that is said and explained of a client, as one text.
fn said(extensions: &Value, fields: Value, on: &str) -> (Value, String) {
    let session = session(&with("client", extensions));
    let context = Context { as_of: on.to_owned(), ..context("ZA") };
    let outcome = session.map(&NativeHost, &context, vec![record(fields.clone())]).remove(0);
    let verdict = verdict_to_json(&outcome.verdict);
    let mut explained = session.explain(&NativeHost, &context, &record(fields));
    // The value itself is what the record holds; the host masks it where somebody looks at an explanation.
    for field in explained.iter_mut().filter(|field| field.field.starts_with("extensions.")) {
        field.value = None;
    }
    let said = format!("{} {explained:?}", verdict["diagnostics"]);
    (verdict, said)
}

#[test]
fn a_sensitive_value_stands_in_no_message_and_no_explanation() {
    for (form, more, written) in [
        ("text", json!({"check": "gb-national-insurance-number"}), json!("QQ 65 43 21 C")),
        ("text", json!({"check": "gb-national-insurance-number"}), json!("AB654321D")),
        ("text", json!({"check": "za-identity-number"}), json!("4907120000081")),
        ("text", json!({"check": "za-identity-number"}), json!(4_907_120_000_081_i64)),
        ("text", json!({}), json!("Secret &amp; 654321")),
        ("date", json!({}), json!("30/02/6543")),
        ("number", json!({}), json!("654321 apples")),
        ("money", json!({"currency": "ZAR"}), json!("654321 apples")),
        ("choice", json!({"words": {"a": ["A"]}}), json!("654321")),
        ("flag", json!({}), json!("654321")),
    ] {
        let mut extensions = of(form, more);
        extensions["own"]["sensitive"] = json!(true);
        let (_, said) = said(&extensions, json!({"own": written}), "2026-03-01");
        for part in ["654321", "65 43", "490712", "6543", "Secret"] {
            assert!(!said.contains(part), "{form} {written}: {part} is in {said}");
        }
    }
}

#[test]
fn an_identity_number_s_century_is_that_of_the_crm_or_the_only_possible_one() {
    let extensions = json!({"id_number": {
        "field": "id_no", "label": "identity number", "type": "text", "check": "za-identity-number", "sensitive": true,
        "fills": "date_of_birth",
    }});
    let check = |number: Value, more: Value, expected: (Option<&str>, Option<&str>), expected_codes: &[&str]| {
        let mut fields = json!({"id_no": number});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (verdict, _) = said(&extensions, fields, "2026-03-01");
        let record = &verdict["records"][0];
        let found = (record["extensions"][0]["value"].as_str(), record["date_of_birth"].as_str());
        assert_eq!(
            (found, codes(&verdict)),
            (expected, expected_codes.iter().map(|c| (*c).to_owned()).collect()),
            "{verdict:#}"
        );
    };
    let none = json!({});
    let filled = &["date-of-birth-from-number"];
    check(json!("4907120000080"), none.clone(), (Some("4907120000080"), Some("1949-07-12")), filled);
    check(json!("490712 0000 28 8"), none.clone(), (Some("4907120000288"), Some("1949-07-12")), filled);
    // Of 1919 or 2019: the CRM's own date decides.
    check(json!("1907040000080"), none.clone(), (Some("1907040000080"), None), &["century-not-known"]);
    let dob = |day: &str| json!({"dob": day});
    check(json!("1907040000080"), dob("1919-07-04"), (Some("1907040000080"), Some("1919-07-04")), &[]);
    check(json!("1907040000080"), dob("2019-07-04"), (Some("1907040000080"), Some("2019-07-04")), &[]);
    let differs = &["differs-from-date-of-birth"];
    check(json!("1907040000080"), dob("1919-07-05"), (Some("1907040000080"), Some("1919-07-05")), differs);
    // The 29th of February of no leap year, and a wrong digit.
    check(json!("1902290000088"), none.clone(), (None, None), &["impossible-date"]);
    check(json!("4907120000081"), none, (None, None), &["bad-check-digit"]);
    // A woman's number.
    check(
        json!("4907120000080"),
        json!({"dob": "1949-07-12", "sex": "M"}),
        (Some("4907120000080"), Some("1949-07-12")),
        &["differs-from-sex"],
    );
    check(
        json!("4907120000080"),
        json!({"dob": "1949-07-12", "sex": "F"}),
        (Some("4907120000080"), Some("1949-07-12")),
        &[],
    );
    check(
        json!("4907120000080"),
        json!({"dob": "1949-07-12", "sex": "X"}),
        (Some("4907120000080"), Some("1949-07-12")),
        &[],
    );
    // Kept as a number, it has lost its zeros.
    check(json!(101_015_009_085_i64), dob("2001-01-01"), (None, Some("2001-01-01")), &["bad-check-digit"]);
    check(
        json!(101_015_009_083_i64),
        dob("2001-01-01"),
        (Some("0101015009083"), Some("2001-01-01")),
        &["leading-zero-restored"],
    );
}

fn problems(place: &str, extensions: &Value) -> Vec<RuleProblem> {
    Session::<XplanAnz>::configure(&with(place, extensions).to_string()).err().unwrap_or_default()
}

#[test]
fn declarations_that_cannot_be_used_are_told_with_their_place() {
    let check = |place: &str, extensions: Value, path: &str, message: &str| {
        let problems = problems(place, &extensions);
        assert_eq!(problems.len(), 1, "{extensions}: {problems:?}");
        assert_eq!(problems[0].path, path, "{problems:?}");
        assert!(problems[0].message.contains(message), "{problems:?}");
    };
    let named = |name: &str| json!({name: of("text", json!({}))["own"]});
    check("client", named("mobile"), "/client/extensions/mobile", "every record has");
    check("goal", named("status"), "/goal/extensions/status", "every record has");
    check("cover", named("benefit_status"), "/cover/extensions/benefit_status", "every record has");
    for name in ["Own", "own-field", "1st", "", "ówn"] {
        check("client", named(name), &format!("/client/extensions/{name}"), "small letters");
    }
    let two = |first: Value, second: Value| {
        let mut both = json!({"a": of("text", json!({}))["own"], "b": of("text", json!({}))["own"]});
        both["a"].as_object_mut().unwrap().extend(first.as_object().unwrap().clone());
        both["b"].as_object_mut().unwrap().extend(second.as_object().unwrap().clone());
        both
    };
    check(
        "client",
        two(json!({}), json!({"label": "Other"})),
        "/client/extensions/b/field",
        "a reads the field own already",
    );
    check(
        "client",
        two(json!({}), json!({"field": "other", "label": " OWN "})),
        "/client/extensions/b/label",
        "label of a too",
    );
    let own = |key: &str| format!("/client/extensions/own/{key}");
    check("client", of("colour", json!({})), &own("type"), "the choices are text, date");
    check("client", of("text", json!({"label": " "})), &own("label"), "1 to 60");
    check("client", of("text", json!({"field": "A.B.C"})), &own("field"), "Details.Number");
    check("client", of("text", json!({"field": ""})), &own("field"), "no name of a field");
    check("client", of("text", json!({"shown": "top"})), &own("shown"), "person, contact");
    check("client", of("text", json!({"check": "luhn"})), &own("check"), "za-identity-number");
    check("client", of("date", json!({"check": "nz-ird-number"})), &own("check"), "for the type text");
    check("client", of("text", json!({"currency": "GBP"})), &own("currency"), "for the type money");
    check("client", of("money", json!({})), &own("currency"), "write `currency");
    check("client", of("money", json!({"currency": "£"})), &own("currency"), "ISO 4217");
    check("client", of("choice", json!({})), &own("words"), "table of its words");
    check("client", of("text", json!({"words": {"a": ["A"]}})), &own("words"), "for the type choice");
    check("client", of("choice", json!({"words": {"a": ["X"], "b": ["x."]}})), &own("words/b"), "stands under a too");
    check("client", of("text", json!({"fills": "date_of_birth"})), &own("fills"), "za-identity-number");
    check(
        "client",
        of("text", json!({"fills": "mobile", "check": "za-identity-number"})),
        &own("fills"),
        "Only date_of_birth",
    );
    check("goal", of("text", json!({"sensitive": true})), "/goal/extensions/own/sensitive", "for fields of clients");
    check(
        "cover",
        of("text", json!({"check": "nz-ird-number"})),
        "/cover/extensions/own/check",
        "for fields of clients",
    );
    let many: Value = (0..49)
        .map(|at| {
            (
                format!("x{at:02}"),
                json!({
                    "field": format!("f{at}"), "label": format!("L{at}"), "type": "text", "sensitive": false,
                }),
            )
        })
        .collect::<serde_json::Map<_, _>>()
        .into();
    check("client", many, "/client/extensions/x48/field", "too many fields");
    let without = json!({"own": {"field": "own", "label": "Own", "type": "text"}});
    let problem = problems("client", &without).remove(0);
    assert!(problem.message.contains("missing field `sensitive`"), "{problem:?}");
}

/// The names that are refused are those of the contract's records.
#[test]
fn no_extension_has_the_name_of_a_field() {
    let manifest = Session::<XplanAnz>::describe();
    for field in manifest.fields_written {
        let (kind, name) = field.split_once('.').unwrap();
        if matches!(kind, "client" | "goal" | "cover") {
            let name = name.rsplit('.').next().unwrap();
            assert_eq!(problems(kind, &json!({name: of("text", json!({}))["own"]})).len(), 1, "{kind} {name}");
        }
    }
}
