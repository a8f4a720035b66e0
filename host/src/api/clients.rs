//! Clients, and where their values come from.

mod body;
mod explain;
mod extensions;
mod practice;
mod sync;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

pub use body::ClientBody;
pub use explain::{__path_explain, explain};
pub use extensions::{__path_extensions, extensions};
pub use practice::routes;
pub use sync::{__path_sync, __path_sync_by_external_id, sync, sync_by_external_id};

use crate::api::body::{List, Written};
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, PageParams, Params, PathParam, page};
use crate::api::problem::{Kind, Problem};
use crate::api::record;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::stored::{Membership, StoredClient};
use crate::domain::{ClientId, ConnectionName, HouseholdId, Timestamp};
use crate::ops;
use crate::store::book::ClientFilter;
use crate::store::household_access::Visible;

/// The choice of clients in a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClientParams {
    /// The client with this id in the CRM.
    external_id: Option<String>,
    /// The connection whose CRM `external_id` is meant; may be left out where there is one connection only.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionName>,
    /// Members of this household.
    #[param(value_type = Option<Uuid>)]
    household_id: Option<HouseholdId>,
    /// Words that begin the person's names, or the whole email, mobile or id in the CRM.
    search: Option<String>,
    /// `not_visible`: only those whom the CRM no longer shows, in the order of their ids there.
    #[param(schema_with = schema::not_visible, required = false)]
    visibility: Option<Visibility>,
    /// Only those of whom this is said now, or of whose goals or covers: the code of a diagnostic, as a run counts them
    /// under `warnings`. In the order in which the clients came.
    #[param(min_length = 1, example = "no-country-code")]
    diagnostic: Option<String>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// The choice of clients by whether the CRM shows them; without it, all.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Visibility {
    NotVisible,
}

impl ClientParams {
    fn filter(&self, app: &App) -> Result<ClientFilter, Problem> {
        let malformed = |detail: &str| Problem::new(Kind::Malformed, detail);
        let read = |id: &str, connection: &ConnectionName| {
            let id = app.connections.id_column(connection).form.read(id);
            id.map_err(|error| malformed(&format!("`external_id`: {error}")))
        };
        let external_id = match (self.external_id.as_deref(), &self.connection) {
            (None, None) => None,
            (None, Some(_)) => return Err(malformed("`connection` says whose `external_id` is meant; name that too.")),
            (Some(id), Some(connection)) => Some((connection.clone(), read(id, connection)?)),
            (Some(id), None) => {
                let connections = app.connections.all();
                let [only] = &*connections else {
                    return Err(malformed(
                        "`external_id` is unique within one connection only; name `connection` too.",
                    ));
                };
                Some((only.name.clone(), read(id, &only.name)?))
            }
        };
        if self.diagnostic.as_deref().is_some_and(|code| code.trim().is_empty()) {
            return Err(malformed("`diagnostic` is a code, such as `no-country-code`; leave it out for all clients."));
        }
        Ok(ClientFilter {
            external_id,
            household: self.household_id,
            search: self.search.clone(),
            not_visible: self.visibility == Some(Visibility::NotVisible),
            diagnostic: self.diagnostic.clone(),
            visible: Visible::Everything,
        })
    }
}

/// Clients by name.
#[utoipa::path(
    get,
    path = "/api/v1/clients",
    operation_id = "list_clients",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    params(ClientParams),
    responses((status = 200, body = List<ClientBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<ClientParams>,
) -> Result<Json<List<ClientBody>>, Problem> {
    let book = caller.book(&app, Action::ReadBook).await?;
    let filter = params.filter(&app)?;
    let page = page(params.limit, params.cursor)?;
    Ok(Json(List::of(book.clients(filter, page).await?)))
}

/// One client.
#[utoipa::path(
    get,
    path = "/api/v1/clients/{id}",
    operation_id = "get_client",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id")),
    responses((status = 200, body = ClientBody))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
) -> Result<Json<ClientBody>, Problem> {
    Ok(Json(find(&app, &caller, id).await?.into()))
}

/// Changes fields of a client until the next sync.
///
/// The CRM is the master of these fields: the next sync that brings the record overrides what stands here with what the
/// CRM has, and says so on the client and in the run's report. The body is a JSON object of fields and their new values,
/// null to empty one; dates are ISO 8601, mobiles E.164. All are changed, or none.
#[utoipa::path(
    patch,
    path = "/api/v1/clients/{id}",
    operation_id = "edit_client",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id")),
    request_body(content = BTreeMap<String, Option<String>>, example = json!({"mobile": "+61491570156", "suburb": null})),
    responses((status = 200, body = Written<ClientBody>))
)]
pub async fn edit(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
    changes: Result<Body<BTreeMap<String, Value>>, Problem>,
) -> Result<Json<Written<ClientBody>>, Problem> {
    caller.may_somewhere(Action::EditClients)?;
    let Body(changes) = changes?;
    let changes = changes.into_iter().map(|(field, value)| (field, record::new_value(value))).collect();
    let client = ops::clients::edit(&app, caller.actor(), id, changes, Timestamp::now()).await?;
    Ok(Json(written(&caller, client)))
}

/// A household that a client has been in.
#[derive(Serialize, ToSchema)]
#[schema(as = Membership)]
pub struct StayBody {
    /// The household; what was kept with it, such as its file notes, is found there.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The moment until which the client was in it; null for where it is now.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

impl From<Membership> for StayBody {
    fn from(Membership { household_id, until, .. }: Membership) -> Self {
        Self { household_id, until }
    }
}

/// The households that a client has been in, the earliest first.
#[utoipa::path(
    get,
    path = "/api/v1/clients/{id}/households",
    operation_id = "list_client_households",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id"), PageParams),
    responses((status = 200, body = List<StayBody>))
)]
pub async fn households(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    Params(params): Params<PageParams>,
) -> Result<Json<List<StayBody>>, Problem> {
    let book = caller.book(&app, Action::ReadBook).await?;
    let page = params.page()?;
    find(&app, &caller, id).await?;
    let mut stays = app.store.stays_of(id).await?;
    stays.retain(|stay| book.visible().has(stay.household_id));
    // Somebody can come back to a household, so that a stay is known by its place alone.
    let place = |place: usize, _: &StayBody| place.to_string();
    Ok(Json(List::cut(&format!("households of {id}"), stays.into_iter().map(StayBody::from).collect(), &page, place)?))
}

/// A client who was changed, as far as the caller may see them.
fn written(caller: &Caller, client: StoredClient) -> Written<ClientBody> {
    Written::of(caller.can_somewhere(Action::ReadBook), client.id, client)
}

/// The client, where the caller sees them.
async fn find(app: &App, caller: &Caller, id: ClientId) -> Result<StoredClient, Problem> {
    let book = caller.book(app, Action::ReadBook).await?;
    book.client(id).await?.ok_or_else(|| Problem::not_found(format_args!("client {id}")))
}
