//! The CRM's names of the fields a plugin reads.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, de};

/// The fields of one kind of row, as an enumeration; made by [`fields!`](macro@crate::fields).
pub trait Fields: Copy + 'static {
    /// The rules' names of the fields, in order.
    const KEYS: &'static [&'static str];

    /// The field's place in `KEYS`.
    fn index(self) -> usize;
}

/// Declares the fields of one kind of row and what the rules call each.
#[macro_export]
macro_rules! fields {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$field_doc:meta])* $field:ident = $key:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$field_doc])* $field,)+ }

        impl $crate::Fields for $name {
            const KEYS: &'static [&'static str] = &[$($key),+];

            fn index(self) -> usize {
                self as usize
            }
        }
    };
}

/// The CRM's names for the fields `F`, as the rules give them: a table from the rules' key to the CRM's name. A field
/// that stands in an object of the row is named with it: `Details.Surname`.
/// All keys have to be there and no others may be.
#[derive(Debug, Clone)]
pub struct Names<F> {
    table: NameTable,
    fields: PhantomData<F>,
}

/// The names alone, by the fields' index: what reads rows needs no more, and exists once for all kinds of rows.
#[derive(Debug, Clone)]
pub(crate) struct NameTable {
    names: Vec<Box<str>>,
    /// The objects of a row in which some of the fields stand: `Details` of `Details.Surname`.
    inside: Vec<Box<str>>,
}

/// A field that the rules add to a row beside those that the plugin knows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Added(usize);

impl Fields for Added {
    const KEYS: &'static [&'static str] = &[];

    fn index(self) -> usize {
        self.0
    }
}

/// The most fields of a row: a bit of a number stands for each.
const MOST: usize = 64;

impl<F: Fields> Names<F> {
    /// The CRM's name of a field.
    #[must_use]
    pub fn of(&self, field: F) -> &str {
        self.table.of(field.index())
    }

    /// Adds a field by the CRM's name; the same one where the row has it already. None where it has too many.
    pub fn add(&mut self, name: &str) -> Option<Added> {
        let names = &mut self.table.names;
        if let Some(index) = names.iter().position(|known| **known == *name) {
            return Some(Added(index));
        }
        if names.len() == MOST {
            return None;
        }
        names.push(name.into());
        self.table.note_inside(name);
        Some(Added(self.table.names.len() - 1))
    }

    /// The CRM's names, in the fields' order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.table.iter()
    }
}

impl<F> Names<F> {
    /// The names alone.
    pub(crate) fn table(&self) -> &NameTable {
        &self.table
    }
}

impl NameTable {
    /// The CRM's name of the field of this index.
    pub(crate) fn of(&self, index: usize) -> &str {
        &self.names[index]
    }

    /// The CRM's names, in the fields' order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }

    /// Notes the object in which a field of this name stands.
    fn note_inside(&mut self, name: &str) {
        if let Some((object, _)) = name.split_once('.')
            && self.inside(object).is_none()
        {
            self.inside.push(object.into());
        }
    }

    /// The number of the fields.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The index of the object `name`, if some of the fields stand in it.
    pub(crate) fn inside(&self, name: &str) -> Option<usize> {
        self.inside.iter().position(|known| **known == *name)
    }

    /// The index of the field that the CRM calls `name` in the object `inside`.
    pub(crate) fn find_inside(&self, inside: usize, name: &str) -> Option<usize> {
        let inside = &*self.inside[inside];
        let is_it = |known: &str| known.split_once('.') == Some((inside, name));
        self.names.iter().position(|known| is_it(known))
    }

    /// The index of the field that the CRM calls `name`. `expected` is the index to try first: rows carry their
    /// fields in the order in which they were asked for, so that it mostly is the one after the last found.
    #[inline]
    pub(crate) fn find(&self, name: &str, expected: usize) -> Option<usize> {
        match self.names.get(expected) {
            Some(known) if is_same(known, name) => Some(expected),
            _ => self.names.iter().position(|known| is_same(known, name)),
        }
    }
}

/// Equality of two names, eight bytes at a time: comparing slices compares byte by byte in WebAssembly.
#[inline]
fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let ((words, rest), (other_words, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let mut words = words.iter().zip(other_words);
    words.all(|(word, other)| u64::from_le_bytes(*word) == u64::from_le_bytes(*other))
        && rest.iter().zip(other_rest).all(|(byte, other)| byte == other)
}

impl<'de, F: Fields> Deserialize<'de> for Names<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = deserializer.deserialize_map(NamesVisitor(F::KEYS))?;
        Ok(Names { table, fields: PhantomData })
    }
}

/// Reads the names under these keys.
struct NamesVisitor(&'static [&'static str]);

impl<'de> de::Visitor<'de> for NamesVisitor {
    type Value = NameTable;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a table with the CRM's field names under {}", self.0.join(", "))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<NameTable, A::Error> {
        let Self(keys) = self;
        let mut names: Vec<Box<str>> = vec![Box::from(""); keys.len()];
        while let Some(key) = map.next_key::<&str>()? {
            let index = keys.iter().position(|known| *known == key);
            let index = index.ok_or_else(|| de::Error::unknown_field(key, keys))?;
            names[index] = map.next_value()?;
        }
        match names.iter().position(|name| name.is_empty()) {
            Some(missing) => Err(de::Error::missing_field(keys[missing])),
            None => {
                let mut table = NameTable { names: Vec::new(), inside: Vec::new() };
                names.iter().for_each(|name| table.note_inside(name));
                Ok(NameTable { names, ..table })
            }
        }
    }
}

#[cfg(test)]
mod tests;
