//! The parts of the OpenAPI document beside the resources, which describe themselves.

mod events;
pub mod parameters;
pub mod served;

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required,
    Response, ResponseBuilder, Schema,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::api::connections::declared;
use crate::api::problem::ProblemBody;
use crate::crm::registry::Registry;

/// The beginning of the names of lists' schemas.
const LIST: &str = "List_";

/// Operations whose body may be left out.
const OPTIONAL_BODIES: [&str; 3] = ["stage_revision", "activate_connection_pack", "roll_back_connection_pack"];

const DESCRIPTION: &str = "\
A practice's clients and households as its CRM has them, the runs that bring them over, and the file notes that go \
back.

Every call brings a token as `Authorization: Bearer <token>`, or, from the host's own pages, the session's cookie. A \
token is an API token of `/tokens`, which does a part of what its maker may, or that of a session of `/sessions`, with \
which a program acts as a person. Lists take `limit` (1 to 500, by default 50) and `cursor`, and answer `next`, the cursor of the page that \
follows. Money is an exact amount as text with its currency, dates are ISO 8601, times RFC 3339 in UTC. Failures are \
problem documents (RFC 9457).";

/// The media type of failures.
const PROBLEM: &str = "application/problem+json";

/// The document before the resources are added.
pub fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Tidegate")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()));
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API token, or that of a session."))
        .build();
    let cookie = ApiKeyValue::with_description("__Host-tidegate", "The session of somebody who signed in.");
    let components = ComponentsBuilder::new()
        .security_scheme("token", SecurityScheme::Http(token))
        .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .schema(ProblemBody::name(), ProblemBody::schema())
        .schema("FieldError", crate::api::problem::FieldError::schema());
    OpenApiBuilder::new().info(info).components(Some(components.build())).build()
}

/// Adds what holds for every operation and every list.
pub fn finish(mut document: OpenApi) -> Value {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name()))).build();
    let problem = ResponseBuilder::new()
        .description("A problem document says what happened and what to do.")
        .content(PROBLEM, content.clone())
        .build();
    for item in document.paths.paths.values_mut() {
        for operation in
            [&mut item.get, &mut item.post, &mut item.patch, &mut item.put, &mut item.delete].into_iter().flatten()
        {
            let is_optional = operation.operation_id.as_deref().is_some_and(|id| OPTIONAL_BODIES.contains(&id));
            if let Some(RefOr::T(body)) = operation.request_body.as_mut().filter(|_| is_optional) {
                body.required = Some(Required::False);
            }
            let responses = &mut operation.responses.responses;
            responses.values_mut().for_each(describe);
            // What is refused as a whole, before anything of it is tried, is told as everywhere.
            if let Some(RefOr::T(refused)) = responses.get_mut("422") {
                refused.content.insert(PROBLEM.to_owned(), RefOr::T(content.clone()));
            }
            responses.insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
    if let Some(components) = &mut document.components {
        name_items(&mut components.schemas);
    }
    // Plain data with text keys.
    let mut document = serde_json::to_value(document).unwrap_or_default();
    parameters::complete(&mut document);
    declared::complete(&mut document, Registry::BUILT_IN);
    document
}

/// OpenAPI wants a description of every answer; the schema says the rest.
fn describe(response: &mut RefOr<Response>) {
    if let RefOr::T(response) = response
        && response.description.is_empty()
    {
        "What was asked for.".clone_into(&mut response.description);
    }
}

/// The items of `List_Client` are written out in place; names them `Client`, so that programs generated from the
/// document have one type for a client, not two.
fn name_items(schemas: &mut BTreeMap<String, RefOr<Schema>>) {
    let lists: Vec<String> = schemas.keys().filter(|name| name.starts_with(LIST)).cloned().collect();
    for list in lists {
        let item = list.trim_start_matches(LIST).to_owned();
        let Some(RefOr::T(Schema::Object(object))) = schemas.get_mut(&list) else { continue };
        let Some(RefOr::T(Schema::Array(array))) = object.properties.get_mut("items") else { continue };
        if let ArrayItems::RefOrSchema(items) = &mut array.items {
            let reference = RefOr::Ref(Ref::from_schema_name(&item));
            let written_out = std::mem::replace(&mut **items, reference);
            schemas.entry(item).or_insert(written_out);
        }
    }
}
