//! The OpenAPI document as it is answered: with the events of the packs in force when it is asked for.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::events;
use crate::app::App;
use crate::connection::Connections;
use crate::domain::{ConnectionName, RevisionDigest};

/// The packs in force: by connection, their revisions.
type InForce = Vec<(ConnectionName, RevisionDigest)>;

/// The document without events, and the last that was answered. Cheap to clone.
#[derive(Clone)]
pub struct Served(Arc<Inner>);

struct Inner {
    plain: Value,
    latest: Mutex<Option<(InForce, Whole)>>,
}

/// A whole document.
#[derive(Clone)]
struct Whole {
    text: Bytes,
    /// Another for every other text.
    tag: String,
}

impl Served {
    /// What is answered from the document without events.
    pub fn new(plain: Value) -> Self {
        Self(Arc::new(Inner { plain, latest: Mutex::new(None) }))
    }

    /// `GET /api/openapi.json`. Whoever keeps a copy asks with its tag whether that still holds.
    pub async fn answer(self, State(app): State<App>, headers: HeaderMap) -> Response {
        let Whole { text, tag } = self.whole(&app.connections);
        let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        // A proxy that compresses answers marks their tags as weak.
        let mut known = known.flat_map(|value| value.split(',')).map(|tag| tag.trim().trim_start_matches("W/"));
        let headers = [(ETAG, tag.as_str()), (CACHE_CONTROL, "no-cache")];
        if known.any(|known| known == tag || known == "*") {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        (headers, [(CONTENT_TYPE, "application/json")], text).into_response()
    }

    fn whole(&self, connections: &Connections) -> Whole {
        let revisions: Vec<_> =
            connections.all().iter().map(|connection| (connection.name.clone(), connection.revision())).collect();
        let in_force: InForce = revisions.iter().map(|(name, revision)| (name.clone(), revision.digest())).collect();
        let latest = || self.0.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, whole)) = &*latest()
            && *of == in_force
        {
            return whole.clone();
        }
        let mut document = self.0.plain.clone();
        let types = revisions.iter().flat_map(|(_, revision)| revision.events().all());
        events::spell_out(&mut document, types.map(AsRef::as_ref));
        let text = document.to_string();
        let tag = format!("\"{}\"", &blake3::hash(text.as_bytes()).to_hex()[..32]);
        let whole = Whole { text: text.into(), tag };
        *latest() = Some((in_force, whole.clone()));
        whole
    }
}
