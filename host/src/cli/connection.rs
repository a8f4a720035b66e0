//! `tidegate connection`: what only a person can say of a connection.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::local::Local;
use super::{Global, local, output};

#[derive(Subcommand)]
pub(super) enum Connection {
    /// Say that a connection's host is the same site under another name, so that syncs and file notes go on
    #[command(after_help = "Examples:
  tidegate connection same-site main crm.acme.example
  tidegate connection same-site main crm.acme.example --json")]
    SameSite {
        /// The connection's name
        #[arg(value_name = "CONNECTION")]
        connection: String,
        /// The host that it leads to now; every client has the same id there as on the host of before
        #[arg(value_name = "HOST")]
        host: String,
    },
    /// Say that a connection reads other clients of a site than the connection that brought clients of it already
    #[command(after_help = "Examples:
  tidegate connection apart south crm.acme.example
  tidegate connection apart south crm.acme.example --json")]
    Apart {
        /// The connection's name
        #[arg(value_name = "CONNECTION")]
        connection: String,
        /// The host that it leads to
        #[arg(value_name = "HOST")]
        host: String,
    },
}

impl Connection {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self {
            Self::SameSite { connection, host } => {
                say(global, (&connection, "same-site"), host, "is the same site; syncs and file notes go on").await
            }
            Self::Apart { connection, host } => {
                say(global, (&connection, "apart"), host, "is read by it apart from others; syncs go on").await
            }
        }
    }
}

/// Says something of the site that a connection leads to.
async fn say(global: &Global, (connection, what): (&str, &str), host: String, means: &str) -> anyhow::Result<ExitCode> {
    let path = format!("connections/{connection}/{what}");
    let said = json!({"forward_host": host});
    let work = |host: Local| async move { host.post_json(&path, &said).await };
    let known = local::with_host(global.load_quietly()?, work).await?;
    if global.json {
        output::json(&known)?;
    } else {
        let host = output::text(&known["forward_host"]);
        output::line(format!("{connection}: {host} {means}."))?;
    }
    Ok(ExitCode::SUCCESS)
}
