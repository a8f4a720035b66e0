//! Household access, as programs see and set it.

use std::collections::{BTreeSet, HashMap};

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::in_words;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, Params, PathParam, moment_or_null, word};
use crate::api::problem::{FieldError, Problem};
use crate::api::{schema, tag};
use crate::app::App;
use crate::domain::access::household::{HouseholdAccess, PastAccess, Professional, StaffAccess};
use crate::domain::access::{Action, Role};
use crate::domain::stored::Household;
use crate::domain::{ConnectionName, ExternalId, HouseholdId, Timestamp, UserId};
use crate::ops;
use crate::ops::household_access::{Named, Wanted, WantedStaff};

/// A professional who answers for a household.
#[derive(Serialize, ToSchema)]
#[schema(as = AnsweringProfessional)]
pub struct ProfessionalBody {
    /// The account of the professional; null where the CRM's has none yet.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    user_id: Option<UserId>,
    /// The professional's id in the CRM of the household's connection; null for somebody by their account.
    #[schema(required, value_type = Option<String>)]
    external_id: Option<ExternalId>,
    /// The connection of that CRM.
    #[schema(required, value_type = Option<String>)]
    connection: Option<ConnectionName>,
    /// The name.
    #[schema(required)]
    name: Option<String>,
}

/// A member of the staff who works in a household.
#[derive(Serialize, ToSchema)]
#[schema(as = StaffAccess)]
pub struct StaffBody {
    /// The person's account.
    #[schema(value_type = String, format = Uuid)]
    user_id: UserId,
    /// The name.
    #[schema(required)]
    name: Option<String>,
    /// The person's role in this household.
    #[schema(schema_with = schema::role)]
    role: Role,
    /// The moment from which on the person has no access any more; null where it does not end by itself.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// The reason for which it was given.
    #[schema(required)]
    reason: Option<String>,
    /// The name of who gave it.
    given_by: String,
    /// The moment at which it was given.
    #[schema(value_type = String, format = DateTime)]
    given_at: Timestamp,
}

/// Access of a member of the staff that ended, or was changed to something else.
#[derive(Serialize, ToSchema)]
#[schema(as = PastStaffAccess)]
pub struct PastBody {
    #[serde(flatten)]
    given: StaffBody,
    /// The name of who ended or changed it; null where its time was over.
    #[schema(required)]
    ended_by: Option<String>,
    /// The moment at which it ended.
    #[schema(value_type = String, format = DateTime)]
    ended_at: Timestamp,
}

/// The professionals whom the CRM names for a household now.
#[derive(Serialize, ToSchema)]
#[schema(as = CrmProfessionals)]
pub struct CrmBody {
    /// The CRM's adviser of the CFO.
    #[schema(required, value_type = Option<String>)]
    primary_external_id: Option<ExternalId>,
    /// The CRM's secondary adviser of the CFO.
    #[schema(required, value_type = Option<String>)]
    secondary_external_id: Option<ExternalId>,
    /// Whether others answer for the household here. It is shown and never followed by itself.
    differs: bool,
}

/// The access to a household. There is always one primary professional.
#[derive(Serialize, ToSchema)]
#[schema(as = HouseholdAccess)]
pub struct AccessBody {
    /// The household.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The professional who answers for it.
    primary: ProfessionalBody,
    /// A second professional.
    #[schema(required)]
    secondary: Option<ProfessionalBody>,
    /// The staff who work in it besides.
    staff: Vec<StaffBody>,
    /// The staff's access that ended, the latest first; at most 200.
    past: Vec<PastBody>,
    /// The name of who changed it last; null where it is as the CRM proposed it.
    #[schema(required)]
    chosen_by: Option<String>,
    /// The moment of that change.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    chosen_at: Option<Timestamp>,
    /// The moment at which the sync joined another household to this one, and those who had access to that came to have access to this
    /// one; null where it never did.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    joined_at: Option<Timestamp>,
    /// What the CRM says now.
    crm: CrmBody,
}

impl StaffBody {
    fn of(given: StaffAccess, names: &HashMap<UserId, String>) -> Self {
        let StaffAccess { user, role, expires_at, reason, given_by, given_at } = given;
        Self { user_id: user, name: names.get(&user).cloned(), role, expires_at, reason, given_by, given_at }
    }
}

