//! A connection's section of the settings, as it is written. What keys it has beside those of every connection is declared
//! by its CRM.

use std::collections::BTreeMap;

use figment::value::{Dict, Value};
use secrecy::SecretString;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use super::check::Check;
use super::reading::Reading;
use crate::crm::kind::{CrmKind, Setting, SettingKind, SignInMode};
use crate::crm::parse::{Author, FieldError, RawConnection, RawLimits, RawSignIn, RawValue, Reason, Rules};
use crate::crm::proxy::Proxy;
use crate::crm::registry::Registry;
use crate::crm::spec::{RateLimits, SiteAccess};
use crate::domain::absence::Threshold;
use crate::domain::schedule::Schedule;
use crate::domain::{ConnectionName, trial};

/// The key of a section for the ways to sign in, and the one in it that says which way.
const AUTH: &str = "auth";
const MODE: &str = "mode";

/// A section.
#[derive(Clone)]
pub(super) struct ConnectionSection {
    crm: &'static CrmKind,
    common: CommonKeys,
    /// The CRM's own settings by their keys.
    settings: BTreeMap<String, String>,
    /// The values for signing in, by key.
    auth: Option<BTreeMap<String, String>>,
}

/// The keys of every connection, but for how it signs in. They are documented in `reference.toml`. A key that every
/// connection needs may be missing here, and is named when it is checked.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct CommonKeys {
    crm: Option<String>,
    pack: Option<String>,
    dialect: Option<String>,
    forward_host: Option<String>,
    schedule: Option<String>,
    allow_frequent: bool,
    max_requests_per_second: Option<u32>,
    max_side_by_side: Option<usize>,
    insecure_http: bool,
    enabled: Option<bool>,
    gone_threshold: Share,
    breaker: Share,
}

/// The common keys that stand before and after those of the CRM, where the section is written.
const KEYS_BEFORE: [&str; 4] = ["crm", "pack", "dialect", "forward-host"];
const KEYS_AFTER: [&str; 8] = [
    "schedule",
    "allow-frequent",
    "max-requests-per-second",
    "max-side-by-side",
    "insecure-http",
    "enabled",
    "gone-threshold",
    "breaker",
];

/// A share of records with the number that is below it in any case.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Share {
    percent: Option<u8>,
    at_least: Option<u64>,
}

impl Share {
    /// The threshold, with what is usual where nothing is said.
    fn or(self, usual: Threshold) -> Threshold {
        let Self { percent, at_least } = self;
        Threshold { percent: percent.unwrap_or(usual.percent), at_least: at_least.unwrap_or(usual.at_least) }
    }
}

impl From<Threshold> for Share {
    fn from(Threshold { percent, at_least }: Threshold) -> Self {
        Self { percent: Some(percent), at_least: Some(at_least) }
    }
}

/// A declared name as a key: with hyphens.
fn key_of(name: &str) -> String {
    name.replace('_', "-")
}

/// The key that a value of a way to sign in has: a secret is named by the path of its file.
fn sign_in_key(value: &Setting) -> String {
    let key = key_of(value.name);
    if value.kind == SettingKind::SecretFile { format!("{key}-file") } else { key }
}

