//! The professional who answers for a household. There is always somebody: the professional whom a person chose; else
//! the CRM's adviser of the CFO; where the CRM names none, or one it does not show, the first adviser of the
//! connection; where it shows no adviser at all, the practice.

use crate::app::App;
use crate::config::Practice;
use crate::domain::Adviser;
use crate::domain::stored::{Household, StoredAdviser};
use crate::store::{Store, StoreError};

/// The professional who answers for a household, and why this one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PrimaryProfessional {
    /// A person chose them.
    Chosen(Adviser),
    /// The CRM names them as the adviser of the CFO.
    CrmAdviser(Adviser),
    /// The CRM names nobody whom it shows; this is the connection's first adviser.
    FirstAdviser(Adviser),
    /// The CRM shows no adviser; the practice, by its name.
    Practice(String),
}

impl PrimaryProfessional {
    /// The adviser; none for the practice itself.
    pub fn adviser(&self) -> Option<&Adviser> {
        match self {
            Self::Chosen(adviser) | Self::CrmAdviser(adviser) | Self::FirstAdviser(adviser) => Some(adviser),
            Self::Practice(_) => None,
        }
    }

    /// The full name, as it is printed.
    pub fn name(&self) -> String {
        match self {
            Self::Practice(name) => name.clone(),
            Self::Chosen(adviser) | Self::CrmAdviser(adviser) | Self::FirstAdviser(adviser) => full_name(adviser),
        }
    }
}

/// First and last name; where the CRM has neither, what it calls the user.
pub fn full_name(adviser: &Adviser) -> String {
    let names = [adviser.first_name.as_deref(), adviser.last_name.as_deref()];
    let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
    if name.is_empty() { format!("User {}", adviser.external_id) } else { name }
}

/// The professional who answers for a household.
pub(super) async fn primary_professional(
    store: &Store,
    practice: &Practice,
    household: &Household,
) -> Result<PrimaryProfessional, StoreError> {
    let of = |stored: StoredAdviser| stored.adviser;
    let connection = &household.connection;
    if let Some(chosen) = store.chosen_professional(household.id).await?
        && let Some(stored) = store.adviser(connection.clone(), chosen.external_id).await?
    {
        return Ok(PrimaryProfessional::Chosen(of(stored)));
    }
    if let Some(id) = &household.adviser_external_id
        && let Some(stored) = store.adviser(connection.clone(), id.clone()).await?
    {
        return Ok(PrimaryProfessional::CrmAdviser(of(stored)));
    }
    let first = store.first_adviser(connection.clone()).await?;
    let first = first.map(of).map(PrimaryProfessional::FirstAdviser);
    Ok(first.unwrap_or_else(|| PrimaryProfessional::Practice(practice.name.clone())))
}

impl App {
    /// The professional who answers for a household.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn primary_professional(&self, household: &Household) -> Result<PrimaryProfessional, StoreError> {
        primary_professional(&self.store, &self.config.practice, household).await
    }
}
