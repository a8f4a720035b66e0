//! Signing in to each connection's site, by the host that runs or one opened for it; and a look at the identity provider.

use serde_json::json;

use super::Found;
use crate::app;
use crate::cli::local::{self, Local, WithoutStore};
use crate::cli::output;
use crate::config::Config;
use crate::domain::text::full_stop;
use crate::openid::Description;

/// The identity provider of the settings.
pub(super) struct Provider {
    issuer: String,
    /// What it says of itself, or why it cannot be used.
    pub(super) said: Result<Description, String>,
}

/// Fills in what each enabled connection's site says.
pub(super) async fn sign_in(config: &Config, found: &mut [Found]) -> anyhow::Result<()> {
    let work = |host: Local| async move {
        for found in found.iter_mut().filter(|found| found.enabled) {
            let answer = host.post(&format!("connections/{}/check", found.name)).await;
            found.sign_in = Some(match answer {
                Ok(checked) => Ok(output::text(&checked["user"])),
                Err(error) => Err(format!("{error:#}")),
            });
        }
        Ok(())
    };
    local::with_host_or(config.clone(), WithoutStore::Borrow, work).await
}

/// Asks the identity provider, where the settings name one, as a sign-in would.
pub(super) async fn look_at_provider(config: &Config) -> anyhow::Result<Option<Provider>> {
    let Some(provider) = app::openid(config)? else { return Ok(None) };
    let issuer = provider.settings().issuer.clone();
    let said = provider.look().await.map_err(|error| error.for_operator());
    Ok(Some(Provider { issuer, said }))
}

impl Provider {
    pub(super) fn json(&self) -> serde_json::Value {
        let said = self.said.as_ref().ok();
        json!({
            "issuer": self.issuer,
            "signs_in_at": said.map(|said| &said.signs_in_at),
            "comes_back_to": said.map(|said| &said.comes_back_to),
            "scopes_not_offered": said.map(|said| &said.scopes_not_offered),
            "problem": self.said.as_ref().err(),
        })
    }

    pub(super) fn print(&self) -> anyhow::Result<()> {
        let Self { issuer, said } = self;
        match said {
            Err(message) => output::line(format!("  {issuer}: {}", full_stop(message))),
            Ok(Description { signs_in_at, comes_back_to, scopes_not_offered }) => {
                output::line(format!(
                    "  {issuer}: people sign in at {signs_in_at} and come back to {comes_back_to} (to be registered there)"
                ))?;
                match scopes_not_offered.is_empty() {
                    true => Ok(()),
                    false => {
                        output::line(format!("  {issuer}: does not offer the scopes {}", scopes_not_offered.join(", ")))
                    }
                }
            }
        }
    }
}
