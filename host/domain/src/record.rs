//! The canonical records: what every CRM's data becomes. Their names are the same in WIT, Rust and JSON
//! (`wit/v1/mapper.wit` documents each field).

mod outlook;

use serde::{Deserialize, Serialize};

use crate::ids::ExternalId;
use crate::value::{CountryCode, Date, E164, EmailAddress, Money};

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
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }
        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word as it stands in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

words! {
    /// The title a person is addressed by; the six that the practice knows.
    Title {
        /// Mr
        Mr = "Mr",
        /// Mrs
        Mrs = "Mrs",
        /// Ms
        Ms = "Ms",
        /// Miss
        Miss = "Miss",
        /// Dr
        Dr = "Dr",
        /// Prof
        Prof = "Prof",
    }
}

words! {
    /// A person's sex as the CRM records it.
    Sex {
        /// Female.
        Female = "female",
        /// Male.
        Male = "male",
        /// Recorded as neither.
        Other = "other",
    }
}

words! {
    /// How the CRM counts a person among the practice's relations.
    ClientStatus {
        /// A client.
        Client = "client",
        /// May become a client.
        Prospect = "prospect",
        /// A contact only.
        Contact = "contact",
        /// A member of a group plan.
        GroupPlanMember = "group_plan_member",
        /// No longer served.
        Archived = "archived",
        /// Has died.
        Deceased = "deceased",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// Whom of a couple a goal belongs to.
    GoalOwner {
        /// The client whose list it stands in.
        Client = "client",
        /// That client's partner.
        Partner = "partner",
        /// Both.
        Joint = "joint",
    }
}

words! {
    /// What reaching a goal does to the household's money.
    Outlook {
        /// A negative amount in the CRM.
        WillHaveLessMoney = "will_have_less_money",
        /// A positive amount in the CRM.
        WillHaveMoreMoney = "will_have_more_money",
        /// No amount, or zero. Of an amount that cannot be read there is no outlook.
        NonFinancial = "non_financial",
    }
}

words! {
    /// How far the practice is with a goal; the practice's own.
    GoalStatus {
        /// Not begun: what every goal is when it comes over first.
        ToDo = "to_do",
        /// Begun.
        Doing = "doing",
        /// Reached.
        Done = "done",
    }
}

words! {
    /// How often a goal comes again; the practice's own, because the CRM does not tell.
    Recurrence {
        /// Every week.
        Weekly = "weekly",
        /// Every two weeks.
        Fortnightly = "fortnightly",
        /// Every month.
        Monthly = "monthly",
        /// Every three months.
        Quarterly = "quarterly",
        /// Every six months.
        HalfYearly = "half_yearly",
        /// Every year.
        Yearly = "yearly",
    }
}

words! {
    /// What a cover insures against.
    CoverType {
        /// Life.
        Life = "life",
        /// Total and permanent disability.
        TotalAndPermanentDisability = "total_and_permanent_disability",
        /// Income protection.
        IncomeProtection = "income_protection",
        /// Trauma or critical illness.
        Trauma = "trauma",
        /// General insurance: home, contents, motor.
        General = "general",
        /// A type that the pack's table does not know.
        Other = "other",
    }
}

words! {
    /// How often a premium falls due.
    PremiumFrequency {
        /// Every week.
        Weekly = "weekly",
        /// Every two weeks.
        Fortnightly = "fortnightly",
        /// Every month.
        Monthly = "monthly",
        /// Every three months.
        Quarterly = "quarterly",
        /// Every six months.
        HalfYearly = "half_yearly",
        /// Every year.
        Yearly = "yearly",
    }
}

words! {
    /// Who owns a policy.
    CoverOwner {
        /// The client whose list it stands in.
        Client = "client",
        /// That client's partner.
        Partner = "partner",
        /// Both.
        Joint = "joint",
        /// Somebody else: a trust, a company, a fund.
        Other = "other",
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

/// A professional of the practice who is a user in the CRM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are documented once, in wit/v1/mapper.wit")]
pub struct Adviser {
    pub external_id: ExternalId,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub email: Option<EmailAddress>,
    pub active: bool,
}

/// A record whose fields are told by name.
pub trait Fields {
    /// The names of all fields in JSON, in the order of the record.
    const FIELDS: &'static [&'static str];

    /// A field's value in words, as JSON would write it; none where it is empty or there is no such field.
    fn text_of(&self, field: &str) -> Option<String>;

    /// The fields in which `other` differs, in the order of the record.
    fn differing(&self, other: &Self) -> Vec<&'static str>;
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

macro_rules! record {
    ($(#[$doc:meta])* $record:ident {
        $($(#[$attribute:meta])* $field:ident $(as $name:literal)?: $kind:ty),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "the fields are documented once, in wit/v1/mapper.wit")]
        pub struct $record {
            $($(#[$attribute])* $(#[serde(rename = $name)])? pub $field: $kind),+
        }

        impl Fields for $record {
            const FIELDS: &'static [&'static str] = &[$(name!($field $($name)?)),+];

            fn text_of(&self, field: &str) -> Option<String> {
                match field {
                    $(name!($field $($name)?) => self.$field.text(),)+
                    _ => None,
                }
            }

            fn differing(&self, other: &Self) -> Vec<&'static str> {
                let mut differing = Vec::new();
                $(if self.$field != other.$field { differing.push(name!($field $($name)?)); })+
                differing
            }
        }
    };
}

record! {
    /// A person whom the practice advises.
    Client {
        external_id: ExternalId,
        title: Option<Title>,
        first_name: Option<String>,
        middle_name: Option<String>,
        last_name: Option<String>,
        preferred_name: Option<String>,
        date_of_birth: Option<Date>,
        sex: Option<Sex>,
        address_line_1: Option<String>,
        address_line_2: Option<String>,
        suburb: Option<String>,
        state: Option<String>,
        postcode: Option<String>,
        country_code: Option<CountryCode>,
        email: Option<EmailAddress>,
        email_is_placeholder: bool,
        mobile: Option<E164>,
        adviser_external_id: Option<ExternalId>,
        partner_external_id: Option<ExternalId>,
        is_partner: bool,
        status: ClientStatus,
        extensions: Vec<Extension>,
    }
}

/// A value in words.
trait InWords {
    fn text(&self) -> Option<String>;
}

macro_rules! in_words {
    ($($kind:ty => |$value:ident| $text:expr),+ $(,)?) => {
        $(impl InWords for $kind {
            fn text(&self) -> Option<String> {
                let $value = self;
                Some($text)
            }
        })+
    };
}

in_words! {
    ExternalId => |id| id.0.clone(),
    Title => |title| title.as_str().to_owned(),
    String => |text| text.clone(),
    Date => |date| date.to_string(),
    Sex => |sex| sex.as_str().to_owned(),
    CountryCode => |code| code.to_string(),
    EmailAddress => |email| email.to_string(),
    E164 => |number| number.to_string(),
    bool => |is| is.to_string(),
    ClientStatus => |status| status.as_str().to_owned(),
    Money => |money| format!("{} {}", money.amount, money.currency),
    u16 => |number| number.to_string(),
    GoalOwner => |owner| owner.as_str().to_owned(),
    Outlook => |outlook| outlook.as_str().to_owned(),
    CoverType => |kind| kind.as_str().to_owned(),
    PremiumFrequency => |frequency| frequency.as_str().to_owned(),
    CoverOwner => |owner| owner.as_str().to_owned(),
}

impl<T: InWords> InWords for Option<T> {
    fn text(&self) -> Option<String> {
        self.as_ref().and_then(InWords::text)
    }
}

impl InWords for Vec<Extension> {
    fn text(&self) -> Option<String> {
        let each: Vec<String> = self.iter().map(|more| format!("{}: {}", more.name, more.value)).collect();
        (!each.is_empty()).then(|| each.join("; "))
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

record! {
    /// Something a client wants to reach.
    Goal {
        external_id: ExternalId,
        owner: GoalOwner,
        category: Option<String>,
        name: Option<String>,
        target_date: Option<Date>,
        estimated_cost: Option<Money>,
        #[serde(with = "outlook")]
        outlook: Option<Outlook>,
        extensions: Vec<Extension>,
    }
}

record! {
    /// One cover of an insurance policy.
    Cover {
        external_id: ExternalId,
        policy_number: Option<String>,
        cover_type as "type": CoverType,
        type_as_given: Option<String>,
        insurer: Option<String>,
        plan_name: Option<String>,
        sum_insured: Option<Money>,
        premium: Option<Money>,
        premium_frequency: Option<PremiumFrequency>,
        owner: CoverOwner,
        renewal_date: Option<Date>,
        end_year: Option<u16>,
        expired: bool,
        extensions: Vec<Extension>,
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
