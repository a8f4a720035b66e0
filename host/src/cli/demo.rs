//! `tidegate demo`: a stand-in CRM with an invented book, the host beside it, a first walk and a first file note, all on
//! loopback and in a folder that is removed at the end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::local::Local;
use super::{Global, WrongUse, output, progress, serve as serve_command};
use crate::access::{self, NewUser};
use crate::app::App;
use crate::config::{self, Config};
use crate::crm::registry::Registry;
use crate::crm::registry::stand_in::{Account, Admin, MOST_CLIENTS, Options, Region, Sandbox};
use crate::domain::Timestamp;
use crate::domain::access::Role;
use crate::kit::Project;
use crate::pack::copy_whole;
use crate::serve::{self, ServeError};

/// The file of the demo's settings, in its folder.
const SETTINGS: &str = "tidegate.toml";

const EMAIL: &str = "manager@harbour.example";

/// The regions by their names in packs, each with the book of the stand-in site and the practice's time zone.
const PLACES: [(&str, Region, &str); 4] = [
    ("au", Region::Au, "Australia/Sydney"),
    ("nz", Region::Nz, "Pacific/Auckland"),
    ("uk", Region::Uk, "Europe/London"),
    ("za", Region::Za, "Africa/Johannesburg"),
];

#[derive(Args)]
#[command(after_help = "Examples:
  tidegate demo
  tidegate demo --clients 100000 --seed 7
  tidegate demo --listen 127.0.0.1:9000 --region za
  tidegate demo --pack acme-fj               a pack of one's own, on the invented book")]
pub(super) struct Demo {
    /// How many clients the invented book has, 10 to 1,000,000
    #[arg(long, default_value_t = 1000)]
    clients: u32,
    /// The same seed gives the same book
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the clients live: au, nz, uk or za
    #[arg(long, default_value = "au")]
    region: String,
    /// A pack to map by, in place of the region's own: its folder, or that of its plugin's source
    #[arg(long, value_name = "DIR")]
    pack: Option<PathBuf>,
    /// Where pages and API listen; a loopback address
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Refused, so that it is not offered: the demo has settings of its own
    #[arg(long, hide = true)]
    config: Option<PathBuf>,
    /// Refused in the same way
    #[arg(long, hide = true)]
    data_dir: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        self.check(global)?;
        let folder = tempfile::Builder::new().prefix("tidegate-demo-").tempdir()?;
        let sandbox = Sandbox::start(self.sandbox_options()).await.context("the stand-in site")?;
        let site = sandbox.admin();
        let couple = site.book(|book| book.showcase(jiff::Zoned::now().year()));
        let [shown, _] = site.add_couple(couple);
        let token = access::random_secret();
        let config = self.config(global, folder.path(), sandbox.addr(), token.expose_secret())?;
        let listener = serve::bind(&config, "--listen").await?;
        let app = App::open(config)?;
        let password = access::random_secret();
        let manager = NewUser {
            email: EMAIL.to_owned(),
            name: "Demo manager".to_owned(),
            role: Role::PracticeManager,
            password: Some(password.clone()),
        };
        app.access.add_user(manager, Timestamp::now()).await?;

