//! The one way from what somebody gives for a connection to its specification, whoever gives it where.
//!
//! Everything is looked at, so that a person sees all that is wrong at once. What cannot be used has a stand-in in the
//! specification, which nothing is made from.

mod errors;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use jiff::tz::TimeZone;
use secrecy::{ExposeSecret as _, SecretString};

use self::errors::Errors;
pub use self::errors::{FieldError, Reason};
use super::folders::FolderRules;
use super::hosts::HostRules;
use super::kind::{CrmKind, Setting, SettingKind, SignInMode, plain_name};
use super::proxy::Proxy;
use super::registry::Registry;
use super::schedule::check_schedule;
use super::spec::{ConnectionSpec, Credentials, RateLimits, SignIn, SiteAccess};
use crate::domain::absence::Threshold;
use crate::domain::schedule::Schedule;
use crate::domain::{ConnectionName, Timestamp, trial};

/// The values that are given for a connection, before anything of them was looked at. What is left out has its default
/// or is asked for.
#[derive(Clone, Default, Debug)]
pub struct RawConnection {
    /// The CRM's name.
    pub crm: Option<String>,
    /// Whether it is to run; it is where nobody says.
    pub enabled: Option<bool>,
    /// The pack folder's name.
    pub pack: Option<String>,
    /// The dialect it speaks.
    pub dialect: Option<String>,
    /// The site's host.
    pub forward_host: Option<String>,
    /// Whether to use plain HTTP to a stand-in site.
    pub insecure_http: Option<bool>,
    /// A crontab line, on the practice's clock.
    pub schedule: Option<String>,
    /// The CRM's own settings by name. Empty ones are not given.
    pub settings: BTreeMap<String, String>,
    /// The way to sign in.
    pub sign_in: Option<RawSignIn>,
    /// The limits that only the settings file sets.
    pub limits: RawLimits,
}

/// The way to sign in, as it is given.
#[derive(Clone, Default, Debug)]
pub struct RawSignIn {
    /// The name of the way.
    pub mode: Option<String>,
    /// The values that are given for it, by name.
    pub values: BTreeMap<String, RawValue>,
}

/// A value that may be a secret, so that none of them is ever printed.
#[derive(Clone, Debug)]
pub enum RawValue {
    /// A value as somebody gives it.
    Given(SecretString),
    /// A value as it was given before, for these hosts.
    Kept(SecretString, String),
    /// A value that cannot be had, for this reason.
    Unreadable(String),
}

impl From<String> for RawValue {
    fn from(text: String) -> Self {
        Self::Given(text.into())
    }
}

/// The limits that only the settings file sets, because whoever writes it answers for the site's load.
#[derive(Clone, Debug)]
pub struct RawLimits {
    /// Whether the schedule may come round more often than once an hour.
    pub allow_frequent: bool,
    /// Requests begun in a second.
    pub max_requests_per_second: Option<u32>,
    /// Requests under way at once.
    pub max_side_by_side: Option<usize>,
    /// The number of records that are gone that a run may mark by itself.
    pub gone_threshold: Threshold,
    /// The number of records that a revision on trial may reject anew before the breaker takes it back.
    pub breaker: Threshold,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            allow_frequent: false,
            max_requests_per_second: None,
            max_side_by_side: None,
            gone_threshold: Threshold::default(),
            breaker: trial::USUAL,
        }
    }
}

/// The author of what is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Author {
    /// The writer of the settings file, who stands for the hosts in it.
    Operator,
    /// A practice manager, within what the operator allows.
    Manager,
}

/// The rules that what is given is checked against.
#[derive(Clone, Debug)]
pub struct Rules<'a> {
    /// The CRMs there are.
    pub registry: Registry,
    /// The hosts that may be led to.
    pub hosts: &'a HostRules,
    /// The folders that may be led to.
    pub folders: &'a FolderRules,
    /// The author of what is given.
    pub author: Author,
    /// The practice's time zone.
    pub zone: TimeZone,
    /// The moment that counts as now.
    pub now: Timestamp,
}

/// The result of parsing.
#[derive(Debug)]
pub struct Parsed {
    /// The connection; of use where nothing is wrong.
    pub spec: ConnectionSpec,
    /// The connection's secrets.
    pub credentials: Credentials,
    /// The errors, all of them.
    pub errors: Vec<FieldError>,
}

impl Parsed {
    /// The access from which a connector is made, as far as it can be used.
    pub fn access(self, proxy: Option<Proxy>) -> SiteAccess {
        SiteAccess { spec: Arc::new(self.spec), credentials: self.credentials, proxy }
    }
}

