//! The revisions of its pack that a connection had staged or in force.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{PageParams, Params, PathParam};
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{ConnectionName, RevisionDigest, RevisionId};
use crate::integrations::{KnownRevision, RevisionState, found};
use crate::store::connections::By;
use crate::store::revisions::{HistoryEntry, Why};

/// A revision that was staged for a connection, or came in force.
#[derive(Serialize, ToSchema)]
#[schema(as = Revision)]
pub struct RevisionBody {
    /// The revision, as clients and notes name it.
    #[schema(value_type = String, example = "8c21f0e9a3b7")]
    revision: RevisionId,
    /// The revision's whole digest.
    #[schema(value_type = String)]
    digest: RevisionDigest,
    /// The pack that it is of.
    pack: String,
    /// The version of the pack's rules.
    version: String,
    /// The person or program whose word staged it or put it in force, and when.
    by: By,
    /// The reason why it stands here: `staged`, or it came in force: `first` (the connection had none before, or was given
    /// another pack), `activated`, `rolled_back`, or `breaker` (the host took back the one that came in force after it).
    why: WhyBody,
    /// The revision that the breaker took back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    taken_back: Option<RevisionId>,
    /// What the breaker found: of the revision that it took back, or of this one, where there was none to go back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    /// The state that the revision is in by now: `verified` (staged, never in force), `active`, `retired` or `taken_back` (by
    /// the breaker: it comes in force again only where somebody writes it out).
    #[schema(schema_with = schema::revision_state)]
    state: RevisionState,
    /// Whether its files are kept, so that it can be put in force.
    is_kept: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RevisionReason)]
enum WhyBody {
    First,
    Activated,
    RolledBack,
    Staged,
    Breaker,
}

impl From<KnownRevision> for RevisionBody {
    fn from(KnownRevision { entry, state, is_kept }: KnownRevision) -> Self {
        let found = found(&entry);
        let HistoryEntry { digest, pack, version, by, why, taken_back, .. } = entry;
        let taken_back = taken_back.map(|left| left.short());
        let why = match why {
            Why::First => WhyBody::First,
            Why::Activated => WhyBody::Activated,
            Why::RolledBack => WhyBody::RolledBack,
            Why::Staged => WhyBody::Staged,
            Why::Breaker => WhyBody::Breaker,
        };
        Self { revision: digest.short(), digest, pack, version, by, why, taken_back, found, state, is_kept }
    }
}

/// The revisions of its pack that a connection had staged or in force, the newest first. Those that are kept, the latest
/// ten, can be put in force (`/connections/{name}/activate`), whatever stands in the packs' folder by now.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/revisions",
    operation_id = "list_connection_revisions",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name"), PageParams),
    responses((status = 200, body = List<RevisionBody>))
)]
pub async fn revisions(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    params: Result<Params<PageParams>, Problem>,
) -> Result<Json<List<RevisionBody>>, Problem> {
    caller.may(Action::ReadRuns)?;
    let page = params?.0.page()?;
    app.integrations.one(&name).await?;
    Ok(Json(List::of(app.integrations.revisions(&name, page).await?)))
}
