//! A connection's section of the settings, as it is written, and what it comes to.

use std::num::NonZeroU32;
use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::file::Check;
use super::schedule::check_schedule;
use super::secret::Hidden;
use super::{Auth, ConnectionConfig, Gateway, HostRules, OPEN, Pace};
use crate::domain::departure::Threshold;
use crate::domain::schedule::Schedule;

/// The keys are documented in `reference.toml`. What every connection needs may be missing here, and is named when it is
/// checked.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ConnectionSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    crm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pack: Option<String>,
    #[serde(default = "resourceful")]
    dialect: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    forward_host: Option<String>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<AuthSection>,
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

#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct AuthSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<AuthMode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<Hidden>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum AuthMode {
    Basic,
    OAuth,
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

impl ConnectionSection {
    /// Checks it; `key` is where it stands.
    pub(super) fn check(self, key: &str, hosts: &HostRules, check: &mut Check<'_>) -> ConnectionConfig {
        let crm = check.needed(&format!("{key}.crm"), self.crm.clone(), "name the CRM: \"xplan\"");
        if !crm.is_empty() && crm != "xplan" {
            check.problem(&format!("{key}.crm"), format!("`{crm}` is no CRM known here; use \"xplan\""));
        }
        let pack = check.needed(&format!("{key}.pack"), self.pack.clone(), "name a folder in packs-dir");
        let gateway = self.gateway(key, check);
        let schedule = check_schedule(&self.schedule, self.allow_frequent, check.now, &check.zone);
        let schedule = schedule.unwrap_or_else(|words| {
            check.problem(&format!("{key}.schedule"), words);
            Schedule::hourly()
        });
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
        let forward_host = self.forward_host(key, hosts, check);
        let auth = self.auth.unwrap_or_default().check(&format!("{key}.auth"), check);
        ConnectionConfig {
            crm,
            enabled: self.enabled,
            pack,
            dialect: self.dialect,
            forward_host,
            insecure_http: self.insecure_http,
            gateway,
            schedule,
            proxy: None,
            pace: Pace { max_requests_per_second, max_side_by_side: self.max_side_by_side },
            gone_threshold: Threshold { percent, at_least },
            auth,
        }
    }
}

impl ConnectionSection {
    /// The site's host; empty where it cannot be used.
    fn forward_host(&self, key: &str, hosts: &HostRules, check: &mut Check<'_>) -> String {
        let example = "name the site's host, such as acme.xplan.iress.com.au";
        let host = check.needed(&format!("{key}.forward-host"), self.forward_host.clone(), example);
        if host.is_empty() {
            return host;
        }
        let (host_key, checked) = match self.insecure_http {
            true => ("insecure-http", HostRules::check_stand_in(&host)),
            false => ("forward-host", hosts.check(&host).map_err(|words| hint(&host, words))),
        };
        checked.unwrap_or_else(|words| {
            check.problem(&format!("{key}.{host_key}"), words);
            String::new()
        })
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

/// What is wrong with the host, and what a stand-in site needs where it is one.
fn hint(host: &str, words: String) -> String {
    match HostRules::check_stand_in(host) {
        Ok(_) => format!("{words}; a stand-in site on this machine needs insecure-http = true"),
        Err(_) => words,
    }
}

impl AuthSection {
    fn check(self, key: &str, check: &mut Check<'_>) -> Auth {
        let app_id = self.app_id.map(|Hidden(secret)| secret);
        let Some(mode) = self.mode else {
            check.problem(&format!("{key}.mode"), "is missing; choose \"basic\" (a name and a password) or \"oauth\"");
            return Auth::Basic { username: String::new(), password: SecretString::default(), app_id };
        };
        let (named, foreign, path, foreign_path) = match mode {
            AuthMode::Basic => (self.username, self.client_id, self.password_file, self.client_secret_file),
            AuthMode::OAuth => (self.client_id, self.username, self.client_secret_file, self.password_file),
        };
        let [name_key, path_key, foreign_key, foreign_path_key] = match mode {
            AuthMode::Basic => ["username", "password-file", "client-id", "client-secret-file"],
            AuthMode::OAuth => ["client-id", "client-secret-file", "username", "password-file"],
        };
        for (other, is_there) in [(foreign_key, foreign.is_some()), (foreign_path_key, foreign_path.is_some())] {
            if is_there {
                check.problem(&format!("{key}.{other}"), "belongs to the other mode; remove it, or change the mode");
            }
        }
        let name = check.needed(&format!("{key}.{name_key}"), named, "write it as the site knows it");
        let path_key = format!("{key}.{path_key}");
        let secret = match path {
            Some(path) => check.secret(&path_key, &path),
            None => {
                check.problem(&path_key, "is missing; name a file that holds the secret and nothing else");
                SecretString::default()
            }
        };
        match mode {
            AuthMode::Basic => Auth::Basic { username: name, password: secret, app_id },
            AuthMode::OAuth => Auth::OAuth { client_id: name, client_secret: secret, app_id },
        }
    }
}