impl SiteAccess {
    /// A site on this machine that is asked over plain HTTP, in the first way to sign in that has all these values: for
    /// tests and measurements.
    ///
    /// # Errors
    /// Returns an error if its CRM does not take the values.
    pub fn to_stand_in(crm: &'static CrmKind, host: &str, values: &[(&str, &str)]) -> Result<Self, Vec<FieldError>> {
        let has_all = |mode: &&SignInMode| values.iter().all(|(name, _)| mode.value(name).is_some());
        let mode = crm.sign_ins.iter().find(has_all).map(|mode| mode.name.to_owned());
        let values = values.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned().into())).collect();
        let raw = RawConnection {
            crm: Some(crm.name.to_owned()),
            pack: Some(crm.example_pack.to_owned()),
            forward_host: Some(host.to_owned()),
            insecure_http: Some(true),
            sign_in: Some(RawSignIn { mode, values }),
            ..RawConnection::default()
        };
        let (registry, hosts, folders) = (Registry::BUILT_IN, HostRules::default(), FolderRules::default());
        let (author, zone, now) = (Author::Operator, TimeZone::UTC, Timestamp::UNIX_EPOCH);
        let rules = Rules { registry, hosts: &hosts, folders: &folders, author, zone, now };
        let parsed = raw.parse("main".parse().expect("a plain name"), &rules);
        if parsed.errors.is_empty() { Ok(parsed.access(None)) } else { Err(parsed.errors) }
    }
}

impl RawConnection {
    /// Reads everything.
    pub fn parse(self, name: ConnectionName, rules: &Rules<'_>) -> Parsed {
        let mut errors = Errors::default();
        let crm = self.crm(rules, &mut errors);
        let dialect = self.dialect(crm, &mut errors);
        let schedule = self.schedule(rules, &mut errors);
        let pack = errors.text("pack", "a pack", self.pack.as_deref());
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
        if !pack.chars().all(is_plain) {
            errors.add("pack", format!("`{pack}` is no pack's name such as {}", crm.example_pack));
        }
        let mut settings = self.settings(crm, &dialect, rules, &mut errors);
        let forward_host = match crm.folder_setting() {
            Some(setting) => self.folder(settings.get(setting), rules, &mut errors),
            None => self.forward_host(crm, rules, &mut errors),
        };
        settings.retain(|_, text| !text.is_empty());
        let rate_limits = self.limits.rate_limits(&mut errors);
        let RawLimits { gone_threshold, breaker, .. } = self.limits;
        for (field, threshold) in [("gone_threshold", gone_threshold), ("breaker", breaker)] {
            if threshold.percent > 100 {
                errors.add(&format!("{field}/percent"), format!("{} is more than 100 percent", threshold.percent));
            }
        }
        let (mode, values) = way_to_sign_in(crm, self.sign_in, &mut errors);
        let mut spec = ConnectionSpec {
            name,
            crm,
            enabled: self.enabled.unwrap_or(true),
            pack,
            dialect,
            forward_host,
            insecure_http: self.insecure_http.unwrap_or_default(),
            settings,
            schedule,
            rate_limits,
            gone_threshold,
            breaker,
            sign_in: SignIn { mode, values: BTreeMap::new() },
        };
        let credentials = values.map(|values| take_values(&mut spec, values, &mut errors)).unwrap_or_default();
        Parsed { spec, credentials, errors: errors.all() }
    }

    fn crm(&self, rules: &Rules<'_>, errors: &mut Errors) -> &'static CrmKind {
        let names = || rules.registry.all().map(|kind| kind.name).collect::<Vec<_>>().join(" or ");
        let usual = rules.registry.usual();
        match self.crm.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => rules.registry.find(name).unwrap_or_else(|| {
                errors.add("crm", format!("`{name}` is no CRM known here; use {}", names()));
                usual
            }),
            // A file says what it is about; where one is made on a page, that is chosen before.
            None if rules.author == Author::Operator => {
                errors.missing("crm", format!("name the CRM: {}", names()));
                usual
            }
            None => usual,
        }
    }

    fn dialect(&self, crm: &CrmKind, errors: &mut Errors) -> String {
        let Some(dialect) = &self.dialect else { return crm.usual_dialect().to_owned() };
        if !crm.dialects.contains(&dialect.as_str()) {
            let known = crm.dialects.join(" or ");
            errors.add("dialect", format!("`{dialect}` is no dialect known here; use {known}"));
        }
        dialect.clone()
    }

