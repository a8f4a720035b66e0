//! The sync of a single client: read, mapped and merged within seconds, beside walks and without being one.
//!
//! It moves no walk's cursor, is no evidence of who is gone, and is kept as a run of its own that no list of the
//! connection's walks shows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::batch::CommitBatch;
use super::commit_lock::CommitLock;
use super::map;
use super::mapper::{Mapper, Sandboxed};
use super::walk::count_traffic;
use super::{SyncError, Syncs, let_in, queued};
use crate::connection::Connection;
use crate::crm::{Connector, CrmError, RawPage, Source};
use crate::domain::run::{ListCounts, Run, RunState, Trigger};
use crate::domain::{ConnectionName, Diagnostic, ExternalId, RecordKind};
use crate::store::Store;
use crate::store::seen::Seen;

/// A person waits for the answer, and a walk for its turn.
const LONGEST: Duration = Duration::from_secs(20);

/// The result of syncing one client.
#[derive(Debug)]
pub struct SyncedClient {
    /// The outcome in a word.
    pub outcome: ClientSyncOutcome,
    /// The run that did it; none where nothing was imported.
    pub run: Option<Run>,
    /// The mapping's diagnostics.
    pub diagnostics: Vec<Diagnostic>,
}

/// The outcome for the one client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientSyncOutcome {
    /// The client is new in the practice.
    Created,
    /// At least one stored field of the client changed.
    Changed,
    /// Everything about the client is as it was.
    Unchanged,
    /// A rule leaves the client out.
    LeftOut,
    /// The record cannot be used and is in quarantine.
    Quarantined,
    /// The CRM does not show the client to the connection's user. Nothing was changed: one look proves no departure.
    NotVisible,
}

impl ClientSyncOutcome {
    /// All outcomes.
    pub const ALL: &[Self] =
        &[Self::Created, Self::Changed, Self::Unchanged, Self::LeftOut, Self::Quarantined, Self::NotVisible];

    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::LeftOut => "left_out",
            Self::Quarantined => "quarantined",
            Self::NotVisible => "not_visible",
        }
    }

    fn of(run: &Run) -> Self {
        let counts = &run.counts;
        let has_changed = |list: &ListCounts| list.created + list.changed + list.gone > 0;
        match counts {
            _ if counts.created > 0 => Self::Created,
            _ if counts.changed > 0 || counts.lists.values().any(has_changed) => Self::Changed,
            _ if counts.quarantined > 0 => Self::Quarantined,
            _ if counts.skipped_total() > 0 => Self::LeftOut,
            _ => Self::Unchanged,
        }
    }
}

/// The reason why one client could not be synced.
#[derive(Debug, thiserror::Error)]
pub enum ClientSyncError {
    /// There is no such connection, or the store failed.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// The client has no id in the CRM.
    #[error("The client is not linked to the CRM, so that there is nothing to sync. Link the client first.")]
    NotLinked,
    /// The CRM failed.
    #[error(transparent)]
    Crm(#[from] CrmError),
    /// The CRM took too long.
    #[error("the CRM did not answer within {} seconds", LONGEST.as_secs())]
    TooSlow,
    /// This program failed.
    #[error("a fault in Tidegate: {0}")]
    Fault(String),
}

impl Syncs {
    /// Reads one client with its lists, maps and merges it now, in a few requests, whether or not a walk is under way.
    ///
    /// # Errors
    /// Returns an error if there is no such connection, it is paused or changed meanwhile, the CRM or the store fails;
    /// nothing was changed then.
    pub async fn one(&self, connection: &ConnectionName, client: &ExternalId) -> Result<SyncedClient, ClientSyncError> {
        if client.in_crm().is_none() {
            return Err(ClientSyncError::NotLinked);
        }
        let connection = self.connection(connection)?;
        let_in(&connection)?;
        connection.connector.release();
        let one = SingleClient {
            store: self.store.clone(),
            connector: Arc::clone(&connection.connector),
            mapper: Arc::new(Sandboxed::new(&connection, connection.revision(), self.today())),
            order: self.orders.of(&connection.name),
        };
        let synced = connection.gone.run_until_cancelled(one.sync(started(&connection), client)).await;
        if let Some(Ok(_)) = &synced {
            connection.came_through.notify_one();
        }
        synced.unwrap_or_else(|| Err(SyncError::UnknownConnection(connection.name.clone()).into()))
    }
}

fn started(connection: &Connection) -> Run {
    let run = queued(connection, Trigger::Client);
    Run { state: RunState::Running, started_at: Some(run.queued_at), ..run }
}

/// The parts that a single-client sync works with.
pub(super) struct SingleClient {
    pub store: Store,
    pub connector: Arc<dyn Connector>,
    pub mapper: Arc<dyn Mapper>,
    pub order: Arc<CommitLock>,
}

impl SingleClient {
    /// Reads, maps and merges; the turn is held throughout, so that a walk that read the client earlier commits
    /// before or gives way.
    pub async fn sync(&self, mut run: Run, client: &ExternalId) -> Result<SyncedClient, ClientSyncError> {
        let mut turn = self.order.turn().await;
        let lists = self.store.site_lists(run.connection.clone()).await.map_err(SyncError::from)?;
        self.connector.recall_site_lists(lists);
        let before = self.connector.traffic().totals();
        let asked = Instant::now();
        let reading = tokio::time::timeout(LONGEST, self.read(client));
        let Some((source, raw)) = reading.await.map_err(|_| ClientSyncError::TooSlow)?? else {
            return Ok(SyncedClient { outcome: ClientSyncOutcome::NotVisible, run: None, diagnostics: Vec::new() });
        };
        turn.note(source.kind, client.clone());
        let page = map::page(&self.store, &self.mapper, &run, &source, asked, raw).await;
        let page = page.map_err(|error| ClientSyncError::Fault(error.to_string()))?;
        count_traffic(&mut run.counts, self.connector.traffic().totals().since(before));
        run.state = RunState::Done;
        run.finished_at = Some(Timestamp::now());
        let mut gathered = CommitBatch::new(run);
        gathered.take(page, &mut Seen::default(), source.kind);
        let diagnostics = gathered.incoming_records.iter().flat_map(|incoming| incoming.diagnostics.clone()).collect();
        let group = gathered.into_group(self.mapper.as_ref(), source.kind, None);
        let run = self.store.commit(group).await.map_err(SyncError::from)?;
        Ok(SyncedClient { outcome: ClientSyncOutcome::of(&run), run: Some(run), diagnostics })
    }

    /// The record, by the first of the pack's sources that shows it.
    async fn read(&self, client: &ExternalId) -> Result<Option<(Source, RawPage)>, CrmError> {
        for source in self.mapper.sources().iter().filter(|source| source.kind == RecordKind::Client) {
            if let Some(page) = self.connector.one(source, client).await? {
                return Ok(Some((source.clone(), page)));
            }
        }
        Ok(None)
    }
}
