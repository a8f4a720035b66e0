//! The countries where clients of the book live, and what differs between them.

use super::names::{self, Names};
use super::numbers::NumberKind;

/// A country.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Country {
    Australia,
    NewZealand,
    UnitedKingdom,
    SouthAfrica,
}

impl Country {
    /// The currency of its amounts, ISO 4217.
    pub(super) fn currency(self) -> &'static str {
        match self {
            Self::Australia => "AUD",
            Self::NewZealand => "NZD",
            Self::UnitedKingdom => "GBP",
            Self::SouthAfrica => "ZAR",
        }
    }

    /// The names that people have there.
    pub(super) fn names(self) -> &'static Names {
        match self {
            Self::Australia | Self::NewZealand => &names::TASMAN,
            Self::UnitedKingdom => &names::UNITED_KINGDOM,
            Self::SouthAfrica => &names::SOUTH_AFRICA,
        }
    }

    /// The number that the state gives to people, where the site keeps it.
    pub(super) fn number(self) -> Option<NumberKind> {
        match self {
            Self::Australia => None,
            Self::NewZealand => Some(NumberKind::Ird),
            Self::UnitedKingdom => Some(NumberKind::NationalInsurance),
            Self::SouthAfrica => Some(NumberKind::Identity),
        }
    }
}
