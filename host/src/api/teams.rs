//! Teams: colleagues who look after one another's households.

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, PageParams, Params, PathParam};
use crate::api::problem::Problem;
use crate::api::tag;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::access::team::Team;
use crate::domain::{TeamId, UserId};
use crate::ops;
use crate::ops::teams::WantedTeam;

/// A team: each of its members has access to the households that another one answers for.
#[derive(Serialize, ToSchema)]
#[schema(as = Team)]
pub struct TeamBody {
    /// The team's id.
    #[schema(value_type = String, format = Uuid)]
    id: TeamId,
    /// The name.
    name: String,
    /// The accounts of its members.
    #[schema(value_type = Vec<String>)]
    members: Vec<UserId>,
    /// The version, for the `If-Match` of a change.
    version: String,
}

impl From<Team> for TeamBody {
    fn from(team: Team) -> Self {
        let version = team.version();
        let Team { id, name, members } = team;
        Self { id, name, members, version }
    }
}

/// A team as it is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTeam)]
pub struct NewTeamBody {
    /// The name, which no other team has.
    #[schema(example = "North")]
    name: String,
    /// The accounts of its members.
    #[schema(value_type = Vec<String>)]
    members: Vec<UserId>,
}

impl From<NewTeamBody> for WantedTeam {
    fn from(NewTeamBody { name, members }: NewTeamBody) -> Self {
        Self { name, members }
    }
}

/// Teams, in the order in which they were made.
#[utoipa::path(
    get,
    path = "/api/v1/teams",
    operation_id = "list_teams",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(PageParams),
    responses((status = 200, body = List<TeamBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<PageParams>, Problem>,
) -> Result<Json<List<TeamBody>>, Problem> {
    caller.may(Action::ReadPeople)?;
    let page = params?.0.page()?;
    let rows: Vec<TeamBody> = app.store.teams().await?.into_iter().map(TeamBody::from).collect();
    Ok(Json(List::cut("teams", rows, &page, |_, team| team.id.to_string())?))
}

/// Makes a team.
#[utoipa::path(
    post,
    path = "/api/v1/teams",
    operation_id = "make_team",
    tag = "people",
    security(("token" = []), ("session" = [])),
    request_body = NewTeamBody,
    responses((status = 201, description = "Made", body = TeamBody, headers(("Location" = String, description = "The team's address"))))
)]
pub async fn make(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
    body: Result<Body<NewTeamBody>, Problem>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ManageHouseholds)?;
    let Body(body) = body?;
    let team = ops::teams::make(&app, caller.actor(), body.into()).await?;
    let location = format!("/api/v1/teams/{}", team.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(TeamBody::from(team))))
}

/// Changes a team, all of it at once. What its members see follows at once.
///
/// With `If-Match`, the change is made only where the team is still of that `version`, which the list has; else it is 412.
#[utoipa::path(
    put,
    path = "/api/v1/teams/{id}",
    operation_id = "change_team",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(
        ("id" = Uuid, Path, description = "The team's id"),
        ("If-Match" = Option<String>, Header, description = "The `version` of the team that was looked at")
    ),
    request_body = NewTeamBody,
    responses((status = 200, body = TeamBody, headers(("ETag" = String, description = "The version"))))
)]
pub async fn change(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<TeamId>,
    _: NoParams,
    headers: HeaderMap,
    body: Result<Body<NewTeamBody>, Problem>,
) -> Result<Response, Problem> {
    caller.may(Action::ManageHouseholds)?;
    let Body(body) = body?;
    let team = ops::teams::change(&app, caller.actor(), id, tag::wanted(&headers), body.into()).await?;
    let version = team.version();
    let mut answer = Json(TeamBody::from(team)).into_response();
    tag::put(&mut answer, &version);
    Ok(answer)
}

/// Takes a team away. What its members have access to by other reasons stays.
#[utoipa::path(
    delete,
    path = "/api/v1/teams/{id}",
    operation_id = "remove_team",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The team's id")),
    responses((status = 204, description = "Gone"))
)]
pub async fn remove(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<TeamId>,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    ops::teams::remove(&app, caller.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
