//! What people give for a connection, checked, and turned into what a connection is made from.

use std::iter;

use secrecy::{ExposeSecret as _, SecretString};

use super::site::site_at;
use super::{IntegrationError, Integrations};
use crate::config::{Auth, ConnectionConfig, Gateway, HostRules, OPEN, Pace, bare, check_schedule};
use crate::domain::ConnectionName;
use crate::domain::departure::Threshold;
use crate::domain::text::is_unwanted;
use crate::secrets::{Place, recipients};
use crate::store::connections::{By, Sealed, StoredAuth, StoredConnection};

/// The longest text of a field.
const LONGEST: usize = 200;

/// What secrets are called where they are sealed.
const PASSWORD: &str = "password";
const CLIENT_SECRET: &str = "client secret";
const APP_ID: &str = "app id";

/// What somebody gives for a connection. For a new one, what is left out has its default or is asked for; for another,
/// it stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Its name in addresses; of a new one only, and made of the title where it is left out.
    pub name: Option<String>,
    /// What people call it.
    pub title: Option<String>,
    /// `xplan`.
    pub crm: Option<String>,
    /// The dialect it speaks.
    pub dialect: Option<String>,
    /// The pack folder's name.
    pub pack: Option<String>,
    /// The site's host.
    pub forward_host: Option<String>,
    /// The gateway's host, of the dialect that has one.
    pub gateway_host: Option<String>,
    /// Plain HTTP to a stand-in site.
    pub insecure_http: Option<bool>,
    /// When it walks its book: a crontab line, on the practice's clock.
    pub schedule: Option<String>,
    /// Whether it is to run.
    pub enabled: Option<bool>,
    /// Whether the sender confirms the check before it is enabled.
    pub confirms_preflight: bool,
    /// Whether the sender says that another forward host is the same site under another name.
    pub confirms_same_site: bool,
    /// How to sign in.
    pub auth: Option<AuthDraft>,
}

/// How to sign in. A secret that is left out stays as it is.
#[derive(Clone, Debug)]
pub enum AuthDraft {
    /// By name and password.
    Basic {
        /// The user.
        username: String,
        /// The password.
        password: Option<SecretString>,
        /// The application id.
        app_id: Option<SecretString>,
    },
    /// Authorised on the site.
    OAuth {
        /// The host's id at the site.
        client_id: String,
        /// The host's secret at the site.
        client_secret: Option<SecretString>,
        /// The application id.
        app_id: Option<SecretString>,
    },
}

impl AuthDraft {
    /// As it signs in already.
    fn unchanged(auth: &StoredAuth) -> Self {
        match auth {
            StoredAuth::Basic { username, .. } => {
                Self::Basic { username: username.clone(), password: None, app_id: None }
            }
            StoredAuth::OAuth { client_id, .. } => {
                Self::OAuth { client_id: client_id.clone(), client_secret: None, app_id: None }
            }
        }
    }
}

impl StoredAuth {
    /// Its secrets, each with what it is called where it is sealed.
    pub(super) fn secrets(&mut self) -> impl Iterator<Item = (&'static str, &mut Sealed)> {
        let (what, secret, app_id) = match self {
            Self::Basic { password, app_id, .. } => (PASSWORD, password, app_id),
            Self::OAuth { client_secret, app_id, .. } => (CLIENT_SECRET, client_secret, app_id),
        };
        iter::once((what, secret)).chain(app_id.as_mut().map(|app_id| (APP_ID, app_id)))
    }
}

/// What is wrong with a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldProblem {
    /// The field's name in the API: `forward_host`, `auth/password`.
    pub field: &'static str,
    /// What would be right.
    pub message: String,
}

/// Collects problems, so that a person sees all of them at once.
#[derive(Default)]
struct Problems(Vec<FieldProblem>);

impl Problems {
    fn add(&mut self, field: &'static str, message: impl Into<String>) {
        self.0.push(FieldProblem { field, message: message.into() });
    }

