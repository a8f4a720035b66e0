//! Mapping again what is kept, after another revision of the pack came in force: in the background, without the CRM, a part
//! at a time. A record that is of the revision in force already is passed over, so that it goes on where it stopped.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::active_runs::ActiveRuns;
use super::map::{judged, mapped_by};
use super::mapper::Mapper;
use super::progress::Progress;
use super::walk_error::WalkError;
use super::{SyncError, Syncs, log_end, queued};
use crate::connection::{Connection, OnTrial};
use crate::domain::run::{Run, RunState, Trigger};
use crate::domain::{ConnectionName, RecordKind};
use crate::pack::RawInput;
use crate::queue;
use crate::store::StoreError;
use crate::store::commit::{Group, IncomingRecord, Lists, MappedBy};
use crate::store::kept_records::KeptRecord;
use crate::store::raw::PackedRaw;
use crate::telemetry::figures;

/// Records that are read, mapped and committed together: whoever reads a client meanwhile waits for no more …
const PART: usize = 1_000;
/// … and their bytes.
const PART_BYTES: usize = 4 << 20;
/// The longest pause before it is tried again, in minutes.
const LONGEST_PAUSE: u64 = 30;

/// The pause before it is tried again after so many failures one after the other: a minute, then twice as long, up to half
/// an hour.
fn pause(failures: u32) -> Duration {
    let minutes = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(LONGEST_PAUSE);
    Duration::from_secs(60 * minutes.clamp(1, LONGEST_PAUSE))
}

