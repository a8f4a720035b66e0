//! Explanations of a client's values: where each comes from and by which rule.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::api::body::{DiagnosticBody, diagnostics};
use crate::api::caller::Caller;
use crate::api::extract::{Params, PathParam};
use crate::api::problem::{Kind, Problem};
use crate::api::schema;
use crate::app::{App, History, ValueChange};
use crate::domain::access::Action;
use crate::domain::history::ChangeCause;
use crate::domain::listed::place_of;
use crate::domain::stored::StoredClient;
use crate::domain::{ClientId, RecordKind, RevisionId, RunId, Timestamp, with_listed};
use crate::pack::FieldExplanation;
use crate::store::book::Whose;
use crate::store::page::PageRequest;
use crate::store::{StoreError, StoredItem};

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
    /// The revision that made the stored values; null where no pack did.
    #[schema(required, value_type = Option<String>, example = "8c21f0e9a3b7")]
    revision: Option<RevisionId>,
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
    /// The moment from which on changes are known: when the record came. Null where that is not kept.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// The last changes of the value, the newest first; empty where none is known since then.
    history: Vec<ValueChangeBody>,
}

/// A change of a value.
#[derive(Serialize, ToSchema)]
#[schema(as = ValueChange)]
pub struct ValueChangeBody {
    /// The moment of the change.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The value before it.
    #[schema(required)]
    from: Option<String>,
    /// The value after it.
    #[schema(required)]
    to: Option<String>,
    /// The reason; null where it is known only that a sync brought it.
    #[schema(schema_with = schema::change_cause)]
    cause: Option<ChangeCause>,
    /// The person whose edit it is, or was.
    #[schema(required)]
    by: Option<String>,
    /// The run that brought it.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    run_id: Option<RunId>,
    /// The revision that made the value, where that is kept.
    #[schema(required, value_type = Option<String>)]
    revision: Option<RevisionId>,
}

impl From<&ValueChange> for ValueChangeBody {
    fn from(change: &ValueChange) -> Self {
        let ValueChange { at, from, to, cause, by, run, revision } = change.clone();
        Self { at, from, to, cause, by, run_id: run, revision }
    }
}

impl FieldBody {
    fn new(explanation: FieldExplanation, history: &Histories) -> Self {
        let FieldExplanation { field, value, source, source_value, rule, diagnostics: found } = explanation;
        let (since, history) = history.of(&field);
        Self { field, value, source, source_value, rule, diagnostics: diagnostics(found), since, history }
    }
}

/// The histories of what is explained: one of the client, or one of each item of the list by its place.
struct Histories {
    kind: RecordKind,
    of_items: Vec<Option<History>>,
}

impl Histories {
    async fn load(
        app: &App,
        client: &StoredClient,
        kind: RecordKind,
        fields: &[FieldExplanation],
    ) -> Result<Self, StoreError> {
        if !kind.is_listed() {
            return Ok(Self { kind, of_items: vec![Some(app.history(client, (kind, None)).await?)] });
        }
        let known = with_listed!(kind, Item => ids::<Item>(app, client).await?).unwrap_or_default();
        let mut of_items = Vec::new();
        for field in fields {
            let Some((place, "external_id")) = place_of(kind, &field.field) else { continue };
            let id = known.iter().find(|(external, _)| Some(external.as_str()) == field.value.as_deref());
            let history = match id {
                Some((_, id)) => Some(app.history(client, (kind, Some(*id))).await?),
                None => None,
            };
            of_items.resize_with(of_items.len().max(place + 1), || None);
            of_items[place] = history;
        }
        Ok(Self { kind, of_items })
    }

    fn of(&self, field: &str) -> (Option<Timestamp>, Vec<ValueChangeBody>) {
        let (place, own) = place_of(self.kind, field).unwrap_or((0, field));
        let Some(Some(history)) = self.of_items.get(place) else { return (None, Vec::new()) };
        (history.since, history.of(own).iter().map(ValueChangeBody::from).collect())
    }
}

/// The most items of a list whose changes are looked for.
const MOST_ITEMS: usize = 200;

/// The ids of what stands in a client's list, by the CRM's.
async fn ids<T: StoredItem>(app: &App, client: &StoredClient) -> Result<Vec<(String, Uuid)>, StoreError> {
    let page = PageRequest { cursor: None, limit: MOST_ITEMS };
    let items = app.store.items::<T>(Whose::Client(client.id), page).await?.items;
    Ok(items.into_iter().map(|item| (item.listed.value.external_id().to_string(), item.listed.id)).collect())
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
    caller.may_somewhere(Action::ReadBook)?;
    if params.kind == RecordKind::Adviser {
        let kinds: Vec<String> = RecordKind::of_clients().map(|kind| format!("`{}`", kind.as_str())).collect();
        let detail = format!("A client's records are of the kinds {}.", kinds.join(", "));
        return Err(Problem::new(Kind::Malformed, detail));
    }
    let client = super::find(&app, &caller, id).await?;
    let mut fields = app.explain(&client, params.kind, Timestamp::now()).await?;
    if let Some(wanted) = params.field {
        let known = fields.iter().map(|explanation| explanation.field.as_str()).collect::<Vec<_>>().join(", ");
        fields.retain(|explanation| explanation.field == wanted);
        if fields.is_empty() {
            let detail = format!("`{wanted}` is no field of this record. These are: {known}.");
            return Err(Problem::new(Kind::NotFound, detail));
        }
    }
    let history = Histories::load(&app, &client, params.kind, &fields).await?;
    let fields = fields.into_iter().map(|field| FieldBody::new(field, &history)).collect();
    Ok(Json(ExplanationBody { client_id: id, revision: client.origin.revision.of_pack(), fields }))
}
