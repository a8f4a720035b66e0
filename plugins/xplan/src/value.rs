//! One value as Xplan writes it, with its wrapped types.
//!
//! `{"_type":"Date","_val":"2018-03-01"}` and its like come from a third party's description of the Resourceful
//! API; see the head of `rules/xplan-au/rules.toml` for what stands on whose word.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, de};

/// A number as JSON has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number.
    Int(i64),
    /// A whole number beyond `i64`.
    Big(u64),
    /// Any other.
    Float(f64),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => n.fmt(f),
            Self::Big(n) => n.fmt(f),
            Self::Float(n) => n.fmt(f),
        }
    }
}

/// A value, borrowed from the raw record where JSON's escapes allow.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value<'a> {
    /// The field is not in the row.
    #[default]
    Absent,
    /// The field is `null`.
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A bare number.
    Number(Number),
    /// A bare text.
    Text(Cow<'a, str>),
    /// A wrapped Date, as written: it need not be a day that exists.
    Date(Cow<'a, str>),
    /// A wrapped Time, as written.
    Time(Cow<'a, str>),
    /// A wrapped BigDecimal, as written, or a wrapped Currency that states no code.
    Decimal(Cow<'a, str>),
    /// A wrapped Currency.
    Currency {
        /// ISO 4217, as written.
        code: Cow<'a, str>,
        /// The amount, as written: it need not be a number.
        amount: Cow<'a, str>,
    },
    /// A wrapped Binary: base64, as written.
    Binary(Cow<'a, str>),
    /// A list.
    List(Vec<Value<'a>>),
    /// An object that is none of the wrapped types, or one whose content does not fit its type.
    Object,
}

impl Value<'_> {
    /// Whether there is nothing: no field, `null`, or a text of blanks, wrapped or bare.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Absent | Self::Null => true,
            Self::Text(text) | Self::Date(text) | Self::Time(text) | Self::Decimal(text) => text.trim().is_empty(),
            Self::Currency { amount, .. } => amount.trim().is_empty(),
            _ => false,
        }
    }

    /// Whether it is the entity's number `id`, be it written as a number or as text, with zeros before it or without.
    #[must_use]
    pub fn is_id(&self, id: &str) -> bool {
        match self {
            Self::Number(Number::Int(number)) => id.parse() == Ok(*number),
            Self::Number(Number::Big(number)) => id.parse() == Ok(*number),
            Self::Text(text) => {
                let text = text.trim();
                let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                text == id || is_number && text.trim_start_matches('0') == id
            }
            _ => false,
        }
    }

    /// The kind of value, in words that fit behind "holds".
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Absent | Self::Null => "nothing",
            Self::Flag(_) => "a yes/no value",
            Self::Number(_) | Self::Decimal(_) => "a number",
            Self::Text(_) => "a text",
            Self::Date(_) => "a date",
            Self::Time(_) => "a time",
            Self::Currency { .. } => "an amount of money",
            Self::Binary(_) => "binary data",
            Self::List(_) => "a list",
            Self::Object => "an object",
        }
    }

    /// The value as a person reads it; none where there is nothing.
    #[must_use]
    pub fn display(&self) -> Option<String> {
        Some(match self {
            Self::Absent | Self::Null => return None,
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) | Self::Date(text) | Self::Time(text) | Self::Decimal(text) => text.to_string(),
            Self::Currency { code, amount } => format!("{code} {amount}"),
            Self::Binary(_) | Self::Object => self.kind().to_owned(),
            Self::List(values) => {
                let shown: Vec<_> = values.iter().filter_map(Self::display).collect();
                shown.join(", ")
            }
        })
    }
}

impl<'de> Deserialize<'de> for Value<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> de::Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Value::Number(Number::Int(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        let number = i64::try_from(number).map_or(Number::Big(number), Number::Int);
        Ok(Value::Number(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Value::Number(Number::Float(number)))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut parts = Wrapped::default();
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::Type => parts.name = map.next_value()?,
                Key::Val => parts.val = map.next_value()?,
                Key::Code => parts.code = map.next_value()?,
                Key::Value => parts.value = map.next_value()?,
                Key::Other => {
                    map.next_value::<de::IgnoredAny>()?;
                }
            }
        }
        Ok(parts.unwrap())
    }
}

/// The members that a wrapped value, or the inside of a Currency, may have, in whatever order they came.
#[derive(Default)]
struct Wrapped<'a> {
    name: Value<'a>,
    val: Value<'a>,
    code: Value<'a>,
    value: Value<'a>,
}

impl<'a> Wrapped<'a> {
    fn unwrap(self) -> Value<'a> {
        let Self { name, val, code, value } = self;
        match (name, val) {
            (Value::Text(name), Value::Null) if is_wrapper(&name) => Value::Null,
            (Value::Text(name), val) => match (&*name, val) {
                ("Currency", val @ Value::Currency { .. }) => val,
                ("BigDecimal" | "Currency", val) => written(val).map_or(Value::Object, Value::Decimal),
                ("Date", val) => written(val).map_or(Value::Object, Value::Date),
                ("Time", Value::Text(val)) => Value::Time(val),
                ("Binary", Value::Text(val)) => Value::Binary(val),
                _ => Value::Object,
            },
            (Value::Absent, Value::Absent) => match (code, value) {
                (Value::Text(_) | Value::Null, Value::Null) => Value::Null,
                (Value::Text(code), value) => {
                    written(value).map_or(Value::Object, |amount| Value::Currency { code, amount })
                }
                (Value::Null, value) => written(value).map_or(Value::Object, Value::Decimal),
                _ => Value::Object,
            },
            _ => Value::Object,
        }
    }
}

/// The text inside a wrapper, where a JSON number is as good as its digits.
fn written(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) | Value::Decimal(text) => Some(text),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

fn is_wrapper(name: &str) -> bool {
    matches!(name, "Date" | "Time" | "BigDecimal" | "Currency" | "Binary")
}

enum Key {
    Type,
    Val,
    Code,
    Value,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl de::Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        Ok(match name {
            "_type" => Key::Type,
            "_val" => Key::Val,
            "code" => Key::Code,
            "value" => Key::Value,
            _ => Key::Other,
        })
    }
}

#[cfg(test)]
mod tests;
