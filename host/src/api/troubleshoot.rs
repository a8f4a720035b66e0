//! Troubleshooting: why somebody is not here, or a value is missing.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{DiagnosticBody, List, diagnostics};
use crate::api::caller::Caller;
use crate::api::extract::Params;
use crate::api::problem::{Kind, Problem};
use crate::api::schema;
use crate::app::App;
use crate::app::troubleshoot::{Step, Trace};
use crate::domain::access::Action;
use crate::domain::{ClientId, ConnectionName, ExternalId};

/// The person to look for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TroubleshootParams {
    /// Words of the person's name, or the whole email, mobile or id in the CRM.
    #[param(pattern = r"\S")]
    search: String,
}

/// The way of one person's record from the CRM to the practice, as far as it goes.
#[derive(Serialize, ToSchema)]
#[schema(as = Trace)]
pub struct TraceBody {
    /// The connection it would come by.
    #[schema(value_type = String)]
    connection: ConnectionName,
    /// The id in the CRM; null where nobody is known by what was searched for.
    #[schema(required, value_type = Option<String>)]
    external_id: Option<ExternalId>,
    /// The client, if it was ever in the book.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    client_id: Option<ClientId>,
    /// The client's name.
    #[schema(required)]
    name: Option<String>,
    /// The stage where the record ends; null where it comes through.
    #[schema(required, schema_with = schema::stage_or_null)]
    stops_at: Option<&'static str>,
    /// Every stage, in their order.
    steps: Vec<StepBody>,
}

/// One stage.
#[derive(Serialize, ToSchema)]
#[schema(as = Step)]
pub struct StepBody {
    /// The stage.
    #[schema(schema_with = schema::stage)]
    stage: &'static str,
    /// The outcome of the stage for the record.
    #[schema(schema_with = schema::stage_outcome)]
    outcome: &'static str,
    /// The message: what is known, in a sentence.
    detail: String,
    /// The advice: what would fix it.
    #[schema(required)]
    advice: Option<String>,
    /// The diagnostics that were found at the stage.
    diagnostics: Vec<DiagnosticBody>,
}

impl From<Trace> for TraceBody {
    fn from(trace: Trace) -> Self {
        Self {
            stops_at: trace.stops_at().map(|stage| stage.as_str()),
            connection: trace.connection,
            external_id: trace.external_id,
            client_id: trace.client.as_ref().map(|client| client.id),
            name: trace.client.map(|client| client.client.full_name()),
            steps: trace.steps.into_iter().map(StepBody::from).collect(),
        }
    }
}

impl From<Step> for StepBody {
    fn from(step: Step) -> Self {
        let Step { stage, outcome, message, advice, findings } = step;
        let (stage, outcome) = (stage.as_str(), outcome.as_str());
        Self { stage, outcome, detail: message, advice, diagnostics: diagnostics(findings) }
    }
}

/// Traces why somebody is not here, or a value of theirs is missing: each stage from the connection's credentials to
/// the merge.
///
/// Everybody is answered who is known by what was searched for, ten at most, also those whom a rule leaves out. Where
/// nobody is, each connection is answered once, with how far such a record comes. The CRM is not asked.
#[utoipa::path(
    get,
    path = "/api/v1/troubleshoot",
    operation_id = "troubleshoot",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    params(TroubleshootParams),
    responses((status = 200, body = List<TraceBody>))
)]
pub async fn troubleshoot(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<TroubleshootParams>, Problem>,
) -> Result<Json<List<TraceBody>>, Problem> {
    caller.may(Action::ReadWholeBook)?;
    let Params(params) = params?;
    if params.search.trim().is_empty() {
        return Err(Problem::new(Kind::Malformed, "`search` is empty; name somebody, or an id in the CRM."));
    }
    let traces = app.troubleshoot(&params.search).await?;
    Ok(Json(List::new(traces.into_iter().map(TraceBody::from).collect(), None)))
}
