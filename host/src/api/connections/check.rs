//! Checking a connection's sign-in.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::caller::Caller;
use crate::api::extract::{NoParams, PathParam};
use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::domain::ConnectionName;
use crate::domain::access::Action;

/// How long a site may take to say who signs in, with everything that is tried again.
const LONGEST: Duration = Duration::from_secs(45);

/// As whom the site knows this host.
#[derive(Serialize, ToSchema)]
#[schema(as = SignIn)]
pub struct SignInBody {
    /// In the CRM's words.
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
    caller.may(Action::ManageConnections)?;
    let one = app.integrations.one(&name).await?;
    let obstacle = match &one.connection {
        Some(_) => one.standing().obstacle(),
        None => Some(one.problem.clone().unwrap_or_else(|| "It is disabled.".to_owned())),
    };
    let (Some(connection), None) = (&one.connection, &obstacle) else {
        let why = obstacle.unwrap_or_default();
        return Err(Problem::new(Kind::WrongState, format!("The connection `{name}` is not at work. {why}")));
    };
    let failed = |words: String| Problem::new(Kind::CrmFailed, words);
    match tokio::time::timeout(LONGEST, connection.connector.whoami()).await {
        Ok(Ok(user)) => Ok(Json(SignInBody { user })),
        Ok(Err(error)) => Err(failed(format!("{error}. Check the forward host and how the connection signs in."))),
        Err(_) => Err(failed(format!("The site took longer than {} seconds to answer.", LONGEST.as_secs()))),
    }
}
