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
    for name in ["Date", "Time", "BigDecimal", "Currency", "Binary"] {
        check(&format!(r#"{{"_type":"{name}","_val":null}}"#), Value::Null);
    }
    check(r#"{"_type":"Currency","_val":{"code":null,"value":null}}"#, Value::Null);
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
    check(r#"{"_type":"Time","_val":7}"#, Value::Object);
    check(r#"{"_type":"Binary","_val":7}"#, Value::Object);
    check(r#"{"_type":"Colour","_val":null}"#, Value::Object);
    check(r#"{"_type":"Currency","_val":{"code":null,"value":true}}"#, Value::Object);
    check(r#"{"_type":"Currency","_val":{"code":"AUD","value":true}}"#, Value::Object);
    check(r#"{"_type":"Date","_val":true}"#, Value::Object);
    check(r#"{"_val":"2018-03-01"}"#, Value::Object);
    check(r#"{"value":100}"#, Value::Object);
    check("{}", Value::Object);
}

#[test]
fn bare_values_are_kept() {
    check("null", Value::Null);
    check("true", Value::Flag(true));
    check("9223372036854775807", Value::Number(Number::Int(i64::MAX)));
    check("9223372036854775808", Value::Number(Number::Big(1 << 63)));
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
    let is_id = |value: Value<'_>, id: &str| value.is_id(id);
    assert!(is_id(Value::Number(Number::Big(u64::MAX)), "18446744073709551615"));
    assert!(!is_id(Value::Number(Number::Big(u64::MAX)), "18446744073709551614"));
    assert!(!is_id(Value::Number(Number::Float(1259.0)), "1259"));
    let texts = ["1259", "001259", " 001259", "12590", "0", "", "x", "00x"];
    assert_eq!(
        texts.map(|word| is_id(Value::Text(text(word)), "1259")),
        [true, true, true, false, false, false, false, false]
    );
    // An id that is no number is the same letter by letter.
    assert_eq!(["x9", "0x9", "X9"].map(|word| is_id(Value::Text(text(word)), "x9")), [true, false, false]);
}

fn each_kind() -> [(Value<'static>, &'static str, Option<&'static str>, bool); 14] {
    let list = |values| Value::List(values);
    [
        (Value::Absent, "nothing", None, true),
        (Value::Null, "nothing", None, true),
        (Value::Flag(false), "a yes/no value", Some("false"), false),
        (Value::Number(Number::Int(-3)), "a number", Some("-3"), false),
        (Value::Number(Number::Big(u64::MAX)), "a number", Some("18446744073709551615"), false),
        (Value::Number(Number::Float(1.5)), "a number", Some("1.5"), false),
        (Value::Text(text("Jo")), "a text", Some("Jo"), false),
        (Value::Date(text("2018-03-01")), "a date", Some("2018-03-01"), false),
        (Value::Time(text("10:15Z")), "a time", Some("10:15Z"), false),
        (Value::Decimal(text("1e2")), "a number", Some("1e2"), false),
        (Value::Currency { code: text("AUD"), amount: text("5") }, "an amount of money", Some("AUD 5"), false),
        (Value::Binary(text("aGk=")), "binary data", Some("binary data"), false),
        (list(vec![Value::Text(text("a")), Value::Null, Value::Flag(true)]), "a list", Some("a, true"), false),
        (Value::Object, "an object", Some("an object"), false),
    ]
}

#[test]
fn each_kind_of_value_has_its_words() {
    for (value, kind, display, is_empty) in each_kind() {
        let found = (value.kind(), value.display(), value.is_empty());
        assert_eq!(found, (kind, display.map(str::to_owned), is_empty), "{value:?}");
    }
}

#[test]
fn blanks_hold_nothing() {
    let blanks = || text(" \t");
    for value in [Value::Text(blanks()), Value::Date(blanks()), Value::Time(blanks()), Value::Decimal(blanks())] {
        assert!(value.is_empty(), "{value:?}");
    }
    assert!(Value::Currency { code: text("AUD"), amount: blanks() }.is_empty());
    assert!(!Value::Currency { code: blanks(), amount: text("5") }.is_empty());
    assert!(!Value::Binary(blanks()).is_empty() && !Value::List(Vec::new()).is_empty());
}

#[test]
fn what_json_has_not_got_is_refused() {
    use serde::de::{DeserializeSeed, value};
    let bytes = value::BytesDeserializer::<value::Error>::new(b"a");
    let why = std::marker::PhantomData::<Value<'_>>.deserialize(bytes).unwrap_err().to_string();
    assert!(why.ends_with("expected a JSON value"), "{why}");
    let seven = value::U8Deserializer::<value::Error>::new(7);
    let why = std::marker::PhantomData::<super::Key>.deserialize(seven).err().map(|why| why.to_string());
    assert_eq!(why.as_deref(), Some("invalid type: integer `7`, expected a member's name"));
}