    fn schedule(&self, rules: &Rules<'_>, errors: &mut Errors) -> Schedule {
        let Some(line) = &self.schedule else { return Schedule::hourly() };
        check_schedule(line, self.limits.allow_frequent, rules.now, &rules.zone).unwrap_or_else(|message| {
            errors.add("schedule", message);
            // One that comes round too often, or not any more, is still shown as it is.
            line.parse().unwrap_or_else(|_| Schedule::hourly())
        })
    }

    fn forward_host(&self, crm: &CrmKind, rules: &Rules<'_>, errors: &mut Errors) -> String {
        let what = format!("the site's host, such as {}", crm.site.example);
        let host = errors.text("forward_host", &what, self.forward_host.as_deref());
        let is_operator = rules.author == Author::Operator;
        if self.is_stand_in() && !is_operator && !rules.hosts.stand_ins {
            let message = "stand-in sites are not allowed here; whoever runs this host can allow them by stand-in-sites in \
                         the section [crm] of the settings";
            errors.add("insecure_http", message);
            return host;
        }
        let check = |host: &str| {
            let hint = |message| match HostRules::check_stand_in(host) {
                Ok(_) if is_operator => {
                    format!("{message}; a stand-in site on this machine needs insecure-http = true")
                }
                _ => message,
            };
            rules.hosts.check(&crm.site, host).map_err(hint)
        };
        self.host("forward_host", host, check, errors)
    }

    /// The place of a site that is reached by a folder, which one of its settings holds.
    fn folder(&self, folder: Option<&String>, rules: &Rules<'_>, errors: &mut Errors) -> String {
        // The page and the store give what stands there for every CRM; whoever writes it in a file means it.
        if rules.author == Author::Operator && self.forward_host.is_some() {
            errors
                .add("forward_host", "belongs to a CRM that is reached by its host; leave it out, and name the folder");
        }
        folder.cloned().unwrap_or_default()
    }

    /// Whether the site is one on this machine that is asked over plain HTTP.
    fn is_stand_in(&self) -> bool {
        self.insecure_http.unwrap_or_default()
    }

    /// A host that was given, in the spelling in which it is called.
    fn host(
        &self,
        field: &str,
        host: String,
        check: impl Fn(&str) -> Result<String, String>,
        errors: &mut Errors,
    ) -> String {
        if host.is_empty() {
            return host;
        }
        let checked = if self.is_stand_in() { HostRules::check_stand_in(&host) } else { check(&host) };
        checked.unwrap_or_else(|message| {
            errors.add(field, message);
            host
        })
    }

    fn settings(
        &self,
        crm: &'static CrmKind,
        dialect: &str,
        rules: &Rules<'_>,
        errors: &mut Errors,
    ) -> BTreeMap<&'static str, String> {
        for name in self.settings.keys().filter(|name| crm.setting(name).is_none()) {
            errors.add(name, format!("{} has no such setting; leave it out", crm.label));
        }
        let mut settings = BTreeMap::new();
        for setting in crm.settings {
            let given = self.settings.get(setting.name).map(|text| text.trim()).filter(|text| !text.is_empty());
            if let Some(only) = setting.dialect.filter(|only| *only != dialect) {
                if given.is_some() && setting.is_needed {
                    let what = setting.label.to_lowercase();
                    let message = format!("only the dialect `{only}` has a {what}; leave it out, or choose that");
                    errors.add(setting.name, message);
                }
                continue;
            }
            let Some(text) = given.or(setting.default) else {
                if setting.is_needed {
                    errors.missing(setting.name, format!("enter {}", setting.what));
                }
                continue;
            };
            let text = errors.text(setting.name, setting.what, Some(text));
            settings.insert(setting.name, self.setting((crm, setting), text, rules, errors));
        }
        settings
    }

    fn setting(
        &self,
        (crm, setting): (&CrmKind, &Setting),
        text: String,
        rules: &Rules<'_>,
        errors: &mut Errors,
    ) -> String {
        match setting.kind {
            // Whoever writes the settings file stands for this host, under whatever suffix.
            SettingKind::Host if rules.author == Author::Operator => {
                self.host(setting.name, text, |host| HostRules::check_name(&crm.site, host), errors)
            }
            SettingKind::Host => self.host(setting.name, text, |host| rules.hosts.check(&crm.site, host), errors),
            SettingKind::Folder => {
                rules.folders.check(&text, rules.author == Author::Operator).unwrap_or_else(|message| {
                    errors.add(setting.name, message);
                    String::new()
                })
            }
            SettingKind::Number(most) => {
                if text.parse::<u32>().is_ok_and(|number| number <= most) {
                    return text;
                }
                errors.add(setting.name, format!("`{text}` is no whole number from 0 to {most}"));
                String::new()
            }
            SettingKind::Word => {
                let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
                if !text.bytes().all(is_plain) {
                    errors.add(setting.name, format!("`{text}` is not made of letters, digits, `-`, `_` and `.`"));
                }
                text
            }
            SettingKind::Text | SettingKind::SecretFile | SettingKind::SecretText => text,
        }
    }
}

