//! The check of the settings' values, section by section: what it goes by and what it has found.

use std::net::SocketAddr;
use std::path::Path;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret as _, SecretString};

use super::problems::Problems;
use super::regular_file::open_to_others;
use super::secret;
use crate::crm::folders::FolderRules;
use crate::crm::hosts::HostRules;
use crate::domain::Timestamp;

/// Checks values one after the other and collects what is wrong with them.
pub(super) struct Check<'a> {
    /// The folder that relative paths are meant from.
    pub(super) base: &'a Path,
    /// The moment of the check.
    pub(super) now: Timestamp,
    /// The practice's; UTC where it is not known which that is.
    pub(super) zone: TimeZone,
    /// The hosts that connections may lead to.
    pub(super) hosts: HostRules,
    /// The folders that connections may lead to.
    pub(super) folders: FolderRules,
    /// The problems found so far.
    pub(super) problems: Problems,
    /// What can be used, and is to be looked at.
    pub(super) warnings: Vec<String>,
}

impl Check<'_> {
    /// Adds a problem with the value of a key.
    pub(super) fn problem(&mut self, key: &str, message: impl std::fmt::Display) {
        self.problems.add(key, message);
    }

    /// The secret that a file holds; an empty one where it cannot be had.
    fn secret(&mut self, key: &str, path: &Path) -> SecretString {
        match self.read_secret(key, path) {
            Ok(secret) => secret,
            Err(message) => {
                self.problem(key, message);
                SecretString::default()
            }
        }
    }

    /// The secret that a file holds; `key` is the setting that names it.
    pub(super) fn read_secret(&mut self, key: &str, path: &Path) -> Result<SecretString, String> {
        let path = self.base.join(path);
        let secret = secret::read(&path)?;
        self.warn_if_open(key, &path);
        Ok(secret)
    }

    /// Warns of a file with a secret that every account of this machine can read or change.
    pub(super) fn warn_if_open(&mut self, key: &str, path: &Path) {
        self.warnings.extend(open_to_others(key, path));
    }

    /// An address to listen on.
    pub(super) fn address(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        let address = text.parse::<SocketAddr>();
        address.map_err(|_| self.problem(key, format!("`{text}` is no address such as 127.0.0.1:8080"))).ok()
    }

    /// A length of time within bounds, in seconds; the longest where it is none.
    pub(super) fn duration(&mut self, key: &str, text: &str, (shortest, longest): (i64, i64)) -> SignedDuration {
        let (shortest, longest) = (SignedDuration::from_secs(shortest), SignedDuration::from_secs(longest));
        match text.parse::<SignedDuration>() {
            Ok(time) if (shortest..=longest).contains(&time) => return time,
            Ok(_) => self.problem(key, format!("`{text}` is not between {shortest:#} and {longest:#}")),
            Err(_) => self.problem(
                key,
                format!(
                    "`{text}` is no length of time in hours, minutes and seconds, such as \"60s\" or \"2m\", between \
                     {shortest:#} and {longest:#}"
                ),
            ),
        }
        longest
    }

    /// A secret of at least 32 characters.
    pub(super) fn long_secret(&mut self, key: &str, what: &str, path: &Path) -> SecretString {
        let secret = self.secret(key, path);
        self.check_length(key, what, &secret);
        secret
    }

    /// Refuses a secret that is shorter than 32 characters.
    pub(super) fn check_length(&mut self, key: &str, what: &str, secret: &SecretString) {
        if (1..32).contains(&secret.expose_secret().len()) {
            self.problem(key, format!("the {what} is shorter than 32 characters"));
        }
    }
}
