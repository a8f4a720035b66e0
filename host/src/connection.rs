//! A connection: one CRM site with its connector and the pack revision that maps it.
//!
//! Serves `sync` and `notes`, which both need the three together.

use std::sync::{Arc, RwLock};

use crate::config::ConnectionConfig;
use crate::crm::Connector;
use crate::domain::departure::Threshold;
use crate::domain::{ConnectionName, Date};
use crate::pack::{Context, Revision};

/// One CRM site of the practice.
pub struct Connection {
    /// Its name in the configuration.
    pub name: ConnectionName,
    /// The dialect it speaks: `resourceful` or `open`.
    pub dialect: String,
    /// The practice's domain for made-up addresses.
    pub placeholder_email_domain: String,
    /// Cron expression with seconds, in the practice's time zone.
    pub schedule: String,
    /// The site's host, for people.
    pub forward_host: String,
    /// How many clients that are gone a run may mark as not visible by itself.
    pub gone_threshold: Threshold,
    /// Speaks to the site.
    pub connector: Arc<dyn Connector>,
    active: RwLock<Arc<Revision>>,
}

impl Connection {
    /// A connection mapped by `revision`.
    pub fn new(
        name: ConnectionName,
        settings: &ConnectionConfig,
        placeholder_email_domain: String,
        connector: Arc<dyn Connector>,
        revision: Arc<Revision>,
    ) -> Self {
        Self {
            name,
            dialect: settings.dialect.clone(),
            placeholder_email_domain,
            schedule: settings.schedule.clone(),
            forward_host: settings.forward_host.clone(),
            gone_threshold: settings.gone_threshold,
            connector,
            active: RwLock::new(revision),
        }
    }

    /// The revision in force. A batch holds on to the one it began with.
    pub fn revision(&self) -> Arc<Revision> {
        let active = self.active.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(&active)
    }

    /// What the mapping is told on the day `as_of`.
    pub fn context(&self, as_of: Date) -> Context {
        Context {
            region: self.revision().region().to_owned(),
            dialect: self.dialect.clone(),
            connection: self.name.to_string(),
            placeholder_email_domain: self.placeholder_email_domain.clone(),
            as_of,
        }
    }
}

/// The practice's connections, by name.
#[derive(Clone, Default)]
pub struct Connections(Arc<Vec<Arc<Connection>>>);

impl Connections {
    /// In the configuration's order.
    pub fn new(connections: Vec<Connection>) -> Self {
        Self(Arc::new(connections.into_iter().map(Arc::new).collect()))
    }

    /// The connection of this name.
    pub fn get(&self, name: &ConnectionName) -> Option<&Arc<Connection>> {
        self.iter().find(|connection| connection.name == *name)
    }

    /// Ends the sessions with all sites, side by side and briefly, so that none is left open behind a host that ends.
    pub async fn sign_out(&self) {
        futures::future::join_all(self.iter().map(|connection| connection.connector.sign_out())).await;
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.0.iter()
    }
}