impl AccessBody {
    async fn load(app: &App, household: &Household, access: HouseholdAccess) -> Result<Self, Problem> {
        let mut names = HashMap::new();
        let users: BTreeSet<UserId> = access.all_staff().map(|given| given.user).collect();
        for user in users {
            names.extend(app.store.account(user).await?.map(|account| (user, account.user.name)));
        }
        let staff = access.staff.iter().map(|given| StaffBody::of(given.clone(), &names)).collect();
        let past = access.past.iter().cloned().map(|PastAccess { given, ended_by, ended_at }| PastBody {
            given: StaffBody::of(given, &names),
            ended_by,
            ended_at,
        });
        let past = past.collect();
        let crm = app.crm_professionals(household).await?;
        let differs = crm.differs_from(&access);
        Ok(Self {
            household_id: access.household,
            primary: professional(app, access.primary).await?,
            secondary: match access.secondary {
                Some(secondary) => Some(professional(app, secondary).await?),
                None => None,
            },
            staff,
            past,
            joined_at: access.joined_at,
            chosen_at: access.chosen.as_ref().map(|chosen| chosen.at),
            chosen_by: access.chosen.map(|chosen| chosen.by),
            crm: CrmBody { primary_external_id: crm.primary, secondary_external_id: crm.secondary, differs },
        })
    }
}

async fn professional(app: &App, professional: Professional) -> Result<ProfessionalBody, Problem> {
    let account = app.store.account_of(professional.clone()).await?;
    let (connection, external_id) = match &professional {
        Professional::OfCrm { connection, external_id } => (Some(connection.clone()), Some(external_id.clone())),
        Professional::Account(_) | Professional::FirstAdviser => (None, None),
    };
    let name = app.name_of_professional(&professional).await?;
    Ok(ProfessionalBody { user_id: account.map(|account| account.user.id), external_id, connection, name })
}

/// The access to a household: who answers for it, and who else works in it.
///
/// The answer's `ETag` is for the `If-Match` of a change.
#[utoipa::path(
    get,
    path = "/api/v1/households/{id}/access",
    operation_id = "get_household_access",
    tag = "households",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The household's id")),
    responses((status = 200, body = AccessBody, headers(("ETag" = String, description = "The version"))))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<HouseholdId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let household = find(&app, &caller, id).await?;
    let access = now(&app, household.id).await?.ok_or_else(|| not_there(id))?;
    answer(&app, &household, access).await
}

/// A professional, by their account or by their id in the CRM of the household's connection.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NamedProfessional)]
pub struct NamedBody {
    /// The account.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    user_id: Option<UserId>,
    /// The id in the CRM.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    external_id: Option<ExternalId>,
}

/// A member of the staff to be given access.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewStaffAccess)]
pub struct NewStaffBody {
    /// The person's account.
    #[schema(value_type = String, format = Uuid)]
    user_id: UserId,
    /// The person's role in this household.
    #[serde(deserialize_with = "word")]
    #[schema(schema_with = schema::staff_role)]
    role: Role,
    /// The moment from which on the person has no access any more.
    #[serde(default, deserialize_with = "moment_or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// The reason.
    #[serde(default)]
    reason: Option<String>,
}

/// The access that a household is to have: all of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewHouseholdAccess)]
pub struct NewAccessBody {
    /// The professional who answers for it; there is always one.
    #[serde(default)]
    #[schema(required, value_type = NamedBody)]
    primary: Option<NamedBody>,
    /// A second professional.
    #[serde(default)]
    secondary: Option<NamedBody>,
    /// The staff who work in it besides; nobody where it is left out.
    #[serde(default)]
    staff: Vec<NewStaffBody>,
}

