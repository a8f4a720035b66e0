//! Values of the form of a connection.

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::crm::kind::{CrmKind, Setting, SignInMode};
use crate::crm::parse::{RawConnection, RawLimits, RawSignIn, RawValue};
use crate::domain::schedule::Schedule;
use crate::integrations::{Draft, Integration};

/// The values in the form, by the names of its fields. Secrets that were typed are not sent back.
#[derive(Default)]
pub(in crate::web) struct Values {
    texts: BTreeMap<String, String>,
    secrets: BTreeMap<String, SecretString>,
}

/// The value of a box that is ticked.
const TICKED: &str = "on";

impl Values {
    /// The values of a new connection whose check was confirmed.
    pub(super) fn new(kind: &CrmKind) -> Self {
        let mode = ways_to_sign_in(kind).first().map_or("", |mode| mode.name);
        let schedule = Schedule::hourly().to_string();
        let texts = [
            ("mode", mode),
            ("pack", kind.example_pack),
            ("dialect", kind.usual_dialect()),
            ("schedule", &schedule),
            ("enabled", TICKED),
            ("confirms_preflight", TICKED),
        ];
        Self { texts: owned(texts), secrets: BTreeMap::new() }
    }

    /// The values of a connection that is there.
    pub(super) fn of(one: &Integration) -> Self {
        let spec = &one.spec;
        let schedule = spec.schedule.to_string();
        let mut texts = owned([
            ("title", one.title.as_str()),
            ("forward_host", &spec.forward_host),
            ("pack", &spec.pack),
            ("dialect", &spec.dialect),
            ("schedule", &schedule),
            ("mode", spec.sign_in.mode.name),
        ]);
        let ticked = [("insecure_http", spec.insecure_http), ("enabled", spec.enabled)];
        texts.extend(owned(ticked.into_iter().filter(|(_, is_ticked)| *is_ticked).map(|(name, _)| (name, TICKED))));
        let own = spec.settings.iter().chain(&spec.sign_in.values);
        texts.extend(owned(own.map(|(name, text)| (*name, text.as_str()))));
        Self { texts, secrets: BTreeMap::new() }
    }

    /// The values as somebody filled the form in.
    pub(super) fn read(given: Vec<(String, String)>, kind: &CrmKind) -> Self {
        let mut values = Self::default();
        let is_secret = |name: &str| {
            let mut all = kind.sign_ins.iter().filter_map(|mode| mode.value(name));
            all.any(|value: &Setting| value.kind.is_secret())
        };
        for (name, text) in given {
            if is_secret(&name) {
                values.secrets.insert(name, text.into());
            } else {
                values.texts.insert(name, text);
            }
        }
        values
    }

    /// The text of a field; nothing in one of a secret.
    pub(in crate::web) fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// Whether a box is ticked.
    pub(in crate::web) fn is_ticked(&self, name: &str) -> bool {
        self.texts.contains_key(name)
    }

    /// The draft of a connection of the CRM.
    pub(super) fn draft(&self, kind: &CrmKind) -> Draft {
        let text = |name: &str| self.texts.get(name).cloned();
        let own = kind.settings.iter().filter(|setting| !setting.is_for_file_only());
        let settings = own.filter_map(|own| Some((own.name.to_owned(), text(own.name)?)));
        let mode = text("mode").unwrap_or_default();
        // What stands in the fields of the other ways is not meant.
        let values = kind.sign_in(&mode).into_iter().flat_map(|mode| mode.values).filter_map(|value| {
            let given = self.secrets.get(value.name).cloned().or_else(|| text(value.name).map(SecretString::from));
            Some((value.name.to_owned(), RawValue::Given(given?)))
        });
        Draft {
            name: None,
            title: Some(text("title").unwrap_or_default()),
            confirms_preflight: self.is_ticked("confirms_preflight"),
            confirms_same_site: self.is_ticked("confirms_same_site"),
            raw: RawConnection {
                crm: text("crm").or_else(|| Some(kind.name.to_owned())),
                enabled: Some(self.is_ticked("enabled")),
                pack: Some(text("pack").unwrap_or_default()),
                dialect: text("dialect"),
                forward_host: Some(text("forward_host").unwrap_or_default()),
                insecure_http: Some(self.is_ticked("insecure_http")),
                schedule: text("schedule"),
                settings: settings.collect(),
                sign_in: Some(RawSignIn { mode: Some(mode.clone()), values: values.collect() }),
                limits: RawLimits::default(),
            },
        }
    }
}

/// A CRM's ways to sign in, as the form offers them: those first in which nobody's password is kept here.
pub(super) fn ways_to_sign_in(kind: &CrmKind) -> Vec<&'static SignInMode> {
    let mut ways: Vec<_> = kind.sign_ins.iter().collect();
    ways.sort_by_key(|mode| !mode.needs_person);
    ways
}

fn owned<'t>(texts: impl IntoIterator<Item = (&'t str, &'t str)>) -> BTreeMap<String, String> {
    texts.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}
