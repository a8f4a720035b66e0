//! The description of every canonical field, given once: its name, label and type, whether a person may edit it, and
//! where it is shown. JSON, the OpenAPI document, differences, edits, forms, pages and run reports follow from it.
//!
//! Serves [`crate::record`], whose tables make the records out of it, and everybody who shows or changes a record
//! without knowing its fields one by one.

use std::borrow::Cow;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::extension::{self, Extension};
use crate::ids::ExternalId;
use crate::record::RecordKind;
use crate::value::{CountryCode, Date, E164, EmailAddress, InvalidValue, Money};

/// A field of a canonical record.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The canonical name, snake_case, as it stands in JSON: `date_of_birth`.
    pub name: &'static str,
    /// The name that people read: `Date of birth`.
    pub label: &'static str,
    /// A sentence for whoever reads the API's document: what the field holds.
    pub about: &'static str,
    /// The type of its values.
    pub value: ValueType,
    /// Whether it can be null in JSON.
    pub is_optional: bool,
    /// Whether a person may change it here, until the CRM overrides it. The CRM alone masters all others.
    pub is_editable: bool,
    /// The heading of a record's page under which the field stands; none where other fields tell it.
    pub section: Option<Section>,
    /// A value as it may look, for the API's document.
    pub example: Option<&'static str>,
}

impl Field {
    /// A field of a value's type, which nobody may edit and no page shows.
    pub(crate) const fn of<T: FieldValue>(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            label: "",
            about,
            value: T::TYPE,
            is_optional: T::IS_OPTIONAL,
            is_editable: false,
            section: None,
            example: None,
        }
    }

    /// [`Field::about`] without the blanks that stand around a comment's text.
    pub fn sentence(&self) -> &'static str {
        self.about.trim()
    }
}

/// An error about one field, or about what was written into it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldError {
    /// The field as whoever sent it names it: a record's field, or a JSON Pointer (RFC 6901) into an event.
    pub field: String,
    /// A sentence for a person: what would be right.
    pub message: String,
}

impl FieldError {
    /// An error about `field`.
    pub fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), message: message.into() }
    }
}

/// The step of a JSON Pointer (RFC 6901) to the member of this name.
pub fn pointer_to(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The headings under which a client's fields are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Section {
    /// Names, birth and sex.
    Person,
    /// Email and telephone.
    Contact,
    /// The postal address.
    Address,
    /// Values that tie the record to the CRM.
    InCrm,
}

impl Section {
    /// All sections, in the order of a page.
    pub const ALL: [Self; 4] = [Self::Person, Self::Contact, Self::Address, Self::InCrm];

    /// The heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Person => "Person",
            Self::Contact => "Contact",
            Self::Address => "Address",
            Self::InCrm => "In the CRM",
        }
    }
}

/// The type of a field's values.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ValueType {
    /// One line of text.
    Text,
    /// A day of the calendar.
    Date,
    /// A country's two letters.
    Country,
    /// An email address.
    Email,
    /// A telephone number in E.164.
    Phone,
    /// A calendar year.
    Year,
    /// Yes or no.
    Flag,
    /// An amount with its currency.
    Money,
    /// One of a few words.
    Choice(&'static [Choice]),
    /// The record's own id in the CRM.
    OwnId,
    /// The id of another record in the CRM.
    Id(RecordKind),
    /// Fields that a pack adds.
    Extensions,
}

/// One word of a choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice {
    /// The word as it stands in JSON: `half_yearly`.
    pub word: &'static str,
    /// The word as people read it: `Half-yearly`.
    pub label: &'static str,
}

impl ValueType {
    /// The most characters that a value has as it is written; none where its form alone decides.
    pub fn longest(&self) -> Option<usize> {
        match self {
            Self::Text => Some(LONGEST),
            Self::Email => Some(EmailAddress::LONGEST),
            _ => None,
        }
    }

    /// The label of a word, where the field is a choice and has that word.
    pub fn label_of(&self, word: &str) -> Option<&'static str> {
        let Self::Choice(choices) = self else { return None };
        choices.iter().find(|choice| choice.word == word).map(|choice| choice.label)
    }
}