        let shutdown = serve_command::on_signal();
        let settings = folder.path().join(SETTINGS);
        let secrets = [password.expose_secret(), token.expose_secret()];
        say_where(&listener, sandbox.addr(), secrets, &settings, global.json)?;
        let host = Local::of(&app.config.server.data_dir)?;
        let running = tokio::spawn(serve::run(app, (listener, None), shutdown.clone()));
        tokio::select! {
            outcome = show(&host, &site, shown, global.json) => outcome?,
            () = shutdown.cancelled() => {}
        }
        if !global.json && !shutdown.is_cancelled() {
            eprintln!("The host goes on until you press Ctrl-C; then the demo's data is removed.");
        }
        end(running, &shutdown).await?;
        sandbox.stop().await;
        Ok(ExitCode::SUCCESS)
    }

    fn check(&self, global: &Global) -> anyhow::Result<()> {
        if [&self.config, &self.data_dir, &global.config, &global.data_dir].into_iter().any(Option::is_some) {
            let message = "the demo has settings and a data folder of its own, which are removed at the end; leave out \
                         --config and --data-dir";
            return Err(WrongUse(message.to_owned()).into());
        }
        if !(10..=MOST_CLIENTS).contains(&self.clients) {
            return Err(WrongUse(format!("--clients is 10 to 1000000, not {}", self.clients)).into());
        }
        if self.place().is_none() {
            let known: Vec<&str> = PLACES.iter().map(|(name, ..)| *name).collect();
            return Err(WrongUse(format!("--region is one of {}, not `{}`", known.join(", "), self.region)).into());
        }
        if !self.listen.ip().is_loopback() {
            let message = "the demo's sign-in is printed, so that it listens on loopback only; use 127.0.0.1:PORT";
            return Err(WrongUse(message.to_owned()).into());
        }
        Ok(())
    }

    fn place(&self) -> Option<&'static (&'static str, Region, &'static str)> {
        PLACES.iter().find(|(name, ..)| *name == self.region)
    }

    fn sandbox_options(&self) -> Options {
        Options {
            clients: self.clients,
            seed: self.seed,
            region: self.place().map_or_else(Region::default, |(_, region, _)| *region),
            accounts: vec![Account::new("svc-tidegate", "demo")],
            ..Options::default()
        }
    }

    /// Writes the settings as a person would, so that the demo runs what a practice runs.
    fn config(&self, global: &Global, folder: &Path, site: SocketAddr, token: &str) -> anyhow::Result<Config> {
        std::fs::write(folder.join("crm-password"), "demo\n")?;
        std::fs::write(folder.join("token"), token)?;
        let shipped = packs_dir(global)?;
        let crm = Registry::BUILT_IN.usual().name;
        let (pack, packs_dir) = match &self.pack {
            // A copy: what is changed in the demo, or staged for it, leaves the author's own as it is.
            Some(own) => {
                let own = Project::find(own)?.pack;
                let packs = folder.join("packs");
                let name = copy_whole(&own, &shipped, &packs)?;
                (name, packs)
            }
            None => (format!("{crm}-{}", self.region), shipped),
        };
        let zone = self.place().map_or("UTC", |(_, _, zone)| *zone);
        let auth = toml::Table::from_iter([
            ("mode".to_owned(), "basic".into()),
            ("username".to_owned(), "svc-tidegate".into()),
            ("password-file".to_owned(), "crm-password".into()),
        ]);
        let main = toml::Table::from_iter([
            ("crm".to_owned(), crm.into()),
            ("insecure-http".to_owned(), true.into()),
            ("pack".to_owned(), pack.into()),
            ("forward-host".to_owned(), site.to_string().into()),
            ("auth".to_owned(), auth.into()),
        ]);
        let server = [
            ("listen", self.listen.to_string()),
            ("packs-dir", packs_dir.display().to_string()),
            ("bootstrap-token-file", "token".to_owned()),
        ];
        let practice = [("name", "Harbour Advice (demo)"), ("email-domain", "harbour.example"), ("time-zone", zone)];
        let settings = toml::Table::from_iter([
            ("practice".to_owned(), table(practice.map(|(key, value)| (key, value.to_owned())))),
            ("server".to_owned(), table(server)),
            ("log".to_owned(), table([("level", "warn".to_owned())])),
            ("connections".to_owned(), toml::Table::from_iter([("main".to_owned(), main.into())]).into()),
        ]);
        let path = folder.join(SETTINGS);
        std::fs::write(&path, toml::to_string_pretty(&settings)?)?;
        Ok(global.load_alone(&path)?)
    }
}

fn table<const N: usize>(entries: [(&str, String); N]) -> toml::Value {
    toml::Table::from_iter(entries.map(|(key, value)| (key.to_owned(), value.into()))).into()
}

