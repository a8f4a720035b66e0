//! `tidegate sync`: bring a book over.

use std::process::ExitCode;

use clap::Args;
use serde_json::Value;
use uuid::Uuid;

use super::local::{Local, WithoutStore};
use super::{Global, WrongUse, kinds, local, output, owner, progress};
use crate::app::App;
use crate::config::Config;
use crate::domain::{InvalidExternalId, RecordKind};

#[derive(Args)]
#[command(after_help = "Examples:
  tidegate sync --once              bring over the only connection's book now
  tidegate sync main --once --json  the same for `main`, one JSON line a step
  tidegate sync main --dry-run      say what would change, and change nothing
  tidegate sync --client 1259       bring one client over now, by its id in the CRM or in the practice
  tidegate sync main --confirm-gone mark the clients who are gone, whom the last run asked about
  tidegate sync main --dismiss-gone leave them as they are
  tidegate sync main --dismiss-gone=goal   the same for goals; other kinds alike
  tidegate sync                     keep the schedule without pages, until stopped")]
pub(super) struct Sync {
    /// The connection [default: all]
    connection: Option<String>,
    /// Walk the book once, now, and stop
    #[arg(long)]
    once: bool,
    /// Walk, map and compare, but store nothing
    #[arg(long)]
    dry_run: bool,
    /// Bring one client over, now: its id in the CRM, or its id in the practice
    #[arg(long, value_name = "ID", conflicts_with_all = ["once", "dry_run"])]
    client: Option<String>,
    /// Say that the clients, or what stands in their lists, that the last run asked about are gone [default: client];
    /// walk nothing
    #[arg(long, value_name = "KIND", num_args = 0..=1, require_equals = true, default_missing_value = "client",
        value_parser = kinds(),
        conflicts_with_all = ["once", "dry_run", "client"])]
    confirm_gone: Option<String>,
    /// Say that they are not gone, and leave them as they are [default: client]; walk nothing
    #[arg(long, value_name = "KIND", num_args = 0..=1, require_equals = true, default_missing_value = "client",
        value_parser = kinds(),
        conflicts_with_all = ["once", "dry_run", "client", "confirm_gone"])]
    dismiss_gone: Option<String>,
}

/// The message where no connection is enabled.
const NO_CONNECTION: &str = "none is enabled: add or enable one on the page Integrations, or name one in the settings as \
                             [connections.NAME] (`tidegate config dump` shows those of now)";

