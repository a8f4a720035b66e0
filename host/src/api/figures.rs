//! `/metrics`, on a listener of its own: figures for Prometheus, without a sign-in and without anybody's name.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::app::App;
use crate::crm::TrafficTotals;
use crate::domain::run::RunState;
use crate::store::StoreError;
use crate::store::book::PageRequest;
use crate::telemetry::figures;

/// The router of the metrics listener.
pub fn router(app: App) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(app)
}

async fn metrics(State(app): State<App>) -> Response {
    match stand(&app).await {
        Ok(()) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], figures::text()).into_response(),
        Err(error) => {
            tracing::error!(%error, "the figures cannot be told");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Sets the figures of what stands now.
async fn stand(app: &App) -> Result<(), StoreError> {
    for (state, count) in app.store.open_notes().await? {
        figures::notes_in(state, count);
    }
    figures::free_space(app.store.space().free());
    figures::tasks_down(app.supervisor.down().len());
    figures::clients(app.store.book_counts().await?.clients);
    for connection in app.connections.all().iter() {
        let newest = PageRequest { cursor: None, limit: 20 };
        let runs = app.store.runs(Some(connection.name.clone()), newest).await?.items;
        let ended = runs.iter().find(|run| run.state == RunState::Done).and_then(|run| run.finished_at);
        let is_authorised = connection.authorisation.state().obstacle().is_none();
        let TrafficTotals { requests, retries, slow_downs } = connection.connector.traffic().totals();
        let traffic = [requests, retries, slow_downs];
        figures::connection(&connection.name, is_authorised, traffic, ended.map(|at| at.as_second()));
    }
    Ok(())
}
