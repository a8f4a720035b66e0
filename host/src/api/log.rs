//! One log line a request: method, route, status, time. The route is the pattern (`/api/v1/clients/{id}`,
//! `/households/{id}`), never the address with its ids and searches.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

/// Logs a request once its answer begins.
pub async fn log_request(request: Request, next: Next) -> Response {
    // A method is any word that the sender likes.
    let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
    let method = known.into_iter().find(|known| known == request.method());
    let method = method.as_ref().map_or("(other)", Method::as_str);
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let begun = Instant::now();
    let response = next.run(request).await;
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let route = route.as_deref().unwrap_or("(none)");
    tracing::info!(method, route, status = response.status().as_u16(), took_ms, "request");
    response
}
