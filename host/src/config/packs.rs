//! The section `[packs]`: whose packs are taken, the folder that is watched for them, and the registries that they are pulled
//! from.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::check::Check;
use crate::crm::hosts::HostRules;

/// The authors whose packs are taken.
#[derive(Clone, Debug)]
pub struct PackKeys {
    /// Their public keys, of minisign.
    pub keys: Vec<minisign_verify::PublicKey>,
    /// Whether packs are taken that nobody signed.
    pub allow_unsigned: bool,
}

/// The folder that is watched for packs.
#[derive(Clone, Debug)]
pub struct WatchedFolder {
    /// The folder; it may come into being later.
    pub folder: PathBuf,
    /// What of it comes in force without a person's word.
    pub activate: Activate,
}

/// What comes in force without a person's word, of what was put into the watched folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activate {
    /// Nothing.
    Never,
    /// A revision whose preview shows no change.
    WhenEmpty,
    /// A revision whose preview shows no large change.
    BelowThreshold,
}

/// Registries, from which packs are pulled and to which they are pushed.
#[derive(Clone, Default, Debug)]
pub struct Registries {
    /// Whether packs are pulled by their digest only.
    pub digest_only: bool,
    /// What is known of some of them.
    pub known: Vec<Registry>,
}

/// What is known of a registry.
#[derive(Clone, Debug)]
pub struct Registry {
    /// Its host, with the port where it has one.
    pub host: String,
    /// The user and the password with which it is asked; none where it asks nobody who they are.
    pub sign_in: Option<(String, SecretString)>,
    /// Whether it speaks plain HTTP; on this machine only.
    pub insecure: bool,
}

/// The section as it is written.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct PacksSection {
    keys: Vec<String>,
    allow_unsigned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    watch_dir: Option<PathBuf>,
    activate: Activate,
    digest_only: bool,
    registries: Vec<RegistrySection>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RegistrySection {
    host: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password_file: Option<PathBuf>,
    #[serde(default)]
    insecure: bool,
}

impl PacksSection {
    /// Whose packs are taken, the folder that is watched, and the registries.
    pub(super) fn check(self, check: &mut Check<'_>) -> (PackKeys, Option<WatchedFolder>, Registries) {
        let keys = keys(&self.keys, self.allow_unsigned, check);
        let folder = self.watch_dir.map(|path| check.base.join(path));
        if let Some(folder) = folder.as_ref().filter(|folder| folder.exists() && !folder.is_dir()) {
            check.problem("packs.watch-dir", format!("{} is no folder", folder.display()));
        }
        if folder.is_none() && self.activate != Activate::Never {
            check.problem("packs.activate", "is for what is put into packs.watch-dir, which is not set");
        }
        let activate = self.activate;
        let watched = folder.map(|folder| WatchedFolder { folder, activate });
        let mut known: Vec<Registry> = Vec::with_capacity(self.registries.len());
        for registry in self.registries {
            let registry = registry.check(check);
            if known.iter().any(|other| other.host == registry.host) {
                check.problem("packs.registries", format!("has `{}` twice", registry.host));
            }
            known.push(registry);
        }
        (keys, watched, Registries { digest_only: self.digest_only, known })
    }
}

fn keys(texts: &[String], allow_unsigned: bool, check: &mut Check<'_>) -> PackKeys {
    let mut keys = Vec::with_capacity(texts.len());
    for key in texts {
        match minisign_verify::PublicKey::from_base64(key.trim()) {
            Ok(key) => keys.push(key),
            Err(_) => {
                let why =
                    "holds what is no public key of minisign: one is the second line of its file, and begins with RW";
                check.problem("packs.keys", why);
            }
        }
    }
    if texts.is_empty() && !allow_unsigned {
        check.problem("packs.allow-unsigned", "is false and packs.keys is empty, so that no pack could ever be taken");
    }
    PackKeys { keys, allow_unsigned }
}

impl RegistrySection {
    fn check(self, check: &mut Check<'_>) -> Registry {
        let key = "packs.registries";
        let host = self.host.trim().to_ascii_lowercase();
        if host.is_empty() || host.contains(['/', '@', ' ', '?', '#']) {
            check.problem(key, format!("`{}` is no host such as registry.acme.example or localhost:5000", self.host));
        }
        if self.insecure && HostRules::check_stand_in(&host).is_err() {
            let why = format!("asks for plain HTTP to `{host}`, which is not on this machine; remove insecure");
            check.problem(key, why);
        }
        let sign_in = match (self.username, self.password_file) {
            (Some(user), Some(path)) => match check.read_secret(key, &path) {
                Ok(password) => Some((user, password)),
                Err(message) => {
                    check.problem(key, message);
                    None
                }
            },
            (None, None) => None,
            (Some(_), None) => {
                check.problem(key, format!("has a username for `{host}` and no password-file"));
                None
            }
            (None, Some(_)) => {
                check.problem(key, format!("has a password-file for `{host}` and no username"));
                None
            }
        };
        Registry { host, sign_in, insecure: self.insecure }
    }
}
