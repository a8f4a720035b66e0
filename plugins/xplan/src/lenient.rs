//! Reading JSON whose shape may differ from what is expected, without failing for it.

use std::fmt;

use serde::{
    Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess},
};

/// A reader that makes something of an object, of a list, and of anything else. Whoever expects an object says nothing
/// about lists and the other way round: what was not expected is read to its end and counts as `other`.
pub(crate) trait Reader<'de>: Sized {
    type Out;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Out, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.other())
    }

    fn list<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Out, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.other())
    }

    fn other(self) -> Self::Out;
}

/// Lets serde use a [`Reader`].
pub(crate) struct Lenient<R>(pub R);

impl<'de, R: Reader<'de>> de::DeserializeSeed<'de> for Lenient<R> {
    type Value = R::Out;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<R::Out, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Reader<'de>> de::Visitor<'de> for Lenient<R> {
    type Value = R::Out;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<R::Out, A::Error> {
        self.0.object(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<R::Out, A::Error> {
        self.0.list(seq)
    }

    fn visit_bool<E>(self, _: bool) -> Result<R::Out, E> {
        Ok(self.0.other())
    }

    fn visit_i64<E>(self, _: i64) -> Result<R::Out, E> {
        Ok(self.0.other())
    }

    fn visit_u64<E>(self, _: u64) -> Result<R::Out, E> {
        Ok(self.0.other())
    }

    fn visit_f64<E>(self, _: f64) -> Result<R::Out, E> {
        Ok(self.0.other())
    }

    fn visit_str<E>(self, _: &str) -> Result<R::Out, E> {
        Ok(self.0.other())
    }

    fn visit_unit<E>(self) -> Result<R::Out, E> {
        Ok(self.0.other())
    }
}

#[cfg(test)]
mod tests;
