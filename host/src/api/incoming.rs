//! What lies in the watched folder, and what became of it.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Params, page};
use crate::api::problem::{Kind, Problem};
use crate::api::revisions::GateBody;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{ConnectionName, RevisionDigest, RevisionId, Timestamp};
use crate::integrations::{IncomingPack, IncomingState};
use crate::store::taken_in::Activation;

/// All of `/api/v1/incoming`.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The packs that are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct IncomingParams {
    /// Those of this connection, and those of none.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionName>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A pack in the watched folder, and what became of it for one connection.
#[derive(Serialize, ToSchema)]
#[schema(as = IncomingPack)]
pub struct IncomingBody {
    /// Its name in the folder.
    #[schema(example = "acme-au.tar.gz")]
    name: String,
    /// The pack that it is, by its own name; null until it could be read.
    #[schema(required)]
    pack: Option<String>,
    /// The connection whose pack it is; null where it is that of none.
    #[schema(required, value_type = Option<String>)]
    connection: Option<ConnectionName>,
    /// What became of it.
    #[schema(schema_with = schema::incoming_state)]
    state: &'static str,
    /// The revision that was staged of it.
    #[schema(required, value_type = Option<String>, example = "8c21f0e9a3b7")]
    revision: Option<RevisionId>,
    /// Its whole digest.
    #[schema(required, value_type = Option<String>)]
    digest: Option<RevisionDigest>,
    /// The gates that were tried, where it was refused.
    gates: Vec<GateBody>,
    /// The reason why it was refused, or why it did not come in force by itself.
    #[schema(required)]
    reason: Option<String>,
    /// The moment at which it was last seen to change.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    /// The moment at which it was last tried.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    tried_at: Option<Timestamp>,
    /// The moment at which it is tried again at the latest; sooner, where anything changes on which it depends.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    next_try_at: Option<Timestamp>,
}

impl From<IncomingPack> for IncomingBody {
    fn from(one: IncomingPack) -> Self {
        let IncomingPack { name, pack, connection, state, changed_at, tried_at, next_try_at } = one;
        let (word, revision, gates, reason) = match state {
            IncomingState::Arriving => ("arriving", None, Vec::new(), None),
            IncomingState::Base => ("base", None, Vec::new(), None),
            IncomingState::Staged { revision, activation } => match activation {
                Activation::NotAsked => ("staged", Some(revision), Vec::new(), None),
                Activation::Pending => ("previewed", Some(revision), Vec::new(), None),
                Activation::Done => ("activated", Some(revision), Vec::new(), None),
                Activation::Left(reason) => ("staged", Some(revision), Vec::new(), Some(reason)),
            },
            IncomingState::Refused { gates, reason } => ("refused", None, gates, Some(reason)),
        };
        Self {
            name,
            pack,
            connection,
            state: word,
            revision: revision.map(|digest| digest.short()),
            digest: revision,
            gates: gates.into_iter().map(GateBody::from).collect(),
            reason,
            changed_at,
            tried_at,
            next_try_at,
        }
    }
}

/// The packs that lie in the watched folder (`[packs] watch-dir`), by name, each with what became of it for each connection
/// whose pack it is. What is refused is tried again. Nothing where no folder is watched.
#[utoipa::path(
    get,
    path = "/api/v1/incoming",
    operation_id = "list_incoming_packs",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(IncomingParams),
    responses((status = 200, body = List<IncomingBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<IncomingParams>, Problem>,
) -> Result<Json<List<IncomingBody>>, Problem> {
    caller.may(Action::ReadRuns)?;
    let IncomingParams { connection, limit, cursor } = params?.0;
    let page = page(limit, cursor)?;
    let (packs, problem) = app.integrations.incoming();
    if let Some(problem) = problem {
        return Err(Problem::new(Kind::Unavailable, format!("The watched folder cannot be looked at: {problem}.")));
    }
    let is_asked_for =
        |one: &IncomingPack| connection.is_none() || one.connection.is_none() || one.connection == connection;
    let items: Vec<IncomingBody> = packs.into_iter().filter(is_asked_for).map(IncomingBody::from).collect();
    let key = |_: usize, one: &IncomingBody| {
        format!("{}/{}", one.name, one.connection.as_ref().map(ToString::to_string).unwrap_or_default())
    };
    Ok(Json(List::cut("incoming packs", items, &page, key)?))
}
