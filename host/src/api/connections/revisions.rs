//! The revisions of its pack that a connection had in force.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::body::ByBody;
use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{PageParams, Params, PathParam};
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{ConnectionName, RevisionDigest, RevisionId};
use crate::store::revisions::{Activation, Why};

/// A revision that came in force for a connection.
#[derive(Serialize, ToSchema)]
#[schema(as = Activation)]
pub struct ActivationBody {
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
    /// The person or program whose word put it in force, and when.
    by: ByBody,
    /// The reason why: `first` (the connection had none before, or was given another pack), `activated` or `rolled_back`.
    why: WhyBody,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ActivationReason)]
enum WhyBody {
    First,
    Activated,
    RolledBack,
}

impl From<Activation> for ActivationBody {
    fn from(activation: Activation) -> Self {
        let Activation { digest, pack, version, by, why } = activation;
        let why = match why {
            Why::First => WhyBody::First,
            Why::Activated => WhyBody::Activated,
            Why::RolledBack => WhyBody::RolledBack,
        };
        Self { revision: digest.short(), digest, pack, version, by: by.into(), why }
    }
}

/// The revisions of its pack that a connection had in force, the newest first: that one is in force. The latest ten can be
/// put in force again (`/connections/{name}/activate`), whatever stands in the packs' folder by now.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/revisions",
    operation_id = "list_connection_revisions",
    tag = "connections",
    security(("token" = []), ("session" = [])),
    params(("name" = String, Path, description = "Its name"), PageParams),
    responses((status = 200, body = List<ActivationBody>))
)]
pub async fn revisions(
    caller: Caller,
    State(app): State<App>,
    PathParam(name): PathParam<ConnectionName>,
    params: Result<Params<PageParams>, Problem>,
) -> Result<Json<List<ActivationBody>>, Problem> {
    caller.may(Action::ReadRuns)?;
    let page = params?.0.page()?;
    app.integrations.one(&name).await?;
    Ok(Json(List::of(app.store.activations(name, page).await?)))
}
