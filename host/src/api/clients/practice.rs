//! Clients who are made in the practice, without an id in the CRM.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ClientBody, written};
use crate::api::body::Written;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, PathParam, known};
use crate::api::problem::Problem;
use crate::api::record;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{Client, ClientId, Timestamp};
use crate::ops;
use crate::ops::clients::{Link, NewClient};

/// A client to be made. A field that can be filled in takes a text or null; any other is refused.
#[derive(Deserialize)]
pub struct NewClientBody {
    /// The client whose partner the new one is.
    #[serde(default, deserialize_with = "known")]
    partner_of: Option<ClientId>,
    /// The client's id, where the sender makes it.
    #[serde(default, deserialize_with = "known")]
    id: Option<ClientId>,
    #[serde(flatten)]
    values: BTreeMap<String, Value>,
}

impl PartialSchema for NewClientBody {
    fn schema() -> RefOr<Schema> {
        let id = |description: &str| {
            ObjectBuilder::new()
                .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
                .description(Some(description))
        };
        let partner = id("Whose partner the client is: both share that one's household.");
        let own = id(
            "The client's id, a new UUIDv7 of the sender's: the same sent again is the same client (200). Made by the host \
             where it is left out.",
        );
        let about = "A client to be made: a name at least. Texts without space around them; what is empty or left out is \
                     not known.";
        let object = record::editable::<Client>(about, record::written);
        object.property("partner_of", partner).property("id", own).build().into()
    }
}

impl ToSchema for NewClientBody {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("NewClient")
    }
}

/// A record of a CRM.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Link)]
pub struct LinkBody {
    /// The connection of the CRM that the record is in.
    #[schema(pattern = "^[a-z][a-z0-9-]{0,39}$")]
    connection: String,
    /// The client's id there.
    #[schema(pattern = "^[1-9][0-9]{0,17}$", example = "48213")]
    external_id: String,
}

/// Making, removing, restoring and linking.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(make))
        .routes(routes!(remove))
        .routes(routes!(restore))
        .routes(routes!(link))
        .routes(routes!(unlink))
}

/// Makes a client without an id in the CRM, in a household of their own or as somebody's partner.
///
/// The client is in every list like those of the CRM, with `external_id` null, until an import or a person links it.
#[utoipa::path(
    post,
    path = "/api/v1/clients",
    operation_id = "make_client",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    request_body = NewClientBody,
    responses(
        (status = 201, description = "Made", body = Written<ClientBody>, headers(("Location" = String, description = "The client's address"))),
        (status = 200, description = "Made before", body = Written<ClientBody>, headers(("Location" = String, description = "The client's address")))
    )
)]
pub async fn make(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
    body: Result<Body<NewClientBody>, Problem>,
) -> Result<impl IntoResponse, Problem> {
    caller.may_somewhere(Action::AddClients)?;
    let Body(body) = body?;
    let NewClientBody { partner_of, id, values } = body;
    let values = values.into_iter().map(|(field, value)| (field, record::new_value(value))).collect();
    let new = NewClient { id, values, partner_of };
    let made = ops::clients::make(&app, caller.actor(), new, Timestamp::now()).await?;
    let status = if made.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/api/v1/clients/{}", made.client.id);
    Ok((status, [(LOCATION, location)], Json(written(&caller, made.client))))
}

/// Takes a client who is not linked to the CRM out of lists, search and household.
///
/// The record is kept, and `restore` takes this back.
#[utoipa::path(
    delete,
    path = "/api/v1/clients/{id}",
    operation_id = "remove_client",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id")),
    responses((status = 204, description = "Removed"))
)]
pub async fn remove(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
) -> Result<StatusCode, Problem> {
    ops::clients::remove(&app, caller.actor(), id, Timestamp::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Brings a removed client back.
#[utoipa::path(
    post,
    path = "/api/v1/clients/{id}/restore",
    operation_id = "restore_client",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id")),
    responses((status = 200, body = Written<ClientBody>))
)]
pub async fn restore(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
) -> Result<Json<Written<ClientBody>>, Problem> {
    Ok(Json(written(&caller, ops::clients::restore(&app, caller.actor(), id, Timestamp::now()).await?)))
}

/// Links a client to a record of the CRM: the next sync brings its values to this client and makes no other.
#[utoipa::path(
    post,
    path = "/api/v1/clients/{id}/link",
    operation_id = "link_client",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id")),
    request_body = LinkBody,
    responses((status = 200, body = Written<ClientBody>))
)]
pub async fn link(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
    body: Result<Body<LinkBody>, Problem>,
) -> Result<Json<Written<ClientBody>>, Problem> {
    caller.may(Action::ManageBook)?;
    let Body(body) = body?;
    let to = Link { connection: &body.connection, external_id: &body.external_id };
    Ok(Json(written(&caller, ops::clients::link(&app, caller.actor(), id, to, Timestamp::now()).await?)))
}

/// Takes a client's link to the CRM back.
///
/// The client stays as it is. What the CRM has under that id waits for review at the next sync where it looks like this
/// client, or else comes as somebody new.
#[utoipa::path(
    post,
    path = "/api/v1/clients/{id}/unlink",
    operation_id = "unlink_client",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id")),
    responses((status = 200, body = Written<ClientBody>))
)]
pub async fn unlink(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
) -> Result<Json<Written<ClientBody>>, Problem> {
    Ok(Json(written(&caller, ops::clients::unlink(&app, caller.actor(), id, Timestamp::now()).await?)))
}
