//! Signing in to each connection's site, by the host that runs or one opened for it.

use super::Found;
use crate::cli::local::{self, Local};
use crate::config::Config;

/// Fills in what each enabled connection's site says.
pub(super) async fn sign_in(config: &Config, found: &mut [Found]) -> anyhow::Result<()> {
    let work = |host: Local| async move {
        for found in found.iter_mut().filter(|found| found.enabled) {
            let answer = host.post(&format!("connections/{}/check", found.name)).await;
            found.sign_in = Some(match answer {
                Ok(checked) => Ok(crate::cli::output::text(&checked["user"])),
                Err(error) => Err(format!("{error:#}")),
            });
        }
        Ok(())
    };
    local::with_host(config.clone(), work).await
}
