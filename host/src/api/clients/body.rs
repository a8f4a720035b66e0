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
    /// The moment at which its values last changed here.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    /// Whether the CRM still shows it: `visible` or `not_visible`.
    #[schema(schema_with = schema::visibility)]
    visibility: &'static str,
    /// The moment since which the CRM no longer shows it; null while it does.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    not_visible_since: Option<Timestamp>,
    /// The values that the mapping left out or derived, and why.
    diagnostics: Vec<DiagnosticBody>,
    /// The edits that people made here; the next sync that reads the record overrides them.
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
    /// The value that the CRM had supplied.
    #[schema(required)]
    from: Option<String>,
    /// The value that is kept here until the next sync.
    #[schema(required)]
    to: Option<String>,
    /// The person who changed it.
    by: String,
    /// The moment at which the CRM overrode it.
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
    /// The value that somebody had put there.
    #[schema(required)]
    from: Option<String>,
    /// The value that the CRM supplied.
    #[schema(required)]
    to: Option<String>,
    /// The person whose edit was overridden.
    by: String,
    /// The run that overrode it.
    #[schema(value_type = String, format = Uuid)]
    run_id: RunId,
    /// The moment at which the CRM overrode it.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<Overridden> for OverriddenBody {
    fn from(Overridden { field, from, to, by, run, at }: Overridden) -> Self {
        Self { field, from, to, by, run_id: run, at }
    }
}
