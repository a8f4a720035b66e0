//! The written form of rows: apart from the types that the rest of the host works with, so that those can change and a
//! file that an earlier version wrote is still read.
//!
//! A row is a CBOR array (RFC 8949). Each field has a number, which is its place in the array and is never given to
//! another: a field that is taken away leaves its place empty, a new one comes behind all others, and a row that was
//! written before it was there has what [`Row::absent`] says. `rows!` lists the fields of a type with their numbers; a
//! field of the type that the list has not got does not compile. CBOR was measured beside the encodings that know no
//! numbers: a client takes 150 bytes (164 and 165), and is read in the same time.

mod client;
mod leaves;
pub(super) mod listed;
mod others;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use super::StoreError;

/// The encoder to which rows are written.
pub type Out = Encoder<Vec<u8>>;
/// The reason why a row cannot be read.
pub type ReadError = minicbor::decode::Error;
/// The result of writing to memory, which cannot fail.
pub type Written = Result<(), minicbor::encode::Error<Infallible>>;

/// A value that can be a row, or a field of one.
pub trait Row: Sized {
    /// Writes it.
    fn write(&self, out: &mut Out) -> Written;

    /// Reads it.
    ///
    /// # Errors
    /// Returns an error if something else stands there.
    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError>;

    /// The value of a field in a row that was written before there was such a field; none where the row is of no use
    /// without it.
    fn absent() -> Option<Self> {
        None
    }
}

/// The most bytes that a thread keeps at hand for encoding.
const SPACE_KEPT: usize = 64 << 10;

