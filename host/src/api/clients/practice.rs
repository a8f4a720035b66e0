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
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{ClientBody, find, invalid, text};
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, PathParam};
use crate::api::problem::{FieldError, Problem};
use crate::api::record;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::edit::{self, editable};
use crate::domain::{ClientId, ConnectionName, ExternalId, Timestamp};
use crate::store::commit::practice::NewClient;

/// A client to be made. A field that can be filled in takes a text or null; any other is refused.
#[derive(Deserialize)]
pub struct NewClientBody {
    /// Whose partner the client is.
    partner_of: Option<ClientId>,
    #[serde(flatten)]
    values: BTreeMap<String, Value>,
}

impl PartialSchema for NewClientBody {
    fn schema() -> RefOr<Schema> {
        let partner = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
            .description(Some("Whose partner the client is: both share that one's household."));
        let mut object = ObjectBuilder::new()
            .description(Some(
                "A client to be made: a name at least. Texts without space around them; what is empty or left out is \
                 not known.",
            ))
            .property("partner_of", partner)
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
        for field in editable() {
            object = object.property(field.name, record::written(field));
        }
        object.build().into()
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
    /// Whose CRM.
    #[schema(value_type = String, pattern = "^[a-z][a-z0-9-]{0,39}$")]
    connection: ConnectionName,
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
    responses((status = 201, description = "Made", body = ClientBody, headers(("Location" = String, description = "The client's address"))))
)]
pub async fn make(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
    body: Result<Body<NewClientBody>, Problem>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::WriteBook)?;
    let Body(body) = body?;
    let NewClientBody { partner_of, values } = body;
    let values: Vec<_> = values.into_iter().map(|(field, value)| (field, text(value))).collect();
    let today = Timestamp::now().to_zoned(app.config.practice.time_zone.clone()).date();
    let forms = app.connections.address_forms();
    let client = edit::make(&values, edit::Rules { today, forms: &forms }).map_err(invalid)?;
    let id = ClientId(Uuid::now_v7());
    app.store.make_client(NewClient { id, client, partner_of }, Timestamp::now()).await??;
    let body = ClientBody::from(find(&app, id).await?);
    Ok((StatusCode::CREATED, [(LOCATION, format!("/api/v1/clients/{id}"))], Json(body)))
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
    caller.may(Action::WriteBook)?;
    app.store.remove_client(id, Timestamp::now()).await??;
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
    responses((status = 200, body = ClientBody))
)]
pub async fn restore(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
) -> Result<Json<ClientBody>, Problem> {
    caller.may(Action::WriteBook)?;
    app.store.restore_client(id, Timestamp::now()).await??;
    Ok(Json(find(&app, id).await?.into()))
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
    responses((status = 200, body = ClientBody))
)]
pub async fn link(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
    body: Result<Body<LinkBody>, Problem>,
) -> Result<Json<ClientBody>, Problem> {
    caller.may(Action::WriteBook)?;
    let Body(body) = body?;
    let LinkBody { connection, external_id } = body;
    let at = |pointer: &str, detail: String| Problem::invalid(vec![FieldError { pointer: pointer.to_owned(), detail }]);
    let Some(site) = app.connections.get(&connection) else {
        return Err(at("/connection", format!("There is no connection `{connection}`.")));
    };
    if let Some(words) = site.unknown_site() {
        return Err(at("/connection", words));
    }
    let external_id = external_id.parse::<ExternalId>().map_err(|error| at("/external_id", error.to_string()))?;
    app.store.link_client(id, connection, external_id, Timestamp::now()).await??;
    Ok(Json(find(&app, id).await?.into()))
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
    responses((status = 200, body = ClientBody))
)]
pub async fn unlink(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
) -> Result<Json<ClientBody>, Problem> {
    caller.may(Action::WriteBook)?;
    app.store.unlink_client(id, Timestamp::now()).await??;
    Ok(Json(find(&app, id).await?.into()))
}
