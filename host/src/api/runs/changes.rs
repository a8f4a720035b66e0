//! Changes that a run made, client by client, goal by goal and cover by cover.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Params, PathParam, page};
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::edit::FieldChange;
use crate::domain::run::ChangeKind;
use crate::domain::{ClientId, ExternalId, HouseholdId, RecordKind, RunId};
use crate::store::report::Change;

/// The choice of changes in a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChangeParams {
    /// The kind of changes that are listed; all if not said.
    #[param(schema_with = schema::change_kind)]
    kind: Option<ChangeKind>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A change that a run made to a client, or to a goal or cover of a client's.
#[derive(Serialize, ToSchema)]
#[schema(as = Change)]
pub struct ChangeBody {
    /// The kind of change.
    #[schema(schema_with = schema::change_kind)]
    kind: ChangeKind,
    /// The kind of record that was changed.
    #[schema(schema_with = schema::changed_record)]
    record: RecordKind,
    /// The goal or cover; null for a client.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    record_id: Option<Uuid>,
    /// The label by which a person knew the goal or cover when the run saw it: its name, or its type and policy. Null
    /// for a client.
    #[schema(required, example = "Retire at 60")]
    label: Option<String>,
    /// The reason why a client is left out, in a sentence; null otherwise.
    #[schema(required)]
    reason: Option<String>,
    /// The client, or whose goal or cover it is.
    #[schema(value_type = String, format = Uuid)]
    client_id: ClientId,
    /// The client's id in the CRM.
    #[schema(value_type = String)]
    external_id: ExternalId,
    /// The client's name as it is now.
    name: String,
    /// The household that the client is in now.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The fields, with what stood and what stands in them.
    fields: Vec<FieldChangeBody>,
}

/// A field whose value is another than before.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldChange)]
pub struct FieldChangeBody {
    /// The canonical field.
    #[schema(example = "mobile")]
    field: String,
    /// The value before the change.
    #[schema(required)]
    from: Option<String>,
    /// The value after the change.
    #[schema(required)]
    to: Option<String>,
}

impl From<FieldChange> for FieldChangeBody {
    fn from(FieldChange { field, from, to }: FieldChange) -> Self {
        Self { field, from, to }
    }
}

impl From<Change> for ChangeBody {
    fn from(change: Change) -> Self {
        let Change { kind, record, record_id, label, reason, client_id, external_id, name, household_id, fields } =
            change;
        let fields = fields.into_iter().map(FieldChangeBody::from).collect();
        Self { kind, record, record_id, label, reason, client_id, external_id, name, household_id, fields }
    }
}

/// Lists what a run changed, client by client, goal by goal and cover by cover, by kind of change.
///
/// The rows of a month of hourly runs are kept, at most 20,000 of one run; a run's counts tell of all.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/changes",
    operation_id = "list_run_changes",
    tag = "runs",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The run's id"), ChangeParams),
    responses((status = 200, body = List<ChangeBody>))
)]
pub async fn changes(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<RunId>,
    Params(params): Params<ChangeParams>,
) -> Result<Json<List<ChangeBody>>, Problem> {
    caller.may(Action::ReadWholeBook)?;
    super::find(&app, id).await?;
    let page = page(params.limit, params.cursor)?;
    Ok(Json(List::of(app.store.changes(id, params.kind, page).await?)))
}
