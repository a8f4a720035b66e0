//! The settings as they are written, before anything is checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use reqwest::Url;
use secrecy::SecretString;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use super::backup::{BackupSection, real};
use super::check::Check;
use super::openid::{OpenIdSection, is_loopback};
use super::packs::PacksSection;
use super::problems::Problems;
use super::proxy::ProxyVariables;
use super::section::ConnectionSection;
use super::{Config, CrmTimeouts, Documents, Log, Practice, Server, Storage, level, logo, secret};
use crate::crm::folders::{FolderRules, is_plain_path};
use crate::crm::hosts::{HostRules, is_host_name};
use crate::crm::proxy::Proxy;
use crate::crm::registry::Registry;
use crate::domain::account::SecondFactorRule;
use crate::domain::outbox::{REQUEST_LIFE, SITE_LAG};
use crate::domain::privacy::retention;
use crate::domain::text::{is_unwanted_in_a_value, is_visible};
use crate::domain::{ConnectionName, EmailAddress, InvalidConnectionName, Timestamp};

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
    packs: PacksSection,
    #[serde(default)]
    crm: CrmSection,
    #[serde(default)]
    network: NetworkSection,
    #[serde(default)]
    notes: NotesSection,
    #[serde(default)]
    people: PeopleSection,
    #[serde(default)]
    openid: OpenIdSection,
    #[serde(default)]
    backup: BackupSection,
    #[serde(default)]
    metrics: MetricsSection,
    /// The connections, read apart, for what a section holds is declared by its CRM.
    #[serde(default, deserialize_with = "read_apart")]
    pub(super) connections: BTreeMap<String, ConnectionSection>,
}

fn read_apart<'de, D: Deserializer<'de>>(given: D) -> Result<BTreeMap<String, ConnectionSection>, D::Error> {
    IgnoredAny::deserialize(given).map(|_| BTreeMap::new())
}

/// The section that has a section for each connection.
pub(super) const CONNECTIONS: &str = "connections";

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PracticeSection {
    name: String,
    email_domain: String,
    time_zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retention: Option<String>,
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

#[derive(Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct CrmSection {
    forward_host_suffixes: Vec<String>,
    stand_in_sites: bool,
    folders: Vec<String>,
    request_timeout: String,
}

