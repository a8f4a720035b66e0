//! `tidegate user`: accounts, as whoever runs the host looks after them: the way back in where no practice manager can.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::local::Local;
use super::output::text;
use super::{Global, local, output};
use crate::domain::access::Role;

/// Accounts that are looked through for an email: more than any practice has.
const MOST: usize = 100_000;

#[derive(Subcommand)]
pub(super) enum User {
    /// Make an account, with a link by which the person chooses a password
    #[command(after_help = "Examples:
  tidegate user add pat.lee@example.com --name 'Pat Lee' --role adviser
  tidegate user add pat.lee@example.com --name 'Pat Lee' --role practice_manager --password-stdin < password")]
    Add(Add),
    /// List the accounts
    #[command(after_help = "Examples:\n  tidegate user list\n  tidegate user list --json")]
    List {
        /// At most this many
        #[arg(long, default_value_t = 200)]
        limit: usize,
    },
    /// Make a link by which somebody chooses another password
    #[command(after_help = "Examples:\n  tidegate user reset pat.lee@example.com")]
    Reset {
        /// The account's email or id
        #[arg(value_name = "EMAIL")]
        who: String,
    },
    /// Change the role of an account
    #[command(after_help = "Examples:\n  tidegate user role pat.lee@example.com practice_manager")]
    Role {
        /// The account's email or id
        #[arg(value_name = "EMAIL")]
        who: String,
        /// Its role from now on
        #[arg(value_parser = roles())]
        role: String,
    },
    /// Let nobody sign in with an account any more; its sessions and tokens end at once
    #[command(after_help = "Examples:\n  tidegate user disable pat.lee@example.com")]
    Disable {
        /// The account's email or id
        #[arg(value_name = "EMAIL")]
        who: String,
    },
    /// Let the holder of a disabled account sign in again
    #[command(after_help = "Examples:\n  tidegate user enable pat.lee@example.com")]
    Enable {
        /// The account's email or id
        #[arg(value_name = "EMAIL")]
        who: String,
    },
}

#[derive(Args)]
pub(super) struct Add {
    /// The email under which the person signs in
    email: String,
    /// The name by which colleagues know the person
    #[arg(long)]
    name: String,
    /// What the person may do in the practice
    #[arg(long, value_parser = roles())]
    role: String,
    /// Read the password from standard input, instead of making a link
    #[arg(long)]
    password_stdin: bool,
}

fn roles() -> PossibleValuesParser {
    Role::ALL.map(Role::as_str).into()
}

impl User {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (config, json) = (global.load_quietly()?, global.json);
        local::with_host(config, |host| async move { self.ask(&host, json).await }).await?;
        Ok(ExitCode::SUCCESS)
    }

    async fn ask(self, host: &Local, json: bool) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => {
                let mut new = json!({"email": add.email, "name": add.name, "role": add.role});
                if add.password_stdin {
                    new["password"] = read_password()?.into();
                }
                told(&host.post_json("users", &new).await?, json)
            }
            Self::List { limit } => list(host, limit, json).await,
            Self::Reset { who } => {
                let id = id_of(host, &who).await?;
                told(&host.post(&format!("users/{id}/reset")).await?, json)
            }
            Self::Role { who, role } => changed(host, &who, &json!({"role": role}), json).await,
            Self::Disable { who } => changed(host, &who, &json!({"disabled": true}), json).await,
            Self::Enable { who } => changed(host, &who, &json!({"disabled": false}), json).await,
        }
    }
}

/// The first line of standard input.
fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().take(1 << 16).read_to_string(&mut text).context("the password on standard input")?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

async fn list(host: &Local, limit: usize, json: bool) -> anyhow::Result<()> {
    let users = host.list("users", &[], limit).await?;
    if json {
        return output::json(&users);
    }
    let columns = ["id", "email", "name", "role", "state", "signed_in_at"];
    let rows: Vec<Vec<String>> = users.iter().map(|user| columns.map(|column| text(&user[column])).into()).collect();
    let headings = ["ID", "EMAIL", "NAME", "ROLE", "STATE", "LAST SIGN-IN"];
    output::table(&headings, &rows, "No accounts yet. tidegate user add makes one.")
}

async fn changed(host: &Local, who: &str, change: &Value, json: bool) -> anyhow::Result<()> {
    let id = id_of(host, who).await?;
    told(&host.patch_json(&format!("users/{id}"), change).await?, json)
}

/// The id of the account with an email, or the id itself.
async fn id_of(host: &Local, who: &str) -> anyhow::Result<String> {
    if uuid::Uuid::parse_str(who).is_ok() {
        return Ok(who.to_owned());
    }
    let users = host.list("users", &[], MOST).await?;
    let found = users.iter().find(|user| text(&user["email"]).eq_ignore_ascii_case(who.trim()));
    let id = found.and_then(|user| user["id"].as_str());
    id.map(str::to_owned)
        .with_context(|| format!("no account has the email {who}; tidegate user list lists those there are"))
}

/// An account, and the link that was made for it.
fn told(user: &Value, json: bool) -> anyhow::Result<()> {
    if json {
        return output::json(user);
    }
    let [email, role, state] = ["email", "role", "state"].map(|member| text(&user[member]));
    output::line(format!("{email}: {role}, {state}"))?;
    for link in ["invitation_url", "reset_url"].iter().filter_map(|member| user[*member].as_str()) {
        let ends = text(&user["link_ends_at"]);
        output::line(format!("To choose a password, once, until {ends}; hand it on to nobody else:\n{link}"))?;
    }
    Ok(())
}
