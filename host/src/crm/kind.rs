//! The declaration that a connector makes of its CRM. Everything else of the host reads it from here: the settings
//! file, the form and the API, the import of lists and the pages.
//!
//! A declaration is a `static` beside the connector. The CRM's driver names it, and `registry` lists the drivers.

use super::hosts::SiteRule;
use crate::domain::IdForm;

/// A CRM that a connection can be of.
#[derive(Debug)]
pub struct CrmKind {
    /// The CRM's name in settings, in the API and in the manifests of packs: lower case.
    pub name: &'static str,
    /// The CRM's name for people.
    pub label: &'static str,
    /// The name of one of its packs.
    pub example_pack: &'static str,
    /// The way to its sites.
    pub reached: Reached,
    /// The rule for hosts of its sites; of one that is reached by a folder, the example alone.
    pub site: SiteRule,
    /// The dialects that its sites speak; the first is the usual one.
    pub dialects: &'static [&'static str],
    /// The settings that its connections have beside those of every connection.
    pub settings: &'static [Setting],
    /// The ways in which a connection may sign in.
    pub sign_ins: &'static [SignInMode],
    /// The column of an identity list that holds the CRM's ids.
    pub id_column: IdColumn,
    /// The preparation on the site before a connection is made, as a sentence.
    pub preparation: &'static str,
}

/// The way to a CRM's sites.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reached {
    /// By HTTP: a site is a host, which secrets are sent to.
    Host,
    /// By files: a site is a folder of this machine, which the setting of this name holds.
    Folder(&'static str),
}

/// One value of a connection that its CRM asks for: a setting, or part of how it signs in.
#[derive(Debug)]
pub struct Setting {
    /// The setting's name in the API and the form: `gateway_host`. The settings file has hyphens in it.
    pub name: &'static str,
    /// The setting's label in the form.
    pub label: &'static str,
    /// The value that is to be entered, as the end of a sentence: `the gateway's host`.
    pub what: &'static str,
    /// The help below it in the form.
    pub help: &'static str,
    /// The description of it in a request, in the API's document.
    pub description: &'static str,
    /// The description of it in an answer, in the API's document.
    pub answer: &'static str,
    /// The kind of value that it takes.
    pub kind: SettingKind,
    /// Whether a connection cannot do without it.
    pub is_needed: bool,
    /// The only dialect that has it; none where all have.
    pub dialect: Option<&'static str>,
    /// The value where nobody gives one; where there is a default, the settings file alone can say otherwise.
    pub default: Option<&'static str>,
}

/// The kind of value that a setting takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SettingKind {
    /// Any text of one line.
    Text,
    /// Letters, digits, `-`, `_` and `.`.
    Word,
    /// A host that calls go to, secrets included.
    Host,
    /// A folder of this machine.
    Folder,
    /// A whole number up to this one.
    Number(u32),
    /// A secret, which the settings file names by the path of a file: `password-file`.
    SecretFile,
    /// A secret that stands in the settings file itself.
    SecretText,
}

impl SettingKind {
    /// Whether it is never shown.
    pub fn is_secret(self) -> bool {
        matches!(self, Self::SecretFile | Self::SecretText)
    }
}

/// A way in which a connection signs in.
#[derive(Debug)]
pub struct SignInMode {
    /// The way's name in settings and in the API: `oauth`.
    pub name: &'static str,
    /// The way's label in the form.
    pub label: &'static str,
    /// The way's description in the middle of a sentence.
    pub what: &'static str,
    /// The description of it in the API's document.
    pub description: &'static str,
    /// The text on the page of a connection, before and after the way's first value.
    pub shown: [&'static str; 2],
    /// Whether somebody has to authorise the host on the site (OAuth).
    pub needs_person: bool,
    /// The values that the way needs.
    pub values: &'static [Setting],
}

/// The column of an identity list that holds the CRM's ids.
#[derive(Debug)]
pub struct IdColumn {
    /// The column's heading as people are told it.
    pub heading: &'static str,
    /// Other headings, in lower case without blanks and punctuation: those that name the CRM and its id.
    pub exact: &'static [&'static str],
    /// The same of headings that may mean the column.
    pub loose: &'static [&'static str],
    /// The look of the ids.
    pub form: IdForm,
}

impl CrmKind {
    /// The setting that holds the folder by which a site is reached; none where it is a host.
    pub fn folder_setting(&self) -> Option<&'static str> {
        match self.reached {
            Reached::Folder(setting) => Some(setting),
            Reached::Host => None,
        }
    }

    /// What people call the place of a site.
    pub fn place_label(&self) -> &'static str {
        if self.folder_setting().is_some() { "Folder" } else { "Forward host" }
    }

    /// Whether a connection has to say how it signs in, or with what.
    pub fn signs_in(&self) -> bool {
        self.only_way_without_values().is_none()
    }

    /// The way to sign in that is meant where nobody says one: the only one, where it needs nothing.
    pub fn only_way_without_values(&self) -> Option<&'static SignInMode> {
        match self.sign_ins {
            [only] if only.values.is_empty() && !only.needs_person => Some(only),
            _ => None,
        }
    }

    /// The dialect that is spoken where nobody says which.
    pub fn usual_dialect(&self) -> &'static str {
        self.dialects.first().copied().unwrap_or_default()
    }

    /// The hosts that a connection's secrets are sent to, as a text that changes with them.
    pub fn recipients<'s>(&self, forward_host: &'s str, setting: impl Fn(&str) -> Option<&'s str>) -> String {
        let others = self.settings.iter().filter(|setting| setting.kind == SettingKind::Host);
        let others = others.filter_map(|host| setting(host.name));
        std::iter::once(forward_host).chain(others).collect::<Vec<_>>().join(" by ")
    }

    /// The setting of this name.
    pub fn setting(&self, name: &str) -> Option<&'static Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    /// The way to sign in of this name.
    pub fn sign_in(&self, name: &str) -> Option<&'static SignInMode> {
        self.sign_ins.iter().find(|mode| mode.name == name)
    }
}

impl Setting {
    /// Whether the settings file alone can say it.
    pub fn is_for_file_only(&self) -> bool {
        self.default.is_some()
    }
}

/// The name under which the secret of this name is sealed, and by which a person is asked to give it again: `client
/// secret`.
pub fn plain_name(name: &str) -> String {
    name.replace('_', " ")
}

impl SignInMode {
    /// The value of this name.
    pub fn value(&self, name: &str) -> Option<&'static Setting> {
        self.values.iter().find(|value| value.name == name)
    }
}
