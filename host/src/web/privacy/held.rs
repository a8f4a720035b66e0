//! What a legal hold is on, and what pages say of it.

use serde::Deserialize;

use crate::domain::privacy::HeldSubject;
use crate::domain::{ClientId, HouseholdId};

/// What a hold is on.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Default)]
#[serde(rename_all = "lowercase")]
pub(in crate::web) enum HoldOf {
    #[default]
    Client,
    Household,
}

/// What pages say of a hold.
pub(super) struct Words {
    /// The value of the choice in the form.
    pub(super) value: &'static str,
    /// The label of the choice.
    pub(super) label: &'static str,
    /// The name of the field that says which hold the page showed.
    pub(super) seen: &'static str,
    /// The part of addresses that comes before the id.
    pub(super) place: &'static str,
    /// The sentence that offers one beside the other's.
    pub(super) offer: &'static str,
    /// The sentence about one that was placed.
    pub(super) placed: &'static str,
    /// What releasing one means.
    pub(super) released: &'static str,
}

impl HoldOf {
    pub(super) const ALL: [Self; 2] = [Self::Client, Self::Household];

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::Client => &Words {
                value: "client",
                label: "This client",
                seen: "seen_client",
                place: "clients",
                offer: "You can also place one on this client.",
                placed: "The legal hold is on: nothing of this client is erased while it lasts.",
                released: "Once released, this hold no longer stops an erasure. Another hold on the household may.",
            },
            Self::Household => &Words {
                value: "household",
                label: "The whole household",
                seen: "seen_household",
                place: "households",
                offer: "You can also place one on the whole household.",
                placed: "The legal hold is on: nobody in this household is erased while it lasts.",
                released: "Once released, this hold no longer stops an erasure. Another hold on a client in it may.",
            },
        }
    }

    pub(super) fn of(subject: HeldSubject) -> Self {
        match subject {
            HeldSubject::Client(_) => Self::Client,
            HeldSubject::Household(_) => Self::Household,
        }
    }

    /// The client or household of a page.
    pub(super) fn subject(self, client: ClientId, household: HouseholdId) -> HeldSubject {
        match self {
            Self::Client => HeldSubject::Client(client),
            Self::Household => HeldSubject::Household(household),
        }
    }

    /// The client or household of this id; none where it is no id.
    pub(super) fn with_id(self, id: &str) -> Option<HeldSubject> {
        match self {
            Self::Client => id.parse().map(HeldSubject::Client).ok(),
            Self::Household => id.parse().map(HeldSubject::Household).ok(),
        }
    }
}