impl Default for CrmSection {
    fn default() -> Self {
        let request_timeout = format!("{REQUEST_LIFE:#}");
        let (forward_host_suffixes, folders) = (Vec::new(), Vec::new());
        Self { forward_host_suffixes, stand_in_sites: false, folders, request_timeout }
    }
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct NotesSection {
    site_lag: String,
}

impl Default for NotesSection {
    fn default() -> Self {
        Self { site_lag: format!("{SITE_LAG:#}") }
    }
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct PeopleSection {
    link_lasts: String,
    emergency_lasts: String,
    second_factor: String,
}

impl Default for PeopleSection {
    fn default() -> Self {
        Self {
            link_lasts: format!("{LINK_LASTS:#}"),
            emergency_lasts: format!("{EMERGENCY_LASTS:#}"),
            second_factor: SecondFactorRule::default().as_str().to_owned(),
        }
    }
}

#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct NetworkSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<String>,
    no_proxy: Vec<String>,
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

/// The time for which a link to choose a password holds where the settings say nothing else, and its bounds in seconds.
const LINK_LASTS: SignedDuration = SignedDuration::from_hours(72);
const LINKS_LAST: (i64, i64) = (60 * 60, 30 * 24 * 60 * 60);
/// The time for which a household is open in an emergency where the settings say nothing else, and its bounds in seconds.
const EMERGENCY_LASTS: SignedDuration = SignedDuration::from_hours(4);
const EMERGENCIES_LAST: (i64, i64) = (0, 24 * 60 * 60);
/// The bounds within which a request's time to live and a site's lag are, in seconds.
const REQUEST_TIMEOUTS: (i64, i64) = (1, 600);
const SITE_LAGS: (i64, i64) = (0, 3600);

impl File {
    /// Checks every value; relative paths are meant from `base`. `secret_key` and `variables` are the environment's. What
    /// cannot be used has its default, and is among the problems, which begin with those that are known.
    pub(super) fn into_config(
        self,
        (base, is_given): (&Path, bool),
        crms: Registry,
        (secret_key, variables): (Option<String>, ProxyVariables),
        now: Timestamp,
        problems: Problems,
    ) -> (Config, Vec<String>) {
        let (hosts, folders) = (HostRules::default(), FolderRules::default());
        let mut check = Check { base, now, zone: TimeZone::UTC, hosts, folders, problems, warnings: Vec::new() };
        let practice = self.practice.check(&mut check);
        let server = self.server.check(secret_key, &mut check);
        let crm_timeouts = CrmTimeouts {
            request_timeout: check.duration("crm.request-timeout", &self.crm.request_timeout, REQUEST_TIMEOUTS),
            site_lag: check.duration("notes.site-lag", &self.notes.site_lag, SITE_LAGS),
        };
        let link_lasts = check.duration("people.link-lasts", &self.people.link_lasts, LINKS_LAST);
        let emergency_lasts = check.duration("people.emergency-lasts", &self.people.emergency_lasts, EMERGENCIES_LAST);
        let openid = self.openid.check(&mut check);
        if openid.is_some() && server.public_url.is_none() && !server.listen.ip().is_loopback() {
            let message = "is missing; the identity provider sends people back to it, so that it has to be known here";
            check.problem("server.public-url", message);
        }
        if openid.is_some() && server.public_url.as_deref().is_some_and(is_open_to_all) {
            let message = "is not encrypted; the identity provider sends people back to it, over https:// or on this machine \
                           alone";
            check.problem("server.public-url", message);
        }
        let second_factor = self.people.second_factor(&mut check);
        (check.hosts, check.folders) = self.crm.check(&server.data_dir, &mut check);
        let proxy = self.network.check(variables, &mut check);
        let metrics = self.metrics.check(&mut check);
        let backup = self.backup.check(&mut check);
        if backup.as_ref().is_some_and(|to| real(&to.folder).starts_with(real(&server.data_dir))) {
            let message = "is inside the data folder, and would be lost with it; name another disk, or one that is copied elsewhere";
            check.problem("backup.folder", message);
        }
        let log = Log { level: self.log.level, json: self.log.format == LogFormat::Json };
        if let Err(message) = level::check(&log.level) {
            check.problem("log.level", message);
        }
        let storage = self.storage.check(&mut check);
        let documents = self.documents.check(&mut check);
        let (pack_keys, watched_folder, registries) = self.packs.check(&mut check);
        let mut connections = BTreeMap::new();
        for (name, section) in self.connections {
            match ConnectionName::of_connection(&name) {
                Ok(connection) => {
                    let access = section.check(connection.clone(), (crms, proxy.clone()), &mut check);
                    connections.insert(connection, access);
                }
                Err(error @ InvalidConnectionName::Practice) => check.problem("connections.practice", error),
                Err(error) => check.problem("connections", error),
            }
        }
        let Check { hosts, folders, problems, warnings, .. } = check;
        let config = Config {
            is_given,
            warnings,
            practice,
            server,
            storage,
            log,
            documents,
            pack_keys,
            watched_folder,
            registries,
            metrics,
            backup,
            crms,
            hosts,
            folders,
            proxy,
            crm_timeouts,
            link_lasts,
            emergency_lasts,
            openid,
            second_factor,
            connections,
        };
        (config, problems.said())
    }
}

impl PracticeSection {
    fn check(self, check: &mut Check<'_>) -> Practice {
        if !self.name.chars().any(is_visible) {
            check.problem("practice.name", "is empty; it is shown on every page and file note");
        } else if self.name.trim().chars().any(is_unwanted_in_a_value) {
            let message = "holds characters that nobody sees, such as a byte order mark; type it again on one line";
            check.problem("practice.name", message);
        }
        // The domain of made-up addresses, which are to be addresses.
        let is_domain =
            is_host_name(&self.email_domain) && format!("p@{}", self.email_domain).parse::<EmailAddress>().is_ok();
        if !is_domain {
            check
                .problem("practice.email-domain", format!("`{}` is no domain such as acme.example", self.email_domain));
        }
        let logo = self.logo.map(|path| check.base.join(path));
        if let Some(why) = logo.as_ref().and_then(|path| logo::read(path).err()) {
            check.problem("practice.logo", why);
        }
        match TimeZone::get(&self.time_zone) {
            Ok(zone) => check.zone = zone,
            Err(_) => {
                let message = format!("`{}` is no IANA time zone such as Pacific/Auckland", self.time_zone);
                check.problem("practice.time-zone", message);
            }
        }
        let retention = self.retention.and_then(|country| {
            let profile = retention::profile(&country);
            if profile.is_none() {
                let known = retention::PROFILES.map(|profile| profile.country).join(", ");
                check.problem("practice.retention", format!("`{country}` has no profile; there is one for {known}"));
            }
            profile
        });
        Practice { name: self.name, email_domain: self.email_domain, time_zone: check.zone.clone(), logo, retention }
    }
}

impl PeopleSection {
    /// Of whom a second factor is wanted: of everybody where the setting is none that there is.
    fn second_factor(&self, check: &mut Check<'_>) -> SecondFactorRule {
        SecondFactorRule::from_word(&self.second_factor).unwrap_or_else(|| {
            let words = SecondFactorRule::ALL.map(SecondFactorRule::as_str).join(", ");
            check.problem("people.second-factor", format!("`{}` is not one of {words}", self.second_factor));
            SecondFactorRule::Everybody
        })
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
    fn check(self, secret_key: Option<String>, check: &mut Check<'_>) -> Server {
        let bootstrap_token =
            self.bootstrap_token_file.map(|path| check.long_secret("server.bootstrap-token-file", "token", &path));
        let of_environment = secret_key.map(|key| SecretString::from(secret::bare(&key).trim()));
        if let Some(key) = &of_environment {
            check.check_length("TIDEGATE_SECRET_KEY", "key", key);
        }
        let of_file = self.secret_key_file.map(|path| check.long_secret("server.secret-key-file", "key", &path));
        let secret_key = of_environment.or(of_file);
        let public_url = self.public_url.and_then(|url| public_url(&url, check));
        if self.data_dir.as_os_str().is_empty() {
            check.problem("server.data-dir", "is empty; name the folder for the host's data");
        }
        let data_dir = check.base.join(self.data_dir);
        let packs_dir = check.base.join(self.packs_dir);
        let mut trusted_proxies = Vec::with_capacity(self.trusted_proxies.len());
        for proxy in self.trusted_proxies {
            match proxy.parse() {
                Ok(network) => trusted_proxies.push(network),
                Err(why) => check.problem("server.trusted-proxies", why),
            }
        }
        if !packs_dir.is_dir() && packs_dir.exists() {
            check.problem("server.packs-dir", format!("{} is no folder", packs_dir.display()));
        }
        if !data_dir.is_dir() && data_dir.exists() {
            check.problem("server.data-dir", format!("{} is no folder", data_dir.display()));
        }
        let listen = check.address("server.listen", &self.listen).unwrap_or(([127, 0, 0, 1], 0).into());
        Server { listen, public_url, data_dir, packs_dir, bootstrap_token, trusted_proxies, secret_key, compiler: None }
    }
}

/// Whether an address leads over plain HTTP to another machine.
fn is_open_to_all(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url))
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
    fn check(self, data_dir: &Path, check: &mut Check<'_>) -> (HostRules, FolderRules) {
        let mut suffixes = Vec::new();
        for suffix in self.forward_host_suffixes {
            let suffix = suffix.to_ascii_lowercase();
            if !suffix.strip_prefix('.').is_some_and(is_host_name) {
                let message = format!("`{suffix}` is no suffix such as \".advice.example\", with its dot");
                check.problem("crm.forward-host-suffixes", message);
            }
            suffixes.push(suffix);
        }
        for root in self.folders.iter().filter(|root| !is_plain_path(root)) {
            check.problem("crm.folders", format!("`{root}` is no whole path of a folder, such as \"/srv/exports\""));
        }
        let hosts = HostRules { suffixes, stand_ins: self.stand_in_sites };
        (hosts, FolderRules::new(self.folders, data_dir))
    }
}

impl NetworkSection {
    fn check(self, variables: ProxyVariables, check: &mut Check<'_>) -> Option<Proxy> {
        let except =
            if self.no_proxy.is_empty() { variables.no_proxy.unwrap_or_default() } else { self.no_proxy.join(",") };
        let (key, text) = match self.proxy {
            Some(text) if text.trim().eq_ignore_ascii_case("none") => return None,
            Some(text) => ("network.proxy", text),
            None => variables.proxy?,
        };
        let proxy = Proxy::parse(&text, &except)
            .map_err(|message| check.problem(key, format!("{message}; `proxy = \"none\"` in [network] goes without")))
            .ok()?;
        if key == "network.proxy" && proxy.has_credentials() {
            check.problem(key, "holds a user or a password, which settings do not; give it by HTTPS_PROXY");
        }
        Some(proxy)
    }
}

impl MetricsSection {
    fn check(self, check: &mut Check<'_>) -> Option<SocketAddr> {
        self.listen.and_then(|listen| check.address("metrics.listen", &listen))
    }
}
