//! What every list has in common: its filters and its place, read from the address, and the links between its pages.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::parts::Paging;
use crate::store::book::PageRequest;

/// Rows of a page.
const ROWS: usize = 50;

/// A list as it was asked for: `?filter=…&cursor=…`.
pub(super) struct Asked<F> {
    /// The list's own filters.
    pub(super) filter: F,
    cursor: Option<String>,
}

/// The filter of a list that has none.
#[derive(Deserialize)]
pub(super) struct Everything {}

#[derive(Deserialize)]
struct Place {
    cursor: Option<String>,
}

impl<F> Asked<F> {
    /// What the store is asked for.
    pub(super) fn page(&self) -> PageRequest {
        PageRequest { cursor: self.cursor.clone(), limit: ROWS }
    }

    /// Links to the list's other pages; see [`Paging::new`]. The store says where the next page begins.
    pub(super) fn paging(&self, path: &str, query: &str, next: Option<&str>) -> Paging {
        Paging::new(path, query, self.cursor.as_deref(), next)
    }
}

/// An address that no page of the host leads to is answered with a page, not with the words of a program.
impl<S: Send + Sync, F: DeserializeOwned> FromRequestParts<S> for Asked<F> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let unreadable = |_| Failure::Unreadable;
        let Query(filter) = Query::try_from_uri(&parts.uri).map_err(unreadable)?;
        let Query(Place { cursor }) = Query::try_from_uri(&parts.uri).map_err(unreadable)?;
        Ok(Self { filter, cursor })
    }
}

/// One way to filter a list.
pub(super) struct Choice {
    pub(super) word: &'static str,
    pub(super) path: String,
    pub(super) is_chosen: bool,
}
