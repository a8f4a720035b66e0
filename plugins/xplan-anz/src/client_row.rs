//! A client's own row, as everything that reads it sees it.

use xplan::{ClientField, View};

/// A client's own row.
pub(crate) type ClientRow<'r, 'a> = View<'r, 'a, ClientField>;
