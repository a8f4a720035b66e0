//! Accounts of the people of the practice.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Made, NewUser};
use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, OptionalBody, Params, PathParam, page, word, word_or_null};
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::{Action, Role};
use crate::domain::account::{Account, AccountState};
use crate::domain::{EmailAddress, Timestamp, UserId};
use crate::ops;
use crate::store::access::UserChange;
use crate::store::page::Page;

/// Somebody's account.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserBody {
    /// The account's id.
    #[schema(value_type = String, format = Uuid)]
    id: UserId,
    /// The email under which the person signs in.
    #[schema(example = "pat.lee@example.com")]
    email: String,
    /// The name by which colleagues know the person.
    name: String,
    /// What the person may do in the practice.
    #[schema(schema_with = schema::role)]
    role: Role,
    /// Where the account stands.
    #[schema(schema_with = schema::account_state)]
    state: &'static str,
    /// Whether nobody can sign in with it.
    disabled: bool,
    /// The last sign-in; null where there was none, and for those who do not manage accounts.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    signed_in_at: Option<Timestamp>,
    /// The moment at which the link that was given for the account ends; null where none is open.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    link_ends_at: Option<Timestamp>,
    /// Whether signing in asks for a code beside the password; null for those who do not manage accounts.
    #[schema(required)]
    second_factor: Option<bool>,
    /// The address of the identity provider by which the person signs in; null where there is none, and for those who do not
    /// manage accounts.
    #[schema(required)]
    identity_provider: Option<String>,
}

impl UserBody {
    /// The account as somebody may see it: when colleagues were there and how they sign in is for those who manage accounts.
    fn seen_by(caller: &Caller, account: Account) -> Self {
        let body = Self::from(account);
        match caller.may(Action::ManagePeople) {
            Ok(()) => body,
            Err(_) => {
                Self { signed_in_at: None, link_ends_at: None, second_factor: None, identity_provider: None, ..body }
            }
        }
    }
}

impl From<Account> for UserBody {
    fn from(account: Account) -> Self {
        let Account { user, state, signed_in_at, link_ends_at, has_second_factor, identity, .. } = account;
        Self {
            id: user.id,
            email: user.email.as_str().to_owned(),
            name: user.name,
            role: user.role,
            state: state.as_str(),
            disabled: state == AccountState::Disabled,
            signed_in_at,
            link_ends_at,
            second_factor: Some(has_second_factor),
            identity_provider: identity.map(|identity| identity.issuer),
        }
    }
}

/// An account with the link that was made for it. The link is answered this once.
#[derive(Serialize, ToSchema)]
#[schema(as = UserWithLink)]
pub struct MadeBody {
    #[serde(flatten)]
    user: UserBody,
    /// The address by which the person who is invited chooses a password, once; it ends at `link_ends_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation_url: Option<String>,
    /// The address by which the person chooses another password, once; it ends at `link_ends_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_url: Option<String>,
    /// The number of API tokens of the account, which go on whatever password is chosen.
    tokens: usize,
}

impl MadeBody {
    fn of(app: &App, made: Made) -> Self {
        let address = made.address(&app.config.server.base_url());
        let (invitation_url, reset_url) = match address {
            Some(address) if address.invites => (Some(address.url), None),
            address => (None, address.map(|address| address.url)),
        };
        Self { user: made.account.into(), invitation_url, reset_url, tokens: made.tokens }
    }
}

/// An account to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub struct NewUserBody {
    /// The email under which the person signs in; no other account has it.
    #[schema(example = "pat.lee@example.com")]
    email: String,
    /// The name by which colleagues know the person.
    #[schema(example = "Pat Lee")]
    name: String,
    /// What the person may do in the practice.
    #[serde(deserialize_with = "word")]
    #[schema(schema_with = schema::role)]
    role: Role,
    /// A password of at least 12 characters. Where it is left out, the answer holds a link by which the person chooses
    /// one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password: Option<String>,
}

/// The choice of accounts in a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserParams {
    /// The account with this email, whatever the case.
    email: Option<String>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Accounts, in the order in which they were made.
#[utoipa::path(
    get,
    path = "/api/v1/users",
    operation_id = "list_users",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(UserParams),
    responses((status = 200, body = List<UserBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<UserParams>, Problem>,
) -> Result<Json<List<UserBody>>, Problem> {
    caller.may(Action::ReadPeople)?;
    let Params(UserParams { email, limit, cursor }) = params?;
    let page = page(limit, cursor)?;
    let page = match email {
        None => app.store.accounts(page).await?,
        Some(email) => {
            let found = match EmailAddress::typed(&email) {
                Some(email) => app.store.user_by_email(email).await?,
                None => None,
            };
            Page { items: found.into_iter().map(Account::from).collect(), next: None }
        }
    };
    let items = page.items.into_iter().map(|account| UserBody::seen_by(&caller, account)).collect();
    Ok(Json(List::of(Page { items, next: page.next })))
}

/// One account.
#[utoipa::path(
    get,
    path = "/api/v1/users/{id}",
    operation_id = "get_user",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The account's id")),
    responses((status = 200, body = UserBody))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<UserId>,
    _: NoParams,
) -> Result<Json<UserBody>, Problem> {
    caller.may(Action::ReadPeople)?;
    let account = app.store.account(id).await?;
    let account = account.ok_or_else(|| Problem::not_found(format_args!("user {id}")))?;
    Ok(Json(UserBody::seen_by(&caller, account)))
}

