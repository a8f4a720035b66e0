//! `tidegate token`: API tokens.

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::local::Local;
use super::output::text;
use super::{Global, local, output};
use crate::domain::Timestamp;
use crate::domain::access::Scope;

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;
/// The longest time in days for which a token can be made to work.
const LONGEST: i64 = 3650;

#[derive(Subcommand)]
pub(super) enum Token {
    /// Make a token, which is printed this once
    #[command(after_help = "Examples:
  tidegate token add 'Nightly report' --scope read --days 90
  tidegate token add Portal --scope read --scope events --json")]
    Add(Add),
    /// List the tokens, the newest first
    #[command(after_help = "Examples:\n  tidegate token list\n  tidegate token list --json")]
    List {
        /// At most this many
        #[arg(long, default_value_t = 200)]
        limit: usize,
    },
    /// Let a token, and those that were made with it, be accepted no more
    #[command(after_help = "Examples:\n  tidegate token revoke 0192f0c4-7d1e-7000-8000-000000000001")]
    Revoke {
        /// The token's id, as `token list` prints it; not the token
        id: String,
    },
}

#[derive(Args)]
pub(super) struct Add {
    /// What it is for
    name: String,
    /// What it may do; may be given several times
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = scopes())]
    scopes: Vec<String>,
    /// For how many days it works; until it is revoked, if not said
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=LONGEST))]
    days: Option<i64>,
}

fn scopes() -> PossibleValuesParser {
    Scope::ALL.map(Scope::as_str).into()
}

impl Token {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (config, json) = (global.load_quietly()?, global.json);
        local::with_host(config, |host| async move { self.ask(&host, json).await }).await?;
        Ok(ExitCode::SUCCESS)
    }

    async fn ask(self, host: &Local, json: bool) -> anyhow::Result<()> {
        match self {
            Self::Add(Add { name, scopes, days }) => {
                let end = |days| Timestamp::from_second(Timestamp::now().as_second() + days * DAY);
                let expires_at = days.map(end).transpose()?.map(|end| end.to_string());
                let new = json!({"name": name, "scopes": scopes, "expires_at": expires_at});
                let made = host.post_json("tokens", &new).await?;
                if json {
                    return output::json(&made);
                }
                output::line(text(&made["token"]))?;
                output::tell(&format!("Shown this once. Its id, by which it is revoked, is {}.", text(&made["id"])));
                Ok(())
            }
            Self::List { limit } => list(host, limit, json).await,
            Self::Revoke { id } => {
                host.delete(&format!("tokens/{id}")).await?;
                if json { output::json(&json!({"id": id})) } else { output::line(format!("{id}: revoked")) }
            }
        }
    }
}

async fn list(host: &Local, limit: usize, json: bool) -> anyhow::Result<()> {
    let tokens = host.first("tokens", &[], limit).await?;
    if json {
        return output::json(&tokens);
    }
    let row = |token: &Value| {
        let scopes: Vec<String> = token["scopes"].as_array().into_iter().flatten().map(text).collect();
        let [id, name, maker, ends, used] =
            ["id", "name", "made_by_name", "expires_at", "used_at"].map(|member| text(&token[member]));
        vec![id, name, scopes.join(","), maker, ends, used]
    };
    let rows: Vec<Vec<String>> = tokens.iter().map(row).collect();
    let headings = ["ID", "NAME", "SCOPES", "MADE BY", "ENDS", "LAST USED"];
    output::table(&headings, &rows, "No API tokens yet. tidegate token add makes one.")
}
