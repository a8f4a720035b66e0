//! Who answers for a household. There is always somebody: the CRM's adviser of the CFO; where the CRM names none, or
//! one it does not show, the first adviser of the connection; where it shows no adviser at all, the practice.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::stored::{Household, StoredAdviser};
use crate::domain::{ConnectionName, EmailAddress, ExternalId};

/// The professional who answers for a household.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Professional)]
pub struct ProfessionalBody {
    /// The adviser's id in the CRM; null for the practice itself.
    #[schema(required, value_type = Option<String>)]
    external_id: Option<ExternalId>,
    /// First name.
    #[schema(required)]
    first_name: Option<String>,
    /// Last name; the practice's name for the practice itself.
    #[schema(required)]
    last_name: Option<String>,
    /// Email.
    #[schema(required, value_type = Option<String>, format = Email)]
    email: Option<EmailAddress>,
    /// Why this one.
    because: Because,
}

/// Why somebody answers for a household.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// The CRM names them as the adviser of the CFO.
    CrmAdviser,
    /// The CRM names nobody whom it shows; this is the connection's first adviser.
    FirstAdviser,
    /// The CRM shows no adviser; this is the practice.
    Practice,
}

/// Finds primary professionals, each adviser once.
pub struct Professionals<'a> {
    app: &'a App,
    known: HashMap<(ConnectionName, Option<ExternalId>), ProfessionalBody>,
}

impl<'a> Professionals<'a> {
    /// Nobody is known yet.
    pub fn new(app: &'a App) -> Self {
        Self { app, known: HashMap::new() }
    }

    /// Who answers for a household.
    pub async fn primary_of(&mut self, household: &Household) -> Result<ProfessionalBody, Problem> {
        let key = (household.connection.clone(), household.adviser_external_id.clone());
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let found = self.look_up(household).await?;
        self.known.insert(key, found.clone());
        Ok(found)
    }

    async fn look_up(&self, household: &Household) -> Result<ProfessionalBody, Problem> {
        let store = &self.app.store;
        if let Some(id) = &household.adviser_external_id
            && let Some(stored) = store.adviser(household.connection.clone(), id.clone()).await?
        {
            return Ok(body(stored, Because::CrmAdviser));
        }
        if let Some(stored) = store.first_adviser(household.connection.clone()).await? {
            return Ok(body(stored, Because::FirstAdviser));
        }
        Ok(ProfessionalBody {
            external_id: None,
            first_name: None,
            last_name: Some(self.app.config.practice.name.clone()),
            email: None,
            because: Because::Practice,
        })
    }
}

fn body(stored: StoredAdviser, because: Because) -> ProfessionalBody {
    let adviser = stored.adviser;
    ProfessionalBody {
        external_id: Some(adviser.external_id),
        first_name: adviser.first_name,
        last_name: adviser.last_name,
        email: adviser.email,
        because,
    }
}
