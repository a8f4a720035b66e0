//! Adding, changing, removing and authorising connections. For practice managers.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::body::ConnectionBody;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, OptionalBody, PathParam};
use crate::api::problem::{FieldError, Problem};
use crate::app::App;
use crate::crm::kind::CrmKind;
use crate::crm::parse::{RawConnection, RawLimits, RawSignIn, RawValue};
use crate::crm::registry::Registry;
use crate::domain::access::Action;
use crate::domain::field::pointer_to;
use crate::domain::{ConnectionName, PreviewId, Timestamp};
use crate::integrations::Draft;
use crate::ops;
use crate::ops::connections::{SiteIs, Wanted};

/// A connection to be made, or what is to be changed of one: what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[schema(as = ConnectionDraft)]
pub struct DraftBody {
    /// Its name in addresses; of a new one only. Made of the title where it is left out.
    #[schema(example = "main")]
    name: Option<String>,
    /// The name that people call it by.
    #[schema(example = "Acme {crm} integration")]
    title: Option<String>,
    /// The CRM; `{crm-name}` if not said.
    crm: Option<String>,
    /// The dialect it speaks; `{dialect}` if not said.
    dialect: Option<String>,
    /// The pack that says what the CRM's fields mean.
    #[schema(example = "{pack}")]
    pack: Option<String>,
    /// The site's host, without `https://`; not for a CRM that is read from a folder, which has a setting of its own.
    #[schema(example = "{site}")]
    forward_host: Option<String>,
    /// Whether to use plain HTTP to a stand-in site on this machine, where the settings allow those.
    insecure_http: Option<bool>,
    /// The schedule of its runs: a crontab line of five fields, or of six with seconds before them, in the practice's
    /// time zone; hourly if not said.
    schedule: Option<String>,
    /// Whether it is to run; yes if not said.
    enabled: Option<bool>,
    /// Confirmation that the {crm} ids of clients who are in the practice already have been provided. Without them a
    /// sync makes those clients a second time; so a connection is enabled only after somebody confirmed it. Who and
    /// when is kept.
    #[serde(default)]
    #[schema(required = false)]
    confirms_preflight: bool,
    /// Confirmation that another forward host than that of the connection's clients and notes is the same site under
    /// another name. For another site, add a connection of another name: its ids would be taken for theirs.
    #[serde(default)]
    #[schema(required = false)]
    confirms_same_site: bool,
    /// The way to sign in. Where it is sent to another host than before, every secret has to be given again.
    #[schema(value_type = Option<AuthDraftBody>)]
    auth: Option<BTreeMap<String, Option<Secret>>>,
    /// The CRM's own settings; see `declared`.
    #[serde(flatten)]
    #[schema(ignore)]
    settings: BTreeMap<String, Value>,
}

/// The way to sign in. A secret is kept sealed and never answered; one that is left out stays as it is. The fields of
/// each way are declared by the CRM; see `declared`.
#[derive(ToSchema)]
#[schema(as = ConnectionAuthDraft)]
#[expect(dead_code, reason = "only its schema's name is used")]
struct AuthDraftBody {
    mode: String,
}

/// A secret that is read and never written.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Secret(SecretString);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl DraftBody {
    /// The draft of what is given, where all members are known to one of the CRMs.
    fn draft(self, crms: Registry) -> Result<Draft, Problem> {
        let (mut settings, mut errors) = (BTreeMap::new(), Vec::new());
        for (name, value) in self.settings {
            let is_own = |kind: &CrmKind| kind.setting(&name).is_some_and(|setting| !setting.is_for_file_only());
            match value {
                _ if !crms.all().any(is_own) => errors.push(FieldError {
                    pointer: pointer_to(&name),
                    detail: "There is no such field; the API's document lists those there are.".to_owned(),
                }),
                Value::String(text) => drop(settings.insert(name, text)),
                Value::Null => {}
                _ => errors.push(FieldError { pointer: pointer_to(&name), detail: "It has to be a text.".to_owned() }),
            }
        }
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
        Ok(Draft {
            name: self.name,
            title: self.title,
            confirms_preflight: self.confirms_preflight,
            confirms_same_site: self.confirms_same_site,
            raw: RawConnection {
                crm: self.crm,
                enabled: self.enabled,
                pack: self.pack,
                dialect: self.dialect,
                forward_host: self.forward_host,
                insecure_http: self.insecure_http,
                schedule: self.schedule,
                settings,
                sign_in: self.auth.map(sign_in),
                limits: RawLimits::default(),
            },
        })
    }
}

