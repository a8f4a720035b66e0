//! Clients, and where their values come from.

mod body;
mod explain;
mod practice;
mod sync;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

pub use body::{ClientBody, ExtensionBody};
pub use explain::{__path_explain, explain};
pub use practice::routes;
pub use sync::{__path_sync, __path_sync_by_external_id, sync, sync_by_external_id};

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{NoParams, Params, PathParam, page};
use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::stored::StoredClient;
use crate::domain::{ClientId, ConnectionName, ExternalId, HouseholdId};
use crate::store::book::ClientFilter;

/// Which clients.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ClientParams {
    /// The client with this id in the CRM.
    #[param(value_type = Option<String>)]
    external_id: Option<ExternalId>,
    /// The connection whose CRM `external_id` is meant; may be left out where there is one connection only.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionName>,
    /// Members of this household.
    #[param(value_type = Option<Uuid>)]
    household_id: Option<HouseholdId>,
    /// Words that begin the person's names, or the whole email or mobile.
    search: Option<String>,
    /// How many items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl ClientParams {
    fn filter(&self, app: &App) -> Result<ClientFilter, Problem> {
        let malformed = |detail: &str| Problem::new(Kind::Malformed, detail);
        let external_id = match (&self.external_id, &self.connection) {
            (None, None) => None,
            (None, Some(_)) => return Err(malformed("`connection` says whose `external_id` is meant; name that too.")),
            (Some(id), Some(connection)) => Some((connection.clone(), id.clone())),
            (Some(id), None) => {
                let mut connections = app.connections.iter();
                let (Some(only), None) = (connections.next(), connections.next()) else {
                    return Err(malformed(
                        "`external_id` is unique within one connection only; name `connection` too.",
                    ));
                };
                Some((only.name.clone(), id.clone()))
            }
        };
        Ok(ClientFilter { external_id, household: self.household_id, search: self.search.clone() })
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
    caller.may(Action::ReadBook)?;
    let filter = params.filter(&app)?;
    let page = page(params.limit, params.cursor)?;
    Ok(Json(List::of(app.store.clients(filter, page).await?)))
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
    caller.may(Action::ReadBook)?;
    Ok(Json(find(&app, id).await?.into()))
}

async fn find(app: &App, id: ClientId) -> Result<StoredClient, Problem> {
    app.store.client(id).await?.ok_or_else(|| Problem::not_found(format_args!("client {id}")))
}
