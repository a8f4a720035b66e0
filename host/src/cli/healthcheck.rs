//! `tidegate healthcheck`: is the running host ready?

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::{Global, local, output};
use crate::serve;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  tidegate healthcheck && echo ready\n  tidegate healthcheck --timeout 2\n  HEALTHCHECK CMD [\"tidegate\", \"healthcheck\"]"
)]
pub(super) struct Healthcheck {
    /// How many seconds the host may take to answer
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

impl Healthcheck {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let config = global.load_quietly()?;
        crate::crm::install_tls();
        let socket = serve::socket_path(&config.server.data_dir);
        if !local::listens(&socket).await {
            anyhow::bail!("no host is running on this data folder; start one with `tidegate serve`");
        }
        let longest = Duration::from_secs(self.timeout);
        let client = reqwest::Client::builder().unix_socket(socket).timeout(longest).build()?;
        let answer = client.get("http://tidegate/readyz").send().await;
        if answer.as_ref().is_err_and(reqwest::Error::is_timeout) {
            return Err(local::silent(longest));
        }
        let answer = answer.context("the host that runs on this data folder closed the connection")?;
        let is_ready = answer.status().is_success();
        if global.json {
            output::json(&serde_json::json!({ "ready": is_ready }))?;
        } else {
            output::line(if is_ready { "ready" } else { "running, but not ready" })?;
        }
        Ok(ExitCode::from(u8::from(!is_ready)))
    }
}