/// A record whose fields are told by name.
pub trait Record: Sized + 'static {
    /// A sentence for whoever reads the API's document: what the record is.
    const ABOUT: &'static str;

    /// The record's name in the API's document: `Client`.
    const NAME: &'static str;

    /// Its fields, in the order of the record.
    const FIELDS: &'static [Field];

    /// A field's value as text, as JSON would write it; none where it is empty or there is no such field.
    fn text_of(&self, field: &str) -> Option<String>;

    /// Reads a text into a field; none empties it.
    ///
    /// # Errors
    /// Returns what the field would take, if this is not it. A field that does not exist takes nothing.
    fn set(&mut self, field: &str, text: Option<&str>) -> Result<(), InvalidValue>;

    /// The fields in which `other` differs, in the order of the record.
    fn differing(&self, other: &Self) -> Vec<&'static str>;

    /// What a pack added under a field; nothing where the field is none of that.
    fn extensions_in(&self, field: &str) -> &[Extension];

    /// Writes each field under its name, as the API answers it.
    ///
    /// # Errors
    /// Returns the serialiser's own error.
    fn write_json<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;

    /// The differences in these fields, as text: each field's name with the values before and after. What a pack added
    /// differs field by field.
    fn differences(&self, after: &Self, fields: &[&'static str]) -> Vec<extension::Difference> {
        let mut found = Vec::new();
        for field in fields {
            let is_added = Self::field(field).is_some_and(|field| field.value == ValueType::Extensions);
            if is_added {
                found.extend(extension::differences(self.extensions_in(field), after.extensions_in(field)));
            } else {
                found.push(((*field).to_owned(), self.text_of(field), after.text_of(field)));
            }
        }
        found
    }

    /// The description of the field of this name.
    fn field(name: &str) -> Option<&'static Field> {
        Self::FIELDS.iter().find(|field| field.name == name)
    }
}

/// No fields: what the practice adds to a record that it adds nothing to.
impl Record for () {
    const ABOUT: &'static str = "";
    const NAME: &'static str = "Nothing";
    const FIELDS: &'static [Field] = &[];

    fn text_of(&self, _: &str) -> Option<String> {
        None
    }

    fn set(&mut self, field: &str, _: Option<&str>) -> Result<(), InvalidValue> {
        Err(InvalidValue::new(field, "a field of this record"))
    }

    fn differing(&self, (): &Self) -> Vec<&'static str> {
        Vec::new()
    }

    fn extensions_in(&self, _: &str) -> &[Extension] {
        &[]
    }

    fn write_json<M: serde::ser::SerializeMap>(&self, _: &mut M) -> Result<(), M::Error> {
        Ok(())
    }
}

/// A type of which fields are.
pub trait FieldValue: Sized {
    /// The type that descriptions of fields name for such values.
    const TYPE: ValueType;
    /// Whether there may be none.
    const IS_OPTIONAL: bool = false;

    /// The value as text; none where it is empty.
    fn text(&self) -> Option<String>;

    /// Reads a text as a person types it or a mapping hands it over.
    ///
    /// # Errors
    /// Returns what the text should have been.
    fn parse(text: &str) -> Result<Self, InvalidValue>;

    /// The value of an emptied field.
    ///
    /// # Errors
    /// Returns an error if the field cannot be empty.
    fn empty() -> Result<Self, InvalidValue> {
        Err(InvalidValue::new("", "something: this field needs a value"))
    }

    /// What a pack added, of a field that holds that.
    fn extensions(&self) -> &[Extension] {
        &[]
    }

    /// Writes the value as the API answers it.
    ///
    /// # Errors
    /// Returns the serialiser's own error.
    fn write_json<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// A value as the API answers it.
pub(crate) struct Json<'v, T>(pub(crate) &'v T);

impl<T: FieldValue> Serialize for Json<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write_json(serializer)
    }
}

impl<T: FieldValue> FieldValue for Option<T> {
    const TYPE: ValueType = T::TYPE;
    const IS_OPTIONAL: bool = true;

