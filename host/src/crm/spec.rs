//! A connection to a CRM's site as it was given: by the settings file, a form, the API or the store, all of which are read
//! by the one parser in `crm/parse`.
//!
//! A connection's specification. What comes to a connection at run time stands around it: its secrets and the way to
//! the site in [`SiteAccess`], who made it and its state where connections are managed and put to work.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use secrecy::SecretString;

use super::kind::{CrmKind, SignInMode};
use super::proxy::Proxy;
use crate::domain::ConnectionName;
use crate::domain::absence::Threshold;
use crate::domain::schedule::Schedule;

/// One CRM site of the practice, without its secrets.
#[derive(Clone, Debug)]
pub struct ConnectionSpec {
    /// The connection's name in settings and addresses.
    pub name: ConnectionName,
    /// The CRM.
    pub crm: &'static CrmKind,
    /// Whether it is to run.
    pub enabled: bool,
    /// The pack folder's name.
    pub pack: String,
    /// The dialect it speaks, one of its CRM's.
    pub dialect: String,
    /// The site's host, with a port only where `insecure_http`; the folder of a site that is reached by one.
    pub forward_host: String,
    /// Whether to use plain HTTP to a loopback host.
    pub insecure_http: bool,
    /// The settings that its CRM asks for beside that, by the names of [`CrmKind::settings`].
    pub settings: BTreeMap<&'static str, String>,
    /// The schedule by which it walks its book, on the practice's clock.
    pub schedule: Schedule,
    /// The most requests that the site gets.
    pub rate_limits: RateLimits,
    /// The number of records that are gone that a run may mark by itself.
    pub gone_threshold: Threshold,
    /// The number of records that a revision on trial may reject anew before the breaker takes it back.
    pub breaker: Threshold,
    /// The way in which it signs in.
    pub sign_in: SignIn,
}

/// The way in which a connection signs in, without its secrets.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The mode, one of its CRM's ways to sign in.
    pub mode: &'static SignInMode,
    /// The values that the mode needs and that are no secrets: `username`.
    pub values: BTreeMap<&'static str, String>,
}

/// The most requests that a site gets. Where its answers slow down, it gets fewer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimits {
    /// Requests begun in a second.
    pub max_requests_per_second: NonZeroU32,
    /// Requests under way at once, one of them kept free for file notes.
    pub max_side_by_side: usize,
}

impl Default for RateLimits {
    /// A ceiling out of the way: the number of calls side by side is what keeps a site of ordinary speed far below it.
    fn default() -> Self {
        Self { max_requests_per_second: NonZeroU32::MIN.saturating_add(999), max_side_by_side: 5 }
    }
}

/// The secrets of a connection, opened, by the names of [`SignInMode::values`].
#[derive(Clone, Default, Debug)]
pub struct Credentials(pub(super) BTreeMap<&'static str, SecretString>);

impl Credentials {
    /// The secret of this name.
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name)
    }

    /// All secrets, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &SecretString)> {
        self.0.iter().map(|(name, secret)| (*name, secret))
    }
}

/// The access to a site, from which a connector is made.
#[derive(Clone, Debug)]
pub struct SiteAccess {
    /// The connection.
    pub spec: Arc<ConnectionSpec>,
    /// The connection's secrets.
    pub credentials: Credentials,
    /// The proxy by which the site is reached; directly where none.
    pub proxy: Option<Proxy>,
}

impl ConnectionSpec {
    /// One of its CRM's own settings.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.settings.get(name).map(String::as_str)
    }

    /// The hosts that its secrets are sent to, as a text that changes with them.
    pub fn recipients(&self) -> String {
        self.crm.recipients(&self.forward_host, |name| self.setting(name))
    }
}