thread_local! {
    /// The space in which rows are encoded before their size is known: many small ones follow one another.
    static SPACE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A row's bytes.
pub(super) fn encode<T: Row>(row: &T) -> Result<Vec<u8>, StoreError> {
    let mut out = Encoder::new(SPACE.take());
    let written = row.write(&mut out);
    let mut space = out.into_writer();
    let bytes = space.as_slice().to_vec();
    if space.capacity() <= SPACE_KEPT {
        space.clear();
        SPACE.set(space);
    }
    written.map(|()| bytes).map_err(|error| StoreError::Unwritable { what: "a row", source: error.into() })
}

/// A row from its bytes.
pub(super) fn decode<T: Row>(bytes: &[u8]) -> Result<T, StoreError> {
    T::read(&mut Decoder::new(bytes)).map_err(|error| StoreError::Corrupt { what: "a row", source: error.into() })
}

/// Moves to the array of a row and tells how many places it has.
pub(super) fn places(from: &mut Decoder<'_>) -> Result<u64, ReadError> {
    from.array()?.ok_or_else(|| ReadError::message("a row of no stated length"))
}

/// Writes one of several variants: its number, and what it holds.
pub(super) fn write_variant(out: &mut Out, number: u8, value: &impl Row) -> Written {
    out.array(2)?.u8(number)?;
    value.write(out)
}

/// Reads a variant's number; what it holds follows.
pub(super) fn read_variant(from: &mut Decoder<'_>) -> Result<u8, ReadError> {
    if places(from)? != 2 {
        return Err(ReadError::message("a variant has two places"));
    }
    from.u8()
}

/// Writes the fields of a record, each at its number: a place that no field has any more is null.
macro_rules! rows {
    ($($record:ident $(<$($generic:ident: $bound:path),+>)? { $($number:literal: $field:ident),+ $(,)? })+) => {
        $(impl$(<$($generic: $bound),+>)? $crate::store::rows::Row for $record$(<$($generic),+>)? {
            fn write(&self, out: &mut $crate::store::rows::Out) -> $crate::store::rows::Written {
                const PLACES: u64 = $crate::store::rows::last(&[$($number),+]) + 1;
                out.array(PLACES)?;
                let mut place = 0_u64;
                $(
                    (place..$number).try_for_each(|_| out.null().map(drop))?;
                    self.$field.write(out)?;
                    place = $number + 1;
                )+
                debug_assert_eq!(place, PLACES, "the numbers go up");
                Ok(())
            }

            fn read(from: &mut minicbor::Decoder<'_>) -> Result<Self, $crate::store::rows::ReadError> {
                $(let mut $field = None;)+
                for place in 0..$crate::store::rows::places(from)? {
                    match place {
                        $($number => $field = Some($crate::store::rows::Row::read(from)?),)+
                        _ => from.skip()?,
                    }
                }
                Ok(Self { $($field: $crate::store::rows::known($field, stringify!($field))?),+ })
            }
        })+
    };
}

/// Choices by numbers, which stand for them for ever.
macro_rules! row_choices {
    ($($choice:path { $($number:literal: $variant:ident),+ $(,)? })+) => {
        $(impl $crate::store::rows::Row for $choice {
            fn write(&self, out: &mut $crate::store::rows::Out) -> $crate::store::rows::Written {
                out.u8(match self { $(Self::$variant => $number),+ })?;
                Ok(())
            }

            fn read(from: &mut minicbor::Decoder<'_>) -> Result<Self, $crate::store::rows::ReadError> {
                match from.u8()? {
                    $($number => Ok(Self::$variant),)+
                    _ => Err($crate::store::rows::ReadError::message(concat!("no such ", stringify!($choice)))),
                }
            }
        })+
    };
}

pub(super) use {row_choices, rows};

/// The greatest of numbers that go up.
pub(super) const fn last(numbers: &[u64]) -> u64 {
    numbers[numbers.len() - 1]
}

/// A field's value, or what it holds in a row that has no such field.
pub(super) fn known<T: Row>(value: Option<T>, field: &'static str) -> Result<T, ReadError> {
    value.or_else(T::absent).ok_or_else(|| ReadError::message(format!("the field {field} is missing")))
}

impl<T: Row> Row for Option<T> {
    fn write(&self, out: &mut Out) -> Written {
        match self {
            Some(value) => value.write(out),
            None => out.null().map(drop),
        }
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        if from.datatype()? == Type::Null {
            return from.null().map(|()| None);
        }
        T::read(from).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Row> Row for Vec<T> {
    fn write(&self, out: &mut Out) -> Written {
        out.array(self.len() as u64)?;
        self.iter().try_for_each(|item| item.write(out))
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        // The length is not believed before the items are there.
        (0..places(from)?).map(|_| T::read(from)).collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Row + Ord, U: Row> Row for BTreeMap<T, U> {
    fn write(&self, out: &mut Out) -> Written {
        out.map(self.len() as u64)?;
        self.iter().try_for_each(|(key, value)| key.write(out).and_then(|()| value.write(out)))
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        let entries = from.map()?.ok_or_else(|| ReadError::message("a map of no stated length"))?;
        (0..entries).map(|_| Ok((T::read(from)?, U::read(from)?))).collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

impl<T: Row, U: Row> Row for (T, U) {
    fn write(&self, out: &mut Out) -> Written {
        out.array(2)?;
        self.0.write(out)?;
        self.1.write(out)
    }

    fn read(from: &mut Decoder<'_>) -> Result<Self, ReadError> {
        if places(from)? != 2 {
            return Err(ReadError::message("a pair has two places"));
        }
        Ok((T::read(from)?, U::read(from)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Before {
        name: String,
        taken_away: u64,
        count: u64,
    }

    struct Now {
        name: String,
        count: u64,
        added: Option<String>,
        more: Vec<String>,
    }

    rows! {
        Before { 0: name, 1: taken_away, 2: count }
        Now { 0: name, 2: count, 3: added, 5: more }
    }

    #[test]
    fn fields_come_and_go_and_are_renamed() {
        let before = encode(&Before { name: "Ayda".to_owned(), taken_away: 7, count: 3 }).unwrap();
        let now: Now = decode(&before).unwrap();
        assert_eq!((now.name.as_str(), now.count, &now.added, now.more.len()), ("Ayda", 3, &None, 0));
        let now = Now { added: Some("Khan".to_owned()), more: vec!["x".to_owned()], ..now };
        let bytes = encode(&now).unwrap();
        let again: Now = decode(&bytes).unwrap();
        assert_eq!((again.added.as_deref(), again.more), (Some("Khan"), now.more));
        // What a later version added is passed over; what it left out and an earlier one needs is no row.
        assert!(decode::<Before>(&bytes).is_err());
        assert!(decode::<Now>(&before[..before.len() - 1]).is_err());
    }

    #[test]
    fn a_length_that_is_not_there_takes_no_memory() {
        assert!(decode::<Vec<String>>(&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_err());
    }
}
