//! The canonical records: what every CRM's data becomes. Their names are the same in WIT, Rust and JSON
//! (`wit/v1/mapper.wit` documents each field).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::field::{Choice, Field, FieldValue, Json, Record, Section, ValueType, one_of};
use crate::ids::ExternalId;
use crate::value::{CountryCode, Date, E164, EmailAddress, InvalidValue, Money};

/// The kinds of canonical record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A professional of the practice.
    Adviser,
    /// A person the practice advises.
    Client,
    /// Something a client wants to reach.
    Goal,
    /// One cover of an insurance policy.
    Cover,
}

impl RecordKind {
    /// All kinds, in the order in which a walk reads them.
    pub const ALL: [Self; 4] = [Self::Adviser, Self::Client, Self::Goal, Self::Cover];

    /// Whether its records stand in lists of clients, several in a raw record.
    pub fn is_listed(self) -> bool {
        matches!(self, Self::Goal | Self::Cover)
    }

    /// The kind's name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adviser => "adviser",
            Self::Client => "client",
            Self::Goal => "goal",
            Self::Cover => "cover",
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$vdoc:meta])* $variant:ident = $text:literal, $label:literal);+ $(;)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// All of them, as they stand in JSON and as people read them.
            pub const CHOICES: &[Choice] = &[$(Choice { word: $text, label: $label }),+];

            /// The word as it stands in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The word as people read it.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().find(|known| known.as_str().eq_ignore_ascii_case(text));
                known.copied().ok_or_else(|| InvalidValue::new(text, one_of(Self::CHOICES)))
            }
        }

        impl FieldValue for $name {
            const TYPE: ValueType = ValueType::Choice(Self::CHOICES);

            fn text(&self) -> Option<String> {
                Some(self.as_str().to_owned())
            }

            fn parse(text: &str) -> Result<Self, InvalidValue> {
                text.parse()
            }

            fn write_json<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

words! {
    /// The title a person is addressed by; the six that the practice knows.
    Title {
        /// Mr
        Mr = "Mr", "Mr";
        /// Mrs
        Mrs = "Mrs", "Mrs";
        /// Ms
        Ms = "Ms", "Ms";
        /// Miss
        Miss = "Miss", "Miss";
        /// Dr
        Dr = "Dr", "Dr";
        /// Prof
        Prof = "Prof", "Prof";
    }
}

words! {
    /// A person's sex as the CRM records it.
    Sex {
        /// Female.
        Female = "female", "Female";
        /// Male.
        Male = "male", "Male";
        /// Recorded as neither.
        Other = "other", "Other";
    }
}

words! {
    /// How the CRM counts a person among the practice's relations.
    ClientStatus {
        /// A client.
        Client = "client", "Client";
        /// May become a client.
        Prospect = "prospect", "Prospect";
        /// A contact only.
        Contact = "contact", "Contact";
        /// A member of a group plan.
        GroupPlanMember = "group_plan_member", "Group plan member";
        /// No longer served.
        Archived = "archived", "Archived";
        /// Has died.
        Deceased = "deceased", "Deceased";
        /// Anything else.
        Other = "other", "Other";
    }
}

words! {
    /// Whom of a couple a goal belongs to.
    GoalOwner {
        /// The client whose list it stands in.
        Client = "client", "Client";
        /// That client's partner.
        Partner = "partner", "Partner";
        /// Both.
        Joint = "joint", "Joint";
    }
}

words! {
    /// What reaching a goal does to the household's money.
    Outlook {
        /// A negative amount in the CRM.
        WillHaveLessMoney = "will_have_less_money", "Will have less money";
        /// A positive amount in the CRM.
        WillHaveMoreMoney = "will_have_more_money", "Will have more money";
        /// No amount, or zero. Of an amount that cannot be read there is no outlook.
        NonFinancial = "non_financial", "Non-financial";
    }
}

words! {
    /// How far the practice is with a goal; the practice's own.
    GoalStatus {
        /// Not begun: what every goal is when it comes over first.
        ToDo = "to_do", "To-do";
        /// Begun.
        Doing = "doing", "Doing";
        /// Reached.
        Done = "done", "Done";
    }
}

words! {
    /// How often a goal comes again; the practice's own, because the CRM does not tell.
    Recurrence {
        /// Every week.
        Weekly = "weekly", "Weekly";
        /// Every two weeks.
        Fortnightly = "fortnightly", "Fortnightly";
        /// Every month.
        Monthly = "monthly", "Monthly";
        /// Every three months.
        Quarterly = "quarterly", "Quarterly";
        /// Every six months.
        HalfYearly = "half_yearly", "Half-yearly";
        /// Every year.
        Yearly = "yearly", "Yearly";
    }
}

words! {
    /// What a cover insures against.
    CoverType {
        /// Life.
        Life = "life", "Life";
        /// Total and permanent disability.
        TotalAndPermanentDisability = "total_and_permanent_disability", "Total and permanent disability";
        /// Income protection.
        IncomeProtection = "income_protection", "Income_protection";
        /// Trauma or critical illness.
        Trauma = "trauma", "Trauma or critical illness";
        /// General insurance: home, contents, motor.
        General = "general", "General insurance";
        /// A type that the pack's table does not know.
        Other = "other", "Other";
    }
}

words! {
    /// How often a premium falls due.
    PremiumFrequency {
        /// Every week.
        Weekly = "weekly", "Weekly";
        /// Every two weeks.
        Fortnightly = "fortnightly", "Fortnightly";
        /// Every month.
        Monthly = "monthly", "Monthly";
        /// Every three months.
        Quarterly = "quarterly", "Quarterly";
        /// Every six months.
        HalfYearly = "half_yearly", "Half-yearly";
        /// Every year.
        Yearly = "yearly", "Yearly";
    }
}

words! {
    /// Who owns a policy.
    CoverOwner {
        /// The client whose list it stands in.
        Client = "client", "Client";
        /// That client's partner.
        Partner = "partner", "Partner";
        /// Both.
        Joint = "joint", "Joint";
        /// Somebody else: a trust, a company, a fund.
        Other = "other", "Other";
    }
}

/// A field that a pack adds to a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Extension {
    /// snake_case, unique within the record.
    pub name: String,
    /// The value as text.
    pub value: String,
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
        #[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
        pub struct $record {
            $($(#[doc = $about])+ $(#[serde(rename = $name)])? pub $field: $kind),+
        }

        impl Record for $record {
            const ABOUT: &'static str = $doc;
            const NAME: &'static str = stringify!($record);
            const FIELDS: &'static [Field] = &[$(Field {
                $($key: $said,)+
                ..Field::of::<$kind>(name!($field $($name)?), concat!($($about),+))
            }),+];

            fn text_of(&self, field: &str) -> Option<String> {
                match field {
                    $(name!($field $($name)?) => self.$field.text(),)+
                    _ => None,
                }
            }

            fn set(&mut self, field: &str, text: Option<&str>) -> Result<(), InvalidValue> {
                match field {
                    $(name!($field $($name)?) => self.$field = text.map_or_else(<$kind>::empty, <$kind>::parse)?,)+
                    _ => return Err(InvalidValue::new(field, "a field of this record")),
                }
                Ok(())
            }

            fn differing(&self, other: &Self) -> Vec<&'static str> {
                let mut differing = Vec::new();
                $(if self.$field != other.$field { differing.push(name!($field $($name)?)); })+
                differing
            }

            fn write_json<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                $(map.serialize_entry(name!($field $($name)?), &Json(&self.$field))?;)+
                Ok(())
            }
        }
    };
}

