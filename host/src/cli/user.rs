//! `tidegate user`: accounts, as whoever runs the host looks after them: the way back in where no practice manager can.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::local::{Local, WithoutStore};
use super::output::text;
use super::{Global, local, output};
use crate::access::{AccountError, NewUser};
use crate::config::bare;
use crate::domain::access::Role;

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
    /// Make a link by which somebody chooses another password; their API tokens go on unless they are revoked
    #[command(after_help = "Examples:
  tidegate user reset pat.lee@example.com
  tidegate user reset pat.lee@example.com --revoke-tokens")]
    Reset {
        /// The account's email or id
        #[arg(value_name = "EMAIL")]
        who: String,
        /// End the account's API tokens at once, and those that were made with them
        #[arg(long)]
        revoke_tokens: bool,
    },
    /// Take the second factor of somebody away who lost it; their sessions end, the password stays
    #[command(after_help = "Examples:\n  tidegate user reset-second-factor pat.lee@example.com")]
    ResetSecondFactor {
        /// The account's email or id
        #[arg(value_name = "EMAIL")]
        who: String,
    },
    /// Take the link to the identity provider away from an account; its sessions end
    #[command(after_help = "Examples:\n  tidegate user unlink pat.lee@example.com")]
    Unlink {
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
        // The first account may be made before the host's first start; what is refused makes no store.
        let (new, without_store) = match &self {
            Self::Add(add) => (add.examined(&config.practice.name).await?, WithoutStore::Make),
            _ => (Value::Null, WithoutStore::Refuse),
        };
        local::with_host_or(config, without_store, |host| async move { self.ask(&host, &new, json).await }).await?;
        Ok(ExitCode::SUCCESS)
    }

    /// Asks the host; `new` is the account to be made, where one is.
    async fn ask(self, host: &Local, new: &Value, json: bool) -> anyhow::Result<()> {
        match self {
            Self::Add(_) => told(&host.post_json("users", new).await?, json),
            Self::List { limit } => list(host, limit, json).await,
            Self::Reset { who, revoke_tokens } => {
                let id = id_of(host, &who).await?;
                let how = json!({"revoke_tokens": revoke_tokens});
                let made = host.post_json(&format!("users/{id}/reset"), &how).await?;
                told(&made, json)?;
                match made["tokens"].as_u64().unwrap_or_default() {
                    0 => Ok(()),
                    _ if json => Ok(()),
                    1 => output::line("1 API token of the account goes on; --revoke-tokens ends it."),
                    tokens => {
                        output::line(format!("{tokens} API tokens of the account go on; --revoke-tokens ends them."))
                    }
                }
            }
            Self::ResetSecondFactor { who } => {
                let id = id_of(host, &who).await?;
                let changed = host.post_json(&format!("users/{id}/reset-second-factor"), &Value::Null).await?;
                told(&changed, json)?;
                if json {
                    return Ok(());
                }
                output::line("The second factor is gone, and the person is signed out everywhere.")
            }
            Self::Unlink { who } => {
                let id = id_of(host, &who).await?;
                told(&host.post_json(&format!("users/{id}/unlink"), &Value::Null).await?, json)
            }
            Self::Role { who, role } => changed(host, &who, &json!({"role": role}), json).await,
            Self::Disable { who } => changed(host, &who, &json!({"disabled": true}), json).await,
            Self::Enable { who } => changed(host, &who, &json!({"disabled": false}), json).await,
        }
    }
}

impl Add {
    /// What the API is asked for, where an account can be made of it in a practice of this name.
    async fn examined(&self, practice: &str) -> anyhow::Result<Value> {
        let password = if self.password_stdin { Some(SecretString::from(read_password()?)) } else { None };
        let role = Role::from_word(&self.role).context("no such role")?;
        let new = NewUser { email: self.email.clone(), name: self.name.clone(), role, password };
        match new.examine(practice).await {
            Ok(_) => {}
            Err(AccountError::Invalid(problems)) => {
                let problems = problems.iter().map(|problem| format!("{}: {}", problem.field, problem.message));
                anyhow::bail!("{}", problems.collect::<Vec<_>>().join("; "));
            }
            Err(other) => return Err(other.into()),
        }
        let mut asked = json!({"email": new.email, "name": new.name, "role": role.as_str()});
        if let Some(password) = &new.password {
            asked["password"] = password.expose_secret().into();
        }
        Ok(asked)
    }
}

/// The first line of standard input, without the byte order mark that some shells begin a pipe with.
fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().take(1 << 16).read_to_string(&mut text).context("the password on standard input")?;
    Ok(bare(text.lines().next().unwrap_or_default()).to_owned())
}

async fn list(host: &Local, limit: usize, json: bool) -> anyhow::Result<()> {
    let users = host.first("users", &[], limit).await?;
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
    let users = host.list("users", &[("email", who)], 1).await?;
    let id = users.first().and_then(|user| user["id"].as_str());
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
