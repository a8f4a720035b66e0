//! Settings: where they come from, and what is usable.
//!
//! [`mod@file`] is the raw text as people write it; [`Config`] is what the host runs on. `reference.toml` holds the
//! defaults and documents every key. The environment is read here and nowhere else.

mod file;
pub mod host;
pub mod logo;
mod network;
mod schedule;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use secrecy::SecretString;

pub use self::host::HostRules;
pub use self::network::Network;
pub use self::schedule::check_schedule;
use crate::domain::ConnectionName;
use crate::domain::departure::Threshold;

/// The defaults, and the reference of every key.
pub const REFERENCE: &str = include_str!("config/reference.toml");

/// The dialects that a connection may speak.
pub const DIALECTS: [&str; 2] = ["resourceful", OPEN];

/// The dialect that a gateway speaks for a site.
pub const OPEN: &str = "open";

/// The settings the host runs on.
#[derive(Clone, Debug)]
pub struct Config {
    /// Of the practice.
    pub practice: Practice,
    /// Where it listens and keeps things.
    pub server: Server,
    /// How much of the disk is kept free.
    pub storage: Storage,
    /// What is logged.
    pub log: Log,
    /// How documents are made.
    pub documents: Documents,
    /// Where figures are served for Prometheus; nowhere where none.
    pub metrics: Option<SocketAddr>,
    /// Which hosts connections may lead to.
    pub hosts: HostRules,
    /// CRM sites by name.
    pub connections: BTreeMap<ConnectionName, ConnectionConfig>,
}

/// The practice.
#[derive(Clone, Debug)]
pub struct Practice {
    /// As pages and notes show it.
    pub name: String,
    /// Domain of placeholder emails.
    pub email_domain: String,
    /// Its time zone.
    pub time_zone: jiff::tz::TimeZone,
    /// The file of its logo, which its documents show.
    pub logo: Option<PathBuf>,
}

/// How documents are made.
#[derive(Clone, Debug)]
pub struct Documents {
    /// A folder of fonts, for what those in the program do not have.
    pub font_dir: Option<PathBuf>,
}

/// Where the host listens and keeps things.
#[derive(Clone, Debug)]
pub struct Server {
    /// Pages and API.
    pub listen: SocketAddr,
    /// Where people's browsers reach the pages, without a slash at the end; none where that is `listen`.
    pub public_url: Option<String>,
    /// Store and caches.
    pub data_dir: PathBuf,
    /// Pack folders.
    pub packs_dir: PathBuf,
    /// The practice manager's token for automation.
    pub bootstrap_token: Option<SecretString>,
    /// What compiles plugins in a process of its own: this program, for its command line knows how. No setting.
    pub compiler: Option<PathBuf>,
    /// Proxies that are believed when they say for whom they ask.
    pub trusted_proxies: Vec<Network>,
    /// What secrets in the store are sealed with; none where the data folder has a key of its own.
    pub secret_key: Option<SecretString>,
}

impl Server {
    /// Where people's browsers reach the pages, without a slash at the end.
    pub fn base_url(&self) -> String {
        let unspecified = self.listen.ip().is_unspecified();
        self.public_url.clone().unwrap_or_else(|| match unspecified {
            true => format!("http://localhost:{}", self.listen.port()),
            false => format!("http://{}", self.listen),
        })
    }
}

/// How much of the data folder's disk is kept free, in bytes.
#[derive(Clone, Copy, Default, Debug)]
pub struct Storage {
    /// Below it, pages, log and `/readyz` warn.
    pub warn_below: u64,
    /// Below it, nothing new is taken in.
    pub refuse_below: u64,
    /// What is kept back for what has to be stored in any case.
    pub reserve: u64,
}

/// What is logged and how.
#[derive(Clone, Debug)]
pub struct Log {
    /// Filter directives.
    pub level: String,
    /// JSON lines instead of text.
    pub json: bool,
}