pub(crate) use {name, record};

record! {
    /// A professional of the practice who is a user in the CRM.
    Adviser {
        /// The CRM's id.
        external_id: ExternalId { label: "Adviser ID" }
        /// First name.
        first_name: Option<String> { label: "First name" }
        /// Last name.
        last_name: Option<String> { label: "Last name" }
        /// Email.
        email: Option<EmailAddress> { label: "Email" }
        /// False for a user who can no longer sign in to the CRM.
        active: bool { label: "Active" }
    }
}

record! {
    /// A person whom the practice advises.
    Client {
        /// The CRM's id; null for a client made in the practice and not linked to the CRM.
        external_id: ExternalId { label: "Client ID", section: Some(Section::InCrm), is_optional: true }
        /// How the person is addressed.
        title: Option<Title> { label: "Title", section: Some(Section::Person), is_editable: true }
        /// First name.
        first_name: Option<String> { label: "First name", section: Some(Section::Person), is_editable: true }
        /// Middle name.
        middle_name: Option<String> { label: "Middle name", section: Some(Section::Person), is_editable: true }
        /// Last name.
        last_name: Option<String> { label: "Last name", section: Some(Section::Person), is_editable: true }
        /// The name the person goes by.
        preferred_name: Option<String> { label: "Preferred name", section: Some(Section::Person), is_editable: true }
        /// Date of birth.
        date_of_birth: Option<Date> { label: "Date of birth", section: Some(Section::Person), is_editable: true }
        /// Sex as the CRM records it.
        sex: Option<Sex> { label: "Sex", section: Some(Section::Person), is_editable: true }
        /// The street, or the unit or level in it.
        address_line_1: Option<String> { label: "Address line 1", section: Some(Section::Address), is_editable: true }
        /// The street where the first line is a unit or level.
        address_line_2: Option<String> { label: "Address line 2", section: Some(Section::Address), is_editable: true }
        /// Suburb, town or city.
        suburb: Option<String> { label: "Suburb", section: Some(Section::Address), is_editable: true }
        /// The region's state code where it has states.
        state: Option<String> {
            label: "State", section: Some(Section::Address), is_editable: true, example: Some("VIC"),
        }
        /// Postcode.
        postcode: Option<String> {
            label: "Postcode", section: Some(Section::Address), is_editable: true, example: Some("3053"),
        }
        /// ISO 3166-1 alpha-2.
        country_code: Option<CountryCode> {
            label: "Country code", section: Some(Section::Address), is_editable: true, example: Some("AU"),
        }
        /// The preferred email, or a placeholder.
        email: Option<EmailAddress> { label: "Email", section: Some(Section::Contact), is_editable: true }
        /// True where `email` was made up because the CRM has none; nothing is ever sent there.
        email_is_placeholder: bool { label: "Placeholder email" }
        /// E.164, a mobile line.
        mobile: Option<E164> {
            label: "Mobile", section: Some(Section::Contact), is_editable: true, example: Some("+61491570156"),
        }
        /// The adviser's id in the CRM.
        adviser_external_id: Option<ExternalId> {
            label: "Adviser", section: Some(Section::InCrm), value: ValueType::Id(RecordKind::Adviser),
        }
        /// The id in the CRM of the adviser who stands beside the primary one.
        secondary_adviser_external_id: Option<ExternalId> {
            label: "Secondary adviser", section: Some(Section::InCrm), value: ValueType::Id(RecordKind::Adviser),
        }
        /// The partner's id in the CRM.
        partner_external_id: Option<ExternalId> {
            label: "Partner", section: Some(Section::InCrm), value: ValueType::Id(RecordKind::Client),
        }
        /// True for the partner of a couple, false for its primary and for a single person.
        is_partner: bool { label: "Is partner", section: Some(Section::InCrm) }
        /// How the CRM counts the person among the practice's relations.
        status: ClientStatus { label: "Status", section: Some(Section::InCrm) }
        /// Fields that the pack adds.
        extensions: Vec<Extension> { label: "More from the pack" }
    }
}

