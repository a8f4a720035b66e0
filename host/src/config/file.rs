//! The settings as they are written, before anything is checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::host::is_host_name;
use super::{Auth, Config, ConfigError, ConnectionConfig, DIALECTS, HostRules, Log, Practice, Server};
use crate::domain::ConnectionName;
use crate::domain::departure::Threshold;

/// All sections; the keys are documented in `reference.toml`.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    practice: PracticeSection,
    server: ServerSection,
    log: LogSection,
    #[serde(default)]
    crm: CrmSection,
    #[serde(default)]
    metrics: MetricsSection,
    #[serde(default)]
    connections: BTreeMap<String, ConnectionSection>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PracticeSection {
    name: String,
    email_domain: String,
    time_zone: String,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ServerSection {
    listen: String,
    data_dir: PathBuf,
    packs_dir: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bootstrap_token_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_key_file: Option<PathBuf>,
}

#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct CrmSection {
    forward_host_suffixes: Vec<String>,
    stand_in_sites: bool,
}

#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct MetricsSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<String>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct LogSection {
    level: String,
    format: LogFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ConnectionSection {
    crm: String,
    pack: String,
    #[serde(default = "resourceful")]
    dialect: String,
    forward_host: String,
    #[serde(default = "hourly")]
    schedule: String,
    #[serde(default)]
    insecure_http: bool,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    gone_threshold: GoneThreshold,
    auth: AuthSection,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct GoneThreshold {
    percent: u8,
    at_least: u64,
}

impl Default for GoneThreshold {
    fn default() -> Self {
        let Threshold { percent, at_least } = Threshold::default();
        Self { percent, at_least }
    }
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(tag = "mode", deny_unknown_fields, rename_all = "kebab-case", rename_all_fields = "kebab-case")]
enum AuthSection {
    Basic {
        username: String,
        password_file: PathBuf,
        #[serde(skip_serializing_if = "Option::is_none")]
        app_id: Option<String>,
    },
    #[serde(rename = "oauth")]
    OAuth {
        client_id: String,
        client_secret_file: PathBuf,
        #[serde(skip_serializing_if = "Option::is_none")]
        app_id: Option<String>,
    },
}

fn resourceful() -> String {
    "resourceful".to_owned()
}

fn hourly() -> String {
    "0 0 * * * *".to_owned()
}

fn yes() -> bool {
    true
}

/// Collects problems, so that a person sees all of them at once.
struct Check<'a> {
    base: &'a Path,
    problems: Vec<String>,
}

impl Check<'_> {
    fn problem(&mut self, key: &str, words: impl std::fmt::Display) {
        self.problems.push(format!("{key}: {words}"));
    }

    fn secret(&mut self, key: &str, path: &Path) -> SecretString {
        let path = self.base.join(path);
        match std::fs::read_to_string(&path) {
            Ok(text) if text.trim_end().is_empty() => self.problem(key, format!("{} is empty", path.display())),
            Ok(text) => return text.trim_end_matches(['\r', '\n']).to_owned().into(),
            Err(error) => self.problem(key, format!("{} cannot be read: {error}", path.display())),
        }
        SecretString::default()
    }

    fn address(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        let address = text.parse::<SocketAddr>();
        address.map_err(|_| self.problem(key, format!("`{text}` is no address such as 127.0.0.1:8080"))).ok()
    }

    /// A secret of at least 32 characters.
    fn long_secret(&mut self, key: &str, what: &str, path: &Path) -> SecretString {
        use secrecy::ExposeSecret as _;
        let secret = self.secret(key, path);
        self.check_length(key, what, secret.expose_secret());
        secret
    }

    fn check_length(&mut self, key: &str, what: &str, secret: &str) {
        if !secret.is_empty() && secret.len() < 32 {
            self.problem(key, format!("the {what} is shorter than 32 characters"));
        }
    }
}

impl File {
    /// Checks every value; relative paths are meant from `base`. `secret_key` is the environment's.
    pub(super) fn into_config(self, base: &Path, secret_key: Option<String>) -> Result<Config, ConfigError> {
        let mut check = Check { base, problems: Vec::new() };
        let practice = self.practice.check(&mut check);
        let server = self.server.check(secret_key, &mut check);
        let hosts = self.crm.check(&mut check);
        let metrics = self.metrics.check(&mut check);
        let log = Log { level: self.log.level, json: self.log.format == LogFormat::Json };
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&log.level) {
            check.problem("log.level", format!("`{}` is no level: {error}", log.level));
        }
        let mut connections = BTreeMap::new();
        for (name, section) in self.connections {
            match ConnectionName::from_str(&name) {
                Ok(connection) if connection.is_practice() => {
                    let words = "`practice` stands for what is made in the practice itself; choose another name";
                    check.problem("connections.practice", words);
                }
                Ok(connection) => {
                    let settings = section.check(&format!("connections.{name}"), &hosts, &mut check);
                    connections.insert(connection, settings);
                }
                Err(error) => check.problem("connections", error),
            }
        }
        match (practice, server, check.problems.is_empty()) {
            (Some(practice), Some(server), true) => Ok(Config { practice, server, log, metrics, hosts, connections }),
            _ => Err(ConfigError(check.problems)),
        }
    }
}

