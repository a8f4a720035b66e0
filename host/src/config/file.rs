//! The settings as they are written, before anything is checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::host::is_host_name;
use super::schedule::check_schedule;
use super::{
    Auth, Config, ConfigError, ConnectionConfig, Documents, Gateway, HostRules, Log, OPEN, Pace, Practice, Server,
    Storage, logo,
};
use crate::domain::ConnectionName;
use crate::domain::departure::Threshold;

/// All sections; the keys are documented in `reference.toml`.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    practice: PracticeSection,
    server: ServerSection,
    storage: StorageSection,
    log: LogSection,
    #[serde(default)]
    documents: DocumentsSection,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    logo: Option<PathBuf>,
}

#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DocumentsSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    font_dir: Option<PathBuf>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ServerSection {
    listen: String,
    data_dir: PathBuf,
    packs_dir: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<String>,
    trusted_proxies: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bootstrap_token_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_key_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct StorageSection {
    warn_below_mb: u64,
    refuse_below_mb: u64,
    reserve_mb: u64,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes_list: Option<String>,
    #[serde(default = "hourly")]
    schedule: String,
    #[serde(default)]
    allow_frequent: bool,
    #[serde(default = "pace_requests")]
    max_requests_per_second: u32,
    #[serde(default = "pace_side_by_side")]
    max_side_by_side: usize,
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

fn pace_requests() -> u32 {
    Pace::default().max_requests_per_second.get()
}

fn pace_side_by_side() -> usize {
    Pace::default().max_side_by_side
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
        let storage = self.storage.check(&mut check);
        let documents = self.documents.check(&mut check);
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
            (Some(practice), Some(server), true) => {
                Ok(Config { practice, server, storage, log, documents, metrics, hosts, connections })
            }
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
        let logo = self.logo.map(|path| check.base.join(path));
        if let Some(why) = logo.as_ref().and_then(|path| logo::read(path).err()) {
            check.problem("practice.logo", why);
        }
        let zone = jiff::tz::TimeZone::get(&self.time_zone);
        match zone {
            Ok(time_zone) => Some(Practice { name: self.name, email_domain: self.email_domain, time_zone, logo }),
            Err(_) => {
                let words = format!("`{}` is no IANA time zone such as Pacific/Auckland", self.time_zone);
                check.problem("practice.time-zone", words);
                None
            }
        }
    }
}

impl DocumentsSection {
    fn check(self, check: &mut Check<'_>) -> Documents {
        let font_dir = self.font_dir.map(|path| check.base.join(path));
        if let Some(folder) = font_dir.as_ref().filter(|folder| !folder.is_dir()) {
            check.problem("documents.font-dir", format!("{} is no folder", folder.display()));
        }
        Documents { font_dir }
    }
}

impl StorageSection {
    fn check(self, check: &mut Check<'_>) -> Storage {
        let Self { warn_below_mb, refuse_below_mb, reserve_mb } = self;
        if warn_below_mb < refuse_below_mb {
            check.problem(
                "storage.warn-below-mb",
                format!("{warn_below_mb} is less than refuse-below-mb ({refuse_below_mb})"),
            );
        }
        let bytes = |megabytes: u64| megabytes.saturating_mul(1 << 20);
        Storage { warn_below: bytes(warn_below_mb), refuse_below: bytes(refuse_below_mb), reserve: bytes(reserve_mb) }
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
        let mut trusted_proxies = Vec::with_capacity(self.trusted_proxies.len());
        for proxy in self.trusted_proxies {
            match proxy.parse() {
                Ok(network) => trusted_proxies.push(network),
                Err(why) => check.problem("server.trusted-proxies", why),
            }
        }
        let listen = check.address("server.listen", &self.listen)?;
        Some(Server {
            listen,
            public_url,
            data_dir,
            packs_dir,
            bootstrap_token,
            trusted_proxies,
            secret_key,
            compiler: None,
        })
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
        let gateway = self.gateway(key, check);
        if let Err(words) = check_schedule(&self.schedule, self.allow_frequent) {
            check.problem(&format!("{key}.schedule"), words);
        }
        let max_requests_per_second = NonZeroU32::new(self.max_requests_per_second).unwrap_or_else(|| {
            check.problem(&format!("{key}.max-requests-per-second"), "must be at least 1");
            NonZeroU32::MIN
        });
        if !(2..=32).contains(&self.max_side_by_side) {
            let words = format!("{} is not within 2 to 32; one is kept free for file notes", self.max_side_by_side);
            check.problem(&format!("{key}.max-side-by-side"), words);
        }
        let GoneThreshold { percent, at_least } = self.gone_threshold;
        if percent > 100 {
            check.problem(&format!("{key}.gone-threshold.percent"), format!("{percent} is more than 100 percent"));
        }
        let (host_key, host) = match self.insecure_http {
            true => ("insecure-http", HostRules::check_stand_in(&self.forward_host)),
            false => ("forward-host", hosts.check(&self.forward_host).map_err(|words| self.hint(words))),
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
            gateway,
            schedule: self.schedule,
            pace: Pace { max_requests_per_second, max_side_by_side: self.max_side_by_side },
            gone_threshold: Threshold { percent, at_least },
            auth,
        }
    }
}

impl ConnectionSection {
    /// What is wrong with the host, and what a stand-in site needs where it is one.
    fn hint(&self, words: String) -> String {
        match HostRules::check_stand_in(&self.forward_host) {
            Ok(_) => format!("{words}; a stand-in site on this machine needs insecure-http = true"),
            Err(_) => words,
        }
    }

    /// The gateway of a connection in the Open dialect; no other has one.
    fn gateway(&self, key: &str, check: &mut Check<'_>) -> Option<Gateway> {
        match (self.dialect.as_str(), &self.gateway_host) {
            ("resourceful", None) => None,
            (OPEN, Some(host)) => {
                let checked = match self.insecure_http {
                    true => HostRules::check_stand_in(host),
                    // Whoever writes the settings file stands for the gateway, under whatever suffix.
                    false => HostRules::check_name(host),
                };
                let host = checked.unwrap_or_else(|words| {
                    check.problem(&format!("{key}.gateway-host"), words);
                    String::new()
                });
                let mut gateway = Gateway::at(host);
                gateway.api_version = self.api_version.clone().unwrap_or(gateway.api_version);
                gateway.notes_list = self.notes_list.clone().unwrap_or(gateway.notes_list);
                let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
                for (name, text) in [("api-version", &gateway.api_version), ("notes-list", &gateway.notes_list)] {
                    if text.is_empty() || !text.bytes().all(is_plain) {
                        let words = format!("`{text}` is not made of letters, digits, `-`, `_` and `.`");
                        check.problem(&format!("{key}.{name}"), words);
                    }
                }
                Some(gateway)
            }
            (OPEN, None) => {
                let words = "is missing: the open dialect is spoken by a gateway, which names the site by forward-host";
                check.problem(&format!("{key}.gateway-host"), words);
                None
            }
            ("resourceful", Some(_)) => {
                let words = "is for `dialect = \"open\"` only; remove it, or set the dialect";
                check.problem(&format!("{key}.gateway-host"), words);
                None
            }
            (other, _) => {
                let words = format!("`{other}` is no dialect known here; use \"resourceful\" or \"open\"");
                check.problem(&format!("{key}.dialect"), words);
                None
            }
        }
    }
}