/// One CRM site.
#[derive(Clone, Debug)]
pub struct ConnectionConfig {
    /// `xplan`.
    pub crm: String,
    /// Whether it is to run.
    pub enabled: bool,
    /// The pack folder's name.
    pub pack: String,
    /// `resourceful` or `open`.
    pub dialect: String,
    /// The site's host, with a port only where `insecure_http`.
    pub forward_host: String,
    /// Plain HTTP to a loopback host.
    pub insecure_http: bool,
    /// Cron with seconds.
    pub schedule: String,
    /// Where the Open dialect is spoken; none for the others.
    pub gateway: Option<Gateway>,
    /// How hard the site may be asked.
    pub pace: Pace,
    /// How many clients that are gone a run may mark as not visible by itself.
    pub gone_threshold: Threshold,
    /// How to sign in.
    pub auth: Auth,
}

/// A gateway that speaks the Open dialect for many sites.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gateway {
    /// Its host, with a port only where `insecure_http`.
    pub host: String,
    /// The API's version.
    pub api_version: String,
    /// The list below a client to which file notes are added.
    pub notes_list: String,
}

impl Gateway {
    /// With the version and the list that are usual.
    pub fn at(host: String) -> Self {
        Self { host, api_version: "2.0".to_owned(), notes_list: "note".to_owned() }
    }
}

/// How hard a site may be asked, at most. Where its answers slow down, it is asked less.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    /// Requests begun in a second.
    pub max_requests_per_second: NonZeroU32,
    /// Requests under way at once, one of them kept free for file notes.
    pub max_side_by_side: usize,
}

impl Default for Pace {
    /// A ceiling out of the way: the number of calls side by side is what keeps a site of ordinary speed far below it.
    fn default() -> Self {
        Self { max_requests_per_second: NonZeroU32::MIN.saturating_add(999), max_side_by_side: 5 }
    }
}

/// How to sign in to a CRM site.
#[derive(Clone, Debug)]
pub enum Auth {
    /// A user's name and password.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: SecretString,
        /// The application id that the site gave.
        app_id: Option<SecretString>,
    },
    /// Authorised by a person on the site itself (OAuth 2, authorization code).
    OAuth {
        /// The host's id at the site.
        client_id: String,
        /// The host's secret at the site.
        client_secret: SecretString,
        /// The application id that the site gave.
        app_id: Option<SecretString>,
    },
}

impl Auth {
    /// The application id that the site gave.
    pub fn app_id(&self) -> Option<&SecretString> {
        match self {
            Self::Basic { app_id, .. } | Self::OAuth { app_id, .. } => app_id.as_ref(),
        }
    }
}

/// What is wrong with the settings; every problem found, one a line.
#[derive(Debug, thiserror::Error)]
#[error("the settings cannot be used:\n{}", .0.iter().map(|p| format!("  - {p}")).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError(pub Vec<String>);

/// Settings given on the command line, which outrank all others: dotted key and value.
pub type Overrides = Vec<(String, String)>;

/// Where a test wants the process to end, as `after-create:3`; read by debug builds only.
#[cfg(debug_assertions)]
pub fn fail_at() -> Option<String> {
    std::env::var("TIDEGATE_FAIL_AT").ok()
}

/// Which tasks a test wants to die, and how many times, as `note delivery:2,schedule:1`; read by debug builds only.
#[cfg(debug_assertions)]
pub fn panic_in() -> Option<String> {
    std::env::var("TIDEGATE_PANIC_IN").ok()
}

impl Config {
    /// Reads the settings: defaults, then `path` (or `tidegate.toml` where that exists), then the environment, then
    /// `overrides`.
    ///
    /// # Errors
    /// Names every problem with its key and where it was set.
    pub fn load(path: Option<&Path>, overrides: &Overrides) -> Result<Self, ConfigError> {
        let (figment, base) = layers(path, overrides)?;
        let raw: file::File =
            figment.extract().map_err(|errors| ConfigError(errors.into_iter().map(|e| say(&e)).collect()))?;
        raw.into_config(&base, std::env::var("TIDEGATE_SECRET_KEY").ok())
    }

