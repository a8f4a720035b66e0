//! A driver of a CRM: its declaration, and what is made from that for a site.
//!
//! A driver is a `static` beside the connector; `registry` lists them all.

use std::sync::Arc;
use std::time::Duration;

use super::kind::CrmKind;
use super::oauth::OAuth;
use super::spec::SiteAccess;
use super::{Connector, SiteUnusable, Tokens};

/// A CRM that this program speaks to.
#[derive(Debug)]
pub struct CrmDriver {
    /// The CRM's declaration.
    pub kind: &'static CrmKind,
    /// The site's side of OAuth; none where the connection signs in without a person.
    pub authorisation: fn(&SiteAccess) -> Result<Option<OAuth>, SiteUnusable>,
    /// The maker of what speaks to the site.
    pub connector: MakeConnector,
}

/// Makes what speaks to a site. `Tokens` sign the calls where a person authorises it; no request lives for longer than the
/// duration.
pub type MakeConnector = fn(&SiteAccess, Option<Arc<dyn Tokens>>, Duration) -> Result<Arc<dyn Connector>, SiteUnusable>;
