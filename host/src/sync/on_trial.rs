//! The mapping by a revision that is on trial: whatever it rejects is mapped by the revision before as well, and counted where
//! that one maps it. Where it is much, the breaker trips; who takes the revision back is woken, and nothing more of what it
//! makes is kept.
//!
//! What was counted follows from the store at the beginning of each run, so that neither a restart nor a run that failed
//! leaves anything out or counts it twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Syncs;
use super::mapper::{Mapper, Sandboxed};
use super::walk_error::{TakenBack, WalkError};
use crate::connection::{Connection, InForce, OnTrial};
use crate::crm::Source;
use crate::domain::absence::Threshold;
use crate::domain::trial::Tally;
use crate::domain::{ConnectionName, Date, Diagnostic, RecordKind, RevisionId};
use crate::pack::{PLUGIN_AT_FAULT, RawInput, Verdict};
use crate::queue;
use crate::store::Store;
use crate::store::kept_records::KeptRecord;

/// Records that are counted together at the beginning of a run …
const PART: usize = 500;
/// … and their bytes.
const PART_BYTES: usize = 4 << 20;

/// A mapper whose revision is on trial.
pub(super) struct Watched {
    pub connection: ConnectionName,
    pub mapper: Arc<dyn Mapper>,
    /// The mapper of the revision before; none where there is none to go back to.
    pub before: Option<Arc<dyn Mapper>>,
    pub trial: Arc<OnTrial>,
    pub threshold: Threshold,
    /// Notified when the breaker trips.
    pub tripped: Arc<Notify>,
    pub counts: Mutex<BTreeMap<RecordKind, Counts>>,
}

/// What was counted of the records of one kind.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    /// The number of records that are stored.
    whole: u64,
    tally: Tally,
}

impl Syncs {
    /// The mapping by the revision in force, for a run that keeps what it makes.
    pub(super) fn mapper_of(&self, connection: &Connection, as_of: Date) -> (Arc<dyn Mapper>, Option<Arc<OnTrial>>) {
        let InForce { revision, trial } = connection.in_force();
        let mapper: Arc<dyn Mapper> = Arc::new(Sandboxed::new(connection, revision, as_of));
        let Some(trial) = trial else { return (mapper, None) };
        let before = trial.before.clone().map(|before| Sandboxed::new(connection, before, as_of));
        let watched = Watched {
            connection: connection.name.clone(),
            mapper,
            before: before.map(|before| Arc::new(before) as Arc<dyn Mapper>),
            trial: Arc::clone(&trial),
            threshold: connection.spec.breaker,
            tripped: Arc::clone(&self.tripped),
            counts: Mutex::default(),
        };
        (Arc::new(watched), Some(trial))
    }

    /// Waits until the breaker trips over a revision of any connection.
    pub async fn until_tripped(&self) {
        self.tripped.notified().await;
    }

    /// Ends a trial where all that is stored was mapped by the revision and a walk by it came to its end, unless the
    /// breaker trips over all of it together.
    pub(super) async fn conclude(&self, connection: &Connection, trial: &Arc<OnTrial>) {
        if let Err(error) = self.try_to_conclude(connection, trial).await {
            // The next walk tries it again.
            tracing::warn!(connection = %connection.name, error = error.for_log(), "a revision's trial could not be concluded");
        }
    }

    async fn try_to_conclude(&self, connection: &Connection, trial: &Arc<OnTrial>) -> Result<(), WalkError> {
        let is_this = |other: &Option<Arc<OnTrial>>| other.as_ref().is_some_and(|other| Arc::ptr_eq(other, trial));
        let InForce { revision, trial: now } = connection.in_force();
        if !trial.is_walked() || !is_this(&now) || self.is_by_others(connection).await? {
            return Ok(());
        }
        let (watched, of) = self.mapper_of(connection, self.today());
        watched.begin(&self.store).await?;
        if !is_this(&of) || trial.tripped().is_some() {
            return Ok(());
        }
        self.store.end_trial(connection.name.clone(), revision.digest(), None).await?;
        connection.end_trial(trial);
        tracing::info!(connection = %connection.name, revision = %revision.id(), "the revision's trial is over, and it stays");
        Ok(())
    }
}

impl Watched {
    /// Counts what the revision made of records, and trips the breaker where it is too much.
    fn weigh(&self, records: &[RawInput], verdicts: &[Verdict]) {
        let mut found: BTreeMap<RecordKind, Tally> = BTreeMap::new();
        let mut suspects = Suspects::default();
        for (record, verdict) in records.iter().zip(verdicts) {
            found.entry(record.kind).or_default().tried += 1;
            if let Verdict::Rejected(diagnostics) = verdict {
                suspects.add(record.clone(), diagnostics);
            }
        }
        for (kind, is_failed) in suspects.rejected_anew(self.before.as_deref()) {
            let tally = found.entry(kind).or_default();
            tally.rejected += 1;
            tally.failed += u64::from(is_failed);
        }
        let mut counts = self.counts();
        for (kind, Tally { tried, rejected, failed }) in found {
            let tally = &mut counts.entry(kind).or_default().tally;
            tally.tried += tried;
            tally.rejected += rejected;
            tally.failed += failed;
        }
        self.trip(&counts);
    }

