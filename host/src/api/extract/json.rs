//! JSON that means one thing: an object with a key twice is read by some as the first value, by others as the last.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The reason why a text is not read.
#[derive(Debug)]
pub enum Error {
    /// The text is no JSON.
    NotJson(serde_json::Error),
    /// An object has a key twice.
    Twice {
        /// The way to it from the outermost object: keys, and numbers in lists.
        keys: Vec<String>,
    },
}

/// Reads a text of JSON.
///
/// # Errors
/// Fails as [`Error`] says.
pub fn read(text: &[u8]) -> Result<Value, Error> {
    let mut twice = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let read = Reading { twice: &mut twice }.deserialize(&mut deserializer);
    match read.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(error) if twice.is_empty() => Err(Error::NotJson(error)),
        Err(_) => {
            twice.reverse();
            Err(Error::Twice { keys: twice })
        }
    }
}

/// Reads one value. Where a key in it is there twice, `twice` has the way to that key from there, the innermost first.
struct Reading<'t> {
    twice: &'t mut Vec<String>,
}

impl Reading<'_> {
    /// Adds a step on the way out, where there is somebody to be told of it.
    fn outwards(&mut self, step: impl FnOnce() -> String) {
        if !self.twice.is_empty() {
            self.twice.push(step());
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            match items.next_element_seed(Reading { twice: self.twice }) {
                Ok(Some(item)) => list.push(item),
                Ok(None) => return Ok(Value::Array(list)),
                Err(error) => {
                    self.outwards(|| list.len().to_string());
                    return Err(error);
                }
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if object.contains_key(&key) {
                self.twice.push(key);
                return Err(A::Error::custom("a key is there twice"));
            }
            match members.next_value_seed(Reading { twice: self.twice }) {
                Ok(value) => object.insert(key, value),
                Err(error) => {
                    self.outwards(|| key);
                    return Err(error);
                }
            };
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_there_once_is_read_as_ever() {
        let text = r#"{"a":[null,true,-7,18446744073709551615,0.5,1e3,"M\u0101ia",{"a":{},"b":[]}],"b":{"a":1}}"#;
        assert_eq!(read(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
        let not_json = ["", "{", "[1,]", "{} x", "{\"a\":1e999}", "\"\\ud800\""];
        for text in not_json {
            let expected = serde_json::from_str::<Value>(text).unwrap_err().to_string();
            assert!(
                matches!(read(text.as_bytes()), Err(Error::NotJson(error)) if error.to_string() == expected),
                "{text}"
            );
        }
        let deep = "[".repeat(100_000);
        assert!(matches!(read(deep.as_bytes()), Err(Error::NotJson(_))));
    }

    #[test]
    fn a_key_that_is_there_twice_is_named_with_the_way_to_it() {
        let check = |text: &str, expected: &[&str]| match read(text.as_bytes()) {
            Err(Error::Twice { keys }) => assert_eq!(keys, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        };
        check(r#"{"a":1,"a":1}"#, &["a"]);
        check(r#"{"a":1,"\u0061":2}"#, &["a"]);
        check(r#"{"a":[0,{"b":{"c":1,"d":2,"c":3}}]}"#, &["a", "1", "b", "c"]);
        check(r#"{"":1,"":1}"#, &[""]);
    }
}
