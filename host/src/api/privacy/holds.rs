//! Legal holds on clients and households.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, PageParams, Params, PathParam, moment_or_null};
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::privacy::{HeldSubject, LegalHold};
use crate::domain::{ClientId, HouseholdId, Timestamp, UserId};
use crate::ops;
use crate::ops::privacy::{AskedHold, Replaced};

/// The operations on legal holds.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(hold_client, release_client))
        .routes(routes!(hold_household, release_household))
}

/// A legal hold: nobody under it is erased or unlinked from the CRM, and no identity list with rows of theirs is forgotten. It stops
/// nothing else: syncs and edits go on, and a client can be removed and restored.
#[derive(Serialize, ToSchema)]
#[schema(as = LegalHold)]
pub struct HoldBody {
    /// The client on whom it is; null where it is on a household.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    client_id: Option<ClientId>,
    /// The household on which it is; null where it is on a client alone.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    household_id: Option<HouseholdId>,
    /// The reason.
    reason: String,
    /// The name, at that time, of the one who placed it.
    by: String,
    /// Their account; null where it was nobody's, or was not kept yet.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    by_user_id: Option<UserId>,
    /// The moment since which it is on.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The moment at which it ends by itself; null where a person has to release it.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Whether it is on; false once it has ended.
    is_on: bool,
}

impl HoldBody {
    fn new(hold: LegalHold, now: Timestamp) -> Self {
        let is_on = hold.is_on(now);
        let LegalHold { subject, reason, by, by_account, since, until } = hold;
        let (client_id, household_id) = match subject {
            HeldSubject::Client(id) => (Some(id), None),
            HeldSubject::Household(id) => (None, Some(id)),
        };
        Self { client_id, household_id, reason, by, by_user_id: by_account, since, until, is_on }
    }
}

/// A hold to be placed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PutLegalHold)]
pub struct PutHoldBody {
    /// The reason, such as a complaint's number.
    reason: String,
    /// The moment at which it ends by itself; without, it lasts until it is released.
    #[serde(default, deserialize_with = "moment_or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// The legal holds, also those whose time is over: `is_on` tells them apart. One that somebody released is gone; the audit log has that.
#[utoipa::path(
    get,
    path = "/api/v1/privacy/holds",
    operation_id = "list_legal_holds",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(PageParams),
    responses((status = 200, body = List<HoldBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<PageParams>, Problem>,
) -> Result<Json<List<HoldBody>>, Problem> {
    caller.may(Action::ExportClients)?;
    let Params(params) = params?;
    let page = params.page()?;
    let now = Timestamp::now();
    let rows = app.store.holds().await?.into_iter().map(|hold| HoldBody::new(hold, now)).collect();
    let key = |row: &HoldBody| {
        row.client_id.map_or_else(|| row.household_id.map(|id| id.to_string()).unwrap_or_default(), |id| id.to_string())
    };
    Ok(Json(List::cut_in_order("legal holds", rows, &page, key)?))
}

async fn hold(
    caller: &Caller,
    app: &App,
    subject: HeldSubject,
    body: Result<Body<PutHoldBody>, Problem>,
) -> Result<Json<HoldBody>, Problem> {
    caller.may(Action::EraseClients)?;
    let Body(PutHoldBody { reason, until }) = body?;
    let now = Timestamp::now();
    let asked = AskedHold { reason: &reason, until, replaces: Replaced::Any };
    let hold = ops::privacy::hold(app, caller.actor(), subject, asked, now).await?;
    Ok(Json(HoldBody::new(hold, now)))
}

/// Places a legal hold on a client, in place of one that is on.
#[utoipa::path(
    put,
    path = "/api/v1/clients/{id}/legal-hold",
    operation_id = "hold_client",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id")),
    request_body = PutHoldBody,
    responses((status = 200, body = HoldBody))
)]
pub async fn hold_client(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
    body: Result<Body<PutHoldBody>, Problem>,
) -> Result<Json<HoldBody>, Problem> {
    hold(&caller, &app, HeldSubject::Client(id), body).await
}

/// Releases the legal hold on a client.
#[utoipa::path(
    delete,
    path = "/api/v1/clients/{id}/legal-hold",
    operation_id = "release_client",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id")),
    responses((status = 204, description = "Released"))
)]
pub async fn release_client(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    ops::privacy::release(&app, caller.actor(), HeldSubject::Client(id), None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Places a legal hold on a household, with everybody who is in it.
#[utoipa::path(
    put,
    path = "/api/v1/households/{id}/legal-hold",
    operation_id = "hold_household",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The household's id")),
    request_body = PutHoldBody,
    responses((status = 200, body = HoldBody))
)]
pub async fn hold_household(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<HouseholdId>,
    _: NoParams,
    body: Result<Body<PutHoldBody>, Problem>,
) -> Result<Json<HoldBody>, Problem> {
    hold(&caller, &app, HeldSubject::Household(id), body).await
}

/// Releases the legal hold on a household.
#[utoipa::path(
    delete,
    path = "/api/v1/households/{id}/legal-hold",
    operation_id = "release_household",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The household's id")),
    responses((status = 204, description = "Released"))
)]
pub async fn release_household(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<HouseholdId>,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    ops::privacy::release(&app, caller.actor(), HeldSubject::Household(id), None).await?;
    Ok(StatusCode::NO_CONTENT)
}
