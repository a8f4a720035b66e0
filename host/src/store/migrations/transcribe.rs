//! Rows of the first format, which knew no numbers: their values follow one another as Postcard writes them, and only
//! their shape says what is what. Each is read by its shape and written as the array that rows are now.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize as _;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess as _, Visitor,
};

use crate::domain::RevisionId;
use crate::store::StoreError;
use crate::store::rows::{Out, Row as _, Written};

/// The shape of what stands in a row of the first format, one value after another.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// Nothing.
    Unit,
    /// Yes or no.
    Flag,
    /// A number of one byte.
    Byte,
    /// A number that is not negative.
    Number,
    /// A number that may be negative.
    Signed,
    /// Milliseconds since 1970, which become a moment.
    Millis,
    /// A text.
    Text,
    /// A day as text.
    Date,
    /// A moment as text.
    Moment,
    /// A revision in hexadecimal.
    Revision,
    /// Bytes with their number.
    Bytes,
    /// An array of as many bytes.
    Array(usize),
    /// One of several words, by its place among them.
    Choice,
    /// The same, where the place behind the last stands for none.
    ChoiceOrNone(u32),
    /// A value or none.
    Maybe(&'static Shape),
    /// Any number of values.
    List(&'static Shape),
    /// Any number of texts, each with a value.
    Map(&'static Shape),
    /// A value for each place, in their order.
    Fields(&'static [Shape]),
    /// A value for each of these numbers, in their order, which becomes a map by number.
    Keyed(&'static [u8], &'static Shape),
    /// One of several, by its place among them, with what it holds.
    Variant(&'static [Shape]),
}

/// A row of the first format as the row that it is now.
///
/// # Errors
/// Returns an error if it has not got the shape.
pub(super) fn transcribe(row: &[u8], shape: Shape) -> Result<Vec<u8>, StoreError> {
    let mut out = Out::new(Vec::with_capacity(row.len() + 16));
    let mut from = postcard::Deserializer::from_bytes(row);
    let read = Transcribed { shape, out: &mut out }.deserialize(&mut from);
    let rest = read.and_then(|()| from.finalize());
    let corrupt = |source| StoreError::Corrupt { what: "a row of the first format", source };
    match rest {
        Ok([]) => Ok(out.into_writer()),
        Ok(rest) => Err(corrupt(format!("it has {} bytes too many", rest.len()).into())),
        Err(error) => Err(corrupt(error.into())),
    }
}

struct Transcribed<'o> {
    shape: Shape,
    out: &'o mut Out,
}

impl Transcribed<'_> {
    fn inner(&mut self, shape: Shape) -> Transcribed<'_> {
        Transcribed { shape, out: self.out }
    }
}

/// The result of writing, which does not fail, in the words of whoever reads.
fn written<E: serde::de::Error>(written: Written) -> Result<(), E> {
    written.map_err(E::custom)
}

impl<'de> DeserializeSeed<'de> for Transcribed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let out = &mut *self.out;
        match self.shape {
            Shape::Unit => written(().write(out)),
            Shape::Flag => written(bool::deserialize(from)?.write(out)),
            Shape::Byte => written(u8::deserialize(from)?.write(out)),
            Shape::Number => written(u64::deserialize(from)?.write(out)),
            Shape::Signed => written(i64::deserialize(from)?.write(out)),
            Shape::Millis => {
                let moment = Timestamp::from_millisecond(i64::deserialize(from)?).map_err(D::Error::custom)?;
                written(moment.write(out))
            }
            Shape::Text => written(out.str(<&str>::deserialize(from)?).map(drop)),
            Shape::Date => written(<&str>::deserialize(from)?.parse::<Date>().map_err(D::Error::custom)?.write(out)),
            Shape::Moment => {
                written(<&str>::deserialize(from)?.parse::<Timestamp>().map_err(D::Error::custom)?.write(out))
            }
            Shape::Revision => written(RevisionId::deserialize(from)?.write(out)),
            Shape::Bytes => written(out.bytes(<&[u8]>::deserialize(from)?).map(drop)),
            Shape::Choice => written(u32::deserialize(from)?.write(out)),
            Shape::ChoiceOrNone(none) => {
                let place = u32::deserialize(from)?;
                written((place != none).then_some(place).write(out))
            }
            Shape::Maybe(_) => from.deserialize_option(self),
            Shape::List(_) => from.deserialize_seq(self),
            Shape::Map(_) => from.deserialize_map(self),
            Shape::Array(places) => from.deserialize_tuple(places, self),
            Shape::Fields(fields) => from.deserialize_tuple(fields.len(), self),
            Shape::Keyed(keys, _) => from.deserialize_tuple(keys.len(), self),
            Shape::Variant(_) => from.deserialize_enum("", &[], self),
        }
    }
}

impl<'de> Visitor<'de> for Transcribed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of its shape")
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<(), E> {
        written(().write(self.out))
    }

    fn visit_some<D: Deserializer<'de>>(mut self, from: D) -> Result<(), D::Error> {
        match self.shape {
            Shape::Maybe(shape) => self.inner(*shape).deserialize(from),
            _ => Err(D::Error::custom("a value that may be none")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        match self.shape {
            Shape::List(shape) => {
                let mut left = items.size_hint().unwrap_or_default();
                written(self.out.array(left as u64).map(drop))?;
                while items.next_element_seed(self.inner(*shape))?.is_some() {
                    left = left.checked_sub(1).ok_or_else(|| A::Error::custom("a list longer than it says"))?;
                }
                if left == 0 { Ok(()) } else { Err(A::Error::custom("a list shorter than it says")) }
            }
            Shape::Array(_) => {
                let mut bytes = Vec::new();
                while let Some(byte) = items.next_element::<u8>()? {
                    bytes.push(byte);
                }
                written(self.out.bytes(&bytes).map(drop))
            }
            Shape::Keyed(keys, shape) => {
                written(self.out.map(keys.len() as u64).map(drop))?;
                for key in keys {
                    written(key.write(self.out))?;
                    let found = items.next_element_seed(self.inner(*shape))?;
                    found.ok_or_else(|| A::Error::custom("a field is missing"))?;
                }
                Ok(())
            }
            Shape::Fields(fields) => {
                written(self.out.array(fields.len() as u64).map(drop))?;
                for field in fields {
                    let found = items.next_element_seed(self.inner(*field))?;
                    found.ok_or_else(|| A::Error::custom("a field is missing"))?;
                }
                Ok(())
            }
            _ => Err(A::Error::custom("several values in place of one")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let Shape::Map(shape) = self.shape else { return Err(A::Error::custom("a map in place of a value")) };
        written(self.out.map(entries.size_hint().unwrap_or_default() as u64).map(drop))?;
        while entries.next_key_seed(self.inner(Shape::Text))?.is_some() {
            entries.next_value_seed(self.inner(*shape))?;
        }
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(mut self, variants: A) -> Result<(), A::Error> {
        let Shape::Variant(shapes) = self.shape else { return Err(A::Error::custom("a variant in place of a value")) };
        let (place, holds) = variants.variant::<u32>()?;
        let shape = usize::try_from(place).ok().and_then(|place| shapes.get(place));
        let shape = *shape.ok_or_else(|| A::Error::custom("no such variant"))?;
        written(self.out.array(2).map(drop))?;
        written(place.write(self.out))?;
        match shape {
            Shape::Unit => {
                holds.unit_variant()?;
                written(().write(self.out))
            }
            shape => holds.newtype_variant_seed(self.inner(shape)),
        }
    }
}
