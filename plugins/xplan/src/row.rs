//! A row of a list, in either of the shapes in which Xplan's rows occur.
//!
//! `{"id":1259,"entity_name":"…","fields":{"first_name":"…"}}` and the flattened
//! `{"id":1259,"entity_name":"…","first_name":"…"}` read the same. Only the fields that the rules name are kept.

use std::{borrow::Cow, fmt, iter, marker::PhantomData};

use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};

use tidegate_sdk::{LineageRecorder, Origin, Severity, text};

use crate::{
    Added, Fields, Forms, Names, Number, Value,
    lenient::{Lenient, Reader},
    names::NameTable,
};

/// A row's fields `F`.
#[derive(Debug)]
pub struct Row<'a, F> {
    cells: Cells<'a>,
    fields: PhantomData<F>,
}

/// What stands in a row, whatever its fields are: rows of all kinds are read by the same code.
#[derive(Debug, Default)]
pub(crate) struct Cells<'a> {
    /// The values by the fields' index; empty where the row is not an object.
    values: Vec<Value<'a>>,
    /// A bit for each field, by the same index, that stood under `fields`.
    nested: u64,
    /// A bit for each field, by the same index, that came twice in one place, with another value the second time.
    repeated: u64,
}

impl<F> Default for Row<'_, F> {
    fn default() -> Self {
        Cells::default().into()
    }
}

impl<'a, F> From<Cells<'a>> for Row<'a, F> {
    fn from(cells: Cells<'a>) -> Self {
        Self { cells, fields: PhantomData }
    }
}

impl<'a, F: Fields> Row<'a, F> {
    /// A field's value; [`Value::Absent`] where the row has none.
    #[must_use]
    pub fn get(&self, field: F) -> &Value<'a> {
        self.cells.values.get(field.index()).unwrap_or(&Value::Absent)
    }
}

impl<'a> Cells<'a> {
    fn is_empty_from(&self, first: usize) -> bool {
        self.values.iter().skip(first).all(Value::is_empty)
    }

    fn is_broken(&self) -> bool {
        self.values.is_empty()
    }

    /// Puts a value in its place; of several the last counts.
    #[inline]
    fn put(&mut self, index: usize, value: Value<'a>, is_again: bool) {
        if is_again && self.values[index] != value {
            self.repeated |= 1 << index;
        }
        self.values[index] = value;
    }
}

/// A row with its place in the raw record, so that each value can tell where it stands.
#[derive(Debug, Clone, Copy)]
pub struct View<'r, 'a, F> {
    cells: &'r Cells<'a>,
    /// The CRM's names of the row's fields.
    names: &'r NameTable,
    fields: PhantomData<F>,
    /// The list's name and the row's index, or none for the entity's own row.
    pub place: Option<(&'r str, usize)>,
    /// The place where the rules name the fields, as a JSON Pointer: `/client/fields`.
    pub rules: &'static str,
    /// The forms in which the site writes values.
    pub forms: &'r Forms,
}

impl<'r, 'a, F: Fields> View<'r, 'a, F> {
    /// A row, by the CRM's names of its fields. `place` is the list's name and the row's index, or none for the entity's
    /// own row; `rules` is where the rules name the fields.
    #[must_use]
    pub fn new(
        row: &'r Row<'a, F>,
        names: &'r Names<F>,
        place: Option<(&'r str, usize)>,
        rules: &'static str,
        forms: &'r Forms,
    ) -> Self {
        Self { cells: &row.cells, names: names.table(), fields: PhantomData, place, rules, forms }
    }

    /// The same row by the fields that the rules add to it ([`Names::add`]), described at `rules`.
    #[must_use]
    pub fn added(&self, rules: &'static str) -> View<'r, 'a, Added> {
        let Self { cells, names, place, forms, .. } = *self;
        View { cells, names, fields: PhantomData, place, rules, forms }
    }

    /// A field's value; [`Value::Absent`] where the row has none.
    #[must_use]
    pub fn get(&self, field: F) -> &'r Value<'a> {
        self.cells.values.get(field.index()).unwrap_or(&Value::Absent)
    }

    /// Whether none of the fields holds anything, those before `first` by their index left out.
    #[must_use]
    pub fn is_empty_from(&self, first: usize) -> bool {
        self.cells.is_empty_from(first)
    }

    /// Whether the CRM sent something other than an object for a row.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.cells.is_broken()
    }