impl Syncs {
    /// Maps again, in the background, what is kept of a connection and of another revision than the one in force. A walk
    /// that began by the revision before is waited for. Answers the run that tells how it goes; none where there is nothing to
    /// map, or the connection is not at work.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn map_again(&self, name: &ConnectionName) -> Result<Option<Run>, StoreError> {
        self.map_again_after(name, 0).await
    }

    /// The same, after so many runs that failed one after the other.
    async fn map_again_after(&self, name: &ConnectionName, failures: u32) -> Result<Option<Run>, StoreError> {
        let Some(connection) = self.connections.get(name) else { return Ok(None) };
        if !self.is_by_others(&connection).await? {
            return Ok(None);
        }
        let run = queued(&connection, Trigger::Revision);
        self.store.keep_run(run.clone()).await?;
        self.spawn_mapping_again(&connection, run.clone(), failures);
        Ok(Some(run))
    }

    /// Goes on with what an earlier process did not end, or did not come to begin.
    pub(super) async fn resume_mapping_again(&self) -> Result<(), SyncError> {
        let unfinished = self.store.unfinished_remappings().await?;
        for connection in self.connections.all().iter() {
            if !unfinished.iter().any(|run| run.connection == connection.name) {
                self.map_again(&connection.name).await?;
            }
        }
        for run in unfinished {
            match self.connections.get(&run.connection) {
                Some(connection) => self.spawn_mapping_again(&connection, run, 0),
                None => {
                    let error = "The connection is not at work. What was not mapped again is mapped by its next sync.";
                    let (state, error) = (RunState::Cancelled, Some(error.to_owned()));
                    let run = Run { state, error, finished_at: Some(Timestamp::now()), ..run };
                    self.store.keep_run(run.clone()).await?;
                    log_end(&run, Some("the connection is not at work"));
                }
            }
        }
        Ok(())
    }

    /// Whether a record is kept that was mapped by another revision than the one in force.
    pub(super) async fn is_by_others(&self, connection: &Connection) -> Result<bool, StoreError> {
        let revision = connection.revision();
        let by = MappedBy { revision: revision.id(), as_of: None };
        for kind in RecordKind::ALL.iter().copied().filter(|kind| revision.reads(*kind)) {
            let first =
                self.store.records_by_others(connection.name.clone(), (kind, by), None, (1, PART_BYTES)).await?;
            if !first.records.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn spawn_mapping_again(&self, connection: &Arc<Connection>, run: Run, failures: u32) {
        let (progress, changes) = Progress::new(run.clone());
        let stop = connection.gone.child_token();
        let (mapper, trial) = self.mapper_of(connection, self.today());
        let again = Again {
            syncs: self.clone(),
            mapper,
            trial,
            connection: Arc::clone(connection),
            progress,
            stop: stop.clone(),
            failures,
        };
        let under_way = Arc::clone(&self.under_way);
        self.under_way.start(changes, stop, true, move |id| async move {
            let _ending = Arc::clone(&under_way).until_dropped(id);
            again.run(run, &under_way).await;
        });
    }
}

/// What is kept of a connection, to be mapped again.
struct Again {
    syncs: Syncs,
    connection: Arc<Connection>,
    mapper: Arc<dyn Mapper>,
    /// The trial that the revision is on.
    trial: Option<Arc<OnTrial>>,
    progress: Progress,
    stop: tokio_util::sync::CancellationToken,
    /// The runs before it that failed, one after the other.
    failures: u32,
}

impl Again {
    async fn run(mut self, mut run: Run, under_way: &ActiveRuns) {
        let lock = self.syncs.mapping_again.of(&self.connection.name);
        let _turn = lock.turn().await;
        run.state = RunState::Running;
        run.started_at = run.started_at.or(Some(Timestamp::now()));
        self.progress.state(&run);
        let outcome = self.go(&mut run).await;
        let reason = outcome.as_ref().err().map(WalkError::for_log);
        match outcome {
            // The host goes down: it goes on when it comes up again.
            Err(WalkError::Stopped) if under_way.is_shutting_down() => return,
            Ok(()) => run.state = RunState::Done,
            Err(WalkError::Stopped) => {
                run.state = RunState::Cancelled;
                let why = "Another revision came in force meanwhile, or somebody ended it. What was not mapped again is mapped by the next sync.";
                run.error = Some(why.to_owned());
            }
            Err(error) => {
                let is_taken_back = matches!(error, WalkError::TakenBack(_));
                run.state = if is_taken_back { RunState::Cancelled } else { RunState::Failed };
                run.error = Some(super::in_words(&error));
            }
        }
        run.finished_at = Some(Timestamp::now());
        if let Err(error) = self.syncs.store.keep_run(run.clone()).await {
            tracing::error!(run = %run.id, %error, "the end of a run could not be kept; it goes on at the next start");
        }
        log_end(&run, reason.as_deref());
        figures::run_ended(&run);
        self.progress.state(&run);
        if let Some(trial) = self.trial.as_ref().filter(|_| run.state == RunState::Done) {
            self.syncs.conclude(&self.connection, trial).await;
        }
        if run.state == RunState::Failed {
            self.try_later();
        }
    }

    /// Tries it again by and by, as long as the revision is in force: what kept it from its end, such as a full disk, passes.
    fn try_later(self) {
        let failures = self.failures.saturating_add(1);
        tokio::spawn(async move {
            tokio::select! {
                () = self.connection.gone.cancelled() => return,
                () = tokio::time::sleep(pause(failures)) => {}
            }
            if self.connection.revision().id() != self.mapper.revision() {
                return;
            }
            let tried = self.syncs.map_again_after(&self.connection.name, failures).await;
            if let Err(error) = tried {
                tracing::error!(connection = %self.connection.name, %error, "what is stored could not be mapped again");
                Self { failures, ..self }.try_later();
            }
        });
    }

    async fn go(&mut self, run: &mut Run) -> Result<(), WalkError> {
        self.wait_for_walk(run).await?;
        self.mapper.begin(&self.syncs.store).await?;
        if run.expected.is_none() {
            let name = &self.connection.name;
            run.expected = Some(self.syncs.store.count_kept_records(name.clone(), RecordKind::Client).await?);
        }
        self.syncs.store.keep_run(run.clone()).await?;
        let order = self.syncs.orders.of(&self.connection.name);
        let revision = self.connection.revision();
        // What the rules do not read stays as it is, as it does in a walk.
        for kind in RecordKind::ALL.iter().copied().filter(|kind| revision.reads(*kind)) {
            let by = mapped_by(self.mapper.as_ref(), kind);
            let mut place = None;
            loop {
                // From reading to commit: what a walk or a single client brings meanwhile is newer.
                let turn = order.turn().await;
                if self.stop.is_cancelled() || self.connection.revision().id() != self.mapper.revision() {
                    return Err(WalkError::Stopped);
                }
                let name = self.connection.name.clone();
                let part = self.syncs.store.records_by_others(name, (kind, by), place, (PART, PART_BYTES)).await?;
                if kind == RecordKind::Client {
                    run.counts.seen += part.records.len() as u64;
                }
                if !part.records.is_empty() {
                    let incoming = self.mapped(kind, part.records).await?;
                    if let Some(taken_back) = self.mapper.taken_back() {
                        return Err(WalkError::TakenBack(taken_back));
                    }
                    *run = self.syncs.store.commit(self.group(run, kind, incoming)).await?;
                }
                drop(turn);
                self.progress.counts(run);
                place = part.next;
                if place.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Waits for the walk that began before: it ends by its own revision, and what it brings is mapped again.
    async fn wait_for_walk(&self, run: &Run) -> Result<(), WalkError> {
        while let Some(walk) = self.syncs.under_way.run_of(&self.connection.name) {
            let Some(mut changes) = self.syncs.under_way.watch(walk.id).filter(|_| walk.queued_at < run.queued_at)
            else {
                return Ok(());
            };
            tokio::select! {
                () = self.stop.cancelled() => return Err(WalkError::Stopped),
                ended = changes.wait_for(|walk| walk.state.is_finished()) => drop(ended),
            }
            // It is counted as over a moment after it said so.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn mapped(&self, kind: RecordKind, records: Vec<KeptRecord>) -> Result<Vec<IncomingRecord>, WalkError> {
        let mapper = Arc::clone(&self.mapper);
        let work = move || {
            let fingerprints: Vec<u128> = records.iter().map(|record| record.fingerprint).collect();
            let input = |record: KeptRecord| RawInput { kind, id: record.id, json: record.raw };
            let inputs: Vec<RawInput> = records.into_iter().map(input).collect();
            let verdicts = mapper.map(&inputs);
            let outcomes = inputs.into_iter().zip(fingerprints).zip(verdicts);
            let incoming = |((input, fingerprint), verdict): ((RawInput, u128), _)| {
                let (outcome, diagnostics) = judged(kind, &input.id, verdict);
                // The raw record stays as it is kept.
                let (raw, emptied) = (PackedRaw::default(), Vec::new());
                IncomingRecord { id: input.id, fingerprint, raw, outcome, diagnostics, emptied }
            };
            outcomes.map(incoming).collect()
        };
        Ok(queue::MAPPING.run(work).await?)
    }

    fn group(&self, run: &Run, kind: RecordKind, incoming: Vec<IncomingRecord>) -> Group {
        let by = mapped_by(self.mapper.as_ref(), kind);
        let of_list = |incoming_records| Lists { kind, by, incoming_records, missed_again: Vec::new() };
        let (incoming_records, below) =
            if kind.is_listed() { (Vec::new(), vec![of_list(incoming)]) } else { (incoming, Vec::new()) };
        Group {
            run: run.clone(),
            kind: if kind.is_listed() { RecordKind::Client } else { kind },
            by,
            incoming_records,
            below,
            seen: None,
            position: None,
            at: Timestamp::now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_tried_again_by_and_by() {
        let minutes = [1, 2, 3, 6, 40].map(|failures| pause(failures).as_secs() / 60);
        assert_eq!(minutes, [1, 2, 4, 30, 30]);
    }
}