fn sign_in(mut given: BTreeMap<String, Option<Secret>>) -> RawSignIn {
    let mode = given.remove("mode").flatten().map(|Secret(mode)| mode.expose_secret().to_owned());
    let values = given.into_iter().filter_map(|(name, value)| Some((name, RawValue::Given(value?.0))));
    RawSignIn { mode, values: values.collect() }
}

/// Adds a connection. One with OAuth then waits to be authorised.
#[utoipa::path(
    post,
    path = "/api/v1/connections",
    operation_id = "add_connection",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    request_body = DraftBody,
    responses((
        status = 201,
        body = ConnectionBody,
        headers(("Location" = String, description = "The connection's address"))
    ))
)]
pub async fn add(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
    body: Result<Body<DraftBody>, Problem>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::ManageConnections)?;
    let one = ops::connections::add(&app, caller.actor(), body?.0.draft(app.config.crms)?).await?;
    let location = format!("/api/v1/connections/{}", one.name());
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(ConnectionBody::of(one, &app).await?)))
}

/// Changes a connection; what is left out stays. A run of it that is under way ends, and the next begins anew.
#[utoipa::path(
    patch,
    path = "/api/v1/connections/{name}",
    operation_id = "change_connection",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    request_body = DraftBody,
    responses((status = 200, body = ConnectionBody))
)]
pub async fn change(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    _: NoParams,
    body: Result<Body<DraftBody>, Problem>,
) -> Result<Json<ConnectionBody>, Problem> {
    caller.may(Action::ManageConnections)?;
    let one = ops::connections::change(&app, caller.actor(), &name, body?.0.draft(app.config.crms)?).await?;
    Ok(Json(ConnectionBody::of(one, &app).await?))
}

/// Removes a connection. What it imported stays, notes that wait for it stay and wait, and what its site authorised
/// is forgotten.
#[utoipa::path(
    delete,
    path = "/api/v1/connections/{name}",
    operation_id = "remove_connection",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204))
)]
pub async fn remove(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    ops::connections::remove(&app, caller.actor(), &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Confirms that the {crm} ids of all clients who are in the practice already have been provided. Who and when is kept;
/// who confirmed it first stays. For connections of the settings file, which run without: their page asks for it until then.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/preflight",
    operation_id = "confirm_connection_preflight",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = ConnectionBody))
)]
pub async fn confirm_preflight(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    _: NoParams,
) -> Result<Json<ConnectionBody>, Problem> {
    let one = ops::connections::confirm_preflight(&app, caller.actor(), &name).await?;
    Ok(Json(ConnectionBody::of(one, &app).await?))
}

/// The host that a connection leads to now.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SameSite {
    /// The host as the connection has it, so that one which was exchanged meanwhile is not confirmed unseen.
    #[schema(example = "{site}")]
    forward_host: String,
}

/// Says that the connection's host is the same site under another name: that client 1259 there is client 1259 here. Who
/// said so is kept, and what waited goes on. A connection of the settings file, and any whose name was used for another
/// site before, waits for this where its `site.state` is `changed`.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/same-site",
    operation_id = "confirm_connection_same_site",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    request_body = SameSite,
    responses((status = 200, body = ConnectionBody))
)]
pub async fn confirm_same_site(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    _: NoParams,
    body: Result<Body<SameSite>, Problem>,
) -> Result<Json<ConnectionBody>, Problem> {
    caller.may(Action::ManageConnections)?;
    let Body(SameSite { forward_host }) = body?;
    let said = (&*forward_host, SiteIs::TheSame);
    let one = ops::connections::say_of_site(&app, caller.actor(), &name, said).await?;
    Ok(Json(ConnectionBody::of(one, &app).await?))
}

