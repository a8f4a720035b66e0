//! Where an Xplan site is authorised: on the site itself, whichever dialect is spoken afterwards.

use crate::config::{Auth, ConnectionConfig};
use crate::crm::oauth::OAuth;
use crate::crm::{CrmError, http};

/// The site's side of OAuth; none where it is signed in to by name and password.
///
/// # Errors
/// Where the settings make no usable client.
pub fn oauth(settings: &ConnectionConfig) -> Result<Option<OAuth>, CrmError> {
    let Auth::OAuth { client_id, client_secret, .. } = &settings.auth else { return Ok(None) };
    let scheme = if settings.insecure_http { "http" } else { "https" };
    let base = format!("{scheme}://{}/oauth2", settings.forward_host);
    let addresses = (format!("{base}/auth"), format!("{base}/token"));
    let unusable = |words: String| CrmError::Protocol { words };
    let client = http::client(settings, &settings.forward_host).map_err(|error| unusable(error.to_string()))?;
    OAuth::new(client_id, client_secret, addresses, client).map(Some).map_err(unusable)
}
