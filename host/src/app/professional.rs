//! The professional who answers for a household, as documents name them. There is always somebody: the primary
//! professional of its access; where that is nobody by name, or a user whom the CRM does not show, the first adviser of the
//! connection; where it shows no adviser at all, the practice.

use crate::app::App;
use crate::config::Practice;
use crate::domain::access::household::{HouseholdAccess, Professional};
use crate::domain::access::{Role, User};
use crate::domain::stored::{Household, StoredAdviser};
use crate::domain::{Adviser, ConnectionName, EmailAddress, ExternalId, UserId};
use crate::store::{Store, StoreError};

/// The professional who answers for a household, and why this one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PrimaryProfessional {
    /// A person chose them.
    Chosen(Adviser),
    /// A person chose somebody with an account whom the CRM does not have.
    Account(User),
    /// Nobody was named; this is the first adviser of the practice, whom the CRM does not have.
    FirstAccount(User),
    /// The CRM named them as the adviser of the CFO.
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
            Self::Account(_) | Self::FirstAccount(_) | Self::Practice(_) => None,
        }
    }

    /// The email, where there is one.
    pub fn email(&self) -> Option<&EmailAddress> {
        match self {
            Self::Account(user) | Self::FirstAccount(user) => Some(&user.email),
            other => other.adviser().and_then(|adviser| adviser.email.as_ref()),
        }
    }

    /// The full name, as it is printed.
    pub fn name(&self) -> String {
        match self {
            Self::Practice(name) => name.clone(),
            Self::Account(user) | Self::FirstAccount(user) => user.name.clone(),
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
    let access = store.household_access(household.id).await?;
    match access.map(|access| (access.primary, access.chosen)) {
        Some((Professional::Account(user), _)) => {
            if let Some(account) = store.account(user).await? {
                let adviser = store.adviser_of_account(connection.clone(), user).await?;
                let of_account = PrimaryProfessional::Account(account.user);
                return Ok(adviser.map(of).map_or(of_account, PrimaryProfessional::Chosen));
            }
        }
        Some((Professional::OfCrm { connection, external_id }, chosen)) => {
            if let Some(stored) = store.adviser(connection, external_id).await? {
                let is_of_crm = household.adviser_external_id.as_ref() == Some(&stored.adviser.external_id);
                let named = if chosen.is_some() && !is_of_crm {
                    PrimaryProfessional::Chosen
                } else {
                    PrimaryProfessional::CrmAdviser
                };
                return Ok(named(of(stored)));
            }
        }
        Some((Professional::FirstAdviser, _)) => {
            let first = store.account_of(Professional::FirstAdviser).await?;
            if let Some(account) = first.filter(|account| account.user.role == Role::Adviser) {
                let adviser = store.adviser_of_account(connection.clone(), account.user.id).await?;
                let of_account = PrimaryProfessional::FirstAccount(account.user);
                return Ok(adviser.map(of).map_or(of_account, PrimaryProfessional::FirstAdviser));
            }
        }
        None => {}
    }
    let first = store.first_adviser(connection.clone()).await?;
    let first = first.map(of).map(PrimaryProfessional::FirstAdviser);
    Ok(first.unwrap_or_else(|| PrimaryProfessional::Practice(practice.name.clone())))
}

/// The professionals whom the CRM names for a household now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CrmProfessionals {
    /// The connection of the CRM.
    pub connection: ConnectionName,
    /// The adviser of the CFO.
    pub primary: Option<ExternalId>,
    /// The secondary adviser of the CFO.
    pub secondary: Option<ExternalId>,
    /// The account that stands for the adviser.
    primary_account: Option<UserId>,
}

impl CrmProfessionals {
    /// Whether others answer for the household here than whom the CRM names. Where it names nobody, nothing differs.
    pub fn differs_from(&self, access: &HouseholdAccess) -> bool {
        let Some(named) = &self.primary else { return false };
        match &access.primary {
            Professional::OfCrm { external_id, .. } => external_id != named,
            Professional::Account(user) => self.primary_account.as_ref() != Some(user),
            Professional::FirstAdviser => true,
        }
    }
}

impl App {
    /// The professionals whom the CRM names for a household now.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn crm_professionals(&self, household: &Household) -> Result<CrmProfessionals, StoreError> {
        let secondary = match household.members.first() {
            Some(member) => self.store.client(member.client_id).await?,
            None => None,
        };
        let secondary = secondary.and_then(|client| client.client.secondary_adviser_external_id);
        let (connection, primary) = (household.connection.clone(), household.adviser_external_id.clone());
        let primary_account = match &primary {
            Some(id) => {
                let of_crm = Professional::OfCrm { connection: connection.clone(), external_id: id.clone() };
                self.store.account_of(of_crm).await?.map(|account| account.user.id)
            }
            None => None,
        };
        Ok(CrmProfessionals {
            primary_account,
            connection,
            secondary: secondary.filter(|second| Some(second) != primary.as_ref()),
            primary,
        })
    }

    /// The name of a professional: the account's, or what the CRM calls them.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn name_of_professional(&self, professional: &Professional) -> Result<Option<String>, StoreError> {
        if let Professional::OfCrm { connection, external_id } = professional
            && let Some(stored) = self.store.adviser(connection.clone(), external_id.clone()).await?
        {
            return Ok(Some(full_name(&stored.adviser)));
        }
        Ok(self.store.account_of(professional.clone()).await?.map(|account| account.user.name))
    }

    /// The professional who answers for a household.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn primary_professional(&self, household: &Household) -> Result<PrimaryProfessional, StoreError> {
        primary_professional(&self.store, &self.config.practice, household).await
    }
}
