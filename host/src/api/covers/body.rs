//! A cover as it is answered.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::{DiagnosticBody, MoneyBody, diagnostics};
use crate::api::clients::ExtensionBody;
use crate::api::schema;
use crate::domain::listed::Listed;
use crate::domain::record::{CoverOwner, CoverType, PremiumFrequency};
use crate::domain::stored::{StoredCover, StoredListed};
use crate::domain::{ClientId, ConnectionName, Cover, CoverId, Date, ExternalId, HouseholdId, RevisionId, Timestamp};

/// One cover of an insurance policy. The fields from `external_id` to `extensions` are the CRM's.
#[derive(Serialize, ToSchema)]
#[schema(as = Cover)]
pub struct CoverBody {
    /// The practice's own id, a UUIDv7.
    #[schema(value_type = String, format = Uuid)]
    id: CoverId,
    /// The client in whose list the policy stands.
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
    /// When its values last changed here.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    /// Since when it is taken for gone from the CRM's list; null while it stands there, or was missed once.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    gone_since: Option<Timestamp>,
    /// The CRM's list did not show it when it was read last; gone when two complete walks in a row have missed it.
    is_missed: bool,
    /// The CRM's id: the client's, the policy's and the cover's.
    #[schema(value_type = String)]
    external_id: ExternalId,
    /// The insurer's number of the policy; covers of one policy share it.
    #[schema(required)]
    policy_number: Option<String>,
    /// What it insures against.
    #[schema(schema_with = schema::cover_type)]
    r#type: CoverType,
    /// The CRM's own word for the type.
    #[schema(required)]
    type_as_given: Option<String>,
    /// The insurer's name.
    #[schema(required)]
    insurer: Option<String>,
    /// What the insurer calls the plan.
    #[schema(required)]
    plan_name: Option<String>,
    /// The sum insured.
    #[schema(required)]
    sum_insured: Option<MoneyBody>,
    /// The premium of the cover, or of the whole policy where the CRM tells no other.
    #[schema(required)]
    premium: Option<MoneyBody>,
    /// How often the premium falls due.
    #[schema(required, schema_with = schema::premium_frequency)]
    premium_frequency: Option<PremiumFrequency>,
    /// Who owns the policy, seen from the client.
    #[schema(schema_with = schema::cover_owner)]
    owner: CoverOwner,
    /// When it is next renewed.
    #[schema(required, value_type = Option<String>, format = Date)]
    renewal_date: Option<Date>,
    /// The calendar year in which the policy ends.
    #[schema(required)]
    end_year: Option<u16>,
    /// Whether the policy had ended on the day of the last sync.
    expired: bool,
    /// Fields that the pack adds.
    extensions: Vec<ExtensionBody>,
    /// What the mapping left out or derived, and why.
    diagnostics: Vec<DiagnosticBody>,
}

impl From<StoredCover> for CoverBody {
    fn from(stored: StoredCover) -> Self {
        let StoredListed { client_id, household_id, connection, revision, listed, is_missed } = stored;
        let Listed { id, value, own: (), changed_at, gone_since, diagnostics: found } = listed;
        let Cover {
            external_id,
            policy_number,
            cover_type,
            type_as_given,
            insurer,
            plan_name,
            sum_insured,
            premium,
            premium_frequency,
            owner,
            renewal_date,
            end_year,
            expired,
            extensions,
        } = value;
        Self {
            id: CoverId(id),
            client_id,
            household_id,
            connection,
            revision,
            changed_at,
            gone_since,
            is_missed,
            external_id,
            policy_number,
            r#type: cover_type,
            type_as_given,
            insurer,
            plan_name,
            sum_insured: sum_insured.map(MoneyBody::from),
            premium: premium.map(MoneyBody::from),
            premium_frequency,
            owner,
            renewal_date,
            end_year,
            expired,
            extensions: extensions.into_iter().map(ExtensionBody::from).collect(),
            diagnostics: diagnostics(found),
        }
    }
}
