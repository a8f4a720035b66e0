//! Every type of JSON, with and without a reader for it.

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, value};

use super::{Lenient, Reader};

/// Tells what it was given, and expects nothing.
struct Nothing;

impl Reader<'_> for Nothing {
    type Out = &'static str;

    fn other(self) -> Self::Out {
        "other"
    }
}

/// Counts the members or elements.
struct Count;

impl<'de> Reader<'de> for Count {
    type Out = Option<usize>;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Out, A::Error> {
        let mut count = 0;
        while map.next_entry::<String, u8>()?.is_some() {
            count += 1;
        }
        Ok(Some(count))
    }

    fn list<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Out, A::Error> {
        let mut count = 0;
        while seq.next_element::<u8>()?.is_some() {
            count += 1;
        }
        Ok(Some(count))
    }

    fn other(self) -> Self::Out {
        None
    }
}

fn read<'de, R: Reader<'de>>(reader: R, json: &'de str) -> Result<R::Out, String> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let read = Lenient(reader).deserialize(&mut deserializer);
    read.and_then(|read| deserializer.end().map(|()| read)).map_err(|error| error.to_string())
}

#[test]
fn what_nobody_expects_is_read_to_its_end() {
    for json in
        [r#"{"a":{"b":[1]},"c":2}"#, "[1,[2],{}]", "{}", "[]", "true", "-1", "1", "1.5", r#""a\nb""#, r#""a""#, "null"]
    {
        assert_eq!(read(Nothing, json), Ok("other"), "{json}");
    }
    for json in [r#"{"a":}"#, "[1,", "", "[1]]"] {
        assert!(read(Nothing, json).is_err(), "{json}");
    }
}

#[test]
fn objects_and_lists_are_read_by_who_expects_them() {
    assert_eq!(read(Count, r#"{"a":1,"b":2}"#), Ok(Some(2)));
    assert_eq!(read(Count, "[1,2,3]"), Ok(Some(3)));
    assert_eq!(read(Count, "7"), Ok(None));
}

#[test]
fn what_json_has_not_got_is_refused() {
    let bytes = value::BytesDeserializer::<value::Error>::new(b"a");
    let expected = value::Error::invalid_type(serde::de::Unexpected::Bytes(b"a"), &"a JSON value");
    assert_eq!(Lenient(Nothing).deserialize(bytes), Err(expected));
}
