//! `tidegate config`: are the settings usable, and what are they?

mod connect;
mod packs;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{Global, output};
use crate::config::{Config, ignored_variables};
use crate::domain::ConnectionName;

#[derive(Subcommand)]
pub(super) enum ConfigCommand {
    /// Say whether the settings can be used, naming every problem; exit 2 where they cannot, 1 where a site or the identity
    /// provider cannot
    #[command(after_help = "Examples:
  tidegate config check
  tidegate config check --connect
  tidegate config check --config /etc/tidegate.toml --json")]
    Check(Check),
    /// Print the settings in force: defaults, file, environment and flags together; secrets are not printed
    #[command(
        after_help = "Examples:\n  tidegate config dump\n  TIDEGATE__SERVER__LISTEN=0.0.0.0:80 tidegate config dump"
    )]
    Dump,
}

#[derive(Args)]
pub(super) struct Check {
    /// Sign in to each connection's site as well, and say as whom; ask the identity provider what it says of itself
    #[arg(long)]
    connect: bool,
}

impl ConfigCommand {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self {
            Self::Check(check) => check.run(global).await,
            Self::Dump => {
                let text = Config::dump(global.config.as_deref(), &global.overrides())?;
                if global.json {
                    output::json(&toml::from_str::<toml::Value>(&text)?)?;
                } else {
                    output::line(text.trim_end())?;
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

/// The findings about a connection.
struct Found {
    name: ConnectionName,
    enabled: bool,
    /// The times at which its schedule starts the next runs.
    next_runs: Vec<Timestamp>,
    /// The user as whom the site knows the host, or why it does not; none where nobody asked.
    sign_in: Option<Result<String, String>>,
}

impl Check {
    async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (config, mut problems) = match Config::examine(global.config.as_deref(), &global.overrides()) {
            Ok((config, problems)) => (global.ready(config), problems),
            Err(error) => return refuse(global, &error.0, &ignored_variables()),
        };
        let warnings = [ignored_variables(), config.warnings.clone()].concat();
        problems.extend(packs::problems(config.clone()).await?);
        if !problems.is_empty() {
            return refuse(global, &problems, &warnings);
        }
        let zone = &config.practice.time_zone;
        let mut found = Vec::new();
        for (name, access) in &config.connections {
            let spec = &access.spec;
            let next_runs = if spec.enabled { spec.schedule.next_runs(Timestamp::now(), zone) } else { Vec::new() };
            found.push(Found { name: name.clone(), enabled: spec.enabled, next_runs, sign_in: None });
        }
        let mut provider = None;
        if self.connect {
            connect::sign_in(&config, &mut found).await?;
            provider = connect::look_at_provider(&config).await?;
        }
        if global.json {
            let connections = found.iter().map(json).collect::<Vec<_>>();
            let mut answer = serde_json::json!({ "ok": true, "warnings": warnings, "connections": connections });
            if let Some(provider) = &provider {
                answer["identity_provider"] = provider.json();
            }
            output::json(&answer)?;
        } else {
            print(&config, &found)?;
            provider.iter().try_for_each(connect::Provider::print)?;
            warn(&warnings);
        }
        let all_answered = found.iter().all(|found| !matches!(found.sign_in, Some(Err(_))))
            && provider.is_none_or(|provider| provider.said.is_ok());
        Ok(if all_answered { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Tells the problems; the settings are of no use with them.
fn refuse(global: &Global, problems: &[String], warnings: &[String]) -> anyhow::Result<ExitCode> {
    if global.json {
        output::json(&serde_json::json!({ "ok": false, "warnings": warnings, "problems": problems }))?;
        return Ok(ExitCode::from(2));
    }
    warn(warnings);
    Err(crate::config::ConfigError(problems.to_vec()).into())
}

/// Tells what is ignored or to be looked at; the settings can be used for all that.
fn warn(warnings: &[String]) {
    for message in warnings {
        output::tell(&format!("warning: {message}"));
    }
}

fn json(found: &Found) -> serde_json::Value {
    let mut json = serde_json::json!({ "name": found.name, "enabled": found.enabled, "next_runs": found.next_runs });
    if let Some(sign_in) = &found.sign_in {
        json["signed_in_as"] = sign_in.as_ref().ok().cloned().into();
        json["problem"] = sign_in.as_ref().err().cloned().into();
    }
    json
}

fn print(config: &Config, found: &[Found]) -> anyhow::Result<()> {
    let names: Vec<String> = found.iter().map(|found| found.name.to_string()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    output::line(format!("The settings can be used. Connections: {names}"))?;
    for Found { name, enabled, next_runs, sign_in } in found {
        let zone = &config.practice.time_zone;
        let times = next_runs.iter().map(|at| at.to_zoned(zone.clone()).strftime("%a %-d %b %Y %H:%M").to_string());
        let times: Vec<String> = times.collect();
        let runs = if *enabled { format!("next runs {}", times.join(", ")) } else { "disabled".to_owned() };
        output::line(format!("  {name}: {runs}"))?;
        match sign_in {
            Some(Ok(user)) => output::line(format!("  {name}: signed in as {user}"))?,
            Some(Err(message)) => output::line(format!("  {name}: {message}"))?,
            None => {}
        }
    }
    Ok(())
}