    fn text(&self) -> Option<String> {
        self.as_ref().and_then(T::text)
    }

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        T::parse(text).map(Some)
    }

    fn empty() -> Result<Self, InvalidValue> {
        Ok(None)
    }

    fn write_json<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.write_json(serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// Types whose JSON is their serde form, and whose text is their `Display`.
macro_rules! field_value {
    ($($kind:ty: $type:expr, $parse:expr);+ $(;)?) => {
        $(impl FieldValue for $kind {
            const TYPE: ValueType = $type;

            fn text(&self) -> Option<String> {
                Some(self.to_string())
            }

            fn parse(text: &str) -> Result<Self, InvalidValue> {
                let parse: fn(&str) -> Result<Self, InvalidValue> = $parse;
                parse(text)
            }

            fn write_json<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize(serializer)
            }
        })+
    };
}

field_value! {
    Date: ValueType::Date, date;
    CountryCode: ValueType::Country, CountryCode::from_str;
    EmailAddress: ValueType::Email, EmailAddress::from_str;
    E164: ValueType::Phone, E164::from_str;
    Money: ValueType::Money, Money::from_str;
    String: ValueType::Text, line;
    bool: ValueType::Flag, |text| text.parse().map_err(|_| InvalidValue::new(text, "true or false"));
    u16: ValueType::Year, year;
}

/// Years in which anything can lie that concerns a client: nobody alive was born before, and nothing is planned for
/// after.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2200;

/// The longest text of a field, in characters.
const LONGEST: usize = 200;

fn date(text: &str) -> Result<Date, InvalidValue> {
    // The calendar's own parser would also take a date with a time behind it.
    let date = Date::from_str(text).ok().filter(|_| text.len() == "2026-03-01".len());
    let wanted = "a date of the years 1900 to 2200, such as 1979-02-28";
    date.filter(|date| YEARS.contains(&date.year())).ok_or_else(|| InvalidValue::new(text, wanted))
}

fn year(text: &str) -> Result<u16, InvalidValue> {
    let year = text.parse::<u16>().ok().filter(|year| i16::try_from(*year).is_ok_and(|year| YEARS.contains(&year)));
    year.ok_or_else(|| InvalidValue::new(text, "a year between 1900 and 2200"))
}

fn line(text: &str) -> Result<String, InvalidValue> {
    if text.chars().any(char::is_control) {
        return Err(InvalidValue::new(text, "one line of text without control characters"));
    }
    if text.chars().count() > LONGEST {
        return Err(InvalidValue::new(text, "a text of at most 200 characters"));
    }
    Ok(text.to_owned())
}

impl FieldValue for ExternalId {
    const TYPE: ValueType = ValueType::OwnId;

    fn text(&self) -> Option<String> {
        Some(self.0.clone())
    }

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        text.parse().map_err(|_| InvalidValue::new(text, "an id of the CRM, such as 48213"))
    }

    /// Null where the record is in no CRM.
    fn write_json<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.in_crm().serialize(serializer)
    }
}

impl FieldValue for Vec<Extension> {
    const TYPE: ValueType = ValueType::Extensions;

    fn text(&self) -> Option<String> {
        let each: Vec<String> = self.iter().map(|more| format!("{}: {}", more.name, more.shown())).collect();
        (!each.is_empty()).then(|| each.join("; "))
    }

    fn parse(text: &str) -> Result<Self, InvalidValue> {
        Err(InvalidValue::new(text, "written as one text: the pack adds these fields"))
    }

    fn extensions(&self) -> &[Extension] {
        self
    }

    /// Each with its name and value; of a sensitive one not the value.
    fn write_json<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Told<'e> {
            name: &'e str,
            value: Option<&'e str>,
            sensitive: bool,
        }
        serializer.collect_seq(self.iter().map(|Extension { name, value, sensitive }| Told {
            name,
            value: Some(value.as_str()).filter(|_| !sensitive),
            sensitive: *sensitive,
        }))
    }
}

