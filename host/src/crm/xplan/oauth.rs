//! Where an Xplan site is authorised: on the site itself, whichever dialect is spoken afterwards.

use crate::config::{Auth, ConnectionConfig};
use crate::crm::CrmError;
use crate::crm::oauth::OAuth;

/// The site's side of OAuth; none where it is signed in to by name and password.
///
/// # Errors
/// Where the settings make no usable client.
pub fn oauth(settings: &ConnectionConfig) -> Result<Option<OAuth>, CrmError> {
    let Auth::OAuth { client_id, client_secret, .. } = &settings.auth else { return Ok(None) };
    let scheme = if settings.insecure_http { "http" } else { "https" };
    let base = format!("{scheme}://{}/oauth2", settings.forward_host);
    let addresses = (format!("{base}/auth"), format!("{base}/token"));
    let client = OAuth::new(client_id, client_secret, addresses, settings.insecure_http);
    client.map(Some).map_err(|words| CrmError::Protocol { words })
}
