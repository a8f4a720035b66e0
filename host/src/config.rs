//! Settings: where they come from, and what is usable.
//!
//! [`mod@file`] is the raw text as people write it; [`Config`] is what the host runs on. `reference.toml` holds the
//! defaults and documents every key. The environment is read here and nowhere else.

mod backup;
mod check;
mod file;
mod layers;
mod level;
pub mod logo;
mod network;
pub mod openid;
pub mod packs;
mod problems;
mod proxy;
mod reading;
pub mod regular_file;
mod secret;
mod section;
#[cfg(test)]
mod tests;
mod variables;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use secrecy::SecretString;

use self::layers::Layers;
pub use self::network::Network;
pub use self::openid::OpenIdSettings;
pub use self::packs::PackKeys;
use self::packs::{Registries, WatchedFolder};
use self::proxy::ProxyVariables;
pub use self::secret::bare;
use crate::crm::folders::FolderRules;
use crate::crm::hosts::HostRules;
use crate::crm::proxy::Proxy;
use crate::crm::registry::Registry;
use crate::crm::spec::SiteAccess;
use crate::domain::account::SecondFactorRule;
use crate::domain::privacy::retention::{self, RetentionProfile};
use crate::domain::{ConnectionName, Timestamp};
pub use backup::{BackupKey, BackupSettings};

/// The defaults, and the reference of every key.
pub const REFERENCE: &str = include_str!("config/reference.toml");

/// The settings the host runs on.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whether anything was said of it: by a file, the environment or the command line.
    pub is_given: bool,
    /// What can be used, and is to be looked at: a line each, which begins with its key.
    pub warnings: Vec<String>,
    /// The settings of the practice.
    pub practice: Practice,
    /// The addresses on which the host listens, and the folders in which it keeps things.
    pub server: Server,
    /// The space on the disk that is kept free.
    pub storage: Storage,
    /// The settings of the log.
    pub log: Log,
    /// The settings by which documents are made.
    pub documents: Documents,
    /// The authors whose packs are taken.
    pub pack_keys: PackKeys,
    /// The folder that is watched for packs; none where nobody puts any there.
    pub watched_folder: Option<WatchedFolder>,
    /// The registries that packs are pulled from.
    pub registries: Registries,
    /// The address at which figures are served for Prometheus; nowhere where none.
    pub metrics: Option<SocketAddr>,
    /// Where backups go; nowhere where none.
    pub backup: Option<BackupSettings>,
    /// The CRMs that connections can be of.
    pub crms: Registry,
    /// The hosts that connections may lead to.
    pub hosts: HostRules,
    /// The folders that connections may lead to.
    pub folders: FolderRules,
    /// The proxy by which sites are reached; directly where none.
    pub proxy: Option<Proxy>,
    /// The times for which CRMs are waited for.
    pub crm_timeouts: CrmTimeouts,
    /// The time for which a link to choose a password holds.
    pub link_lasts: SignedDuration,
    /// The time for which a household is open in an emergency; zero where none is opened.
    pub emergency_lasts: SignedDuration,
    /// The identity provider by which people sign in; none where they have passwords alone.
    pub openid: Option<OpenIdSettings>,
    /// Of whom the practice wants a second factor.
    pub second_factor: SecondFactorRule,
    /// The CRM sites, by name.
    pub connections: BTreeMap<ConnectionName, SiteAccess>,
}

/// The practice.
#[derive(Clone, Debug)]
pub struct Practice {
    /// The name, as pages and notes show it.
    pub name: String,
    /// Domain of placeholder emails.
    pub email_domain: String,
    /// Its time zone.
    pub time_zone: jiff::tz::TimeZone,
    /// The file of its logo, which its documents show.
    pub logo: Option<PathBuf>,
    /// How long its records have to be kept; none where it does not say.
    pub retention: Option<&'static RetentionProfile>,
}

impl Practice {
    /// The years after which somebody who left is due for erasure: the longest where the practice does not say.
    pub fn retention_years(&self) -> u8 {
        self.retention.map_or(retention::LONGEST, |profile| profile.years)
    }
}

/// The settings by which documents are made.
#[derive(Clone, Debug)]
pub struct Documents {
    /// A folder of fonts, for what those in the program do not have.
    pub font_dir: Option<PathBuf>,
}

/// The times for which CRMs are waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CrmTimeouts {
    /// The longest that one request may take.
    pub request_timeout: SignedDuration,
    /// The longest that a CRM may take to list a note that it has taken.
    pub site_lag: SignedDuration,
}

/// The addresses on which the host listens, and the folders in which it keeps things.
#[derive(Clone, Debug)]
pub struct Server {
    /// The address of pages and API.
    pub listen: SocketAddr,
    /// The address at which people's browsers reach the pages, without a slash at the end; none where that is `listen`.
    pub public_url: Option<String>,
    /// The folder of store and caches.
    pub data_dir: PathBuf,
    /// The folder of pack folders.
    pub packs_dir: PathBuf,
    /// The practice manager's token for automation.
    pub bootstrap_token: Option<SecretString>,
    /// The program that compiles plugins in a process of its own: this one, whose command line knows how. No setting.
    pub compiler: Option<PathBuf>,
    /// Proxies that are believed when they say for whom they ask.
    pub trusted_proxies: Vec<Network>,
    /// The key with which secrets in the store are sealed; none where the data folder has a key of its own.
    pub secret_key: Option<SecretString>,
}