/// Sets the access to a household, all of it at once.
///
/// With `If-Match`, the change is made only where the access is still the one of that `ETag`; else it is 412.
#[utoipa::path(
    put,
    path = "/api/v1/households/{id}/access",
    operation_id = "set_household_access",
    tag = "households",
    security(("token" = []), ("session" = [])),
    params(
        ("id" = Uuid, Path, description = "The household's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the access that was looked at")
    ),
    request_body = NewAccessBody,
    responses((status = 200, body = AccessBody, headers(("ETag" = String, description = "The version"))))
)]
pub async fn set(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<HouseholdId>,
    _: NoParams,
    headers: HeaderMap,
    body: Result<Body<NewAccessBody>, Problem>,
) -> Result<Response, Problem> {
    caller.may(Action::ManageHouseholds)?;
    let Body(body) = body?;
    if body.primary.is_none() {
        return Err(ops::Refusal::at("/primary", ops::household_access::NO_PRIMARY).into());
    }
    let household = find(&app, &caller, id).await?;
    let follows = match tag::wanted(&headers) {
        None => None,
        Some(tags) => {
            let access = now(&app, household.id).await?.ok_or_else(|| not_there(id))?;
            let version = access.version;
            let is_now = tags.contains(&answered(&app, &household, access).await?.0);
            // A tag that is not the one of now names what is over, or what there never was.
            Some(if is_now { version } else { u64::MAX })
        }
    };
    let named = |pointer: &str, body: Option<NamedBody>| match body.map(|body| (body.user_id, body.external_id)) {
        None => Ok(None),
        Some((Some(user), None)) => Ok(Some(Named::Account(user))),
        // What was read is sent again: a professional of the CRM with the account that is linked to them.
        Some((user, Some(external_id))) => Ok(Some(Named::OfCrm(external_id, user))),
        Some((None, None)) => Err(Problem::invalid(vec![FieldError {
            pointer: pointer.to_owned(),
            detail: "Say who: `user_id` of an account, or `external_id` of a user of the CRM.".to_owned(),
        }])),
    };
    let staff = |body: NewStaffBody| {
        let NewStaffBody { user_id, role, expires_at, reason } = body;
        WantedStaff { user: user_id, role, expires_at, reason }
    };
    let wanted = Wanted {
        primary: named("/primary", body.primary)?,
        secondary: named("/secondary", body.secondary)?,
        staff: body.staff.into_iter().map(staff).collect(),
    };
    let access =
        ops::household_access::set(&app, caller.actor(), household.id, follows, wanted, Timestamp::now()).await?;
    answer(&app, &household, access.as_of(Timestamp::now())).await
}

/// The person whose access is asked about.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainParams {
    /// The account.
    #[param(value_type = String, format = Uuid)]
    user_id: UserId,
}

/// Whether somebody sees a household, and why.
#[derive(Serialize, ToSchema)]
#[schema(as = AccessExplanation)]
pub struct ExplanationBody {
    /// Whether the person sees the household.
    allowed: bool,
    /// The reasons, each a sentence.
    because: Vec<String>,
}

/// Says whether somebody sees a household, and why.
#[utoipa::path(
    get,
    path = "/api/v1/households/{id}/access/explain",
    operation_id = "explain_household_access",
    tag = "households",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The household's id"), ExplainParams),
    responses((status = 200, body = ExplanationBody))
)]
pub async fn explain(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<HouseholdId>,
    params: Result<Params<ExplainParams>, Problem>,
) -> Result<Json<ExplanationBody>, Problem> {
    caller.may_somewhere(Action::ReadBook)?;
    caller.may(Action::ReadPeople)?;
    let Params(params) = params?;
    let household = find(&app, &caller, id).await?;
    let account = app.store.account(params.user_id).await?;
    let account = account.ok_or_else(|| Problem::not_found(format_args!("account {}", params.user_id)))?;
    let reasons = app.store.access_reasons(params.user_id, household.id, Timestamp::now()).await?;
    let (allowed, because) = in_words(&account, &reasons, &app.config.practice.time_zone);
    Ok(Json(ExplanationBody { allowed, because }))
}

/// The household, where the caller sees it.
async fn find(app: &App, caller: &Caller, id: HouseholdId) -> Result<Household, Problem> {
    let found = caller.book(app, Action::ReadBook).await?.household(id).await?;
    Ok(found.ok_or_else(|| not_there(id))?.household)
}

fn not_there(id: HouseholdId) -> Problem {
    Problem::not_found(format_args!("household {id}"))
}

/// The access to a household, as it is now.
async fn now(app: &App, household: HouseholdId) -> Result<Option<HouseholdAccess>, Problem> {
    Ok(app.store.household_access(household).await?.map(|access| access.as_of(Timestamp::now())))
}

async fn answer(app: &App, household: &Household, access: HouseholdAccess) -> Result<Response, Problem> {
    let (version, body) = answered(app, household, access).await?;
    let mut answer = Json(body).into_response();
    tag::put(&mut answer, &version);
    Ok(answer)
}

/// What is answered, and its tag: of all that is in it, because who stands for whom changes without the access itself.
async fn answered(app: &App, household: &Household, access: HouseholdAccess) -> Result<(String, AccessBody), Problem> {
    let id = access.household;
    let body = AccessBody::load(app, household, access).await?;
    Ok((format!("{id}-{}", tag::of(&body)?), body))
}
