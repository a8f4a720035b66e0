//! The professional who answers for a household, as programs see and set it.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, PathParam};
use crate::api::problem::Problem;
use crate::app::{App, PrimaryProfessional};
use crate::domain::access::{Action, User};
use crate::domain::{EmailAddress, ExternalId, HouseholdId, Timestamp};
use crate::ops::{self, Kind, Refusal};

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
    /// The reason why it is this one.
    because: Because,
}

/// The reason why somebody answers for a household.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// A person chose them.
    Chosen,
    /// The CRM names them as the adviser of the CFO.
    CrmAdviser,
    /// The CRM names nobody whom it shows; this is the connection's first adviser.
    FirstAdviser,
    /// The CRM shows no adviser; this is the practice.
    Practice,
}

impl ProfessionalBody {
    fn of_account(user: User, because: Because) -> Self {
        let (last_name, email) = (Some(user.name), Some(user.email));
        Self { external_id: None, first_name: None, last_name, email, because }
    }
}

impl From<PrimaryProfessional> for ProfessionalBody {
    fn from(primary: PrimaryProfessional) -> Self {
        let (because, adviser) = match primary {
            PrimaryProfessional::Chosen(adviser) => (Because::Chosen, adviser),
            PrimaryProfessional::CrmAdviser(adviser) => (Because::CrmAdviser, adviser),
            PrimaryProfessional::FirstAdviser(adviser) => (Because::FirstAdviser, adviser),
            PrimaryProfessional::Account(user) => return Self::of_account(user, Because::Chosen),
            PrimaryProfessional::FirstAccount(user) => return Self::of_account(user, Because::FirstAdviser),
            PrimaryProfessional::Practice(name) => {
                let (last_name, because) = (Some(name), Because::Practice);
                return Self { external_id: None, first_name: None, last_name, email: None, because };
            }
        };
        let external_id = Some(adviser.external_id);
        let (first_name, last_name, email) = (adviser.first_name, adviser.last_name, adviser.email);
        Self { external_id, first_name, last_name, email, because }
    }
}

/// The changes to a household; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HouseholdChange)]
pub struct ChangeBody {
    /// The professional who answers for the household from now on; null: the CRM's adviser again. There is always
    /// somebody.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<ChosenBody>)]
    primary_professional: Option<Option<ChosenBody>>,
}

/// An adviser, by the id in the CRM.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ChosenProfessional)]
pub struct ChosenBody {
    /// The adviser's id in the CRM of the household's connection.
    #[schema(value_type = String, example = "30590")]
    external_id: ExternalId,
}

/// Tells a null that is given from a field that is not.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<ChosenBody>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes who answers for a household.
#[utoipa::path(
    patch,
    path = "/api/v1/households/{id}",
    operation_id = "change_household",
    tag = "households",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The household's id")),
    request_body = ChangeBody,
    responses((status = 200, description = "Who answers for the household now", body = ProfessionalBody))
)]
pub async fn change(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<HouseholdId>,
    _: NoParams,
    body: Result<Body<ChangeBody>, Problem>,
) -> Result<Json<ProfessionalBody>, Problem> {
    caller.may(Action::ManageHouseholds)?;
    let Body(body) = body?;
    let Some(chosen) = body.primary_professional else {
        let nothing = "There is nothing to change: say `primary_professional`.";
        return Err(Refusal::new(Kind::Invalid, nothing).into());
    };
    let adviser = chosen.map(|chosen| chosen.external_id);
    ops::households::choose_professional(&app, caller.actor(), id, adviser, Timestamp::now()).await?;
    let found = caller.book(&app, Action::ManageHouseholds).await?.household(id).await?;
    let found = found.ok_or_else(|| Problem::not_found(format_args!("household {id}")))?;
    Ok(Json(app.primary_professional(&found.household).await?.into()))
}
