//! `tidegate healthcheck`: is the running host ready?

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::{Global, output};
use crate::serve;

#[derive(Args)]
#[command(
    after_help = "Examples:\n  tidegate healthcheck && echo ready\n  HEALTHCHECK CMD [\"tidegate\", \"healthcheck\"]"
)]
pub(super) struct Healthcheck {}

impl Healthcheck {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let config = global.load_quietly()?;
        crate::crm::install_tls();
        let socket = serve::socket_path(&config.server.data_dir);
        let client = reqwest::Client::builder().unix_socket(socket).build()?;
        let answer = client.get("http://tidegate/readyz").send().await;
        let answer = answer.context("no host is running on this data folder; start one with `tidegate serve`")?;
        let is_ready = answer.status().is_success();
        if global.json {
            output::json(&serde_json::json!({ "ready": is_ready }))?;
        } else {
            output::line(if is_ready { "ready" } else { "running, but not ready" })?;
        }
        Ok(ExitCode::from(u8::from(!is_ready)))
    }
}
