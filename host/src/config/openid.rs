//! Signing in by an identity provider (OpenID Connect): what the settings say of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::Url;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::check::Check;
use crate::crm::hosts::is_host_name;
use crate::domain::EmailAddress;
use crate::domain::access::Role;
use crate::domain::access::provider::GroupRoles;

/// An identity provider.
#[derive(Clone, Debug)]
pub struct OpenIdSettings {
    /// The provider's address, letter by letter as it calls itself.
    pub issuer: String,
    /// Whether the provider is a stand-in on this machine, over plain HTTP.
    pub is_insecure: bool,
    /// The name by which the provider knows this host.
    pub client_id: String,
    /// The secret by which it knows that it is this host.
    pub client_secret: SecretString,
    /// The words for the provider on the button: `Sign in with …`.
    pub label: String,
    /// What is asked for; `openid` is among it.
    pub scopes: Vec<String>,
    /// The claim in which the provider names groups; one that begins with `/` is a JSON pointer.
    pub groups_claim: String,
    /// The role that each group gives; with none, roles are managed in the practice.
    pub roles: GroupRoles,
    /// Whether people other than practice managers may sign in with a password, too.
    pub passwords: bool,
    /// Whether an account is made for whoever first signs in with a group that gives a role.
    pub makes_accounts: bool,
    /// The domains of the emails with which an account is linked or made; any where there are none.
    pub email_domains: Vec<String>,
}

impl OpenIdSettings {
    /// Whether an account may be linked or made by an email of this domain.
    pub fn takes_email(&self, email: &str) -> bool {
        let domain = EmailAddress::folded_domain(email);
        self.email_domains.is_empty() || self.email_domains.contains(&domain)
    }
}

/// The section as it is written.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct OpenIdSection {
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_file: Option<PathBuf>,
    label: String,
    scopes: Vec<String>,
    groups_claim: String,
    passwords: bool,
    make_accounts: bool,
    email_domains: Vec<String>,
    roles: BTreeMap<String, String>,
}

impl Default for OpenIdSection {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: None,
            client_secret_file: None,
            label: "single sign-on".to_owned(),
            scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
            groups_claim: "groups".to_owned(),
            passwords: true,
            make_accounts: false,
            email_domains: Vec::new(),
            roles: BTreeMap::new(),
        }
    }
}

impl OpenIdSection {
    pub(super) fn check(self, check: &mut Check<'_>) -> Option<OpenIdSettings> {
        let Some(issuer) = self.issuer.clone() else {
            if self != Self::default() {
                check.problem("openid.issuer", NO_ISSUER);
            }
            return None;
        };
        let is_insecure = is_insecure(&issuer, check);
        let client_id = self.client_id.filter(|id| !id.trim().is_empty());
        match &client_id {
            None => {
                check
                    .problem("openid.client-id", "is missing; it is the name under which the provider knows this host");
            }
            Some(id) => bare("openid.client-id", id, check),
        }
        let client_secret = match self.client_secret_file {
            None => {
                check.problem("openid.client-secret-file", "is missing; name a file that holds the secret alone");
                SecretString::default()
            }
            Some(path) => check.read_secret("openid.client-secret-file", &path).unwrap_or_else(|message| {
                check.problem("openid.client-secret-file", message);
                SecretString::default()
            }),
        };
        if self.label.trim().is_empty() || self.label.chars().count() > 60 || self.label.chars().any(char::is_control) {
            check.problem("openid.label", "is to be 1 to 60 characters, as people read them on the button");
        }
        let is_scope = |scope: &String| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.scopes.iter().all(is_scope) || !self.scopes.iter().any(|scope| scope == "openid") {
            check.problem("openid.scopes", "is to name scopes without blanks, with `openid` among them");
        } else if !self.scopes.iter().any(|scope| scope == "email") {
            let message = "lacks `email`, by which somebody's account is found when they first sign in";
            check.problem("openid.scopes", message);
        }
        bare("openid.groups-claim", &self.groups_claim, check);
        if self.groups_claim.trim().is_empty() {
            check.problem("openid.groups-claim", "is empty; name the claim that holds the groups, such as \"groups\"");
        }
        let mut email_domains = Vec::new();
        for domain in self.email_domains {
            let domain = EmailAddress::folded_domain(&format!("@{}", domain.trim_start_matches('@')));
            if !is_host_name(&domain) {
                check.problem("openid.email-domains", format!("`{domain}` is no domain such as acme.example"));
            }
            email_domains.push(domain);
        }
        let mut roles = Vec::new();
        for (group, word) in self.roles {
            if group.trim().is_empty() {
                check.problem("openid.roles", "names a group without a name; write the provider's name of it");
            }
            bare("openid.roles", &group, check);
            match Role::from_word(&word) {
                Some(role) => roles.push((group, role)),
                None => {
                    let known = Role::ALL.map(Role::as_str).join(", ");
                    check.problem("openid.roles", format!("`{word}` is no role; the roles are {known}"));
                }
            }
        }
        if self.make_accounts && roles.is_empty() {
            let message = "needs [openid.roles]: an account is made with the role that a group gives";
            check.problem("openid.make-accounts", message);
        }
        Some(OpenIdSettings {
            issuer,
            is_insecure: is_insecure?,
            client_id: client_id.unwrap_or_default(),
            client_secret,
            label: self.label,
            scopes: self.scopes,
            groups_claim: self.groups_claim,
            roles: roles.into_iter().collect(),
            passwords: self.passwords,
            makes_accounts: self.make_accounts,
            email_domains,
        })
    }
}

/// The path of what a provider says of itself, below its own address.
pub const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// The problem of a section that names no provider.
pub(super) const NO_ISSUER: &str = "is missing; name the identity provider's address, or leave the section out";

/// Refuses a name with blanks around it: the provider's is another one.
fn bare(key: &str, name: &str, check: &mut Check<'_>) {
    if name != name.trim() && !name.trim().is_empty() {
        check.problem(key, format!("`{name}` has blanks around it; take them away"));
    }
}

/// Whether the provider is asked over plain HTTP; none where its address is none.
fn is_insecure(issuer: &str, check: &mut Check<'_>) -> Option<bool> {
    let url = Url::parse(issuer).ok().filter(|url| url.host_str().is_some_and(|host| !host.is_empty()));
    let is_bare = |url: &Url| {
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none()
    };
    let message = match url {
        Some(_) if issuer.chars().any(|c| c.is_whitespace() || c.is_control()) => {
            format!("`{}` has blanks in or around it; take them away", issuer.escape_debug())
        }
        Some(_) if issuer.trim_end_matches('/').ends_with(WELL_KNOWN) => {
            format!("is where the provider describes itself; leave `{WELL_KNOWN}` away")
        }
        Some(url) if !is_bare(&url) => "holds more than an address: no user, no `?` and no `#` belong there".to_owned(),
        Some(url) if url.scheme() == "https" => return Some(false),
        Some(url) if url.scheme() == "http" && is_loopback(&url) => return Some(true),
        Some(url) if url.scheme() == "http" => {
            "is not encrypted; the provider is asked over https://, or on this machine alone".to_owned()
        }
        _ => format!("`{issuer}` is no address such as https://login.acme.example"),
    };
    check.problem("openid.issuer", message);
    None
}

/// Whether an address leads to this machine.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