impl Sync {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        if let Some(client) = &self.client {
            return self.client(global, client).await;
        }
        let answers = self.confirm_gone.clone().map(|kind| (kind, "confirm"));
        let answers = answers.or(self.dismiss_gone.clone().map(|kind| (kind, "dismiss")));
        let follows_schedule = !self.once && !self.dry_run && answers.is_none();
        let config = if follows_schedule { global.load(Vec::new())? } else { global.load_quietly()? };
        if follows_schedule {
            return self.keep_schedule(config).await;
        }
        if let Some((kind, answer)) = answers {
            let json = global.json;
            let each = local::with_host(config, |host| async move {
                for name in self.names(&host).await? {
                    review_absence(&host, &name, (&kind, answer), json).await?;
                }
                Ok(())
            });
            each.await?;
            return Ok(ExitCode::SUCCESS);
        }
        let json = global.json;
        let without_store = if self.dry_run { WithoutStore::Borrow } else { WithoutStore::Refuse };
        let runs = local::with_host_or(config, without_store, |host| async move {
            let mut runs = Vec::new();
            for name in self.names(&host).await? {
                runs.push(walk(&host, &name, self.dry_run, json).await?);
            }
            Ok(runs)
        });
        let runs = runs.await?;
        let all_done = runs.iter().all(|run| run["state"] == "done");
        Ok(if all_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn client(&self, global: &Global, client: &str) -> anyhow::Result<ExitCode> {
        let config = global.load_quietly()?;
        let synced = local::with_host(config, |host| async move {
            let path = self.path_of(client, &host).await?;
            host.post(&path).await
        });
        let synced = synced.await?;
        if global.json {
            output::json(&synced)?;
        } else {
            let requests = synced["run"]["counts"]["requests"].as_u64().unwrap_or(1);
            output::line(format!("{} ({requests} requests)", synced["message"].as_str().unwrap_or_default()))?;
            for diagnostic in synced["diagnostics"].as_array().into_iter().flatten() {
                output::line(format!("  {}", diagnostic["message"].as_str().unwrap_or_default()))?;
            }
        }
        let is_here = matches!(synced["outcome"].as_str(), Some("created" | "changed" | "unchanged"));
        Ok(if is_here { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The address by which a client is synced: by the id in the practice, or in the CRM of the one connection that is
    /// meant.
    async fn path_of(&self, client: &str, host: &Local) -> anyhow::Result<String> {
        if let Ok(id) = Uuid::try_parse(client) {
            return Ok(format!("clients/{id}/sync"));
        }
        let id = client.trim();
        if id.is_empty() {
            return Err(WrongUse(InvalidExternalId::Missing.to_string()).into());
        }
        // The host knows what the ids of each CRM look like, and says what is wrong with one.
        let id = encoded(id);
        match self.names(host).await?.as_slice() {
            [name] => Ok(format!("connections/{name}/clients/{id}/sync")),
            _ => {
                let message =
                    "an id in the CRM belongs to one connection; name it: tidegate sync <connection> --client";
                Err(WrongUse(format!("{message} {client}")).into())
            }
        }
    }

    /// The connection that was named, else all that are enabled.
    async fn names(&self, host: &Local) -> anyhow::Result<Vec<String>> {
        let known = host.get("connections").await?["items"].take();
        let names = known
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one["enabled"] == true)
            .filter_map(|one| one["name"].as_str());
        self.chosen(names.map(str::to_owned).collect())
    }

    /// The connection that was named, else all, of those that are enabled.
    fn chosen(&self, names: Vec<String>) -> anyhow::Result<Vec<String>> {
        match &self.connection {
            Some(name) if names.contains(name) => Ok(vec![name.clone()]),
            Some(name) => {
                let others = match names.as_slice() {
                    [] => NO_CONNECTION.to_owned(),
                    names => format!("there are: {}", names.join(", ")),
                };
                Err(WrongUse(format!("there is no connection `{name}` that is enabled; {others}")).into())
            }
            None if names.is_empty() => Err(WrongUse(NO_CONNECTION.to_owned()).into()),
            None => Ok(names),
        }
    }

    /// The schedule without pages. Another host on the same data folder would keep it twice; the store's lock forbids it.
    async fn keep_schedule(self, config: Config) -> anyhow::Result<ExitCode> {
        let data_dir = config.server.data_dir.clone();
        let is_new = local::is_new(&data_dir);
        if is_new {
            // Before a store is made: there are no connections but those of the settings.
            if !config.is_given {
                return Err(local::no_settings(&data_dir));
            }
            let enabled = config.connections.iter().filter(|(_, access)| access.spec.enabled);
            self.chosen(enabled.map(|(name, _)| name.to_string()).collect())?;
        }
        owner::refuse_for_another(&data_dir)?;
        let app = match App::open(config.clone()) {
            Err(error) if error.is_held_by_another() => {
                let idle = local::with_host(config, |host| async move {
                    let mut idle = Vec::new();
                    for name in self.names(&host).await? {
                        let one = host.get(&format!("connections/{name}")).await?;
                        let message = [&one["problem"], &one["authorization"]["detail"], &one["site"]["detail"]];
                        let message = message.into_iter().find_map(Value::as_str);
                        idle.extend(message.map(|message| format!("{name} does not sync: {message}")));
                    }
                    anyhow::Ok(idle)
                });
                let idle = idle.await?;
                let message = "the host that runs on this data folder keeps the schedule already; --once syncs now";
                if idle.is_empty() {
                    anyhow::bail!(message);
                }
                anyhow::bail!("{message}. {}", idle.join(" "));
            }
            opened => opened?,
        };
        if is_new {
            local::tell_new_store(&data_dir);
        }
        app.start().await?;
        if self.connection.is_some() {
            self.chosen(app.connections.all().iter().map(|one| one.name.to_string()).collect())?;
        }
        let shutdown = super::serve::on_signal();
        crate::schedule::run(&app, self.connection.as_deref(), &shutdown).await;
        app.syncs.shut_down().await;
        Ok(ExitCode::SUCCESS)
    }
}

/// Answers what the last run asked about what is gone, where it asked.
async fn review_absence(host: &Local, name: &str, (kind, answer): (&str, &str), json: bool) -> anyhow::Result<()> {
    let many = RecordKind::of_clients().find(|known| known.as_str() == kind).map_or("records", RecordKind::plural);
    let asked = host.get(&format!("connections/{name}/departures?kind={kind}")).await?;
    let run = asked["run_id"].as_str().filter(|_| asked["standing"] == "waiting").map(str::to_owned);
    let answered = match &run {
        Some(run) => host.post(&format!("connections/{name}/departures/{answer}?kind={kind}&run_id={run}")).await?,
        None => asked,
    };
    if json {
        return output::json(&answered);
    }
    let (missing, of) = (&answered["missing"], &answered["of"]);
    match (run, answer, kind) {
        (None, ..) => output::line(format!("{name}: no run asks about {many} that are gone.")),
        (_, "confirm", "client") => {
            output::line(format!("{name}: {missing} of {of} clients are marked as not visible."))
        }
        (_, "confirm", _) => output::line(format!("{name}: {missing} of {of} {many} are marked as gone.")),
        _ => output::line(format!("{name}: {missing} of {of} {many} stay as they are.")),
    }
}

async fn walk(host: &Local, name: &str, dry_run: bool, json: bool) -> anyhow::Result<Value> {
    let query = if dry_run { "?dry_run=true" } else { "" };
    let begun = host.post(&format!("connections/{name}/sync{query}")).await?;
    let run = progress::follow(host, &begun, json).await?;
    if json {
        return Ok(run);
    }
    let message = progress::in_words(&run);
    match run["state"].as_str() {
        Some("done") if dry_run => output::line(format!("{name}: {message}. Nothing was stored."))?,
        Some("done") => output::line(format!("{name}: {message}."))?,
        _ => {
            let reason = match run["state"].as_str() {
                Some("cancelled") => "the run was cancelled.",
                _ => run["error"].as_str().unwrap_or("the run did not end."),
            };
            eprintln!("{name}: {reason} So far: {message}.");
        }
    }
    Ok(run)
}
/// A text as one step of an address.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
