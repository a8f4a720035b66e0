//! The canonical records: what every CRM's data becomes. Their names are the same in WIT, Rust and JSON
//! (`wit/v1/mapper.wit` documents each field).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::{Field, Record};
use crate::ids::ExternalId;

/// The words of a choice, in JSON and for people.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$vdoc:meta])* $variant:ident = $text:literal, $label:literal);+ $(;)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// All words.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// All words, as they stand in JSON and as people read them.
            pub const CHOICES: &[$crate::field::Choice] = &[$($crate::field::Choice { word: $text, label: $label }),+];

            /// The word as it stands in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The word as people read it.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::value::InvalidValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().find(|known| known.as_str().eq_ignore_ascii_case(text));
                known.copied().ok_or_else(|| $crate::value::InvalidValue::new(text, $crate::field::one_of(Self::CHOICES)))
            }
        }

        impl $crate::field::FieldValue for $name {
            const TYPE: $crate::field::ValueType = $crate::field::ValueType::Choice(Self::CHOICES);

            fn text(&self) -> Option<String> {
                Some(self.as_str().to_owned())
            }

            fn parse(text: &str) -> Result<Self, $crate::value::InvalidValue> {
                text.parse()
            }

            fn write_json<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

/// A field's name in JSON, where it is not the one in Rust.
macro_rules! name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $name:literal) => {
        $name
    };
}

/// The table of a record's fields, each with its comment, type and what else is said of it ([`Field`]).
macro_rules! record {
    (#[doc = $doc:literal] $(#[$meta:meta])* $record:ident {
        $($(#[doc = $about:literal])+ $field:ident $(as $name:literal)?: $kind:ty {
            $($key:ident: $said:expr),+ $(,)?
        })+
    }) => {
        #[doc = $doc]
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
        pub struct $record {
            $($(#[doc = $about])+ $(#[serde(rename = $name)])? pub $field: $kind),+
        }

        impl $crate::field::Record for $record {
            const ABOUT: &'static str = $doc;
            const NAME: &'static str = stringify!($record);
            const FIELDS: &'static [$crate::field::Field] = &[$($crate::field::Field {
                $($key: $said,)+
                ..$crate::field::Field::of::<$kind>(name!($field $($name)?), concat!($($about),+))
            }),+];

            fn text_of(&self, field: &str) -> Option<String> {
                match field {
                    $(name!($field $($name)?) => $crate::field::FieldValue::text(&self.$field),)+
                    _ => None,
                }
            }

            fn set(&mut self, field: &str, text: Option<&str>) -> Result<(), $crate::value::InvalidValue> {
                match field {
                    $(name!($field $($name)?) => self.$field = text.map_or_else(
                        <$kind as $crate::field::FieldValue>::empty,
                        <$kind as $crate::field::FieldValue>::parse,
                    )?,)+
                    _ => return Err($crate::value::InvalidValue::new(field, "a field of this record")),
                }
                Ok(())
            }

            fn differing(&self, other: &Self) -> Vec<&'static str> {
                let mut differing = Vec::new();
                $(if self.$field != other.$field { differing.push(name!($field $($name)?)); })+
                differing
            }

            fn extensions_in(&self, field: &str) -> &[$crate::extension::Extension] {
                match field {
                    $(name!($field $($name)?) => $crate::field::FieldValue::extensions(&self.$field),)+
                    _ => &[],
                }
            }

            fn write_json<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $(map.serialize_entry(name!($field $($name)?), &$crate::field::Json(&self.$field))?;)+
                Ok(())
            }
        }
    };
}

mod cover;
mod goal;
mod person;

pub use crate::extension::Extension;
pub use cover::{Cover, CoverOwner, CoverType, PremiumFrequency};
pub use goal::{Goal, GoalOwn, GoalOwner, GoalStatus, Outlook, Recurrence};
pub use person::{Adviser, Client, ClientStatus, Sex, Title};