    /// A text that is there and not too long.
    fn text(&mut self, field: &'static str, what: &str, text: Option<String>) -> String {
        let text = text.unwrap_or_default().trim().to_owned();
        if text.is_empty() {
            self.add(field, format!("Enter {what}."));
        } else if text.chars().count() > LONGEST || text.chars().any(is_unwanted) {
            self.add(field, format!("Enter {what} in at most {LONGEST} characters."));
        }
        text
    }
}

impl Integrations {
    /// The connection as it is to be kept: `before` with the draft over it.
    pub(super) async fn checked(
        &self,
        before: Option<StoredConnection>,
        draft: Draft,
        by: By,
    ) -> Result<StoredConnection, IntegrationError> {
        let mut problems = Problems::default();
        let old = before.as_ref();
        let title = problems.text("title", "a name", draft.title.or_else(|| old.map(|old| old.title.clone())));
        let name = match old {
            Some(old) => Some(old.name.clone()),
            None => self.new_name(draft.name.unwrap_or_else(|| slug(&title)), &mut problems).await?,
        };
        let crm = draft.crm.or_else(|| old.map(|old| old.crm.clone())).unwrap_or_else(|| "xplan".to_owned());
        if crm != "xplan" {
            problems.add("crm", format!("`{crm}` is no CRM known here; use xplan."));
        }
        let dialect = draft.dialect.or_else(|| old.map(|old| old.dialect.clone()));
        let dialect = dialect.unwrap_or_else(|| "resourceful".to_owned());
        if !crate::config::DIALECTS.contains(&dialect.as_str()) {
            problems.add(
                "dialect",
                format!("`{dialect}` is no dialect known here; use {}.", crate::config::DIALECTS.join(" or ")),
            );
        }
        let schedule = draft.schedule.or_else(|| old.map(|old| old.schedule.clone()));
        let schedule = schedule.unwrap_or_else(|| "0 0 * * * *".to_owned());
        let zone = &self.0.config.practice.time_zone;
        if let Err(words) = check_schedule(&schedule, false, by.at, zone) {
            problems.add("schedule", format!("{words}."));
        }
        let pack = problems.text("pack", "a pack", draft.pack.or_else(|| old.map(|old| old.pack.clone())));
        if !pack.is_empty() && !pack.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        {
            problems.add("pack", format!("`{pack}` is no pack's name such as xplan-au."));
        }
        let insecure_http = draft.insecure_http.or(old.map(|old| old.insecure_http)).unwrap_or_default();
        let host = draft.forward_host.or_else(|| old.map(|old| old.forward_host.clone()));
        let example = "the site's host, such as acme.xplan.iress.com.au";
        let forward_host = self.host("forward_host", example, host, insecure_http, &mut problems);
        let gateway_host = match (dialect.as_str(), draft.gateway_host) {
            (OPEN, given) => {
                let host = given.or_else(|| old.and_then(|old| old.gateway_host.clone()));
                Some(self.host("gateway_host", "the gateway's host", host, insecure_http, &mut problems))
            }
            (_, Some(given)) if !given.is_empty() => {
                problems.add("gateway_host", "Only the dialect `open` has a gateway; leave it out, or choose that.");
                None
            }
            _ => None,
        };
        let name = name.unwrap_or_else(|| "unnamed".parse().expect("a plain name"));
        let to = recipients(&forward_host, gateway_host.as_deref());
        let auth = self.auth((&name, &to), old, draft.auth, &mut problems);
        let enabled = draft.enabled.or(old.map(|old| old.enabled)).unwrap_or(true);
        let preflight = draft.confirms_preflight.then(|| by.clone());
        let preflight = preflight.or_else(|| old.and_then(|old| old.preflight.clone()));
        if enabled && preflight.is_none() {
            problems.add(
                "confirms_preflight",
                "Confirm that the Xplan ids of clients who are in the practice already have been provided; without them \
                 a sync makes those clients a second time.",
            );
        }
        if !draft.confirms_same_site
            && !forward_host.is_empty()
            && let Some(known) = self.0.store.other_site(name.clone(), site_at(&crm, &forward_host)).await?
        {
            let known = known.host;
            let words = format!(
                "The clients and notes of the connection `{name}` are those of {known}: the ids of another site would be \
                 taken for theirs. For another site, add a connection of another name. Where {forward_host} is the same \
                 site under another name, say so."
            );
            problems.add("confirms_same_site", words);
        }
        let (Some(auth), true) = (auth, problems.0.is_empty()) else {
            return Err(IntegrationError::Invalid(problems.0));
        };
        let made = before.map_or(by, |before| before.made);
        let stored = StoredConnection {
            name,
            title,
            crm,
            dialect,
            pack,
            forward_host,
            gateway_host,
            insecure_http,
            schedule,
            enabled,
            auth,
            preflight,
            made,
            removed_at: None,
        };
        // A pack that is missing or of another CRM is told here, and not when the connection is to run.
        let settings = self.settings(&stored).map_err(|error| IntegrationError::WrongState(error.to_string()))?;
        self.revision(&settings).await.map_err(|error| {
            IntegrationError::Invalid(vec![FieldProblem { field: "pack", message: format!("{error:#}.") }])
        })?;
        Ok(stored)
    }