/// The words of a choice, as a sentence lists them.
pub(crate) fn one_of(choices: &[Choice]) -> Cow<'static, str> {
    let labels: Vec<&str> = choices.iter().map(|choice| choice.word).collect();
    Cow::Owned(format!("one of {}", labels.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_by_the_type_of_their_field() {
        fn check<T: FieldValue>(text: &str, expected: Result<&str, &str>) {
            let found = T::parse(text).map(|value| value.text().unwrap()).map_err(|invalid| invalid.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), expected);
        }
        check::<Date>("1979-02-28", Ok("1979-02-28"));
        let wanted = "a date of the years 1900 to 2200, such as 1979-02-28";
        for no_date in ["1979-02-29", "28/02/1979", "1979-02-28T00:00:00", "1899-12-31", "2201-01-01"] {
            check::<Date>(no_date, Err(&format!("`{no_date}` is not {wanted}")));
        }
        check::<Date>("", Err(&format!("this has to be {wanted}")));
        check::<u16>("1900", Ok("1900"));
        check::<u16>("2200", Ok("2200"));
        check::<u16>("1899", Err("`1899` is not a year between 1900 and 2200"));
        check::<u16>("2201", Err("`2201` is not a year between 1900 and 2200"));
        check::<bool>("true", Ok("true"));
        check::<bool>("yes", Err("`yes` is not true or false"));
        check::<Money>("1234.50 AUD", Ok("1234.50 AUD"));
        check::<Money>("1234.50", Err("`1234.50` is not an amount with its currency, such as 1234.50 AUD"));
        check::<String>(&"ā".repeat(200), Ok(&"ā".repeat(200)));
        check::<String>("a\u{7}b", Err("`a\\u{7}b` is not one line of text without control characters"));
        assert!(String::parse(&"a".repeat(201)).is_err());
        assert!(Vec::<Extension>::parse("a: b").is_err());
        check::<ExternalId>("48213", Ok("48213"));
        assert!(ExternalId::parse("practice:7").is_err());
    }

    #[test]
    fn a_word_has_the_label_of_its_choice() {
        let status = crate::record::GoalOwn::field("status").unwrap().value;
        assert_eq!(status.label_of("done"), Some("Done"));
        assert_eq!((status.label_of("finished"), ValueType::Flag.label_of("done")), (None, None));
    }

    #[test]
    fn a_field_says_what_it_is_and_where_it_stands() {
        let mobile = crate::record::Client::field("mobile").unwrap();
        assert_eq!((mobile.sentence(), mobile.sentence().trim()), (mobile.about.trim(), mobile.sentence()));
        assert!(mobile.about.starts_with(' ') && mobile.sentence().ends_with('.'), "{:?}", mobile.about);
        assert_eq!(pointer_to("goals/0~1"), "/goals~10~01");
        let headings = Section::ALL.map(Section::heading);
        assert_eq!(headings, ["Person", "Contact", "Address", "In the CRM"]);
    }

    #[test]
    fn what_people_write_has_a_length_where_its_form_sets_none() {
        let lengths =
            [ValueType::Text, ValueType::Email, ValueType::Date, ValueType::Flag].map(|value| value.longest());
        assert_eq!(lengths, [Some(200), Some(254), None, None]);
    }

    #[test]
    fn a_record_without_fields_takes_none() {
        assert_eq!(().text_of("name"), None);
        assert!(().set("name", Some("Ayda")).is_err());
        assert_eq!(().differing(&()), Vec::<&str>::new());
    }

    #[test]
    fn what_a_pack_adds_is_one_text() {
        let more =
            |name: &str, value: &str| Extension { name: name.to_owned(), value: value.to_owned(), sensitive: false };
        let two = vec![more("segment", "A"), more("referred_by", "Bo")];
        assert_eq!(two.text().as_deref(), Some("segment: A; referred_by: Bo"));
        assert_eq!(Vec::<Extension>::new().text(), None);
    }

    #[test]
    fn only_what_is_optional_can_be_emptied() {
        assert_eq!(Option::<Date>::empty(), Ok(None));
        assert!(bool::empty().is_err());
        let field = |name| crate::record::Client::field(name).unwrap();
        assert!(field("mobile").is_optional && !field("is_partner").is_optional);
    }

    #[test]
    fn a_record_that_is_in_no_crm_has_no_id_in_json() {
        let json = |id: &str| serde_json::to_value(Json(&ExternalId(id.to_owned()))).unwrap();
        assert_eq!(json("7"), serde_json::json!("7"));
        assert_eq!(json("practice:01900000-0000-7000-8000-000000000001"), serde_json::Value::Null);
    }
}