    fn trip(&self, counts: &BTreeMap<RecordKind, Counts>) {
        let over = counts.iter().find_map(|(kind, Counts { whole, tally })| {
            let promised = self.trial.promised.get(kind).copied().unwrap_or_default();
            tally.trip(*kind, *whole, promised, self.threshold)
        });
        if let Some(trip) = over {
            self.trial.trip(trip);
            self.tripped.notify_one();
        }
    }

    /// What was counted of one kind, from the store.
    async fn recount(&self, store: &Store, kind: RecordKind) -> Result<Counts, WalkError> {
        let (name, revision) = (&self.connection, self.mapper.revision());
        let (whole, tried) = store.count_mapped(name.clone(), (kind, revision)).await?;
        let mut tally = Tally { tried, ..Tally::default() };
        let mut place = None;
        loop {
            let most = (PART, PART_BYTES);
            let part = store.records_rejected_by(name.clone(), (kind, revision), place, most).await?;
            let mut suspects = Suspects::default();
            for KeptRecord { id, raw: json, made, .. } in part.records {
                let diagnostics = made.map(|made| made.diagnostics).unwrap_or_default();
                suspects.add(RawInput { kind, id, json }, &diagnostics);
            }
            if !suspects.records.is_empty() {
                let before = self.before.clone();
                let anew = queue::MAPPING.run(move || suspects.rejected_anew(before.as_deref())).await?;
                tally.rejected += anew.len() as u64;
                tally.failed += anew.iter().filter(|(_, is_failed)| *is_failed).count() as u64;
            }
            place = part.next;
            if place.is_none() {
                return Ok(Counts { whole, tally });
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<RecordKind, Counts>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records that the revision on trial rejected.
#[derive(Default)]
struct Suspects {
    records: Vec<RawInput>,
    /// Of each, whether it was rejected because the plugin failed.
    is_failed: Vec<bool>,
}

impl Suspects {
    fn add(&mut self, record: RawInput, said: &[Diagnostic]) {
        self.is_failed.push(said.iter().any(|said| PLUGIN_AT_FAULT.contains(&said.code.as_str())));
        self.records.push(record);
    }

    /// Those that the revision before does not reject, by their kinds, each with whether the plugin failed. Blocks the
    /// thread.
    fn rejected_anew(self, before: Option<&dyn Mapper>) -> Vec<(RecordKind, bool)> {
        let kinds: Vec<RecordKind> = self.records.iter().map(|record| record.kind).collect();
        let verdicts = before.filter(|_| !kinds.is_empty()).map(|before| before.map(&self.records));
        let all = kinds.into_iter().zip(self.is_failed);
        match verdicts {
            None => all.collect(),
            Some(verdicts) => {
                let is_new = |verdict: &Verdict| !matches!(verdict, Verdict::Rejected(_));
                all.zip(verdicts).filter(|(_, verdict)| is_new(verdict)).map(|(one, _)| one).collect()
            }
        }
    }
}

#[async_trait::async_trait]
impl Mapper for Watched {
    async fn begin(&self, store: &Store) -> Result<(), WalkError> {
        let mut counts = BTreeMap::new();
        for kind in RecordKind::ALL {
            counts.insert(*kind, self.recount(store, *kind).await?);
        }
        let mut known = self.counts();
        *known = counts;
        self.trip(&known);
        Ok(())
    }

    fn taken_back(&self) -> Option<TakenBack> {
        let before = self.before.as_ref()?.revision();
        Some(TakenBack { revision: self.revision(), before, trip: self.trial.tripped()? })
    }

    fn revision(&self) -> RevisionId {
        self.mapper.revision()
    }

    fn reads_as_of(&self, kind: RecordKind) -> bool {
        self.mapper.reads_as_of(kind)
    }

    fn as_of(&self) -> Date {
        self.mapper.as_of()
    }

    fn sources(&self) -> &[Source] {
        self.mapper.sources()
    }

    fn map(&self, records: &[RawInput]) -> Vec<Verdict> {
        // Nothing of it is kept: a plugin that takes its whole time over each record is not asked again.
        if self.taken_back().is_some() {
            return records.iter().map(|_| Verdict::Rejected(Vec::new())).collect();
        }
        let verdicts = self.mapper.map(records);
        self.weigh(records, &verdicts);
        verdicts
    }
}
