//! The wrapped types, whole and broken.

#![allow(clippy::needless_pass_by_value, reason = "tables of values read best")]

use super::{Number, Value};

#[track_caller]
fn check(json: &str, expected: Value<'_>) {
    let value: Value<'_> = serde_json::from_str(json).unwrap();
    assert_eq!(value, expected, "{json}");
}

fn text(text: &str) -> std::borrow::Cow<'_, str> {
    text.into()
}

#[test]
fn each_wrapped_type_is_read() {
    check(r#"{"_type":"Date","_val":"2018-03-01"}"#, Value::Date(text("2018-03-01")));
    check(r#"{"_val":"2018-03-01","_type":"Date"}"#, Value::Date(text("2018-03-01")));
    check(r#"{"_type":"Time","_val":"10:15Z"}"#, Value::Time(text("10:15Z")));
    check(r#"{"_type":"BigDecimal","_val":"1.23456e2"}"#, Value::Decimal(text("1.23456e2")));
    check(r#"{"_type":"BigDecimal","_val":100}"#, Value::Decimal(text("100")));
    check(r#"{"_type":"BigDecimal","_val":-1250.5}"#, Value::Decimal(text("-1250.5")));
    check(r#"{"_type":"BigDecimal","_val":"1,250.50"}"#, Value::Decimal(text("1,250.50")));
    check(r#"{"_type":"Date","_val":20180301}"#, Value::Date(text("20180301")));
    check(r#"{"_type":"Binary","_val":"aGk="}"#, Value::Binary(text("aGk=")));
    let amount = |amount| Value::Currency { code: text("AUD"), amount: text(amount) };
    let hundred = amount("100");
    check(r#"{"_type":"Currency","_val":{"code":"AUD","value":{"_type":"BigDecimal","_val":"100"}}}"#, hundred.clone());
    check(r#"{"_val":{"value":{"_val":"1E2","_type":"BigDecimal"},"code":"AUD"},"_type":"Currency"}"#, amount("1E2"));
    check(r#"{"_type":"Currency","_val":{"code":"AUD","value":{"_type":"BigDecimal","_val":100}}}"#, hundred.clone());
    check(r#"{"_type":"Currency","_val":{"code":"AUD","value":"100"}}"#, hundred.clone());
    check(r#"{"_type":"Currency","_val":{"code":"AUD","value":100}}"#, hundred);
    check(r#"{"_type":"Currency","_val":{"code":null,"value":100}}"#, Value::Decimal(text("100")));
    check(r#"{"_type":"Currency","_val":{"_type":"BigDecimal","_val":"100"}}"#, Value::Decimal(text("100")));
    check(r#"{"_type":"Currency","_val":-100}"#, Value::Decimal(text("-100")));
}

#[test]
fn a_wrapped_null_is_null() {
    check(r#"{"_type":"Date","_val":null}"#, Value::Null);
    check(r#"{"_type":"Currency","_val":null}"#, Value::Null);
    check(r#"{"_type":"Currency","_val":{"code":"AUD","value":null}}"#, Value::Null);
    check(r#"{"_type":"Currency","_val":{"code":"AUD","value":{"_type":"BigDecimal","_val":null}}}"#, Value::Null);
}

#[test]
fn what_does_not_fit_its_type_is_an_object() {
    check(r#"{"_type":"Date","_val":["2018-03-01"]}"#, Value::Object);
    check(r#"{"_type":"BigDecimal","_val":true}"#, Value::Object);
    check(r#"{"_type":"Currency","_val":{"code":7,"value":100}}"#, Value::Object);
    check(r#"{"_type":"Colour","_val":"red"}"#, Value::Object);
    check(r#"{"_type":7,"_val":"red"}"#, Value::Object);
    check(r#"{"_type":"Currency","_val":{"code":"AUD"}}"#, Value::Object);
    check(r#"{"_type":"Date"}"#, Value::Object);
    check("{}", Value::Object);
}

#[test]
fn bare_values_are_kept() {
    check("null", Value::Null);
    check("true", Value::Flag(true));
    check("-3", Value::Number(Number::Int(-3)));
    check("18446744073709551615", Value::Number(Number::Big(u64::MAX)));
    check("1.5", Value::Number(Number::Float(1.5)));
    check(r#""a\nb""#, Value::Text(text("a\nb")));
    check(r#"["Client",null]"#, Value::List(vec![Value::Text(text("Client")), Value::Null]));
}

#[test]
fn an_id_is_the_same_as_number_and_as_text() {
    assert!(Value::Number(Number::Int(1259)).is_id("1259"));
    assert!(Value::Text(text(" 1259 ")).is_id("1259"));
    assert!(!Value::Number(Number::Int(125)).is_id("1259"));
    assert!(!Value::Null.is_id("1259"));
}