impl Server {
    /// The address at which people's browsers reach the pages, without a slash at the end.
    pub fn base_url(&self) -> String {
        let unspecified = self.listen.ip().is_unspecified();
        self.public_url.clone().unwrap_or_else(|| match unspecified {
            true => format!("http://localhost:{}", self.listen.port()),
            false => format!("http://{}", self.listen),
        })
    }
}

/// The space on the data folder's disk that is kept free, in bytes.
#[derive(Clone, Copy, Default, Debug)]
pub struct Storage {
    /// The space below which pages, log and `/readyz` warn.
    pub warn_below: u64,
    /// The space below which nothing new is taken in.
    pub refuse_below: u64,
    /// The space that is kept back for what has to be stored in any case.
    pub reserve: u64,
}

/// The settings of the log: what is logged, and in which form.
#[derive(Clone, Debug)]
pub struct Log {
    /// The filter directives.
    pub level: String,
    /// Whether the log is JSON lines instead of text.
    pub json: bool,
}

/// The problems with the settings; every one that was found, one a line.
#[derive(Debug, thiserror::Error)]
#[error("the settings cannot be used:\n{}", .0.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// Settings given on the command line, which outrank all others: dotted key and value.
pub type Overrides = Vec<(String, String)>;

/// The folder in which the environment says that pack folders are looked for.
pub fn packs_dir_of_environment() -> Option<PathBuf> {
    std::env::var_os("TIDEGATE__SERVER__PACKS_DIR").map(PathBuf::from)
}

/// The packs that come with the program: a folder beside its binary, or beside the folder of that.
pub fn packs_beside_binary() -> Option<PathBuf> {
    let binary = std::env::current_exe().ok()?;
    let beside = binary.ancestors().skip(1).take(2).map(|folder| folder.join("packs"));
    beside.into_iter().find(|folder| folder.is_dir())
}

/// The folder for what commands compile that have no host's: the person's own cache, so that a pack is compiled once.
pub fn own_cache() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    base.unwrap_or_else(std::env::temp_dir).join("tidegate").join("packs")
}

/// The point at which a test wants the process to end, as `after-create:3`; read by debug builds only.
#[cfg(debug_assertions)]
pub fn fail_at() -> Option<String> {
    std::env::var("TIDEGATE_FAIL_AT").ok()
}

/// The tasks that a test wants to die, each with how many times, as `note delivery:2,schedule:1`; read by debug builds
/// only.
#[cfg(debug_assertions)]
pub fn panic_in() -> Option<String> {
    std::env::var("TIDEGATE_PANIC_IN").ok()
}

/// Warnings about variables of the environment that look like settings and are none; their values are not said.
pub fn ignored_variables() -> Vec<String> {
    variables::ignored(std::env::vars_os())
}

impl Config {
    /// Reads the settings: defaults, then `path` (or `tidegate.toml` where that exists), then the environment, then
    /// `overrides`.
    ///
    /// # Errors
    /// Names every problem with its key and where it was set.
    pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let (config, problems) = Self::examine(path, overrides)?;
        if problems.is_empty() { Ok(config) } else { Err(ConfigError(problems)) }
    }

    /// Reads the settings of `path` and `overrides` alone, for a host that must not meet another's: not even the
    /// environment adds to them.
    ///
    /// # Errors
    /// Fails as [`Config::load`] does.
    pub fn alone(path: &Path, overrides: &Overrides) -> Result<Self, ConfigError> {
        let layers = Layers::without_environment(Some(path), overrides)?;
        let (raw, problems) = layers.read(Registry::BUILT_IN)?;
        let (config, problems) = raw.into_config(
            (&layers.base, layers.is_given),
            Registry::BUILT_IN,
            (None, ProxyVariables::default()),
            Timestamp::now(),
            problems,
        );
        if problems.is_empty() { Ok(config) } else { Err(ConfigError(problems)) }
    }

    /// Reads the settings as far as they can be used, with every problem there is. What cannot be used has its default.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or is no TOML.
    pub fn examine(path: Option<&Path>, overrides: &Overrides) -> Result<(Self, Vec<String>), ConfigError> {
        let layers = Layers::gather(path, overrides)?;
        let (raw, problems) = layers.read(Registry::BUILT_IN)?;
        let secret_key = std::env::var("TIDEGATE_SECRET_KEY").ok();
        Ok(raw.into_config(
            (&layers.base, layers.is_given),
            Registry::BUILT_IN,
            (secret_key, ProxyVariables::read()),
            Timestamp::now(),
            problems,
        ))
    }

    /// The settings in force as TOML. Secrets are left out: they are files, whose paths are shown, or have stars in their
    /// place.
    ///
    /// # Errors
    /// Fails as [`Config::load`] does.
    pub fn dump(path: Option<&Path>, overrides: &Overrides) -> Result<String, ConfigError> {
        let layers = Layers::gather(path, overrides)?;
        let (raw, problems) = layers.read(Registry::BUILT_IN)?;
        let (_, problems) = raw.clone().into_config(
            (&layers.base, layers.is_given),
            Registry::BUILT_IN,
            (None, ProxyVariables::default()),
            Timestamp::now(),
            problems,
        );
        if !problems.is_empty() {
            return Err(ConfigError(problems));
        }
        toml::to_string_pretty(&raw).map_err(|error| ConfigError(vec![error.to_string()]))
    }
}

/// The message about a text that is to be TOML and is not, with the place, but without the line itself: it may hold a
/// secret.
pub fn toml_words(text: &str, error: &toml::de::Error) -> String {
    let Some(span) = error.span() else { return error.message().to_owned() };
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    format!("line {line}: {}", error.message())
}