    /// A name that no other connection has.
    async fn new_name(
        &self,
        name: String,
        problems: &mut Problems,
    ) -> Result<Option<ConnectionName>, IntegrationError> {
        let Ok(name) = name.parse::<ConnectionName>().map_err(|error| problems.add("name", format!("{error}."))) else {
            return Ok(None);
        };
        let stored = self.0.store.stored_connections().await?;
        let is_taken = self.0.config.connections.contains_key(&name)
            || stored.iter().any(|stored| stored.name == name && stored.removed_at.is_none());
        // The page that adds one has this name.
        let is_taken = is_taken || name.as_str() == "new";
        if is_taken {
            problems.add("name", format!("There is a connection `{name}` already; choose another name."));
        }
        Ok(Some(name))
    }

    fn host(
        &self,
        field: &'static str,
        what: &str,
        host: Option<String>,
        insecure_http: bool,
        problems: &mut Problems,
    ) -> String {
        let rules = &self.0.config.hosts;
        let host = problems.text(field, what, host);
        let checked = match insecure_http {
            _ if host.is_empty() => return host,
            false => rules.check(&host),
            true if rules.stand_ins => HostRules::check_stand_in(&host),
            true => {
                let words = "Stand-in sites are not allowed here; whoever runs this host can allow them by stand-in-sites in \
                             the section [crm] of the settings.";
                problems.add("insecure_http", words);
                return host;
            }
        };
        checked.unwrap_or_else(|words| {
            problems.add(field, format!("{words}."));
            host
        })
    }

    /// How it signs in, with what is given sealed for the hosts that it is sent to. What is left out stays as it is, unless
    /// it was given for another host: it goes there alone.
    fn auth(
        &self,
        (name, to): (&ConnectionName, &str),
        old: Option<&StoredConnection>,
        draft: Option<AuthDraft>,
        problems: &mut Problems,
    ) -> Option<StoredAuth> {
        let old_to = old.map(|old| recipients(&old.forward_host, old.gateway_host.as_deref()));
        let old_to = old_to.filter(|old_to| old_to != to);
        let old = old.map(|old| &old.auth);
        let mut secret =
            |field: &'static str, what: &'static str, given: Option<SecretString>, old: Option<&Sealed>| {
                let given = given.map(|secret| SecretString::from(bare(secret.expose_secret())));
                let given = given.filter(|secret| !secret.expose_secret().trim().is_empty());
                let place = Place { what, of: name.as_str(), to };
                match (given, old, &old_to) {
                    (Some(given), ..) => Some(self.0.secrets.seal(place, &given)),
                    (None, Some(old), None) => Some(old.clone()),
                    (None, Some(_), Some(old_to)) => {
                        problems.add(
                            field,
                            format!("Enter the {what} again. It was given for {old_to} and is sent nowhere else."),
                        );
                        None
                    }
                    (None, None, _) => None,
                }
            };
        match draft.or_else(|| old.map(AuthDraft::unchanged)) {
            None => {
                problems.add("auth", "Choose how to sign in: OAuth, or a user's name and password.");
                None
            }
            Some(AuthDraft::Basic { username, password, app_id }) => {
                let (old_password, old_app_id) = match old {
                    Some(StoredAuth::Basic { password, app_id, .. }) => (Some(password), app_id.as_ref()),
                    _ => (None, None),
                };
                let password = secret("auth/password", PASSWORD, password, old_password);
                let app_id = secret("auth/app_id", APP_ID, app_id, old_app_id);
                if password.is_none() && old_password.is_none() {
                    problems.add("auth/password", "Enter the user's password.");
                }
                let username = problems.text("auth/username", "the user's name", Some(username));
                Some(StoredAuth::Basic { username, password: password?, app_id })
            }
            Some(AuthDraft::OAuth { client_id, client_secret, app_id }) => {
                let (old_secret, old_app_id) = match old {
                    Some(StoredAuth::OAuth { client_secret, app_id, .. }) => (Some(client_secret), app_id.as_ref()),
                    _ => (None, None),
                };
                let client_secret = secret("auth/client_secret", CLIENT_SECRET, client_secret, old_secret);
                let app_id = secret("auth/app_id", APP_ID, app_id, old_app_id);
                if client_secret.is_none() && old_secret.is_none() {
                    problems.add("auth/client_secret", "Enter the client secret that the site gave.");
                }
                let client_id = problems.text("auth/client_id", "the client id that the site gave", Some(client_id));
                Some(StoredAuth::OAuth { client_id, client_secret: client_secret?, app_id })
            }
        }
    }

