//! Settings that people give for a connection, checked and kept, and the kept ones turned into what a connection is
//! made from.

use secrecy::{ExposeSecret as _, SecretString};

use super::site::site_at;
use super::{ConnectError, IntegrationError, Integrations};
use crate::config::bare;
use crate::crm::kind::{CrmKind, Setting, plain_name};
use crate::crm::parse::{Author, FieldError, Parsed, RawConnection, RawSignIn, RawValue, Rules};
use crate::crm::spec::{ConnectionSpec, SiteAccess};
use crate::domain::{ConnectionName, Timestamp, fold};
use crate::secrets::SealContext;
use crate::store::connections::{By, StoredConnection, StoredSignIn};

/// A draft of a connection, as the page or the API sends it. For a new connection, what is left out has its default or
/// is asked for; for another, it stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The name in addresses; of a new connection only, and made of the title where it is left out.
    pub name: Option<String>,
    /// The connection's name for people.
    pub title: Option<String>,
    /// The connection itself. A secret that is left out or blank stays as it is.
    pub raw: RawConnection,
    /// Whether the sender confirms the check before it is enabled.
    pub confirms_preflight: bool,
    /// Whether the sender says that another forward host is the same site under another name.
    pub confirms_same_site: bool,
}

impl Integrations {
    /// The connection as it is to be kept: `before` with the draft over it.
    pub(super) async fn checked(
        &self,
        before: Option<StoredConnection>,
        draft: Draft,
        by: By,
    ) -> Result<StoredConnection, IntegrationError> {
        let mut errors = Vec::new();
        let old = before.as_ref();
        let title = draft.title.or_else(|| old.map(|old| old.title.clone())).unwrap_or_default();
        let title = FieldError::check_text("title", "a name", &title, &mut errors);
        let name = match old {
            Some(old) => Some(old.name.clone()),
            None => self.new_name(draft.name.unwrap_or_else(|| name_of(&title)), &mut errors).await?,
        };
        let name = name.unwrap_or_else(|| "unnamed".parse().expect("a plain name"));
        let raw = match old {
            Some(old) => self.laid_over(old, draft.raw),
            None => unpacked(draft.raw),
        };
        let Parsed { spec, credentials, errors: of_connection } = raw.parse(name, &self.rules());
        errors.extend(of_connection);
        let preflight = draft.confirms_preflight.then(|| by.clone());
        let preflight = preflight.or_else(|| old.and_then(|old| old.preflight.clone()));
        if spec.enabled && preflight.is_none() {
            let message = format!(
                "Confirm that the {} ids of clients who are in the practice already have been provided; without them a sync \
                 makes those clients a second time",
                spec.crm.label
            );
            errors.push(FieldError::new("confirms_preflight", message));
        }
        if !draft.confirms_same_site
            && !spec.forward_host.is_empty()
            && let Some(known) = self.0.store.other_site(spec.name.clone(), site_at(&spec)).await?
        {
            errors.push(another_site(&spec, &known.host));
        }
        if !errors.is_empty() {
            return Err(IntegrationError::Invalid(errors));
        }
        let access = SiteAccess { spec: spec.into(), credentials, proxy: self.0.config.proxy.clone() };
        // A pack that is missing or of another CRM is told here, and not when the connection is to run.
        self.loads(&access.spec)
            .await
            .map_err(|error| IntegrationError::Invalid(vec![FieldError::new("pack", error.to_string())]))?;
        let SiteAccess { spec, .. } = &access;
        Ok(StoredConnection {
            name: spec.name.clone(),
            title,
            crm: spec.crm.name.to_owned(),
            dialect: spec.dialect.clone(),
            pack: spec.pack.clone(),
            forward_host: spec.forward_host.clone(),
            insecure_http: spec.insecure_http,
            schedule: spec.schedule.to_string(),
            enabled: spec.enabled,
            auth: self.sealed(&access),
            preflight,
            made: before.map_or(by, |before| before.made),
            removed_at: None,
            settings: spec.settings.iter().map(|(name, text)| ((*name).to_owned(), Some(text.clone()))).collect(),
        })
    }

