//! The connector in place of a site to which nothing is sent: no record, no note, and no secret.
//!
//! Serves connections that lead to another site than what they brought is of. What would speak to the site is not made,
//! so that no caller has to remember not to.

use super::{Bookmark, Connector, CrmError, FoundNote, RawPage, Source, Traffic};
use crate::domain::ExternalId;
use crate::domain::note::FileNote;
use crate::domain::outbox::FoundAttachment;

/// Refuses every call with the same words.
#[derive(Debug)]
pub struct Held {
    message: String,
    traffic: Traffic,
}

impl Held {
    /// `words` say what a person has to do.
    pub fn new(message: String) -> Self {
        Self { message, traffic: Traffic::default() }
    }

    fn refuse<T>(&self) -> Result<T, CrmError> {
        Err(CrmError::Held { message: self.message.clone() })
    }
}

#[async_trait::async_trait]
impl Connector for Held {
    async fn whoami(&self) -> Result<String, CrmError> {
        self.refuse()
    }

    async fn page(&self, _: &Source, _: Option<&Bookmark>) -> Result<RawPage, CrmError> {
        self.refuse()
    }

    async fn one(&self, _: &Source, _: &ExternalId) -> Result<Option<RawPage>, CrmError> {
        self.refuse()
    }

    async fn find_notes(&self, _: &ExternalId) -> Result<Vec<FoundNote>, CrmError> {
        self.refuse()
    }

    async fn create_note(&self, _: &FileNote, _: &str) -> Result<ExternalId, CrmError> {
        self.refuse()
    }

    async fn attach(&self, _: &ExternalId, _: &str, _: &str, _: &[u8]) -> Result<ExternalId, CrmError> {
        self.refuse()
    }

    async fn attachments_of(&self, _: &ExternalId) -> Result<Vec<FoundAttachment>, CrmError> {
        self.refuse()
    }

    fn held(&self) -> Option<&str> {
        Some(&self.message)
    }

    async fn sign_out(&self) {}

    fn traffic(&self) -> &Traffic {
        &self.traffic
    }
}
