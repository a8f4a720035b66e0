//! `tidegate config`: are the settings usable, and what are they?

use std::process::ExitCode;

use clap::Subcommand;

use super::{Global, output};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Say whether the settings can be used, naming every problem
    #[command(
        after_help = "Examples:\n  tidegate config check\n  tidegate config check --config /etc/tidegate.toml --json"
    )]
    Check,
    /// Print the settings in force: defaults, file, environment and flags together; secrets are files and stay there
    #[command(
        after_help = "Examples:\n  tidegate config dump\n  TIDEGATE__SERVER__LISTEN=0.0.0.0:80 tidegate config dump"
    )]
    Dump,
}

impl ConfigCommand {
    pub(super) fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let overrides = global.overrides();
        match self {
            Self::Check => match Config::load(global.config.as_deref(), &overrides) {
                Ok(config) => {
                    let names: Vec<String> = config.connections.keys().map(ToString::to_string).collect();
                    if global.json {
                        output::json(&serde_json::json!({ "ok": true, "connections": names }))?;
                    } else {
                        output::line(format!("The settings can be used. Connections: {}", or_none(&names)))?;
                    }
                }
                Err(error) if global.json => {
                    output::json(&serde_json::json!({ "ok": false, "problems": error.0 }))?;
                    return Ok(ExitCode::from(2));
                }
                Err(error) => return Err(error.into()),
            },
            Self::Dump => {
                let text = Config::dump(global.config.as_deref(), &overrides)?;
                if global.json {
                    output::json(&toml::from_str::<toml::Value>(&text)?)?;
                } else {
                    output::line(text.trim_end())?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