record! {
    /// Something a client wants to reach.
    Goal {
        /// The CRM's id, with the client's.
        external_id: ExternalId { label: "Goal ID" }
        /// Whose goal it is, seen from the client.
        owner: GoalOwner { label: "Owner" }
        /// The category's name.
        category: Option<String> { label: "Category", example: Some("Retirement") }
        /// What the goal is.
        name: Option<String> { label: "Name" }
        /// When it is to be reached.
        target_date: Option<Date> { label: "Target date" }
        /// The amount without its sign.
        estimated_cost: Option<Money> { label: "Estimated cost" }
        /// What reaching it does to the household's money; null where the CRM's amount cannot be read.
        outlook: Option<Outlook> { label: "Outlook" }
        /// Fields that the pack adds.
        extensions: Vec<Extension> { label: "More from the pack" }
    }
}

record! {
    /// One cover of an insurance policy.
    Cover {
        /// The CRM's id: the client's, the policy's and the cover's.
        external_id: ExternalId { label: "Cover ID" }
        /// The insurer's number of the policy; covers of one policy share it.
        policy_number: Option<String> { label: "Policy number" }
        /// What it insures against.
        cover_type as "type": CoverType { label: "Type" }
        /// The CRM's own word for the type.
        type_as_given: Option<String> { label: "Type in the CRM" }
        /// The insurer's name.
        insurer: Option<String> { label: "Insurer" }
        /// What the insurer calls the plan.
        plan_name: Option<String> { label: "Plan name" }
        /// The sum insured.
        sum_insured: Option<Money> { label: "Sum insured" }
        /// The premium of the cover, or of the whole policy where the CRM tells no other.
        premium: Option<Money> { label: "Premium" }
        /// How often the premium falls due.
        premium_frequency: Option<PremiumFrequency> { label: "Premium frequency" }
        /// Who owns the policy, seen from the client.
        owner: CoverOwner { label: "Owner" }
        /// When it comes up for renewal.
        renewal_date: Option<Date> { label: "Renewal date" }
        /// The calendar year in which the policy ends.
        end_year: Option<u16> { label: "End year" }
        /// Whether the policy had ended on the day of the mapping.
        expired: bool { label: "Expired" }
        /// Fields that the pack adds.
        extensions: Vec<Extension> { label: "More from the pack" }
    }
}