/// The table of the kinds of record: each with its number, which stored keys hold for ever, its word in JSON, and the
/// word for several. The type of a kind has the kind's name.
macro_rules! kinds {
    (
        single { $($(#[doc = $single_doc:literal])+ $single:ident = $single_number:literal, $one:literal, $many:literal;)+ }
        listed { $($(#[doc = $doc:literal])+ $listed:ident = $number:literal, $item:literal, $items:literal;)+ }
    ) => {
        /// The kinds of canonical record.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum RecordKind {
            $($(#[doc = $single_doc])+ $single = $single_number,)+
            $($(#[doc = $doc])+ $listed = $number,)+
        }

        impl RecordKind {
            /// All kinds, in the order in which a walk reads them.
            pub const ALL: &[Self] = &[$(Self::$single,)+ $(Self::$listed),+];

            /// The kinds that stand in lists of clients, several in a raw record.
            pub const LISTED: &[Self] = &[$(Self::$listed),+];

            /// The words of what there is of a client.
            pub const WORDS_OF_CLIENTS: &[&str] = &["client", $($item),+];

            /// The kinds of record that a client has: the client, and the items of the client's lists. A run asks
            /// whether many of such a kind are gone.
            pub fn of_clients() -> impl Iterator<Item = Self> {
                [Self::Client].into_iter().chain(Self::LISTED.iter().copied())
            }

            /// Whether its records stand in lists of clients, several in a raw record.
            pub fn is_listed(self) -> bool {
                matches!(self, $(Self::$listed)|+)
            }

            /// The kind's name in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$single => $one,)+ $(Self::$listed => $item),+ }
            }

            /// The fields of its canonical records, in their order.
            pub fn fields(self) -> &'static [Field] {
                match self { $(Self::$single => $single::FIELDS,)+ $(Self::$listed => $listed::FIELDS),+ }
            }

            /// The name of several, in JSON, in addresses and in sentences.
            pub fn plural(self) -> &'static str {
                match self { $(Self::$single => $many,)+ $(Self::$listed => $items),+ }
            }
        }

        /// One canonical record.
        #[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Canonical {
            $($(#[doc = $single_doc])+ $single($single),)+
            $($(#[doc = $doc])+ $listed($listed),)+
        }

        $(impl Kind for $single {
            const KIND: RecordKind = RecordKind::$single;

            fn of(record: Canonical) -> Option<Self> {
                if let Canonical::$single(record) = record { Some(record) } else { None }
            }

            fn into_canonical(self) -> Canonical {
                Canonical::$single(self)
            }
        })+

        $(impl Kind for $listed {
            const KIND: RecordKind = RecordKind::$listed;

            fn of(record: Canonical) -> Option<Self> {
                if let Canonical::$listed(record) = record { Some(record) } else { None }
            }

            fn into_canonical(self) -> Canonical {
                Canonical::$listed(self)
            }
        })+

        impl Canonical {
            /// The record's kind.
            pub fn kind(&self) -> RecordKind {
                match self { $(Self::$single(_) => RecordKind::$single,)+ $(Self::$listed(_) => RecordKind::$listed),+ }
            }
        }

        /// The description of a field by its name in reports: a client's by its own name, another record's behind its
        /// kind (`goal.target_date`).
        pub fn field(name: &str) -> Option<&'static Field> {
            match name.split_once('.') {
                None => Client::field(name),
                $(Some(($one, name)) => $single::field(name),)+
                $(Some(($item, name)) => $listed::field(name),)+
                Some(_) => None,
            }
        }
    };
}

kinds! {
    single {
        /// A professional of the practice.
        Adviser = 0, "adviser", "advisers";
        /// A person the practice advises.
        Client = 1, "client", "clients";
    }
    listed {
        /// Something a client wants to reach.
        Goal = 2, "goal", "goals";
        /// One cover of an insurance policy.
        Cover = 3, "cover", "covers";
    }
}

/// Does for a kind what is written for each type that stands in clients' lists: none where the kind stands in none.
#[macro_export]
macro_rules! with_listed {
    ($kind:expr, $item:ident => $body:expr) => {
        match $kind {
            $crate::RecordKind::Goal => {
                type $item = $crate::record::Goal;
                Some($body)
            }
            $crate::RecordKind::Cover => {
                type $item = $crate::record::Cover;
                Some($body)
            }
            $crate::RecordKind::Adviser | $crate::RecordKind::Client => None,
        }
    };
}

/// A record of one kind.
pub trait Kind: Record {
    /// The kind of the records of this type.
    const KIND: RecordKind;

    /// The record, where it is of this kind.
    fn of(record: Canonical) -> Option<Self>
    where
        Self: Sized;

    /// The record among those of all kinds.
    fn into_canonical(self) -> Canonical;
}

/// A record that stands in a client's list: a goal or a cover.
pub trait ListItem: Kind + Clone + PartialEq + fmt::Debug + Send + 'static {
    /// The values that the practice adds; a sync never touches them.
    type Own: Record + Clone + PartialEq + fmt::Debug + Default + Send + 'static;

    /// The id in the CRM, unique within the client.
    fn external_id(&self) -> &ExternalId;

    /// The label by which a person knows the item: a goal's name, a cover's type and policy. None where the CRM has
    /// neither.
    fn label(&self) -> Option<String>;

    /// Whether the partner of the client in whose list it stands owns it, alone or with that client.
    fn is_of_partner(&self) -> bool;
}
