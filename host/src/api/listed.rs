//! Goals and covers in clients' lists, as they are answered: of every kind the same around the kind's own fields.

mod routes;

use std::borrow::Cow;

use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use crate::api::body::{DiagnosticBody, diagnostics};
use crate::api::record::{ExtensionBody, FieldsOf, RecordBody};
use crate::domain::field::Record;
use crate::domain::listed::Listed;
use crate::domain::record::ListItem;
use crate::domain::stored::StoredListed;
use crate::domain::{ClientId, ConnectionName, HouseholdId, RevisionId, Timestamp};

pub use routes::routes;

/// A goal, cover or whatever else stands in a client's lists, as it is answered.
pub type ListedBody<T> = RecordBody<AroundListed<T>, T>;

/// The facts that are known of every item of a list, and the values that the practice adds to this one.
#[derive(Serialize)]
#[serde(bound = "")]
pub struct AroundListed<T: ListItem> {
    #[serde(flatten)]
    place: PlaceBody,
    #[serde(flatten)]
    own: FieldsOf<T::Own>,
}

/// The fields from `external_id` to `extensions` are the CRM's.
#[derive(Serialize, ToSchema)]
struct PlaceBody {
    /// The practice's own id, a UUIDv7.
    id: Uuid,
    /// The client in whose list it stands.
    #[schema(value_type = String, format = Uuid)]
    client_id: ClientId,
    /// The household of that client.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The connection that supplies it.
    #[schema(value_type = String)]
    connection: ConnectionName,
    /// The pack's revision that mapped it.
    #[schema(value_type = String)]
    revision: RevisionId,
    /// The moment at which the CRM's values last changed here.
    #[schema(value_type = String, format = DateTime)]
    changed_at: Timestamp,
    /// The moment since which it is taken for gone from the CRM's list; null while it stands there, or was missed once.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    gone_since: Option<Timestamp>,
    /// The CRM's list did not show it when it was read last; gone when two complete walks in a row have missed it.
    is_missed: bool,
    /// The values that the mapping left out or derived, and why.
    diagnostics: Vec<DiagnosticBody>,
}

impl<T: ListItem> PartialSchema for AroundListed<T> {
    fn schema() -> RefOr<Schema> {
        let mut schema = crate::api::record::with_fields(PlaceBody::schema(), <T::Own as Record>::FIELDS);
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            let mut about = format!("{} The fields from `external_id` to `extensions` are the CRM's", T::ABOUT.trim());
            let own: Vec<String> = <T::Own as Record>::FIELDS.iter().map(|field| format!("`{}`", field.name)).collect();
            match own.as_slice() {
                [] => about.push('.'),
                own => about.push_str(&format!("; {} are the practice's own.", own.join(" and "))),
            }
            object.description = Some(about);
        }
        schema
    }
}

impl<T: ListItem> ToSchema for AroundListed<T> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(T::NAME)
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        PlaceBody::schemas(schemas);
        schemas.push((ExtensionBody::name().into_owned(), ExtensionBody::schema()));
    }
}

impl<T: ListItem> From<StoredListed<T>> for ListedBody<T> {
    fn from(stored: StoredListed<T>) -> Self {
        let StoredListed { client_id, household_id, connection, revision, listed, is_missed } = stored;
        let Listed { id, value, own, changed_at, gone_since, diagnostics: found } = listed;
        let diagnostics = diagnostics(found);
        let place = PlaceBody {
            id,
            client_id,
            household_id,
            connection,
            revision,
            changed_at,
            gone_since,
            is_missed,
            diagnostics,
        };
        Self { around: AroundListed { place, own: FieldsOf(own) }, fields: FieldsOf(value) }
    }
}