    /// The settings in force as TOML, secrets left out (they are files, whose paths are shown).
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn dump(path: Option<&Path>, overrides: &Overrides) -> Result<String, ConfigError> {
        let (figment, base) = layers(path, overrides)?;
        let raw: file::File =
            figment.extract().map_err(|errors| ConfigError(errors.into_iter().map(|e| say(&e)).collect()))?;
        raw.clone().into_config(&base, None)?;
        toml::to_string_pretty(&raw).map_err(|error| ConfigError(vec![error.to_string()]))
    }
}

fn layers(path: Option<&Path>, overrides: &Overrides) -> Result<(Figment, PathBuf), ConfigError> {
    let mut figment = Figment::new().merge(Toml::string(REFERENCE));
    let default_path = Path::new("tidegate.toml");
    let chosen = path.or_else(|| default_path.exists().then_some(default_path));
    let mut base = PathBuf::from(".");
    if let Some(path) = chosen {
        let text = std::fs::read_to_string(path).map_err(|error| {
            ConfigError(vec![format!("{} cannot be read: {error}; name another with --config", path.display())])
        })?;
        base = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let parsed = toml::from_str::<toml::Table>(&text);
        parsed.map_err(|error| ConfigError(vec![format!("{} is not TOML: {error}", path.display())]))?;
        figment = figment.merge(Toml::file_exact(path));
    }
    let environment =
        Env::prefixed("TIDEGATE__").map(|key| key.as_str().to_lowercase().replace("__", ".").replace('_', "-").into());
    figment = figment.merge(environment);
    for (key, value) in overrides {
        figment = figment.merge((key.as_str(), value.as_str()));
    }
    Ok((figment, base))
}

