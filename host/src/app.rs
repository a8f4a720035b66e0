//! The one handle that pages, calls and commands are given.

use std::sync::Arc;

use crate::access::Access;
use crate::config::Config;
use crate::connection::Connections;
use crate::notes::Notes;
use crate::store::Store;
use crate::sync::Syncs;

/// The running host. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The settings in force.
    pub config: Arc<Config>,
    /// The store.
    pub store: Store,
    /// The CRM sites.
    pub connections: Connections,
    /// Runs.
    pub syncs: Syncs,
    /// File notes.
    pub notes: Notes,
    /// People and tokens.
    pub access: Access,
}