    /// The rules by which connections of the page are checked.
    fn rules(&self) -> Rules<'_> {
        let config = &self.0.config;
        let zone = config.practice.time_zone.clone();
        let (registry, hosts, folders) = (config.crms, &config.hosts, &config.folders);
        Rules { registry, hosts, folders, author: Author::Manager, zone, now: Timestamp::now() }
    }

    /// A name that no other connection has.
    async fn new_name(
        &self,
        name: String,
        errors: &mut Vec<FieldError>,
    ) -> Result<Option<ConnectionName>, IntegrationError> {
        let given = ConnectionName::of_connection(&name);
        let Ok(name) = given.map_err(|error| errors.push(FieldError::new("name", error.to_string()))) else {
            return Ok(None);
        };
        let stored = self.0.store.stored_connections().await?;
        let is_taken = self.0.config.connections.contains_key(&name)
            || stored.iter().any(|stored| stored.name == name && stored.removed_at.is_none());
        if name.as_str() == FORM {
            let message = format!("`{name}` stands for the page that adds a connection; choose another name");
            errors.push(FieldError::new("name", message));
        }
        if is_taken {
            let message = format!("There is a connection `{name}` already; choose another name");
            errors.push(FieldError::new("name", message));
        }
        Ok(Some(name))
    }

    /// The CRM of a connection that is kept.
    fn kind_of(&self, stored: &StoredConnection) -> &'static CrmKind {
        let crms = self.0.config.crms;
        crms.find(&stored.crm).unwrap_or(crms.usual())
    }

    /// The hosts that the secrets of a connection that is kept are sent to.
    pub(super) fn recipients_of(&self, stored: &StoredConnection) -> String {
        let setting = |name: &str| stored.settings.get(name).and_then(Option::as_deref);
        self.kind_of(stored).recipients(&stored.forward_host, setting)
    }

    /// The draft over the stored connection. A secret that is not given stays as it is, unless it was given for another
    /// host: it goes there alone.
    fn laid_over(&self, old: &StoredConnection, raw: RawConnection) -> RawConnection {
        let mut raw = unpacked(raw);
        let is_other_crm = raw.crm.as_ref().is_some_and(|crm| *crm != old.crm);
        let kind = self.kind_of(old);
        let dialect = raw.dialect.clone().unwrap_or_else(|| old.dialect.clone());
        for (name, text) in old.settings.iter().filter(|_| !is_other_crm) {
            let is_for = |setting: &Setting| setting.dialect.is_none_or(|only| only == dialect);
            if let Some(text) = text
                && kind.setting(name).is_some_and(is_for)
            {
                raw.settings.entry(name.clone()).or_insert_with(|| text.clone());
            }
        }
        raw.sign_in = match raw.sign_in.take() {
            None => Some(self.kept_sign_in(old, |_| true)),
            Some(mut given) => {
                if given.mode.as_ref() == Some(&old.auth.mode) {
                    let kept = self.kept_sign_in(old, |name| !given.values.contains_key(name));
                    given
                        .values
                        .extend(kept.values.into_iter().filter(|(name, _)| old.auth.secrets.contains_key(name)));
                }
                Some(given)
            }
        };
        RawConnection {
            crm: raw.crm.or_else(|| Some(old.crm.clone())),
            enabled: raw.enabled.or(Some(old.enabled)),
            pack: raw.pack.or_else(|| Some(old.pack.clone())),
            dialect: Some(dialect),
            forward_host: raw.forward_host.or_else(|| Some(old.forward_host.clone())),
            insecure_http: raw.insecure_http.or(Some(old.insecure_http)),
            schedule: raw.schedule.or_else(|| Some(old.schedule.clone())),
            ..raw
        }
    }

    /// The sign-in of a stored connection; of its values those that are `wanted`, opened.
    fn kept_sign_in(&self, stored: &StoredConnection, wanted: impl Fn(&str) -> bool) -> RawSignIn {
        let to = self.recipients_of(stored);
        let opened = |name: &str| {
            let context = SealContext { what: &plain_name(name), of: stored.name.as_str(), to: &to };
            match self.0.secrets.reveal(context, &stored.auth.secrets[name]) {
                Ok(secret) => RawValue::Kept(secret, to.clone()),
                Err(error) => RawValue::Unreadable(error.to_string()),
            }
        };
        let secrets = stored.auth.secrets.keys().filter(|name| wanted(name)).map(|name| (name.clone(), opened(name)));
        let texts = stored.auth.values.iter().filter(|(name, _)| wanted(name));
        let texts = texts.map(|(name, text)| (name.clone(), RawValue::from(text.clone())));
        RawSignIn { mode: Some(stored.auth.mode.clone()), values: texts.chain(secrets).collect() }
    }

    /// A stored connection, parsed as anything else that is given for one.
    fn read(&self, stored: &StoredConnection, sign_in: RawSignIn) -> Parsed {
        let nothing = RawConnection { sign_in: Some(RawSignIn::default()), ..RawConnection::default() };
        let raw = RawConnection { sign_in: Some(sign_in), ..self.laid_over(stored, nothing) };
        raw.parse(stored.name.clone(), &self.rules())
    }

    /// The specification of a stored connection, as far as it can be told, without its secrets.
    pub(super) fn spec_of(&self, stored: &StoredConnection) -> ConnectionSpec {
        let sign_in = self.kept_sign_in(stored, |name| stored.auth.values.contains_key(name));
        self.read(stored, sign_in).spec
    }

    /// The access to the site of a stored connection.
    ///
    /// # Errors
    /// [`ConnectError::Unusable`] where a secret does not open, or something is refused by now that was not when it was
    /// kept.
    pub(super) fn access(&self, stored: &StoredConnection) -> Result<SiteAccess, ConnectError> {
        let parsed = self.read(stored, self.kept_sign_in(stored, |_| true));
        if parsed.errors.is_empty() {
            Ok(parsed.access(self.0.config.proxy.clone()))
        } else {
            Err(ConnectError::Unusable(parsed.errors))
        }
    }

    /// The sign-in of a connection, its secrets sealed for the hosts that they are sent to.
    fn sealed(&self, access: &SiteAccess) -> StoredSignIn {
        let SiteAccess { spec, credentials, .. } = access;
        let (of, to) = (spec.name.as_str(), spec.recipients());
        let sign_in = &spec.sign_in;
        let seal = |(name, secret): (&'static str, &SecretString)| {
            (name.to_owned(), self.0.secrets.seal(SealContext { what: &plain_name(name), of, to: &to }, secret))
        };
        StoredSignIn {
            mode: sign_in.mode.name.to_owned(),
            values: sign_in.values.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect(),
            secrets: credentials.iter().map(seal).collect(),
        }
    }
}

