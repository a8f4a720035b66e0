//! A connection for tests of what is around it: its pack has the shipped events, and nothing is sent to its site.

use std::sync::Arc;

use super::{AuthState, Authorisation, Connection};
use crate::crm::held::Held;
use crate::crm::registry::Registry;
use crate::crm::spec::SiteAccess;
use crate::pack;

/// A connection whose pack takes the events of the shipped packs. Its plugin writes no notes.
pub fn with_shipped_events() -> Connection {
    let crm = Registry::BUILT_IN.usual();
    let access = SiteAccess::to_stand_in(crm, "127.0.0.1:1", &[("username", "svc"), ("password", "x")]).unwrap();
    let site = (Arc::new(Held::new("Nothing is sent.".to_owned())) as _, Authorisation::new(AuthState::NotNeeded));
    Connection::new(
        access.spec,
        "acme.example".to_owned(),
        site,
        pack::with_events(pack::events::shipped(crm.example_pack)),
    )
}
