//! Emergency access: households opened for a time by somebody who has no access to them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, Params, PathParam, page};
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::access::emergency::EmergencyAccess;
use crate::domain::{EmergencyId, HouseholdId, Timestamp, UserId};
use crate::ops;
use crate::store::household_access::EmergencyFilter;

/// A household that somebody opened in an emergency.
#[derive(Serialize, ToSchema)]
#[schema(as = EmergencyAccess)]
pub struct EmergencyBody {
    /// Its id.
    #[schema(value_type = String, format = Uuid)]
    id: EmergencyId,
    /// The account of who opened it.
    #[schema(value_type = String, format = Uuid)]
    user_id: UserId,
    /// The household.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The reason that the person gave.
    reason: String,
    /// The moment at which it was opened.
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    /// The moment at which it ends, or ended, by itself.
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
    /// Whether it is open.
    is_open: bool,
    /// The name of who ended it before; null where its time ends it.
    #[schema(required)]
    ended_by: Option<String>,
    /// The moment of that.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// The name of the practice manager who looked at it; null where none has.
    #[schema(required)]
    reviewed_by: Option<String>,
    /// The moment of that.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    reviewed_at: Option<Timestamp>,
    /// What that one found.
    #[schema(required)]
    finding: Option<String>,
}

impl From<EmergencyAccess> for EmergencyBody {
    fn from(access: EmergencyAccess) -> Self {
        let is_open = access.is_open(Timestamp::now());
        let (ended_by, ended_at) = access.ended.map(|ended| (ended.by, ended.at)).unzip();
        let (reviewed_by, reviewed_at) = access.reviewed.map(|reviewed| (reviewed.by, reviewed.at)).unzip();
        Self {
            id: access.id,
            user_id: access.user,
            household_id: access.household,
            reason: access.reason,
            opened_at: access.opened_at,
            ends_at: access.ends_at,
            is_open,
            ended_by,
            ended_at,
            reviewed_by,
            reviewed_at,
            finding: access.finding,
        }
    }
}

/// The choice of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EmergencyParams {
    /// Whether only those are listed that no practice manager has looked at.
    #[serde(default)]
    #[param(required = false)]
    unreviewed: bool,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Households that were opened in an emergency, the newest first: one's own, and, for those who see the whole book,
/// everybody's.
#[utoipa::path(
    get,
    path = "/api/v1/emergency-access",
    operation_id = "list_emergency_access",
    tag = "households",
    security(("token" = []), ("session" = [])),
    params(EmergencyParams),
    responses((status = 200, body = List<EmergencyBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<EmergencyParams>, Problem>,
) -> Result<Json<List<EmergencyBody>>, Problem> {
    caller.may_somewhere(Action::ReadBook)?;
    let Params(EmergencyParams { unreviewed, limit, cursor }) = params?;
    let page = page(limit, cursor)?;
    let user = match (caller.may(Action::ReadWholeBook), caller.actor().account()) {
        (Ok(()), _) => None,
        (Err(_), Some(own)) => Some(own),
        (Err(_), None) => return Ok(Json(List::new(Vec::new(), None))),
    };
    Ok(Json(List::of(app.store.emergencies(EmergencyFilter { user, unreviewed }, page).await?)))
}

/// A household to be opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewEmergencyAccess)]
pub struct NewEmergencyBody {
    /// The household's id, or the whole email or CRM id of one of its people.
    #[schema(example = "ayda.khan@example.com")]
    of: String,
    /// The reason, which a practice manager reads: ten letters at least.
    reason: String,
}

/// Opens a household to which the person who asks has no access, for the time that the settings say. A practice manager looks
/// at it afterwards.
#[utoipa::path(
    post,
    path = "/api/v1/emergency-access",
    operation_id = "open_in_emergency",
    tag = "households",
    security(("token" = []), ("session" = [])),
    request_body = NewEmergencyBody,
    responses((status = 201, description = "Open", body = EmergencyBody))
)]
pub async fn open(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
    body: Result<Body<NewEmergencyBody>, Problem>,
) -> Result<(StatusCode, Json<EmergencyBody>), Problem> {
    caller.may(Action::OpenInEmergency)?;
    let Body(NewEmergencyBody { of, reason }) = body?;
    let access = ops::emergency::open(&app, caller.actor(), &of, &reason, Timestamp::now()).await?;
    Ok((StatusCode::CREATED, Json(access.into())))
}

/// Ends one before its time: one's own, or, for practice managers, anybody's.
#[utoipa::path(
    post,
    path = "/api/v1/emergency-access/{id}/end",
    operation_id = "end_emergency",
    tag = "households",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The id of the emergency access")),
    responses((status = 200, body = EmergencyBody))
)]
pub async fn end(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<EmergencyId>,
    _: NoParams,
) -> Result<Json<EmergencyBody>, Problem> {
    Ok(Json(ops::emergency::end(&app, caller.actor(), id, Timestamp::now()).await?.into()))
}

/// What a practice manager found.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EmergencyReview)]
pub struct ReviewBody {
    /// What was found, where there is something to say.
    #[serde(default)]
    #[schema(max_length = 500)]
    finding: Option<String>,
}

/// Keeps that a practice manager looked at one that is over.
#[utoipa::path(
    post,
    path = "/api/v1/emergency-access/{id}/review",
    operation_id = "review_emergency",
    tag = "households",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The id of the emergency access")),
    request_body = ReviewBody,
    responses((status = 200, body = EmergencyBody))
)]
pub async fn review(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<EmergencyId>,
    _: NoParams,
    body: Result<Body<ReviewBody>, Problem>,
) -> Result<Json<EmergencyBody>, Problem> {
    caller.may(Action::ManageHouseholds)?;
    let Body(ReviewBody { finding }) = body?;
    Ok(Json(ops::emergency::review(&app, caller.actor(), id, finding, Timestamp::now()).await?.into()))
}
