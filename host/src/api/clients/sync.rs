//! One client synced now.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ClientBody;
use crate::api::body::{DiagnosticBody, diagnostics};
use crate::api::caller::Caller;
use crate::api::extract::{NoParams, PathPair, PathParam};
use crate::api::problem::Problem;
use crate::api::runs::{RunBody, as_seen};
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{ClientId, ConnectionName};
use crate::ops;
use crate::ops::clients::Synced;
use crate::store::book::{ClientFilter, PageRequest};
use crate::sync::{ClientSyncOutcome, EMPTY_ONCE, SyncedClient};

/// The result of syncing one client.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientSync)]
pub struct ClientSyncBody {
    /// The outcome for the client.
    #[schema(schema_with = schema::client_sync_outcome)]
    outcome: &'static str,
    /// The same for people: what happened, and what to do where something is to be done.
    message: &'static str,
    /// The mapping's diagnostics about the record; none for a caller that may not see clients.
    diagnostics: Vec<DiagnosticBody>,
    /// The client as it is in the practice now; null where the practice has none, and for a caller that may not see clients.
    #[schema(required)]
    client: Option<ClientBody>,
    /// The counts of what was read and changed; null where the CRM does not show the client, and for a caller that may not
    /// see runs.
    #[schema(required)]
    run: Option<RunBody>,
}

/// Reads one client from the CRM and brings it over, within seconds. It is no walk: nothing is concluded about others,
/// and a walk that is under way goes on.
#[utoipa::path(
    post,
    path = "/api/v1/clients/{id}/sync",
    operation_id = "sync_client",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id")),
    responses((status = 200, body = ClientSyncBody))
)]
pub async fn sync(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
) -> Result<Json<ClientSyncBody>, Problem> {
    answer(&caller, &app, ops::clients::sync(&app, caller.actor(), id).await?).await
}

/// The same by the CRM's id, for a client that the practice need not have yet.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/clients/{external_id}/sync",
    operation_id = "sync_client_of_connection",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(
        ("name" = String, Path, description = "The connection's name in the settings"),
        ("external_id" = String, Path, description = "The client's id in the CRM")
    ),
    responses((status = 200, body = ClientSyncBody))
)]
pub async fn sync_by_external_id(
    caller: Caller,
    State(app): State<App>,
    PathPair(name, external_id): PathPair<ConnectionName>,
    _: NoParams,
) -> Result<Json<ClientSyncBody>, Problem> {
    answer(&caller, &app, ops::clients::sync_by_external_id(&app, caller.actor(), name, &external_id).await?).await
}

async fn answer(caller: &Caller, app: &App, synced: Synced) -> Result<Json<ClientSyncBody>, Problem> {
    let Synced { connection, external_id, outcome: synced } = synced;
    let (outcome, message) = (synced.outcome.as_str(), message(&synced));
    let sees_book = caller.can(Action::ReadBook);
    let client = if sees_book {
        let filter = ClientFilter { external_id: Some((connection, external_id)), ..ClientFilter::default() };
        let book = caller.book(app, Action::ReadBook).await?;
        book.clients(filter, PageRequest { cursor: None, limit: 1 }).await?.items.pop()
    } else {
        None
    };
    let run = synced.run.filter(|_| caller.can(Action::ReadRuns));
    Ok(Json(ClientSyncBody {
        outcome,
        message,
        diagnostics: if sees_book { diagnostics(synced.diagnostics) } else { Vec::new() },
        client: client.map(ClientBody::from),
        run: run.map(|run| as_seen(run, sees_book).into()),
    }))
}

fn message(synced: &SyncedClient) -> &'static str {
    match synced.outcome {
        ClientSyncOutcome::Unchanged if synced.diagnostics.iter().any(|said| said.code == EMPTY_ONCE) => {
            "The client stays as they are: a list came empty from the CRM, and what stood in it is kept; `diagnostics` says which."
        }
        ClientSyncOutcome::Created => "The client came over and is new in the practice.",
        ClientSyncOutcome::Changed => "The client came over, and something had changed.",
        ClientSyncOutcome::Unchanged => "The client is in the practice as it is in the CRM.",
        ClientSyncOutcome::LeftOut => "A rule of the pack leaves this client out; `diagnostics` says which.",
        ClientSyncOutcome::Quarantined => {
            "The record cannot be used and was set aside; `diagnostics` says why. What the practice had stays."
        }
        ClientSyncOutcome::NotVisible => {
            "The CRM does not show this client to the connection's user: it may be deleted there, or outside the \
             groups that are shared with that user. Nothing was changed here."
        }
    }
}
