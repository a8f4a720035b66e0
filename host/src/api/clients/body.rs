//! A client as it is answered.

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::body::{DiagnosticBody, diagnostics};
use crate::api::schema;
use crate::domain::edit::{LocalEdit, Overridden};
use crate::domain::record::{ClientStatus, Extension, Sex, Title};
use crate::domain::stored::{Origin, StoredClient};
use crate::domain::{
    Client, ClientId, ConnectionName, CountryCode, Date, E164, EmailAddress, ExternalId, HouseholdId, RevisionId,
    RunId, Timestamp,
};

/// The body and how it comes of a client: each of the CRM's fields stands here once, and one that the record has and
/// this list has not does not compile.
macro_rules! client_body {
    ($($(#[$meta:meta])* $field:ident: $kind:ty),+ $(,)?) => {
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
            /// Whether the CRM still shows it: `visible` or `not_visible`.
            #[schema(schema_with = schema::visibility)]
            visibility: &'static str,
            /// Since when the CRM no longer shows it; null while it does.
            #[schema(required, value_type = Option<String>, format = DateTime)]
            not_visible_since: Option<Timestamp>,
            /// The CRM's id; null for a client made in the practice and not linked to the CRM.
            #[schema(required, value_type = Option<String>)]
            external_id: Option<ExternalId>,
            $($(#[$meta])* $field: $kind,)+
            /// The partner's id in the CRM.
            #[schema(required, value_type = Option<String>)]
            partner_external_id: Option<ExternalId>,
            /// Fields that the pack adds.
            extensions: Vec<ExtensionBody>,
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
                let Client { external_id, partner_external_id, $($field,)+ extensions } = client;
                let external_id = external_id.in_crm().cloned();
                Self {
                    id,
                    household_id,
                    connection: external_id.is_some().then_some(connection),
                    revision: revision.of_pack(),
                    changed_at,
                    visibility: if not_visible_since.is_some() { "not_visible" } else { "visible" },
                    not_visible_since,
                    external_id,
                    $($field,)+
                    partner_external_id: partner_external_id.filter(|id| id.in_crm().is_some()),
                    extensions: extensions.into_iter().map(ExtensionBody::from).collect(),
                    diagnostics: diagnostics(stored.diagnostics),
                    local_edits: edits.into_iter().map(LocalEditBody::from).collect(),
                    overridden: overridden.into_iter().map(OverriddenBody::from).collect(),
                }
            }
        }
    };
}

client_body! {
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
    /// True for the partner of a couple, false for its primary and for a single person.
    is_partner: bool,
    /// How the CRM counts the person among the practice's relations.
    #[schema(schema_with = schema::client_status)]
    status: ClientStatus,
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
