//! Pages of lists: how long one is, and where the next begins. A cursor is the key of a page's last row, as text.

use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::StoreError;

/// One page of a list.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The cursor of the next page; none after the last.
    pub next: Option<String>,
}

/// The place where a page begins, and how long it may be.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// `next` of the page before; none for the first.
    pub cursor: Option<String>,
    /// The number of rows, 1 to 500.
    pub limit: usize,
}

impl PageRequest {
    /// The number of rows that the page may have: what was asked for, within the bounds.
    pub(super) fn limit(&self) -> usize {
        self.limit.clamp(1, 500)
    }
}

/// The key after which a page begins.
#[derive(Clone, Copy)]
pub(super) struct After<const N: usize>(Option<[u8; N]>);

impl<const N: usize> After<N> {
    /// The lower bound within a span that begins with `first`.
    pub fn bound<'a>(&'a self, first: &'a [u8; N]) -> Bound<&'a [u8; N]> {
        match &self.0 {
            Some(after) if after >= first => Bound::Excluded(after),
            _ => Bound::Included(first),
        }
    }

    /// The upper bound within a span that ends with `last`, where a list goes backwards.
    pub fn upper_bound<'a>(&'a self, last: &'a [u8; N]) -> Bound<&'a [u8; N]> {
        match &self.0 {
            Some(after) if after <= last => Bound::Excluded(after),
            _ => Bound::Included(last),
        }
    }

    /// Whether a span that begins with `first` lies before the page, where a list goes backwards.
    pub fn is_before(&self, first: &[u8; N]) -> bool {
        self.0.is_some_and(|after| after <= *first)
    }

    /// Whether a span that ends with `last` lies before the page.
    pub fn is_past(&self, last: &[u8; N]) -> bool {
        self.0.is_some_and(|after| after >= *last)
    }

    /// Whether the page begins within a span.
    pub fn lies_within(&self, first: &[u8; N], last: &[u8; N]) -> bool {
        self.0.is_some_and(|after| (first..=last).contains(&&after))
    }
}

/// Reads the cursor of a request, which has to lie within one of the spans that the list goes through.
pub(super) fn read_cursor<const N: usize>(
    page: &PageRequest,
    spans: &[([u8; N], [u8; N])],
) -> Result<After<N>, StoreError> {
    let Some(text) = &page.cursor else { return Ok(After(None)) };
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| StoreError::BadCursor)?;
    let key = <[u8; N]>::try_from(bytes).map_err(|_| StoreError::BadCursor)?;
    let is_ours = spans.iter().any(|(first, last)| (first..=last).contains(&&key));
    if is_ours { Ok(After(Some(key))) } else { Err(StoreError::BadCursor) }
}

/// The cursor of a page that ends with this key.
pub(super) fn cursor_of(key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(key)
}
