//! The authorisation of an Xplan site: on the site itself, whichever dialect is spoken afterwards.

use super::kind::{CLIENT_ID, CLIENT_SECRET};
use crate::crm::oauth::OAuth;
use crate::crm::spec::SiteAccess;
use crate::crm::{SiteUnusable, http};

/// The site's side of OAuth; none where it is signed in to by name and password.
///
/// # Errors
/// Returns an error if the settings make no usable client.
pub(super) fn oauth(access: &SiteAccess) -> Result<Option<OAuth>, SiteUnusable> {
    let spec = &access.spec;
    let sign_in = &spec.sign_in;
    let (Some(client_id), Some(client_secret)) = (sign_in.values.get(CLIENT_ID), access.credentials.get(CLIENT_SECRET))
    else {
        return Ok(None);
    };
    let scheme = if spec.insecure_http { "http" } else { "https" };
    let base = format!("{scheme}://{}/oauth2", spec.forward_host);
    let addresses = (format!("{base}/auth"), format!("{base}/token"));
    let client = http::client(access, &spec.forward_host)?;
    OAuth::new(client_id, client_secret, addresses, client).map(Some)
}
