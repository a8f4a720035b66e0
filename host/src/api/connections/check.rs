//! Checking a connection's sign-in.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::caller::Caller;
use crate::api::extract::{NoParams, PathParam};
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::ConnectionName;
use crate::ops;

/// The user as whom the site knows this host.
#[derive(Serialize, ToSchema)]
#[schema(as = SignIn)]
pub struct SignInBody {
    /// The user's name, in the CRM's words.
    user: String,
}

/// Signs in to the connection's site and asks as whom. Nothing is read or changed there.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/check",
    operation_id = "check_connection",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = SignInBody))
)]
pub async fn check(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    _: NoParams,
) -> Result<Json<SignInBody>, Problem> {
    Ok(Json(SignInBody { user: ops::connections::check(&app, caller.actor(), &name).await? }))
}
