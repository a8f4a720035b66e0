//! Explanations of a client's values: where each comes from and by which rule.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{DiagnosticBody, diagnostics};
use crate::api::caller::Caller;
use crate::api::extract::{Params, PathParam};
use crate::api::problem::{Kind, Problem};
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{ClientId, RecordKind, Timestamp};
use crate::pack::FieldExplanation;

/// The record and field to explain.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainParams {
    /// The kind of record: the client, or the goals or covers in the client's lists, whose fields are `goals[0].name`.
    #[serde(default = "client")]
    #[param(schema_with = schema::explained_kind, required = false)]
    kind: RecordKind,
    /// This canonical field only.
    #[param(example = "mobile")]
    field: Option<String>,
}

fn client() -> RecordKind {
    RecordKind::Client
}

/// The explanation of a client's values: the pack in force is asked anew, with the CRM's record as the last sync kept
/// it.
#[derive(Serialize, ToSchema)]
#[schema(as = Explanation)]
pub struct ExplanationBody {
    /// The client.
    #[schema(value_type = String, format = Uuid)]
    client_id: ClientId,
    /// The canonical fields.
    fields: Vec<FieldBody>,
}

/// The explanation of one canonical field.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldExplanation)]
pub struct FieldBody {
    /// The canonical field.
    #[schema(example = "mobile")]
    field: String,
    /// Its value as text.
    #[schema(required)]
    value: Option<String>,
    /// The place where it was found: a JSON Pointer into the raw record.
    #[schema(required, example = "/contact/0/fields/value")]
    source: Option<String>,
    /// The value at that place.
    #[schema(required)]
    source_value: Option<String>,
    /// The rule that was applied: a JSON Pointer into the pack's rules and what it says.
    #[schema(required)]
    rule: Option<String>,
    /// The values that were considered and left out, and why.
    diagnostics: Vec<DiagnosticBody>,
}

impl From<FieldExplanation> for FieldBody {
    fn from(explanation: FieldExplanation) -> Self {
        let FieldExplanation { field, value, source, source_value, rule, diagnostics: found } = explanation;
        Self { field, value, source, source_value, rule, diagnostics: diagnostics(found) }
    }
}

/// Explains why a client's values are what they are.
#[utoipa::path(
    get,
    path = "/api/v1/clients/{id}/explain",
    operation_id = "explain_client",
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
    if params.kind == RecordKind::Adviser {
        let kinds: Vec<String> = RecordKind::of_clients().map(|kind| format!("`{}`", kind.as_str())).collect();
        let detail = format!("A client's records are of the kinds {}.", kinds.join(", "));
        return Err(Problem::new(Kind::Malformed, detail));
    }
    let client = super::find(&app, id).await?;
    let mut fields = app.explain(&client, params.kind, Timestamp::now()).await?;
    if let Some(wanted) = params.field {
        let known = fields.iter().map(|explanation| explanation.field.as_str()).collect::<Vec<_>>().join(", ");
        fields.retain(|explanation| explanation.field == wanted);
        if fields.is_empty() {
            let detail = format!("`{wanted}` is no field of this record. These are: {known}.");
            return Err(Problem::new(Kind::NotFound, detail));
        }
    }
    let fields = fields.into_iter().map(FieldBody::from).collect();
    Ok(Json(ExplanationBody { client_id: id, fields }))
}