impl Client {
    /// A client of whom only the id and the status are known.
    pub fn unnamed(external_id: ExternalId, status: ClientStatus) -> Self {
        Self {
            external_id,
            title: None,
            first_name: None,
            middle_name: None,
            last_name: None,
            preferred_name: None,
            date_of_birth: None,
            sex: None,
            address_line_1: None,
            address_line_2: None,
            suburb: None,
            state: None,
            postcode: None,
            country_code: None,
            email: None,
            email_is_placeholder: false,
            mobile: None,
            adviser_external_id: None,
            secondary_adviser_external_id: None,
            partner_external_id: None,
            is_partner: false,
            status,
            extensions: Vec::new(),
        }
    }

    /// First and last name, or whichever there is; without either, the preferred or the middle name. Empty where there
    /// is none at all.
    pub fn full_name(&self) -> String {
        let full = [self.first_name.as_deref(), self.last_name.as_deref()].into_iter().flatten();
        let full = full.collect::<Vec<_>>().join(" ");
        let other = || self.preferred_name.clone().or_else(|| self.middle_name.clone());
        if full.is_empty() { other().unwrap_or_default() } else { full }
    }
}

/// What is said of a field by its name in reports: a client's by its own name, a goal's or cover's behind the kind
/// (`goal.target_date`).
pub fn field(name: &str) -> Option<&'static Field> {
    match name.split_once('.') {
        None => Client::field(name),
        Some(("adviser", name)) => Adviser::field(name),
        Some(("goal", name)) => Goal::field(name),
        Some(("cover", name)) => Cover::field(name),
        Some(_) => None,
    }
}

/// One canonical record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Canonical {
    /// A professional.
    Adviser(Adviser),
    /// A person.
    Client(Client),
    /// A goal.
    Goal(Goal),
    /// A cover.
    Cover(Cover),
}
