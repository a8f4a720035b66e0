//! A client as it is answered.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::{DiagnosticBody, diagnostics};
use crate::api::record::{FieldsOf, RecordBody};
use crate::api::schema;
use crate::domain::edit::{LocalEdit, Overridden};
use crate::domain::stored::{Origin, StoredClient};
use crate::domain::{Client, ClientId, ConnectionName, HouseholdId, RevisionId, RunId, Timestamp};

/// A client as it is answered.
pub type ClientBody = RecordBody<AroundClient, Client>;

/// A person whom the practice advises. The fields from `external_id` to `extensions` are the CRM's.
#[derive(Serialize, ToSchema)]
#[schema(as = Client)]
pub struct AroundClient {
    /// The practice's own id, a UUIDv7.
    #[schema(value_type = String, format = Uuid)]
    id: ClientId,
    /// The household it belongs to.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The connection that supplies it; null for a client made in the practice and not linked to the CRM.
    #[schema(required, value_type = Option<String>)]
    connection: Option<ConnectionName>,
    /// The pack's revision that mapped it; null until a sync has brought it.
    #[schema(required, value_type = Option<String>)]
    revision: Option<RevisionId>,
    /// When its values last changed here.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    /// Whether the CRM still shows it: `visible` or `not_visible`.
    #[schema(schema_with = schema::visibility)]
    visibility: &'static str,
    /// Since when the CRM no longer shows it; null while it does.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    not_visible_since: Option<Timestamp>,
    /// What the mapping left out or derived, and why.
    diagnostics: Vec<DiagnosticBody>,
    /// What people changed here; the next sync that brings the record overrides it.
    local_edits: Vec<LocalEditBody>,
    /// The latest local edits that the CRM overrode, the newest first.
    overridden: Vec<OverriddenBody>,
}

impl From<StoredClient> for ClientBody {
    fn from(stored: StoredClient) -> Self {
        let StoredClient { id, household_id, client, origin, not_visible_since, edits, overridden, .. } = stored;
        let Origin { connection, revision, changed_at } = origin;
        let around = AroundClient {
            id,
            household_id,
            connection: client.external_id.in_crm().map(|_| connection),
            revision: revision.of_pack(),
            changed_at,
            visibility: if not_visible_since.is_some() { "not_visible" } else { "visible" },
            not_visible_since,
            diagnostics: diagnostics(stored.diagnostics),
            local_edits: edits.into_iter().map(LocalEditBody::from).collect(),
            overridden: overridden.into_iter().map(OverriddenBody::from).collect(),
        };
        Self { around, fields: FieldsOf(client) }
    }
}

/// A field that somebody changed here.
#[derive(Serialize, ToSchema)]
#[schema(as = LocalEdit)]
pub struct LocalEditBody {
    /// The canonical field.
    #[schema(example = "mobile")]
    field: String,
    /// What the CRM had supplied.
    #[schema(required)]
    from: Option<String>,
    /// What stands there until the next sync.
    #[schema(required)]
    to: Option<String>,
    /// Who changed it.
    by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<LocalEdit> for LocalEditBody {
    fn from(LocalEdit { field, from, to, by, at }: LocalEdit) -> Self {
        Self { field, from, to, by, at }
    }
}

/// A local edit that the CRM overrode.
#[derive(Serialize, ToSchema)]
#[schema(as = Overridden)]
pub struct OverriddenBody {
    /// The canonical field.
    #[schema(example = "mobile")]
    field: String,
    /// What somebody had put there.
    #[schema(required)]
    from: Option<String>,
    /// What the CRM supplied.
    #[schema(required)]
    to: Option<String>,
    /// Whose edit it was.
    by: String,
    /// The run that overrode it.
    #[schema(value_type = String, format = Uuid)]
    run_id: RunId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<Overridden> for OverriddenBody {
    fn from(Overridden { field, from, to, by, run, at }: Overridden) -> Self {
        Self { field, from, to, by, run_id: run, at }
    }
}
