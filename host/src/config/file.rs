//! The settings as they are written, before anything is checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{Auth, Config, ConfigError, ConnectionConfig, Documents, Log, Practice, Server, logo};
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
    documents: DocumentsSection,
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
    bootstrap_token_file: Option<PathBuf>,
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
}

impl File {
    /// Checks every value; relative paths are meant from `base`.
    pub(super) fn into_config(self, base: &Path) -> Result<Config, ConfigError> {
        let mut check = Check { base, problems: Vec::new() };
        let practice = self.practice.check(&mut check);
        let server = self.server.check(&mut check);
        let log = Log { level: self.log.level, json: self.log.format == LogFormat::Json };
        if let Err(error) = tracing_subscriber::EnvFilter::try_new(&log.level) {
            check.problem("log.level", format!("`{}` is no level: {error}", log.level));
        }
        let documents = self.documents.check(&mut check);
        let mut connections = BTreeMap::new();
        for (name, section) in self.connections {
            match ConnectionName::from_str(&name) {
                Ok(connection) if connection.is_practice() => {
                    let words = "`practice` stands for what is made in the practice itself; choose another name";
                    check.problem("connections.practice", words);
                }
                Ok(connection) => {
                    let enabled = section.enabled;
                    let settings = section.check(&format!("connections.{name}"), &mut check);
                    if enabled {
                        connections.insert(connection, settings);
                    }
                }
                Err(error) => check.problem("connections", error),
            }
        }
        match (practice, server, check.problems.is_empty()) {
            (Some(practice), Some(server), true) => Ok(Config { practice, server, log, documents, connections }),
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

impl ServerSection {
    fn check(self, check: &mut Check<'_>) -> Option<Server> {
        let bootstrap_token = self.bootstrap_token_file.map(|path| {
            use secrecy::ExposeSecret as _;
            let token = check.secret("server.bootstrap-token-file", &path);
            if !token.expose_secret().is_empty() && token.expose_secret().len() < 32 {
                check.problem("server.bootstrap-token-file", "the token is shorter than 32 characters");
            }
            token
        });
        let data_dir = check.base.join(self.data_dir);
        let packs_dir = check.base.join(self.packs_dir);
        match self.listen.parse::<SocketAddr>() {
            Ok(listen) => Some(Server { listen, data_dir, packs_dir, bootstrap_token, compiler: None }),
            Err(_) => {
                check.problem("server.listen", format!("`{}` is no address such as 127.0.0.1:8080", self.listen));
                None
            }
        }
    }
}

impl ConnectionSection {
    fn check(self, key: &str, check: &mut Check<'_>) -> ConnectionConfig {
        if self.crm != "xplan" {
            check.problem(&format!("{key}.crm"), format!("`{}` is no CRM known here; use \"xplan\"", self.crm));
        }
        if self.dialect != "resourceful" {
            let words = format!("`{}` is no dialect known here; use \"resourceful\"", self.dialect);
            check.problem(&format!("{key}.dialect"), words);
        }
        if let Err(error) = cron::Schedule::from_str(&self.schedule) {
            let words =
                format!("`{}` is no cron expression with seconds such as \"0 0 * * * *\": {error}", self.schedule);
            check.problem(&format!("{key}.schedule"), words);
        }
        check_host(key, &self.forward_host, self.insecure_http, check);
        let GoneThreshold { percent, at_least } = self.gone_threshold;
        if percent > 100 {
            check.problem(&format!("{key}.gone-threshold.percent"), format!("{percent} is more than 100 percent"));
        }
        let auth = match self.auth {
            AuthSection::Basic { username, password_file, app_id } => {
                let password = check.secret(&format!("{key}.auth.password-file"), &password_file);
                Auth::Basic { username, password, app_id: app_id.map(Into::into) }
            }
        };
        ConnectionConfig {
            crm: self.crm,
            pack: self.pack,
            dialect: self.dialect,
            forward_host: self.forward_host,
            insecure_http: self.insecure_http,
            schedule: self.schedule,
            gone_threshold: Threshold { percent, at_least },
            auth,
        }
    }
}

/// A bare host name over HTTPS, or, for a stand-in site, a loopback `host:port` over plain HTTP.
fn check_host(key: &str, host: &str, insecure_http: bool, check: &mut Check<'_>) {
    if insecure_http {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        if !matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
            let words =
                format!("is honoured for loopback hosts only, and forward-host is `{host}`; remove insecure-http");
            check.problem(&format!("{key}.insecure-http"), words);
        }
    } else if !is_host_name(host) || host.split('.').all(|label| label.bytes().all(|b| b.is_ascii_digit())) {
        let words = format!(
            "`{host}` is no bare host name such as acme.xplan.iress.com.au (no https://, port, path or number; \
             a stand-in site on 127.0.0.1:port needs insecure-http = true)"
        );
        check.problem(&format!("{key}.forward-host"), words);
    }
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.contains('.') && text.len() <= 253 && text.split('.').all(is_label)
}