    /// What a connection is made from, its secrets opened.
    ///
    /// # Errors
    /// Where a secret does not open, or the schedule, kept by an earlier version, is none.
    pub(super) fn settings(&self, stored: &StoredConnection) -> anyhow::Result<ConnectionConfig> {
        let to = recipients(&stored.forward_host, stored.gateway_host.as_deref());
        let open = |what: &'static str, sealed: &Sealed| {
            self.0.secrets.reveal(Place { what, of: stored.name.as_str(), to: &to }, sealed)
        };
        let app_id = |sealed: &Option<Sealed>| sealed.as_ref().map(|sealed| open(APP_ID, sealed)).transpose();
        let auth = match &stored.auth {
            StoredAuth::Basic { username, password, app_id: id } => {
                Auth::Basic { username: username.clone(), password: open(PASSWORD, password)?, app_id: app_id(id)? }
            }
            StoredAuth::OAuth { client_id, client_secret, app_id: id } => Auth::OAuth {
                client_id: client_id.clone(),
                client_secret: open(CLIENT_SECRET, client_secret)?,
                app_id: app_id(id)?,
            },
        };
        Ok(ConnectionConfig {
            crm: stored.crm.clone(),
            enabled: stored.enabled,
            pack: stored.pack.clone(),
            dialect: stored.dialect.clone(),
            forward_host: stored.forward_host.clone(),
            insecure_http: stored.insecure_http,
            schedule: stored.schedule.parse()?,
            gateway: stored.gateway_host.clone().map(Gateway::at),
            proxy: self.0.config.proxy.clone(),
            pace: Pace::default(),
            gone_threshold: Threshold::default(),
            auth,
        })
    }
}

/// A name in addresses made of what people call it.
fn slug(title: &str) -> String {
    let folded =
        title.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' });
    let text: String = folded.collect();
    let words: Vec<&str> = text.split('-').filter(|word| !word.is_empty()).collect();
    let mut slug = words.join("-");
    if !slug.starts_with(|letter: char| letter.is_ascii_lowercase()) {
        slug.insert_str(0, "crm-");
    }
    slug.truncate(40);
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_titles() {
        let check = |title, expected: &str| {
            assert_eq!(slug(title), expected);
            expected.parse::<ConnectionName>().unwrap();
        };
        check("Acme Xplan Integration", "acme-xplan-integration");
        check("  Xplan (NZ) ", "xplan-nz");
        check("3rd site", "crm-3rd-site");
        check("Müller & Söhne", "m-ller-s-hne");
        check("", "crm");
        check("An integration with a name that is much too long", "an-integration-with-a-name-that-is-much");
    }
}
