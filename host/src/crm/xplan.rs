//! Iress Xplan.

use crate::config::ConnectionConfig;
use crate::crm::CrmError;

/// One Xplan site.
pub struct Xplan {}

impl Xplan {
    /// Ready to call the site; nothing is sent yet.
    ///
    /// # Errors
    /// Where the settings make no usable client.
    pub fn new(_settings: &ConnectionConfig) -> Result<Self, CrmError> {
        todo!()
    }
}

#[async_trait::async_trait]
impl super::Connector for Xplan {
    async fn whoami(&self) -> Result<String, CrmError> {
        todo!()
    }
    async fn page(&self, _: &super::Source, _: Option<&super::Bookmark>) -> Result<super::RawPage, CrmError> {
        todo!()
    }
    async fn one(
        &self,
        _: &super::Source,
        _: &crate::domain::ExternalId,
    ) -> Result<Option<super::RawRecord>, CrmError> {
        todo!()
    }
    async fn find_notes(
        &self,
        _: &crate::domain::ExternalId,
        _: &str,
        _: crate::domain::Timestamp,
    ) -> Result<Vec<super::FoundNote>, CrmError> {
        todo!()
    }
    async fn create_note(
        &self,
        _: &crate::domain::note::FileNote,
        _: &str,
    ) -> Result<crate::domain::ExternalId, CrmError> {
        todo!()
    }
    fn traffic(&self) -> &super::Traffic {
        todo!()
    }
}
