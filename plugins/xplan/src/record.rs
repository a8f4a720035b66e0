//! The contract's raw records: an entity's row and the lists that belong to it.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::{
    AddressField, ClientField, ContactField, Fields, Forms, Names, Row, UserField, View,
    lenient::{Lenient, Reader},
    names::NameTable,
    row::{Cells, RowReader},
};

/// A list below an entity, as the rules describe it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, bound = "F: Fields")]
pub struct List<F> {
    /// The list's name in the CRM, and in the raw record: `contact`.
    pub list: String,
    /// The CRM's names of its rows' fields.
    pub fields: Names<F>,
}

/// A list's rows.
#[derive(Debug, Default)]
pub enum Rows<'a, F> {
    /// The CRM has not got the list.
    #[default]
    Absent,
    /// The rows in the CRM's order.
    Read(Vec<Row<'a, F>>),
    /// The CRM sent something other than a list.
    Broken,
}

/// A list's rows, whatever their fields are.
#[derive(Default)]
enum Listed<'a> {
    #[default]
    Absent,
    Read(Vec<Cells<'a>>),
    Broken,
}

impl<'a, F> From<Listed<'a>> for Rows<'a, F> {
    fn from(listed: Listed<'a>) -> Self {
        match listed {
            Listed::Absent => Self::Absent,
            Listed::Read(rows) => Self::Read(rows.into_iter().map(Row::from).collect()),
            Listed::Broken => Self::Broken,
        }
    }
}

impl<'a, F: Fields> Rows<'a, F> {
    /// Each row with its place.
    ///
    /// `rules` is where the rules describe the list: `/client/contact/fields`.
    pub fn views<'r>(
        &'r self,
        list: &'r List<F>,
        rules: &'static str,
        forms: &'r Forms,
    ) -> impl Iterator<Item = View<'r, 'a, F>> + Clone {
        let rows = match self {
            Self::Read(rows) => rows.as_slice(),
            Self::Absent | Self::Broken => &[],
        };
        let view = move |(index, row)| View::new(row, &list.fields, Some((&*list.list, index)), rules, forms);
        rows.iter().enumerate().map(view)
    }
}

/// The CRM's names of everything about a client.
#[derive(Debug, Clone, Copy)]
pub struct ClientNames<'n> {
    /// The client's own row.
    pub fields: &'n Names<ClientField>,
    /// The list of contacts.
    pub contact: &'n List<ContactField>,
    /// The list of addresses.
    pub address: &'n List<AddressField>,
}

/// A client as the CRM sent it.
#[derive(Debug)]
pub struct RawClient<'a> {
    /// The client's own row.
    pub row: Row<'a, ClientField>,
    /// Telephone numbers and email addresses.
    pub contacts: Rows<'a, ContactField>,
    /// Postal addresses.
    pub addresses: Rows<'a, AddressField>,
}

impl<'a> RawClient<'a> {
    /// Reads a client.
    ///
    /// # Errors
    /// Returns what is wrong with the text if it is not UTF-8 JSON.
    pub fn read(json: &'a [u8], names: ClientNames<'_>) -> Result<Self, String> {
        let mut client = Self { row: Row::default(), contacts: Rows::Absent, addresses: Rows::Absent };
        read(json, ClientReader { names, client: &mut client })?;
        Ok(client)
    }
}

/// A user as the CRM sent it.
#[derive(Debug)]
pub struct RawUser<'a> {
    /// The user's own row.
    pub row: Row<'a, UserField>,
}

impl<'a> RawUser<'a> {
    /// Reads a user.
    ///
    /// # Errors
    /// Returns what is wrong with the text if it is not UTF-8 JSON.
    pub fn read(json: &'a [u8], names: &Names<UserField>) -> Result<Self, String> {
        let mut user = Self { row: Row::default() };
        read(json, UserReader { names, user: &mut user })?;
        Ok(user)
    }
}

/// Reads a raw record that is one list: `{"goals":[…]}`.
///
/// # Errors
/// Returns what is wrong with the text if it is not UTF-8 JSON.
pub fn list_rows<'a, F: Fields>(json: &'a [u8], list: &List<F>) -> Result<Rows<'a, F>, String> {
    let mut rows = Listed::Absent;
    read(json, ListReader { name: &list.list, inner: RowsReader { names: list.fields.table() }, out: &mut rows })?;
    Ok(rows.into())
}

/// Reads the lists inside the rows of such a record, a list a row: those under `field`, whose rows have the fields `F`.
///
/// # Errors
/// Returns what is wrong with the text if it is not UTF-8 JSON.
pub fn inner_rows<'a, F: Fields>(
    json: &'a [u8],
    list: &str,
    field: &str,
    names: &Names<F>,
) -> Result<Vec<Rows<'a, F>>, String> {
    let mut rows = Vec::new();
    read(json, ListReader { name: list, inner: InnerReader { field, names: names.table() }, out: &mut rows })?;
    Ok(rows.into_iter().map(Rows::from).collect())
}

