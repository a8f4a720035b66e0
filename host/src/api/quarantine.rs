//! Records that cannot be used, with the reasons.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{DiagnosticBody, List, diagnostics};
use crate::api::caller::Caller;
use crate::api::extract::{Params, page};
use crate::api::problem::{Kind, Problem};
use crate::api::schema;
use crate::app::{App, FixtureError};
use crate::domain::access::Action;
use crate::domain::stored::ExcludedRecord;
use crate::domain::{ConnectionName, ExternalId, RecordKind, RevisionId, RunId, Timestamp};
use crate::pack::Disguised;

/// The choice of quarantined records in a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QuarantineParams {
    /// The run whose finds are listed; all if not said.
    #[param(value_type = Option<String>, format = Uuid)]
    run_id: Option<RunId>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A record of the CRM that cannot be used. The next run that reads it without error takes it out again.
#[derive(Serialize, ToSchema)]
#[schema(as = Quarantined)]
pub struct QuarantinedBody {
    /// The connection that supplied it.
    #[schema(value_type = String)]
    connection: ConnectionName,
    /// The kind of record that it would have been.
    #[schema(schema_with = schema::record_kind)]
    kind: RecordKind,
    /// Its id in the CRM.
    #[schema(value_type = String)]
    external_id: ExternalId,
    /// The diagnostics that say why it was left out or quarantined.
    diagnostics: Vec<DiagnosticBody>,
    /// The pack's revision that said so.
    #[schema(value_type = String)]
    revision: RevisionId,
    /// The run that found it first.
    #[schema(value_type = String, format = Uuid)]
    run_id: RunId,
    /// The moment at which that run found it so.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl From<ExcludedRecord> for QuarantinedBody {
    fn from(record: ExcludedRecord) -> Self {
        Self {
            connection: record.connection,
            kind: record.kind,
            external_id: record.external_id,
            diagnostics: diagnostics(record.diagnostics),
            revision: record.revision,
            run_id: record.run,
            since: record.since,
        }
    }
}

/// Records in quarantine, by connection and CRM id.
#[utoipa::path(
    get,
    path = "/api/v1/quarantine",
    operation_id = "list_quarantine",
    tag = "quarantine",
    security(("token" = []), ("session" = [])),
    params(QuarantineParams),
    responses((status = 200, body = List<QuarantinedBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<QuarantineParams>,
) -> Result<Json<List<QuarantinedBody>>, Problem> {
    caller.may(Action::ReadWholeBook)?;
    let page = page(params.limit, params.cursor)?;
    Ok(Json(List::of(app.store.set_aside(true, params.run_id, page).await?)))
}

/// The record of which a fixture is made.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FixtureParams {
    /// The connection that supplied it.
    #[param(value_type = String)]
    connection: ConnectionName,
    /// The kind of record; a client's if not said.
    #[param(schema_with = schema::record_kind)]
    kind: Option<RecordKind>,
    /// Its id in the CRM; that of the client, where it is a list.
    #[param(value_type = String)]
    external_id: ExternalId,
}

/// A fixture of a record, with made-up values in it.
#[derive(Serialize, ToSchema)]
#[schema(as = Fixture)]
pub struct FixtureBody {
    /// The fixture, as it stands in a pack's folder `fixtures`.
    #[schema(value_type = Object)]
    fixture: serde_json::Value,
    /// The places in the raw record, as JSON Pointers, whose values stayed as they are, because other ones would come out
    /// otherwise.
    kept: Vec<String>,
}

/// A fixture that shows what becomes of a record, in quarantine or not, with every text and number in it replaced by a made-up
/// one of the same shape. What had to stay as it is, is named.
#[utoipa::path(
    get,
    path = "/api/v1/quarantine/fixture",
    operation_id = "get_fixture",
    tag = "quarantine",
    security(("token" = []), ("session" = [])),
    params(FixtureParams),
    responses((status = 200, body = FixtureBody))
)]
pub async fn fixture(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<FixtureParams>, Problem>,
) -> Result<Json<FixtureBody>, Problem> {
    caller.may(Action::ReadWholeBook)?;
    let Params(params) = params?;
    let of = (params.kind.unwrap_or(RecordKind::Client), params.external_id);
    let Disguised { fixture, kept } = app.fixture(&params.connection, of, Timestamp::now()).await?;
    Ok(Json(FixtureBody { fixture, kept }))
}

impl From<FixtureError> for Problem {
    fn from(error: FixtureError) -> Self {
        match error {
            FixtureError::NoRecord(..) => Self::new(Kind::NotFound, format!("{error}.")),
            FixtureError::NoConnection(_) | FixtureError::NotDisguised(_) => {
                Self::new(Kind::WrongState, format!("{error}."))
            }
            FixtureError::Store(error) => error.into(),
            FixtureError::NotDone(error) => error.into(),
        }
    }
}
