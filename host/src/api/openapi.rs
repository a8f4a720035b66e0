//! What the OpenAPI document says beside the resources, which describe themselves.

use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder,
};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::api::problem::ProblemBody;

const DESCRIPTION: &str = "\
A practice's clients and households as its CRM has them, the runs that bring them over, and the file notes that go \
back.

Every call brings an API token as `Authorization: Bearer <token>`, or, from the host's own pages, the session's \
cookie. Lists take `limit` (1 to 500, by default 50) and `cursor`, and answer `next`, the cursor of the page that \
follows. Money is an exact amount as text with its currency, dates are ISO 8601, times RFC 3339 in UTC. Failures are \
problem documents (RFC 9457).";

/// The document before the resources are added.
pub fn base() -> OpenApi {
    let info =
        InfoBuilder::new().title("Tidegate").version(env!("CARGO_PKG_VERSION")).description(Some(DESCRIPTION)).license(
            Some(utoipa::openapi::LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()),
        );
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API token.")).build();
    let cookie = ApiKeyValue::with_description("__Host-tidegate", "The session of somebody who signed in.");
    let components = ComponentsBuilder::new()
        .security_scheme("token", SecurityScheme::Http(token))
        .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .schema(ProblemBody::name(), ProblemBody::schema())
        .schema("FieldError", crate::api::problem::FieldError::schema());
    OpenApiBuilder::new().info(info).components(Some(components.build())).build()
}

/// Adds what holds for every operation: a failure is a problem document.
pub fn finish(mut document: OpenApi) -> OpenApi {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ProblemBody::name()))).build();
    let problem = ResponseBuilder::new()
        .description("A problem document says what happened and what to do.")
        .content("application/problem+json", content)
        .build();
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            operation.responses.responses.insert("default".to_owned(), RefOr::T(problem.clone()));
        }
    }
    document
}
