//! Sessions: how a program acts as a person, and who is signed in where.

use axum::Json;
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::request::Sender;
use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, Params, PathParam, page};
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::account::OpenSession;
use crate::domain::{SessionId, Timestamp, UserId};
use crate::ops;

/// An email and its password, and the code where the account has a second factor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SessionRequest)]
pub struct SignInBody {
    /// The email of an account.
    #[schema(example = "pat.lee@example.com")]
    email: String,
    /// Its password.
    password: String,
    /// The code that the account's authenticator app shows, or one of its recovery codes. Where the account has a second
    /// factor and the password is right, the answer without it is 401 of the type `urn:tidegate:problem:code-wanted`.
    #[serde(default)]
    #[schema(required = false, example = "123456")]
    code: Option<String>,
}

/// A session that has begun.
#[derive(Serialize, ToSchema)]
#[schema(as = NewSession)]
pub struct OpenedBody {
    /// The session's id.
    #[schema(value_type = String, format = Uuid)]
    id: SessionId,
    /// The token to send as `Authorization: Bearer <token>`; answered this once.
    #[schema(example = "tgs_…")]
    token: String,
    /// The moment at which the session is over, however much it is used; unused for an hour, it is over before.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Opens a session for a program that acts as a person. Changes of accounts, tokens and secrets ask for one that was
/// opened within the last 15 minutes.
#[utoipa::path(
    post,
    path = "/api/v1/sessions",
    operation_id = "open_session",
    tag = "people",
    security(()),
    request_body = SignInBody,
    responses((status = 201, description = "Opened", body = OpenedBody))
)]
pub async fn open(
    State(app): State<App>,
    extensions: Extensions,
    headers: HeaderMap,
    _: NoParams,
    Body(SignInBody { email, password, code }): Body<SignInBody>,
) -> Result<(StatusCode, Json<OpenedBody>), Problem> {
    let sender = Sender::of(&extensions, &headers);
    let password = SecretString::from(password);
    let given = (email.as_str(), &password);
    let opened = ops::account::sign_in_program(&app, given, code.as_deref(), sender, Timestamp::now()).await?;
    let body = OpenedBody {
        id: opened.session.id(),
        token: opened.token.expose_secret().to_owned(),
        expires_at: opened.session.ends_at,
    };
    Ok((StatusCode::CREATED, Json(body)))
}

/// A session that is open.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionBody {
    /// The session's id.
    #[schema(value_type = String, format = Uuid)]
    id: SessionId,
    /// The account of the person who signed in.
    #[schema(value_type = String, format = Uuid)]
    user_id: UserId,
    /// The moment at which the person signed in.
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    /// The moment at which it was last used, give or take five minutes.
    #[schema(value_type = String, format = DateTime)]
    used_at: Timestamp,
    /// The browser or program, in a few words; null where it did not say.
    #[schema(required)]
    device: Option<String>,
    /// The address from which it was opened; null where that is not known.
    #[schema(required)]
    address: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
}

/// The choice of sessions in a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SessionParams {
    /// The person whose sessions are listed; a practice manager may name a colleague. One's own if not said, and
    /// everybody's for a program that is no person's.
    #[param(value_type = Option<String>, format = Uuid)]
    user_id: Option<UserId>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Open sessions, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/sessions",
    operation_id = "list_sessions",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(SessionParams),
    responses((status = 200, body = List<SessionBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<SessionParams>, Problem>,
) -> Result<Json<List<SessionBody>>, Problem> {
    caller.may(Action::ManageTokens)?;
    let Params(SessionParams { user_id, limit, cursor }) = params?;
    let page = page(limit, cursor)?;
    let own = caller.actor().account();
    let of = user_id.or(own);
    if of.is_none() || of != own {
        caller.may(Action::ManagePeople)?;
    }
    let current = caller.session().map(crate::access::Session::id);
    let body = |session: OpenSession| SessionBody {
        id: session.id,
        user_id: session.user,
        opened_at: session.opened_at,
        used_at: session.used_at,
        device: session.device,
        address: session.address,
        current: Some(session.id) == current,
    };
    let rows: Vec<SessionBody> = app.access.sessions(of, Timestamp::now()).await?.into_iter().map(body).collect();
    Ok(Json(List::cut("sessions", rows, &page, |_, session| session.id.to_string())?))
}

/// Ends a session: one's own, or, as a practice manager, a colleague's.
#[utoipa::path(
    delete,
    path = "/api/v1/sessions/{id}",
    operation_id = "end_session",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The session's id")),
    responses((status = 204, description = "Ended"))
)]
pub async fn end(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<SessionId>,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    ops::account::end_session(&app, caller.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
