//! The households that somebody has a part in, handed over when they leave; and who answers where nobody was named.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, PageParams, Params, PathParam};
use crate::api::problem::Problem;
use crate::api::{schema, tag};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{HouseholdId, Timestamp, UserId};
use crate::ops;
use crate::store::household_access::{HandOver, Part};

/// A household that somebody has a part in.
#[derive(Serialize, ToSchema)]
#[schema(as = HouseholdOfAccount)]
pub struct PartBody {
    /// The household.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The part that the account has in it.
    #[schema(schema_with = schema::part)]
    part: &'static str,
}

impl From<HandOver> for PartBody {
    fn from(of: HandOver) -> Self {
        let part = match of.part {
            Part::Primary => "primary",
            Part::Secondary => "secondary",
            Part::Staff(_) => "staff",
        };
        Self { household_id: of.household, part }
    }
}

/// The households that an account has a part in, also one that is disabled. Who answers for them is what a hand-over changes.
///
/// The answer's `ETag` is for the `If-Match` of the hand-over: what was shown is what is handed over.
#[utoipa::path(
    get,
    path = "/api/v1/users/{id}/households",
    operation_id = "list_account_households",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The account's id"), PageParams),
    responses((status = 200, body = List<PartBody>, headers(("ETag" = String, description = "The version of the whole list"))))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<UserId>,
    params: Result<Params<PageParams>, Problem>,
) -> Result<Response, Problem> {
    caller.may(Action::ManageHouseholds)?;
    let page = params?.0.page()?;
    if app.store.account(id).await?.is_none() {
        return Err(Problem::not_found(format_args!("account {id}")));
    }
    let parts = app.store.parts_of(id).await?;
    let version = HandOver::version_of(&parts);
    let now = Timestamp::now();
    let rows: Vec<PartBody> = parts.into_iter().filter(|part| !part.is_over(now)).map(PartBody::from).collect();
    let mut answer =
        Json(List::cut("account-households", rows, &page, |_, row| row.household_id.to_string())?).into_response();
    tag::put(&mut answer, &version);
    Ok(answer)
}

/// Who is to have the households.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HandOver)]
pub struct HandOverBody {
    /// The account that answers for them from then on, in the same part.
    #[schema(value_type = String, format = Uuid)]
    to: UserId,
}

/// What came of a hand-over.
#[derive(Serialize, ToSchema)]
#[schema(as = HandedOver)]
pub struct HandedOverBody {
    /// The number of households that were handed over.
    households: usize,
    /// The number of households that the account had open in an emergency, which has ended.
    emergencies_ended: usize,
}

/// Hands all households of an account over to another one, in one step; what it had access to as staff, or has open in an emergency, ends.
///
/// `If-Match` has the `ETag` of `GET /users/{id}/households`: it is done only where the households are still those, and else is
/// 412. Without it, or with `*`, it is 428.
#[utoipa::path(
    post,
    path = "/api/v1/users/{id}/hand-over",
    operation_id = "hand_over_households",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(
        ("id" = Uuid, Path, description = "The account's id"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of the households that were looked at; 428 without it")
    ),
    request_body = HandOverBody,
    responses((status = 200, body = HandedOverBody))
)]
pub async fn hand_over(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<UserId>,
    _: NoParams,
    headers: HeaderMap,
    body: Result<Body<HandOverBody>, Problem>,
) -> Result<Json<HandedOverBody>, Problem> {
    caller.may(Action::ManageHouseholds)?;
    let Body(HandOverBody { to }) = body?;
    let now = Timestamp::now();
    let of = ops::household_access::HandOverRequest { user: id, to };
    let passed = ops::household_access::hand_over(&app, caller.actor(), of, tag::wanted(&headers), now).await?;
    Ok(Json(HandedOverBody { households: passed.households, emergencies_ended: passed.emergencies }))
}

/// Who answers for households for which nobody was named.
#[derive(Serialize, ToSchema)]
#[schema(as = DefaultPrimary)]
pub struct DefaultBody {
    /// The account; null where nobody can answer for a household yet.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    user_id: Option<UserId>,
    /// Whether the practice said so; else it is its first adviser.
    chosen: bool,
    /// The number of these households. None of them is among the households of an account.
    households: usize,
}

impl DefaultBody {
    async fn load(app: &App) -> Result<Json<Self>, Problem> {
        let found = app.store.default_primary().await?;
        let (user_id, chosen) = found.map_or((None, false), |(account, chosen)| (Some(account.user.id), chosen));
        Ok(Json(Self { user_id, chosen, households: app.store.households_of_nobody().await? }))
    }
}

/// Who is the primary professional of households for which nobody was named, such as those that support staff make.
#[utoipa::path(
    get,
    path = "/api/v1/default-primary",
    operation_id = "get_default_primary",
    tag = "people",
    security(("token" = []), ("session" = [])),
    responses((status = 200, body = DefaultBody))
)]
pub async fn default(caller: Caller, State(app): State<App>, _: NoParams) -> Result<Json<DefaultBody>, Problem> {
    caller.may(Action::ReadPeople)?;
    DefaultBody::load(&app).await
}

/// Who is to be it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDefaultPrimary)]
pub struct NewDefaultBody {
    /// The account; null: the first adviser of the practice.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, value_type = Option<String>, format = Uuid)]
    user_id: Option<UserId>,
}

/// Says who is the primary professional of households for which nobody was named.
#[utoipa::path(
    put,
    path = "/api/v1/default-primary",
    operation_id = "set_default_primary",
    tag = "people",
    security(("token" = []), ("session" = [])),
    request_body = NewDefaultBody,
    responses((status = 200, body = DefaultBody))
)]
pub async fn set_default(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
    body: Result<Body<NewDefaultBody>, Problem>,
) -> Result<Json<DefaultBody>, Problem> {
    caller.may(Action::ManageHouseholds)?;
    let Body(NewDefaultBody { user_id }) = body?;
    ops::household_access::set_default_primary(&app, caller.actor(), user_id).await?;
    DefaultBody::load(&app).await
}