fn say(error: &figment::Error) -> String {
    let source = error.metadata.as_ref().map(|metadata| {
        let place = metadata.source.as_ref().map(ToString::to_string);
        place.unwrap_or_else(|| metadata.name.to_string())
    });
    let key = error.path.join(".");
    let place = match (key.is_empty(), source) {
        (true, Some(source)) => format!(" (in {source})"),
        (false, Some(source)) => format!(" (at `{key}`, in {source})"),
        (false, None) => format!(" (at `{key}`)"),
        (true, None) => String::new(),
    };
    format!("{}{place}", error.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("secrets")).unwrap();
        std::fs::write(folder.path().join("secrets/xplan"), "s3cret\n").unwrap();
        std::fs::write(folder.path().join("secrets/key"), "a key of at least 32 characters, told to nobody").unwrap();
        std::fs::write(folder.path().join("tidegate.toml"), text).unwrap();
        Config::load(Some(&folder.path().join("tidegate.toml")), &Vec::new())
    }

    const CONNECTION: &str = r#"
        [connections.main]
        crm = "xplan"
        pack = "xplan-au"
        forward-host = "acme.xplan.iress.com.au"
        auth = { mode = "basic", username = "svc", password-file = "secrets/xplan", app-id = "app" }
    "#;

    #[test]
    fn the_reference_alone_is_usable() {
        let config = load("").unwrap();
        assert_eq!(config.server.listen.port(), 8080);
        assert!(config.connections.is_empty());
    }

    #[test]
    fn a_connection_is_read_with_its_secret_trimmed() {
        use secrecy::ExposeSecret as _;
        let config = load(CONNECTION).unwrap();
        let connection = &config.connections[&"main".parse().unwrap()];
        let Auth::Basic { username, password, .. } = &connection.auth else { panic!("basic is another mode") };
        assert_eq!((username.as_str(), password.expose_secret()), ("svc", "s3cret"));
        assert_eq!(connection.schedule, "0 0 * * * *");
    }

    #[test]
    fn every_problem_is_named() {
        let check = |text: &str, expected: &[&str]| {
            let said = load(text).unwrap_err().to_string();
            for words in expected {
                assert!(said.contains(words), "{words:?} is not in:\n{said}");
            }
        };
        check("[server]\nlisen = \"x\"", &["lisen", "listen"]);
        check("[server]\nlisten = \"nowhere\"", &["server.listen", "nowhere"]);
        check("[practice]\ntime-zone = \"Mars/North\"", &["practice.time-zone", "Mars/North"]);
        check("[practice", &["is not TOML"]);
        check(
            &CONNECTION.replace("secrets/xplan", "secrets/none"),
            &["connections.main.auth.password-file", "secrets/none"],
        );
        check(&CONNECTION.replace("acme.xplan", "https://acme.xplan"), &["connections.main.forward-host"]);
        check(&CONNECTION.replace("acme.xplan.iress.com.au", "127.0.0.1:80"), &["insecure-http"]);
        check(&format!("{CONNECTION}\nschedule = \"0 */15 * * * *\""), &["15 minutes", "allow-frequent"]);
        check(&format!("{CONNECTION}\nschedule = \"0 0,50 9 * * *\""), &["50 minutes"]);
        check(&format!("{CONNECTION}\ndialect = \"open\""), &["gateway-host"]);
        check(&format!("{CONNECTION}\ngateway-host = \"x.example\""), &["gateway-host", "open"]);
        check(&format!("{CONNECTION}\ndialect = \"open\"\ngateway-host = \"https://x\""), &["gateway-host"]);
        check(&format!("{CONNECTION}\ndialect = \"closed\""), &["dialect", "resourceful", "open"]);
        check(&format!("{CONNECTION}\nmax-side-by-side = 1"), &["max-side-by-side", "file notes"]);
        check(&format!("{CONNECTION}\nmax-requests-per-second = 0"), &["max-requests-per-second"]);
        check(
            &CONNECTION.replace("acme.xplan.iress.com.au", "evil.example"),
            &["connections.main.forward-host", "[crm]"],
        );
        check("[server]\npublic-url = \"tidegate.example\"", &["server.public-url", "tidegate.example"]);
        check("[server]\npublic-url = \"https://a.example/x\"", &["server.public-url"]);
        check("[storage]\nwarn-below-mb = 1", &["storage.warn-below-mb", "256"]);
        check("[server]\ntrusted-proxies = [\"proxy\"]", &["server.trusted-proxies", "10.0.0.0/8"]);
        check("[server]\nsecret-key-file = \"secrets/xplan\"", &["server.secret-key-file", "32"]);
        check("[crm]\nforward-host-suffixes = [\"advice\"]", &["crm.forward-host-suffixes", "advice"]);
        check("[metrics]\nlisten = \"here\"", &["metrics.listen", "here"]);
        check(&format!("{CONNECTION}\nschedule = \"hourly\""), &["connections.main.schedule", "hourly"]);
        check(&format!("{CONNECTION}\ninsecure-http = true"), &["insecure-http", "loopback"]);
    }

    #[test]
    fn a_frequent_schedule_is_the_operators_own_decision() {
        assert!(load(&format!("{CONNECTION}\nschedule = \"0 */15 * * * *\"\nallow-frequent = true")).is_ok());
        assert!(load(&format!("{CONNECTION}\nschedule = \"0 0 2 * * Mon\"")).is_ok());
    }

    #[test]
    fn a_connection_with_oauth_and_a_key() {
        let config = load(
            r#"
            [server]
            public-url = "https://tidegate.acme.example/"
            secret-key-file = "secrets/key"
            [crm]
            forward-host-suffixes = [".advice.example"]
            [metrics]
            listen = "127.0.0.1:9464"
            [connections.main]
            crm = "xplan"
            pack = "xplan-au"
            forward-host = "CRM.advice.example"
            auth = { mode = "oauth", client-id = "tidegate", client-secret-file = "secrets/xplan" }
            "#,
        )
        .unwrap();
        let connection = &config.connections[&"main".parse().unwrap()];
        assert!(matches!(&connection.auth, Auth::OAuth { client_id, .. } if client_id == "tidegate"));
        assert_eq!(connection.forward_host, "crm.advice.example");
        assert_eq!(config.server.base_url(), "https://tidegate.acme.example");
        assert!(config.server.secret_key.is_some());
        assert_eq!(config.metrics.unwrap().port(), 9464);
    }

    #[test]
    fn an_override_outranks_the_file() {
        let overrides = vec![("server.listen".to_owned(), "127.0.0.1:0".to_owned())];
        let config = Config::load(None, &overrides).unwrap();
        assert_eq!(config.server.listen.port(), 0);
    }
}