/// The draft without what editors and shells put around secrets; blank ones are not given.
fn unpacked(mut raw: RawConnection) -> RawConnection {
    if let Some(sign_in) = &mut raw.sign_in {
        for value in sign_in.values.values_mut() {
            if let RawValue::Given(secret) = value {
                *secret = SecretString::from(bare(secret.expose_secret()));
            }
        }
        let is_blank =
            |value: &RawValue| matches!(value, RawValue::Given(text) if text.expose_secret().trim().is_empty());
        sign_in.values.retain(|_, value| !is_blank(value));
    }
    raw
}

/// The connection leads to another site than what it brought is of.
fn another_site(spec: &ConnectionSpec, known: &str) -> FieldError {
    let ConnectionSpec { name, forward_host, .. } = spec;
    let message = format!(
        "The clients and notes of the connection `{name}` are those of {known}: the ids of another site would be taken for \
         theirs. For another site, add a connection of another name. Where {forward_host} is the same site under another \
         name, say so"
    );
    FieldError::new("confirms_same_site", message)
}

/// The name of the page that adds a connection, in the place where the others have theirs.
const FORM: &str = "new";

/// A name in addresses made of what people call it, and none that no connection can have.
fn name_of(title: &str) -> String {
    let name = slug(title);
    let is_reserved = name == FORM || name == ConnectionName::practice().as_str();
    if is_reserved { format!("{name}-crm") } else { name }
}

/// The title in lower-case letters, digits and hyphens; letters of other scripts as they sound, so that titles without a
/// Latin letter have names of their own.
fn slug(title: &str) -> String {
    let letters = fold::in_ascii(title);
    let folded =
        letters.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' });
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
            assert_eq!(name_of(title), expected);
            ConnectionName::of_connection(expected).unwrap();
        };
        check("Acme Xplan Integration", "acme-xplan-integration");
        check("  Xplan (NZ) ", "xplan-nz");
        check("3rd site", "crm-3rd-site");
        check("Müller & Söhne", "muller-sohne");
        check("Практика Юг", "praktika-iug");
        check("北京", "bei-jing");
        check("…", "crm");
        check("", "crm");
        check("Practice", "practice-crm");
        check("New", "new-crm");
        check("An integration with a name that is much too long", "an-integration-with-a-name-that-is-much");
    }
}
