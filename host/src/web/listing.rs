//! The parts that every list has in common: its filters and its place, read from the address, and the links between its
//! pages.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::components::{Paging, address, pair};
use super::failure::Failure;
use crate::store::StoreError;
use crate::store::book::{NameOrder, PageRequest};

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
struct Section {
    cursor: Option<String>,
}

impl<F: Default> Default for Asked<F> {
    fn default() -> Self {
        Self { filter: F::default(), cursor: None }
    }
}

impl<F> Asked<F> {
    /// The page of a list that begins at a cursor, for who comes back to it from one of its forms.
    pub(super) fn at(filter: F, cursor: Option<String>) -> Self {
        Self { filter, cursor }
    }

    /// The list from its first page on.
    pub(super) fn first(self) -> Self {
        Self { cursor: None, ..self }
    }

    /// The page that the store is asked for.
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
        let Query(Section { cursor }) = Query::try_from_uri(&parts.uri).map_err(unreadable)?;
        Ok(Self { filter, cursor })
    }
}

/// The only page of a list that is not cut into pages, or not by `cursor`: an address with a cursor is as unknown here as one that
/// another list gave out.
pub(super) struct OnlyPage;

impl<S: Send + Sync> FromRequestParts<S> for OnlyPage {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let asked = Asked::<Everything>::from_request_parts(parts, state).await?;
        if asked.cursor.is_none() { Ok(Self) } else { Err(StoreError::BadCursor.into()) }
    }
}

/// The value of `sort` by which a list goes backwards.
pub(super) const BACKWARDS: &str = "-name";

/// A column's heading, which turns the order of the list.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<th scope="col" aria-sort="{{ state }}"><a class="sort" href="{{ path }}">{{ word }} <span aria-hidden="true">{{ mark }}</span></a></th>"#
)]
pub(super) struct Sorting {
    word: &'static str,
    path: String,
    state: &'static str,
    mark: &'static str,
}

impl HtmlSafe for Sorting {}

impl Sorting {
    /// The sorting of a list at `path` that goes by name; `filter` is the rest of its address.
    pub(super) fn by_name(word: &'static str, path: &str, filter: &str, order: NameOrder) -> Self {
        let (state, mark, other) = match order {
            NameOrder::Ascending => ("ascending", "↑", pair("sort", BACKWARDS)),
            NameOrder::Descending => ("descending", "↓", String::new()),
        };
        Self { word, path: address(path, &[filter, &other]), state, mark }
    }
}

/// One way to filter a list.
pub(super) struct Choice {
    pub(super) word: &'static str,
    pub(super) path: String,
    pub(super) is_chosen: bool,
}
