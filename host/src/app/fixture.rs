//! Fixtures made of real records, with made-up values in them.
//!
//! Serves `api` and, through it, `cli`: somebody whose record is in quarantine hands on what shows it, and nobody's data.

use crate::app::App;
use crate::domain::{ConnectionName, ExternalId, RecordKind, Timestamp};
use crate::pack::{Disguised, NotDisguised, RawInput};
use crate::queue::{self, NotDone};
use crate::store::StoreError;
use crate::store::commit::MappedBy;

/// The other records that are looked at for what many have, and their bytes.
const OTHERS: (usize, usize) = (200, 4 << 20);

/// The reason why no fixture is made.
#[derive(Debug, thiserror::Error)]
pub enum FixtureError {
    /// The connection is not at work.
    #[error("the connection `{0}` is not at work, so that no revision is in force by which to try the record")]
    NoConnection(ConnectionName),
    /// No such record is kept.
    #[error("no {} record `{}` came by the connection `{}`, or it is not kept as it came", .0.as_str(), .1, .2)]
    NoRecord(RecordKind, ExternalId, ConnectionName),
    /// Nothing can be made of it.
    #[error(transparent)]
    NotDisguised(#[from] NotDisguised),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Others wait for their answers, or the host failed.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl App {
    /// A fixture that shows what becomes of a record by the revision in force, on the practice's day at `now`.
    ///
    /// # Errors
    /// Fails as [`FixtureError`] says.
    pub async fn fixture(
        &self,
        name: &ConnectionName,
        (kind, id): (RecordKind, ExternalId),
        now: Timestamp,
    ) -> Result<Disguised, FixtureError> {
        let connection = self.connections.get(name).ok_or_else(|| FixtureError::NoConnection(name.clone()))?;
        let json = self.store.kept_record(name.clone(), kind, id.clone()).await?;
        let json = json.ok_or_else(|| FixtureError::NoRecord(kind, id.clone(), name.clone()))?;
        let revision = connection.revision();
        let day = now.to_zoned(self.config.practice.time_zone.clone()).date();
        let dialect = connection.spec.dialect.clone();
        let by = MappedBy { revision: revision.id(), as_of: None };
        let others = self.store.kept_records(name.clone(), (kind, by), None, OTHERS).await?.records;
        let others: Vec<Vec<u8>> = others.into_iter().filter(|other| other.id != id).map(|other| other.raw).collect();
        let work = move || revision.fixture_of(&dialect, day, &RawInput { kind, id, json }, &others);
        Ok(queue::QUESTIONS.run(work).await??)
    }
}