/// Makes an account: ready with a password, else with a link by which the person chooses one, for 72 hours if the settings say nothing else. Where passwords are for practice managers alone, others get no link: they sign in by the identity provider.
#[utoipa::path(
    post,
    path = "/api/v1/users",
    operation_id = "add_user",
    tag = "people",
    security(("token" = []), ("session" = [])),
    request_body = NewUserBody,
    responses((status = 201, description = "Made", body = MadeBody, headers(("Location" = String, description = "The account's address"))))
)]
pub async fn add(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
    body: Result<Body<NewUserBody>, Problem>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ManagePeople)?;
    let Body(NewUserBody { email, name, role, password }) = body?;
    let new = NewUser { email, name, role, password: password.map(SecretString::from) };
    let made = ops::people::add(&app, caller.actor(), new, Timestamp::now()).await?;
    let location = format!("/api/v1/users/{}", made.account.user.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(MadeBody::of(&app, made))))
}

/// The change of an account; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserChange)]
pub struct UserChangeBody {
    /// Another role.
    #[serde(default, deserialize_with = "word_or_null")]
    #[schema(schema_with = schema::role, required = false)]
    role: Option<Role>,
    /// Whether nobody can sign in with it from now on. Sessions and tokens of the person end at once.
    disabled: Option<bool>,
}

/// Changes the role of an account, disables or enables it. The last practice manager who can sign in stays one.
#[utoipa::path(
    patch,
    path = "/api/v1/users/{id}",
    operation_id = "change_user",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The account's id")),
    request_body = UserChangeBody,
    responses((status = 200, body = UserBody))
)]
pub async fn change(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<UserId>,
    _: NoParams,
    body: Result<Body<UserChangeBody>, Problem>,
) -> Result<Json<UserBody>, Problem> {
    caller.may(Action::ManagePeople)?;
    let Body(UserChangeBody { role, disabled }) = body?;
    let change = UserChange { role, disabled };
    Ok(Json(ops::people::change(&app, caller.actor(), id, change, Timestamp::now()).await?.into()))
}

/// How an account is reset.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserReset)]
pub struct ResetBody {
    /// Whether the account's API tokens end at once, and those that were made with them. They go on if not said.
    #[serde(default)]
    #[schema(required = false)]
    revoke_tokens: bool,
}

/// Answers another link for an account, by which its holder chooses a password. An earlier link is over; the
/// password that there is stays until the link is used. API tokens of the account go on, unless `revoke_tokens` ends them.
#[utoipa::path(
    post,
    path = "/api/v1/users/{id}/reset",
    operation_id = "reset_user",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The account's id")),
    request_body(content = Option<ResetBody>),
    responses((status = 200, body = MadeBody))
)]
pub async fn reset(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<UserId>,
    _: NoParams,
    body: Result<OptionalBody<Option<ResetBody>>, Problem>,
) -> Result<Json<MadeBody>, Problem> {
    caller.may(Action::ManagePeople)?;
    let OptionalBody(how) = body?;
    let ResetBody { revoke_tokens } = how.unwrap_or_default();
    let made = ops::people::reset(&app, caller.actor(), id, revoke_tokens, Timestamp::now()).await?;
    Ok(Json(MadeBody::of(&app, made)))
}

/// Takes the second factor of an account away whose holder lost it, and ends their sessions. The password stays. One's own
/// is removed on the page, with a code.
#[utoipa::path(
    post,
    path = "/api/v1/users/{id}/reset-second-factor",
    operation_id = "reset_second_factor",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The account's id")),
    responses((status = 200, body = UserBody))
)]
pub async fn reset_second_factor(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<UserId>,
    _: NoParams,
) -> Result<Json<UserBody>, Problem> {
    caller.may(Action::ManagePeople)?;
    Ok(Json(ops::people::reset_second_factor(&app, caller.actor(), id, Timestamp::now()).await?.into()))
}

/// Takes the link to the identity provider away from an account, and ends its sessions. Without a password, its holder needs a
/// link by which to choose one; with the account's email they can link it again, where they have not changed it themselves.
#[utoipa::path(
    post,
    path = "/api/v1/users/{id}/unlink",
    operation_id = "unlink_user",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The account's id")),
    responses((status = 200, body = UserBody))
)]
pub async fn unlink(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<UserId>,
    _: NoParams,
) -> Result<Json<UserBody>, Problem> {
    caller.may(Action::ManagePeople)?;
    Ok(Json(ops::people::unlink(&app, caller.actor(), id).await?.into()))
}