impl PracticeSection {
    fn check(self, check: &mut Check<'_>) -> Option<Practice> {
        if self.name.trim().is_empty() {
            check.problem("practice.name", "is empty; it is shown on every page and file note");
        }
        if !is_host_name(&self.email_domain) {
            check
                .problem("practice.email-domain", format!("`{}` is no domain such as acme.example", self.email_domain));
        }
        let zone = jiff::tz::TimeZone::get(&self.time_zone);
        match zone {
            Ok(time_zone) => Some(Practice { name: self.name, email_domain: self.email_domain, time_zone }),
            Err(_) => {
                let words = format!("`{}` is no IANA time zone such as Pacific/Auckland", self.time_zone);
                check.problem("practice.time-zone", words);
                None
            }
        }
    }
}

impl ServerSection {
    fn check(self, secret_key: Option<String>, check: &mut Check<'_>) -> Option<Server> {
        let bootstrap_token =
            self.bootstrap_token_file.map(|path| check.long_secret("server.bootstrap-token-file", "token", &path));
        if let Some(key) = &secret_key {
            check.check_length("TIDEGATE_SECRET_KEY", "key", key);
        }
        let of_file = self.secret_key_file.map(|path| check.long_secret("server.secret-key-file", "key", &path));
        let secret_key = secret_key.map(SecretString::from).or(of_file);
        let public_url = self.public_url.and_then(|url| public_url(&url, check));
        let data_dir = check.base.join(self.data_dir);
        let packs_dir = check.base.join(self.packs_dir);
        let listen = check.address("server.listen", &self.listen)?;
        Some(Server { listen, public_url, data_dir, packs_dir, bootstrap_token, secret_key, compiler: None })
    }
}

/// `https://host[:port]`, as browsers write it.
fn public_url(url: &str, check: &mut Check<'_>) -> Option<String> {
    let trimmed = url.trim_end_matches('/');
    let host = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://"));
    let is_origin = |host: &str| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']);
    if host.is_some_and(is_origin) {
        return Some(trimmed.to_ascii_lowercase());
    }
    check.problem("server.public-url", format!("`{url}` is no address such as https://tidegate.acme.example"));
    None
}

impl CrmSection {
    fn check(self, check: &mut Check<'_>) -> HostRules {
        let mut suffixes = Vec::new();
        for suffix in self.forward_host_suffixes {
            let suffix = suffix.to_ascii_lowercase();
            if !suffix.strip_prefix('.').is_some_and(is_host_name) {
                let words = format!("`{suffix}` is no suffix such as \".advice.example\", with its dot");
                check.problem("crm.forward-host-suffixes", words);
            }
            suffixes.push(suffix);
        }
        HostRules { suffixes, stand_ins: self.stand_in_sites }
    }
}

impl MetricsSection {
    fn check(self, check: &mut Check<'_>) -> Option<SocketAddr> {
        self.listen.and_then(|listen| check.address("metrics.listen", &listen))
    }
}

impl ConnectionSection {
    fn check(self, key: &str, hosts: &HostRules, check: &mut Check<'_>) -> ConnectionConfig {
        if self.crm != "xplan" {
            check.problem(&format!("{key}.crm"), format!("`{}` is no CRM known here; use \"xplan\"", self.crm));
        }
        if !DIALECTS.contains(&self.dialect.as_str()) {
            let known = DIALECTS.map(|dialect| format!("{dialect:?}")).join(" or ");
            let words = format!("`{}` is no dialect known here; use {known}", self.dialect);
            check.problem(&format!("{key}.dialect"), words);
        }
        if let Err(error) = cron::Schedule::from_str(&self.schedule) {
            let words =
                format!("`{}` is no cron expression with seconds such as \"0 0 * * * *\": {error}", self.schedule);
            check.problem(&format!("{key}.schedule"), words);
        }
        let GoneThreshold { percent, at_least } = self.gone_threshold;
        if percent > 100 {
            check.problem(&format!("{key}.gone-threshold.percent"), format!("{percent} is more than 100 percent"));
        }
        let (host_key, host) = match self.insecure_http {
            true => ("insecure-http", HostRules::check_stand_in(&self.forward_host)),
            false => ("forward-host", hosts.check(&self.forward_host)),
        };
        let forward_host = host.unwrap_or_else(|words| {
            check.problem(&format!("{key}.{host_key}"), words);
            String::new()
        });
        let auth = match self.auth {
            AuthSection::Basic { username, password_file, app_id } => {
                let password = check.secret(&format!("{key}.auth.password-file"), &password_file);
                Auth::Basic { username, password, app_id: app_id.map(Into::into) }
            }
            AuthSection::OAuth { client_id, client_secret_file, app_id } => {
                let client_secret = check.secret(&format!("{key}.auth.client-secret-file"), &client_secret_file);
                Auth::OAuth { client_id, client_secret, app_id: app_id.map(Into::into) }
            }
        };
        ConnectionConfig {
            crm: self.crm,
            enabled: self.enabled,
            pack: self.pack,
            dialect: self.dialect,
            forward_host,
            insecure_http: self.insecure_http,
            schedule: self.schedule,
            gone_threshold: Threshold { percent, at_least },
            auth,
        }
    }
}
