//! The JSON interface under `/api/v1`, for programs and for the pages' own scripts.
//!
//! One file a resource; `problem` is the one place where errors become answers, `caller` the one that lets somebody
//! in. The OpenAPI document is generated from the handlers. It renders no page and changes nothing by itself: it reads
//! after `authorize` allowed it, and whatever changes something is a verb of `ops`, which asks that itself. Where a verb
//! takes a body, a handler asks beforehand, too, so that nothing is read of who may not.

#![expect(unused_qualifications, reason = "utoipa's macros name traits by their whole path")]

mod advisers;
mod audit;
mod backups;
mod body;
mod caller;
mod clients;
mod connections;
mod documents;
mod emergency;
mod events;
mod extract;
pub mod figures;
mod goals;
mod hand_over;
mod health;
mod households;
mod imports;
mod incoming;
mod listed;
mod log;
mod notes;
mod openapi;
mod previews;
mod privacy;
mod problem;
mod quarantine;
mod record;
mod review;
mod revisions;
mod runs;
mod schema;
mod sessions;
mod tag;
mod teams;
mod tokens;
mod troubleshoot;
mod users;

use std::any::Any;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures::FutureExt as _;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::extract::BodyLimit;
use crate::api::openapi::served::Served;
use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::audit::Watched;

pub use log::log_request;

/// `/api/…`, `/healthz` and `/readyz`.
pub fn router(app: App) -> Router {
    let (routes, document) = resources().split_for_parts();
    let document = Served::new(openapi::finish(document));
    routes
        .route("/api/openapi.json", get(async move |app, headers| document.answer(app, headers).await))
        .route("/api", get(unknown))
        .route("/api/{*rest}", axum::routing::any(unknown))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(BodyLimit::USUAL.layers())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), watched))
        .layer(SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .layer(SetResponseHeaderLayer::overriding(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .with_state(app)
}

/// The methods and addresses of all calls.
#[cfg(test)]
pub fn calls() -> Vec<(&'static str, String)> {
    let paths = resources().split_for_parts().1.paths.paths;
    let of = |(pattern, item): (String, utoipa::openapi::PathItem)| {
        let methods =
            [("GET", item.get), ("POST", item.post), ("PUT", item.put), ("PATCH", item.patch), ("DELETE", item.delete)];
        let known = methods.into_iter().filter(|(_, operation)| operation.is_some());
        known.map(|(method, _)| (method, pattern.clone())).collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(of).collect()
}

fn resources() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(backups::list, backups::make))
        .routes(routes!(backups::settings))
        .routes(routes!(connections::list))
        .routes(routes!(connections::one))
        .routes(routes!(connections::sync))
        .merge(connections::absence_review_routes())
        .routes(routes!(connections::change::add))
        .routes(routes!(connections::change::change))
        .routes(routes!(connections::change::remove))
        .routes(routes!(connections::change::confirm_preflight))
        .routes(routes!(connections::change::confirm_same_site))
        .routes(routes!(connections::change::confirm_apart))
        .routes(routes!(connections::change::activate))
        .routes(routes!(connections::change::roll_back))
        .routes(routes!(connections::revisions::revisions))
        .merge(revisions::routes())
        .merge(incoming::routes())
        .merge(previews::routes())
        .routes(routes!(connections::check::check))
        .routes(routes!(connections::change::authorize))
        .routes(routes!(runs::list))
        .routes(routes!(runs::one))
        .routes(routes!(runs::events))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::changes))
        .routes(routes!(households::list))
        .routes(routes!(households::one))
        .routes(routes!(households::professional::change))
        .routes(routes!(households::access::one))
        .routes(routes!(households::access::set))
        .routes(routes!(households::access::explain))
        .routes(routes!(documents::preview))
        .routes(routes!(documents::one))
        .routes(routes!(documents::list::list))
        .merge(documents::upload::routes())
        .routes(routes!(clients::list))
        .routes(routes!(clients::one, clients::edit))
        .routes(routes!(clients::households))
        .routes(routes!(clients::explain))
        .routes(routes!(clients::extensions))
        .merge(listed::routes())
        .routes(routes!(goals::change))
        .merge(clients::routes())
        .routes(routes!(clients::sync))
        .routes(routes!(clients::sync_by_external_id))
        .merge(events::routes())
        .merge(imports::routes())
        .routes(routes!(notes::list))
        .routes(routes!(notes::one))
        .routes(routes!(notes::operator_actions::retry))
        .routes(routes!(notes::operator_actions::retry_all))
        .routes(routes!(notes::operator_actions::edit))
        .routes(routes!(notes::operator_actions::resolve))
        .routes(routes!(notes::operator_actions::discard))
        .routes(routes!(quarantine::list))
        .routes(routes!(quarantine::fixture))
        .routes(routes!(review::list))
        .routes(routes!(review::decide))
        .routes(routes!(troubleshoot::troubleshoot))
        .merge(audit::routes())
        .merge(privacy::routes())
        .routes(routes!(advisers::list))
        .routes(routes!(teams::list, teams::make))
        .routes(routes!(teams::change, teams::remove))
        .routes(routes!(emergency::list, emergency::open))
        .routes(routes!(emergency::end))
        .routes(routes!(emergency::review))
        .routes(routes!(hand_over::list))
        .routes(routes!(hand_over::hand_over))
        .routes(routes!(hand_over::default, hand_over::set_default))
        .routes(routes!(advisers::link, advisers::unlink))
        .routes(routes!(users::list, users::add))
        .routes(routes!(users::one, users::change))
        .routes(routes!(users::reset))
        .routes(routes!(users::reset_second_factor))
        .routes(routes!(users::unlink))
        .routes(routes!(sessions::list, sessions::open))
        .routes(routes!(sessions::end))
        .routes(routes!(tokens::list, tokens::make))
        .routes(routes!(tokens::revoke))
}

/// Takes to the audit log what a request shows or is refused, before its answer is sent.
async fn watched(State(app): State<App>, request: Request, next: Next) -> Response {
    let pattern = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let watched = Watched::of(request.method(), request.uri(), request.extensions(), pattern);
    let work = next.run(request).map(|response| (response.status(), response));
    app.audit.watch(watched, work).await.unwrap_or_else(|error| Problem::from(error).into_response())
}

async fn unknown(uri: Uri) -> Problem {
    let detail = format!("There is nothing at {}. The resources are listed in /api/openapi.json.", uri.path());
    Problem::new(Kind::NotFound, detail)
}

async fn method_not_allowed() -> Problem {
    let detail = "Nothing was changed. The `Allow` header lists the methods that the resource has.";
    Problem::new(Kind::MethodNotAllowed, detail)
}

/// A panic is a mistake in the host. It ends its own request, and its words go to the log by the panic hook.
fn panicked(_words: Box<dyn Any + Send>) -> Response {
    Problem::internal().into_response()
}

#[cfg(test)]
mod tests;