/// `--packs-dir`, else what the environment says, as an image's does, else the packs beside the binary.
fn packs_dir(global: &Global) -> anyhow::Result<PathBuf> {
    if let Some(folder) = global.packs_dir.clone().or_else(config::packs_dir_of_environment) {
        return Ok(std::path::absolute(folder)?);
    }
    config::packs_beside_binary().context("no folder of packs beside the binary: name one with --packs-dir")
}

fn say_where(
    listener: &TcpListener,
    site: SocketAddr,
    [password, token]: [&str; 2],
    settings: &Path,
    as_json: bool,
) -> anyhow::Result<()> {
    let address = format!("http://{}", listener.local_addr()?);
    if as_json {
        let start = json!({
            "event": "listening", "address": address, "email": EMAIL, "password": password, "token": token,
            "site": format!("http://{site}"), "settings": settings,
        });
        return output::line(start);
    }
    output::line(format!("Open      {address}"))?;
    output::line(format!("Sign in   {EMAIL}"))?;
    output::line(format!("Password  {password}"))?;
    output::line(format!("API       curl -H 'Authorization: Bearer {token}' {address}/api/v1/households"))?;
    output::line(format!("Commands  tidegate --config {} pack history --connection main", settings.display()))?;
    output::line(format!("CRM       a stand-in site with invented people on http://{site}"))
}

/// The first walk, then what a practice does with a couple: a survey and a plan, each of which ends as a file note.
async fn show(host: &Local, site: &Admin, shown: u32, as_json: bool) -> anyhow::Result<()> {
    host.wait_until_ready().await?;
    let begun = host.post("connections/main/sync").await?;
    let run = progress::follow(host, &begun, as_json).await?;
    anyhow::ensure!(run["state"] == "done", "the first walk failed: {}", run["error"]);
    if !as_json {
        output::line(format!("Synced    {}", progress::in_words(&run)))?;
    }
    let couple = host.list("clients", &[("external_id", &shown.to_string())], 1).await?;
    let household = couple.first().context("the couple did not come over")?["household_id"].clone();
    let survey = json!({
        "score": 72,
        "goals": ["Pay off the home loan", "Travel while we are fit"],
        "dimensions": [{ "name": "Health", "percent": 80 }, { "name": "Money", "percent": 64 }],
    });
    let mut notes = Vec::new();
    for (event_type, data) in [("your-life-survey.completed", survey), ("best-life-plan.exported", json!({}))] {
        notes.push(report(host, event_type, &household, data).await?);
    }
    let in_crm = site.notes().len();
    for note in notes {
        if as_json {
            output::line(json!({ "event": "note", "note": note, "notes_in_crm": in_crm }))?;
        } else {
            let (subject, state) = (note["subject"].as_str(), note["state"].as_str());
            let (subject, state) = (subject.unwrap_or_default(), state.unwrap_or_default());
            output::line(format!("File note “{subject}” is {state}: {in_crm} in the CRM"))?;
        }
    }
    Ok(())
}

/// Reports an event of the household; answers its note once delivered.
async fn report(host: &Local, event_type: &str, household: &Value, data: Value) -> anyhow::Result<Value> {
    let now = Timestamp::now();
    let event = json!({ "type": event_type, "household_id": household, "occurred_at": now, "data": data });
    let accepted = host.post_event(&event, &format!("demo-{event_type}")).await?;
    let id = accepted["id"].as_str().context("the accepted note has no id")?;
    for _ in 0..100 {
        let note = host.get(&format!("notes/{id}")).await?;
        if matches!(note["state"].as_str(), Some("done" | "dead")) {
            return Ok(note);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    anyhow::bail!("the file note {id} is not delivered after 10 seconds; `tidegate note list` tells why")
}

async fn end(
    running: tokio::task::JoinHandle<Result<(), ServeError>>,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let outcome = running.await.context("the host ended abruptly")?;
    shutdown.cancel();
    Ok(outcome?)
}