    /// The place where the field stands, or would stand, as a JSON Pointer into the raw record.
    #[must_use]
    pub fn pointer(&self, field: F) -> String {
        let name = self.names.of(field.index()).replace('~', "~0").replace('/', "~1").replace('.', "/");
        let absent = matches!(self.get(field), Value::Absent);
        let nested = self.cells.nested & (1 << field.index()) != 0;
        let is_inside = self.names.of(field.index()).contains('.');
        let inner = if nested || absent && !is_inside { "/fields" } else { "" };
        match self.place {
            Some((list, index)) => format!("/{list}/{index}{inner}/{name}"),
            None => format!("/row{inner}/{name}"),
        }
    }

    /// The field's origin; with no other rule, the rule that names the field.
    #[must_use]
    pub fn origin(&self, field: F, rule: Option<String>) -> Origin {
        let name = self.names.of(field.index());
        Origin {
            source: Some(self.pointer(field)),
            source_value: self.get(field).display(),
            rule: rule.or_else(|| Some(format!("{}/{} {name}", self.rules, key(field)))),
        }
    }

    /// The field's text, cleaned. What is not text, or stands for "unknown", is left out and told.
    pub fn text(&self, field: F, canonical: &str, recorder: &mut LineageRecorder) -> Option<Cow<'r, str>> {
        let text = self.text_as_written(field, canonical, recorder)?;
        if self.forms.unknown.is_word(&text) {
            let message =
                format!("“{text}” stands for “unknown” by the pack's rules (/unknown/words); it was left out.");
            recorder.warn(canonical, "stands-for-unknown", message);
            return None;
        }
        Some(text)
    }

    /// The field's text, cleaned. What is not text is left out and told.
    pub fn text_as_written(&self, field: F, canonical: &str, recorder: &mut LineageRecorder) -> Option<Cow<'r, str>> {
        match self.get(field) {
            Value::Text(written) => match decoded(written, canonical, recorder) {
                Cow::Borrowed(text) => text::clean(text),
                Cow::Owned(text) => text::clean(&text).map(|text| Cow::Owned(text.into_owned())),
            },
            value => {
                self.expect_empty(field, value, "a text", canonical, recorder);
                None
            }
        }
    }

    /// The field's text of several lines, cleaned line by line; empty where there is none.
    pub fn lines(&self, field: F, canonical: &str, recorder: &mut LineageRecorder) -> String {
        match self.get(field) {
            Value::Text(written) if written.contains(['\n', '\r']) => {
                text::clean_lines(&decoded(written, canonical, recorder))
            }
            _ => self.text(field, canonical, recorder).map_or_else(String::new, Cow::into_owned),
        }
    }

    /// A word or code that a table of the rules knows: a text, or a number as it is written.
    pub fn word(&self, field: F, canonical: &str, recorder: &mut LineageRecorder) -> Option<Cow<'r, str>> {
        match self.get(field) {
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            _ => self.text(field, canonical, recorder),
        }
    }

    /// A reference to another entity: a number, or a number as text.
    pub fn reference(&self, field: F, canonical: &str, recorder: &mut LineageRecorder) -> Option<String> {
        match self.get(field) {
            Value::Number(number @ (Number::Int(1..) | Number::Big(_))) => Some(number.to_string()),
            Value::Text(text) if is_reference(text.trim()) => Some(text.trim().to_owned()),
            Value::Number(number) => {
                let name = self.names.of(field.index());
                let message = format!(
                    "Xplan's field {name} holds {number}, which is the number of no record; it was left out. Correct the \
                     field in Xplan, or the field's name in the rules."
                );
                recorder.warn(canonical, "wrong-type", message);
                None
            }
            value => {
                self.expect_empty(field, value, "the number of a record", canonical, recorder);
                None
            }
        }
    }

    /// Yes or no; 1 and 0, and the words, count too.
    pub fn flag(&self, field: F, canonical: &str, recorder: &mut LineageRecorder) -> Option<bool> {
        match self.get(field) {
            Value::Flag(flag) => Some(*flag),
            Value::Number(Number::Int(number @ (0 | 1))) => Some(*number == 1),
            Value::Text(text) if is_one_of(text, &["true", "yes", "y", "1"]) => Some(true),
            Value::Text(text) if is_one_of(text, &["false", "no", "n", "0"]) => Some(false),
            value => {
                self.expect_empty(field, value, "yes or no", canonical, recorder);
                None
            }
        }
    }

    /// Tells of fields that came twice with different values: the last was taken, and nobody knows which is right.
    pub fn tell_repeated(&self, recorder: &mut LineageRecorder) {
        if self.cells.repeated == 0 {
            return;
        }
        for name in
            self.names.iter().enumerate().filter(|(at, _)| self.cells.repeated & (1 << at) != 0).map(|(_, name)| name)
        {
            let place = self.place.map_or_else(String::new, |(list, index)| format!(" in row {} of {list}", index + 1));
            let message = format!(
                "Xplan sent the field {name}{place} twice with different values; the last one was taken. Check it in Xplan."
            );
            recorder.whole(Severity::Warning, "repeated-field", message);
        }
    }

    /// Tells that a field holds something else than it should, unless it holds nothing.
    pub fn expect_empty(
        &self,
        field: F,
        value: &Value<'_>,
        wanted: &str,
        canonical: &str,
        recorder: &mut LineageRecorder,
    ) {
        if !value.is_empty() {
            let name = self.names.of(field.index());
            let kind = value.kind();
            recorder.warn(
                canonical,
                "wrong-type",
                format!("Xplan's field {name} holds {kind} where {wanted} belongs; it was left out. Correct the field in Xplan, or the field's name in the rules."),
            );
        }
    }
}