impl RawLimits {
    fn rate_limits(&self, errors: &mut Errors) -> RateLimits {
        let usual = RateLimits::default();
        let max_requests_per_second = match self.max_requests_per_second.map(NonZeroU32::new) {
            Some(Some(most)) => most,
            Some(None) => {
                errors.add("max_requests_per_second", "must be at least 1");
                usual.max_requests_per_second
            }
            None => usual.max_requests_per_second,
        };
        let max_side_by_side = self.max_side_by_side.unwrap_or(usual.max_side_by_side);
        if !(2..=32).contains(&max_side_by_side) {
            let message = format!("{max_side_by_side} is not within 2 to 32; one is kept free for file notes");
            errors.add("max_side_by_side", message);
        }
        RateLimits { max_requests_per_second, max_side_by_side }
    }
}

/// The way to sign in and what was given for it; nothing where the way is not known.
fn way_to_sign_in(
    crm: &'static CrmKind,
    raw: Option<RawSignIn>,
    errors: &mut Errors,
) -> (&'static SignInMode, Option<BTreeMap<String, RawValue>>) {
    let first = crm.sign_ins.first().expect("a CRM is signed in to in some way");
    let RawSignIn { mode, values } = raw.unwrap_or_default();
    let Some(mode) = mode.filter(|mode| !mode.trim().is_empty()) else {
        if let Some(only) = crm.only_way_without_values() {
            return (only, Some(values));
        }
        let ways: Vec<&str> = crm.sign_ins.iter().map(|mode| mode.what).collect();
        errors.missing("auth", format!("choose how to sign in: {}", ways.join(", or ")));
        return (first, None);
    };
    match crm.sign_in(&mode) {
        Some(mode) => (mode, Some(values)),
        None => {
            let names: Vec<&str> = crm.sign_ins.iter().map(|mode| mode.name).collect();
            errors.add("auth/mode", format!("the way to sign in is to be one of {}", names.join(", ")));
            (first, None)
        }
    }
}

/// Puts what is no secret into the specification and answers the secrets.
fn take_values(spec: &mut ConnectionSpec, mut given: BTreeMap<String, RawValue>, errors: &mut Errors) -> Credentials {
    let mut credentials = Credentials::default();
    for value in spec.sign_in.mode.values {
        let field = format!("auth/{}", value.name);
        match (given.remove(value.name), value.kind.is_secret()) {
            (Some(RawValue::Unreadable(message)), _) => errors.add(&field, message),
            (Some(RawValue::Given(secret)), true) if !secret.expose_secret().trim().is_empty() => {
                if secret.expose_secret().chars().any(char::is_control) {
                    let message = "holds more than one line, or control characters; give the secret and nothing else";
                    errors.add(&field, format!("the {} {message}", plain_name(value.name)));
                }
                credentials.0.insert(value.name, secret);
            }
            (Some(RawValue::Kept(secret, before)), true) => {
                if before == spec.recipients() {
                    credentials.0.insert(value.name, secret);
                } else {
                    let what = plain_name(value.name);
                    let message = format!("enter the {what} again. It was given for {before} and is sent nowhere else");
                    errors.add(&field, message);
                }
            }
            // A blank secret is none.
            (Some(RawValue::Given(_)), true) if !value.is_needed => {}
            (Some(RawValue::Given(_)), true) => errors.missing(&field, format!("enter {}", value.what)),
            (Some(RawValue::Given(text) | RawValue::Kept(text, _)), false) => {
                let text = errors.text(&field, value.what, Some(text.expose_secret()));
                spec.sign_in.values.insert(value.name, text);
            }
            (None, _) if !value.is_needed => {}
            (None, _) => errors.missing(&field, format!("enter {}", value.what)),
        }
    }
    for name in given.into_keys() {
        errors.add(&format!("auth/{name}"), "belongs to another way to sign in; leave it out, or choose that");
    }
    credentials
}
