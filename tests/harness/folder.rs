//! The folder a host runs in: settings, secrets, data.

use std::env;
use std::fs::{self, DirBuilder};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xplan_sandbox::{Options, Region};

/// The bootstrap token: accepted as the practice manager's.
pub const TOKEN: &str = "end-to-end-tests-bootstrap-token-0123456789";

/// What can be chosen about a host and its stand-in site.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The site's book, account and faults.
    pub site: Options,
    /// The pack that maps it.
    pub pack: String,
    /// How the site is spoken to: `resourceful`, or `open` with the site as its own gateway.
    pub dialect: String,
    /// When the connection syncs by itself; by default once a year, so that only the test starts runs.
    pub schedule: String,
    /// Lines put at the end of `tidegate.toml`.
    pub settings: String,
    /// More files below `secrets`, each with what it holds.
    pub secrets: Vec<(&'static str, &'static str)>,
}

impl Default for Setup {
    /// An Australian book of 120 clients.
    fn default() -> Self {
        Self {
            site: Options { clients: 120, region: Region::Au, prepared_bytes: 64 << 20, ..Options::default() },
            pack: "xplan-au".to_owned(),
            dialect: "resourceful".to_owned(),
            schedule: "0 0 0 1 1 *".to_owned(),
            settings: String::new(),
            secrets: Vec::new(),
        }
    }
}

impl Setup {
    /// The default with a book of this size.
    pub fn with_clients(clients: u32) -> Self {
        let mut setup = Self::default();
        setup.site.clients = clients;
        setup
    }

    /// Writes settings and secrets for the site at `site`; answers the settings' path.
    pub(super) fn write(&self, folder: &Path, site: SocketAddr) -> Result<PathBuf> {
        let account = self.site.accounts.first().context("the site has an account")?;
        let secrets = folder.join("secrets");
        // What is in it is for nobody else, as an operator would have it.
        DirBuilder::new().mode(0o700).create(&secrets)?;
        fs::write(secrets.join("xplan"), &account.password)?;
        fs::write(secrets.join("token"), TOKEN)?;
        for (name, secret) in &self.secrets {
            fs::write(secrets.join(name), secret)?;
        }
        let settings = format!(
            r#"[practice]
name = "Acme Advice"
email-domain = "acme.example"
time-zone = "Australia/Sydney"

[server]
listen = "127.0.0.1:0"
data-dir = "data"
packs-dir = "{packs}"
bootstrap-token-file = "secrets/token"

[connections.main]
crm = "xplan"
pack = "{pack}"
dialect = "{dialect}"
{gateway}
forward-host = "{site}"
insecure-http = true
schedule = "{schedule}"
auth = {{ mode = "basic", username = "{username}", password-file = "secrets/xplan" }}
{more}"#,
            packs = from_environment("TIDEGATE_PACKS")?.display(),
            pack = self.pack,
            dialect = self.dialect,
            gateway = if self.dialect == "open" { format!("gateway-host = \"{site}\"") } else { String::new() },
            schedule = self.schedule,
            username = account.username,
            more = self.settings,
        );
        let path = folder.join("tidegate.toml");
        fs::write(&path, settings)?;
        Ok(path)
    }
}

/// A path that `cargo xtask test` names.
pub(super) fn from_environment(name: &str) -> Result<PathBuf> {
    env::var_os(name).map(PathBuf::from).with_context(|| format!("{name} is not set: run this by `cargo xtask test`"))
}
