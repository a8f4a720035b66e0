//! Guards of every page: the headers of its answer, and the refusal of forms that other sites send.

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;

use super::failure::Failure;
use crate::access::request::is_from_own_page;
use crate::app::App;
use crate::audit::{self, Watched};

/// Nothing but what the host itself serves; nothing inline.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 3] =
    [(CONTENT_SECURITY_POLICY, POLICY), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (REFERRER_POLICY, "same-origin")];

/// Puts the headers on every answer. What has not said how long it may be kept is not kept at all.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if is_bare_refusal(&response) {
        let status = response.status();
        response = Failure::Unreadable.into_response();
        *response.status_mut() = status;
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Refuses a change that no page of this host asked for.
pub(super) async fn own_pages_only(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_from_own_page(request.method(), request.headers()) {
        return next.run(request).await;
    }
    audit::denied("A page of another site sent it, or a program.");
    Failure::FromAnotherSite.into_response()
}

/// Takes to the audit log what a page shows or refuses, before it is sent.
pub(super) async fn watched(State(app): State<App>, request: Request, next: Next) -> Response {
    let pattern = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let watched = Watched::of(request.method(), request.uri(), request.extensions(), pattern);
    let work = next.run(request).map(|response| (response.status(), response));
    app.audit.watch(watched, work).await.unwrap_or_else(|error| Failure::from(error).into_response())
}

/// A refusal in the words of the framework (a form without its fields, a method that the page does not have): a person
/// is given a page.
fn is_bare_refusal(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    response.status().is_client_error() && kind.is_none_or(|kind| kind.starts_with(b"text/plain"))
}
