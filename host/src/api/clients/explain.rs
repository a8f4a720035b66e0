//! Why a client's values are what they are.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{DiagnosticBody, diagnostics};
use crate::api::caller::Caller;
use crate::api::extract::{Params, PathParam};
use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::stored::StoredClient;
use crate::domain::{ClientId, Date, RecordKind, RevisionId, Timestamp};
use crate::pack::{FieldExplanation, RawInput};

/// What to explain.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainParams {
    /// This canonical field only.
    #[param(example = "mobile")]
    field: Option<String>,
}

/// Where a client's values come from, worked out from its raw record as the CRM last sent it.
#[derive(Serialize, ToSchema)]
#[schema(as = Explanation)]
pub struct ExplanationBody {
    /// The client.
    #[schema(value_type = String, format = Uuid)]
    client_id: ClientId,
    /// The pack's revision in force, which was asked. It may be newer than the one that mapped the stored values.
    #[schema(value_type = String)]
    revision: RevisionId,
    /// The day for which it was asked: today in the practice's time zone.
    #[schema(value_type = String, format = Date)]
    as_of: Date,
    /// The canonical fields.
    fields: Vec<FieldBody>,
}

/// How one canonical field came about.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldExplanation)]
pub struct FieldBody {
    /// The canonical field.
    #[schema(example = "mobile")]
    field: String,
    /// Its value as text.
    #[schema(required)]
    value: Option<String>,
    /// Where it was found: a JSON Pointer into the raw record.
    #[schema(required, example = "/contact/0/fields/value")]
    source: Option<String>,
    /// What stands there.
    #[schema(required)]
    source_value: Option<String>,
    /// The rule that was applied: a JSON Pointer into the pack's rules and what it says.
    #[schema(required)]
    rule: Option<String>,
    /// What was considered and left out, and why.
    diagnostics: Vec<DiagnosticBody>,
}

impl From<FieldExplanation> for FieldBody {
    fn from(explanation: FieldExplanation) -> Self {
        let FieldExplanation { field, value, source, source_value, rule, diagnostics: found } = explanation;
        Self { field, value, source, source_value, rule, diagnostics: diagnostics(found) }
    }
}

/// Why a client's values are what they are.
#[utoipa::path(
    get,
    path = "/api/v1/clients/{id}/explain",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id"), ExplainParams),
    responses((status = 200, body = ExplanationBody))
)]
pub async fn explain(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    Params(params): Params<ExplainParams>,
) -> Result<Json<ExplanationBody>, Problem> {
    caller.may(Action::ReadBook)?;
    let client = super::find(&app, id).await?;
    let as_of = Timestamp::now().to_zoned(app.config.practice.time_zone.clone()).date();
    let (revision, mut fields) = ask(&app, client, as_of).await?;
    if let Some(wanted) = params.field {
        let known = fields.iter().map(|explanation| explanation.field.as_str()).collect::<Vec<_>>().join(", ");
        fields.retain(|explanation| explanation.field == wanted);
        if fields.is_empty() {
            let detail = format!("`{wanted}` is no field of a client. These are: {known}.");
            return Err(Problem::new(Kind::Malformed, detail));
        }
    }
    let fields = fields.into_iter().map(FieldBody::from).collect();
    Ok(Json(ExplanationBody { client_id: id, revision, as_of, fields }))
}

async fn ask(app: &App, client: StoredClient, as_of: Date) -> Result<(RevisionId, Vec<FieldExplanation>), Problem> {
    let connection = app.connections.get(&client.origin.connection).ok_or_else(|| {
        let name = &client.origin.connection;
        let detail = format!("The connection `{name}` of this client is not in the settings. Add it to ask its pack.");
        Problem::new(Kind::WrongState, detail)
    })?;
    let json = app.store.raw_record(client.id, RecordKind::Client).await?;
    let json = json.ok_or_else(|| Problem::not_found(format_args!("raw record of client {}", client.id)))?;
    let record = RawInput { kind: RecordKind::Client, id: client.client.external_id, json };
    let (revision, context) = (connection.revision(), connection.context(as_of));
    let id = revision.id();
    let explained = tokio::task::spawn_blocking(move || revision.explain(&context, &record)).await;
    let fields = explained.map_err(|panic| {
        tracing::error!(%panic, "an explanation failed");
        Problem::internal()
    })??;
    Ok((id, fields))
}