/// Says that the connection is apart from another one that brought clients of the same site: that the two read different
/// clients of it. Who said so is kept, and it syncs. A connection waits for this where its `site.state` is `taken`; where
/// it is the other one under a new name, use that one's name again instead.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/apart",
    operation_id = "confirm_connection_apart",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    request_body = SameSite,
    responses((status = 200, body = ConnectionBody))
)]
pub async fn confirm_apart(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    _: NoParams,
    body: Result<Body<SameSite>, Problem>,
) -> Result<Json<ConnectionBody>, Problem> {
    caller.may(Action::ManageConnections)?;
    let Body(SameSite { forward_host }) = body?;
    let said = (&*forward_host, SiteIs::Apart);
    let one = ops::connections::say_of_site(&app, caller.actor(), &name, said).await?;
    Ok(Json(ConnectionBody::of(one, &app).await?))
}

/// The revision that is to be in force.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ActivateBody {
    /// A revision that the connection had staged or in force before, by its digest or the first 12 characters of that; null
    /// for what stands in the pack's folder by now.
    #[serde(default)]
    revision: Option<String>,
    /// The preview that is followed: it has to be of the change from the revision in force to this one, and not followed
    /// yet.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    preview: Option<PreviewId>,
    /// The revision once more, where its preview shows a large change (more than 5 % of the clients, and at least 10), or where
    /// the breaker took it back: it is then on no trial.
    #[serde(default)]
    confirm: Option<String>,
}

/// Puts a revision of the connection's pack in force: one that is staged, one that was before, or what stands in the pack's
/// folder by now, its templates of notes and documents included. It is loaded and verified first, and refused where it does not load or its
/// examples come out otherwise. What is under way ends on the revision it began with; what is
/// stored is mapped again in the background, without asking the CRM (a run with the trigger `revision`). Until then, and until a
/// first sync is over, it is on trial: where it rejects many more records than the one before and than its preview had shown,
/// the host goes back to that one by itself (`breaker`).
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/activate",
    operation_id = "activate_connection_pack",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    request_body = ActivateBody,
    responses((status = 200, body = ConnectionBody))
)]
pub async fn activate(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    _: NoParams,
    body: Result<OptionalBody<ActivateBody>, Problem>,
) -> Result<Json<ConnectionBody>, Problem> {
    caller.may(Action::ManageConnections)?;
    let OptionalBody(ActivateBody { revision, preview, confirm }) = body?;
    let wanted = Wanted { revision: revision.as_deref(), preview, confirm: confirm.as_deref() };
    let (one, _) = ops::connections::activate(&app, caller.actor(), &name, wanted).await?;
    Ok(Json(ConnectionBody::of(one, &app).await?))
}

/// The revision that is to be left.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollBackBody {
    /// The revision that is in force, as the caller has seen it: where another one is by now, nothing is changed. Null goes
    /// back from whichever it is.
    #[serde(default)]
    from: Option<String>,
}

/// Puts the revision in force again that was in force before the one that is, from what is kept of it: the packs' folder is
/// not read. Done twice, it is taken back.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/rollback",
    operation_id = "roll_back_connection_pack",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    request_body = RollBackBody,
    responses((status = 200, body = ConnectionBody))
)]
pub async fn roll_back(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    _: NoParams,
    body: Result<OptionalBody<RollBackBody>, Problem>,
) -> Result<Json<ConnectionBody>, Problem> {
    caller.may(Action::ManageConnections)?;
    let OptionalBody(RollBackBody { from }) = body?;
    let (one, _) = ops::connections::roll_back(&app, caller.actor(), &name, from.as_deref()).await?;
    Ok(Json(ConnectionBody::of(one, &app).await?))
}

/// The address at which somebody authorises the connection.
#[derive(Serialize, ToSchema)]
#[schema(as = AuthorizationRequest)]
pub struct AuthorizeBody {
    /// The address to open in the browser of a practice manager who is signed in here.
    authorization_url: String,
    /// The address to which the site sends the person back; it is to be registered there.
    redirect_uri: String,
    /// The moment until which the authorisation can be given.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Begins to authorise a connection on its site, in place of an earlier attempt. Begun with a session, only that person
/// can finish it; begun with a token, any practice manager.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/authorize",
    operation_id = "authorize_connection",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = AuthorizeBody))
)]
pub async fn authorize(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    _: NoParams,
) -> Result<Json<AuthorizeBody>, Problem> {
    let attempt = ops::connections::authorise(&app, caller.actor(), &name, caller.user()).await?;
    let redirect_uri = app.integrations.callback_url();
    Ok(Json(AuthorizeBody { authorization_url: attempt.url, redirect_uri, expires_at: attempt.ends_at }))
}