/// The keys of a CRM's ways to sign in, each once.
fn auth_keys(crm: &CrmKind) -> Vec<String> {
    let mut keys = vec![MODE.to_owned()];
    for key in crm.sign_ins.iter().flat_map(|mode| mode.values).map(sign_in_key) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

impl ConnectionSection {
    /// Reads the section at `path`. What is not known or does not fit is put aside and named.
    pub(super) fn read(mut section: Dict, path: &[String], crms: Registry, reading: &mut Reading<'_>) -> Self {
        let crm = section.get("crm").and_then(Value::as_str).and_then(|name| crms.find(name)).unwrap_or(crms.usual());
        let own: Vec<String> = crm.settings.iter().map(|setting| key_of(setting.name)).collect();
        let common = KEYS_BEFORE.iter().chain(&KEYS_AFTER).map(|key| (*key).to_owned());
        let known: Vec<String> = common.chain(own.iter().cloned()).chain([AUTH.to_owned()]).collect();
        reading.refuse_unknown(&mut section, path, &known);
        let settings = own.into_iter().filter_map(|key| Some((key.clone(), section.remove(&key)?))).collect();
        let settings = reading.extract(settings, path);
        let auth_path = [path, &[AUTH.to_owned()]].concat();
        let auth = match section.remove(AUTH) {
            Some(Value::Dict(_, mut auth)) => {
                reading.refuse_unknown(&mut auth, &auth_path, &auth_keys(crm));
                Some(reading.extract(auth, &auth_path))
            }
            Some(other) => {
                reading.refuse(&auth_path, &other, "a section with keys");
                None
            }
            None => None,
        };
        Self { crm, common: reading.extract(section, path), settings, auth }
    }

    /// Checks it; `name` is the connection's.
    pub(super) fn check(
        self,
        name: ConnectionName,
        (crms, proxy): (Registry, Option<Proxy>),
        check: &mut Check<'_>,
    ) -> SiteAccess {
        let key = format!("connections.{name}");
        let crm = self.crm;
        let raw = self.into_raw(&key, check);
        let (hosts, folders, zone, now) = (&check.hosts, &check.folders, check.zone.clone(), check.now);
        let rules = Rules { registry: crms, hosts, folders, author: Author::Operator, zone, now };
        let mut parsed = raw.parse(name, &rules);
        for FieldError { field, reason } in std::mem::take(&mut parsed.errors) {
            let key = format!("{key}.{}", file_key(crm, &field));
            match reason {
                Reason::Missing(message) => check.problem(&key, format!("is missing; {message}")),
                Reason::Unusable(message) => check.problem(&key, message),
            }
        }
        parsed.access(proxy)
    }

    fn into_raw(self, key: &str, check: &mut Check<'_>) -> RawConnection {
        let Self { crm, common, settings, auth } = self;
        let name = |key: String| key.replace('-', "_");
        RawConnection {
            crm: common.crm,
            enabled: common.enabled,
            pack: common.pack,
            dialect: common.dialect,
            forward_host: common.forward_host,
            insecure_http: Some(common.insecure_http),
            schedule: common.schedule,
            settings: settings.into_iter().map(|(key, text)| (name(key), text)).collect(),
            sign_in: auth.map(|auth| sign_in((key, crm), auth, check)),
            limits: RawLimits {
                allow_frequent: common.allow_frequent,
                max_requests_per_second: common.max_requests_per_second,
                max_side_by_side: common.max_side_by_side,
                gone_threshold: common.gone_threshold.or(Threshold::default()),
                breaker: common.breaker.or(trial::USUAL),
            },
        }
    }
}

/// The way to sign in, with the secrets read from their files; `of` is the key of the connection's section.
fn sign_in((of, crm): (&str, &CrmKind), mut auth: BTreeMap<String, String>, check: &mut Check<'_>) -> RawSignIn {
    let mode = auth.remove(MODE);
    let declared = |key: &str| {
        let mut values = crm.sign_ins.iter().flat_map(|mode: &SignInMode| mode.values);
        values.find(|value| sign_in_key(value) == key)
    };
    let values = auth.into_iter().filter_map(|(key, text)| {
        let value = declared(&key)?;
        let given = match value.kind {
            SettingKind::SecretFile => {
                let of = format!("{of}.{AUTH}.{key}");
                check.read_secret(&of, text.as_ref()).map_or_else(RawValue::Unreadable, RawValue::Given)
            }
            _ => RawValue::Given(SecretString::from(text)),
        };
        Some((value.name.to_owned(), given))
    });
    RawSignIn { values: values.collect(), mode }
}

/// The key in its section under which a value stands, from its name in the API.
fn file_key(crm: &CrmKind, field: &str) -> String {
    let Some(name) = field.strip_prefix("auth/") else {
        return if field == AUTH { format!("{AUTH}.{MODE}") } else { key_of(field).replace('/', ".") };
    };
    let value = crm.sign_ins.iter().find_map(|mode| mode.value(name));
    format!("{AUTH}.{}", value.map_or_else(|| key_of(name), sign_in_key))
}

/// The section as it would be written with every default, secrets left out.
impl Serialize for ConnectionSection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let usual = RateLimits::default();
        let common = CommonKeys {
            dialect: Some(self.common.dialect.clone().unwrap_or_else(|| self.crm.usual_dialect().to_owned())),
            schedule: Some(self.common.schedule.clone().unwrap_or_else(|| Schedule::hourly().to_string())),
            max_requests_per_second: self.common.max_requests_per_second.or(Some(usual.max_requests_per_second.get())),
            max_side_by_side: self.common.max_side_by_side.or(Some(usual.max_side_by_side)),
            enabled: self.common.enabled.or(Some(true)),
            gone_threshold: self.common.gone_threshold.or(Threshold::default()).into(),
            breaker: self.common.breaker.or(trial::USUAL).into(),
            ..self.common.clone()
        };
        let common = toml::Table::try_from(&common).map_err(serde::ser::Error::custom)?;
        let mut map = serializer.serialize_map(None)?;
        let present = |key: &&str| common.contains_key(*key);
        for key in KEYS_BEFORE.iter().filter(|key| present(key)) {
            map.serialize_entry(key, &common[*key])?;
        }
        for (key, text) in &self.settings {
            map.serialize_entry(key, text)?;
        }
        for key in KEYS_AFTER.iter().filter(|key| present(key)) {
            map.serialize_entry(key, &common[*key])?;
        }
        if let Some(auth) = &self.auth {
            let values = self.crm.sign_ins.iter().flat_map(|mode| mode.values);
            let hidden: Vec<String> =
                values.filter(|value| value.kind == SettingKind::SecretText).map(sign_in_key).collect();
            let shown =
                |key: &String, text: &String| if hidden.contains(key) { "***".to_owned() } else { text.clone() };
            let auth: BTreeMap<&String, String> = auth.iter().map(|(key, text)| (key, shown(key, text))).collect();
            map.serialize_entry(AUTH, &auth)?;
        }
        map.end()
    }
}