fn read<'a, R: Reader<'a, Out = ()>>(json: &'a [u8], reader: R) -> Result<(), String> {
    let text = std::str::from_utf8(json).map_err(|error| error.to_string())?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Lenient(reader).deserialize(&mut deserializer).and_then(|()| deserializer.end()).map_err(|error| error.to_string())
}

struct ClientReader<'n, 'r, 'a> {
    names: ClientNames<'n>,
    client: &'r mut RawClient<'a>,
}

impl<'a> Reader<'a> for ClientReader<'_, '_, 'a> {
    type Out = ();

    fn object<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { names, client } = self;
        while let Some(part) = map.next_key_seed(PartSeed([&names.contact.list, &names.address.list]))? {
            match part {
                Part::Row => {
                    client.row = map.next_value_seed(Lenient(RowReader { names: names.fields.table() }))?.into();
                }
                Part::List(0) => {
                    let reader = RowsReader { names: names.contact.fields.table() };
                    client.contacts = map.next_value_seed(Lenient(reader))?.into();
                }
                Part::List(_) => {
                    let reader = RowsReader { names: names.address.fields.table() };
                    client.addresses = map.next_value_seed(Lenient(reader))?.into();
                }
                Part::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn other(self) {}
}

struct UserReader<'n, 'r, 'a> {
    names: &'n Names<UserField>,
    user: &'r mut RawUser<'a>,
}

impl<'a> Reader<'a> for UserReader<'_, '_, 'a> {
    type Out = ();

    fn object<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(part) = map.next_key_seed(PartSeed([]))? {
            if let Part::Row = part {
                self.user.row = map.next_value_seed(Lenient(RowReader { names: self.names.table() }))?.into();
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn other(self) {}
}

/// Reads the one list of a raw record.
struct ListReader<'n, 'r, R, T> {
    name: &'n str,
    inner: R,
    out: &'r mut T,
}

impl<'a, T, R: Reader<'a, Out = T> + Copy> Reader<'a> for ListReader<'_, '_, R, T> {
    type Out = ();

    fn object<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(part) = map.next_key_seed(PartSeed([self.name]))? {
            if let Part::List(_) = part {
                *self.out = map.next_value_seed(Lenient(self.inner))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn other(self) {}
}

/// Reads, of each row of a list, the list under one of its fields.
#[derive(Clone, Copy)]
struct InnerReader<'n> {
    field: &'n str,
    names: &'n NameTable,
}

impl<'de> Reader<'de> for InnerReader<'_> {
    type Out = Vec<Listed<'de>>;

    fn list<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Out, A::Error> {
        let mut lists = Vec::new();
        while let Some(list) = seq.next_element_seed(Lenient(InnerOfRow(self)))? {
            lists.push(list);
        }
        Ok(lists)
    }

    fn other(self) -> Self::Out {
        Vec::new()
    }
}

/// The list under a field of one row, in either of a row's shapes; what stands in both is taken from `fields`.
struct InnerOfRow<'n>(InnerReader<'n>);

impl<'de> Reader<'de> for InnerOfRow<'_> {
    type Out = Listed<'de>;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Listed<'de>, A::Error> {
        let InnerReader { field, names } = self.0;
        let (mut flat, mut nested) = (Listed::Absent, Listed::Absent);
        while let Some(part) = map.next_key_seed(PartSeed([field, "fields"]))? {
            match part {
                Part::List(0) => flat = map.next_value_seed(Lenient(RowsReader { names }))?,
                Part::List(_) => nested = map.next_value_seed(Lenient(InnerOfRow(self.0)))?,
                Part::Row | Part::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(if matches!(nested, Listed::Absent) { flat } else { nested })
    }

    fn other(self) -> Listed<'de> {
        Listed::Absent
    }
}

/// Reads a list of rows.
#[derive(Clone, Copy)]
struct RowsReader<'n> {
    names: &'n NameTable,
}

impl<'de> Reader<'de> for RowsReader<'_> {
    type Out = Listed<'de>;

    fn list<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Listed<'de>, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = seq.next_element_seed(Lenient(RowReader { names: self.names }))? {
            rows.push(row);
        }
        Ok(Listed::Read(rows))
    }

    fn other(self) -> Listed<'de> {
        Listed::Broken
    }
}

enum Part {
    Row,
    List(usize),
    Other,
}

/// Tells the parts of a raw record by their names.
struct PartSeed<'n, const N: usize>([&'n str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for PartSeed<'_, N> {
    type Value = Part;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Part, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<const N: usize> Visitor<'_> for PartSeed<'_, N> {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Part, E> {
        Ok(match self.0.iter().position(|list| *list == name) {
            _ if name == "row" => Part::Row,
            Some(index) => Part::List(index),
            None => Part::Other,
        })
    }
}

#[cfg(test)]
mod tests;
