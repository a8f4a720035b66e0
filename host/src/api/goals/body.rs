//! A goal as it is answered.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::{DiagnosticBody, MoneyBody, diagnostics};
use crate::api::clients::ExtensionBody;
use crate::api::schema;
use crate::domain::listed::{GoalOwn, Listed};
use crate::domain::record::{GoalOwner, GoalStatus, Outlook, Recurrence};
use crate::domain::stored::{StoredGoal, StoredListed};
use crate::domain::{ClientId, ConnectionName, Date, ExternalId, Goal, GoalId, HouseholdId, RevisionId, Timestamp};

/// Something a client wants to reach. The fields from `external_id` to `extensions` are the CRM's; `status` and
/// `recurrence` are the practice's own.
#[derive(Serialize, ToSchema)]
#[schema(as = Goal)]
pub struct GoalBody {
    /// The practice's own id, a UUIDv7.
    #[schema(value_type = String, format = Uuid)]
    id: GoalId,
    /// The client in whose list it stands.
    #[schema(value_type = String, format = Uuid)]
    client_id: ClientId,
    /// That client's household.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The connection that supplies it.
    #[schema(value_type = String)]
    connection: ConnectionName,
    /// The pack's revision that mapped it.
    #[schema(value_type = String)]
    revision: RevisionId,
    /// When the CRM's values last changed here.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    /// Since when it is taken for gone from the CRM's list; null while it stands there, or was missed once.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    gone_since: Option<Timestamp>,
    /// The CRM's list did not show it when it was read last; gone when two complete walks in a row have missed it.
    is_missed: bool,
    /// How far the practice is with it.
    #[schema(schema_with = schema::goal_status)]
    status: GoalStatus,
    /// How often it comes again, as the practice set it; null for once.
    #[schema(required, schema_with = schema::recurrence)]
    recurrence: Option<Recurrence>,
    /// The CRM's id, with the client's.
    #[schema(value_type = String)]
    external_id: ExternalId,
    /// Whose goal it is, seen from the client.
    #[schema(schema_with = schema::goal_owner)]
    owner: GoalOwner,
    /// The category's name.
    #[schema(required, example = "Retirement")]
    category: Option<String>,
    /// What the goal is.
    #[schema(required)]
    name: Option<String>,
    /// When it is to be reached.
    #[schema(required, value_type = Option<String>, format = Date)]
    target_date: Option<Date>,
    /// The amount without its sign.
    #[schema(required)]
    estimated_cost: Option<MoneyBody>,
    /// What reaching it does to the household's money; null where the CRM's amount cannot be read.
    #[schema(required, schema_with = schema::outlook)]
    outlook: Option<Outlook>,
    /// Fields that the pack adds.
    extensions: Vec<ExtensionBody>,
    /// What the mapping left out or derived, and why.
    diagnostics: Vec<DiagnosticBody>,
}

impl From<StoredGoal> for GoalBody {
    fn from(stored: StoredGoal) -> Self {
        let StoredListed { client_id, household_id, connection, revision, listed, is_missed } = stored;
        let Listed { id, value, own, changed_at, gone_since, diagnostics: found } = listed;
        let GoalOwn { status, recurrence } = own;
        let Goal { external_id, owner, category, name, target_date, estimated_cost, outlook, extensions } = value;
        Self {
            id: GoalId(id),
            client_id,
            household_id,
            connection,
            revision,
            changed_at,
            gone_since,
            is_missed,
            status,
            recurrence,
            external_id,
            owner,
            category,
            name,
            target_date,
            estimated_cost: estimated_cost.map(MoneyBody::from),
            outlook,
            extensions: extensions.into_iter().map(ExtensionBody::from).collect(),
            diagnostics: diagnostics(found),
        }
    }
}
