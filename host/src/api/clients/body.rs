//! A client as it is answered.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::{DiagnosticBody, diagnostics};
use crate::api::schema;
use crate::domain::record::{ClientStatus, Extension, Sex, Title};
use crate::domain::stored::{Origin, StoredClient};
use crate::domain::{
    Client, ClientId, ConnectionName, CountryCode, Date, E164, EmailAddress, ExternalId, HouseholdId, RevisionId,
    Timestamp,
};

/// A person whom the practice advises. The fields from `external_id` to `extensions` are the CRM's.
#[derive(Serialize, ToSchema)]
#[schema(as = Client)]
pub struct ClientBody {
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
    /// The CRM's id; null for a client made in the practice and not linked to the CRM.
    #[schema(required, value_type = Option<String>)]
    external_id: Option<ExternalId>,
    /// How the person is addressed.
    #[schema(required, schema_with = schema::title)]
    title: Option<Title>,
    /// First name.
    #[schema(required)]
    first_name: Option<String>,
    /// Middle name.
    #[schema(required)]
    middle_name: Option<String>,
    /// Last name.
    #[schema(required)]
    last_name: Option<String>,
    /// The name the person goes by.
    #[schema(required)]
    preferred_name: Option<String>,
    /// Date of birth.
    #[schema(required, value_type = Option<String>, format = Date)]
    date_of_birth: Option<Date>,
    /// Sex as the CRM records it.
    #[schema(required, schema_with = schema::sex)]
    sex: Option<Sex>,
    /// The street, or the unit or level in it.
    #[schema(required)]
    address_line_1: Option<String>,
    /// The street where the first line is a unit or level.
    #[schema(required)]
    address_line_2: Option<String>,
    /// Suburb, town or city.
    #[schema(required)]
    suburb: Option<String>,
    /// The region's state code where it has states.
    #[schema(required, example = "VIC")]
    state: Option<String>,
    /// Postcode.
    #[schema(required, example = "3053")]
    postcode: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[schema(required, value_type = Option<String>, example = "AU")]
    country_code: Option<CountryCode>,
    /// The preferred email, or a placeholder.
    #[schema(required, value_type = Option<String>, format = Email)]
    email: Option<EmailAddress>,
    /// True where `email` was made up because the CRM has none; nothing is ever sent there.
    email_is_placeholder: bool,
    /// E.164, a mobile line.
    #[schema(required, value_type = Option<String>, example = "+61491570156")]
    mobile: Option<E164>,
    /// The adviser's id in the CRM.
    #[schema(required, value_type = Option<String>)]
    adviser_external_id: Option<ExternalId>,
    /// The partner's id in the CRM.
    #[schema(required, value_type = Option<String>)]
    partner_external_id: Option<ExternalId>,
    /// True for the partner of a couple, false for its primary and for a single person.
    is_partner: bool,
    /// How the CRM counts the person among the practice's relations.
    #[schema(schema_with = schema::client_status)]
    status: ClientStatus,
    /// Fields that the pack adds.
    extensions: Vec<ExtensionBody>,
    /// What the mapping left out or derived, and why.
    diagnostics: Vec<DiagnosticBody>,
}

/// A field that the pack adds.
#[derive(Serialize, ToSchema)]
#[schema(as = Extension)]
pub struct ExtensionBody {
    /// Unique within the record.
    name: String,
    /// The value as text.
    value: String,
}

impl From<Extension> for ExtensionBody {
    fn from(Extension { name, value }: Extension) -> Self {
        Self { name, value }
    }
}

impl From<StoredClient> for ClientBody {
    fn from(stored: StoredClient) -> Self {
        let StoredClient { id, household_id, client, origin, diagnostics: found } = stored;
        let Origin { connection, revision, changed_at } = origin;
        let Client {
            external_id,
            title,
            first_name,
            middle_name,
            last_name,
            preferred_name,
            date_of_birth,
            sex,
            address_line_1,
            address_line_2,
            suburb,
            state,
            postcode,
            country_code,
            email,
            email_is_placeholder,
            mobile,
            adviser_external_id,
            partner_external_id,
            is_partner,
            status,
            extensions,
        } = client;
        let external_id = external_id.in_crm().cloned();
        Self {
            id,
            household_id,
            connection: external_id.is_some().then_some(connection),
            revision: revision.of_pack(),
            changed_at,
            external_id,
            title,
            first_name,
            middle_name,
            last_name,
            preferred_name,
            date_of_birth,
            sex,
            address_line_1,
            address_line_2,
            suburb,
            state,
            postcode,
            country_code,
            email,
            email_is_placeholder,
            mobile,
            adviser_external_id,
            partner_external_id: partner_external_id.filter(|id| id.in_crm().is_some()),
            is_partner,
            status,
            extensions: extensions.into_iter().map(ExtensionBody::from).collect(),
            diagnostics: diagnostics(found),
        }
    }
}