/// The rules' name of a field; those that the rules add have their own way to it.
fn key<F: Fields>(field: F) -> &'static str {
    F::KEYS.get(field.index()).copied().unwrap_or("field")
}

/// The text with HTML's entities read once, which is told.
fn decoded<'t>(written: &'t str, canonical: &str, recorder: &mut LineageRecorder) -> Cow<'t, str> {
    let decoded = text::decode_entities(written);
    if let Cow::Owned(text) = &decoded {
        // On one line, as messages are.
        let [written, read] = [written, text].map(|text| text::clean(text).unwrap_or_default());
        let message = format!("Xplan has “{written}”, written for a web page; it was read as “{read}”.");
        recorder.info(canonical, "html-entities", message);
    }
    decoded
}

/// A whole number above zero, of a length that an entity's number can have.
fn is_reference(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0')
}

fn is_one_of(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.trim().eq_ignore_ascii_case(word))
}

/// Reads a row by the CRM's names of its fields.
pub(crate) struct RowReader<'n> {
    pub names: &'n NameTable,
}

impl<'de> Reader<'de> for RowReader<'_> {
    type Out = Cells<'de>;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Cells<'de>, A::Error> {
        let values = iter::repeat_with(Value::default).take(self.names.len()).collect();
        let mut row = Cells { values, nested: 0, repeated: 0 };
        let mut flat = 0;
        let mut expected = 0;
        while let Some(key) = map.next_key_seed(KeySeed { names: self.names, expected })? {
            match key {
                Key::Field(index) => {
                    let value = map.next_value()?;
                    // What stands in both places is taken from `fields`.
                    if row.nested & (1 << index) == 0 {
                        row.put(index, value, flat & (1 << index) != 0);
                    }
                    flat |= 1 << index;
                    expected = index + 1;
                }
                Key::Fields => {
                    map.next_value_seed(Lenient(NestedReader { names: self.names, row: &mut row }))?;
                }
                Key::Inside(inside) => {
                    map.next_value_seed(Lenient(InsideReader { names: self.names, inside, row: &mut row }))?;
                }
                Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(row)
    }

    fn other(self) -> Cells<'de> {
        Cells::default()
    }
}

/// Reads the object under `fields` into the row around it.
struct NestedReader<'n, 'r, 'de> {
    names: &'n NameTable,
    row: &'r mut Cells<'de>,
}

impl<'de> Reader<'de> for NestedReader<'_, '_, 'de> {
    type Out = ();

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut expected = 0;
        while let Some(key) = map.next_key_seed(KeySeed { names: self.names, expected })? {
            if let Key::Field(index) = key {
                let is_again = self.row.nested & (1 << index) != 0;
                self.row.put(index, map.next_value()?, is_again);
                self.row.nested |= 1 << index;
                expected = index + 1;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn other(self) {}
}

/// Reads an object of the row into the row around it.
struct InsideReader<'n, 'r, 'de> {
    names: &'n NameTable,
    inside: usize,
    row: &'r mut Cells<'de>,
}

impl<'de> Reader<'de> for InsideReader<'_, '_, 'de> {
    type Out = ();

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            match self.names.find_inside(self.inside, &name) {
                Some(index) => self.row.values[index] = map.next_value()?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn other(self) {}
}

enum Key {
    Field(usize),
    Fields,
    Inside(usize),
    Other,
}

struct KeySeed<'n> {
    names: &'n NameTable,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        Ok(match self.names.find(name, self.expected) {
            Some(index) => Key::Field(index),
            None if name == "fields" => Key::Fields,
            None => self.names.inside(name).map_or(Key::Other, Key::Inside),
        })
    }
}

#[cfg(test)]
mod tests;
