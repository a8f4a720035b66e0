//! The seam between a walk and the sandbox: raw records in, verdicts out.

use std::sync::Arc;

use super::walk_error::{TakenBack, WalkError};
use crate::connection::Connection;
use crate::crm::Source;
use crate::domain::{Date, RecordKind, RevisionId};
use crate::pack::{Context, RawInput, Revision, Verdict};
use crate::store::Store;

/// A mapper of a walk's records, the same from its beginning to its end.
#[async_trait::async_trait]
pub(super) trait Mapper: Send + Sync {
    /// Begins a run: what earlier ones found of a revision on trial is counted.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    async fn begin(&self, _store: &Store) -> Result<(), WalkError> {
        Ok(())
    }

    /// The reason why the revision is being taken back, so that nothing more of what it makes is to be kept; none while it
    /// is not.
    fn taken_back(&self) -> Option<TakenBack> {
        None
    }

    /// The revision that maps.
    fn revision(&self) -> RevisionId;

    /// Whether the mapping of a kind reads the day.
    fn reads_as_of(&self, kind: RecordKind) -> bool;

    /// The day for which the mapping is asked.
    fn as_of(&self) -> Date;

    /// The sources that are to be read from the CRM.
    fn sources(&self) -> &[Source];

    /// One verdict a record, in order. Blocks the thread.
    fn map(&self, records: &[RawInput]) -> Vec<Verdict>;
}

/// A pack revision with what holds for the walk.
pub(super) struct Sandboxed {
    revision: Arc<Revision>,
    context: Context,
}

impl Sandboxed {
    /// A revision of the connection's, whatever is put in force later.
    pub fn new(connection: &Connection, revision: Arc<Revision>, as_of: Date) -> Self {
        let context = connection.context(&revision, as_of);
        Self { revision, context }
    }
}

impl Mapper for Sandboxed {
    fn revision(&self) -> RevisionId {
        self.revision.id()
    }

    fn reads_as_of(&self, kind: RecordKind) -> bool {
        self.revision.reads_as_of(kind)
    }

    fn as_of(&self) -> Date {
        self.context.as_of
    }

    fn sources(&self) -> &[Source] {
        self.revision.sources()
    }

    fn map(&self, records: &[RawInput]) -> Vec<Verdict> {
        self.revision.map(&self.context, records)
    }
}
