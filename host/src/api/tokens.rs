//! API tokens.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::NewToken;
use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, PageParams, Params, PathParam, moment_or_null};
use crate::api::problem::{FieldError, Problem};
use crate::api::schema;
use crate::app::App;
use crate::domain::access::{Action, Scope};
use crate::domain::account::ApiToken;
use crate::domain::{Timestamp, TokenId, UserId};
use crate::ops;

/// An API token, without the token itself.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenBody {
    /// The token's id.
    #[schema(value_type = String, format = Uuid)]
    id: TokenId,
    /// What it is for.
    name: String,
    /// What it may do, as far as its maker may by then.
    #[schema(schema_with = schema::scopes)]
    scopes: Vec<Scope>,
    /// The account of who made it; null where no person did.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    made_by: Option<UserId>,
    /// The name of who made it.
    made_by_name: String,
    /// The moment at which it was made.
    #[schema(value_type = String, format = DateTime)]
    made_at: Timestamp,
    /// The moment at which it ends; null where it does not by itself.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// The moment at which it was last used, give or take five minutes; null where it never was.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    used_at: Option<Timestamp>,
}

impl From<ApiToken> for TokenBody {
    fn from(token: ApiToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scopes: token.scopes,
            made_by: token.maker,
            made_by_name: token.maker_name,
            made_at: token.made_at,
            expires_at: token.expires_at,
            used_at: token.used_at,
        }
    }
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
#[schema(as = NewToken)]
pub struct MadeBody {
    /// The token to send as `Authorization: Bearer <token>`; answered this once.
    #[schema(example = "tg_…")]
    token: String,
    #[serde(flatten)]
    made: TokenBody,
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenRequest)]
pub struct NewTokenBody {
    /// What it is for.
    #[schema(example = "Nightly report")]
    name: String,
    /// What it may do, none of which is more than its maker may.
    #[schema(schema_with = schema::scopes)]
    scopes: Vec<String>,
    /// The moment at which it ends; never by itself if not said.
    #[serde(default, deserialize_with = "moment_or_null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// API tokens, the newest first: one's own, and, for those who manage accounts, everybody's.
#[utoipa::path(
    get,
    path = "/api/v1/tokens",
    operation_id = "list_tokens",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(PageParams),
    responses((status = 200, body = List<TokenBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<PageParams>, Problem>,
) -> Result<Json<List<TokenBody>>, Problem> {
    caller.may(Action::ManageTokens)?;
    let Params(params) = params?;
    let page = params.page()?;
    let own = caller.actor().account();
    let of = if caller.may(Action::ManagePeople).is_ok() { None } else { own };
    let rows: Vec<TokenBody> = app.store.tokens(of).await?.into_iter().map(TokenBody::from).collect();
    Ok(Json(List::cut("tokens", rows, &page, |_, token| token.id.to_string())?))
}

/// Makes a token, which is answered this once. It may do no more than whoever asks, at any time: where that one is
/// disabled, or may less, so it is with the token.
#[utoipa::path(
    post,
    path = "/api/v1/tokens",
    operation_id = "make_token",
    tag = "people",
    security(("token" = []), ("session" = [])),
    request_body = NewTokenBody,
    responses((status = 201, description = "Made", body = MadeBody))
)]
pub async fn make(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
    body: Result<Body<NewTokenBody>, Problem>,
) -> Result<(StatusCode, Json<MadeBody>), Problem> {
    caller.may(Action::ManageTokens)?;
    let Body(NewTokenBody { name, scopes, expires_at }) = body?;
    let new = NewToken { name, scopes: read(&scopes)?, expires_at };
    let (made, token) = ops::tokens::make(&app, caller.actor(), new, Timestamp::now()).await?;
    let token = token.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Json(MadeBody { token, made: made.into() })))
}

fn read(words: &[String]) -> Result<Vec<Scope>, Problem> {
    let scope = |(place, word): (usize, &String)| {
        let known = Scope::ALL.map(Scope::as_str).join(", ");
        let detail = format!("`{word}` is no scope; the scopes are {known}.");
        Scope::from_word(word).ok_or(FieldError { pointer: format!("/scopes/{place}"), detail })
    };
    words.iter().enumerate().map(scope).collect::<Result<_, _>>().map_err(|error| Problem::invalid(vec![error]))
}

/// Revokes a token: one's own, or, as a practice manager, a colleague's. Those that were made with it end, too.
#[utoipa::path(
    delete,
    path = "/api/v1/tokens/{id}",
    operation_id = "revoke_token",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The token's id")),
    responses((status = 204, description = "Revoked"))
)]
pub async fn revoke(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<TokenId>,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    ops::tokens::revoke(&app, caller.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
